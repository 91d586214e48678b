"""What users say about labels and data that files do not say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from segtcn.cli.parser import File, Names, Rate


@dataclass(frozen=True)
class LabelOptions:
    """The labels.

    Args:
        truth: true labels, a file or one a video in a folder.
        videos: these videos only (default: all); timelines keep their order.
        fps: labels per second, in place of what runs and files say.
        mapping: mapping.txt with all classes (default: looked for beside the labels).
        background: background classes, names or indexes with commas; timelines draw the first in grey.
        protocol: of the scores (default: that of the run, or lea).
        seed: of runs with several (default: the smallest).
    """

    truth: Path | None = None
    videos: list[str] | None = None
    fps: Rate | None = None
    mapping: File | None = None
    background: Names | None = None
    protocol: str | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Facts:
    """What the data set does not say.

    Args:
        fps: features per second.
        background: the background class.
    """

    fps: Rate | None = None
    background: Names | None = None

    def options(self) -> list[str]:
        """As options of ``segtcn fit``."""
        return [f"--data.reader.init_args.{key}={value}" for key, value in vars(self).items() if value is not None]
