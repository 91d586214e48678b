"""Annotations of other tools: read into timed intervals, turned into frame labels by stated rules, and written back."""

from segtcn.prepare.annotations.audacity import read_audacity, write_audacity
from segtcn.prepare.annotations.boris import read_boris
from segtcn.prepare.annotations.elan import read_elan, write_elan
from segtcn.prepare.annotations.formats import detect_format, read_annotations
from segtcn.prepare.annotations.frame_labels import Finding, FrameLabels, LabelRules, frame_labels
from segtcn.prepare.annotations.frame_list import read_frame_list
from segtcn.prepare.annotations.intervals import Annotations, Interval
from segtcn.prepare.annotations.plain import read_csv, read_json

__all__ = [
    "Annotations",
    "Finding",
    "FrameLabels",
    "Interval",
    "LabelRules",
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
