"""Predictions after the fact: scores of files, comparisons of runs, and what a run gets wrong."""

from segtcn.evaluation.collection import TRUTH, CollectedVideo, Collection, Selection, collect_videos
from segtcn.evaluation.comparison import Difference, compare_runs
from segtcn.evaluation.errors import ErrorAnalysis, analyze_run
from segtcn.evaluation.files import LabelledVideos, read_matlab_splits, read_video_list, read_videos
from segtcn.evaluation.report import report_text
from segtcn.evaluation.run_facts import RunFacts
from segtcn.evaluation.runs import Run, RunPart, RunScores, Scoring, read_run, score_run, with_common_split
from segtcn.evaluation.scoring import SetScores, parse_background, score_all_protocols, score_splits

__all__ = [
    "TRUTH",
    "CollectedVideo",
    "Collection",
    "Difference",
    "ErrorAnalysis",
    "LabelledVideos",
    "Run",
    "RunFacts",
    "RunPart",
    "RunScores",
    "Scoring",
    "Selection",
    "SetScores",
    "analyze_run",
    "collect_videos",
    "compare_runs",
    "parse_background",
    "read_matlab_splits",
    "read_run",
    "read_video_list",
    "read_videos",
    "report_text",
    "score_all_protocols",
    "score_run",
    "score_splits",
    "with_common_split",
]
