"""Annotations of other tools: read into timed intervals, turned into frame labels by stated rules, and written back."""

from segtcn.data.annotations.audacity import read_audacity, write_audacity
from segtcn.data.annotations.base import Interval, Track
from segtcn.data.annotations.boris import read_boris
from segtcn.data.annotations.conversion import Finding, FrameLabels, frame_labels
from segtcn.data.annotations.detection import detect_format, read_annotations
from segtcn.data.annotations.elan import read_elan, write_elan
from segtcn.data.annotations.frame_list import read_frame_list
from segtcn.data.annotations.plain import read_csv, read_json

__all__ = [
    "Finding",
    "FrameLabels",
    "Interval",
    "Track",
    "detect_format",
    "frame_labels",
    "read_annotations",
    "read_audacity",
    "read_boris",
    "read_csv",
    "read_elan",
    "read_frame_list",
    "read_json",
    "write_audacity",
    "write_elan",
]
