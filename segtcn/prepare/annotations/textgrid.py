"""Praat's TextGrid, long and short: tiers of intervals or points, in seconds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from segtcn.labels.text_rows import read_text
from segtcn.prepare.annotations.intervals import Annotations, Interval, choose_track, make_interval, number

# both forms hold the same texts, numbers and flags in the same order; all else in the long one is for people
_TOKEN = re.compile(r'"(?:[^"]|"")*"|<\w+>|(?<![^\s])[-+]?\d[\d.]*(?:[eE][-+]?\d+)?(?![^\s])')
_SLIP_S = 1e-6


def read_textgrid(path: Path, tier: str | None = None) -> list[Annotations]:
    """Read the labels of one tier; intervals without a text are gaps, points have no length.

    Args:
        path: the file, in UTF-8 or UTF-16.
        tier: its name; None if only one tier has labels.

    Returns:
        Annotations, named after the file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged, several tiers have labels, or the intervals of a tier do not follow each other.
    """
    tokens = iter(_TOKEN.findall(read_text(path, "annotations")))
    try:
        tiers = _tiers(path, tokens)
    except StopIteration:
        raise ValueError(f"{path} ends before its last tier: save it in Praat again") from None
    if (extra := next(tokens, None)) is not None:
        raise ValueError(f"{path} continues after its last tier, with {extra[:40]}: save it in Praat again")
    names = [name for name, _ in tiers]
    labelled = {name: intervals for name, intervals in tiers if intervals}
    if len({*names}) < len(names):
        raise ValueError(f"{path} has two tiers of one name, {', '.join(names)}: rename one")
    if not labelled:
        raise ValueError(f"{path} has no labels on any tier: expected at least one")
    return [Annotations((path.stem,), labelled[choose_track(path, labelled, tier, "tiers with labels")], str(path))]


def _tiers(path: Path, tokens: Iterator[str]) -> list[tuple[str, list[Interval]]]:
    if [_text(next(tokens), path), _text(next(tokens), path)][1] != "TextGrid":
        raise ValueError(f"{path} is not a TextGrid: save it in Praat again")
    start_s, _ = number(next(tokens), str(path)), next(tokens)  # from when to when
    if abs(start_s) > _SLIP_S:
        raise ValueError(
            f"{path} begins at {start_s:g} s: in Praat, Modify times, Shift times to 0 (or give the clip so)"
        )
    if next(tokens) != "<exists>":
        raise ValueError(f"{path} has no tiers: expected one with labels")
    tiers = []
    for _ in range(_count(next(tokens), path)):
        kind, name = _text(next(tokens), path), _text(next(tokens), path)
        where = f"{path}, tier {name!r}"
        if kind not in ("IntervalTier", "TextTier"):
            raise ValueError(f"{where}: expected an IntervalTier or a TextTier, got {kind[:40]!r}")
        before, last = (number(next(tokens), where) for _ in range(2))
        intervals = []
        for _ in range(_count(next(tokens), path)):
            start = number(next(tokens), where)
            stop = number(next(tokens), where) if kind == "IntervalTier" else start
            label = _text(next(tokens), path)
            if (kind == "IntervalTier" and abs(start - before) > _SLIP_S) or start < before - _SLIP_S:
                raise ValueError(
                    f"{where}: expected what follows {before:g} s, got {start:g} s; save it in Praat again"
                )
            if stop > last + _SLIP_S:
                raise ValueError(f"{where}: {label!r} stops at {stop:g} s, the tier at {last:g} s; correct it")
            before = stop
            intervals += [make_interval(start, stop, label, where)] if label.strip() else []
        if kind == "IntervalTier" and abs(before - last) > _SLIP_S:
            raise ValueError(f"{where}: its intervals end at {before:g} s, the tier at {last:g} s; correct it")
        tiers.append((name, intervals))
    return tiers


def _text(token: str, path: Path) -> str:
    if not token.startswith('"'):
        raise ValueError(f"{path}: expected a text in quotes, got {token[:40]!r}: save it in Praat again")
    return token[1:-1].replace('""', '"')


def _count(token: str, path: Path) -> int:
    if not re.fullmatch(r"\d{1,7}", token, re.ASCII):
        raise ValueError(f"{path}: expected a number of tiers or labels, got {token[:40]!r}: save it in Praat again")
    return int(token)
