"""Everything that can be wrong with a data set, found in one pass."""

from __future__ import annotations

from segtcn.data.readers.reader import Reader
from segtcn.prepare.check import clip_checks, feature_checks, label_checks, list_checks
from segtcn.prepare.check.child_process import Limits
from segtcn.prepare.check.data_report import DataReport
from segtcn.prepare.check.facts import Check, CheckOptions
from segtcn.prepare.check.gathering import gather_facts

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
