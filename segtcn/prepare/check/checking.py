"""Everything that can be wrong with a data set, found in one pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from segtcn.data.readers.reader import Reader
from segtcn.labels.classes import listed
from segtcn.prepare.check import clip_checks, feature_checks, label_checks, list_checks
from segtcn.prepare.check.child_process import Limits
from segtcn.prepare.check.facts import Check, CheckOptions, Facts
from segtcn.prepare.check.gathering import gather_facts
from segtcn.prepare.check.problems import Problem
from segtcn.text_table import counted, markdown_table

_SHOWN_COLUMNS = 10

CHECKS: tuple[Check, ...] = (
    list_checks.check_failures,
    list_checks.check_subsets,
    label_checks.check_labels_of_splits,
    feature_checks.check_duplicates,
    feature_checks.check_splits,
    feature_checks.check_widths,  # before those that pass over broken videos
    label_checks.check_lengths,
    feature_checks.check_constant,
    feature_checks.check_scale,
    feature_checks.check_videos,
    feature_checks.check_frozen,
    label_checks.check_annotated,
    label_checks.check_classes,
    label_checks.check_classes_of_splits,
    label_checks.check_short_segments,
    label_checks.check_background,
    list_checks.check_unlisted,
    clip_checks.check_durations,
    clip_checks.check_rate,
    list_checks.check_card,
)
"""In the order in which their problems are reported."""


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


def check_data(
    reader: Reader, options: CheckOptions | None = None, limits: Limits | None = None, progress: bool = False
) -> DataReport:
    """Read every listed video once and report what the data set holds and all that is wrong with it.

    Nothing stops at a bad video: videos are read in a child process, and one that ends it or breaks a limit is
    reported as damaged. Features that differ from split to split are read for every split.

    Args:
        reader: the data set.
        options: what is expected of it.
        limits: of time and memory to read a video.
        progress: whether to show progress bars.

    Raises:
        FileNotFoundError: if there is no folder of clips.

    Example:
        >>> from segtcn.prepare.check import check_data
        >>> report = check_data(MSTCNReader("DIR", fps=25))  # doctest: +SKIP
        >>> for problem in report.errors:  # doctest: +SKIP
        ...     print(problem.message)
    """
    facts = gather_facts(reader, options or CheckOptions(), limits, progress)
    report = DataReport(facts)
    for check in CHECKS:
        for problem in check(facts):
            report.problems.append(problem)
            if problem.breaks is not None:
                facts.broken.setdefault(problem.breaks, problem.message)
    return report


def contents_tables(name: str, facts: Facts) -> list[str]:
    """Markdown tables of what a data set holds: in all, by split, by class and, if they occur, differences of length.

    Args:
        name: of the data set.
        facts: what was measured.
    """
    totals = facts.totals
    splits = [[f"{value:,}" for value in count] for count in facts.splits]
    tables = [
        markdown_table([f"{name}: {facts.reader}", ""], list(_rows(facts, totals))),
        markdown_table(["split", "train videos", "frames", "test videos", "frames"], splits),
        markdown_table(["class", "frames", "%", "segments", "mean s", "videos"], list(_class_rows(facts))),
    ]
    differences = [
        [f"{frames:+d}" if frames else "0", f"{number:,}"] for frames, number in facts.length_differences.items()
    ]
    if set(facts.length_differences) - {0}:
        tables.append(markdown_table(["frames of features more than labels", "videos"], differences))
    return tables


def _rows(facts: Facts, totals: dict[str, Any]) -> Iterator[list[str]]:
    fps, assumed = totals["fps"], dict.fromkeys(totals["assumed"], ", assumed")
    rate = f"{totals['seconds'] / 60:,.1f} min at {fps:g} a second{assumed.get('fps', '')}"
    yield ["videos", f"{totals['videos']:,}"]
    yield ["frames", f"{totals['frames']:,} ({rate})"]
    for which, frames in (("shortest", totals["shortest_video"]), ("longest", totals["longest_video"])):
        yield [f"{which} video", f"{counted(frames, 'frame')} ({frames / fps:,.1f} s)"]
    if ignored := totals["ignored_frames"]:
        share = 100 * ignored / (ignored + sum(count.frames for count in facts.classes))
        yield ["not annotated", f"{counted(ignored, 'frame')} ({share:.1f} %)"]
    yield ["segments", f"{totals['all_segments']:,}, {totals['segments']:,} without background"]
    background = f"{totals['background'] or 'none'}{assumed.get('background', '')}"
    yield ["classes", f"{totals['num_classes']}, background: {background}"]
    widths = ", ".join(f"{width} ({counted(number, 'video')})" for width, number in totals["widths"].items())
    yield ["feature width", widths if len(totals["widths"]) > 1 else str(totals["feature_dim"])]
    if totals["feature_columns"] is not None:
        yield ["features", listed(totals["feature_columns"], _SHOWN_COLUMNS)]
    if totals["lowest_feature"] is not None:
        yield ["feature values", f"{totals['lowest_feature']:.4g} to {totals['highest_feature']:.4g}"]
    if totals["clips"] is not None:
        median = "" if totals["fps_of_clips"] is None else f", median {totals['fps_of_clips']:.3g} features a second"
        yield ["clips", f"{totals['clips']}{median}"]
    what = counted(len(facts.videos), "video") + (", features of every split" if facts.split_specific else "")
    yield ["read", f"{what}, {facts.bytes_read / 2**20:,.0f} MiB in {facts.seconds:,.1f} s"]


def _class_rows(facts: Facts) -> Iterator[list[str]]:
    total = max(1, sum(count.frames for count in facts.classes))
    for name, frames, segments, videos in facts.classes:
        mean_s = f"{frames / segments / facts.fps:.1f}" if segments else "-"
        yield [name, f"{frames:,}", f"{100 * frames / total:.1f}", f"{segments:,}", mean_s, f"{videos:,}"]
