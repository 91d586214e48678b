"""What every reader offers: a data set is a reader with arguments in a config."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from segtcn.labels.classes import Classes
from segtcn.labels.video_lists import Subset
from segtcn.structures import IGNORE, Target, Video

_Item = TypeVar("_Item")
_Opened = TypeVar("_Opened")


class Reader(ABC):
    """One on-disk layout of features and labels.

    The constructor checks the folder and fails there, naming the path and the remedy; features are read by
    :meth:`read` only. What can be wrong with a single video whatever its layout (no frames, NaN, another feature width,
    lengths that differ) is checked by :class:`~segtcn.data.SegmentationDataset`.

    Attributes:
        class_names: name of every class; the index is the class.
        feature_dim: feature width D.
        fps: frames per second of the stored features.
        background: index of the background class that edit and F1 leave out, or None.
        splits: numbers of the splits that exist, in order.
        target: what a network learns: one class a frame, several at a time (``"multi"``), or numbers (``"values"``).
            The last two are the ``targets`` of a video.
    """

    class_names: list[str]
    feature_dim: int
    fps: float
    background: int | None
    splits: list[int]
    target: Target = "single"

    @property
    def classes(self) -> Classes:
        """Names of the classes and the background class."""
        return Classes(tuple(self.class_names), self.background)

    @abstractmethod
    def videos(self, split: int, subset: Subset) -> list[str]:
        """Names of the videos of a subset, in the order of the split file.

        Raises:
            FileNotFoundError: if the split has no list of that subset.
            ValueError: if the split does not exist, or the subset is empty or lists a video twice.
        """

    @abstractmethod
    def read(self, name: str, split: int | None = None, labels: bool = True) -> Video:
        """Read one video.

        Args:
            name: as :meth:`videos` returns it.
            split: where features differ from split to split (they come from a network trained on that split's
                training videos), the split to read; None reads the first that has the video.
            labels: False leaves the ground truth unread (``Video.labels`` is None), so that a video without one can
                be predicted.

        Raises:
            FileNotFoundError: if the video has no file, or no ground truth although ``labels`` asks for it.
            ValueError: if a file cannot be understood, or holds a label that is not a class.
        """

    def _leave_out(self, ignore: Sequence[str]) -> None:
        """Leave classes out of :attr:`class_names`; those that files number remain in ``_stored_classes``."""
        self._stored_classes = self.classes
        try:
            classes = self._stored_classes.without(ignore)
        except ValueError as error:
            raise ValueError(f"`ignore` {list(ignore)}: {error}") from error
        self.class_names, self.background = list(classes.names), classes.background

    def _kept_labels(self, labels: Tensor) -> Tensor:
        """Labels that number the stored classes as :attr:`class_names` does; those left out become ``IGNORE``."""
        index = self.classes.index
        table = [*(index.get(name, IGNORE) for name in self._stored_classes.names), IGNORE]
        return torch.tensor(table)[labels.clamp_min(-1)]

    def require_labels(self, what: str) -> None:
        """Refuse a data set of several labels a frame or of numbers, for what needs one label a frame.

        Args:
            what: needs it.

        Raises:
            ValueError: if :attr:`target` is not ``"single"``.
        """
        if self.target != "single":
            kind = "several labels a frame" if self.target == "multi" else "numbers"
            raise ValueError(
                f"{what} needs one label a frame, but {type(self).__name__} has {kind}: use `fit` and `test`"
            )

    @property
    def extraction(self) -> dict[str, Any] | None:
        """How the features were made: the ``settings`` of ``segtcn extract``; None where the data set does not say."""
        return None

    def stored(self) -> list[str]:
        """Names of all videos that there are features of, listed or not; none where a reader cannot find out."""
        return []

    def files(self, name: str, split: int | None = None) -> list[Path]:
        """The files that hold the features of a video.

        A reader that knows them before it reads the video overrides this.

        Args:
            name: as of :meth:`read`.
            split: as of :meth:`read`.

        Raises:
            FileNotFoundError: if the video has no file.
            ValueError: if the file cannot be understood.
        """
        return [Path(self.read(name, split, labels=False).source)]

    def clip_names(self, name: str) -> list[str]:
        """Names, without ending, that the clip of a video may have."""
        return [name]


def first_that_opens(items: Iterable[_Item], open_item: Callable[[_Item], _Opened]) -> _Opened | None:
    """What the first video that can be opened gives: one damaged file does not make a data set unreadable.

    Args:
        items: videos or their files, in order.
        open_item: opens one of them.

    Returns:
        What ``open_item`` returned; None without items.

    Raises:
        ValueError: the first of those that ``open_item`` raised, if it raised one for every item.

    Example:
        >>> first_that_opens(["tea", "12", "7"], int)
        12
    """
    failure: ValueError | None = None
    for item in items:
        try:
            return open_item(item)
        except ValueError as error:
            failure = failure or error
    if failure is not None:
        raise failure
    return None


def time_axis(shape: Sequence[int], num_labels: int | None, feature_dim: int | None, documented: int) -> int:
    """Which axis of stored features is time; files of both orientations circulate under the same names.

    The known feature width decides; before it is known (the first file), the number of labels, the nearer axis if none
    fits exactly; where both axes fit, the other videos or the layout's documentation.

    Args:
        shape: of the stored array, two sizes.
        num_labels: labels of the video in frames, None if unknown.
        feature_dim: width of the data set's other videos, None if unknown.
        documented: time axis of a file that does not tell, 0 or 1.

    Returns:
        0 or 1.

    Example:
        >>> time_axis((2048, 417), num_labels=417, feature_dim=None, documented=0)
        1
        >>> time_axis((128, 128), num_labels=128, feature_dim=128, documented=0)
        0
    """
    if feature_dim is not None and (shape[0] == feature_dim) != (shape[1] == feature_dim):
        return 1 if shape[0] == feature_dim else 0
    if num_labels is None or abs(shape[0] - num_labels) == abs(shape[1] - num_labels):
        return documented
    return 0 if abs(shape[0] - num_labels) < abs(shape[1] - num_labels) else 1


def as_float32(array: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Numbers in single precision, row by row; one too large becomes infinite, which the data set reports."""
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, dtype=np.float32)


def class_indexes(labels: npt.NDArray[Any], num_classes: int, where: str) -> Tensor:
    """Labels as a tensor, if each is a class or :data:`segtcn.structures.IGNORE`.

    Args:
        labels: whole numbers, ``(T,)``.
        num_classes: number of classes C.
        where: what holds them, for the message.

    Returns:
        ``(T,)`` int64.

    Raises:
        ValueError: naming the first label that is not.

    Example:
        >>> class_indexes(np.array([0, IGNORE, 1]), num_classes=2, where="tea.npz")
        tensor([   0, -100,    1])
    """
    unknown = ((labels < 0) & (labels != IGNORE)) | (labels >= num_classes)
    if unknown.any():
        frame = int(unknown.argmax())
        raise ValueError(
            f"{where}: unknown label {labels[frame]:g} at frame {frame}, expected 0 .. {num_classes - 1}; correct the "
            "labels or the names of the classes"
        )
    return torch.from_numpy(labels.astype(np.int64))
