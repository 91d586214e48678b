"""What a data set holds and what is wrong with it, through any reader; and a corrected copy."""

from segtcn.prepare.check.checking import CHECKS, check_data
from segtcn.prepare.check.child_process import ChildProcess, Limits
from segtcn.prepare.check.data_report import DataReport
from segtcn.prepare.check.facts import Check, CheckOptions, ClassCount, Facts, SplitCount, Totals, VideoFacts
from segtcn.prepare.check.fix import Fix, fix_data
from segtcn.prepare.check.problems import Problem

__all__ = [
    "CHECKS",
    "Check",
    "CheckOptions",
    "ChildProcess",
    "ClassCount",
    "DataReport",
    "Facts",
    "Fix",
    "Limits",
    "Problem",
    "SplitCount",
    "Totals",
    "VideoFacts",
    "check_data",
    "fix_data",
]
