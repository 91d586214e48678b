"""Frames that nobody annotated: classes that a reader leaves out, and segments that are left out on purpose."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from segtcn.data.datamodule import SegmentationDataModule
from segtcn.data.dataset import TruthRules, every_kth_label, keep_segments, keep_stamps
from segtcn.data.readers import HDF5Reader, LeaReader, MSTCNReader, NpzReader, Reader, TableReader
from segtcn.prepare.conversion import convert
from segtcn.structures import IGNORE, find_runs
from tests.conftest import CLASSES, small_videos

WriteTree = Callable[..., Path]


def as_npz(root: Path) -> Path:
    """The features of an MS-TCN tree as archives, with class indexes in them."""
    for path in (root / "features").glob("*.npy"):
        names = (root / "groundTruth" / f"{path.stem}.txt").read_text().splitlines()
        np.savez(path.with_suffix(".npz"), features=np.load(path), labels=[CLASSES.index(name) for name in names])
    return root


def as_tables(root: Path) -> Path:
    for path in (root / "features").glob("*.npy"):
        rows = [",".join(map(str, row)) for row in np.load(path).T]
        path.with_suffix(".csv").write_text("\n".join(["x,y,z,w", *rows]) + "\n")
    return root


@pytest.fixture(params=["ms_tcn", "npz", "table", "hdf5", "lea"])
def open_with(request: pytest.FixtureRequest, write_ms_tcn_tree: WriteTree, write_lea_tree: WriteTree) -> Callable:
    """Function of the classes to ignore and of the background that opens the same videos in one of the layouts."""
    root = write_lea_tree() if request.param == "lea" else write_ms_tcn_tree()

    def open_data(ignore: list[str], background: int | None = 0) -> Reader:
        name = None if background is None else CLASSES[background]
        match request.param:
            case "lea":
                return LeaReader(str(root), class_names=CLASSES, background=background, ignore=ignore)
            case "npz":
                return NpzReader(str(as_npz(root)), background=name, ignore=ignore)
            case "table":
                return TableReader(str(as_tables(root)), fps=15, background=name, ignore=ignore)
            case "hdf5":
                path = root.parent / f"{name}.h5"
                convert(MSTCNReader(str(root), background=name), path, overwrite=True)
                return HDF5Reader(str(path), ignore=ignore)
        return MSTCNReader(str(root), background=name, ignore=ignore)

    return open_data


def test_ignored_class_is_none_and_its_frames_are_not_annotated(open_with: Callable) -> None:
    reader = open_with(["cut"])
    assert reader.class_names == ["background", "pour milk"]
    assert reader.background == 0
    new = {0: 0, 1: IGNORE, 2: 1}
    for name, (_, labels) in small_videos().items():
        assert reader.read(name).labels.tolist() == [new[label] for label in labels], name


def test_background_moves_with_the_classes(open_with: Callable) -> None:
    reader = open_with(["background"], background=2)
    assert reader.class_names == ["cut", "pour milk"]
    assert reader.background == 1


@pytest.mark.parametrize(
    ("ignore", "message"),
    [
        (["stir"], "no class is named 'stir': the classes are background, cut, pour milk"),
        (["background"], "the background class 'background' cannot be left out"),
    ],
)
def test_class_that_cannot_be_ignored_is_refused(open_with: Callable, ignore: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=rf"`ignore` .*{message}"):
        open_with(ignore)


def test_some_class_must_be_left(open_with: Callable) -> None:
    with pytest.raises(ValueError, match="all classes are left out: background, cut, pour milk"):
        open_with(CLASSES, background=None)


def test_reserved_word_is_no_class(write_ms_tcn_tree: WriteTree) -> None:
    root = write_ms_tcn_tree(classes=["background", "__ignore__", "pour milk"])
    with pytest.raises(ValueError, match=r"mapping\.txt: a class cannot be named '__ignore__': it stands for frames"):
        MSTCNReader(str(root))


def test_conversion_keeps_what_was_ignored(write_ms_tcn_tree: WriteTree, tmp_path: Path) -> None:
    reader = MSTCNReader(str(write_ms_tcn_tree()), background="background", ignore=["cut"])
    for path, open_copy in ((tmp_path / "d.h5", HDF5Reader), (tmp_path / "tree", MSTCNReader)):
        convert(reader, path)
        copy = open_copy(str(path))
        assert copy.class_names == ["background", "pour milk"]
        assert all(torch.equal(copy.read(name).labels, reader.read(name).labels) for name in small_videos())


@pytest.mark.parametrize("share", [0.05, 0.3, 0.8])
def test_kept_segments_are_whole_and_nearest_to_the_share(share: float) -> None:
    rng = np.random.default_rng(0)
    labels = torch.from_numpy(np.repeat(np.arange(100) % 7, rng.integers(1, 30, 100)))
    kept = keep_segments(labels, share, np.random.default_rng(1))
    runs = find_runs(labels)
    states = [set((kept[a:b] != IGNORE).tolist()) for a, b in zip(runs.starts, runs.stops, strict=True)]
    assert all(len(state) == 1 for state in states)
    known = kept != IGNORE
    assert torch.equal(kept[known], labels[known])
    assert abs(int(known.sum()) - share * len(labels)) <= 15


def test_smaller_share_keeps_a_part_of_what_a_larger_one_keeps() -> None:
    labels = torch.arange(60) // 3 % 4
    less, more = (keep_segments(labels, share, np.random.default_rng(2)) for share in (0.2, 0.5))
    assert set(torch.nonzero(less != IGNORE)[:, 0].tolist()) < set(torch.nonzero(more != IGNORE)[:, 0].tolist())


def test_what_nobody_annotated_stays_so_and_does_not_count_in_the_share() -> None:
    labels = torch.tensor([IGNORE] * 50 + [0, 0, 1, 1])
    assert (keep_segments(labels, 0.5, np.random.default_rng(0)) != IGNORE).sum() == 2
    assert torch.equal(keep_segments(labels[:50], 0.5, np.random.default_rng(0)), labels[:50])


def test_share_is_of_training_labels_only_and_the_seed_chooses(write_ms_tcn_tree: WriteTree) -> None:
    reader = MSTCNReader(str(write_ms_tcn_tree()))

    def labels(subset: str, **arguments) -> list[list[int]]:
        data = SegmentationDataModule(reader, validation=["P01_soup"], **arguments).dataset(subset)
        return [sample.video.labels.tolist() for sample in data]

    assert labels("train", annotated=0.4, seed=1) == labels("train", annotated=0.4, seed=1)
    assert len({str(labels("train", annotated=0.4, seed=seed)) for seed in range(5)}) > 1
    for subset in ("val", "test"):
        assert labels(subset, annotated=0.4) == labels(subset)
    data = SegmentationDataModule(reader, annotated=0.4)
    counted = sum(sum(label != IGNORE for label in video) for video in labels("train", annotated=0.4))
    assert SegmentationDataModule(reader, validation=["P01_soup"], annotated=0.4).label_statistics()[0].sum() == counted
    assert 0 < data.label_statistics()[0].sum() < SegmentationDataModule(reader).label_statistics()[0].sum()


@pytest.mark.parametrize("annotated", [0, -0.1, 1.5, float("nan")])
def test_share_must_be_one(write_ms_tcn_tree: WriteTree, annotated: float) -> None:
    data = SegmentationDataModule(MSTCNReader(str(write_ms_tcn_tree())), annotated=annotated)
    with pytest.raises(ValueError, match="`annotated` must be a share above 0 and up to 1"):
        data.dataset("train")


@pytest.mark.parametrize(("stage", "names"), [("fit", "P01_tea, P01_soup, P02_soup"), ("test", "P02_tea")])
def test_split_without_an_annotated_frame_fails_before_the_first_step(
    write_ms_tcn_tree: WriteTree, stage: str, names: str
) -> None:
    root = write_ms_tcn_tree()
    for name in names.split(", "):
        path = root / "groundTruth" / f"{name}.txt"
        path.write_text("__ignore__\n" * len(path.read_text().splitlines()))
    data = SegmentationDataModule(MSTCNReader(str(root)))
    with pytest.raises(ValueError, match=rf"no frame of {names} is annotated"):
        data.setup(stage)


def test_time_stamps_are_one_frame_of_each_segment() -> None:
    labels = torch.tensor([4] * 3 + [IGNORE] * 2 + [1] + [4] * 5)
    stamps = keep_stamps(labels, np.random.default_rng(3))
    assert [(stamps[run] != IGNORE).sum().item() for run in (slice(3), slice(3, 5), slice(5, 6), slice(6, 11))] == [
        1,
        0,
        1,
        1,
    ]
    assert torch.equal(stamps[stamps != IGNORE], labels[stamps != IGNORE])


@pytest.mark.parametrize("sample_rate", [1, 3, 5])
def test_sub_sampling_loses_no_time_stamp(sample_rate: int) -> None:
    stamps = torch.full((60,), IGNORE)
    stamps[[2, 15, 29, 59]] = torch.tensor([0, 1, 2, 3])
    sampled = every_kth_label(stamps, sample_rate)
    assert {int(place) * sample_rate for place in (sampled != IGNORE).nonzero()} == {
        frame // sample_rate * sample_rate for frame in (2, 15, 29, 59)
    }
    assert sampled[sampled != IGNORE].tolist() == [0, 1, 2, 3]
    full = torch.randint(4, (60,))
    assert torch.equal(every_kth_label(full, sample_rate), full[::sample_rate])


def test_time_stamps_of_training_videos_only(write_ms_tcn_tree: WriteTree) -> None:
    data = SegmentationDataModule(MSTCNReader(str(write_ms_tcn_tree())), sample_rate=2, annotated="timestamps")
    for subset in ("train", "test"):
        dataset = data.dataset(subset)
        for sample in (dataset[index] for index in range(len(dataset))):
            stored, labels = sample.stored_labels, sample.video.labels
            if subset == "test":
                assert torch.equal(labels, stored[::2])
            else:
                assert (labels != IGNORE).sum() <= (stored != IGNORE).sum() <= len(find_runs(stored).starts)
    with pytest.raises(ValueError, match="`annotated` must be a share above 0 and up to 1"):
        TruthRules(annotated="stamps")
