"""Predictions after the fact: scores of files, comparisons of runs, and what a run gets wrong."""

from segtcn.evaluation.collection import CollectedVideo as CollectedVideo
from segtcn.evaluation.collection import Collection as Collection
from segtcn.evaluation.collection import collect_videos as collect_videos
from segtcn.evaluation.comparison import Difference as Difference
from segtcn.evaluation.comparison import compare_runs as compare_runs
from segtcn.evaluation.errors import ErrorAnalysis as ErrorAnalysis
from segtcn.evaluation.errors import analyze_run as analyze_run
from segtcn.evaluation.pairs import LabelPairs as LabelPairs
from segtcn.evaluation.pairs import ignore_classes as ignore_classes
from segtcn.evaluation.pairs import pair_files as pair_files
from segtcn.evaluation.pairs import pair_labels as pair_labels
from segtcn.evaluation.pairs import pair_matlab_files as pair_matlab_files
from segtcn.evaluation.pairs import read_video_list as read_video_list
from segtcn.evaluation.report import error_report as error_report
from segtcn.evaluation.run_facts import RunFacts as RunFacts
from segtcn.evaluation.runs import Run as Run
from segtcn.evaluation.runs import RunPart as RunPart
from segtcn.evaluation.runs import read_run as read_run
from segtcn.evaluation.scores import RunScores as RunScores
from segtcn.evaluation.scores import comparable_runs as comparable_runs
from segtcn.evaluation.scores import evaluate as evaluate
from segtcn.evaluation.scores import score_run as score_run
from segtcn.evaluation.scores import score_splits as score_splits
from segtcn.options import Resampling as Resampling
from segtcn.options import Scoring as Scoring
from segtcn.options import Selection as Selection
