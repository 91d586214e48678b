"""Scores as Markdown tables, for the terminal and for files alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

SCORES = {"f1@10": "F1@10", "f1@25": "F1@25", "f1@50": "F1@50", "edit": "Edit", "accuracy": "Accuracy"}
"""Keys of the field's standard scores in the order of its tables, with their headings."""


def scores_table(rows: Mapping[str, Mapping[str, str | float]], heading: str = "") -> str:
    """One row of scores for each key.

    Args:
        rows: name of the row to its scores by key, in percent, or already formatted.
        heading: of the first column.

    Returns:
        A Markdown table, aligned so that it also reads well as plain text.

    Example:
        >>> print(scores_table({"ED-TCN": {"f1@10": 72.2, "f1@25": 69.3, "f1@50": 56, "edit": 70, "accuracy": 64}}))
        |        | F1@10 | F1@25 | F1@50 | Edit | Accuracy |
        |--------|------:|------:|------:|-----:|---------:|
        | ED-TCN |  72.2 |  69.3 |  56.0 | 70.0 |     64.0 |
    """
    body = [[name, *(_cell(scores[key]) for key in SCORES)] for name, scores in rows.items()]
    return markdown_table([heading, *SCORES.values()], body)


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose first column is aligned left and the others right."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    rule = "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])])
    return "\n".join([_line(header, widths), f"|{rule}|", *(_line(row, widths) for row in rows)])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        f" {cell:<{width}} " if i == 0 else f" {cell:>{width}} "
        for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return f"|{'|'.join([first, *others])}|"


def _cell(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.1f}"
