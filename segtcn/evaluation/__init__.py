"""Predictions after the fact: scores of files, comparisons of runs, and what a run gets wrong."""

from segtcn.evaluation.files import LabelledVideos, read_matlab_splits, read_video_list, read_videos
from segtcn.evaluation.scoring import SetScores, parse_background, score_all_protocols, score_splits

__all__ = [
    "LabelledVideos",
    "SetScores",
    "parse_background",
    "read_matlab_splits",
    "read_video_list",
    "read_videos",
    "score_all_protocols",
    "score_splits",
]
