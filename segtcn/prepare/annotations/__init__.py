"""Annotations of other tools: read into timed intervals, turned into frame labels by stated rules, and written back."""

from segtcn.labels.detection import detect_format as detect_format
from segtcn.options import LabelRules as LabelRules
from segtcn.prepare.annotations.audacity import write_audacity as write_audacity
from segtcn.prepare.annotations.elan import write_elan as write_elan
from segtcn.prepare.annotations.formats import FRAME_LISTS as FRAME_LISTS
from segtcn.prepare.annotations.formats import read_annotations as read_annotations
from segtcn.prepare.annotations.frame_labels import Finding as Finding
from segtcn.prepare.annotations.frame_labels import frame_labels as frame_labels
from segtcn.prepare.annotations.intervals import Annotations as Annotations
from segtcn.prepare.annotations.intervals import Interval as Interval
from segtcn.prepare.annotations.project_writers import write_boris as write_boris
from segtcn.prepare.annotations.project_writers import write_label_studio as write_label_studio
from segtcn.prepare.annotations.project_writers import write_via as write_via
