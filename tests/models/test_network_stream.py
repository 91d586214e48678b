"""NetworkStream: the logits of the whole for any chunks, from any saved state, in constant memory."""

from __future__ import annotations

import copy
import io

import pytest
import torch
from torch import Tensor

from segtcn.layers.single_frames import Ring
from segtcn.models import CausalTCN, NetworkStream, SegmentationModel, network_stream
from tests.models.networks import IN_CHANNELS, NETWORKS
from tests.models.test_contract import randomise

CAUSAL = [name for name, make in NETWORKS.items() if make().causal]


@pytest.fixture(params=CAUSAL)
def net(request, monkeypatch) -> SegmentationModel:
    monkeypatch.setattr(network_stream, "LONG_CHUNK", 9)  # shorter ones go frame by frame
    torch.manual_seed(0)
    return randomise(NETWORKS[request.param]()).eval()


def random_chunks(num_frames: int, longest: int) -> list[int]:
    sizes: list[int] = []
    while (left := num_frames - sum(sizes)) > 0:
        sizes.append(min(left, int(torch.randint(1, longest + 1, ()))))
    return sizes


def push_all(stream: NetworkStream, x: Tensor, sizes: list[int]) -> Tensor:
    return torch.cat([stream.push(frames).logits for frames in x.split(sizes, dim=-1)], dim=-1)


@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize("longest", [1, 4, 30])
def test_random_chunks_equal_the_whole(net, longest, batch_size):
    stream, x = NetworkStream(net, batch_size), torch.randn(batch_size, IN_CHANNELS, 90)
    for _ in range(3):
        logits = push_all(stream, x, random_chunks(90, longest))
        torch.testing.assert_close(logits, net(x).logits, atol=1e-5, rtol=0)
        stream.reset()


def test_a_saved_state_continues_in_this_stream_in_another_and_in_the_network(net):
    x, file = torch.randn(2, IN_CHANNELS, 60), io.BytesIO()
    stream = NetworkStream(net, batch_size=2)
    push_all(stream, x[..., :23], random_chunks(23, 12))
    torch.save(stream.state, file)
    saved = copy.deepcopy(stream.state)
    expected = net(x).logits[..., 23:]
    for restored in (stream, stream, NetworkStream(net, batch_size=2)):
        restored.state = saved
        torch.testing.assert_close(push_all(restored, x[..., 23:], [1] * 30 + [7]), expected, atol=1e-5, rtol=0)
    file.seek(0)
    output, _ = net.step(x[..., 23:], torch.load(file, weights_only=True))
    torch.testing.assert_close(output.logits, expected, atol=1e-5, rtol=0)


def test_the_caller_may_reuse_the_memory_of_a_frame(net):
    stream, x = NetworkStream(net), torch.randn(1, IN_CHANNELS, 20)
    memory = torch.empty(1, IN_CHANNELS, 1)
    logits = [stream.push(memory.copy_(frame)).logits for frame in x.split(1, dim=-1)]
    torch.testing.assert_close(torch.cat(logits, dim=-1), net(x).logits, atol=1e-5, rtol=0)


def test_memory_stays_constant():
    stream = NetworkStream(CausalTCN(8, 3, 8, num_layers=3).eval())

    def held() -> int:
        storages = {}
        for ring in (part for block in stream._state[0] for part in block if isinstance(part, Ring)):
            for frame in (frame for row in ring.rows for frame in row):
                storages[frame.untyped_storage().data_ptr()] = frame.untyped_storage().nbytes()
        return sum(storages.values())

    before = held()
    for size in [1] * 200 + [300] + [1] * 200:
        stream.push(torch.randn(1, 8, size))
        assert held() <= 2 * before


def test_what_a_stream_cannot_take_says_what_it_expects():
    net = CausalTCN(4, 3, 4, num_layers=1)
    with pytest.raises(ValueError, match=r"a stream needs a network in evaluation mode: call `net.eval\(\)` first"):
        NetworkStream(net.train())
    stream = NetworkStream(net.eval())
    with pytest.raises(ValueError, match=r"must have the shape \(1, 4, 2\), got \(2, 4, 2\): it comes from another"):
        stream.state = net.initial_state(2)
    with pytest.raises(
        ValueError,
        match=r"CausalTCN cannot stream: it needs 2 future frames \(it is not causal\); build .* `segtcn live` runs",
    ):
        NetworkStream(CausalTCN(4, 3, 4, num_layers=1, causal=False).eval())
