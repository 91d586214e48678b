"""Which lines of text can be the labels of frames: those of a table, a list of classes or a log cannot."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

from segtcn.labels.positions import column_kind

SUMMARY = re.compile(r"((grand|sub)[ -]?)?totals?[\s:=]*[\d.]*|sum|overall|mean|average", re.IGNORECASE)
"""What stands in the last row of a table that adds up the rows above, or their mean."""

_FEW, _MANY, _MOSTLY = 4, 10, 0.9  # lines by which, and share of them at which, a list is judged
_TITLE = (
    *("annotation", "annotations", "begin", "end", "gt", "ground", "name", "pred", "prediction", "predictions"),
    *("start", "stop", "target", "targets", "truth", "true", "video", "y"),
)
"""Words above a column of labels, besides those of :func:`~segtcn.labels.positions.column_kind`."""

_COUNTERS = (r"(\D{0,8})(\d{1,18})(?!\d)(.*)", r"(.*?)\b(\d{1,18})()")
_CLOCK = r"()(\S*\d\S*)\s+(.*)"  # `1h05m cut`

_PATTERNS = (
    ("begin with a path", r"\S+\.(jpe?g|png|bmp|tiff?|webp|mp4|avi|npy)\b|([A-Za-z]:)?[/\\]\S"),
    ("hold a clock time", r".*\b\d+:\d\d"),
    (
        "begin or end with a decimal number",
        r"[-+]?(\d+\.\d+([eE][-+]?\d+)?(\s|$)|\d+\.$)|.*\s\d*\.\d+$",
    ),
    ("stand in quotes", r"b?([\"']).*\1$"),
    ("hold one word twice", r"(.+)\s\1$"),
)


def check_frame_list(path: Path, lines: Sequence[str]) -> None:
    """Refuse a text whose lines cannot be the labels of frames.

    Args:
        path: the file, for messages.
        lines: all of them, none empty.

    Raises:
        ValueError: if nearly all differ, or they begin with counters, paths or clock times, or hold several columns.
    """
    if (fault := _fault(lines, path.stem.casefold())) is not None:
        raise ValueError(
            f"{path}: {len({*lines})} of its {len(lines)} lines are different, and (nearly) all of them {fault}, such "
            f"as {lines[0][:60]!r}: expected one label a line, or a table with a header such as frame,label; if these "
            "are the names of classes, give the list of classes"
        )


def _fault(lines: Sequence[str], stem: str) -> str | None:
    counts, num_lines = Counter(lines), len(lines)

    def nearly_all(pattern: str) -> bool:  # a title above, or nine in ten
        matches = sum(count for line, count in counts.items() if re.match(pattern, line))
        return matches >= min(_MOSTLY * num_lines, max(num_lines - 1, 2))

    num_columns = {len(re.findall(r"\t|[,;|](?!\s)", line)) for line in [*counts][num_lines > 2 :]}  # without a title
    num_changes = sum(line != after for line, after in pairwise(lines))
    words = lines[0].split() if num_lines == 1 else []
    tests: tuple[tuple[str, Callable[[], object]], ...] = (
        ("stand below a comment", lambda: lines[0].startswith("#") and counts[lines[0]] == 1 < num_lines),
        # names of classes may begin with a number
        ("begin with a number that rises", lambda: nearly_all(r"\d+\s*[,;:|\s]\s*\S") and _rises(lines)),
        ("hold a number that rises", lambda: _counts_on(lines)),
        *((what, partial(nearly_all, pattern)) for what, pattern in _PATTERNS),
        ("hold a number that rises", lambda: _counts_on(lines, [_CLOCK])),
        ("hold several columns", lambda: len(num_columns) == 1 and 0 not in num_columns),
        ("hold several columns", lambda: _share_a_column(counts, stem)),
        ("differ", lambda: len(counts) == num_lines > 2),
        ("differ", lambda: _MANY <= num_lines <= len(counts) / _MOSTLY),
        ("stand above a sum", lambda: SUMMARY.fullmatch(lines[-1]) and counts[lines[-1]] == 1),
        ("stand below a title", lambda: counts[lines[0]] == 1 < num_lines and _is_title(lines, stem)),
        (
            "differ from the line after",
            lambda: len(counts) > max(_FEW, num_lines / 3) and num_changes > 0.8 * (num_lines - 1),
        ),
        ("hold one word twice", lambda: len(words) >= _MANY and len({*words}) < len(words)),
    )
    return next((what for what, test in tests if test()), None)


def _is_title(lines: Sequence[str], stem: str) -> bool:
    """Whether the first line is the name of the file, those of columns, or what pandas writes above a column."""
    words = re.split(r"[\W_]+", lines[0].casefold())
    if lines[0] == "0":
        return not any(line.isdigit() for line in lines[1:])
    return lines[0].casefold() == stem or all(word in _TITLE or column_kind(word) is not None for word in words)


def _share_a_column(lines: Collection[str], stem: str) -> bool:
    """Whether different lines have a column in common, or the same number, sign or name of the file at one end."""
    rows = [re.split(r"\s*[,;|]\s*", line) for line in lines]
    if len(rows) < 2:
        return False
    if len({*map(len, rows)}) == 1 and any(len({*column}) == 1 for column in zip(*rows, strict=True)):
        return True
    ends = [{line.split()[end].casefold() for line in lines} for end in (0, -1)]
    shared = [word for words in ends if len(words) == 1 for word in words]
    return any(word == stem or re.search(r"\d|^\W+$", word) for word in shared)


def _counts_on(lines: Sequence[str], patterns: Sequence[str] = _COUNTERS) -> bool:
    """Whether a number before or after the names never falls, and is not part of a name: names have several of it."""
    for pattern in patterns:
        matches = [match for line in lines if (match := re.fullmatch(pattern, line))]
        rows = [([*map(int, re.findall(r"\d{1,18}", match[2]))], (match[1], match[3])) for match in matches]
        names, pairs = {name for _, name in rows}, {(*numbers, *name) for numbers, name in rows}
        if len(rows) >= max(_FEW, _MOSTLY * len(lines)) and 1 < len(names) < len(pairs) / 2:
            return all(first[0] <= second[0] for first, second in pairwise(rows))
    return False


def _rises(lines: Sequence[str]) -> bool:
    numbers = [int(match[0]) for line in lines if (match := re.match(r"\d{1,18}", line))]
    return len(numbers) > 1 and all(first < second for first, second in pairwise(numbers))
