"""Predictions after the fact: scores of files, comparisons of runs, and what a run gets wrong."""

from segtcn.evaluation.collection import CollectedVideo, Collection, collect_videos
from segtcn.evaluation.comparison import Difference, compare_runs
from segtcn.evaluation.errors import ErrorAnalysis, analyze_run
from segtcn.evaluation.files import LabelledVideos, read_matlab_splits, read_video_list, read_videos
from segtcn.evaluation.runs import Run, RunPart, RunScores, read_run, score_run, with_common_split
from segtcn.evaluation.scoring import SetScores, parse_background, score_all_protocols, score_splits
from segtcn.evaluation.sources import TrackSource

__all__ = [
    "CollectedVideo",
    "Collection",
    "Difference",
    "ErrorAnalysis",
    "LabelledVideos",
    "Run",
    "RunPart",
    "RunScores",
    "SetScores",
    "TrackSource",
    "analyze_run",
    "collect_videos",
    "compare_runs",
    "parse_background",
    "read_matlab_splits",
    "read_run",
    "read_video_list",
    "read_videos",
    "score_all_protocols",
    "score_run",
    "score_splits",
    "with_common_split",
]
