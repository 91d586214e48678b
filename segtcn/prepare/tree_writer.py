"""A tree of the MS-TCN release, written part by part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from segtcn.arrays import save_array
from segtcn.atomic import atomic_path, write_text
from segtcn.data.readers import Reader
from segtcn.extract.feature_files import ALL, write_record
from segtcn.labels.files import write_labels
from segtcn.labels.labels import Labels
from segtcn.labels.video_lists import Subset, list_text
from segtcn.structures import Video


def tree_config(root: Path, fps: float, background: str | None, values: Mapping[str, Any]) -> str:
    """Content of the data config of a tree.

    Args:
        root: folder of the tree.
        fps: frames per second.
        background: name of the background class, or None.
        values: other arguments of the data module.
    """
    init_args = {"root": str(root), "fps": fps, "background": background}
    data = {"reader": {"class_path": "segtcn.data.readers.MSTCNReader", "init_args": init_args}, **values}
    return yaml.safe_dump({"data": data}, sort_keys=False, allow_unicode=True, width=1000)


class TreeWriter:
    """Writes what :class:`~segtcn.data.readers.MSTCNReader` reads; every file is complete or not there.

    Args:
        folder: of the tree; it is made, and gets a ``mapping.txt``.
        reader: of the data set that is written.
    """

    def __init__(self, folder: Path, reader: Reader) -> None:
        self.folder = folder
        self._fps = reader.fps
        self._classes = reader.classes
        for part in ("features", "groundTruth", "splits"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        self._classes.write(folder / "mapping.txt")
        if reader.extraction is not None:
            write_record(folder / "features", ALL, {"settings": reader.extraction})

    def write_video(self, video: Video) -> None:
        """Write labels, if there are any, and features.

        Raises:
            ValueError: if there are labels but none for any frame.
        """
        if video.labels is not None:
            truth = self._new_file("groundTruth", f"{video.name}.txt")
            write_labels(truth, Labels(video.labels.numpy(), self._classes, source=video.source or video.name))
        with atomic_path(self._new_file("features", f"{video.name}.npy")) as temporary:
            save_array(temporary, video.features.numpy())

    def remove_video(self, name: str) -> None:
        """Remove a video that was written."""
        (self.folder / "features" / f"{name}.npy").unlink()
        (self.folder / "groundTruth" / f"{name}.txt").unlink(missing_ok=True)

    def write_list(self, split: int, subset: Subset, names: Sequence[str]) -> None:
        """Write the names of a subset."""
        write_text(self.folder / "splits" / f"{subset}.split{split}.bundle", list_text(names))

    def write_config(self, root: Path, split: int | None = None, comment: str = "") -> None:
        """Write a data config.

        Args:
            root: what the folder will be called.
            split: that the config names, or None.
            comment: first line, with its ``#``.
        """
        background = None if self._classes.background is None else self._classes.names[self._classes.background]
        text = tree_config(root.absolute(), self._fps, background, {} if split is None else {"split": split})
        write_text(self.folder / "data.yaml", (f"{comment}\n" if comment else "") + text)

    def _new_file(self, part: str, name: str) -> Path:
        path = self.folder / part / name
        path.parent.mkdir(parents=True, exist_ok=True)  # names may hold folders
        return path
