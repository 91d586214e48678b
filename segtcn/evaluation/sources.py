"""Where the labels and clips of videos lie: in runs, in folders of files, or in single files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from segtcn.evaluation.files import SUFFIXES, Frames, video_name
from segtcn.evaluation.runs import Run, RunPart, is_run, read_run
from segtcn.labels.legacy import LabelTrack, read_label_array, read_labels
from segtcn.visualization.tracks import Track

TRUTH = "truth"
"""Title of the true labels."""

CLIP_SUFFIXES = (".mp4", ".m4v", ".webm", ".mov", ".mkv", ".avi", ".mpg", ".mpeg", ".wmv", ".flv", ".ts", ".mts")
"""Endings of clips; where a folder has several of one name, the first of these counts: browsers play it."""

_LABEL_SUFFIXES = (".npz", ".csv", ".txt", "", ".npy")
"""Endings of label files; where a folder has several of one video, the first of these counts: it holds the most."""


class TrackSource(NamedTuple):
    """Where the labels of one video come from; they are read when they are needed.

    Args:
        title: what pictures call them.
        origin: a label file, or the class index of every frame, ``(T,)``.
        is_truth: whether they are the truth.
        fps: labels per second; None leaves it to the file.
        class_names: of the indexes, where ``origin`` holds such.
        place: where indexes come from, for messages.
    """

    title: str
    origin: Path | Frames
    is_truth: bool = False
    fps: float | None = None
    class_names: Sequence[str] | None = None
    place: str = ""

    def read(self) -> Track:
        """Read the labels.

        Raises:
            FileNotFoundError: if the file is gone.
            ValueError: if the file cannot be understood, or holds an index of no class.
        """
        if isinstance(self.origin, Path) and self.origin.suffix != ".npy":
            labels = read_labels(self.origin)
            return Track(self.title, labels._replace(fps=self.fps or labels.fps), str(self.origin), self.is_truth)
        place = str(self.origin) if isinstance(self.origin, Path) else self.place
        indexes = read_label_array(self.origin) if isinstance(self.origin, Path) else self.origin
        names = self.class_names
        if names is not None and indexes.max() >= len(names):
            raise ValueError(f"{place}: class {indexes.max()} has no name, there are {len(names)} (`--mapping`)")
        labels = LabelTrack([str(i) if names is None else names[i] for i in indexes.tolist()], self.fps)
        return Track(self.title, labels, place, self.is_truth)


class Found(NamedTuple):
    """What one source has.

    Args:
        title: what pictures call it.
        tracks: its labels by name of the video.
        truths: the truth that it knows, likewise.
        run: the run, if it is one.
    """

    title: str
    tracks: dict[str, TrackSource]
    truths: dict[str, TrackSource]
    run: Run | None = None


def with_titles(named: Sequence[tuple[str, Path]], one_video: bool) -> list[tuple[str, Path]]:
    """Give every source a title of its own; folders of runs become their runs.

    Args:
        named: title and path of each; an empty title is to be found.
        one_video: whether all files belong to the same video.
    """
    expanded: list[tuple[str, Path]] = []
    for title, path in named:
        inner = []
        if path.is_dir() and not is_run(path) and not (path / "predictions").is_dir():
            inner = [folder for folder in sorted(path.iterdir()) if folder.is_dir() and is_run(folder)]
        expanded += [(f"{title} {folder.name}".strip(), folder) for folder in inner] or [(title, path)]
    untitled = [path.name for title, path in expanded if not title and path.is_file()]
    titles: list[tuple[str, Path]] = []
    for title, path in expanded:
        by_stem = one_video and untitled.count(path.name) == 1
        own = title or ("prediction" if len(expanded) == 1 and path.is_file() else _default_title(path, by_stem))
        # files of several videos may share a title: they are from the same network
        taken = {
            other for other, place in titles if one_video or path.is_dir() or place.is_dir() or place.name == path.name
        }
        unique, number = own, 2
        while unique in {*taken, TRUTH}:
            unique, number = f"{own} ({number})", number + 1
        titles.append((unique, path))
    return titles


def _default_title(path: Path, by_stem: bool) -> str:
    if path.is_file():
        return path.stem if by_stem else path.resolve().parent.name
    folder = path.resolve()
    return folder.parent.name if folder.name == "predictions" else folder.name


def join_equal_titles(found: Sequence[Found]) -> list[Found]:
    """Make sources of one title one: they are files of several videos of one network."""
    joined: dict[str, Found] = {}
    for each in found:
        other = joined.get(each.title)
        joined[each.title] = each if other is None else other._replace(tracks={**other.tracks, **each.tracks})
    return [*joined.values()]


def from_files(
    title: str, path: Path, single: str | None, fps: float | None, class_names: Sequence[str] | None
) -> dict[str, TrackSource]:
    """Tracks of a label file, or of a folder with one a video.

    Args:
        title: what pictures call them.
        path: the file or folder.
        single: name of the video, if all files belong to one.
        fps: labels per second; None leaves it to the files.
        class_names: of the indexes that ``.npy`` files hold.

    Returns:
        By name of the video.

    Raises:
        FileNotFoundError: if the folder holds no label files.
    """
    files = _label_files(path) if path.is_dir() else {single or _name_of(path.name): path}
    return {name: TrackSource(title, file, title == TRUTH, fps, class_names) for name, file in files.items()}


def from_run(
    title: str,
    folder: Path,
    truth: Path | None,
    mapping: Path | None,
    background: str | None,
    fps: float | None,
    protocol: str | None,
    seed: int | None,
    root: Path | None,
) -> list[Found]:
    """Tracks of a run; several sources where a video was tested in several splits.

    Args:
        title: what pictures call it.
        folder: of the run.
        truth: a folder of true labels; None takes those of the run's data set.
        mapping: names of the classes of ``truth``.
        background: of ``truth``.
        fps: labels per second; None takes what the run says.
        protocol: under which it is scored; None takes the run's.
        seed: of a run with several; None takes the smallest.
        root: the place of the data set, if it is not where the run's config says.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if the truth is that of one video, or there is no such seed.
    """
    if truth is not None and truth.is_file():
        raise ValueError(f"{truth} is the truth of one video and {folder} a run of many: give a folder (`--truth`)")
    extra = {} if truth is None else {"truth": truth, "mapping": mapping, "background": background}
    run = read_run(folder, root, protocol=protocol, length_policy="trim", **extra)  # type: ignore[arg-type]
    seeds = {part.seed for part in run.parts if part.seed is not None}
    if seed is not None and seed not in seeds:
        raise ValueError(f"{folder} has no seed {seed}: choose from {', '.join(map(str, sorted(seeds)))}")
    chosen = seed if seed is not None else min(seeds, default=None)
    run = run._replace(parts=[part for part in run.parts if part.seed in (chosen, None)])
    stored = run
    if run.sample_rate > 1 and truth is None:
        stored = read_run(folder, root, protocol=protocol, sample_rate=1)
    rate = fps or (None if run.fps is None else run.fps * run.sample_rate)
    if len(seeds) > 1:
        title = f"{title}, seed {chosen}"
    counts: dict[str, int] = {}
    for part in run.parts:
        for name in part.videos.preds:
            counts[name] = counts.get(name, 0) + 1
    if max(counts.values(), default=1) == 1:
        groups = {title: run.parts}
    else:  # a video that is tested in several splits has a track of each
        groups = {f"{title}, split {part.split}": [part] for part in run.parts}
    truths = {} if truth is not None else _truths_of(stored, rate, folder)
    return [
        Found(own, _tracks_of(own, parts, rate), truths, run._replace(parts=[*parts])) for own, parts in groups.items()
    ]


def _truths_of(run: Run, fps: float | None, folder: Path) -> dict[str, TrackSource]:
    return {
        name: TrackSource(TRUTH, frames, True, fps, run.class_names, f"the truth of {folder}")
        for part in run.parts
        for name, frames in part.videos.labels.items()
    }


def _tracks_of(title: str, parts: Iterable[RunPart], fps: float | None) -> dict[str, TrackSource]:
    tracks: dict[str, TrackSource] = {}
    for part in parts:
        files = {} if part.folder is None else _label_files(part.folder)
        tracks |= {name: TrackSource(title, files[name], False, fps) for name in part.videos.preds}
    return tracks


def _label_files(folder: Path) -> dict[str, Path]:
    """The label file of each video of a folder and the folders in it; the one that holds the most."""
    files: dict[str, Path] = {}
    if (folder / "predictions").is_dir():
        folder = folder / "predictions"
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in inner.parts)
        if hidden or path.name == "mapping.txt" or not path.is_file() or _rank(path) is None:
            continue
        name = _name_of(inner.as_posix())
        other = files.setdefault(name, path)
        if (_rank(path) or 0) < (_rank(other) or 0):
            files[name] = path
    if not files:
        raise FileNotFoundError(
            f"no label files in {folder}: expected one a video, .npz, .csv, .txt, .npy or MS-TCN's recognition files; "
            "clips go with --clips"
        )
    return files


def _rank(path: Path) -> int | None:
    if path.suffix in _LABEL_SUFFIXES[:3] or path.suffix == ".npy":
        return _LABEL_SUFFIXES.index(path.suffix)
    if path.suffix.lower() in (*CLIP_SUFFIXES, *SUFFIXES):
        return None
    with path.open("rb") as file:  # MS-TCN's recognition files have no ending
        return _LABEL_SUFFIXES.index("") if file.read(27) == b"### Frame level recognition" else None


def _name_of(file_name: str) -> str:
    return video_name(file_name).removesuffix(".npz")


def single_video(
    named: Sequence[tuple[str, Path]], truth: Path | None, clips: Path | None, given_clips: Sequence[Path]
) -> str | None:
    """The name of the video that all label files belong to, or None where names tell."""
    clip_files = [*given_clips, *([clips] if clips is not None and clips.is_file() else [])]
    if any(path.is_dir() for _, path in named) or len(clip_files) > 1:
        return None
    if clip_files:
        return clip_files[0].stem
    if truth is not None and truth.is_file():
        return _name_of(truth.name)
    return None


def find_clips(
    clips: Path | None, truth: Path | None, given_clips: Sequence[Path], single: str | None
) -> dict[str, Path]:
    """Clips by name of the video, with the folders in which it lies and without.

    Args:
        clips: a clip, or a folder with one a video; None looks for a folder ``videos`` beside the truth.
        truth: a file or folder of true labels.
        given_clips: further clips.
        single: name of the video, if all files belong to one.

    Raises:
        FileNotFoundError: if ``clips`` is a folder without any.
    """
    files = [*given_clips]
    if clips is not None and clips.is_file():
        files.append(clips)
    if files and single is not None:
        return {single: files[0]}
    found = {path.stem: path for path in reversed(files)}
    folder = clips if clips is not None and clips.is_dir() else None
    if folder is None and not files and truth is not None and (truth.parent / "videos").is_dir():
        folder = truth.parent / "videos"
    if folder is not None:
        paths = [path for path in folder.rglob("*") if path.is_file() and path.suffix.lower() in CLIP_SUFFIXES]
        if not paths and clips is not None:
            raise FileNotFoundError(f"no clips in {folder}: expected {', '.join(CLIP_SUFFIXES)}")
        for path in sorted(paths, key=lambda path: (CLIP_SUFFIXES.index(path.suffix.lower()), str(path))):
            inner = path.relative_to(folder).with_suffix("")
            found.setdefault(inner.as_posix(), path)
            found.setdefault(inner.name, path)
    return found


def find_mapping(paths: Iterable[Path], truth: Path | None) -> Path | None:
    """A ``mapping.txt`` in the folder of labels, or in one of the two above it."""
    for path in [*([] if truth is None else [truth]), *paths]:
        folder = path.resolve() if path.is_dir() else path.resolve().parent
        for place in (folder, *list(folder.parents)[:2]):
            if (place / "mapping.txt").is_file():
                return place / "mapping.txt"
    return None
