"""What the tests of checks share: a report of a small tree, and what is in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from segtcn.data.readers import MSTCNReader
from segtcn.prepare.check import CheckOptions, DataReport, Facts, Problem, check_data


def check(root: Path, **options: Any) -> DataReport:
    return check_data(MSTCNReader(str(root), fps=10, background="background"), CheckOptions(**options))


def totals(report: DataReport) -> dict[str, Any]:
    return facts(report).totals


def facts(report: DataReport) -> Facts:
    return report.facts


def of_kind(report: DataReport, kind: str) -> list[Problem]:
    return [problem for problem in report.problems if problem.kind == kind]


def the(report: DataReport, kind: str) -> Problem:
    (problem,) = of_kind(report, kind)
    return problem


def says(report: DataReport, kind: str, severity: str | None, *words: str) -> None:
    """There is one problem of the kind, of that severity, and it has the words."""
    problem = the(report, kind)
    assert severity in (None, problem.severity)
    assert all(word in f"{problem.where}: {problem.message}" for word in words), problem


def rewrite(root: Path, name: str, change: Callable[[np.ndarray], np.ndarray]) -> Path:
    path = root / "features" / f"{name}.npy"
    np.save(path, change(np.load(path)))
    return path
