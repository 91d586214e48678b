"""What every reader offers: a data set is a reader with arguments in a config."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal

from segtcn.structures import Video

Subset = Literal["train", "test"]


class Reader(ABC):
    """One on-disk layout of features and labels.

    The constructor checks the folder and fails there, naming the path and the remedy; features are read by
    :meth:`read` only.

    Attributes:
        class_names: name of every class; the index is the class.
        feature_dim: feature width D.
        fps: frames per second of the stored features.
        background: index of the background class that edit and F1 leave out, or None.
        splits: numbers of the splits that exist, in order.
    """

    class_names: list[str]
    feature_dim: int
    fps: float
    background: int | None
    splits: list[int]

    @abstractmethod
    def videos(self, split: int, subset: Subset) -> list[str]:
        """Names of the videos of a subset, in the order of the split file.

        Raises:
            ValueError: if the split does not exist or the subset is empty.
        """

    @abstractmethod
    def read(self, name: str, split: int | None = None) -> Video:
        """Read one video.

        Args:
            name: as :meth:`videos` returns it.
            split: where features differ from split to split (they come from a network trained on that split's
                training videos), the split to read; None reads the first that has the video.

        Raises:
            FileNotFoundError: if the video has no file.
            ValueError: if the file cannot be understood.
        """
