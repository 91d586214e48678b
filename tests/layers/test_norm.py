"""Normalisation: equal to PyTorch's on the real frames alone, whatever stands on padding."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from segtcn.layers.norm import ChannelNorm, MaskedBatchNorm1d, MaskedInstanceNorm1d

LENGTHS = [7, 12, 3]


@pytest.fixture
def videos() -> list[torch.Tensor]:
    torch.manual_seed(0)
    return [torch.randn(4, length) * 3 + 5 for length in LENGTHS]


@pytest.fixture
def batch(videos) -> tuple[torch.Tensor, torch.Tensor]:
    x, mask = torch.full((len(videos), 4, max(LENGTHS)), 1e3), torch.zeros(len(videos), max(LENGTHS), dtype=torch.bool)
    for i, video in enumerate(videos):
        x[i, :, : video.shape[1]], mask[i, : video.shape[1]] = video, True
    return x, mask


def test_channel_norm_is_layer_norm_of_every_frame(videos):
    norm = ChannelNorm(4)
    for t in range(LENGTHS[0]):
        alone = nn.functional.layer_norm(videos[0][:, t], (4,))
        torch.testing.assert_close(norm(videos[0][None])[0, :, t], alone)


@pytest.mark.parametrize("affine", [False, True])
def test_instance_norm_is_that_of_every_video_alone(videos, batch, affine):
    x, mask = batch
    norm, plain = MaskedInstanceNorm1d(4, affine=affine), nn.InstanceNorm1d(4, affine=affine)
    if affine:
        nn.init.uniform_(norm.weight), nn.init.uniform_(norm.bias)
        plain.load_state_dict(norm.state_dict())
    together = norm(x, mask)
    for i, video in enumerate(videos):
        torch.testing.assert_close(together[i, :, : LENGTHS[i]], plain(video[None])[0], atol=1e-5, rtol=0)
        torch.testing.assert_close(norm(video[None])[0], plain(video[None])[0], atol=1e-5, rtol=0)


def test_instance_norm_of_one_frame_is_zero():
    assert not MaskedInstanceNorm1d(4)(torch.randn(2, 4, 1)).any()


def test_batch_norm_is_that_of_all_real_frames_in_training_and_evaluation(videos, batch):
    x, mask = batch
    norm, plain = MaskedBatchNorm1d(4), nn.BatchNorm1d(4)
    nn.init.uniform_(norm.weight), nn.init.uniform_(norm.bias)
    plain.load_state_dict(norm.state_dict())
    for _ in range(3):
        together, real = norm(x, mask), plain(torch.cat(videos, dim=1)[None])
        torch.testing.assert_close(torch.cat([y[:, m] for y, m in zip(together, mask, strict=True)], dim=1), real[0])
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(norm.state_dict()[name], value)
    torch.testing.assert_close(norm.eval()(videos[0][None]), plain.eval()(videos[0][None]))


def test_batch_norm_trains_on_one_frame_and_keeps_its_running_variance():
    norm = MaskedBatchNorm1d(4)
    assert norm(torch.randn(1, 4, 1)).isfinite().all()
    assert torch.equal(norm.running_var, torch.ones(4))


@pytest.mark.parametrize("norm", [MaskedInstanceNorm1d(4), MaskedBatchNorm1d(4)], ids=["instance", "batch"])
def test_padding_has_no_gradient(batch, norm):
    x, mask = batch
    x.requires_grad_()
    (norm(x, mask) * torch.randn_like(x) * mask[:, None]).sum().backward()
    assert not x.grad[~mask[:, None].expand_as(x)].any()
    assert x.grad[mask[:, None].expand_as(x)].any()


@pytest.mark.parametrize("norm", [MaskedInstanceNorm1d(4), MaskedBatchNorm1d(4)], ids=["instance", "batch"])
def test_half_precision_keeps_its_type_and_does_not_overflow(norm):
    x = torch.full((1, 4, 300), 1000.0, dtype=torch.bfloat16)  # the sum of squares is beyond float16
    x[..., ::2] = -1000.0
    y = norm(x)
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y.float().abs(), torch.ones(1, 4, 300), atol=1e-2, rtol=0)
