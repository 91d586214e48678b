"""Contract 1, 2 and 5 of the architecture, for every network and variant."""

from __future__ import annotations

import copy
import io
import pickle

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from segtcn.models import FACT, ASFormer, SegmentationModel
from segtcn.models.base import build_network
from segtcn.segmenter import Segmenter
from segtcn.structures import IGNORE, Batch, Output
from tests.models.networks import IN_CHANNELS, NETWORKS, NUM_CLASSES, UNTRACEABLE

LENGTHS = [1, 2, 3, 4, 5, 7, 8, 16, 31]
WITHOUT_INFLUENCE = {  # the first window is one frame, with nothing to weigh; the authors' network has them too
    ASFormer: (".layers.0.attention.query.", ".layers.0.attention.key."),
    FACT: ("token_layers.0.attention.in_proj_weight",),  # all tokens begin as zeros, and attend to the same
}


@pytest.fixture(params=NETWORKS)
def net(request) -> SegmentationModel:
    return build(request.param)


def build(name: str) -> SegmentationModel:
    torch.manual_seed(0)
    return randomise(NETWORKS[name]()).eval()


def randomise(net: SegmentationModel) -> SegmentationModel:
    """Non-zero biases: a bias on padding is how padding usually leaks."""
    for parameter in net.parameters():
        if parameter.ndim == 1:
            torch.nn.init.uniform_(parameter, -0.5, 0.5)
    return net


def without_dropout(net: SegmentationModel) -> SegmentationModel:
    for module in net.modules():
        if isinstance(module, _DropoutNd):
            module.p = 0.0
        elif isinstance(module, nn.MultiheadAttention | nn.RNNBase):
            module.dropout = 0.0
    return net


def seeded(net: SegmentationModel, x: Tensor, mask: Tensor | None = None) -> Output:
    """Run with the same random numbers every time, for networks that draw a resolution in training."""
    torch.manual_seed(1)
    return net(x, mask)


def assert_same(output: Output, expected: Output, num_frames: int, atol: float = 1e-5) -> None:
    """All stages of both branches agree on the first ``num_frames`` frames."""
    assert (output.tokens is None) == (expected.tokens is None)
    for actual, wanted in zip(output[:2], expected[:2], strict=True):
        assert (actual is None) == (wanted is None)
        if actual is not None:
            torch.testing.assert_close(actual[..., :num_frames], wanted, atol=atol, rtol=0)


def energy(output: Output, mask: Tensor | None = None) -> Tensor:
    """Something to differentiate that every output of a real frame takes part in."""
    squares = [field.square().sum(dim=0) for field in output[:2] if field is not None]
    if mask is not None:
        squares = [field * (mask if field.ndim == 2 else mask[:, None]) for field in squares]
    return torch.stack([field.sum() for field in squares]).sum()


def causal(net: SegmentationModel) -> SegmentationModel:
    if not net.causal:
        pytest.skip("not causal")
    return net


def influence(net: SegmentationModel, frame: int, num_frames: int) -> Tensor:
    """Largest absolute gradient of the logits of a frame by every input frame, over several inputs, ``(T,)``."""
    inputs = 80
    x = torch.randn(inputs, IN_CHANNELS, num_frames, requires_grad=True)
    (net(x).logits[-1, :, :, frame] * torch.randn(inputs, NUM_CLASSES)).sum().backward()
    return x.grad.abs().amax(dim=(0, 1))


def test_every_frame_gets_one_logit_for_every_class_and_one_label(net):
    for num_frames in LENGTHS:
        output = net(torch.randn(2, IN_CHANNELS, num_frames))
        labels = net.decode(output)
        assert output.logits.shape[1:] == (2, NUM_CLASSES, num_frames)
        assert output.logits.isfinite().all()
        assert (labels.shape, labels.dtype) == ((2, num_frames), torch.int64)
        assert 0 <= labels.min() <= labels.max() < NUM_CLASSES
        if output.boundaries is None:
            assert torch.equal(labels, output.logits[-1].argmax(dim=1))
        else:
            assert output.boundaries.shape[1:] == (2, num_frames)


@torch.no_grad()
@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
def test_padding_changes_nothing(net, training):
    net = without_dropout(net).train(training)
    for num_frames in LENGTHS:
        x = torch.randn(1, IN_CHANNELS, num_frames)
        before = x.clone()
        alone = seeded(net, x)
        assert torch.equal(x, before)  # nothing is computed in place
        for padding in (1, 2, 3, 20):
            garbage = torch.full((1, IN_CHANNELS, padding), 1e3)
            mask = torch.arange(num_frames + padding) < num_frames
            padded = seeded(net, torch.cat([x, garbage], dim=-1), mask[None])
            assert_same(padded, alone, num_frames)
            assert torch.equal(net.decode(padded, mask[None])[:, :num_frames], net.decode(alone))


@torch.no_grad()
def test_padding_changes_nothing_that_the_loss_of_training_gets(net):
    """With the labels as an input where the network learns from them; elsewhere it is what the network returns."""
    net, x, labels = without_dropout(net).train(), torch.randn(2, IN_CHANNELS, 20), torch.randint(NUM_CLASSES, (2, 20))
    outputs = []
    for padding in (0, 7):
        mask = F.pad(torch.ones(2, 20, dtype=torch.bool), (0, padding))
        batch = Batch(F.pad(x, (0, padding), value=9.0), F.pad(labels, (0, padding), value=IGNORE), mask)
        torch.manual_seed(1)
        outputs.append(net.training_output(batch))
    assert_same(outputs[1], outputs[0], 20)
    if not net.learns_from_labels:
        assert_same(outputs[0], seeded(net, x, torch.ones(2, 20, dtype=torch.bool)), 20)


def test_a_video_scores_the_same_in_any_batch(net):
    lengths = [9, 30, 17, 1]
    videos = [torch.randn(IN_CHANNELS, length) for length in lengths]
    batch, mask = torch.full((4, IN_CHANNELS, 30), 7.0), torch.zeros(4, 30, dtype=torch.bool)
    for i, video in enumerate(videos):
        batch[i, :, : lengths[i]], mask[i, : lengths[i]] = video, True
    together = net(batch, mask)
    labels = net.decode(together, mask)
    for i, video in enumerate(videos):
        alone = net(video[None])
        of_this = Output(*(None if field is None else field[:, i : i + 1] for field in together[:2]))
        assert_same(of_this, alone._replace(tokens=None), lengths[i])
        assert torch.equal(labels[i, : lengths[i]], net.decode(alone)[0])


def test_padding_has_no_gradient(net):
    x = torch.randn(1, IN_CHANNELS, 20, requires_grad=True)
    mask = torch.arange(20)[None] < 13
    net(x, mask).logits[..., :13].square().sum().backward()
    assert x.grad[..., 13:].abs().max() == 0
    assert x.grad[..., :13].abs().max() > 0


def test_receptive_field_is_the_stated_one(net):
    left, right = net.receptive_field
    if left is None or right is None:
        pytest.skip("unbounded")
    num_frames = left + right + 24
    first, last = 0, 0
    for frame in range(left, left + 16):  # every place in a pooling window
        seen = influence(net, frame, num_frames).nonzero()[:, 0]
        first, last = max(first, frame - int(seen.min())), max(last, int(seen.max()) - frame)
    assert (first, last) == (left, right)


def test_unbounded_receptive_field_reaches_the_ends_of_the_video(net):
    left, right = net.receptive_field
    if left is not None and right is not None:
        pytest.skip("bounded")
    seen = influence(net, frame=20, num_frames=41).nonzero()[:, 0]
    assert (int(seen.min()), int(seen.max())) == (0 if left is None else 20 - left, 40 if right is None else 20 + right)


def test_causal_network_ignores_the_future(net):
    causal(net)
    for frame in range(16, 33):
        seen = influence(net, frame, num_frames=40)
        assert seen[frame + 1 :].max() == 0
        assert seen[frame - 15 : frame + 1].max() > 0  # pooling may hide the newest frames


CHUNKS = [[1] * 41, [2] * 20 + [1], [5] * 8 + [1], [41], [1, 7, 2, 1, 1, 12, 3, 14]]


def test_streaming_equals_offline(net):
    causal(net)
    x = torch.randn(2, IN_CHANNELS, 41)
    for chunks in CHUNKS:
        state, outputs = net.initial_state(2), []
        for frames in x.split(chunks, dim=-1):
            output, state = net.step(frames, state)
            outputs.append(output.logits)
        torch.testing.assert_close(torch.cat(outputs, dim=-1), net(x).logits, atol=1e-5, rtol=0)


def test_network_that_sees_the_future_says_how_much_it_needs(net):
    if net.causal:
        pytest.skip("causal")
    future = net.receptive_field[1]
    message = "needs all future frames" if future is None else f"needs {future} future frames"
    with pytest.raises(ValueError, match=message):
        net.initial_state()
    with pytest.raises(ValueError, match=message):
        net.step(torch.randn(1, IN_CHANNELS, 4), None)


def test_gradients_reach_every_parameter(net):
    energy(net(torch.randn(2, IN_CHANNELS, 64))).backward()
    unreached = [
        name for name, parameter in net.named_parameters() if parameter.grad is None or not parameter.grad.any()
    ]
    expected = WITHOUT_INFLUENCE.get(type(net), ())
    assert not [name for name in unreached if not any(part in name for part in expected)]


def test_evaluation_is_deterministic_and_training_is_random_where_there_is_dropout(net):
    x = torch.randn(1, IN_CHANNELS, 20)
    assert torch.equal(net(x).logits, net(x).logits)
    if any(isinstance(module, _DropoutNd) and module.p > 0 for module in net.modules()):
        assert not torch.equal(net.train()(x).logits, net(x).logits)


def test_the_constructor_call_rebuilds_the_network_from_a_safe_file_and_copies_are_equal(net):
    file = io.BytesIO()
    torch.save(net.spec, file)
    file.seek(0)
    rebuilt = build_network(torch.load(file, weights_only=True)).eval()
    rebuilt.load_state_dict(net.state_dict())
    x = torch.randn(1, IN_CHANNELS, 20)
    for twin in (rebuilt, copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert torch.equal(twin(x).logits, net(x).logits)
        assert twin.spec == net.spec
    assert (rebuilt.in_channels, rebuilt.num_classes, rebuilt.causal) == (IN_CHANNELS, NUM_CLASSES, net.causal)


def test_a_network_without_a_constructor_of_its_own_records_its_call_too():
    class Nothing(SegmentationModel):
        """Has no layers."""

    assert Nothing(4, num_classes=3).init_args == {"in_channels": 4, "num_classes": 3, "causal": False}


def test_a_checkpoint_reproduces_the_logits_exactly(net, tmp_path):
    Segmenter(net).save(tmp_path / "net.ckpt")
    loaded = Segmenter.load(tmp_path / "net.ckpt")
    x = torch.randn(1, IN_CHANNELS, 20)
    for actual, expected in zip(loaded.net(x)[:2], net(x)[:2], strict=True):
        assert actual is expected is None or torch.equal(actual, expected)


def test_bfloat16_autocast_stays_near_single_precision(net):
    """Within 5 % of the largest logit: bfloat16 has 8 bits, and a deep network adds up their errors."""
    x, mask = torch.randn(2, IN_CHANNELS, 30), torch.arange(30)[None] < torch.tensor([[30], [17]])
    expected = net(x, mask).logits
    with torch.autocast("cpu", torch.bfloat16):
        logits = net(x, mask).logits.float()
    real = mask[None, :, None].expand_as(logits)
    assert (logits - expected)[real].abs().max() <= 0.05 * expected[real].abs().max()


# Tracing takes a second, compiling half a minute: every class once, causal and not, by its smallest variant; the others
# are slow tests
BUILT = sorted(((name, make()) for name, make in NETWORKS.items()), key=lambda pair: -len([*pair[1].modules()]))
FIRST = {(type(net), net.causal): name for name, net in BUILT if name not in UNTRACEABLE}
# of these, tracing the gradients takes five seconds
LARGE = {name for name in NETWORKS if name.startswith(("ASFormer", "C2FTCN", "DiffAct", "FACT", "LTContext"))}


def each_traced(first: set[str]) -> pytest.MarkDecorator:
    traced = [name for name in NETWORKS if name not in UNTRACEABLE]
    names = [name if name in first else pytest.param(name, marks=pytest.mark.slow) for name in traced]
    return pytest.mark.parametrize("name", names)


def test_a_network_whose_shapes_depend_on_the_video_refuses_to_be_exported():
    net, x = build("FACT"), torch.randn(2, IN_CHANNELS, 30)
    with pytest.raises(Exception, match="FACT cannot be exported or compiled: the number of its segments depends"):
        torch.export.export(net, (x, torch.ones(2, 30, dtype=torch.bool)))


@each_traced({*FIRST.values()})
@pytest.mark.filterwarnings("ignore:The tensor attributes .*_flat_weights:UserWarning")  # of PyTorch's LSTM
def test_export_reproduces_the_logits(name):
    net = build(name)
    x, mask = torch.randn(2, IN_CHANNELS, 30), torch.arange(30)[None] < torch.tensor([[30], [17]])
    exported = torch.export.export(net, (x, mask)).module()
    for actual, expected in zip(exported(x, mask)[:2], net(x, mask)[:2], strict=True):
        assert (actual is None) == (expected is None)
        if expected is not None:  # on padding, outputs are undefined
            real = mask[:, None] if expected.ndim == 4 else mask
            torch.testing.assert_close(actual * real, expected * real, atol=1e-5, rtol=0)


@each_traced({*FIRST.values()} - LARGE)
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")  # Dynamo, which breaks off at an LSTM
def test_tracing_reproduces_logits_and_gradients(name):
    assert_compiles(build(name), "aot_eager")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")  # Dynamo, which breaks off at an LSTM
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")  # inductor's own
@pytest.mark.parametrize("name", {network: name for (network, _), name in FIRST.items()}.values())
def test_compilation_reproduces_logits_and_gradients(name):
    assert_compiles(build(name), "inductor")


def assert_compiles(net: SegmentationModel, backend: str) -> None:
    torch.compiler.reset()
    x, mask = torch.randn(2, IN_CHANNELS, 30), torch.arange(30)[None] < torch.tensor([[30], [17]])
    results = []
    for run in (net, torch.compile(net, backend=backend)):
        net.zero_grad()
        output = run(x, mask)
        energy(output, mask).backward()
        real = output.logits.detach() * mask[None, :, None]
        results.append((real, [parameter.grad.clone() for parameter in net.parameters()]))
    (expected, expected_gradients), (logits, gradients) = results
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=0)
    for actual, wanted in zip(gradients, expected_gradients, strict=True):
        torch.testing.assert_close(actual, wanted, atol=1e-5 * max(1.0, float(wanted.abs().max())), rtol=0)
