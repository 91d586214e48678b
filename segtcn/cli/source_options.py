"""What `segtcn timeline` and `segtcn view` are told about labels."""

from __future__ import annotations

from dataclasses import dataclass

from segtcn.cli.parser import File, Names, Rate


@dataclass(frozen=True)
class LabelFacts:
    """The labels.

    Args:
        fps: labels per second, in place of what runs and files say.
        mapping: mapping.txt with all classes (default: looked for beside the labels).
        background: background classes, names or indexes with commas; timelines draw the first in grey.
        protocol: of the scores (default: that of the run, or lea).
        seed: of runs with several (default: the smallest).
    """

    fps: Rate | None = None
    mapping: File | None = None
    background: Names | None = None
    protocol: str | None = None
    seed: int | None = None
