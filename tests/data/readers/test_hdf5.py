"""Our own format: what is written is read back, by many processes too, and no file can do harm."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from segtcn.data import SegmentationDataset
from segtcn.data.readers import HDF5Reader, write_hdf5
from segtcn.data.readers.hdf5_writer import append_hdf5, create_hdf5
from segtcn.labels import Classes
from segtcn.structures import Video
from tests.conftest import CLASSES, SPLITS, small_videos

NONE = np.zeros(0, h5py.string_dtype())
LISTS: Any = {number: {"train": train, "test": test} for number, (train, test) in SPLITS.items()}


def videos() -> Iterator[Video]:
    for name, (features, labels) in small_videos().items():
        yield Video(name, torch.from_numpy(features.T.copy()), torch.tensor(labels))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_hdf5(tmp_path / "data.h5", videos(), Classes(tuple(CLASSES), 0), fps=12.5, splits=LISTS)
    return tmp_path / "data.h5"


def change(path: Path, edit: Callable[[h5py.File], object]) -> None:
    with h5py.File(path, "r+") as file:
        edit(file)


def replace(path: Path, where: str, **arguments: Any) -> None:
    def edit(file: h5py.File) -> None:
        del file[where]
        file.create_dataset(where, **arguments)

    change(path, edit)


@pytest.mark.parametrize("compression", ["none", "lzf", "gzip"])
def test_what_is_written_is_read_back(tmp_path: Path, compression: Any) -> None:
    path = tmp_path / "data.h5"
    write_hdf5(path, videos(), Classes(tuple(CLASSES), 0), fps=12.5, splits=LISTS, compression=compression)
    reader = HDF5Reader(str(path))
    assert (reader.class_names, reader.fps, reader.background, reader.splits) == (CLASSES, 12.5, 0, [1, 2])
    assert reader.feature_dim == 4
    assert reader.videos(1, "train") == SPLITS[1][0]
    assert reader.videos(2, "test") == SPLITS[2][1]
    for video in videos():
        read = reader.read(video.name, split=1)
        assert torch.equal(read.features, video.features)
        assert read.features.is_contiguous()
        assert torch.equal(read.labels, video.labels)
        assert str(path) in read.source
        assert read.source.endswith(video.name)
    assert [entry.name for entry in tmp_path.iterdir()] == ["data.h5"]


def test_file_of_a_stranger_is_read(tmp_path: Path) -> None:
    """The code of docs/data_format.md, run as it stands there."""
    text = (Path(__file__).resolve().parents[3] / "docs" / "data_format.md").read_text()
    code = re.search(r"```python\n(import h5py.*?)```", text, re.DOTALL)
    namespace: dict[str, Any] = {"path": str(tmp_path / "mine.h5")}
    exec(code[1], namespace)
    reader = HDF5Reader(namespace["path"])
    assert (reader.class_names, reader.background, reader.splits) == (["background", "cut", "pour milk"], 0, [1])
    video = reader.read(reader.videos(1, "test")[0])
    assert video.features.shape == (2048, len(video.labels))


def test_any_number_type_becomes_float32(path: Path) -> None:
    expected = HDF5Reader(str(path)).read("P01_tea")
    for dtype in (">f4", "f8", "f2", "i2"):
        replace(path, "videos/P01_tea/features", data=expected.features.numpy().astype(dtype))
        replace(path, "videos/P01_tea/labels", data=expected.labels.numpy().astype("u1"))
        video = HDF5Reader(str(path)).read("P01_tea")
        assert (video.features.dtype, video.features.shape) == (torch.float32, expected.features.shape)
        assert torch.allclose(video.features, expected.features, atol=1 if dtype == "i2" else 1e-3)
        assert torch.equal(video.labels, expected.labels)


def test_workers_and_copies_read_the_same(path: Path) -> None:
    reader = pickle.loads(pickle.dumps(HDF5Reader(str(path))))
    names = [video.name for video in videos()] * 5
    reader.read(names[0])  # a handle that stayed open would be shared with the workers
    dataset = SegmentationDataset(reader, names, cache_gib=0)
    loader: Any = DataLoader(dataset, batch_size=None, num_workers=2)
    for sample, name in zip(loader, names, strict=True):
        assert torch.equal(sample.video.features, reader.read(name).features)


def test_file_is_open_only_while_a_video_is_read(path: Path) -> None:
    reader = HDF5Reader(str(path))
    reader.read("P01_tea")
    with h5py.File(path, "r+"):  # HDF5 refuses to open a file for writing that is open for reading
        pass


def test_video_without_ground_truth_can_be_predicted_only(path: Path) -> None:
    change(path, lambda file: file.pop("videos/P02_tea/labels"))
    reader = HDF5Reader(str(path))
    assert reader.read("P02_tea", labels=False).labels is None
    with pytest.raises(FileNotFoundError, match=r"no ground truth of video 'P02_tea': expected /videos/P02_tea/labels"):
        reader.read("P02_tea")
    with pytest.raises(FileNotFoundError, match=r"no features of video 'P09': expected /videos/P09/features in"):
        reader.read("P09")


def test_splits_are_checked(path: Path) -> None:
    change(path, lambda file: file.pop("splits/2/test"))
    reader = HDF5Reader(str(path))
    with pytest.raises(ValueError, match=r"split 3 does not exist in .*data\.h5: choose from 1, 2"):
        reader.videos(3, "train")
    with pytest.raises(ValueError, match=r"split 3 does not exist"):
        reader.read("P01_tea", split=3)
    with pytest.raises(FileNotFoundError, match=r"no /splits/2/test in .*: store the names of the test videos"):
        reader.videos(2, "test")
    for names, message in ((["a", "a"], "lists 'a' 2 times"), (["../a"], "must not lead out"), (["/a"], "lead out")):
        replace(path, "splits/1/train", data=names)
        with pytest.raises(ValueError, match=message):
            HDF5Reader(str(path)).videos(1, "train")


def test_missing_file_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no file .*none\.h5: make it with `segtcn convert SOURCE"):
        HDF5Reader(str(tmp_path / "none.h5"))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda f: f.attrs.pop("segtcn_format"), r"no attribute `segtcn_format`: it is not in segtcn's format"),
        (lambda f: f.attrs.__setitem__("segtcn_format", 2), r"`segtcn_format` 2, .* reads 1: update segtcn"),
        (lambda f: f.attrs.__setitem__("fps", "15"), r"attribute `fps` of .* must be one number, got object \(\)"),
        (lambda f: f.attrs.__setitem__("fps", np.zeros(5)), r"attribute `fps` .* one number, got float64 \(5,\)"),
        (lambda f: f.attrs.__setitem__("extraction", "[1]"), r"attribute `extraction` of .* must be a JSON object"),
        (lambda f: f.attrs.__setitem__("extraction", 5), r"attribute `extraction` of .* must be a JSON object"),
        (lambda f: f.attrs.__setitem__("fps", float("nan")), r"`fps` of .* must be positive .* got nan"),
        (
            lambda f: f.attrs.__setitem__("background", 3),
            r"`background` of .* is wrong: .* an index of the 3 classes, got 3",
        ),
        (lambda f: f.pop("class_names"), r"/class_names of .* must hold a list of strings, got nothing"),
        (lambda f: f.move("class_names", "x") or f.__setitem__("class_names", [1, 2]), r"a list of strings, got int64"),
        (
            lambda f: (
                (f.attrs.pop("background") and 0) or f.move("class_names", "x") or f.__setitem__("class_names", NONE)
            ),
            r"/class_names of .* is empty: store the name of at least one class",
        ),
        (
            lambda f: f.move("class_names", "x") or f.__setitem__("class_names", ["a", "a"]),
            r"/class_names .* is wrong: two classes are named 'a'",
        ),
        (lambda f: f.pop("splits"), r"lists no video: store the names of its videos in /splits/1/train"),
    ],
)
def test_wrong_file_is_refused_by_the_constructor(
    path: Path, edit: Callable[[h5py.File], object], message: str
) -> None:
    change(path, edit)
    with pytest.raises(ValueError, match=message) as caught:
        HDF5Reader(str(path))
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"data": np.zeros(9)}, r"must hold a real matrix \(D, T\), got float64 \(9,\)"),
        ({"data": np.zeros((4, 9), dtype=complex)}, r"a real matrix \(D, T\), got complex128"),
        ({"data": ["a", "b"]}, r"a real matrix \(D, T\), got object"),
        ({"data": h5py.Empty("f4")}, r"a real matrix \(D, T\), got float32 None"),
        ({"shape": (2**20, 2**30), "dtype": "f4"}, r"holds no bytes of float32 .*: write it to the end"),
        ({"shape": (2**20, 2**30), "dtype": "f4", "chunks": (4, 4)}, r"holds no bytes of float32"),
        ({"shape": (4, 9), "dtype": "f4", "external": [("/etc/passwd", 0, 144)]}, r"kept in other files"),
    ],
)
def test_features_that_are_not_what_they_say_are_refused(path: Path, arguments: dict[str, Any], message: str) -> None:
    reader = HDF5Reader(str(path))
    replace(path, "videos/P01_soup/features", **arguments)
    with pytest.raises(ValueError, match=message) as caught:
        reader.read("P01_soup")
    assert f"/videos/P01_soup/features of {path}" in str(caught.value)


def test_links_are_not_followed(path: Path, tmp_path: Path) -> None:
    write_hdf5(tmp_path / "other.h5", videos(), Classes(tuple(CLASSES)), 15, LISTS)
    for link in (h5py.ExternalLink(str(tmp_path / "other.h5"), "videos/P01_tea"), h5py.SoftLink("/videos/P02_tea")):
        change(
            path, lambda file, link=link: file.pop("videos/P01_soup") and file["videos"].__setitem__("P01_soup", link)
        )
        with pytest.raises(ValueError, match=r"/videos/P01_soup of .*data\.h5 is a link to elsewhere"):
            HDF5Reader(str(path)).read("P01_soup")
    source = h5py.VirtualSource(tmp_path / "other.h5", "videos/P01_tea/features", shape=(4, 20))
    layout = h5py.VirtualLayout((4, 20), "f4")
    layout[:] = source
    change(path, lambda file: file.pop("videos/P01_tea/features"))
    change(path, lambda file: file.create_virtual_dataset("videos/P01_tea/features", layout))
    with pytest.raises(ValueError, match=r"kept in other files, which are not read"):
        HDF5Reader(str(path)).read("P01_tea")


def test_features_with_time_first_are_named(path: Path) -> None:
    features, labels = small_videos()["P01_tea"]
    replace(path, "videos/P01_tea/features", data=features)
    with pytest.raises(ValueError, match=rf"is \(20, 4\), but the video has {len(labels)} labels: store .* time last"):
        HDF5Reader(str(path))


@pytest.mark.parametrize(("labels", "message"), [([0, 3], "unknown label 3 at frame 1"), ([0.5, 1], r"got float64")])
def test_wrong_labels_are_named(path: Path, labels: list[float], message: str) -> None:
    replace(path, "videos/P01_soup/labels", data=np.array(labels))
    with pytest.raises(ValueError, match=message) as caught:
        HDF5Reader(str(path)).read("P01_soup")
    assert "/videos/P01_soup" in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"classes": Classes(())}, r"`classes` must name at least one class, got none"),
        ({"fps": 0}, r"`fps` must be positive, got 0"),
        ({"splits": {}}, r"`splits` must list videos"),
        ({"splits": {1: {"train": ["../a"]}}}, r"`splits/1/train` lists '\.\./a': a name must not lead out"),
        ({"videos": [Video("../a", torch.zeros(2, 3))]}, r"a name must not lead out"),
        ({"videos": [Video("a", torch.zeros(2, 3))] * 2}, r"already holds a video 'a'"),
        ({"videos": [Video("a", torch.zeros(3))]}, r"a: features must be \(D, T\), got \(3,\)"),
        (
            {"videos": [Video("a", torch.zeros(2, 1), torch.tensor([3]))]},
            r"a: unknown label 3 at frame 0, expected 0 .. 2",
        ),
        (
            {"videos": [Video("a", torch.full((2, 1), 7e4))], "dtype": "float16"},
            r"largest feature is 70000, but float16",
        ),
    ],
)
def test_what_does_not_fit_the_format_is_not_written(tmp_path: Path, arguments: dict[str, Any], message: str) -> None:
    defaults: dict[str, Any] = {"videos": [], "classes": Classes(tuple(CLASSES)), "fps": 15, "splits": LISTS}
    with pytest.raises(ValueError, match=message):
        write_hdf5(tmp_path / "data.h5", **(defaults | arguments))
    assert list(tmp_path.iterdir()) == []


def test_failed_video_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "data.h5"
    create_hdf5(path, Classes(tuple(CLASSES)), 15, LISTS)
    video = next(videos())
    with monkeypatch.context() as patch:
        patch.setattr(h5py.Group, "__setitem__", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(OSError, match="disk full"):
            append_hdf5(path, video, len(CLASSES))
    append_hdf5(path, video, len(CLASSES))
    assert torch.equal(HDF5Reader(str(path)).read(video.name).features, video.features)
