"""Building blocks shared by the networks."""

from segtcn.layers.blocks import NormalizedReLU as NormalizedReLU
from segtcn.layers.blocks import WaveNetActivation as WaveNetActivation
from segtcn.layers.blocks import make_activation as make_activation
from segtcn.layers.conv import TemporalConv1d as TemporalConv1d
from segtcn.layers.dropout import Dropout as Dropout
from segtcn.layers.pooling import HalfRate as HalfRate
from segtcn.layers.pooling import upsample as upsample
