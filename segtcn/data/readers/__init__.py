"""Readers, one for each layout on disk."""

from segtcn.data.readers.assembly101 import Assembly101Reader as Assembly101Reader
from segtcn.data.readers.hdf5 import HDF5Reader as HDF5Reader
from segtcn.data.readers.hdf5_writer import write_hdf5 as write_hdf5
from segtcn.data.readers.lea import LeaReader as LeaReader
from segtcn.data.readers.ms_tcn_tree import MSTCNReader as MSTCNReader
from segtcn.data.readers.npz import NpzReader as NpzReader
from segtcn.data.readers.reader import Reader as Reader
from segtcn.data.readers.sequence_tasks import AddingReader as AddingReader
from segtcn.data.readers.sequence_tasks import CharacterReader as CharacterReader
from segtcn.data.readers.sequence_tasks import CopyMemoryReader as CopyMemoryReader
from segtcn.data.readers.sequence_tasks import MusicReader as MusicReader
from segtcn.data.readers.sequence_tasks import PixelMNISTReader as PixelMNISTReader
from segtcn.data.readers.table import TableReader as TableReader
from segtcn.data.readers.track_reader import TrackReader as TrackReader
