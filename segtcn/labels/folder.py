"""Where the label file, the clip and the mapping of a video lie: one finder, one precedence."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath

from segtcn.labels.classes import Classes, listed
from segtcn.labels.detection import detect_format
from segtcn.labels.error_list import ErrorList
from segtcn.labels.files import read_labels
from segtcn.labels.frame_table import FramesFromOneWarning, frame_table_layout, read_frame_table
from segtcn.labels.labels import Labels
from segtcn.labels.text_rows import read_text
from segtcn.labels.track_classes import track_files
from segtcn.progress import progress_bar

SUFFIXES = (".npz", ".csv", ".txt", "", ".npy")
"""Endings of label files; where a folder has several of one video, the first of these counts: it holds the most."""

CLIP_SUFFIXES = (
    *(".mp4", ".m4v", ".webm", ".mov", ".mkv", ".avi", ".mpg", ".mpeg", ".wmv", ".flv"),
    *(".ts", ".mts", ".m2ts", ".ogv", ".3gp", ".mjpg", ".mjpeg"),
)
"""Endings of clips; where a folder has several of one name, the first of these counts: browsers play it."""

MAPPING = "mapping.txt"
"""Name of the file that numbers the classes, ``ID NAME`` a line."""

RECORD = "prediction.json"
"""Name of the file in a folder of `segtcn predict` that says how the labels were made."""


def video_name(path: str) -> str:
    r"""Name of the video that a label file, a clip or a line of a list belongs to: without folder and ending.

    Args:
        path: of any system; the name may hold dots.

    Example:
        >>> video_name("S1.Cheese.C1.txt"), video_name("S1.Cheese.C1"), video_name(r"C:\clips\P01.cam 2.MP4")
        ('S1.Cheese.C1', 'S1.Cheese.C1', 'P01.cam 2')
    """
    return without_ending(PureWindowsPath(path).name)  # takes both kinds of slashes


def without_ending(name: str) -> str:
    """The same name without the ending of a label file or clip; folders in it stay.

    Args:
        name: of a video, perhaps with its ending.

    Example:
        >>> without_ending("P03/cam01.csv"), without_ending("P03/cam01.v2")
        ('P03/cam01', 'P03/cam01.v2')
    """
    lower = name.lower()
    ending = next((e for e in (*SUFFIXES, ".mat", *CLIP_SUFFIXES) if e and lower.endswith(e)), "")
    return name[: len(name) - len(ending)]


def find_label_files(folder: Path) -> dict[str, Path]:
    """The label file of each video in a folder and the folders in it.

    Where a video has several with the same labels, the one that holds the most counts: ``.npz``, ``.csv``, ``.txt``,
    MS-TCN's recognition file, ``.npy``. Hidden files, clips, ``mapping.txt`` and ``prediction.json`` are passed over;
    other files as well, which is said. The folder of a run stands for its ``predictions``.

    Args:
        folder: with one file a video; a name may hold folders.

    Returns:
        By name of the video, sorted; each track of a file with several is ``NAME/TRACK``, and its path ``FILE/TRACK``.

    Raises:
        FileNotFoundError: if there is no such folder, or no label file in it.
        ValueError: if two files are of one video and differ; the message has all of them.

    Warns:
        UserWarning: if it holds files that are passed over, such as those of another program.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder {folder}: check the path")
    if (folder / "predictions").is_dir():
        folder = folder / "predictions"
    of_video: dict[str, list[Path]] = {}
    others: list[str] = []
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder)
        if any(part.startswith(".") for part in inner.parts) or not path.is_file() or path.name in (MAPPING, RECORD):
            continue
        if not _holds_labels(path):
            others += [inner.as_posix()] * (path.suffix.lower() not in CLIP_SUFFIXES)
            continue
        of_video.setdefault(without_ending(inner.as_posix()), []).append(path)
    files = {name: min(paths, key=_rank) for name, paths in of_video.items()}
    if not files:
        raise FileNotFoundError(
            f"no label files in {folder}: expected one a video, .npz, .csv, .txt, .npy or MS-TCN's recognition files; "
            "give the folder that holds them"
        )
    if others:
        warnings.warn(f"{folder}: passed over {listed(others)}, not label files", stacklevel=2)
    _check_alike(files, of_video)
    return track_files(files)


def find_clips(folder: Path) -> dict[str, Path]:
    """Clips in a folder and the folders in it, by name of the video: with its folders; without where that is one clip.

    Args:
        folder: of clips.

    Raises:
        FileNotFoundError: if there is no such folder, or no clip in it.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder of clips {folder}: check the path")
    paths = [path for path in folder.rglob("*") if path.is_file() and path.suffix.lower() in CLIP_SUFFIXES]
    if not paths:
        raise FileNotFoundError(f"no clips in {folder}: expected {', '.join(CLIP_SUFFIXES)}")
    paths.sort(key=lambda path: (CLIP_SUFFIXES.index(path.suffix.lower()), str(path)))
    clips: dict[str, Path] = {}
    for path in paths:
        clips.setdefault(path.relative_to(folder).with_suffix("").as_posix(), path)
    last = Counter(name.rpartition("/")[2] for name in clips)
    for path in paths:  # by its last name alone where no other clip has it: folders count
        if last[path.stem] == 1:
            clips.setdefault(path.stem, path)
    return clips


def find_mapping(paths: Iterable[Path]) -> Path | None:
    """The first ``mapping.txt`` in the folder of label files, or in one of the two above it.

    Args:
        paths: label files or folders, in order of precedence.
    """
    for path in paths:
        folder = path.resolve() if path.is_dir() else path.resolve().parent
        for place in (folder, *list(folder.parents)[:2]):
            if (place / MAPPING).is_file():
                return place / MAPPING
    return None


@contextmanager
def counted_alike(files: Collection[Path]) -> Iterator[None]:
    """Read the files of a data set, whose tables count their frames alike: all from 0, or all from 1.

    Args:
        files: all of them.

    Raises:
        ValueError: if some tables count from 0 and some from 1: either the first frame has no row, or all are shifted.

    Warns:
        FramesFromOneWarning: if all count from 1.
    """
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always", UserWarning)
        yield
    from_one = [each for each in raised if issubclass(each.category, FramesFromOneWarning)]
    for each in raised:
        if each not in from_one:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    if not from_one:
        return
    if from_zero := [path for path in files if _first_frame(path) == 0]:
        raise ValueError(
            f"{from_one[0].message}, but {from_zero[0]} from 0, and the tables of a data set count alike: "
            "add the first row, or subtract 1 from the frames"
        )
    text = str(from_one[0].message)
    if len(from_one) > 1:
        text = f"{len(from_one)} tables, such as {text.replace(' counts its', ', count their')}"
    warnings.warn(text, FramesFromOneWarning, stacklevel=3)


def _first_frame(path: Path) -> int | None:
    """Number of the first row of a table of frames; None of other files."""
    if detect_format(path) not in ("frame table", "one-hot"):
        return None
    text = read_text(path)
    layout = frame_table_layout(text)
    return read_frame_table(path, text).first if layout and "frame" in layout.kinds() else None


def read_label_files(
    files: Mapping[str, Path], classes: Classes | None = None, fps: float | None = None, progress: bool = False
) -> dict[str, Labels]:
    """Read many label files, without the scores of classes: those of a data set would fill the memory.

    Args:
        files: by name of the video, as :func:`find_label_files` finds them.
        classes: what class indexes mean; None calls them by their number. Names need not be among them.
        fps: labels per second; None takes what the files say.
        progress: whether to show a progress bar.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if files cannot be understood; the message has all of them.
    """
    labels: dict[str, Labels] = {}
    errors = ErrorList()
    with errors.collect(), counted_alike(files.values()):
        for name, path in progress_bar(files.items(), "read labels", unit="video", show=progress, keep=False):
            with errors.collect():
                labels[name] = read_labels(path, classes if path.suffix == ".npy" else None, fps).without_scores()
    errors.raise_any()
    return labels


def _check_alike(files: Mapping[str, Path], of_video: Mapping[str, list[Path]]) -> None:
    """Refuse two files of one video that differ: somebody edited the one that does not count."""
    errors = ErrorList()
    for name, path in files.items():
        labels = _names_in(path) if len(of_video[name]) > 1 else None
        for other in of_video[name]:
            names = None if labels is None or other == path else _names_in(other)
            if labels is None or names is None:
                continue
            pairs = {*zip(labels, names, strict=False)}
            # an array has indexes in place of names: one for each
            same = (
                len(pairs) == len({*labels}) == len({*names})
                if ".npy" in (path.suffix, other.suffix)
                else labels == names
            )
            if len(labels) != len(names) or not same:
                errors.messages.append(f"{path} and {other} are of one video and differ: remove the one that is wrong")
    errors.raise_any()


def _names_in(path: Path) -> list[str] | None:
    """Labels of a file; None if it cannot be read, or has several tracks."""
    try:
        return read_labels(path).names()
    except (ValueError, FileNotFoundError):
        return None


def _holds_labels(path: Path) -> bool:
    if path.suffix in SUFFIXES[:3] or path.suffix == ".npy":
        return True
    if path.suffix.lower() in (".mat", *CLIP_SUFFIXES):
        return False
    try:  # MS-TCN's recognition files have no ending, but their names may hold dots
        return detect_format(path) == "recognition"
    except ValueError:
        return False


def _rank(path: Path) -> int:
    return SUFFIXES.index(path.suffix if path.suffix in SUFFIXES else "")
