"""Everything that a check found, as a person and as a program read it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from segtcn.prepare.check.facts import Facts
from segtcn.prepare.check.problems import Problem


@dataclass
class DataReport:
    """Everything that a check found.

    Args:
        facts: what was measured; None if the data set could not be opened.
        problems: in the order in which they were found.
    """

    facts: Facts | None = None
    problems: list[Problem] = field(default_factory=list)

    @property
    def errors(self) -> list[Problem]:
        """Problems that stop training or void a score."""
        return [problem for problem in self.problems if problem.severity == "error"]

    @property
    def warnings(self) -> list[Problem]:
        """Problems that may be meant."""
        return [problem for problem in self.problems if problem.severity == "warning"]

    def record(self) -> dict[str, Any]:
        """The report as JSON holds it."""
        facts = self.facts
        totals = {} if facts is None else facts.totals
        videos = {} if facts is None else facts.videos
        return {
            "reader": "" if facts is None else facts.reader,
            "measured": {name: value for name, value in totals.items() if value is not None or name == "background"},
            "classes": [] if facts is None else [count._asdict() for count in facts.classes],
            "splits": [] if facts is None else [count._asdict() for count in facts.splits],
            "length_differences": {} if facts is None else {str(k): v for k, v in facts.length_differences.items()},
            "videos": [{"name": name, "split": split, **video._asdict()} for (name, split), video in videos.items()],
            "problems": [
                {"severity": problem.severity, "kind": problem.kind, "where": problem.where, "message": problem.message}
                for problem in self.problems
            ],
            "num_errors": len(self.errors),
            "num_warnings": len(self.warnings),
            "bytes_read": 0 if facts is None else facts.bytes_read,
            "seconds": 0.0 if facts is None else facts.seconds,
        }
