"""Readers, one for each layout on disk."""

from segtcn.data.readers.assembly101 import Assembly101Reader
from segtcn.data.readers.hdf5 import HDF5Reader
from segtcn.data.readers.hdf5_writer import write_hdf5
from segtcn.data.readers.lea import LeaReader
from segtcn.data.readers.ms_tcn_tree import MSTCNReader
from segtcn.data.readers.npz import NpzReader
from segtcn.data.readers.reader import Reader
from segtcn.data.readers.sequence_tasks import (
    AddingReader,
    CharacterReader,
    CopyMemoryReader,
    MusicReader,
    PixelMNISTReader,
)
from segtcn.data.readers.table import TableReader

__all__ = [
    "AddingReader",
    "Assembly101Reader",
    "CharacterReader",
    "CopyMemoryReader",
    "HDF5Reader",
    "LeaReader",
    "MSTCNReader",
    "MusicReader",
    "NpzReader",
    "PixelMNISTReader",
    "Reader",
    "TableReader",
    "write_hdf5",
]
