"""Contract 1, 2 and 5 of the architecture, for every network and variant."""

from __future__ import annotations

import copy
import io
import pickle

import pytest
import torch
from torch import Tensor

from segtcn.models import SegmentationModel
from segtcn.models.base import build_network
from tests.models.networks import IN_CHANNELS, NETWORKS, NUM_CLASSES

LENGTHS = [1, 2, 3, 4, 5, 7, 8, 16, 31]


@pytest.fixture(params=NETWORKS)
def net(request) -> SegmentationModel:
    torch.manual_seed(0)
    return randomise(NETWORKS[request.param]()).eval()


def randomise(net: SegmentationModel) -> SegmentationModel:
    """Non-zero biases: a bias on padding is how padding usually leaks."""
    for parameter in net.parameters():
        if parameter.ndim == 1:
            torch.nn.init.uniform_(parameter, -0.5, 0.5)
    return net


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


@pytest.mark.parametrize("num_frames", LENGTHS)
def test_every_frame_gets_one_logit_for_every_class(net, num_frames):
    logits = net(torch.randn(2, IN_CHANNELS, num_frames)).logits
    assert logits.shape == (1, 2, NUM_CLASSES, num_frames)
    assert logits.isfinite().all()


@pytest.mark.parametrize("num_frames", LENGTHS)
def test_padding_changes_nothing(net, num_frames):
    x = torch.randn(1, IN_CHANNELS, num_frames)
    alone = net(x).logits
    for padding in (1, 2, 3, 20):
        garbage = torch.full((1, IN_CHANNELS, padding), 1e3)
        mask = torch.arange(num_frames + padding) < num_frames
        padded = net(torch.cat([x, garbage], dim=-1), mask[None]).logits
        torch.testing.assert_close(padded[..., :num_frames], alone, atol=1e-5, rtol=0)


def test_a_video_scores_the_same_in_any_batch(net):
    lengths = [9, 30, 17, 1]
    videos = [torch.randn(IN_CHANNELS, length) for length in lengths]
    batch, mask = torch.full((4, IN_CHANNELS, 30), 7.0), torch.zeros(4, 30, dtype=torch.bool)
    for i, video in enumerate(videos):
        batch[i, :, : lengths[i]], mask[i, : lengths[i]] = video, True
    logits = net(batch, mask).logits
    for i, video in enumerate(videos):
        torch.testing.assert_close(logits[:, i, :, : lengths[i]], net(video[None]).logits[:, 0], atol=1e-5, rtol=0)


def test_padding_has_no_gradient(net):
    x = torch.randn(1, IN_CHANNELS, 20, requires_grad=True)
    mask = torch.arange(20)[None] < 13
    net(x, mask).logits[..., :13].square().sum().backward()
    assert x.grad[..., 13:].abs().max() == 0
    assert x.grad[..., :13].abs().max() > 0


def test_receptive_field_is_the_stated_one(net):
    left, right = net.receptive_field
    num_frames = left + right + 24
    first, last = 0, 0
    for frame in range(left, left + 8):  # every place in a pooling window
        seen = influence(net, frame, num_frames).nonzero()[:, 0]
        first, last = max(first, frame - int(seen.min())), max(last, int(seen.max()) - frame)
    assert (first, last) == (left, right)


def test_causal_network_ignores_the_future(net):
    causal(net)
    for frame in range(16, 33):
        seen = influence(net, frame, num_frames=40)
        assert seen[frame + 1 :].max() == 0
        assert seen[frame - 7 : frame + 1].max() > 0  # pooling may hide the newest frames


@pytest.mark.parametrize("chunk", [1, 2, 3, 5, 8, 41])
def test_streaming_equals_offline(net, chunk):
    causal(net)
    x = torch.randn(2, IN_CHANNELS, 41)
    state, outputs = net.initial_state(2), []
    for frames in x.split(chunk, dim=-1):
        output, state = net.step(frames, state)
        outputs.append(output.logits)
    torch.testing.assert_close(torch.cat(outputs, dim=-1), net(x).logits, atol=1e-5, rtol=0)


def test_chunks_of_changing_length_equal_offline(net):
    causal(net)
    x = torch.randn(1, IN_CHANNELS, 40)
    state, outputs = net.initial_state(), []
    for frames in x.split([1, 7, 2, 1, 1, 12, 3, 13], dim=-1):
        output, state = net.step(frames, state)
        outputs.append(output.logits)
    torch.testing.assert_close(torch.cat(outputs, dim=-1), net(x).logits, atol=1e-5, rtol=0)


def test_network_that_sees_the_future_says_how_much_it_needs(net):
    if net.causal:
        pytest.skip("causal")
    message = f"needs {net.receptive_field[1]} future frames"
    with pytest.raises(ValueError, match=message):
        net.initial_state()
    with pytest.raises(ValueError, match=message):
        net.step(torch.randn(1, IN_CHANNELS, 4), None)


def test_gradients_reach_every_parameter(net):
    net(torch.randn(2, IN_CHANNELS, 64)).logits.square().sum().backward()
    unreached = [
        name for name, parameter in net.named_parameters() if parameter.grad is None or not parameter.grad.any()
    ]
    assert not unreached


def test_evaluation_is_deterministic_and_training_drops_whole_channels(net):
    x = torch.randn(1, IN_CHANNELS, 20)
    assert torch.equal(net(x).logits, net(x).logits)
    assert not torch.equal(net.train()(x).logits, net(x).logits)


def test_the_constructor_call_rebuilds_the_network(net):
    rebuilt = build_network(net.spec)
    rebuilt.load_state_dict(net.state_dict())
    x = torch.randn(1, IN_CHANNELS, 20)
    assert torch.equal(rebuilt.eval()(x).logits, net(x).logits)
    assert (rebuilt.in_channels, rebuilt.num_classes, rebuilt.causal) == (IN_CHANNELS, NUM_CLASSES, net.causal)


def test_the_constructor_call_survives_a_safe_file(net):
    file = io.BytesIO()
    torch.save(net.spec, file)
    file.seek(0)
    assert torch.load(file, weights_only=True) == net.spec


def test_copies_and_pickles(net):
    x = torch.randn(1, IN_CHANNELS, 20)
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert torch.equal(twin(x).logits, net(x).logits)
        assert twin.spec == net.spec
