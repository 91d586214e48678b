"""The activations of Lea et al., by hand."""

from __future__ import annotations

import pytest
import torch

from segtcn.layers import NormalizedReLU, WaveNetActivation, make_activation


def test_normalized_relu_divides_by_the_largest_channel_of_each_frame():
    x = torch.tensor([[[4.0, -1.0], [2.0, -3.0]]])
    expected = torch.tensor([[[1.0, 0.0], [0.5, 0.0]]])
    torch.testing.assert_close(NormalizedReLU()(x), expected, atol=1e-5, rtol=0)


def test_wavenet_activation_gates_the_input_by_itself():
    x = torch.tensor([[[0.5, -2.0]]])
    assert torch.equal(WaveNetActivation()(x), torch.tanh(x) * torch.sigmoid(x))


def test_unknown_activation_lists_the_known_ones():
    with pytest.raises(ValueError, match="must be one of norm_relu, wavenet, relu, tanh, got 'gelu'"):
        make_activation("gelu")
