"""What users say about labels and data that files do not say."""

from __future__ import annotations

from dataclasses import dataclass

from segtcn.cli.parser import Names, Rate


@dataclass(frozen=True)
class ReaderFacts:
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
