"""Data set cards: README files whose YAML front matter states a data set's facts."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from segtcn.config_names import config_folder


def read_card(path: str | Path) -> dict[str, Any]:
    """Read the front matter of a card, the YAML between two lines ``---`` at the top.

    Args:
        path: the card. ``datasets/gtea/README.md`` and the like are also found where segtcn is installed.

    Returns:
        The values by name: numbers, strings, lists and mappings.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file has no front matter, it is not a YAML mapping, or ``groups`` is not a regular
            expression.
    """
    path = Path(path).expanduser()
    shipped = config_folder().parent / path  # the shipped configs name cards that lie beside them
    if not path.exists() and shipped.is_file():
        path = shipped
    if not path.is_file():
        raise FileNotFoundError(f"no data set card {path} (relative to {Path.cwd()}): give the path of its README.md")
    lines = path.read_text(encoding="utf-8").split("\n")
    ends = [number for number, line in enumerate(lines) if line.rstrip() == "---"]
    if len(ends) < 2 or ends[0] != 0:
        raise ValueError(f"{path} has no front matter: a card begins with YAML between two lines `---`")
    try:
        values = yaml.safe_load("\n".join(lines[1 : ends[1]]))
    except yaml.YAMLError as error:
        raise ValueError(f"the front matter of {path} is not YAML: {error}") from error
    if not isinstance(values, dict):
        raise ValueError(f"the front matter of {path} must be `name: value` lines, got {type(values).__name__}")
    groups = values.get("groups")
    try:
        re.search("" if groups is None else groups, "")
    except (TypeError, re.error) as error:
        raise ValueError(f"{path}: `groups` must be a regular expression, got {groups!r}: {error}") from error
    return values


def note_other_rate(card: Mapping[str, Any], path: str, fps: float | None) -> None:
    """Warn where a card and the reader of the data name different rates: one of the two makes all seconds wrong.

    Args:
        card: its values.
        path: where it lies.
        fps: stored frames per second by the reader.
    """
    stated = card.get("fps")
    if isinstance(stated, int | float) and fps and not math.isclose(stated, fps, rel_tol=1e-3):
        warnings.warn(
            f"{path} says {stated:g} frames a second, and the data are read at {fps:g}, by which seconds are "
            "counted: correct `fps` of the reader or of the card, or `card: null` if it describes other files",
            stacklevel=2,
        )
