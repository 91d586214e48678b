"""Where the labels and clips of videos lie: in runs, in folders of files, or in single files."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from segtcn.evaluation.runs import is_run
from segtcn.labels import CLIP_SUFFIXES, Classes, find_clips, find_label_files, find_mapping, video_name
from segtcn.metrics.protocols import get_protocol
from segtcn.options import Selection
from segtcn.structures import is_rate

Source = tuple[str | None, Path]
"""Title and path of what is shown; a title of None is made from the path."""


class Places(NamedTuple):
    """Where the labels and clips of some sources lie.

    Args:
        sources: title and folder of each run, title and label files by video of any other source.
        truths: true label files by video.
        clips: by video.
        classes: of a ``mapping.txt``, if there is one.
    """

    sources: list[tuple[str | None, Path | dict[str, Path]]]
    truths: dict[str, Path]
    clips: dict[str, Path]
    classes: Classes | None


def locate(sources: Sequence[Source], selection: Selection, clips: Path | None = None) -> Places:
    """Find the labels and clips of some sources; no labels are read.

    Args:
        sources: title and path of runs, folders of runs, label files, folders of them, and clips.
        selection: where truth and classes are.
        clips: a clip, or a folder with one a video; None looks for a folder ``videos`` beside the truth.

    Raises:
        FileNotFoundError: if a file or folder is missing, or a folder holds nothing that can be shown.
        ValueError: if ``fps`` is not positive, the protocol is unknown, or ``mapping.txt`` cannot be understood.
    """
    if selection.fps is not None and not is_rate(selection.fps):
        raise ValueError(f"the rate of the labels (`fps`) must be positive, got {selection.fps:g}")
    if selection.protocol is not None:
        get_protocol(selection.protocol)
    for path in (selection.truth, clips, selection.mapping, *(path for _, path in sources)):
        if path is not None and not path.exists():
            raise FileNotFoundError(f"no file or folder {path}: check the path")
    clip_files = [path for _, path in sources if path.is_file() and path.suffix.lower() in CLIP_SUFFIXES]
    sources = [source for source in sources if source[1] not in clip_files]
    if clips is not None and clips.is_file():
        clip_files.append(clips)
    only_video = _only_video(sources, selection, clip_files)
    truths = {} if selection.truth is None else _label_files(selection.truth, only_video)
    sources = [inner for title, path in sources for inner in _inner_runs(title, path)]
    found = _clips(clip_files, only_video, clips, selection.truth)
    return Places(_folders_and_files(sources, only_video), truths, found, _known_classes(sources, selection))


def _only_video(sources: Sequence[Source], selection: Selection, clip_files: Sequence[Path]) -> str | None:
    """The name of the video that all label files belong to, or None where their names say it."""
    if any(path.is_dir() for _, path in sources) or len(clip_files) > 1:
        return None
    if clip_files:
        return clip_files[0].stem
    truth = selection.truth
    return video_name(truth.name) if truth is not None and truth.is_file() else None


def _known_classes(sources: Sequence[Source], selection: Selection) -> Classes | None:
    """The classes of ``mapping.txt``, if there is one."""
    places = [] if selection.truth is None else [selection.truth]
    places += [path for _, path in sources if not is_run(path)]
    mapping = selection.mapping or find_mapping(places)
    return None if mapping is None else Classes.read(mapping)


def _folders_and_files(
    sources: Sequence[Source], only_video: str | None
) -> list[tuple[str | None, Path | dict[str, Path]]]:
    """Title and folder of runs, title and files of the others; files of several videos of one title belong together."""
    label_sources: list[tuple[str | None, Path | dict[str, Path]]] = []
    file_names = [path.name for title, path in sources if title is None and path.is_file()]
    for title, path in sources:
        if is_run(path):
            label_sources.append((title, path))
            continue
        files = _label_files(path, only_video)
        is_alone = len(sources) == 1 and path.is_file()
        by_stem = only_video is not None and file_names.count(path.name) == 1
        name = title or ("prediction" if is_alone else _default_title(path, by_stem))
        for other, videos in label_sources:
            if path.is_file() and other == name and isinstance(videos, dict) and not files.keys() & videos.keys():
                videos.update(files)
                break
        else:
            label_sources.append((name, files))
    return label_sources


def _default_title(path: Path, by_stem: bool) -> str:
    if path.is_file():
        return path.stem if by_stem else path.resolve().parent.name
    folder = path.resolve()
    return folder.parent.name if folder.name == "predictions" else folder.name


def _inner_runs(title: str | None, path: Path) -> list[Source]:
    """The runs in a folder of runs; any other source stays as it is."""
    if not path.is_dir() or is_run(path) or (path / "predictions").is_dir():
        return [(title, path)]
    folders = [folder for folder in sorted(path.iterdir()) if is_run(folder)]
    return [(title and f"{title} {folder.name}", folder) for folder in folders] or [(title, path)]


def _label_files(path: Path, only_video: str | None) -> dict[str, Path]:
    return find_label_files(path) if path.is_dir() else {only_video or video_name(path.name): path}


def _clips(
    clip_files: Sequence[Path], only_video: str | None, clips: Path | None, truth: Path | None
) -> dict[str, Path]:
    """Clips by name of the video, with the folders in which it lies and without."""
    if clip_files and only_video is not None:
        return {only_video: clip_files[0]}
    by_name = {path.stem: path for path in reversed(clip_files)}
    if clips is not None and clips.is_dir():
        return {**find_clips(clips), **by_name}
    if not clip_files and truth is not None:
        with contextlib.suppress(FileNotFoundError):  # nobody asked for these
            return find_clips(truth.parent / "videos")
    return by_name
