"""What a data set holds and what is wrong with it, through any reader; and a corrected copy."""

from segtcn.prepare.check.check import check_data
from segtcn.prepare.check.fix import Fix, fix_data
from segtcn.prepare.check.report import ClassCount, DataReport, Problem, SplitCount, VideoFacts

__all__ = ["ClassCount", "DataReport", "Fix", "Problem", "SplitCount", "VideoFacts", "check_data", "fix_data"]
