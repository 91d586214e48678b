"""Predictions and truth of the same videos: one list of classes, one length."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from segtcn.labels.classes import Classes, listed, spelled_alike
from segtcn.labels.error_list import ErrorList
from segtcn.labels.files import read_labels
from segtcn.labels.folder import counted_alike, find_label_files, video_name, without_ending
from segtcn.labels.labels import Labels, check_names, common_classes
from segtcn.labels.lengths import LengthPolicy, check_length_policy, common_length
from segtcn.labels.matlab import read_matlab_labels
from segtcn.labels.track_classes import named_videos, track_files, track_of
from segtcn.labels.video_lists import read_names


class LabelPairs(NamedTuple):
    """Predictions and truth of the same videos, in the same classes and of the same length.

    Args:
        preds: predicted labels by name of the video.
        truth: true labels of the same videos.
        classes: of all of them.
        fps: labels per second, if those that know their rate agree within 1 %.
    """

    preds: dict[str, Labels]
    truth: dict[str, Labels]
    classes: Classes
    fps: float | None = None

    def by_track(self) -> dict[str, LabelPairs]:
        """The videos of each track, ``VIDEO/TRACK``, by the track; none where files have no tracks."""
        tracks = {name: track for name, labels in self.preds.items() if (track := track_of(labels.source))}
        return {
            track: self._replace(
                **{  # type: ignore[arg-type]  # both are labels by name
                    side: {name: labels for name, labels in getattr(self, side).items() if tracks.get(name) == track}
                    for side in ("preds", "truth")
                }
            )
            for track in dict.fromkeys(tracks.values())
        }

    def only_predicted(self) -> list[str]:
        """Names of the classes that are predicted and never occur in the truth."""
        truth = _names(self.truth)
        return [name for name in _names(self.preds) if name not in truth]


def _names(tracks: Mapping[str, Labels]) -> list[str]:
    """Names of the classes that occur."""
    return [*dict.fromkeys(labels.name_of(index) for labels in tracks.values() for index in labels.present())]


def pair_labels(
    preds: Mapping[str, Labels],
    truth: Mapping[str, Labels],
    classes: Classes | None = None,
    length_policy: LengthPolicy = "error",
    length_tolerance: int = 10,
) -> LabelPairs:
    """Bring predictions and truth together.

    Args:
        preds: predicted labels by name of the video.
        truth: true labels of the same videos.
        classes: the classes of the data set; None takes those of the labels, see :func:`common_classes`.
        length_policy: where predictions and truth differ in length: ``error``, or ``trim`` both to the shorter.
        length_tolerance: largest difference in frames that ``trim`` accepts.

    Returns:
        The videos in the order of ``truth``.

    Raises:
        ValueError: if a video has no predictions or no truth, or they differ in length. Also if a class is not in
            ``classes``, some labels are names of classes and some only indexes, or no predicted label occurs in the
            truth although no ``classes`` say that it may.

    Example:
        >>> preds, truth = Labels.from_names(["take", "pour"]), Labels.from_names(["take", "cut"])
        >>> pairs = pair_labels({"tea": preds}, {"tea": truth})
        >>> pairs.classes.names, pairs.preds["tea"].indexes.tolist()
        (('cut', 'pour', 'take'), [2, 1])
    """
    check_length_policy(length_policy, length_tolerance)
    for kind, names in (("predictions", truth.keys() - preds.keys()), ("truth", preds.keys() - truth.keys())):
        if missing := sorted(names):
            raise ValueError(f"no {kind} of {listed(missing)}: give predictions and truth of the same videos")
    may_differ = classes is not None  # who names the classes says that some may never occur
    if classes is None:
        tracks = [*preds.values(), *truth.values()]
        check_names(tracks)
        classes = common_classes(tracks)
    rates = [labels.fps for labels in [*preds.values(), *truth.values()] if labels.fps is not None]
    pairs = LabelPairs({}, {}, classes, rates[0] if rates and max(rates) < 1.01 * min(rates) else None)
    for name in truth:
        pred, true = preds[name].in_classes(classes), truth[name].in_classes(classes)
        length = common_length(len(pred), len(true), length_policy, length_tolerance)
        if length is None:
            raise ValueError(
                f"{pred.source} has {len(pred)} frames and {true.source} has {len(true)}: bring both to the same frame "
                "rate and length, or let `length_policy` trim both to the shorter where they differ by at most "
                f"`length_tolerance` = {length_tolerance} frames"
            )
        pairs.preds[name], pairs.truth[name] = pred[:length], true[:length]
    if not may_differ and (unknown := pairs.only_predicted()) and len(unknown) == len(_names(pairs.preds)):
        raise ValueError(
            f"no label of the predictions ({listed(unknown)}) occurs in the truth ({listed(_names(pairs.truth))}): "
            "bring both to the same names, or give `classes`, such as those of a mapping.txt, if they are right"
        )
    if not may_differ:
        _check_spelling(pairs)
    return pairs


def _check_spelling(pairs: LabelPairs) -> None:
    """Refuse predicted labels that never occur in the truth, where one does that differs by its spelling only."""
    truth = {spelled_alike(name): name for name in _names(pairs.truth)}
    for name in pairs.only_predicted():
        if (like := truth.get(spelled_alike(name))) is not None:
            raise ValueError(
                f"the predicted label {name!r} never occurs in the truth, which has {like!r}: spell both alike"
            )


def ignore_classes(pairs: LabelPairs, names: str) -> LabelPairs:
    """The same videos, in which frames of some true classes do not count.

    Args:
        pairs: predictions and truth.
        names: of the classes, or their indexes, with commas between them.

    Raises:
        ValueError: if there is no such class.
    """
    ignored = pairs.classes.indexes_named(names)
    return pairs._replace(truth={name: labels.ignoring(ignored) for name, labels in pairs.truth.items()})


def pair_files(
    predictions: Path,
    truth: Path,
    classes: Classes | None = None,
    videos: Iterable[str] | None = None,
    length_policy: LengthPolicy = "error",
    length_tolerance: int = 10,
) -> LabelPairs:
    """Read predictions and truth, two files or two folders whose files have the same names.

    Args:
        predictions: a label file of any format of :func:`~segtcn.labels.read_labels`, or a folder with one a video.
        truth: the same for the true labels. Two files need not have the same name.
        classes: the classes of the data set; None takes those of the files.
        videos: names of the videos to read; None reads all, which both folders must hold.
        length_policy: as for :func:`pair_labels`.
        length_tolerance: as for :func:`pair_labels`.

    Returns:
        The videos, sorted by name.

    Raises:
        FileNotFoundError: if a file or folder is missing, or a folder holds no label files.
        ValueError: if a file cannot be understood, a video is in one folder only, or as :func:`pair_labels`.
    """
    pred_files, true_files = _files_of_videos(predictions, truth, videos)
    errors = ErrorList()
    preds, true = (_read(files, classes, errors) for files in (pred_files, true_files))
    errors.raise_any()
    return pair_labels(preds, true, classes, length_policy, length_tolerance)


def pair_matlab_files(paths: Sequence[Path], classes: Classes | None = None) -> dict[str, LabelPairs]:
    """Read predictions as Lea et al. released them: a file holds the test videos of one split.

    Args:
        paths: ``.mat`` files, see :func:`~segtcn.labels.read_matlab_labels`, or one folder of such files.
        classes: the classes of the data set; None calls them by their indexes.

    Returns:
        The videos of each split by the file's name without ending; videos are named ``SPLIT/1``, ``SPLIT/2``, ...

    Raises:
        FileNotFoundError: if a file is missing or the folder holds none.
        ValueError: if a file cannot be understood, or two have the same name.
    """
    if len(paths) == 1 and paths[0].is_dir():
        folder = paths[0]
        paths = sorted(folder.glob("*.mat"), key=lambda path: (len(path.name), path.name))
        if not paths:
            raise FileNotFoundError(f"no .mat file in {folder}: check the path, or give a folder with the truth, too")
    splits: dict[str, tuple[dict[str, Labels], dict[str, Labels]]] = {}
    for path in paths:
        if path.stem in splits:
            raise ValueError(
                f"two of the files are named {path.stem}.mat: every file is one split, score the files of each network "
                "on their own"
            )
        splits[path.stem] = read_matlab_labels(path, classes)
    if classes is None:
        classes = common_classes(labels for split in splits.values() for side in split for labels in side.values())
    return {split: pair_labels(preds, truth, classes) for split, (preds, truth) in splits.items()}


def read_video_list(path: Path) -> list[str]:
    """Read names of videos, one a line, such as a ``test.split1.bundle``; endings of label files are cut off.

    Args:
        path: the list.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is empty or names a video twice.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no list of videos {path}: give a file that names them, one a line")
    return read_names(path, clean=without_ending)


def chosen_videos(words: Iterable[str]) -> list[str]:
    """Names of videos; a list, such as ``test.split1.bundle``, stands for the names in it.

    Args:
        words: names, and lists: files, or what ends like one.

    Raises:
        FileNotFoundError: as for :func:`read_video_list`.
        ValueError: as for :func:`read_video_list`.
    """
    lists = (Path(word) for word in words)
    return [
        name
        for path in lists
        for name in (read_video_list(path) if path.is_file() or path.suffix in (".bundle", ".txt") else [str(path)])
    ]


def _read(files: Mapping[str, Path], classes: Classes | None, errors: ErrorList) -> dict[str, Labels]:
    tracks: dict[str, Labels] = {}
    with errors.collect(), counted_alike(files.values()):
        for name, path in files.items():
            with errors.collect():
                tracks[name] = read_labels(path, classes)
    return tracks


def _files_of_videos(
    predictions: Path, truth: Path, videos: Iterable[str] | None
) -> tuple[dict[str, Path], dict[str, Path]]:
    for path in (predictions, truth):
        if not path.exists():
            raise FileNotFoundError(f"no file or folder {path}: check the path")
    if predictions.is_file() and truth.is_file():
        name = video_name(str(predictions))
        return track_files({name: predictions}), track_files({name: truth})
    if truth.is_file():
        raise ValueError(
            f"{predictions} is a folder and {truth} a file: expected two folders with one file a video, or two files"
        )
    true_files = find_label_files(truth)
    if predictions.is_file():
        pred_files = {video_name(str(predictions)): predictions}
        names = sorted(pred_files)
    else:
        pred_files = find_label_files(predictions)
        every = {*pred_files, *true_files}
        given = [] if videos is None else named_videos(videos, every).items()
        names = sorted(every if videos is None else {name for video, tracks in given for name in tracks or [video]})
    problems = [
        f"no {kind} in {folder} for {listed(missing)}"
        for kind, folder, files in (("predictions", predictions, pred_files), ("truth", truth, true_files))
        if (missing := [name for name in names if name not in files])
    ]
    if problems:
        remedy = "add the files" if videos is not None else "add the files, or name the `videos` to score"
        raise ValueError(f"{'; '.join(problems)}: {remedy}")
    return {name: pred_files[name] for name in names}, {name: true_files[name] for name in names}
