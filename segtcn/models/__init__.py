"""The networks: one paper, one file."""

from segtcn.models.asformer import ASFormer as ASFormer
from segtcn.models.asrf import ASRF as ASRF
from segtcn.models.base import SegmentationModel as SegmentationModel
from segtcn.models.bytenet import ByteNet as ByteNet
from segtcn.models.c2f_tcn import C2FTCN as C2FTCN
from segtcn.models.causal_tcn import CausalTCN as CausalTCN
from segtcn.models.dilated_tcn import DilatedTCN as DilatedTCN
from segtcn.models.ed_tcn import EDTCN as EDTCN
from segtcn.models.frame_classifier import FrameClassifier as FrameClassifier
from segtcn.models.ltcontext import LTContext as LTContext
from segtcn.models.ms_tcn import MSTCN as MSTCN
from segtcn.models.ms_tcn_plus_plus import MSTCNPlusPlus as MSTCNPlusPlus
from segtcn.models.network_stream import NetworkStream as NetworkStream
from segtcn.models.recurrent import RecurrentNetwork as RecurrentNetwork
from segtcn.models.tcnn import TCNN as TCNN
from segtcn.models.tdnn import TDNN as TDNN
