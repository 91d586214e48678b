"""Layers one after the other."""

from __future__ import annotations

import torch

from segtcn.layers.conv import TemporalConv1d
from segtcn.layers.sequential import TemporalSequential


def layers(causal: bool) -> TemporalSequential:
    return TemporalSequential(*(TemporalConv1d(2, 2, k, dilation=d, causal=causal) for k, d in [(4, 1), (3, 2)]))


def test_each_layer_gets_the_output_of_the_one_before_and_the_mask():
    chain = layers(causal=False)
    x, mask = torch.randn(1, 2, 9), torch.arange(9)[None] < 6
    first, second = chain
    assert torch.equal(chain(x, mask), second(first(x, mask), mask))
    assert torch.equal(chain(x), second(first(x)))


def test_reaches_add_up():
    assert layers(causal=False).reach == (1 + 2, 2 + 2)
    assert layers(causal=True).reach == (3 + 4, 0)


def test_steps_equal_the_whole():
    chain, x = layers(causal=True), torch.randn(3, 2, 11)
    state, outputs = chain.initial_state(3), []
    for frames in x.split([1, 4, 6], dim=-1):
        output, state = chain.step(frames, state)
        outputs.append(output)
    torch.testing.assert_close(torch.cat(outputs, dim=-1), chain(x))
