"""The labels of one video, everywhere: from the reader to the score, the timeline, the overlay and the player."""

from segtcn.labels.classes import BACKGROUND_NAMES as BACKGROUND_NAMES
from segtcn.labels.classes import IGNORE_NAME as IGNORE_NAME
from segtcn.labels.classes import Classes as Classes
from segtcn.labels.detection import detect_format as detect_format
from segtcn.labels.files import read_archive_labels as read_archive_labels
from segtcn.labels.files import read_labels as read_labels
from segtcn.labels.files import write_labels as write_labels
from segtcn.labels.folder import CLIP_SUFFIXES as CLIP_SUFFIXES
from segtcn.labels.folder import find_clips as find_clips
from segtcn.labels.folder import find_label_files as find_label_files
from segtcn.labels.folder import find_mapping as find_mapping
from segtcn.labels.folder import read_label_files as read_label_files
from segtcn.labels.folder import video_name as video_name
from segtcn.labels.folder import without_ending as without_ending
from segtcn.labels.labels import TRUTH as TRUTH
from segtcn.labels.labels import Labels as Labels
from segtcn.labels.labels import check_names as check_names
from segtcn.labels.labels import common_classes as common_classes
from segtcn.labels.labels_like import LabelsLike as LabelsLike
from segtcn.labels.labels_like import as_labels as as_labels
from segtcn.labels.lengths import LengthPolicy as LengthPolicy
from segtcn.labels.lengths import common_length as common_length
from segtcn.labels.matlab import read_matlab_labels as read_matlab_labels
