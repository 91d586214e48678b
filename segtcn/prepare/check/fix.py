"""A corrected copy of a data set, as an MS-TCN tree."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import torch
import yaml

from segtcn.arrays import save_array
from segtcn.atomic import reason
from segtcn.data.readers.reader import Reader
from segtcn.data.readers.text import check_names
from segtcn.labels.legacy import write_labels
from segtcn.prepare.check.reading import read_video
from segtcn.prepare.check.report import DataReport, Key, counted
from segtcn.progress import progress_bar


class Fix(NamedTuple):
    """One difference between a data set and its corrected copy.

    Args:
        where: the video or split.
        message: what was done and why.
    """

    where: str
    message: str


def fix_data(
    reader: Reader,
    report: DataReport,
    out: str | Path,
    length_tolerance: int = 10,
    source: Iterable[str | Path] = (),
    progress: bool = False,
) -> list[Fix]:
    """Write what is usable of a data set into a new folder, complete or not at all; the data set is only read.

    The copy is a tree for :class:`~segtcn.data.readers.MSTCNReader` with a ``data.yaml``; where features differ from
    split to split, one tree a split in ``split1``, ``split2``, ... Features become ``(D, T)`` float32. Features and
    labels whose lengths differ are cut to the shorter. A video that cannot be repaired or never changes (others do)
    is left out, and so is one of two with equal features and labels. One that is listed for training and for test, or
    has the features of a test video, is left out of the training list. Features are never made up: NaN are not filled
    in.

    Args:
        reader: the data set.
        report: what :func:`check_data` found in it.
        out: folder to make.
        length_tolerance: how many frames may be cut off.
        source: files and folders of the data set; ``out`` must not lie in one of them.
        progress: whether to show a progress bar.

    Returns:
        What differs from the data set.

    Raises:
        ValueError: if ``out`` lies in the data set or exists, or nothing is left of a split.
        FileNotFoundError: if there is no folder to make ``out`` in.
        OSError: if it cannot be written, such as on a full disk.
    """
    out = Path(out).expanduser()
    check_target(out, [*source, *(facts.source for facts in report.videos.values())])
    fixes: list[Fix] = []
    with _new_folder(out) as folder:
        if report.split_specific:
            for split in report.lists:
                root = folder / f"split{split}"
                root.mkdir()
                _write_tree(reader, report, [split], root, out / root.name, length_tolerance, fixes, progress)
        else:
            _write_tree(reader, report, [*report.lists], folder, out, length_tolerance, fixes, progress)
    return list(dict.fromkeys(fixes))


def check_target(out: Path, source: Iterable[str | Path]) -> None:
    """Refuse a folder that exists or lies in the data set.

    Raises:
        ValueError: if it does.
        FileNotFoundError: if there is no folder to make it in.
    """
    for path in {Path(path).expanduser().resolve() for path in source}:
        if out.resolve().is_relative_to(path):
            raise ValueError(f"cannot write the copy to {out}: it lies in the data set {path}; choose a folder outside")
    if os.path.lexists(out):
        raise ValueError(f"cannot write the copy to {out}: it exists; choose a new folder, nothing is overwritten")
    if not out.absolute().parent.is_dir():
        raise FileNotFoundError(f"cannot write the copy to {out}: there is no folder {out.parent}; create it")


def _write_tree(
    reader: Reader,
    report: DataReport,
    splits: list[int],
    folder: Path,
    root: Path,
    tolerance: int,
    fixes: list[Fix],
    progress: bool,
) -> None:
    """Write some splits into ``folder``, which will become ``root``."""
    for part in ("features", "groundTruth", "splits"):
        (folder / part).mkdir()
    keys = {key for split in splits for key in report.keys(split, report.listed(split))}
    copies = _copies(reader, report, keys)
    written: dict[str, bool] = {}  # whether with ground truth
    for key in progress_bar(sorted(keys), f"write {root.name}", unit="video", show=progress, keep=False):
        try:
            if key[0] in copies:
                raise _CannotRepairError(f"it has the features and the labels of {copies[key[0]]}")
            written[key[0]] = _write_video(reader, report, key, folder, tolerance, fixes)
        except _CannotRepairError as reason:
            fixes.append(Fix(key[0], f"left out: {reason}"))
    listed = {name for split in splits for name in _write_lists(report, split, folder, written, fixes)}
    for name in written.keys() - listed:
        (folder / "features" / f"{name}.npy").unlink()
        (folder / "groundTruth" / f"{name}.txt").unlink(missing_ok=True)
    names = "".join(f"{index} {name}\n" for index, name in enumerate(reader.class_names))
    (folder / "mapping.txt").write_text(names, encoding="utf-8", newline="")
    background = None if reader.background is None else reader.class_names[reader.background]
    init_args = {"root": str(root.absolute()), "fps": reader.fps, "background": background}
    config = {"data": {"reader": {"class_path": "segtcn.data.readers.MSTCNReader", "init_args": init_args}}}
    if len(splits) == 1:
        config["data"]["split"] = splits[0]  # type: ignore[assignment]
    (folder / "data.yaml").write_text(
        yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8", newline=""
    )


def _copies(reader: Reader, report: DataReport, keys: Iterable[Key]) -> dict[str, str]:
    """Videos with features and labels of another one, and that one; test videos stay rather than others."""
    by_name = {key[0]: key for key in keys if key not in report.broken}
    copies: dict[str, str] = {}
    for pair in report.duplicates:
        if not by_name.keys() >= set(pair) or copies.keys() & set(pair):
            continue
        labels = [read_video(reader, by_name[name]).labels for name in pair]
        if labels[0] is None or labels[1] is None or not torch.equal(labels[0], labels[1]):
            continue
        tested = [sum(name in lists["test"] for lists in report.lists.values()) for name in pair]
        kept = int(tested[1] > tested[0])
        copies[pair[1 - kept]] = pair[kept]
    return copies


def _write_video(reader: Reader, report: DataReport, key: Key, folder: Path, tolerance: int, fixes: list[Fix]) -> bool:
    """Write features and labels; returns whether there are labels."""
    name = key[0]
    if key in report.broken:
        raise _CannotRepairError(report.broken[key])
    facts = report.videos[key]
    if facts.mean_range == 0 and facts.num_frames > 1 and any(each.mean_range for each in report.videos.values()):
        raise _CannotRepairError(f"{facts.source}: the features are the same in all {facts.num_frames} frames")
    if facts.num_labels is None and not any(name in lists["test"] for lists in report.lists.values()):
        raise _CannotRepairError("it has no ground truth, and no list tests on it")
    check_names([name], "the data set")
    video = read_video(reader, key)
    features, labels = video.features, video.labels
    if labels is not None and len(labels) != features.shape[1]:
        length = min(len(labels), features.shape[1])
        if abs(len(labels) - features.shape[1]) > tolerance or not length:
            raise _CannotRepairError(
                f"{counted(features.shape[1], 'frame')} of features but {counted(len(labels), 'label')}"
            )
        number = abs(len(labels) - features.shape[1])
        what = counted(number, "label") if len(labels) > length else f"{counted(number, 'frame')} of features"
        fixes.append(Fix(name, f"cut {what} off the end"))
        features, labels = features[:, :length], labels[:length]
    path = folder / "features" / f"{name}.npy"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_array(path, features.numpy())
    if labels is None:
        return False
    path = folder / "groundTruth" / f"{name}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_labels(path, [reader.class_names[label] for label in labels.tolist()])
    return True


def _write_lists(report: DataReport, split: int, folder: Path, written: dict[str, bool], fixes: list[Fix]) -> list[str]:
    """Write the lists of a split; returns the names in them."""
    lists = report.lists[split]
    test = [name for name in lists["test"] if name in written]
    unfit = dict.fromkeys((name for name in lists["train"] if not written.get(name)), "it has no ground truth")
    for pair in report.duplicates:
        for name, other in (pair, pair[::-1]):
            if other in test:
                unfit[name] = f"it has the features of the test video {other}"
    unfit |= dict.fromkeys(test, "it is a test video there")
    train = [name for name in lists["train"] if name not in unfit and name in written]
    fixes += [
        Fix(name, f"taken out of the training list of split {split}: {unfit[name]}")
        for name in lists["train"]
        if name in written and name in unfit
    ]
    fixes += [
        Fix(problem.where, f"each video is listed once: {problem.message}")
        for problem in report.problems
        if problem.kind == "list" and problem.where == f"split {split}"
    ]
    for subset, names, before in (("train", train, lists["train"]), ("test", test, lists["test"])):
        if names:
            text = "".join(f"{name}.txt\n" for name in names)
            (folder / "splits" / f"{subset}.split{split}.bundle").write_text(text, encoding="utf-8", newline="")
        elif before:
            raise ValueError(
                f"no copy was written: of the {counted(len(before), f'{subset} video')} of split {split} none can be "
                "used; correct what the check reports first"
            )
    return train + test


class _CannotRepairError(Exception):
    """Why a video is left out."""


@contextmanager
def _new_folder(out: Path) -> Iterator[Path]:
    """Lend a folder beside ``out`` that takes its name on success and vanishes on any error."""
    folder = out.parent / f".{out.name}.{os.getpid()}.{os.urandom(4).hex()}"
    try:
        folder.mkdir()
    except OSError as error:
        raise PermissionError(
            f"cannot write the copy to {out}: no folder can be made in {out.parent} ({reason(error)}); choose another "
            "place"
        ) from error
    try:
        yield folder
        folder.rename(out)
    except OSError as error:
        raise OSError(
            f"cannot write the copy to {out}: {reason(error)}; make room or choose another place, nothing is left of it"
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
