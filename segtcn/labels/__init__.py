"""The labels of one video, everywhere: from the reader to the score, the timeline, the overlay and the player."""

from segtcn.labels.classes import BACKGROUND_NAMES, IGNORE_NAME, Classes
from segtcn.labels.files import read_archive_labels, read_labels, write_labels
from segtcn.labels.folder import CLIP_SUFFIXES, find_clips, find_label_files, find_mapping, video_name, without_ending
from segtcn.labels.labels import Labels, common_classes

__all__ = [
    "BACKGROUND_NAMES",
    "CLIP_SUFFIXES",
    "IGNORE_NAME",
    "Classes",
    "Labels",
    "common_classes",
    "find_clips",
    "find_label_files",
    "find_mapping",
    "read_archive_labels",
    "read_labels",
    "video_name",
    "without_ending",
    "write_labels",
]
