"""A corrected copy of a data set, as an MS-TCN tree."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import torch

from segtcn.atomic import new_folder_for
from segtcn.data.readers.reader import Reader
from segtcn.labels.lengths import common_length
from segtcn.labels.video_lists import Subset, check_names
from segtcn.prepare.check.checking import DataReport
from segtcn.prepare.check.facts import Facts
from segtcn.prepare.check.gathering import read_video
from segtcn.prepare.check.problems import Key
from segtcn.prepare.tree_writer import TreeWriter
from segtcn.progress import progress_bar
from segtcn.structures import Video
from segtcn.text_table import counted


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
    labels whose lengths differ are cut to the shorter if ``length_policy`` is ``trim``: only a person knows that they
    differ at the end. A video that cannot be repaired is left out. So is a video that never changes where others do,
    and one of two with equal features and labels. One that is listed for training and for test, or has the features of
    a test video, is left out of the training list. Features are never made up: NaN are not filled in.

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
    if report.facts is None:
        raise ValueError("a data set that cannot be opened cannot be corrected")
    facts = report.facts
    check_target(out, [*source, *(video.source for video in facts.videos.values())])
    fixes: list[Fix] = []
    with new_folder_for(out) as folder:
        trees = {"": [*facts.lists]} if not facts.split_specific else {f"split{k}": [k] for k in facts.lists}
        for name, splits in trees.items():
            copy = _TreeCopy(reader, facts, splits, folder / name, length_tolerance)
            copy.write(out / name, progress)
            fixes += copy.fixes
        folder.rename(out)
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


class _TreeCopy:
    """A corrected copy of some splits.

    Args:
        reader: the data set.
        facts: what was measured of it.
        splits: those that are copied.
        folder: to write to.
        tolerance: how many frames may be cut off.
    """

    def __init__(self, reader: Reader, facts: Facts, splits: list[int], folder: Path, tolerance: int) -> None:
        self._reader, self._facts, self._splits, self._tolerance = reader, facts, splits, tolerance
        self._writer = TreeWriter(folder, reader)
        self._with_truth: dict[str, bool] = {}  # of the videos that were written
        self.fixes: list[Fix] = []

    def write(self, root: Path, progress: bool) -> None:
        """Write everything; the folder will be called ``root``."""
        keys = {key for split in self._splits for key in self._facts.keys(split, self._facts.listed(split))}
        copies = self._find_copies(keys)
        for key in progress_bar(sorted(keys), f"write {root.name}", unit="video", show=progress, keep=False):
            name = key[0]
            try:
                if name in copies:
                    raise _CannotRepairError(f"it has the features and the labels of {copies[name]}")
                video = self._repaired(key)
            except _CannotRepairError as why:
                self.fixes.append(Fix(name, f"left out: {why}"))
            else:
                self._writer.write_video(video)
                self._with_truth[name] = video.labels is not None
        listed = {name for split in self._splits for name in self._write_lists(split)}
        for name in self._with_truth.keys() - listed:
            self._writer.remove_video(name)
        self._writer.write_config(root, self._splits[0] if len(self._splits) == 1 else None)

    def _find_copies(self, keys: Iterable[Key]) -> dict[str, str]:
        """Videos with features and labels of another one, and that one; test videos stay rather than others."""
        by_name = {key[0]: key for key in keys if key not in self._facts.broken}
        copies: dict[str, str] = {}
        for pair in _duplicates(self._facts):
            if not by_name.keys() >= set(pair) or copies.keys() & set(pair):
                continue
            labels = [read_video(self._reader, by_name[name]).labels for name in pair]
            if labels[0] is None or labels[1] is None or not torch.equal(labels[0], labels[1]):
                continue
            tested = [sum(name in lists["test"] for lists in self._facts.lists.values()) for name in pair]
            original = int(tested[1] > tested[0])
            copies[pair[1 - original]] = pair[original]
        return copies

    def _repaired(self, key: Key) -> Video:
        """The video, cut to the shorter of features and labels."""
        name, facts = key[0], self._facts
        if key in facts.broken:
            raise _CannotRepairError(facts.broken[key])
        measured = facts.videos[key]
        varies = any(video.mean_range for video in facts.videos.values())
        if measured.mean_range == 0 and measured.num_frames > 1 and varies:
            raise _CannotRepairError(
                f"{measured.source}: the features are the same in all {measured.num_frames} frames"
            )
        if measured.num_labels is None and not any(name in lists["test"] for lists in facts.lists.values()):
            raise _CannotRepairError("it has no ground truth, and no list tests on it")
        check_names([name], "the data set")
        video = read_video(self._reader, key)._replace(name=name)
        return video if video.labels is None else self._trimmed(video, video.labels)

    def _trimmed(self, video: Video, labels: torch.Tensor) -> Video:
        num_frames, num_labels = video.features.shape[1], len(labels)
        length = common_length(num_frames, num_labels, self._facts.options.length_policy, self._tolerance)
        surplus = abs(num_frames - num_labels)
        if length is None:
            raise _CannotRepairError(
                f"{counted(num_frames, 'frame')} of features but {counted(num_labels, 'label')}; if they differ at the "
                "end only, `length_policy: trim` cuts both there"
            )
        if surplus:
            what = counted(surplus, "label") if num_labels > length else f"{counted(surplus, 'frame')} of features"
            self.fixes.append(Fix(video.name, f"cut {what} off the end"))
        return video._replace(features=video.features[:, :length], labels=labels[:length])

    def _write_lists(self, split: int) -> list[str]:
        """Write the lists of a split; returns the names in them."""
        lists = self._facts.lists[split]
        test = [name for name in lists["test"] if name in self._with_truth]
        unfit = dict.fromkeys(
            (name for name in lists["train"] if not self._with_truth.get(name)), "it has no ground truth"
        )
        for pair in _duplicates(self._facts):
            for name, other in (pair, pair[::-1]):
                if other in test:
                    unfit[name] = f"it has the features of the test video {other}"
        unfit |= dict.fromkeys(test, "it is a test video there")
        written = [name for name in lists["train"] if name in self._with_truth]
        train = [name for name in written if name not in unfit]
        self.fixes += [
            Fix(name, f"taken out of the training list of split {split}: {unfit[name]}")
            for name in written
            if name in unfit
        ]
        self.fixes += [
            Fix(problem.where, f"each video is listed once: {problem.message}")
            for problem in self._facts.failures
            if problem.kind == "list" and problem.where == f"split {split}"
        ]
        self._write_list(split, "train", train)
        self._write_list(split, "test", test)
        return train + test

    def _write_list(self, split: int, subset: Subset, names: list[str]) -> None:
        before = self._facts.lists[split][subset]
        if names:
            self._writer.write_list(split, subset, names)
        elif before:
            raise ValueError(
                f"no copy was written: of the {counted(len(before), f'{subset} video')} of split {split} none can be "
                "used; correct what the check reports first"
            )


def _duplicates(facts: Facts) -> list[tuple[str, str]]:
    """Pairs of videos with equal features, each once."""
    pairs = {frozenset((one[0], other[0])): (one[0], other[0]) for one, other in reversed(facts.equal_features)}
    return [pair for names, pair in reversed(pairs.items()) if len(names) == 2]


class _CannotRepairError(Exception):
    """Why a video is left out."""
