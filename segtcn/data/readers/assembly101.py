"""The release of Assembly101: features of every frame in LMDB, coarse actions in text files."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch

from segtcn.data.readers.reader import Reader
from segtcn.labels.video_lists import Subset, check_names, check_split, read_lines, read_names
from segtcn.structures import Video, checked_rate

VIEWS = ("C10095", "C10115", "C10118", "C10119", "C10379", "C10390", "C10395", "C10404")
_PHASES = ("assembly", "disassembly")


class _Segment(NamedTuple):
    start: int
    stop: int
    action: str | None


class Assembly101Reader(Reader):
    """TSM features and coarse actions as Sener et al. released them.

    ::

        ROOT/TSM_features/VIEW/data.mdb              key SEQUENCE/VIEW/VIEW_0000000123.jpg: D float32 of frame 123
        ROOT/coarse-annotations/actions.csv          action_id,verb_id,noun_id,action_cls,...
        ROOT/coarse-annotations/coarse_seq_views.txt {assembly,disassembly}_SEQUENCE/VIEW.mp4: the videos that exist
        ROOT/coarse-annotations/coarse_labels/{assembly,disassembly}_SEQUENCE.txt
                                                     start, stop and action of each segment, between tabs
        ROOT/coarse-annotations/coarse_splits/{train,val,test}_coarse_{assembly,disassembly}.txt

    A recording (``SEQUENCE``) holds an assembly and a disassembly; a video of this reader is one of them in one view,
    named ``assembly_SEQUENCE_VIEW``, from the start of its first segment to the end of its last. There is one split.
    Databases are opened for the time of reading one video, read-only and without locks.

    Args:
        root: folder that holds those.
        views: cameras to use; by default the eight that do not move.
        test: ``val`` trains on the training sequences and tests on those for validation; ``test`` trains on both and
            tests on the test sequences, whose actions are withheld: they can only be predicted.
        feature_folder: below ``root``; the folder of each view holds the database.
        fps: frames per second of the stored features.
        ignore: names of classes to leave out: their frames count as not annotated.

    Raises:
        FileNotFoundError: if a part of the release is missing.
        ValueError: if an argument, the list of actions or the first stored frame is wrong.
        ImportError: if lmdb is not installed.

    Reference:
        Sener et al., Assembly101: A Large-Scale Multi-View Video Dataset for Understanding Procedural Activities, CVPR
        2022.
    """

    def __init__(
        self,
        root: str,
        views: list[str] | None = None,
        test: Literal["val", "test"] = "val",
        feature_folder: str = "TSM_features",
        fps: float = 30.0,
        ignore: Sequence[str] = (),
    ) -> None:
        if test not in ("val", "test"):
            raise ValueError(f"`test` must be 'val' or 'test', got {test!r}")
        self.views = [f"{view}_rgb" for view in VIEWS] if views is None else list(views)
        self._features = Path(root).expanduser() / feature_folder
        self._annotations = Path(root).expanduser() / "coarse-annotations"
        for path in (self._annotations, *(self._features / view for view in check_names(self.views, "`views`"))):
            if not path.is_dir():
                raise FileNotFoundError(
                    f"no folder {path}: put the release of Assembly101 there, give its place by `root`, "
                    "or choose other `views`"
                )
        subsets = {"val": (["train"], ["val"]), "test": (["train", "val"], ["test"])}[test]
        self._subsets = dict(zip(("train", "test"), subsets, strict=True))
        self.class_names = _read_actions(self._annotations / "actions.csv")
        self._indices = {name: index for index, name in enumerate(self.class_names)}
        self.background = None
        self._leave_out(ignore)
        self.fps = checked_rate(fps)
        self.splits = [1]
        self._videos = self._read_views(self._annotations / "coarse_seq_views.txt")
        path = self._features / self.views[0]
        with _cursor(path) as cursor:
            first = cursor.value() if cursor.first() else b""
        if not first or len(first) % 4:
            raise ValueError(f"{path} must hold float32 features, got {len(first)} bytes in the first frame")
        self.feature_dim = len(first) // 4

    def videos(self, split: int, subset: Subset) -> list[str]:  # noqa: D102
        check_split(split, self.splits, self._annotations)
        names = []
        for part in self._subsets[subset]:
            for phase in _PHASES:
                path = _present(self._annotations / "coarse_splits" / f"{part}_coarse_{phase}.txt")
                for sequence in read_names(path, clean=lambda line: line.split("\t")[0].removesuffix(".txt")):
                    names += [f"{sequence}_{view}" for view in self.views if f"{sequence}_{view}" in self._videos]
        if not names:
            raise ValueError(f"no {subset} video in {self._annotations / 'coarse_splits'} was filmed from `views`")
        return names

    def read(self, name: str, split: int | None = None, labels: bool = True) -> Video:  # noqa: D102
        segments, path = self._read_segments(name)
        truth = self._read_labels(name, segments, path) if labels else None
        source = f"{self._features / self._videos[name][1]} ({name})"
        return Video(name, self._read_features(name, segments), truth, source)

    def files(self, name: str, split: int | None = None) -> list[Path]:  # noqa: D102
        self._read_segments(name)  # of a video that exists
        return [self._features / self._videos[name][1] / "data.mdb"]

    def _place(self, name: str) -> tuple[Path, bytes]:
        """Folder of a video's database, and what its keys begin with."""
        sequence, view = self._videos[name]
        return self._features / view, f"{sequence.split('_', 1)[1]}/{view}/{view}_".encode()

    def _read_segments(self, name: str) -> tuple[list[_Segment], Path]:
        """Segments of a video, none if it has no file of them, and that file."""
        if name not in self._videos:
            raise FileNotFoundError(
                f"no video {name!r} in the views that are read: expected assembly_SEQUENCE_VIEW or "
                f"disassembly_SEQUENCE_VIEW of {self._annotations / 'coarse_seq_views.txt'}"
            )
        path = self._annotations / "coarse_labels" / f"{self._videos[name][0]}.txt"
        return (_read_segments(path) if path.is_file() else []), path

    def _read_labels(self, name: str, segments: list[_Segment], path: Path) -> torch.Tensor:
        if not segments or any(segment.action is None for segment in segments):
            raise FileNotFoundError(
                f"no actions of video {name!r} in {path}: those of the test sequences are withheld; without them "
                "it can only be predicted"
            )
        unknown = next((segment for segment in segments if segment.action not in self._indices), None)
        if unknown is not None:
            raise ValueError(
                f"unknown action {unknown.action!r} from frame {unknown.start} in {path}: correct it or add it to "
                f"{self._annotations / 'actions.csv'}"
            )
        indices = torch.tensor([self._indices[str(segment.action)] for segment in segments])
        lengths = torch.tensor([segment.stop - segment.start for segment in segments])
        return self._kept_labels(indices).repeat_interleave(lengths)

    def _read_features(self, name: str, segments: list[_Segment]) -> torch.Tensor:
        """Frames of the segments as ``(D, T)``, or all that are stored if there are no segments."""
        path, prefix = self._place(name)
        first = prefix + (b"%010d" % segments[0].start if segments else b"")
        frame = segments[0].start if segments else None
        values: list[bytes] = []
        with _cursor(path) as cursor:
            for key, value in cursor if cursor.set_range(first) else ():  # keys are sorted
                match = re.fullmatch(rb"([0-9]{10})\.jpg", key.removeprefix(prefix))
                number = int(match[1]) if match else -1
                if match is None or (segments and number >= segments[-1].stop):
                    break
                if frame is not None and number != frame:
                    raise ValueError(
                        f"{path} lacks frame {frame} of video {name!r}, but has frame {number}: fetch it again"
                    )
                if len(value) != 4 * self.feature_dim:
                    raise ValueError(
                        f"frame {number} of video {name!r} in {path} has {len(value)} bytes, expected "
                        f"{4 * self.feature_dim} for {self.feature_dim} float32: fetch it again"
                    )
                values.append(value)
                frame = number + 1
        if not values:
            raise FileNotFoundError(f"no features of video {name!r} in {path}: fetch it again, or leave out this view")
        stored = np.frombuffer(b"".join(values), dtype="<f4").reshape(len(values), self.feature_dim)
        return torch.from_numpy(np.array(stored.T, order="C"))

    def _read_views(self, path: Path) -> dict[str, tuple[str, str]]:
        """Name of every video of `views` to its sequence and view."""
        videos = {}
        for number, line in enumerate(read_lines(_present(path)), start=1):
            match = re.fullmatch(r"((?:dis)?assembly_[^/\\]+)/([^/\\]+)\.mp4", line)
            if match is None:
                raise ValueError(f"line {number} of {path} must be assembly_SEQUENCE/VIEW.mp4, got {line!r}")
            if match[2] in self.views:
                videos[f"{match[1]}_{match[2]}"] = (match[1], match[2])
        if not videos:
            raise ValueError(f"{path} lists no video from {', '.join(self.views)}: choose other `views`")
        return videos


def _present(path: Path) -> Path:
    if not path.is_file():
        raise FileNotFoundError(f"no {path}: put the coarse annotations of Assembly101 there")
    return path


def _read_actions(path: Path) -> list[str]:
    rows = list(csv.reader(read_lines(_present(path))))[1:]  # the first names the columns
    actions = {row[0]: row[3] for row in rows if len(row) > 3}
    names = [actions.get(str(index), "") for index in range(len(rows))]
    if not rows or not all(names) or len({*names}) < len(names):
        raise ValueError(
            f"{path} must list different actions 0 to C-1 as ID,VERB_ID,NOUN_ID,ACTION,...: fetch it again"
        )
    return names


def _read_segments(path: Path) -> list[_Segment]:
    segments: list[_Segment] = []
    for number, line in enumerate(read_lines(path), start=1):
        cells = line.split("\t")  # a fourth one may follow the action
        if len(cells) < 2 or not (cells[0].isdecimal() and cells[1].isdecimal()):
            raise ValueError(f"line {number} of {path} must be START, STOP and ACTION between tabs, got {line!r}")
        start, stop = int(cells[0]), int(cells[1])
        if stop <= start or (segments and start != segments[-1].stop):
            raise ValueError(
                f"line {number} of {path}: expected a segment that is not empty"
                f"{f' and starts at frame {segments[-1].stop}' if segments else ''}, got {start} to {stop}"
            )
        segments.append(_Segment(start, stop, cells[2].strip() if len(cells) > 2 else None))
    return segments


@contextmanager
def _cursor(path: Path) -> Iterator[Any]:
    """A cursor of the database in the folder ``path``, which is open within the block only.

    LMDB refuses to open a database twice in a process, and its handles must not cross a fork into a loader's workers.
    """
    try:
        import lmdb
    except ImportError as error:
        raise ImportError('Assembly101 is read by lmdb: pip install "segtcn[lmdb]"') from error
    if not (path / "data.mdb").is_file():
        raise FileNotFoundError(f"no {path / 'data.mdb'}: put the LMDB database of this view's features there")
    try:
        # no read-ahead: many processes read at many places of a file that is larger than the memory
        with (
            lmdb.open(str(path), readonly=True, create=False, lock=False, readahead=False) as environment,
            environment.begin() as transaction,
            transaction.cursor() as cursor,
        ):
            yield cursor
    except lmdb.Error as error:
        raise ValueError(f"{path} is damaged or not an LMDB database ({error}): fetch it again") from error
