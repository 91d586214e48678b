"""The labels of one video, everywhere: from the reader to the score, the timeline, the overlay and the player."""

from segtcn.labels.classes import BACKGROUND_NAMES, IGNORE_NAME, Classes
from segtcn.labels.files import detect_format, read_archive_labels, read_labels, write_labels
from segtcn.labels.folder import (
    CLIP_SUFFIXES,
    find_clips,
    find_label_files,
    find_mapping,
    read_label_files,
    video_name,
    without_ending,
)
from segtcn.labels.labels import Labels, common_classes
from segtcn.labels.lengths import LengthPolicy, common_length
from segtcn.labels.matlab import read_matlab_labels

__all__ = [
    "BACKGROUND_NAMES",
    "CLIP_SUFFIXES",
    "IGNORE_NAME",
    "Classes",
    "Labels",
    "LengthPolicy",
    "common_classes",
    "common_length",
    "detect_format",
    "find_clips",
    "find_label_files",
    "find_mapping",
    "read_archive_labels",
    "read_label_files",
    "read_labels",
    "read_matlab_labels",
    "video_name",
    "without_ending",
    "write_labels",
]
