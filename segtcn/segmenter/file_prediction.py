"""Labels for files: features and clips go in, label files come out, one video after the other."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import segtcn
from segtcn.arrays import open_array
from segtcn.atomic import reason, write_json
from segtcn.decoding import without_short_segments
from segtcn.extract.feature_files import RECORDS, differences, find_record, name_below
from segtcn.labels import CLIP_SUFFIXES, Labels, write_labels
from segtcn.labels.folder import RECORD
from segtcn.progress import progress_bar
from segtcn.segmenter.clip_features import ClipFeatures, check_extraction
from segtcn.segmenter.segmenter import Segmenter

"""File in the folder of the labels that says what made them."""

FORMATS = (".txt", ".csv", ".npz")
"""What is written for each video; the last one is there when the video is done."""


class Sources(NamedTuple):
    """What there is to predict.

    Args:
        files: feature files and clips, by name of the video.
        passed_over: other files in the folders that were given.
    """

    files: dict[str, Path]
    passed_over: list[Path]


@dataclass(frozen=True)
class PredictionOptions:
    """How labels are made of features.

    Args:
        chunk: frames, of those that the network sees, at a time; None chooses.
        approximate: cross-fade overlapping chunks.
        min_duration_s: shorter segments are given to a neighbour.
    """

    chunk: int | None = None
    approximate: bool = False
    min_duration_s: float = 0.0


class PredictedFiles(NamedTuple):
    """What became of the videos.

    Args:
        made: videos whose labels were written.
        skipped: videos that were done already.
        failed: what was wrong with the others.
        notes: what else should be known.
    """

    made: list[str]
    skipped: list[str]
    failed: dict[str, str]
    notes: list[str]


def find_sources(paths: Iterable[str | os.PathLike[str]], relative_to: str | os.PathLike[str] | None = None) -> Sources:
    """The feature files and clips that are meant, by name.

    Args:
        paths: ``.npy`` files, clips, and folders of both, which are searched with all their folders. Hidden files,
            records and folders of labels that were made here are passed over silently, others are listed.
        relative_to: a folder: names are then the paths below it, without ending. None takes the names of the files.

    Raises:
        FileNotFoundError: if a path does not exist, or a folder holds neither.
        ValueError: if a file is neither, lies outside ``relative_to``, or two would get the same name.

    Example:
        >>> import tempfile, numpy as np
        >>> folder = Path(tempfile.mkdtemp())
        >>> np.save(folder / "tea.npy", np.zeros((4, 3)))
        >>> [*find_sources([folder]).files]
        ['tea']
    """
    sources = Sources({}, [])
    for path in map(Path, paths):
        if not path.exists():
            raise FileNotFoundError(f"no file or folder {path}: check the path")
        files = _usable_files(path, sources.passed_over) if path.is_dir() else [path]
        for file in files:
            if not _is_usable(file):
                raise ValueError(f"{file} is neither features (.npy) nor a clip (.mp4, .mkv, .avi, .mov, ...)")
            name = file.stem if relative_to is None else name_below(file, Path(relative_to))
            same = sources.files.setdefault(name, file)
            if not same.samefile(file):
                raise ValueError(
                    f"{same} and {file} would both become {name}: give one of them, or keep folders apart by "
                    "`relative_to`"
                )
    return sources


def _is_usable(file: Path) -> bool:
    return file.suffix.lower() == ".npy" or file.suffix.lower() in CLIP_SUFFIXES


def _usable_files(folder: Path, passed_over: list[Path]) -> list[Path]:
    files: list[Path] = []
    made_here = {record.parent for record in folder.rglob(RECORD)} - {folder}
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_dir() or any(part.startswith(".") for part in parts) or RECORDS in parts[:-1]:
            continue
        if made_here.intersection(path.parents):
            continue
        (files if _is_usable(path) else passed_over).append(path)
    if not files:
        raise FileNotFoundError(f"no features (.npy) and no clips (.mp4, .mkv, .avi, .mov, ...) in {folder}")
    return files


def predict_files(
    segmenter: Segmenter,
    sources: Mapping[str, Path],
    out: str | os.PathLike[str],
    options: PredictionOptions = PredictionOptions(),
    clips: ClipFeatures | None = None,
    overwrite: bool = False,
    progress: bool = False,
) -> PredictedFiles:
    """Write labels of videos: ``OUT/NAME.txt``, ``NAME.csv`` and ``NAME.npz``, see :func:`segtcn.write_labels`.

    Beside them lie ``mapping.txt`` and ``prediction.json``, which says what made them: the digest of the weights, the
    facts of the segmenter, the options, and the source of each video. A video that is done is not done again, unless
    its source has changed. Each file is complete or not there.

    Features whose record says another rate are sub-sampled where the rate is a multiple of what the network sees; the
    labels have the rate of the features. Without a record the rate of the training data is assumed.

    Args:
        segmenter: a trained network.
        sources: feature files ``(D, T)`` or ``(T, D)`` and clips, by name, as :func:`find_sources` finds them.
        out: folder of the labels; made if it is not there.
        options: how labels are made of features.
        clips: makes features of clips; None makes one that needs nothing but the checkpoint.
        overwrite: replace labels that other weights or options made, and other files of these names.
        progress: show a bar with the time that is left.

    Returns:
        What became of every video. One that fails does not stop the others.

    Raises:
        ValueError: if ``out`` holds the predictions of a run, or labels that were made otherwise.
        FileExistsError: if a file that was not made here would be replaced.
        PermissionError: if ``out`` cannot be written to.

    Example:
        >>> segmenter = Segmenter.load("runs/demo")  # doctest: +SKIP
        >>> predict_files(segmenter, find_sources(["clips"]).files, "labels").failed  # doctest: +SKIP
        {}
    """
    clips = clips or ClipFeatures(segmenter.extraction, segmenter.fps, folder=Path(out), progress=progress)
    with closing(clips):
        journal = _Journal(Path(out), segmenter, options)
        journal.begin(sources, overwrite)
        skipped = [] if overwrite else [name for name, path in sources.items() if journal.is_done(name, path)]
        todo = [name for name in sources if name not in skipped]
        result = PredictedFiles([], skipped, {}, clips.notes)
        bar = progress_bar(todo, "predict", unit="video", show=progress and bool(todo))
        for name in bar:
            bar.set_postfix_str(name)
            try:
                labels = _predict_file(segmenter, sources[name], options, clips, result.notes.append)
                journal.write(name, sources[name], labels)
                result.made.append(name)
            except Exception as error:  # of whatever library: the other videos go on
                known = isinstance(error, ValueError | OSError | ImportError)
                result.failed[name] = str(error) if known else f"{type(error).__name__}: {error}"
    files = [sources[name] for name in result.made if sources[name].suffix.lower() == ".npy"]
    if unrecorded := [path for path in files if find_record(path) is None]:
        result.notes.append(_assumption(unrecorded, segmenter.fps))
    return result


def _predict_file(
    segmenter: Segmenter, path: Path, options: PredictionOptions, clips: ClipFeatures, note: Callable[[str], None]
) -> Labels:
    fps = None
    if path.suffix.lower() != ".npy":
        features: Any
        features, fps = clips.extract(path)
    else:
        features = path
        if record := find_record(path):
            check_extraction(record, segmenter.extraction, segmenter.fps, path)
            fps = record["fps"]
        shape = open_array(path, ndim=2, kinds="fiu", content="features, numbers (D, T)").shape
        if shape[0] != segmenter.net.in_channels == shape[1]:
            features = open_array(path, ndim=2, kinds="fiu", content="features, numbers (D, T)").T
            note(f"{path} is {shape}, taken as (T, D)")
    try:
        labels = segmenter.predict(features, options.chunk, options.approximate, str(path), fps)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return without_short_segments(labels, options.min_duration_s) if options.min_duration_s else labels


def _assumption(unrecorded: list[Path], fps: float | None) -> str:
    rate = "which is unknown" if fps is None else f"{fps:g} a second"
    return (
        f"no record of how they were made fits {len(unrecorded)} feature files, such as {unrecorded[0]}: assumed to be "
        f"made like the training features, at their rate ({rate})"
    )


class _Journal:
    """The folder of the labels, and the record of what made them."""

    def __init__(self, out: Path, segmenter: Segmenter, options: PredictionOptions) -> None:
        self.out, self._classes = out, segmenter.classes
        facts = {"weights_sha256": segmenter.digest(), "segmenter": segmenter.facts(), "options": asdict(options)}
        self._facts = json.loads(json.dumps(facts))  # lists for tuples, as they are read back
        self._sources: dict[str, Any] = {}

    def begin(self, names: Iterable[str], overwrite: bool) -> None:
        """Check the folder and write what all videos share."""
        for folder in (place := self.out.resolve(), *place.parents):
            if folder.name == "predictions" and any((folder.parent / n).exists() for n in ("run.json", "checkpoints")):
                raise ValueError(f"{folder} holds the test predictions of a run, which stay: choose another `out`")
        mapping, record = self.out / "mapping.txt", self.out / RECORD
        if record.exists() and not overwrite:
            self._sources = self._read(record)
        foreign = [path for name in names if name not in self._sources for path in self._paths(name)]
        foreign += [] if record.exists() else [mapping]
        if not overwrite and (present := [path for path in foreign if path.exists()]):
            raise FileExistsError(
                f"{present[0]} is there and was not made here: choose another `out`, or let `overwrite` replace it"
            )
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PermissionError(
                f"cannot make the folder {self.out} ({reason(error)}): choose another `out`"
            ) from error
        self._write_record()
        self._classes.write(mapping)

    def is_done(self, name: str, source: Path) -> bool:
        """Whether the labels of a video were written, and its source is still the same."""
        return self._sources.get(name) == _identity(source) and all(path.exists() for path in self._paths(name))

    def write(self, name: str, source: Path, labels: Labels) -> None:
        """Write the labels of a video; the last file, which shows that it is done, is removed before."""
        *_, last = paths = self._paths(name)
        last.parent.mkdir(parents=True, exist_ok=True)  # names may hold folders
        last.unlink(missing_ok=True)
        self._sources[name] = _identity(source)
        self._write_record()
        for path in paths:
            write_labels(path, labels)

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            unlike = differences({key: record[key] for key in self._facts}, self._facts)
            sources = dict(record["sources"])
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{path} is damaged ({error}): choose another `out`, or let `overwrite` replace it"
            ) from error
        if unlike and sources:
            more = f"; and {len(unlike) - 3} more" if len(unlike) > 3 else ""
            raise ValueError(
                f"the labels in {self.out} were made with {'; '.join(unlike[:3])}{more}: choose another `out`, or let "
                "`overwrite` replace them"
            )
        return sources

    def _write_record(self) -> None:
        write_json(self.out / RECORD, {"segtcn": segtcn.__version__, **self._facts, "sources": self._sources})

    def _paths(self, name: str) -> list[Path]:
        return [self.out / f"{name}{suffix}" for suffix in FORMATS]


def _identity(source: Path) -> dict[str, Any]:
    facts = source.stat()
    return {"file": str(source.absolute()), "bytes": facts.st_size, "modified_ns": facts.st_mtime_ns}
