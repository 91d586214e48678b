"""What a CPU takes instead of PyTorch's: the convolution as matrix products, and dropout that draws bits."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from segtcn.layers import Dropout, TemporalConv1d, kernels
from segtcn.layers.residual import DilatedResidualLayer
from tests.models.networks import IN_CHANNELS, NETWORKS


@pytest.fixture
def products(monkeypatch):
    monkeypatch.setattr(kernels, "products_pay", lambda *_: True)


@pytest.fixture(params=[1, 2, 3])
def num_threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.usefixtures("products", "num_threads")
@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize("num_frames", [1, 7, 1001])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("kernel_size", "dilation"), [(1, 1), (3, 1), (4, 3), (3, 700)])
def test_products_equal_the_convolution(kernel_size, dilation, causal, num_frames, batch_size):
    conv = TemporalConv1d(4, 3, kernel_size, dilation=dilation, causal=causal, bias=not causal).double()
    x = torch.randn(batch_size, 4, num_frames, dtype=torch.double, requires_grad=True)
    lengths = torch.randint(1, num_frames + 1, (batch_size, 1))
    for mask in (None, torch.arange(num_frames) < lengths):
        real = x if mask is None or kernel_size == 1 else x * mask[:, None]
        expected = F.conv1d(F.pad(real, conv.reach), conv.weight, conv.bias, dilation=dilation)
        y = conv(x, mask)
        torch.testing.assert_close(y, expected)
        with torch.no_grad():
            torch.testing.assert_close(conv(x, mask), expected)
        grad, inputs = torch.randn_like(y), [x, *conv.parameters()]
        torch.testing.assert_close(torch.autograd.grad(y, inputs, grad), torch.autograd.grad(expected, inputs, grad))


@pytest.mark.usefixtures("products")
def test_a_stream_of_large_chunks_equals_the_whole():
    conv = TemporalConv1d(4, 3, 3, dilation=5, causal=True).double()
    x = torch.randn(1, 4, 2000, dtype=torch.double)
    state, chunks = conv.initial_state(1), []
    for frames in x.split([1, 999, 1000], dim=-1):
        y, state = conv.step(frames, state)
        chunks.append(y)
    torch.testing.assert_close(torch.cat(chunks, dim=-1), conv(x))


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_compute_the_same_with_products(name, monkeypatch):
    torch.manual_seed(0)
    net = NETWORKS[name]().double().eval()
    x, mask = torch.randn(2, IN_CHANNELS, 40).double(), torch.arange(40) < torch.tensor([[40], [23]])
    results = []
    for pay in (False, True):
        monkeypatch.setattr(kernels, "products_pay", lambda *_, pay=pay: pay)
        logits = net(x, mask).logits.masked_fill(~mask[:, None], 0)
        grads = torch.autograd.grad(logits.square().sum(), list(net.parameters()), materialize_grads=True)
        results.append((logits, *grads))
    torch.testing.assert_close(*results)


@pytest.mark.usefixtures("products")
def test_the_output_may_be_changed_in_place():
    conv = TemporalConv1d(4, 3, 3)
    x = torch.randn(1, 4, 1001)
    weights = [*conv.parameters()]
    grads = [torch.autograd.grad(F.relu(conv(x), inplace=inplace).sum(), weights) for inplace in (False, True)]
    torch.testing.assert_close(*grads)


@pytest.mark.usefixtures("products")
def test_a_second_derivative_is_refused_rather_than_wrong():
    conv = TemporalConv1d(2, 2, 3)
    x = torch.randn(1, 2, 9, requires_grad=True)
    (grad,) = torch.autograd.grad(conv(x).square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        grad.sum().backward()


def test_the_large_convolutions_of_a_compiled_or_exported_network_stay_convolutions():
    conv = TemporalConv1d(64, 64, 3, dilation=2).eval()
    x = torch.randn(1, 64, 2000)
    assert kernels.products_pay(x, conv.weight, 2)
    exported = torch.export.export(conv, (x,))
    assert any("conv1d" in str(node.target) for node in exported.graph.nodes)
    torch.testing.assert_close(exported.module()(x), conv(x))
    with torch.autocast("cpu", torch.bfloat16):
        assert conv(x).dtype == torch.bfloat16


@pytest.mark.parametrize("p", [0.5, 0.25, 0.1, 0.3, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_drops_at_the_rate_and_keeps_the_mean(p, dtype):
    torch.manual_seed(0)
    x = torch.ones(3, 70, 1001, dtype=dtype)
    y = Dropout(p)(x).double()
    deviation = (p * (1 - p) / x.numel()) ** 0.5
    assert abs((y == 0).double().mean() - p) < 5 * deviation
    assert len(y.unique()) == 2
    assert y.max() == pytest.approx(1 / (1 - p), rel=0.01 if dtype == torch.bfloat16 else 1e-3)


def test_values_are_dropped_independently_of_their_neighbours():
    torch.manual_seed(0)
    kept = (Dropout(0.5)(torch.ones(2**17)) > 0).double() - 0.5
    for distance in (1, 2, 3, 4, 7, 8, 16, 64):
        assert (kept[distance:] * kept[:-distance]).mean().abs() < 5 * 0.25 / 2**8.5


def test_a_residual_layer_drops_single_values_of_what_it_adds():
    layer, x = DilatedResidualLayer(8, dropout=0.5).train(), torch.randn(1, 8, 1000)
    dropped = layer(x) == x
    assert 0.45 < dropped.float().mean() < 0.55
    assert not dropped.all(dim=-1).any()


def test_the_gradient_is_dropped_where_the_value_is():
    x = torch.randn(2, 5, 33, requires_grad=True)
    y = Dropout(0.25)(x)
    y.sum().backward()
    assert torch.equal(y, x * x.grad)


@pytest.mark.parametrize("p", [0, 0.0, 1e-6, 1 - 1e-6, 1.0, 1])
def test_almost_none_and_almost_all(p):
    y = Dropout(p)(torch.ones(1000))
    assert (y == 0).double().mean() == pytest.approx(p, abs=0.01)


def test_dropout_of_any_shape_goes_by_the_seed_and_only_in_training():
    dropout, x = Dropout(0.5), torch.ones(100)
    torch.manual_seed(3)
    first, second = dropout(x), dropout(x)
    torch.manual_seed(3)
    assert torch.equal(dropout(x), first)
    assert not torch.equal(first, second)
    assert [dropout(torch.ones(shape)).shape for shape in ((), (0, 3))] == [(), (0, 3)]
    assert dropout(torch.ones(5, 3).T).unique().numel() <= 2
    assert dropout.eval()(x) is x


def test_compiles():
    torch.compiler.reset()
    y = torch.compile(Dropout(0.5), backend="aot_eager")(torch.ones(1000))
    assert 0.4 < (y == 0).float().mean() < 0.6
