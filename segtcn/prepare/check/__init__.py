"""What a data set holds and what is wrong with it, through any reader; and a corrected copy."""

from segtcn.prepare.check.checking import DataReport as DataReport
from segtcn.prepare.check.checking import check_data as check_data
from segtcn.prepare.check.child_process import ChildProcess as ChildProcess
from segtcn.prepare.check.child_process import Limits as Limits
from segtcn.prepare.check.facts import CheckOptions as CheckOptions
from segtcn.prepare.check.facts import Facts as Facts
from segtcn.prepare.check.fix import Fix as Fix
from segtcn.prepare.check.fix import fix_data as fix_data
from segtcn.prepare.check.problems import Problem as Problem
