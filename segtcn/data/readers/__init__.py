"""Readers, one for each layout on disk."""

from segtcn.data.readers.base import Reader
from segtcn.data.readers.lea import LeaReader
from segtcn.data.readers.ms_tcn import MSTCNReader

__all__ = ["LeaReader", "MSTCNReader", "Reader"]
