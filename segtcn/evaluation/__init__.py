"""Predictions after the fact: scores of files, comparisons of runs, and what a run gets wrong."""

from segtcn.evaluation.collection import CollectedVideo, Collection, collect_videos
from segtcn.evaluation.comparison import Difference, compare_runs
from segtcn.evaluation.errors import ErrorAnalysis, analyze_run
from segtcn.evaluation.files import LabelledVideos
from segtcn.evaluation.pairs import LabelPairs, pair_files, pair_labels, pair_matlab_files, read_video_list
from segtcn.evaluation.runs import Run, RunPart, RunScores, read_run, score_run, with_common_split
from segtcn.evaluation.scoring import SetScores, evaluate, score_all_protocols, score_pairs, score_splits
from segtcn.evaluation.sources import TrackSource

__all__ = [
    "CollectedVideo",
    "Collection",
    "Difference",
    "ErrorAnalysis",
    "LabelPairs",
    "LabelledVideos",
    "Run",
    "RunPart",
    "RunScores",
    "SetScores",
    "TrackSource",
    "analyze_run",
    "collect_videos",
    "compare_runs",
    "evaluate",
    "pair_files",
    "pair_labels",
    "pair_matlab_files",
    "read_run",
    "read_video_list",
    "score_all_protocols",
    "score_pairs",
    "score_run",
    "score_splits",
    "with_common_split",
]
