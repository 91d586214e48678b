"""Sequence tasks: generators against their definitions, closed-form losses, files of others, wrong files."""

from __future__ import annotations

import gzip
import math
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from segtcn.data.batching import collate
from segtcn.data.datamodule import SegmentationDataModule
from segtcn.data.readers import AddingReader, CharacterReader, CopyMemoryReader, MusicReader, PixelMNISTReader
from segtcn.losses import cross_entropy, mean_squared_error, multi_label_bce
from segtcn.structures import IGNORE

SHARED = Path(os.environ.get("SEGTCN_SHARED", Path(__file__).resolve().parents[4] / "shared" / "data"))


def write_music(path: Path, **cells: list[np.ndarray]) -> Path:
    rng = np.random.default_rng(0)
    parts = {
        part: [(rng.random((t, 88)) < 0.05).astype(np.uint8) for t in (5, 9)] for part in ("train", "valid", "test")
    }
    variables = {}
    for part, pieces in (parts | cells).items():
        variables[f"{part}data"] = np.empty((1, len(pieces)), object)
        variables[f"{part}data"][0, :] = pieces
    pytest.importorskip("scipy.io").savemat(path, variables)
    return path


def idx(array: np.ndarray) -> bytes:
    sizes = np.array(array.shape, ">u4").tobytes()
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


def write_mnist(root: Path, num_digits: int = 3) -> Path:
    for prefix in ("train", "t10k"):
        pictures = np.arange(num_digits * 28 * 28).reshape(num_digits, 28, 28) % 251
        (root / f"{prefix}-images-idx3-ubyte").write_bytes(idx(pictures))
        (root / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.arange(num_digits) + 4)))
    return root


def test_copy_memory_repeats_the_symbols_after_the_delay():
    reader = CopyMemoryReader(delay=4, memory=3, train=5, test=2)
    for name in [*reader.videos(1, "train"), *reader.videos(1, "test")]:
        video = reader.read(name)
        assert video.features.shape == (10, 4 + 2 * 3)
        assert (video.features.sum(dim=0) == 1).all()
        shown = video.features.argmax(dim=0).tolist()
        symbols = shown[:3]
        assert all(1 <= symbol <= 8 for symbol in symbols)
        assert shown[3:] == [0] * 3 + [9] * 4
        assert video.labels.tolist() == [0] * 7 + symbols
        assert reader.lag == 7  # symbol 0 is shown in frame 0 and recalled in frame 7


def test_memoryless_loss_of_copy_memory_is_that_of_guessing():
    reader = CopyMemoryReader(delay=20, memory=5, train=3)
    labels = torch.stack([reader.read(name).labels for name in reader.videos(1, "train")])
    logits = torch.full((3, 10, labels.shape[1]), -100.0)
    logits[:, 0, : reader.lag] = 100.0
    logits[:, 1:9, reader.lag :] = 0.0
    loss = cross_entropy(logits, labels, labels >= 0)
    assert float(loss) == pytest.approx(reader.memoryless_loss) == pytest.approx(5 * math.log(8) / 30)


def test_adding_marks_two_frames_and_asks_for_their_sum_at_the_end():
    reader = AddingReader(length=12, train=400)
    videos = [reader.read(name) for name in reader.videos(1, "train")]
    for video in videos:
        numbers, marks = video.features
        assert ((numbers >= 0) & (numbers < 1)).all()
        assert sorted(marks.tolist()) == [0.0] * 10 + [1.0] * 2
        assert video.targets[0, :-1].isnan().all()
        assert video.labels is None
        assert video.targets[0, -1].item() == pytest.approx(numbers[marks == 1].sum().item())
    targets = torch.stack([video.targets for video in videos])
    loss = mean_squared_error(torch.ones_like(targets), targets, torch.ones(400, 12, dtype=torch.bool))
    assert float(loss) == pytest.approx(reader.memoryless_loss, abs=0.03)


def test_sequences_are_the_same_every_time_and_all_different():
    one, same, other = CopyMemoryReader(9), CopyMemoryReader(9), CopyMemoryReader(9, seed=1)
    names = [*one.videos(1, "train")[:50], *one.videos(1, "test")[:50]]
    texts = {str(one.read(name).labels.tolist()) for name in names}
    assert len(texts) == len(names)
    assert all(torch.equal(one.read(name).labels, same.read(name).labels) for name in names)
    assert not torch.equal(one.read(names[0]).labels, other.read(names[0]).labels)


def test_music_asks_for_the_next_frame(tmp_path):
    reader = MusicReader(str(write_music(tmp_path / "m.mat")))
    video = reader.read("valid-00001")
    assert video.features.shape == video.targets.shape == (88, 8)
    assert torch.equal(video.features[:, 1:], video.targets[:, :-1])
    assert (reader.class_names[0], reader.class_names[39], reader.class_names[87]) == ("A0", "C4", "C8")
    data = SegmentationDataModule(reader, validation=["valid-*"])
    assert data.names("train") == ["train-00000", "train-00001"]
    assert data.names("val") == ["valid-00000", "valid-00001"]
    assert data.names("test") == ["test-00000", "test-00001"]


def test_loss_of_music_is_summed_over_keys_and_averaged_over_frames():
    """Two pieces of two frames and one, two keys: each frame's cost is worked out by hand."""
    logits = torch.tensor([[[0.0, 2.0], [0.0, -1.0]], [[1.0, 99.0], [3.0, 99.0]]])
    targets = torch.tensor([[[1.0, 1.0], [0.0, 0.0]], [[0.0, torch.nan], [1.0, torch.nan]]])
    mask = torch.tensor([[True, True], [True, False]])
    frames = [
        2 * math.log(2),
        math.log(1 + math.exp(-2)) + math.log(1 + math.exp(-1)),
        math.log(1 + math.exp(1)) + math.log(1 + math.exp(-3)),
    ]
    assert float(multi_label_bce(logits, targets, mask)) == pytest.approx(sum(frames) / 3)


@pytest.mark.parametrize("name", ["JSB_Chorales", "Nottingham"])
def test_real_music_has_the_pieces_of_the_papers(name):
    path = SHARED / "sequences" / f"{name}.mat"
    if not path.is_file():
        pytest.skip(f"no {path}: set SEGTCN_SHARED")
    reader = MusicReader(str(path))
    sizes = {part: sum(n.startswith(part) for n in reader.stored()) for part in ("train", "valid", "test")}
    assert (
        sizes
        == {
            "JSB_Chorales": {"train": 229, "valid": 76, "test": 77},
            "Nottingham": {"train": 694, "valid": 173, "test": 170},
        }[name]
    )


def test_mnist_is_read_pixel_by_pixel(tmp_path):
    plain, permuted = (PixelMNISTReader(str(write_mnist(tmp_path)), permute) for permute in (False, True))
    video = plain.read("train-00001")
    assert video.features.shape == (1, 784)
    assert plain.videos(1, "test") == [f"test-0000{n}" for n in range(3)]
    assert torch.equal(video.features[0] * 255, torch.arange(784, 1568).remainder(251).float())
    assert video.labels[-1] == 5
    assert (video.labels[:-1] == IGNORE).all()
    order = permuted._order
    assert sorted(order) == list(range(784))
    assert not (order == np.arange(784)).all()
    assert torch.equal(permuted.read("train-00001").features[0], video.features[0, order])


def test_stand_in_of_mnist_says_so_and_shows_ten_digits():
    reader = PixelMNISTReader(train=200)
    assert all("generated" in name for name in reader.stored())
    videos = [reader.read(name) for name in reader.videos(1, "train")]
    assert {int(video.labels[-1]) for video in videos} == set(range(10))
    assert all(video.features.min() >= 0 and video.features.max() <= 1 for video in videos)


def test_characters_ask_for_the_next_one(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("ab\nab\nab\nab\n")
    reader = CharacterReader(str(path), length=3, test_share=0.3)
    assert reader.class_names == [r"'\n'", "'a'", "'b'"]
    assert (reader.videos(1, "train"), reader.videos(1, "test")) == (["train-00000", "train-00001"], ["test-00000"])
    assert reader.read("test-00000").features.argmax(dim=0).tolist() == [1, 2, 0]
    assert reader.read("test-00000").labels.tolist() == [2, 0, 1]


def test_batches_mark_what_is_unknown(tmp_path):
    data = SegmentationDataModule(MusicReader(str(write_music(tmp_path / "m.mat"))))
    batch = collate([data.dataset("test")[number] for number in range(2)])
    assert batch.labels is None
    assert batch.targets.shape == (2, 88, 8)
    assert torch.equal(batch.targets.isnan().any(dim=1), ~batch.mask)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda root: CopyMemoryReader(delay=0), "`delay` and `memory` must be at least 1 frame, got 0 and 10"),
        (lambda root: AddingReader(length=1), "`length` must be at least 2 frames"),
        (lambda root: AddingReader(train=0), "`train` must be at least 1 sequence, got 0"),
        (lambda root: AddingReader().read("train-1000"), "there is no sequence 'train-1000'"),
        (lambda root: MusicReader(f"{root}/none.mat"), "no file .*none.mat"),
        (
            lambda root: MusicReader(str(write_music(root / "m.mat", test=[np.ones((4, 87))]))),
            r"piece 0 of `testdata`.*87",
        ),
        (lambda root: MusicReader(str(write_music(root / "m.mat", test=[np.full((4, 88), 2)]))), "only 0 and 1"),
        (lambda root: PixelMNISTReader(str(root)), "no train-images-idx3-ubyte and no .*gz"),
        (lambda root: CharacterReader(f"{root}/none.txt"), "no text file"),
    ],
)
def test_what_cannot_be_is_refused(call, message, tmp_path):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        call(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"GIF89a", "not an IDX file"),
        (idx(np.zeros((3, 28, 28)))[:-1], "cut off"),
        (idx(np.zeros((3, 28, 27))), "must hold pictures of 28 x 28"),
        (idx(np.zeros((2, 28, 28))), "as many digits"),
    ],
)
def test_wrong_idx_file_is_refused(content, message, tmp_path):
    (write_mnist(tmp_path) / "t10k-images-idx3-ubyte").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        PixelMNISTReader(str(tmp_path))


def test_mat_file_without_piano_rolls_is_refused(tmp_path):
    pytest.importorskip("scipy.io").savemat(tmp_path / "m.mat", {"X": np.zeros(3)})
    with pytest.raises(ValueError, match="holds no `traindata`"):
        MusicReader(str(tmp_path / "m.mat"))


def test_text_that_is_too_short_or_not_text_is_refused(tmp_path):
    (tmp_path / "short.txt").write_text("abc")
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe\x00")
    for name, message in (("short", "too few for two sequences"), ("bytes", "not UTF-8")):
        with pytest.raises(ValueError, match=message):
            CharacterReader(str(tmp_path / f"{name}.txt"), length=2)
