"""C2F-TCN against the published description: equations, ensemble, resolutions."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from segtcn.models import C2FTCN
from segtcn.models.c2f_tcn import _window_distribution


def small(**arguments) -> C2FTCN:
    torch.manual_seed(0)
    arguments = {"ensemble_weights": (1, 1), **arguments}
    return C2FTCN(5, 3, (6, 7, 8), 6, pyramid_windows=(2, 3), **arguments).eval()


def test_the_equations_of_the_paper():
    """Written once more with torch's own layers, for a length that every pooling divides."""
    net, features = small(ensemble_weights=(1, 0.5)), torch.randn(2, 5, 24)
    weights = {name: torch.rand_like(value) - 0.5 for name, value in net.named_parameters()}
    weights |= {name: torch.rand_like(value) + 0.5 for name, value in net.named_buffers() if value.ndim}
    net.load_state_dict(weights, strict=False)

    def block(x: Tensor, name: str) -> Tensor:
        for i in (1, 2):
            x = F.conv1d(x, weights[f"{name}.conv_{i}.weight"], weights[f"{name}.conv_{i}.bias"], padding=2)
            mean, var, scale, shift = (
                weights[f"{name}.norm_{i}.{field}"] for field in ("running_mean", "running_var", "weight", "bias")
            )
            x = F.relu(F.batch_norm(x, mean, var, scale, shift))
        return x

    def stretch(x: Tensor, num_frames: int) -> Tensor:
        return F.interpolate(x, size=num_frames, mode="linear", align_corners=True)

    def conv_1x1(x: Tensor, name: str) -> Tensor:
        return F.conv1d(x, weights[f"{name}.weight"], weights[f"{name}.bias"])

    fine = block(features, "encoder.0")
    middle = block(F.max_pool1d(fine, 2), "encoder.1")
    coarse = block(F.max_pool1d(middle, 2), "encoder.2")
    pyramid = [stretch(conv_1x1(F.max_pool1d(coarse, window), "pyramid.conv"), 6) for window in (2, 3)]
    x = block(torch.cat([middle, stretch(torch.cat([*pyramid, coarse], dim=1), 12)], dim=1), "decoder.0")
    y = block(torch.cat([fine, stretch(x, 24)], dim=1), "decoder.1")
    levels = [stretch(conv_1x1(x, "heads.0"), 24), conv_1x1(y, "heads.1")]
    probabilities = (0.5 * levels[0].softmax(dim=1) + 1.0 * levels[1].softmax(dim=1)) / 1.5
    expected = torch.stack([*(level.softmax(dim=1) for level in levels), probabilities])
    torch.testing.assert_close(net(features).logits.exp(), expected)


def test_a_level_without_weight_does_not_predict():
    logits = small(ensemble_weights=(1, 0))(torch.randn(1, 5, 30)).logits
    assert torch.equal(logits[-1], logits[1])  # the finest level, second to last
    assert not torch.equal(logits[-1], logits[0])


def test_evaluation_averages_the_probabilities_of_the_windows():
    features = torch.randn(1, 5, 31)
    one, two, both = (small(eval_windows=windows)(features).logits.exp() for windows in ([2], [3], [2, 3, 3]))
    torch.testing.assert_close(both, (one + 2 * two) / 3)


def test_a_window_is_one_frame_of_the_network():
    """Pooled by hand and repeated by hand; the last window has one frame."""
    features = torch.randn(1, 5, 31)
    pooled = F.max_pool1d(features, 3, ceil_mode=True)
    expected = small()(pooled).logits.repeat_interleave(3, dim=-1)[..., :31]
    torch.testing.assert_close(small(window=3)(features).logits, expected)


def test_windows_of_training_are_those_of_the_code():
    assert _window_distribution(1, 2.0) == {1: 1.0}
    assert _window_distribution(4, 1.0) == {4: 1.0}
    distribution = _window_distribution(4, 2.0)
    assert sorted(distribution) == [2, 3, 4, 5, 6, 7]
    assert sum(distribution.values()) == pytest.approx(1)
    # the code: half of the time 4, otherwise the whole part of exp(uniform(log 2, log 8))
    drawn = (2 * 4 ** torch.rand(100_000, generator=torch.Generator().manual_seed(0))).long()
    for window, probability in distribution.items():
        share = drawn.eq(window).double().mean().item() / 2 + (window == 4) / 2
        assert probability == pytest.approx(share, abs=0.005)


def test_training_draws_a_window_for_each_step():
    net, features = small(window=4).train(), torch.randn(1, 5, 60)
    torch.manual_seed(0)
    repeats = set()
    for _ in range(80):
        change = net(features).logits[-1].diff(dim=-1).abs().amax(dim=(0, 1)) > 0
        repeats.add(int(change.nonzero()[0]) + 1)  # frames until the first change: the window
    assert repeats == {2, 3, 4, 5, 6, 7}


def test_one_resolution_draws_nothing():
    net, features = small().train(), torch.randn(1, 5, 30)
    state = torch.get_rng_state()
    net(features)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_ensemble_stays_finite_where_probabilities_vanish():
    net = small(ensemble_weights=(1, 0))
    net.heads[-1].bias.data[0] = 1e4
    logits = net(torch.randn(1, 5, 12)).logits
    logits.sum().backward()
    assert logits.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in net.parameters())


def test_windows_longer_than_the_video_are_those_of_the_whole_video():
    """However long: the sizes of a checkpoint may be forged, and no memory may depend on them."""
    features, mask = torch.randn(2, 5, 20), torch.arange(20)[None] < torch.tensor([[20], [13]])
    expected = small(window=20)(features, mask).logits
    torch.testing.assert_close(small(window=10**15, zoom=1e9)(features, mask).logits, expected)
