"""Initial weights."""

from __future__ import annotations

from typing import Literal, TypeAlias

from torch import nn

from segtcn.layers.conv import TemporalConv1d

Init: TypeAlias = Literal["glorot", "keras1"]


def init_convolutions(module: nn.Module, init: Init = "glorot") -> None:
    """Draw the weights of every temporal convolution from Glorot's uniform distribution; biases start at zero.

    Args:
        module: a network or a part of one; only its :class:`TemporalConv1d` layers change.
        init: ``"glorot"``, or ``"keras1"`` for the smaller weights of Keras 1.1: it took the axes of a
            ``(taps, 1, in, out)`` kernel for ``(out, in, rows, columns)``.

    Raises:
        ValueError: if ``init`` is unknown.

    Reference:
        Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010, equation 16.
    """
    if init not in ("glorot", "keras1"):
        raise ValueError(f"`init` must be 'glorot' or 'keras1', got {init!r}")
    for layer in module.modules():
        if isinstance(layer, TemporalConv1d):
            if init == "glorot":
                nn.init.xavier_uniform_(layer.weight)
            else:
                bound = (6 / ((layer.kernel_size[0] + 1) * layer.in_channels * layer.out_channels)) ** 0.5
                nn.init.uniform_(layer.weight, -bound, bound)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def init_recurrent(rnn: nn.LSTM | nn.GRU) -> None:
    """Draw the weights of an LSTM or GRU, each gate by itself: Glorot's of the input, orthogonal of the state.

    Biases start at zero, that of an LSTM's forget gate at one, so that it remembers from the start.

    Args:
        rnn: any number of layers and directions.

    Reference:
        Saxe, McClelland, Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural
        networks", 2014; Jozefowicz, Zaremba, Sutskever, "An empirical exploration of recurrent network architectures",
        2015.
    """
    for name, parameter in rnn.named_parameters():
        gates = parameter.detach().view(-1, rnn.hidden_size, *parameter.shape[1:])
        for gate in gates:
            if name.startswith("weight_ih"):
                nn.init.xavier_uniform_(gate)
            elif name.startswith("weight_hh"):
                nn.init.orthogonal_(gate)
            else:
                nn.init.zeros_(gate)
        if isinstance(rnn, nn.LSTM) and name.startswith("bias_ih"):
            nn.init.ones_(gates[1])  # PyTorch orders the gates: input, forget, cell, output
