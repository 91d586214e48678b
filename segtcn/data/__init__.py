"""Data: readers, checked data sets, batches and the data module (``segtcn.data.datamodule``, which needs Lightning)."""

from segtcn.data.batching import collate
from segtcn.data.card import read_card
from segtcn.data.dataset import Sample, SegmentationDataset, TruthRules, check_video

__all__ = ["Sample", "SegmentationDataset", "TruthRules", "check_video", "collate", "read_card"]
