"""Building blocks shared by the networks."""

from segtcn.layers.activation import NormalizedReLU, WaveNetActivation, make_activation
from segtcn.layers.conv import TemporalConv1d
from segtcn.layers.dropout import Dropout
from segtcn.layers.pooling import TemporalMaxPool1d, upsample

__all__ = [
    "Dropout",
    "NormalizedReLU",
    "TemporalConv1d",
    "TemporalMaxPool1d",
    "WaveNetActivation",
    "make_activation",
    "upsample",
]
