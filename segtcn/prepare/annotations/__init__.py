"""Annotations of other tools: read into timed intervals, turned into frame labels by stated rules, and written back."""

from segtcn.labels.detection import detect_format
from segtcn.options import LabelRules
from segtcn.prepare.annotations.audacity import write_audacity
from segtcn.prepare.annotations.elan import write_elan
from segtcn.prepare.annotations.formats import FRAME_LISTS, read_annotations
from segtcn.prepare.annotations.frame_labels import Finding, frame_labels
from segtcn.prepare.annotations.intervals import Annotations, Interval
from segtcn.prepare.annotations.project_writers import write_boris, write_label_studio, write_via

__all__ = [
    "FRAME_LISTS",
    "Annotations",
    "Finding",
    "Interval",
    "LabelRules",
    "detect_format",
    "frame_labels",
    "read_annotations",
    "write_audacity",
    "write_boris",
    "write_elan",
    "write_label_studio",
    "write_via",
]
