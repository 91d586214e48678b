"""Predictions after the fact: scores of files, comparisons of runs, and what a run gets wrong."""

from segtcn.evaluation.collection import CollectedVideo, Collection, collect_videos
from segtcn.evaluation.comparison import Difference, compare_runs
from segtcn.evaluation.errors import ErrorAnalysis, analyze_run
from segtcn.evaluation.locating import TRUTH, Selection, Source
from segtcn.evaluation.pairs import LabelPairs, pair_files, pair_labels, pair_matlab_files, read_video_list
from segtcn.evaluation.report import report_text
from segtcn.evaluation.run_facts import RunFacts
from segtcn.evaluation.run_scores import RunScores, score_run, with_common_split
from segtcn.evaluation.runs import Run, RunPart, Scoring, read_run
from segtcn.evaluation.scoring import SetScores, evaluate, score_all_protocols, score_pairs, score_splits

__all__ = [
    "TRUTH",
    "CollectedVideo",
    "Collection",
    "Difference",
    "ErrorAnalysis",
    "LabelPairs",
    "Run",
    "RunFacts",
    "RunPart",
    "RunScores",
    "Scoring",
    "Selection",
    "SetScores",
    "Source",
    "analyze_run",
    "collect_videos",
    "compare_runs",
    "evaluate",
    "pair_files",
    "pair_labels",
    "pair_matlab_files",
    "read_run",
    "read_video_list",
    "report_text",
    "score_all_protocols",
    "score_pairs",
    "score_run",
    "score_splits",
    "with_common_split",
]
