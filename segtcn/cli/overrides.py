"""Options of ``segtcn fit`` that describe the data, in the commands that are not ``segtcn fit``."""

from __future__ import annotations

from collections.abc import Sequence


def without_overrides(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words that are a command's own, and the options ``--data.NAME VALUE``."""
    own: list[str] = []
    overrides: list[str] = []
    following = iter(words)
    for word in following:
        if not word.startswith("--data."):
            own.append(word)
        else:  # argparse would take the value of an option that it does not know for an argument of the command
            overrides += [word] if "=" in word else [word, *(value for value in [next(following, None)] if value)]
    return own, overrides
