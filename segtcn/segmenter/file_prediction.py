"""Labels for files: features and clips go in, label files come out, one video after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from segtcn.arrays import open_features
from segtcn.decoding import Decoder, without_short_segments
from segtcn.extract.feature_files import RECORDS, find_record, name_below
from segtcn.labels import CLIP_SUFFIXES, Labels
from segtcn.labels.folder import RECORD
from segtcn.progress import progress_bar
from segtcn.segmenter.clip_features import ClipFeatures, recorded_rate, remove_feature_folders
from segtcn.segmenter.labels_folder import LabelsFolder
from segtcn.segmenter.segmenter import Segmenter

_COMPARED = 64  # frames of a video whose features are compared with those of the training videos
_LARGEST_DISTANCE = 5.0  # from the training features, of half of the features: 0.8 is usual
_SMALLEST_SPREAD = 0.02  # in standard deviations of the training features


class VideoFiles(NamedTuple):
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
        decoder: makes the labels of the scores; None takes those of the network.
    """

    chunk: int | None = None
    approximate: bool = False
    min_duration_s: float = 0.0
    decoder: Decoder | None = None

    def record(self) -> dict[str, Any]:
        """As JSON can hold it."""
        values = {"chunk": self.chunk, "approximate": self.approximate, "min_duration_s": self.min_duration_s}
        return values if self.decoder is None else {**values, "decoder": self.decoder.record()}


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


def find_sources(
    paths: Iterable[str | os.PathLike[str]], relative_to: str | os.PathLike[str] | None = None
) -> VideoFiles:
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
    sources = VideoFiles({}, [])
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


def find_features(paths: Iterable[str | os.PathLike[str]]) -> dict[str, Path]:
    """The feature files that are meant, by name, as :func:`find_sources` finds them.

    Args:
        paths: feature files, and folders, which are searched with all folders in them.

    Raises:
        FileNotFoundError: as :func:`find_sources`.
        ValueError: as :func:`find_sources`, or if one is a clip.
    """
    files = find_sources(paths).files
    if clip := next((path for path in files.values() if path.suffix.lower() != ".npy"), None):
        raise ValueError(f"{clip} is a clip: make features of it by `segtcn extract`, and give those")
    return files


def _is_usable(file: Path) -> bool:
    # not a pipe, which would be waited for
    return file.is_file() and file.suffix.lower() in (".npy", *CLIP_SUFFIXES)


def _usable_files(folder: Path, passed_over: list[Path]) -> list[Path]:
    files: list[Path] = []
    made_here = {record.parent for record in folder.rglob(RECORD)} - {folder}
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if any(part.startswith(".") for part in parts) or RECORDS in parts[:-1] or made_here.intersection(path.parents):
            continue
        if path.is_symlink() or not path.is_dir():  # folders are searched, but not through links
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

    Of several labels at a time, ``NAME.csv`` and ``NAME.npz`` hold all tracks, see
    :func:`segtcn.labels.track_classes.write_tracks`.

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
        ValueError: if ``out`` belongs to a run or a data set, or holds labels that were made otherwise or are of other
            videos of these names.
        FileExistsError: if a file that was not made here would be replaced.
        PermissionError: if ``out`` cannot be written to.

    Example:
        >>> segmenter = Segmenter.load("runs/demo")  # doctest: +SKIP
        >>> predict_files(segmenter, find_sources(["clips"]).files, "labels").failed  # doctest: +SKIP
        {}
    """
    clips = clips or ClipFeatures(segmenter.extraction, segmenter.fps, folder=Path(out), progress=progress)
    with closing(clips):
        folder = LabelsFolder(Path(out), segmenter, options.record())
        folder.begin(sources, overwrite)
        remove_feature_folders(folder.out)
        skipped = [] if overwrite else [name for name, path in sources.items() if folder.is_done(name, path)]
        todo = [name for name in sources if name not in skipped]
        result = PredictedFiles([], skipped, {}, clips.notes)
        bar = progress_bar(todo, "predict", unit="video", show=progress and bool(todo))
        for name in bar:
            bar.set_postfix_str(name)
            try:
                labels = _predict_file(segmenter, sources[name], options, clips, result.notes.append)
                folder.write(name, sources[name], labels)
                result.made.append(name)
            except Exception as error:  # of whatever library: it must not stop the other videos
                known = isinstance(error, ValueError | OSError | ImportError)
                result.failed[name] = str(error) if known else f"{type(error).__name__}: {error}"
    files = [sources[name] for name in result.made if sources[name].suffix.lower() == ".npy"]
    unrecorded = [path for path in files if find_record(path) is None]
    if unrecorded:
        result.notes.append(_assumption(unrecorded, segmenter.fps))
    elif files and segmenter.fps is None:
        result.notes.append("the checkpoint does not say at which rate the network was trained: any is taken")
    return result


def _predict_file(
    segmenter: Segmenter, path: Path, options: PredictionOptions, clips: ClipFeatures, note: Callable[[str], None]
) -> dict[str, Labels]:
    """The labels of each track; of a network of one label a frame there is one, named ""."""
    features: Any = path
    fps = None
    if path.suffix.lower() != ".npy":
        features, fps = clips.extract(path)
    else:
        fps = recorded_rate(path, segmenter.extraction, segmenter.fps)
        array = open_features(path)
        if array.shape[0] != segmenter.net.in_channels == array.shape[1]:
            note(f"{path} is {array.shape}, taken as (T, D)")
            features = array = array.T
        elif array.shape[0] == array.shape[1]:
            note(f"{path} is square, taken as (D, T)")
        if unlike := _unlike_training(array, segmenter):
            note(f"features of {path} {unlike}: are they of another unit or extractor?")
    try:
        how = (options.chunk, options.approximate, str(path), fps)
        if segmenter.tracks:
            tracks = segmenter.predict_tracks(features, *how)
            tracks = {name: options.decoder(labels) if options.decoder else labels for name, labels in tracks.items()}
        else:
            tracks = {"": segmenter.predict(features, *how, options.decoder)}
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    if options.min_duration_s:
        return {name: without_short_segments(labels, options.min_duration_s) for name, labels in tracks.items()}
    return tracks


def _unlike_training(features: npt.NDArray[Any], segmenter: Segmenter) -> str | None:
    """How features differ from the training features, if by more than another video explains."""
    mean, std = segmenter.standardization.mean.cpu().numpy(), segmenter.standardization.std.cpu().numpy()
    known = std != 1  # the others were constant, or nothing is standardised
    if len(features) != len(mean) or not features.shape[1] or not known.any():
        return None
    frames = np.unique(np.linspace(0, features.shape[1] - 1, _COMPARED).astype(int))
    with np.errstate(all="ignore"):  # what is not finite is refused later
        deviations = (np.asarray(features[:, frames], np.float64)[known] - mean[known, None]) / std[known, None]
        distance, spread = np.median(np.abs(deviations).mean(axis=1)), np.median(deviations.std(axis=1))
    if distance > _LARGEST_DISTANCE:
        return f"lie {distance:.0f} standard deviations from the training features"
    if len(frames) == _COMPARED and spread < _SMALLEST_SPREAD:
        return f"vary {spread:.3f} times as much as the training features"
    return None


def _assumption(unrecorded: list[Path], fps: float | None) -> str:
    rate = "which is unknown" if fps is None else f"{fps:g} a second"
    files = "file" if len(unrecorded) == 1 else "files"
    return (
        f"no record of how they were made fits {len(unrecorded)} feature {files}, such as {unrecorded[0]}: assumed to "
        f"be made like the training features, at their rate ({rate})"
    )
