"""Data: readers, checked data sets, batches and the data module (``segtcn.data.datamodule``, which needs Lightning)."""

from segtcn.data.batching import collate as collate
from segtcn.data.card import read_card as read_card
from segtcn.data.dataset import Sample as Sample
from segtcn.data.dataset import SegmentationDataset as SegmentationDataset
from segtcn.data.dataset import TruthRules as TruthRules
from segtcn.data.dataset import check_video as check_video
