"""The networks: one paper, one file."""

from segtcn.models.base import SegmentationModel
from segtcn.models.dilated_tcn import DilatedTCN
from segtcn.models.ed_tcn import EDTCN
from segtcn.models.ms_tcn import MSTCN

__all__ = ["EDTCN", "MSTCN", "DilatedTCN", "SegmentationModel"]
