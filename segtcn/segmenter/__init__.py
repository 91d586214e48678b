"""Using a trained network: load it, predict, save it."""

from segtcn.segmenter.checkpoint import find_checkpoint, read_checkpoint
from segtcn.segmenter.segmenter import Segmenter

__all__ = ["Segmenter", "find_checkpoint", "read_checkpoint"]
