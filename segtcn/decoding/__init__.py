"""What is made of a network's scores: each decoder is a pure function on :class:`~segtcn.labels.Labels`."""

from segtcn.decoding.decoder import METHODS as METHODS
from segtcn.decoding.decoder import Decoder as Decoder
from segtcn.decoding.decoder import DecoderStream as DecoderStream
from segtcn.decoding.decoder import FittedDecoder as FittedDecoder
from segtcn.decoding.decoder import fit_decoder as fit_decoder
from segtcn.decoding.optimal_transport import optimal_transport as optimal_transport
from segtcn.decoding.smoothing import HysteresisStream as HysteresisStream
from segtcn.decoding.smoothing import MedianStream as MedianStream
from segtcn.decoding.smoothing import hysteresis as hysteresis
from segtcn.decoding.smoothing import median_of_scores as median_of_scores
from segtcn.decoding.smoothing import without_short_segments as without_short_segments
from segtcn.decoding.viterbi import SegmentPrior as SegmentPrior
from segtcn.decoding.viterbi import viterbi as viterbi
