"""What a data set holds and what is wrong with it, through any reader; and a corrected copy."""

from segtcn.prepare.check.checking import check_data
from segtcn.prepare.check.child_process import ChildProcess, Limits
from segtcn.prepare.check.data_report import DataReport
from segtcn.prepare.check.facts import CheckOptions, Facts
from segtcn.prepare.check.fix import Fix, fix_data
from segtcn.prepare.check.problems import Problem

__all__ = [
    "CheckOptions",
    "ChildProcess",
    "DataReport",
    "Facts",
    "Fix",
    "Limits",
    "Problem",
    "check_data",
    "fix_data",
]
