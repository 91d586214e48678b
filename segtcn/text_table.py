"""Tables of text for the terminal, reports, papers and spreadsheets, and numbers of things in words."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

SCORE_HEADINGS = {"f1@10": "F1@10", "f1@25": "F1@25", "f1@50": "F1@50", "edit": "Edit", "accuracy": "Accuracy"}
"""Keys of the field's standard scores in the order of its tables, with their headings."""

_LATEX = str.maketrans(
    {character: f"\\{character}" for character in "&%$#_{}"}
    | {"<": "$<$", ">": "$>$"}
    | {"±": r"$\pm$", "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
)
_HYPHEN = re.compile(r"(?<!\S)-(?=[\d.])")


def scores_table(
    rows: Mapping[str, Mapping[str, Any]], heading: str = "", table: Callable[..., str] | None = None
) -> str:
    """One row of scores for each key.

    Args:
        rows: name of the row to its scores by key, in percent, or already formatted.
        heading: of the first column.
        table: how it is written; None is :func:`markdown_table`.

    Returns:
        The table; Markdown is aligned so that it also reads well as plain text.

    Example:
        >>> print(scores_table({"ED-TCN": {"f1@10": 72.2, "f1@25": 69.3, "f1@50": 56, "edit": 70, "accuracy": 64}}))
        |        | F1@10 | F1@25 | F1@50 | Edit | Accuracy |
        |--------|------:|------:|------:|-----:|---------:|
        | ED-TCN |  72.2 |  69.3 |  56.0 | 70.0 |     64.0 |
    """
    body = [[name, *(_cell(scores[key]) for key in SCORE_HEADINGS)] for name, scores in rows.items()]
    return (table or markdown_table)([heading, *SCORE_HEADINGS.values()], body)


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose first column is aligned left and the others right; it also reads well as plain text.

    Args:
        header: heading of every column.
        rows: cells of every row, as many as there are columns.

    Example:
        >>> print(markdown_table(["run", "F1"], [["ED-TCN", "55.6"]]))
        | run    |   F1 |
        |--------|-----:|
        | ED-TCN | 55.6 |
    """
    cells = [[cell.replace("|", "\\|") for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    rule = "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])])
    first, *others = (_line(row, widths) for row in cells)
    return "\n".join([first, f"|{rule}|", *others])


def _latex_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    r"""A ``tabular`` in the style of ``booktabs``.

    >>> print(_latex_table(["run", "difference", "p"], [["mid_video", "-1.2", "< 0.001"]]))
    \begin{tabular}{lrr}
    \toprule
    run & difference & p \\
    \midrule
    mid\_video & $-$1.2 & $<$ 0.001 \\
    \bottomrule
    \end{tabular}
    """
    # a hyphen before a number would be typeset shorter than a minus
    first, *others = (
        " & ".join(_HYPHEN.sub("$-$", cell.translate(_LATEX)) for cell in row) + r" \\" for row in (header, *rows)
    )
    columns = "l" + "r" * (len(header) - 1)
    start = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", first, r"\midrule"]
    return "\n".join([*start, *others, r"\bottomrule", r"\end{tabular}"])


def _csv_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Values separated by commas, quoted where needed.

    >>> print(_csv_table(["run", "F1"], [["ED-TCN, ours", "55.6"]]))
    run,F1
    "ED-TCN, ours",55.6
    """
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows([header, *rows])
    return table.getvalue().rstrip("\n")


def interval_cell(score: float, low: float, high: float) -> str:
    """A score with its interval.

    >>> interval_cell(55.64, 50.0, 61.0)
    '55.6 (50.0 to 61.0)'
    """
    return f"{score:.1f} ({low:.1f} to {high:.1f})"


TABLES = {"markdown": markdown_table, "latex": _latex_table, "csv": _csv_table}
"""Functions that write a table, from its header and its rows."""


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        f" {cell:<{width}} " if i == 0 else f" {cell:>{width}} "
        for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return f"|{'|'.join([first, *others])}|"


def _cell(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.1f}"


def counted(number: int, noun: str) -> str:
    """A number of things in words.

    Example:
        >>> counted(1, "video"), counted(1712, "video")
        ('1 video', '1,712 videos')
    """
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
