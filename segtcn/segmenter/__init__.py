"""Using a trained network: load it, predict, stream, save it."""

from segtcn.segmenter.checkpoint import find_checkpoint, read_checkpoint
from segtcn.segmenter.loading import load
from segtcn.segmenter.segmenter import Segmenter
from segtcn.segmenter.stream import Stream

__all__ = ["Segmenter", "Stream", "find_checkpoint", "load", "read_checkpoint"]
