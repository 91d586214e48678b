"""Files that were cut, or in which bits were flipped, in every format: `segtcn check` reads them or names them."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from segtcn.data.readers import (
    Assembly101Reader,
    HDF5Reader,
    LeaReader,
    MSTCNReader,
    NpzReader,
    Reader,
    TableReader,
    write_hdf5,
)
from segtcn.labels import Classes
from segtcn.labels.files import read_labels
from segtcn.prepare.annotations import frame_labels, read_annotations
from segtcn.prepare.check import ChildProcess, Limits, check_data
from segtcn.structures import Video
from tests.conftest import CLASSES, small_videos
from tests.prepare.annotation_texts import AGGREGATED, AUDACITY, ELAN, TABULAR

NAMES = ("P01_tea", "P02_soup")
LIMITS = Limits(seconds=20, memory_gib=1)
GOOD_NAMES = ("a.b c.d", "ünï çödé", "e\u0301 日本 😀", "-rf", "%s {0} $HOME *", "folder/a.b", "n" * 200)
HOSTILE_NAMES = ("../../outside", "/etc/passwd", "..", "a/../../../outside", "\0", "n" * 300, "d/" * 3000, "\x1b[2J")


def videos(names: tuple[str, ...] = NAMES) -> dict[str, tuple[np.ndarray, list[int]]]:
    return dict(zip(names, small_videos(feature_dim=3, frames_per_action=3).values(), strict=False))


def place(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)  # names may hold slashes
    return path


def write_tree(root: Path, names: tuple[str, ...], write_features: Callable[[Path, str, np.ndarray], object]) -> None:
    place(root / "mapping.txt").write_text("".join(f"{index} {name}\n" for index, name in enumerate(CLASSES)))
    for subset, listed in (("train", names[:-1]), ("test", names[-1:])):
        place(root / "splits" / f"{subset}.split1.bundle").write_text("".join(f"{name}\n" for name in listed))
    for name, (features, labels) in videos(names).items():
        place(root / "groundTruth" / f"{name}.txt").write_text("".join(f"{CLASSES[label]}\n" for label in labels))
        write_features(place(root / "features" / name), name, features)


def write_npy(root: Path, names: tuple[str, ...] = NAMES) -> None:
    write_tree(root, names, lambda path, _, features: np.save(f"{path}.npy", features.T))


def write_npz(root: Path, names: tuple[str, ...] = NAMES) -> None:
    save = {name: np.savez if index else np.savez_compressed for index, name in enumerate(names)}
    write_tree(root, names, lambda path, name, features: save[name](f"{path}.npz", features=features.T))


def write_csv(root: Path, names: tuple[str, ...] = NAMES) -> None:
    def write(path: Path, _: str, features: np.ndarray) -> None:
        rows = [["x", "y", "z"], *features.tolist()]
        Path(f"{path}.csv").write_text("".join(",".join(map(str, row)) + "\n" for row in rows))

    write_tree(root, names, write)


def write_parquet(root: Path, names: tuple[str, ...] = NAMES) -> None:
    import pyarrow
    from pyarrow import parquet

    def write(path: Path, _: str, features: np.ndarray) -> None:
        parquet.write_table(pyarrow.table({key: features[:, i] for i, key in enumerate("xyz")}), f"{path}.parquet")

    write_tree(root, names, write)


def write_h5(root: Path, names: tuple[str, ...] = NAMES, compression: Any = "none") -> None:
    made = [Video(n, torch.from_numpy(f.T.copy()), torch.tensor(y)) for n, (f, y) in videos(names).items()]
    splits: Any = {1: {"train": list(names[:-1]), "test": list(names[-1:])}}
    write_hdf5(place(root / "data.h5"), made, Classes(tuple(CLASSES), 0), 15, splits, compression=compression)


def write_packed_h5(root: Path, names: tuple[str, ...] = NAMES) -> None:
    write_h5(root, names, "gzip")


def write_lea(root: Path, names: tuple[str, ...] = NAMES, packed: bool = False) -> None:
    import scipy.io

    for subset, listed in (("train", names[:-1]), ("test", names[-1:])):
        path = place(root / "splits" / "GTEA" / "Split_1" / f"{subset}.txt")
        path.write_text("".join(f"{name}\n" for name in listed))
    for name, (features, labels) in videos(names).items():
        arrays = {"A": features, "X": np.eye(3)[labels], "Y": np.array(labels).reshape(-1, 1)}
        path = place(root / "features" / "GTEA" / "SpatialCNN" / "Split_1" / f"{name}.mat")
        scipy.io.savemat(path, arrays, do_compression=packed)


def write_packed_lea(root: Path, names: tuple[str, ...] = NAMES) -> None:
    write_lea(root, names, packed=True)


def write_assembly101(root: Path, _: tuple[str, ...] = NAMES) -> None:
    import lmdb

    notes, database = root / "coarse-annotations", root / "TSM_features" / "C_rgb"
    database.mkdir(parents=True)
    place(notes / "actions.csv").write_text("action_id,verb_id,noun_id,action_cls\n0,0,0,attach\n1,1,0,remove\n")
    (notes / "coarse_seq_views.txt").write_text("assembly_a/C_rgb.mp4\ndisassembly_a/C_rgb.mp4\n")
    for video, subset in (("assembly_a", "train"), ("disassembly_a", "val")):
        place(notes / "coarse_labels" / f"{video}.txt").write_text("1\t4\tattach\n4\t9\tremove\n")
        for phase in ("assembly", "disassembly"):
            place(notes / "coarse_splits" / f"{subset}_coarse_{phase}.txt").write_text(f"{video}.txt\n")
    with lmdb.open(str(database), map_size=2**20) as environment, environment.begin(write=True) as transaction:
        for frame in range(1, 10):
            transaction.put(b"a/C_rgb/C_rgb_%010d.jpg" % frame, np.full(3, frame, dtype=np.float32).tobytes())
    (database / "lock.mdb").unlink()


class Format(NamedTuple):
    write: Callable[..., None]
    read: Callable[[str], Reader]
    ending: str
    has_checksums: bool = False
    extra: str = "numpy"


FORMATS = {
    "npy": Format(write_npy, MSTCNReader, ".npy"),
    "npz": Format(write_npz, NpzReader, ".npz", has_checksums=True),
    "csv": Format(write_csv, lambda root: TableReader(root, fps=15), ".csv", extra="pyarrow"),
    "parquet": Format(write_parquet, lambda root: TableReader(root, fps=15), ".parquet", extra="pyarrow"),
    "mat": Format(write_lea, LeaReader, ".mat"),
    "mat, packed": Format(write_packed_lea, LeaReader, ".mat", has_checksums=True),
    "hdf5": Format(write_h5, lambda root: HDF5Reader(f"{root}/data.h5"), ".h5"),
    "hdf5, packed": Format(write_packed_h5, lambda root: HDF5Reader(f"{root}/data.h5"), ".h5"),
    "lmdb": Format(write_assembly101, lambda root: Assembly101Reader(root, views=["C_rgb"]), ".mdb", extra="lmdb"),
}


def needs(form: Format) -> Format:
    pytest.importorskip(form.extra)
    return form


def contents(reader: Reader) -> dict[str, tuple[Any, Any]]:
    names = [name for split in reader.splits for subset in ("train", "test") for name in reader.videos(split, subset)]
    read = {name: reader.read(name) for name in names}
    return {name: (video.features.tolist(), video.labels.tolist()) for name, video in read.items()}


def damage(path: Path, rng: random.Random, number: int) -> None:
    """Cut a file, flip some of its bits, or overwrite some bytes with large numbers."""
    content = bytearray(path.read_bytes())
    if number % 5 == 0:
        del content[rng.randrange(len(content)) :]
    for _ in range(rng.choice((1, 1, 2, 8)) if content else 0):
        position = rng.randrange(len(content))
        if rng.random() < 0.7:
            content[position] ^= 1 << rng.randrange(8)
        else:
            content[position : position + 8] = b"\xff" * 8
    path.write_bytes(content)


@pytest.mark.parametrize("name", FORMATS)
def test_damaged_files_are_read_or_named(tmp_path: Path, name: str) -> None:
    read_damaged(tmp_path, name, num_cases=10)


def read_damaged(tmp_path: Path, name: str, num_cases: int) -> None:
    form, original, root = needs(FORMATS[name]), tmp_path / "original", tmp_path / "root"
    form.write(original)
    expected = contents(form.read(str(original)))
    num_refused = 0
    with ChildProcess(form.read, str(root), limits=LIMITS) as opening:
        for number in range(num_cases):
            rng = random.Random(f"{name} {number}")
            shutil.copytree(original, root)
            files = sorted(path for path in root.rglob("*") if path.is_file())
            binary = [path for path in files if path.suffix == form.ending]
            damage(rng.choice(binary if number % 4 else files), rng, number)
            refused = list(refusals(opening, root))
            num_refused += bool(refused)
            assert all(str(root) in message for message in refused), refused
            if form.has_checksums and not refused and number % 4:
                assert contents(form.read(str(root))) == expected, f"case {number}"
            shutil.rmtree(root)
    assert num_refused > num_cases // 5, "the damage does no harm"


def refusals(opening: ChildProcess, root: Path) -> Iterator[str]:
    """What is said of a data set that may be damaged."""
    try:
        reader = opening.call(_open)
    except (ValueError, FileNotFoundError) as error:
        yield str(error) if "ended the process" not in str(error) else f"{root}: {error}"
        return
    report = check_data(reader, limits=LIMITS)
    kinds = ("unreadable", "missing", "labels", "list", "values", "no truth", "width", "length", "empty")
    yield from (problem.message for problem in report.problems if problem.kind in kinds)


def _open(read: Callable[[str], Reader], root: str) -> Reader:
    return read(root)


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_many_more_damaged_files(tmp_path: Path, name: str) -> None:
    read_damaged(tmp_path, name, num_cases=250)


@pytest.mark.parametrize("video", HOSTILE_NAMES)
@pytest.mark.parametrize("name", ["npy", "npz", "csv", "mat"])
def test_lists_do_not_lead_out_of_a_data_set(tmp_path: Path, name: str, video: str) -> None:
    form, root = needs(FORMATS[name]), tmp_path / "deep" / "root"
    form.write(root)
    np.save(tmp_path / "outside.npy", np.ones((3, 15), dtype=np.float32))
    (tmp_path / "outside.txt").write_text("cut\n" * 15)
    (path,) = root.glob("splits/test.split1.bundle") if name != "mat" else root.rglob("test.txt")
    path.write_text(f"P01_tea\n{video}\n")
    refused = list(refusals(ChildProcess(form.read, str(root), limits=LIMITS), root))
    assert refused
    assert not any("outside" in message and "must not lead out" not in message for message in refused)


@pytest.mark.parametrize("video", GOOD_NAMES)
@pytest.mark.parametrize("name", ["npy", "npz", "csv", "parquet", "mat", "hdf5"])
def test_names_that_a_file_may_have_are_read(tmp_path: Path, name: str, video: str) -> None:
    form = needs(FORMATS[name])
    if name == "mat" and "/" in video:
        pytest.skip("its videos lie in one folder")
    form.write(tmp_path, (video, "P02"))
    reader = form.read(str(tmp_path))
    assert reader.videos(1, "train") == [video]
    features, labels = videos((video,))[video]
    read = reader.read(video)
    assert torch.equal(read.features, torch.from_numpy(features.T.copy()))
    assert read.labels.tolist() == labels
    assert set(reader.stored()) == {video, "P02"}


TEXTS = {
    "boris.tsv": TABULAR,
    "boris.csv": AGGREGATED.rsplit("second", 1)[0],
    "elan.eaf": ELAN,
    "audacity.txt": AUDACITY,
    "plain.csv": "label,start_s,stop_s,video\ncut,0.5,2,P01\npour milk,2,3.25,P02\n",
    "plain.json": '{"fps": 4, "segments": [{"label": "cut", "start": 2, "stop": 8}, {"label": "pour", "start": 8.5, '
    '"stop": 13}]}',
    "videos.json": '{"P01": [{"action": "cut", "start_s": 0.5, "stop_s": 2}], "P02": []}',
    "lines.txt": "cut\ncut\npour milk\n",
    "recognition": "### Frame level recognition: ###\nbackground cut\n",
    "segments.csv": "label,start,stop,start_s,stop_s,confidence\nbackground,0,2,0,0.2,0.5\ncut,2,4,0.2,0.4,1\n",
}
TOKENS = (
    *(b"1e308", b"nan", b"-5", b"9" * 5000, b"0" * 30, b"1,5", b"1:02:03", b"True", b"null", b'"', b",", b"\t", b"\n"),
    *(b"\r", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"[" * 9999, b'<!DOCTYPE a [<!ENTITY b "c">]>', b"&b;"),
    *(b"{", b"label,start,stop\n", b"../../outside\n", b"!!python/object/apply:os.system ['x']\n", b"cos\nsystem\n"),
)


@pytest.mark.parametrize("name", TEXTS)
def test_damaged_labels_and_annotations_are_read_or_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    for number in range(60):
        rng = random.Random(f"{name} {number}")
        path.write_text(TEXTS[name])
        damage(path, rng, number)
        content = bytearray(path.read_bytes())
        position = rng.randrange(len(content) + 1)
        content[position:position] = rng.choice(TOKENS) if number % 2 else b""
        path.write_bytes(content)
        try:
            for annotations in read_annotations(path, fps=10.0):
                for start_s, stop_s, label in annotations.intervals:
                    assert -1e9 <= start_s <= stop_s <= 1e9
                    assert label == " ".join(label.split()) != ""
                assert len(frame_labels(annotations.intervals, 50, fps=10).labels) == 50
        except ValueError as error:
            assert str(path) in str(error)  # noqa: PT017
        try:
            labels = read_labels(path)
        except ValueError as error:
            assert str(path) in str(error)  # noqa: PT017
        else:
            assert 0 <= labels.indexes.min() <= labels.indexes.max() < len(labels.classes)
