"""Readers, one for each layout on disk."""

from segtcn.data.readers.base import Reader
from segtcn.data.readers.hdf5 import HDF5Reader, write_hdf5
from segtcn.data.readers.lea import LeaReader
from segtcn.data.readers.ms_tcn import MSTCNReader
from segtcn.data.readers.npz import NpzReader

__all__ = ["HDF5Reader", "LeaReader", "MSTCNReader", "NpzReader", "Reader", "write_hdf5"]
