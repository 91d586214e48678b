"""The networks: one paper, one file."""

from segtcn.models.asformer import ASFormer
from segtcn.models.asrf import ASRF
from segtcn.models.base import SegmentationModel
from segtcn.models.bytenet import ByteNet
from segtcn.models.c2f_tcn import C2FTCN
from segtcn.models.causal_tcn import CausalTCN
from segtcn.models.dilated_tcn import DilatedTCN
from segtcn.models.ed_tcn import EDTCN
from segtcn.models.frame_classifier import FrameClassifier
from segtcn.models.ltcontext import LTContext
from segtcn.models.ms_tcn import MSTCN
from segtcn.models.ms_tcn_plus_plus import MSTCNPlusPlus
from segtcn.models.network_stream import NetworkStream
from segtcn.models.recurrent import RecurrentNetwork
from segtcn.models.tcnn import TCNN
from segtcn.models.tdnn import TDNN

__all__ = [
    "ASRF",
    "C2FTCN",
    "EDTCN",
    "MSTCN",
    "TCNN",
    "TDNN",
    "ASFormer",
    "ByteNet",
    "CausalTCN",
    "DilatedTCN",
    "FrameClassifier",
    "LTContext",
    "MSTCNPlusPlus",
    "NetworkStream",
    "RecurrentNetwork",
    "SegmentationModel",
]
