"""`segtcn convert`: there and back bit for bit, after any interruption, and never the features of a wrong split."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from segtcn.cli import main
from segtcn.data.readers import HDF5Reader, LeaReader, MSTCNReader, NpzReader, Reader
from segtcn.prepare.conversion import convert
from segtcn.structures import Video
from tests.conftest import CLASSES, SPLITS, small_videos

ROOT = Path(__file__).resolve().parents[2]
WriteTree = Callable[..., Path]


def equal(one: Reader, other: Reader, splits: tuple[int, ...] = (1, 2)) -> bool:
    for attribute in ("class_names", "feature_dim", "fps", "background"):
        assert getattr(one, attribute) == getattr(other, attribute)
    names = set()
    for split in splits:
        assert one.videos(split, "train") == other.videos(split, "train")
        assert one.videos(split, "test") == other.videos(split, "test")
        names |= {*one.videos(split, "train"), *one.videos(split, "test")}
    for name in names:
        a, b = one.read(name, splits[0]), other.read(name, splits[0])
        assert a.features.numpy().tobytes() == b.features.numpy().tobytes()
        assert torch.equal(a.labels, b.labels)
    return bool(names)


@pytest.fixture
def tree(write_ms_tcn_tree: WriteTree) -> MSTCNReader:
    videos = {f"a.b {name}": video for name, video in small_videos().items()}
    videos["a.b P01_tea"][0][3] = [np.nan, np.inf, -0.0, 1e-42]  # bits that a careless copy would change
    splits = {k: tuple([f"a.b {name}" for name in names] for names in lists) for k, lists in SPLITS.items()}
    return MSTCNReader(str(write_ms_tcn_tree(videos=videos, splits=splits)), fps=29.97, background="background")


@pytest.mark.parametrize("compression", ["none", "lzf", "gzip"])
def test_tree_to_hdf5_and_back(tree: MSTCNReader, tmp_path: Path, compression: Any) -> None:
    path, folder = tmp_path / "data.h5", tmp_path / "copy"
    conversion = convert(tree, path, compression=compression)
    assert (conversion.num_videos, conversion.num_kept, conversion.small) == (4, 0, None)
    assert equal(tree, HDF5Reader(str(path)))
    convert(HDF5Reader(str(path)), folder)
    init_args = yaml.safe_load((folder / "data.yaml").read_text())["data"]["reader"]["init_args"]
    assert equal(tree, MSTCNReader(**init_args))
    assert sorted(each.name for each in tmp_path.iterdir()) == ["copy", "data.h5", "ms_tcn"]


@pytest.mark.parametrize("form", ["h5", "tree"])
def test_interrupted_conversion_goes_on(
    tree: MSTCNReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    output = tmp_path / ("data.h5" if form == "h5" else "copy.v2")
    read, count = tree.read, 0

    def interrupted(*args: Any, **kwargs: Any) -> Video:
        nonlocal count
        count += 1
        if count == 3:
            raise KeyboardInterrupt
        return read(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(tree, "read", interrupted)
        with pytest.raises(KeyboardInterrupt):
            convert(tree, output)
    assert not output.exists()
    conversion = convert(tree, output)
    assert (conversion.num_videos, conversion.num_kept) == (4, 2)
    assert equal(tree, HDF5Reader(str(output)) if form == "h5" else MSTCNReader(str(output), 29.97, "background"))
    assert not list(tmp_path.glob("*.part"))


def test_process_that_is_killed_loses_one_video_at_most(tree: MSTCNReader, tmp_path: Path) -> None:
    code = f"""
import os, signal
import segtcn.prepare.conversion as module
from segtcn.data.readers import MSTCNReader
from segtcn.data.readers import hdf5
import h5py
create, videos = h5py.Group.create_dataset, []
def killed(self, name, *args, **kwargs):
    made = create(self, name, *args, **kwargs)
    videos.append(name)
    if videos.count("features") == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return made
h5py.Group.create_dataset = killed
module.convert(MSTCNReader({str(tree._root)!r}, 29.97, "background"), {str(tmp_path / "data.h5")!r})
"""
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == -9
    conversion = convert(tree, tmp_path / "data.h5")
    assert (conversion.num_videos, conversion.num_kept) == (4, 2)
    assert equal(tree, HDF5Reader(str(tmp_path / "data.h5")))


def test_full_disk_is_named_and_the_same_call_goes_on(
    write_ms_tcn_tree: WriteTree, tmp_path: Path, small_files: Callable[[int], AbstractContextManager[None]]
) -> None:
    tree = MSTCNReader(str(write_ms_tcn_tree(videos=small_videos(frames_per_action=200))), 29.97, "background")
    full = r"\.part: file too large; make room, and the same command continues"
    with small_files(10), pytest.raises(OSError, match=f"cannot write .*copy{full}"):
        convert(tree, tmp_path / "copy")
    with small_files(12_000), pytest.raises(OSError, match=f"cannot write 'P01_tea' into .*copy{full}"):
        convert(tree, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    convert(tree, tmp_path / "copy")
    assert equal(tree, MSTCNReader(str(tmp_path / "copy"), 29.97, "background"))


def test_file_is_not_written_to_a_disk_that_it_would_fill(
    tree: MSTCNReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("shutil.disk_usage", lambda path: usage._replace(free=2**20))
        with pytest.raises(OSError, match=r"cannot write .*P01_tea.*\.part: no space left on device; make room"):
            convert(tree, tmp_path / "data.h5")
    convert(tree, tmp_path / "data.h5")
    assert equal(tree, HDF5Reader(str(tmp_path / "data.h5")))


def test_tree_holds_nothing_of_a_process_that_was_killed(tree: MSTCNReader, tmp_path: Path) -> None:
    features = tmp_path / "copy.part" / "features"
    features.mkdir(parents=True)
    (features / ".P01_tea.4711.0123abcd.npy").write_bytes(b"half of it")
    convert(tree, tmp_path / "copy")
    assert not list((tmp_path / "copy").rglob(".*"))


def test_partial_file_of_another_data_set_or_a_damaged_one_is_not_continued(tree: MSTCNReader, tmp_path: Path) -> None:
    part = tmp_path / "data.h5.float32-none.part"
    convert(tree, tmp_path / "data.h5", split=1)
    for content in ((tmp_path / "data.h5").read_bytes(), b"damaged"):
        part.write_bytes(content)
        assert convert(tree, tmp_path / "data.h5", overwrite=True).num_kept == 0
        assert equal(tree, HDF5Reader(str(tmp_path / "data.h5")))


def test_video_that_changed_meanwhile_is_noticed(tree: MSTCNReader, tmp_path: Path) -> None:
    convert(tree, tmp_path / "data.h5")
    (tmp_path / "data.h5").rename(tmp_path / "data.h5.float32-none.part")
    path = tree._root / "features" / "a.b P02_tea.npy"
    np.save(path, np.load(path) + 1)
    with pytest.raises(ValueError, match=r"a\.b P02_tea is not read back as .*a\.b P02_tea\.npy is now"):
        convert(tree, tmp_path / "data.h5")
    assert not (tmp_path / "data.h5").exists()


def test_all_videos_that_cannot_be_read_are_named_at_once(tree: MSTCNReader, tmp_path: Path) -> None:
    root = Path(tree._root)
    wrong = sorted((root / "groundTruth").glob("*.txt"))[1:3]
    for path in wrong:
        path.write_text("frame,label\n0,cut\n1,cut\n5,cut\n")
    with pytest.raises(ValueError, match=r"2 errors") as error:
        convert(tree, tmp_path / "out.h5")
    assert all(f"{path}: its column 'frame' jumps from 1 to 5" in str(error.value) for path in wrong)
    assert not (tmp_path / "out.h5").exists()


def test_error_of_float16_is_stated(write_ms_tcn_tree: WriteTree, tmp_path: Path) -> None:
    videos = {"a": (np.array([[1 + 2**-11, 2**-30], [-300.1, 0]], dtype=np.float32), [0, 1])}
    write_ms_tcn_tree(videos=videos, splits={1: (["a"], [])})
    (tmp_path / "ms_tcn" / "splits" / "test.split1.bundle").unlink()
    reader = MSTCNReader(str(tmp_path / "ms_tcn"))
    assert convert(reader, tmp_path / "data.h5", dtype="float16").small == 1 / 4
    stored = HDF5Reader(str(tmp_path / "data.h5")).read("a").features
    assert torch.equal(stored, reader.read("a").features.half().float())
    with pytest.raises(ValueError, match="`dtype` and `compression` are for HDF5 files"):
        convert(reader, tmp_path / "copy", dtype="float16")


def test_features_of_several_splits_are_refused_and_one_is_recorded(write_lea_tree: WriteTree, tmp_path: Path) -> None:
    reader = LeaReader(str(write_lea_tree()), features="S", class_names=CLASSES)  # sensors differ by the split's number
    path = tmp_path / "data.h5"
    with pytest.raises(
        ValueError,
        match=r"features of video 'P01_tea' in split 2 differ from those in split 1: .*by `split`, for instance 1",
    ):
        convert(reader, path)
    assert [each.name for each in tmp_path.iterdir()] == ["lea"]
    assert convert(reader, path, split=2).features_of_split == 2
    written = HDF5Reader(str(path))
    assert (written.splits, written.features_of_split) == ([2], 2)
    assert equal(reader, written, splits=(2,))
    with pytest.raises(ValueError, match=r"split 1 does not exist in .*data\.h5: choose from 2"):
        written.read("P01_tea", split=1)
    assert convert(written, tmp_path / "again.h5").features_of_split == 2
    convert(written, tmp_path / "copy")
    assert "# The features are those of split 2" in (tmp_path / "copy" / "data.yaml").read_text()


def test_features_that_are_equal_in_all_splits_need_no_choice(write_lea_tree: WriteTree, tmp_path: Path) -> None:
    reader = LeaReader(str(write_lea_tree()), class_names=CLASSES)
    assert convert(reader, tmp_path / "data.h5").features_of_split is None
    assert equal(reader, HDF5Reader(str(tmp_path / "data.h5")))


def test_missing_truth_and_unequal_lengths_stay_and_are_told(write_ms_tcn_tree: WriteTree, tmp_path: Path) -> None:
    root = write_ms_tcn_tree()
    (root / "groundTruth" / "P02_tea.txt").unlink()
    (root / "groundTruth" / "P01_tea.txt").write_text("cut\n" * 19)
    conversion = convert(MSTCNReader(str(root)), tmp_path / "data.h5")
    assert (conversion.unlabelled, conversion.unequal) == (["P02_tea"], ["P01_tea"])
    reader = HDF5Reader(str(tmp_path / "data.h5"))
    labels = reader.read("P01_tea").labels
    assert len(labels) == 19
    with pytest.raises(FileNotFoundError, match="no ground truth of video 'P02_tea'"):
        reader.read("P02_tea")
    (root / "features" / "P02_tea.npy").unlink()
    with pytest.raises(FileNotFoundError, match="no features of video 'P02_tea'"):
        convert(MSTCNReader(str(root)), tmp_path / "other.h5")


@pytest.mark.parametrize(
    ("output", "error", "message"),
    [
        ("mine.h5", FileExistsError, r"mine\.h5 exists: .*or let `overwrite` replace it"),
        ("mine", FileExistsError, r"mine is a file: give a name that ends with \.h5"),
        ("ms_tcn", FileExistsError, r"ms_tcn is a folder with something in it, which is not replaced"),
        ("none/data.h5", FileNotFoundError, r"there is no folder .*none; create it"),
        ("out.txt", ValueError, r"out\.txt is neither .*: end it with \.h5, or leave \.txt out"),
    ],
)
def test_output_that_is_there_or_has_another_ending_is_refused(
    tree: MSTCNReader, tmp_path: Path, output: str, error: type[Exception], message: str
) -> None:
    for name in ("mine.h5", "mine"):
        (tmp_path / name).write_text("mine")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(error, match=message):
        convert(tree, tmp_path / output)
    assert sorted(tmp_path.iterdir()) == before
    assert convert(tree, tmp_path / "mine.h5", overwrite=True).num_videos == 4


def test_names_that_lead_out_write_nothing(tree: MSTCNReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "videos", lambda *_: ["../../evil"])
    for output in ("data.h5", "copy"):
        with pytest.raises(ValueError, match=r"lists '\.\./\.\./evil': a name must not lead out"):
            convert(tree, tmp_path / output)
    assert [each.name for each in tmp_path.iterdir()] == ["ms_tcn"]


def test_command_converts_trees_archives_and_configs(
    write_ms_tcn_tree: WriteTree, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_ms_tcn_tree()
    assert main(["convert", str(root), f"{tmp_path}/data.h5"]) == 1
    assert "ms_tcn does not state its frames per second: give them by --fps RATE" in capsys.readouterr().err
    assert main(["convert", str(root), f"{tmp_path}/data.h5", "--fps=25", "--background=cut", "--quiet"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"data\.h5: 4 videos, \d+ frames of 4 features, .* read back and compared, every bit", out)
    reader = HDF5Reader(f"{tmp_path}/data.h5")
    assert equal(MSTCNReader(str(root), 25, "cut"), reader)
    assert main(["convert", f"{tmp_path}/data.h5", f"{tmp_path}/half.h5", "--dtype=float16", "--compression=gzip"]) == 0
    assert "float16 changes a feature by at most" in capsys.readouterr().out

    for path in (root / "features").iterdir():
        np.savez(path.with_suffix(".npz"), features=np.load(path), labels=reader.read(path.stem).labels)
        path.unlink()
    assert main(["convert", str(root), f"{tmp_path}/npz.h5", "--fps=25", "--background=cut"]) == 0
    assert equal(NpzReader(str(root), 25, "cut"), HDF5Reader(f"{tmp_path}/npz.h5"))

    config = [f"{ROOT}/configs/data/hdf5.yaml", "--data.reader.init_args.path", f"{tmp_path}/data.h5"]
    assert main(["convert", *config[:1], f"{tmp_path}/copy", *config[1:]]) == 0
    assert equal(reader, MSTCNReader(f"{tmp_path}/copy", 25, "cut"))
    assert main(["convert", f"{tmp_path}/copy", f"{tmp_path}/again.h5"]) == 0  # its data.yaml says the rate
    assert equal(reader, HDF5Reader(f"{tmp_path}/again.h5"))
