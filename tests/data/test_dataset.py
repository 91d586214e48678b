"""A data set refuses bad videos with a clear error, keeps every k-th frame and reads from disk no more than it must."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from segtcn.data import SegmentationDataset, TruthRules, check_video, collate
from segtcn.data.readers import MSTCNReader, Reader
from segtcn.structures import Video

WriteTree = Callable[..., Path]


class CountingReader(Reader):
    """Three videos of 10, 11 and 12 frames whose features are the frame number; counts the reads."""

    class_names = ("a", "b")
    feature_dim, fps, background, splits = 1, 10.0, None, (1,)

    def __init__(self) -> None:
        self.reads: list[str] = []

    def videos(self, split: int, subset: str) -> list[str]:
        return ["10", "11", "12"]

    def read(self, name: str, split: int | None = None, labels: bool = True) -> Video:
        self.reads.append(name)
        frames = torch.arange(int(name))
        return Video(name, frames[None].float(), frames % 2 if labels else None, source=f"{name}.npy")


def video(num_frames: int = 10, num_labels: int | None = 10, dim: int = 3) -> Video:
    labels = None if num_labels is None else torch.zeros(num_labels, dtype=torch.int64)
    return Video("tea", torch.zeros(dim, num_frames), labels, source="features/tea.npy")


def test_every_kth_frame_is_kept() -> None:
    for rate, kept in [(1, list(range(10))), (3, [0, 3, 6, 9]), (10, [0]), (99, [0])]:
        sample, num_frames, stored_labels, _ = SegmentationDataset(CountingReader(), ["10"], sample_rate=rate)[0]
        assert sample.features.tolist() == [[float(t) for t in kept]]
        assert sample.labels.tolist() == [t % 2 for t in kept]
        assert num_frames == 10
        assert stored_labels.tolist() == [t % 2 for t in range(10)]


def test_cached_video_is_read_once_and_holds_only_the_kept_frames() -> None:
    reader = CountingReader()
    dataset = SegmentationDataset(reader, ["10", "11"], sample_rate=5)
    for _ in range(3):
        assert [sample.num_frames for sample in (dataset[0], dataset[1])] == [10, 11]
    assert reader.reads == ["10", "11"]
    assert dataset[0].video.features.untyped_storage().nbytes() == 2 * 4


def test_cached_video_says_so_and_is_not_changed_through_a_batch() -> None:
    dataset = SegmentationDataset(CountingReader(), ["10", "11"], cache_gib=1e-6)  # 1073 bytes: all of them
    for index in (0, 0, 1):
        assert dataset[index].is_cached
        collate([dataset[index]]).features.fill_(-1)
    assert dataset[0].video.features[0].tolist() == list(range(10))
    assert not SegmentationDataset(CountingReader(), ["10"], cache_gib=0)[0].is_cached


def test_values_are_searched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[str] = []
    monkeypatch.setattr("segtcn.data.dataset._check_finite", lambda features, source: searched.append(source))
    dataset = SegmentationDataset(CountingReader(), ["10", "11"], cache_gib=0)
    for index in (0, 1, 0, 0):
        dataset[index]
    assert searched == ["10.npy", "11.npy"]


def test_cache_keeps_within_its_limit() -> None:
    bytes_of_10_frames = 10 * (4 + 8)
    reader = CountingReader()
    dataset = SegmentationDataset(reader, ["12", "10", "11"], cache_gib=bytes_of_10_frames / 2**30)
    for _ in range(2):
        dataset.check()
        _ = dataset[0], dataset[1], dataset[2]
    assert reader.reads == ["12", "10", "11", "12", "11", "12", "11"]


class LoggingReader(CountingReader):
    """Counts the reads of all processes, one letter for each in a file."""

    def __init__(self, log: Path) -> None:
        super().__init__()
        self.log = log
        log.write_text("")

    def read(self, name: str, split: int | None = None, labels: bool = True) -> Video:
        with self.log.open("a") as file:
            file.write("x")
        return super().read(name, split, labels)

    @property
    def num_reads(self) -> int:
        return len(self.log.read_text())


def test_workers_share_the_cache_and_keep_nothing_themselves(tmp_path: Path) -> None:
    reader = LoggingReader(tmp_path / "reads")
    dataset = SegmentationDataset(reader, ["10", "11", "12"])
    for expected in (6, 3):  # reads in two epochs: of a cache that was empty when the worker started, and of a full one
        loader = DataLoader(dataset, collate_fn=collate, num_workers=1, persistent_workers=True)
        for _ in range(2):
            assert [batch.num_frames for batch in loader] == [[10], [11], [12]]
        assert reader.num_reads == expected
        reader.log.write_text("")
        dataset.check()


def test_lengths_are_known_without_reading_a_video_twice() -> None:
    reader = CountingReader()
    dataset = SegmentationDataset(reader, ["10", "11", "12"], sample_rate=5, cache_gib=0)
    _ = dataset[1]
    for _ in range(2):
        assert dataset.lengths() == [2, 3, 3]
        assert reader.reads == ["11", "10", "12"]


def test_length_of_a_trimmed_video_counts_what_remains() -> None:
    class Longer(CountingReader):
        def read(self, name: str, split: int | None = None, labels: bool = True) -> Video:
            video = super().read(name, split, labels)
            return video if video.labels is None else video._replace(labels=video.labels[:-2])

    assert SegmentationDataset(Longer(), ["10"], truth=TruthRules(length_policy="trim")).lengths() == [8]
    assert SegmentationDataset(Longer(), ["10"], truth=TruthRules(False, "trim")).lengths() == [10]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sample_rate": 0}, r"`sample_rate` must be at least 1 \(every frame\), got 0"),
        ({"cache_gib": -1}, "`cache_gib` must not be negative, got -1"),
    ],
)
def test_wrong_argument_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SegmentationDataset(CountingReader(), ["10"], **arguments)


def test_wrong_rules_of_the_truth_are_refused() -> None:
    with pytest.raises(ValueError, match="`length_policy` must be 'error' or 'trim', got 'cut'"):
        TruthRules(length_policy="cut")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`length_tolerance` must not be negative, got -1"):
        TruthRules(length_tolerance=-1)


@pytest.mark.parametrize(("num_frames", "num_labels"), [(10, 8), (8, 10), (9, 10)])
def test_lengths_that_differ_are_an_error_unless_trimmed(num_frames: int, num_labels: int) -> None:
    odd = video(num_frames, num_labels)
    message = rf"features/tea\.npy: {num_frames} frames of features but {num_labels} labels; .*`length_policy: trim`"
    with pytest.raises(ValueError, match=message):
        check_video(odd, 3, 2)
    with pytest.raises(ValueError, match=r"differ by at most `length_tolerance` = 0 frames"):
        check_video(odd, 3, 2, "trim", length_tolerance=0)
    trimmed = check_video(odd, 3, 2, "trim", length_tolerance=2)
    assert trimmed.features.shape[1] == len(trimmed.labels) == min(num_frames, num_labels)


def test_good_video_passes_unchanged() -> None:
    good = video()
    good.features.fill_(3e38)  # a sum of large values is infinite
    checked = check_video(good, feature_dim=3, num_classes=2)
    assert torch.equal(checked.features, good.features)
    assert torch.equal(checked.labels, torch.zeros(10, dtype=torch.int64))
    assert check_video(video(num_labels=None), feature_dim=3, num_classes=2).labels is None


def with_values(*values: float) -> Video:
    bad = video()
    bad.features[1, [4, 7]] = torch.tensor(values)
    bad.features[2, 7] = values[0]
    return bad


def with_label(label: int) -> Video:
    return video()._replace(labels=torch.tensor([0] * 6 + [label] * 4))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (video(0, 0), r"features/tea\.npy: the video has no frames \(T = 0\); take it out"),
        (video(0, None), r"features/tea\.npy: the video has no frames \(T = 0\)"),
        (video(2, 0), r"2 frames of features but 0 labels"),
        (video(dim=5), r"features/tea\.npy: features are 5 wide, but 3 in the data set's other videos"),
        (Video("tea", torch.zeros(3)), r"tea: features must be a float \(D, T\), got torch\.float32 \(3,\)"),
        (Video("tea", torch.zeros(3, 2).int()), r"tea: features must be a float \(D, T\), got torch\.int32 \(3, 2\)"),
        *(
            (
                with_values(*values),
                r"tea\.npy: NaN or infinite features in 2 of 10 frames, the first is frame 4; compute",
            )
            for values in ([torch.nan] * 2, [torch.inf] * 2, [torch.inf, -torch.inf])
        ),
        *((with_label(k), rf"tea\.npy: unknown label {k} at frame 6, expected 0 \.\. 1") for k in (2, -1, -99)),
    ],
)
def test_bad_video_is_named(bad: Video, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_video(bad, 3, 2, "trim", length_tolerance=2)


def test_bad_file_is_named_when_the_data_set_is_checked(write_ms_tcn_tree: WriteTree) -> None:
    path = write_ms_tcn_tree() / "features" / "P01_soup.npy"
    reader = MSTCNReader(str(path.parents[1]))
    np.save(path, np.where(np.arange(15) == 3, 1e300, np.load(path).astype(np.float64)))  # infinite as float32
    with pytest.raises(ValueError, match=r"P01_soup\.npy: NaN or infinite features in 1 of 15 frames, .* frame 3"):
        SegmentationDataset(reader, reader.videos(1, "train"), split=1).check()
