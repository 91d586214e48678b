"""Damaged, hostile and odd files, made at random from valid ones: each is read or refused by name, and nothing else.

A case depends on nothing but its format and its number. A failure prints both; this runs the case alone, and prints the
traceback if the error is one that Python sees::

    python -m tests.data.test_fuzz hdf5 137
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib.util
import io
import json
import math
import os
import pickle
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from segtcn.cli import main as segtcn
from segtcn.data.readers import Assembly101Reader, HDF5Reader, LeaReader, MSTCNReader, NpzReader, Reader, TableReader
from segtcn.data.readers.hdf5 import write_hdf5
from segtcn.evaluation import pair_files, pair_matlab_files
from segtcn.labels import Classes
from segtcn.prepare.annotations import frame_labels, read_annotations
from segtcn.structures import Video
from tests.conftest import CLASSES, small_videos

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("P01_tea", "P02_soup")
LIMIT_S = 60  # of a case, by the clock: computers may be busy
LIMIT_CPU_S = 5.0
LIMIT_BYTES = 256 * 2**20  # a case may touch
LIMIT_ADDRESSES = 2 * 2**30  # and reserve

HOSTILE_NAMES = (
    *("../../outside", "/etc/passwd", "..", ".", "~", "a/../../../outside", "./P01_tea", "P01_tea/", "a//b", "\\..\\x"),
    *("", " ", "-rf", "%s", "{}", "$HOME", "*", "P01_tea.txt.txt", "\0", "a\0b", "n" * 300, "d/" * 3000, "\x1b[2J"),
    *("ünï çödé", "e\u0301", "日本", "😀", "a\u2028b", "a\tb", "a.b.c", ".hidden", "P01_tea", "'; x", '"', "\ufeffa"),
)
GOOD_NAMES = ("a.b c.d", "ünï çödé", "e\u0301 日本 😀", "-rf", "%s {0} $HOME *", "folder/a.b", "n" * 200)
TOKENS = (
    *(b"1e308", b"nan", b"-5", b"9" * 5000, b"0" * 30, b"1,5", b"1:02:03", b"999999999999", b"True", b"null", b"''"),
    *(b'"', b",", b"\t", b";", b"\n", b"\r", b"\n\n", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"[" * 9999),
    *(b'<!DOCTYPE a [<!ENTITY b "c">]>', b"&b;", b"<TIER>", b"{", b"}", b"label,start,stop\n", b"../../outside\n"),
    *(b"!!python/object/apply:os.system ['x']\n", b"cos\nsystem\n", b"### Frame level recognition: ###\n"),
)


class Attack:
    """What a pickle runs when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


class Attempt:
    """Calls what may refuse its input; any other error than a clear refusal is a fault."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.num_read = self.num_refused = 0

    def __call__(self, function: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
        try:
            result = function(*args, **keywords)
        except Exception as error:
            self.num_refused += 1
            self._judge(error)
            return None
        self.num_read += 1
        return result

    def _judge(self, error: BaseException) -> None:
        cause: BaseException | None = error
        while cause is not None:
            assert not isinstance(cause, MemoryError), "it asks for more memory than any such file needs"
            cause = cause.__cause__ or cause.__context__
        assert isinstance(error, (ValueError, FileNotFoundError)), f"{type(error).__name__} is no clear error: {error}"
        assert getattr(error, "errno", None) is None, f"the system's error reached the caller: {error}"
        assert str(self.root) in str(error), f"the message does not name the file: {error}"


def videos(names: tuple[str, ...] = NAMES) -> dict[str, tuple[np.ndarray, list[int]]]:
    return dict(zip(names, small_videos(feature_dim=3, frames_per_action=3).values(), strict=False))


def write_text_files(root: Path, names: tuple[str, ...], ending: str = ".txt") -> None:
    """Mapping and lists of the MS-TCN tree; the last video is for test."""
    for folder in ("features", "groundTruth", "splits"):
        (root / folder).mkdir(parents=True)
    (root / "mapping.txt").write_text("".join(f"{index} {name}\n" for index, name in enumerate(CLASSES)))
    for subset, own in (("train", names[:-1]), ("test", names[-1:])):
        (root / "splits" / f"{subset}.split1.bundle").write_text("".join(f"{name}{ending}\n" for name in own))


def place(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)  # names may hold slashes
    return path


def write_labels_of(root: Path, name: str, labels: list[int]) -> None:
    place(root / "groundTruth" / f"{name}.txt").write_text("".join(f"{CLASSES[label]}\n" for label in labels))


def write_ms_tcn(root: Path, names: tuple[str, ...] = NAMES) -> None:
    write_text_files(root, names)
    for name, (features, labels) in videos(names).items():
        np.save(place(root / "features" / f"{name}.npy"), features.T)
        write_labels_of(root, name, labels)


def write_npz(root: Path, names: tuple[str, ...] = NAMES) -> None:
    write_text_files(root, names)
    for index, (name, (features, labels)) in enumerate(videos(names).items()):
        save = np.savez_compressed if index else np.savez
        save(place(root / "features" / f"{name}.npz"), features=features.T, labels=np.array(labels))


def write_tables(root: Path, names: tuple[str, ...] = NAMES) -> None:
    write_text_files(root, names, ending="")
    for index, (name, (features, labels)) in enumerate(videos(names).items()):
        delimiter, ending = ("\t", "tsv") if index else (",", "csv")
        rows = [["x", "y", "z"], *features.tolist()]
        text = "".join(delimiter.join(map(str, row)) + "\n" for row in rows)
        place(root / "features" / f"{name}.{ending}").write_text(text)
        write_labels_of(root, name, labels)


def write_parquet(root: Path, names: tuple[str, ...] = NAMES) -> None:
    write_text_files(root, names, ending="")
    for name, (features, labels) in videos(names).items():
        columns = {key: features[:, column].tolist() for column, key in enumerate("xyz")}
        save_parquet(place(root / "features" / f"{name}.parquet"), columns)
        save_parquet(place(root / "groundTruth" / f"{name}.parquet"), {"label": [CLASSES[label] for label in labels]})


def save_parquet(path: Path, columns: Mapping[str, Any]) -> None:
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.table(columns), path)


def write_h5(root: Path, names: tuple[str, ...] = NAMES) -> None:
    root.mkdir(parents=True)
    made = [Video(n, torch.from_numpy(f.T.copy()), torch.tensor(y)) for n, (f, y) in videos(names).items()]
    for compression in ("none", "gzip"):
        splits: Any = {1: {"train": list(names[:-1]), "test": list(names[-1:])}}
        path = root / f"{compression}.h5"
        write_hdf5(path, made, CLASSES, 15, splits, background=0, compression=compression)  # type: ignore[arg-type]


def write_lea(root: Path, names: tuple[str, ...] = NAMES) -> None:
    import scipy.io

    lists, folder = root / "splits" / "GTEA" / "Split_1", root / "features" / "GTEA" / "SpatialCNN" / "Split_1"
    lists.mkdir(parents=True)
    folder.mkdir(parents=True)
    for subset, own in (("train", names[:-1]), ("test", names[-1:])):
        (lists / f"{subset}.txt").write_text("".join(f"{name}\n" for name in own))
    for index, (name, (features, labels)) in enumerate(videos(names).items()):
        arrays = {"A": features, "X": np.eye(3)[labels], "Y": np.array(labels).reshape(-1, 1)}
        scipy.io.savemat(folder / f"{name}.mat", arrays, do_compression=bool(index))


def write_matlab_predictions(root: Path, names: tuple[str, ...] = NAMES) -> None:
    import scipy.io

    root.mkdir(parents=True)
    cells = np.empty((1, 2), dtype=object)
    cells[0, :] = [np.array([labels]) for _, labels in videos(names).values()]
    scipy.io.savemat(root / "Split_1.mat", {"P": cells, "Y": cells})


def write_label_files(root: Path, names: tuple[str, ...] = NAMES) -> None:
    root.mkdir(parents=True)
    words = [CLASSES[label] for label in (0, 0, 1, 1, 2)]
    (root / "mapping.txt").write_text("".join(f"{index} {name}\n" for index, name in enumerate(CLASSES)))
    (root / "lines.txt").write_text("".join(f"{word}\n" for word in words))
    (root / "recognition").write_text("### Frame level recognition: ###\n" + " ".join(CLASSES[:2]) + "\n")
    (root / "segments.csv").write_text(
        "label,start,stop,start_s,stop_s,confidence\nbackground,0,2,0,0.2,0.5\ncut,2,4,0.2,0.4,1\npour milk,4,5,,,0.9\n"
    )
    np.save(root / "indexes.npy", np.array([0, 0, 1, 1, 2]))


def write_assembly101(root: Path, names: tuple[str, ...] = NAMES) -> None:
    import lmdb

    notes = root / "coarse-annotations"
    for folder in (root / "TSM_features" / "C_rgb", notes / "coarse_labels", notes / "coarse_splits"):
        folder.mkdir(parents=True)
    (notes / "actions.csv").write_text("action_id,verb_id,noun_id,action_cls\n0,0,0,attach\n1,1,0,remove\n")
    (notes / "coarse_seq_views.txt").write_text("assembly_a/C_rgb.mp4\ndisassembly_a/C_rgb.mp4\n")
    for phase, part in (("assembly", "train"), ("disassembly", "val")):
        (notes / "coarse_labels" / f"{phase}_a.txt").write_text("1\t4\tattach\n4\t9\tremove\n")
        for each in ("assembly", "disassembly"):
            (notes / "coarse_splits" / f"{part}_coarse_{each}.txt").write_text(f"{phase}_a.txt\n")
    with lmdb.open(str(root / "TSM_features" / "C_rgb"), map_size=2**20) as database, database.begin(write=True) as put:
        for frame in range(1, 10):
            put.put(b"a/C_rgb/C_rgb_%010d.jpg" % frame, np.full(3, frame, dtype=np.float32).tobytes())
    (root / "TSM_features" / "C_rgb" / "lock.mdb").unlink()


ANNOTATIONS = {
    "boris.tsv": "Observation id\tSubject\tBehavior\tModifier #1\tBehavior type\tTime\tMedia file name\n"
    + "".join(
        f"first\tNo focal subject\t{label}\t\t{kind}\t{time}\tclips/P01.mp4\n"
        for label, kind, time in (("cut", "START", 0.5), ("look", "POINT", 1), ("cut", "STOP", 2.0))
    ),
    "boris.csv": "Observation id,Description,Subject,Behavior,Behavior type,Start (s),Stop (s)\n"
    'first,"slow, careful",anna,cut,STATE,0.500,2.000\nfirst,,anna,look,POINT,1.000,NA\n',
    "elan.eaf": '<?xml version="1.0" encoding="UTF-8"?>\n<ANNOTATION_DOCUMENT FORMAT="3.0">\n<HEADER TIME_UNITS='
    '"milliseconds"><MEDIA_DESCRIPTOR MEDIA_URL="file:///P01.mp4"/></HEADER>\n<TIME_ORDER>\n<TIME_SLOT TIME_SLOT_ID='
    '"ts1" TIME_VALUE="500"/>\n<TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="2000"/>\n</TIME_ORDER>\n<TIER TIER_ID="act">'
    '\n<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2">\n'
    "<ANNOTATION_VALUE>cut</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>\n</TIER>\n</ANNOTATION_DOCUMENT>\n",
    "audacity.txt": "0.500000\t2.000000\tcut\n\\\t100.0\t2000.0\n2.000000\t3.250000\tpour milk\n",
    "plain.csv": "label,start_s,stop_s,video\ncut,0.5,2,P01\npour milk,2,3.25,P02\n",
    "plain.json": '{"fps": 4, "segments": [{"label": "cut", "start": 2, "stop": 8}, {"label": "pour", "start": 8.5, '
    '"stop": 13}]}',
    "videos.json": '{"P01": [{"action": "cut", "start_s": 0.5, "stop_s": 2}], "P02": []}',
    "lines.txt": "cut\ncut\npour milk\n",
}


def write_annotations(root: Path, names: tuple[str, ...] = NAMES) -> None:
    root.mkdir(parents=True)
    for name, text in ANNOTATIONS.items():
        (root / name).write_text(text)


def write_project(root: Path, names: tuple[str, ...] = NAMES) -> None:
    """Features and annotations for `segtcn init`, and beside them a tree for the other commands."""
    write_ms_tcn(root / "tree", names)
    own = root / "project"
    (own / "annotations").mkdir(parents=True)
    shutil.copytree(root / "tree" / "features", own / "features")
    for name, text in zip(names, (ANNOTATIONS["audacity.txt"], ANNOTATIONS["lines.txt"]), strict=True):
        (own / "annotations" / f"{name}.txt").write_text(text)


def read_reader(make: Callable[[Path], Reader], root: Path, attempt: Attempt) -> None:
    reader = attempt(make, root)
    for split in () if reader is None else reader.splits:
        for subset in ("train", "test"):
            for name in attempt(reader.videos, split, subset) or ():
                assert not os.path.isabs(name), name
                assert ".." not in Path(name).parts, name
                for labels in (True, False):
                    video = attempt(reader.read, name, split, labels=labels)
                    if video is not None:
                        check_video(video, reader, labels)
                attempt(reader.num_frames, name, split)


def check_video(video: Video, reader: Reader, labels: bool) -> None:
    features = video.features
    assert (features.ndim, features.dtype) == (2, torch.float32)
    assert (video.labels is not None) == labels
    if video.labels is not None:
        assert (video.labels.ndim, video.labels.dtype) == (1, torch.int64)
        assert not len(video.labels) or 0 <= int(video.labels.min()) <= int(video.labels.max()) < len(
            reader.class_names
        )


READERS: dict[str, Callable[[Path], Reader]] = {
    "ms_tcn": lambda root: MSTCNReader(str(root), fps=15),
    "npz": lambda root: NpzReader(str(root), fps=15),
    "tables": lambda root: TableReader(str(root), fps=15),
    "parquet": lambda root: TableReader(str(root), fps=15),
    "lea": lambda root: LeaReader(str(root)),
    "hdf5": lambda root: HDF5Reader(str(root / "none.h5")),
    "hdf5, gzip": lambda root: HDF5Reader(str(root / "gzip.h5")),
    "assembly101": lambda root: Assembly101Reader(str(root), views=["C_rgb"]),
}


def read_with(*readers: str) -> Callable[[Path, Attempt], None]:
    def read(root: Path, attempt: Attempt) -> None:
        for name in readers:
            read_reader(READERS[name], root, attempt)

    return read


def read_matlab_predictions(root: Path, attempt: Attempt) -> None:
    for pairs in (attempt(pair_matlab_files, [root]) or {}).values():
        for name, labels in pairs.preds.items():
            assert len(labels) == len(pairs.truth[name])


def read_label_files(root: Path, attempt: Attempt) -> None:
    for path in (root / "lines.txt", root / "recognition", root / "segments.csv", root / "indexes.npy"):
        for classes in (None, attempt(Classes.read, root / "mapping.txt")):
            attempt(pair_files, path, path, classes)


def read_annotation_files(root: Path, attempt: Attempt) -> None:
    for name in ANNOTATIONS:
        for track in attempt(read_annotations, root / name, fps=10.0) or ():
            for interval in track.intervals:
                assert math.isfinite(interval.start_s), interval
                assert interval.start_s <= interval.stop_s < math.inf, interval
                assert interval.label == " ".join(interval.label.split()) != "", interval
            labels, _ = frame_labels(track.intervals, 50, fps=10)
            assert len(labels) == 50


def run_commands(root: Path, attempt: Attempt) -> None:
    """Commands that write: what they make lies where it should, and nothing else has changed."""
    tree, project = root / "tree", root / "project"
    out = root.parent / "out"
    out.mkdir()
    before = snapshot(root.parent)
    commands = (
        ["check", str(tree), "--fix", str(out / "fixed"), "--quiet"],
        ["convert", str(tree), str(out / "tree.h5"), "--fps", "15", "--quiet"],
        ["convert", str(tree), str(out / "tree"), "--fps", "15", "--quiet"],
        ["init", str(project), "--fps", "10", "--folds", "2"],
    )
    for words in commands:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            try:
                status = segtcn(words)
            except SystemExit as leaving:  # `check` after errors
                status = int(leaving.code or 0)
        attempt.num_read += not status
        attempt.num_refused += bool(status)
        assert status in (0, 1), (words, status)
        assert not status or str(root) in printed.getvalue(), f"segtcn {words[0]} names no file: {printed.getvalue()}"
        assert "Traceback" not in printed.getvalue()
    after = snapshot(root.parent)
    own = (str(out), *(str(project / name) for name in ("groundTruth", "splits", "README.md", "data.yaml")))
    own = (*own, str(project / "mapping.txt"))
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert not (outside := {path for path in changed if not path.startswith(own)}), f"written outside: {outside}"


def snapshot(folder: Path) -> dict[str, object]:
    """Content of everything below a folder; links are not followed."""
    found: dict[str, object] = {}
    for path in folder.rglob("*"):
        if path.is_symlink():
            found[str(path)] = path.readlink()
        elif path.is_file():
            found[str(path)] = path.read_bytes()
        elif not path.is_dir():
            found[str(path)] = "neither file nor folder"
    return found


def cut(content: bytearray, rng: random.Random) -> None:
    del content[rng.randrange(len(content) + 1) :]


def flip(content: bytearray, rng: random.Random) -> None:
    for _ in range(rng.randint(1, 8) if content else 0):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def insert(content: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(content) + 1)
    content[at:at] = rng.choice((rng.choice(TOKENS), rng.randbytes(rng.randint(1, 20))))


def remove(content: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(content) + 1)
    del content[at : at + rng.randint(1, 40)]


def repeat(content: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(content) + 1)
    content[at:at] = content[at : at + 60] * rng.randint(1, 200)


def enlarge(content: bytearray, rng: random.Random) -> None:
    """A number becomes huge or negative; whatever stands there may be a size."""
    size = rng.choice((1, 2, 4, 8))
    value = rng.choice((2 ** (8 * size) - 1, 2 ** (8 * size - 1), 2 ** (8 * size - 1) - 1, 2 ** (8 * size - 4), 0))
    at = rng.randrange(len(content) + 1)
    content[at : at + size] = value.to_bytes(size, rng.choice(("little", "big")))


def replace(content: bytearray, rng: random.Random) -> None:
    """Something else under this name."""
    content[:] = rng.choice(
        (b"", b"\n", bytes(4096), rng.randbytes(300), b"PK\x03\x04", b"\x93NUMPY", b"\x89HDF\r\n\x1a\n")
    )


BYTES = (cut, flip, flip, insert, insert, remove, repeat, enlarge, enlarge, replace)


def change_bytes(path: Path, rng: random.Random) -> str:
    content = bytearray(path.read_bytes())
    chosen = [rng.choice(BYTES) for _ in range(rng.choice((1, 1, 1, 2, 4)))]
    for change in chosen:
        change(content, rng)
    path.write_bytes(content)
    return f"{', '.join(change.__name__ for change in chosen)} {path.name}"


def change_place(path: Path, rng: random.Random) -> str:
    """A link in a circle, to nothing, to everything, to a device that never ends; a pipe; a folder; nothing."""
    path = rng.choice((path, path, path.parent))
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    targets = {"itself": path, "nothing": "nowhere", "its folder": path.parent, "a device": "/dev/zero"}
    kind = rng.choice((*targets, "pipe", "folder", "missing"))
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind != "missing":
        path.symlink_to(targets[kind])
    return f"{path.name} becomes {kind}"


def hostile_lists(root: Path, rng: random.Random) -> str:
    name = rng.choice(HOSTILE_NAMES)
    path = rng.choice(
        [path for path in sorted(root.rglob("*")) if path.suffix == ".bundle" or path.name == "train.txt"]
    )
    path.write_bytes(f"{name}{rng.choice(('', '.txt'))}\n".encode() + path.read_bytes() * rng.randint(0, 1))
    return f"{name[:40]!r} in {path.name}"


def odd_array(root: Path, rng: random.Random) -> tuple[str, np.ndarray]:
    """An array that is not what a reader expects, or only just."""
    attack = np.empty((3, 15), dtype=object)
    attack[:] = Attack(root.parent / "executed")
    choices = {
        "objects": attack,
        "complex": np.ones((3, 15), dtype=complex),
        "text": np.full((3, 15), "cut"),
        "bytes": np.full(15, b"cut\xff"),
        "bool": np.ones((3, 15), dtype=bool),
        "dates": np.zeros((3, 15), dtype="datetime64[s]"),
        "fields": np.zeros(15, dtype=[("a", "f4"), ("b", "O")]),
        "a number": np.array(3.0),
        "a vector": np.zeros(15),
        "a cube": np.zeros((3, 15, 2)),
        "no frames": np.zeros((3, 0)),
        "no features": np.zeros((0, 15)),
        "nothing": np.zeros((0, 0)),
        "halves": np.ones((3, 15), dtype=np.float16),
        "other byte order": np.ones((3, 15), dtype=">f8"),
        "by columns": np.asfortranarray(np.ones((3, 15))),
        "small integers": np.ones((3, 15), dtype=np.int8),
        "huge integers": np.full((3, 15), 2**64 - 1, dtype=np.uint64),
        "huge labels": np.full(15, 2**64 - 1, dtype=np.uint64),
        "negative labels": np.full(15, -1),
        "infinite": np.full((3, 15), 1e300),
        "NaN": np.full((15, 3), np.nan),
        "one frame": np.ones((3, 1)),
        "wider": np.ones((5, 15), dtype=np.float32),
    }
    name = rng.choice(list(choices))
    return name, choices[name]


def npy_bytes(root: Path, rng: random.Random) -> tuple[str, bytes]:
    """A NumPy file with an odd array, a false header, or a pickle."""
    kind = rng.choice(("odd", "odd", "huge", "pickle"))
    file = io.BytesIO()
    if kind == "odd":
        name, array = odd_array(root, rng)
        np.lib.format.write_array(file, array, allow_pickle=True)
        return name, file.getvalue()
    if kind == "pickle":
        return kind, pickle.dumps(Attack(root.parent / "executed"))
    sizes = (2**62, 2**40, 10**9, -1, 0, 3, 2**31, 2**64)
    shape = tuple(rng.choice(sizes) for _ in range(rng.randint(1, 3)))
    header = {"descr": rng.choice(("<f4", "<i8", "|O", "|V0", "<U9")), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_2_0(file, header)
    return f"{header['descr']} {shape}", file.getvalue() + bytes(rng.choice((0, 64)))


def odd_npy(root: Path, rng: random.Random) -> str:
    path = rng.choice(sorted(root.rglob("*.npy")))
    kind, content = npy_bytes(root, rng)
    path.write_bytes(content)
    return f"{kind} in {path.name}"


def odd_npz(root: Path, rng: random.Random) -> str:
    path = rng.choice(sorted(root.rglob("*.npz")))
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    key = rng.choice(list(members))
    kind, members[key] = npy_bytes(root, rng)
    if rng.random() < 0.2:
        kind, members[key] = "ten million zeros", members[key] + bytes(10**7)
    names = {key: rng.choice((key, key, key, "../../features.npy", "/features.npy", "features", "x" * 300))}
    with zipfile.ZipFile(path, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))) as file:
        for name, content in members.items():
            file.writestr(names.get(name, name), content)
    return f"{kind} in {path.name}, {key} as {names[key]}"


def odd_matlab(root: Path, rng: random.Random) -> str:
    import scipy.io

    path = rng.choice(sorted(root.rglob("*.mat")))
    arrays = {key: value for key, value in scipy.io.loadmat(path).items() if not key.startswith("__")}
    key = rng.choice(list(arrays))
    kind, array = odd_array(root, rng)
    if array.dtype.kind in "OMSV":  # what MATLAB has instead: a cell array, a structure
        kind, array = rng.choice((("cells", np.full((2, 2), None)), ("structure", np.zeros(2, dtype=[("a", "f8")]))))
        array[:] = 1
    arrays[key] = array
    arrays |= rng.choice(({}, {"S": np.zeros((4, 15))}))
    scipy.io.savemat(path, arrays, do_compression=rng.random() < 0.5)
    return f"{kind} in {key} of {path.name}"


def odd_h5(root: Path, rng: random.Random) -> str:
    import h5py

    path = rng.choice(sorted(root.glob("*.h5")))
    with h5py.File(path, "r+") as file:
        places = [f"videos/{NAMES[0]}/features", f"videos/{NAMES[1]}/labels", "class_names", "splits/1/train"]
        where = rng.choice([*places, "videos", f"videos/{NAMES[0]}", "splits"])
        kind = rng.choice(
            ("array", "array", "attribute", "huge", "link", "external", "outer", "virtual", "names", "group")
        )
        if kind == "attribute":
            where = rng.choice(list(file.attrs))
            values = [-1, 10**9, math.nan, "cut", 0, 2**63 - 1, [1, 2], np.zeros((0,)), np.zeros((5, 5)), b"\xff", True]
            file.attrs[where] = rng.choice(values)
            return f"attribute {where} of {path.name}"
        if kind == "names":
            where = rng.choice(places[2:])
        del file[where]
        if kind == "array":
            kind, array = odd_array(root, rng)
            file[where] = np.zeros(15, dtype="S3") if array.dtype.kind in "OUMV" else array  # kinds that h5py has not
        elif kind == "huge":
            shape = rng.choice([(2**40,), (3, 2**40), (2**30, 2**30), (10**7, 15)])
            packing = rng.choice((None, "gzip"))
            file.create_dataset(
                where, shape, rng.choice(["f4", "i8", "S9", "u1"]), chunks=(1,) * len(shape), compression=packing
            )
        elif kind == "link":
            file[where] = h5py.SoftLink(rng.choice(("/", f"/{where}", "/nowhere", f"/{where}/../..")))
        elif kind == "external":
            file[where] = h5py.ExternalLink(rng.choice((str(path), "../outside.h5", "/dev/zero")), "/")
        elif kind == "outer":
            raw = [(rng.choice(("../outside.npy", "/dev/zero", "/etc/passwd")), 0, h5py.h5f.UNLIMITED)]
            file.create_dataset(where, (3, 15), "f4", external=raw)
        elif kind == "virtual":
            layout = h5py.VirtualLayout((3, 15), "f4")
            layout[:] = h5py.VirtualSource(str(root.parent / "outside.h5"), "features", (3, 15))
            file.create_virtual_dataset(where, layout)
        elif kind == "names":
            names = rng.sample(HOSTILE_NAMES, rng.randint(1, 3))
            file[where] = np.array([name.replace("\0", "") for name in names], dtype=h5py.string_dtype())
        else:
            file.create_group(where)[rng.choice(("features", "x"))] = file  # a circle of groups
    return f"{kind} at {where} of {path.name}"


def odd_lmdb(root: Path, rng: random.Random) -> str:
    """Other bytes where pages speak of themselves and of their nodes."""
    path = root / "TSM_features" / "C_rgb" / "data.mdb"
    content = bytearray(path.read_bytes())
    for _ in range(rng.choice((1, 2, 8))):
        page = rng.randrange(len(content) // 4096) * 4096
        content[page + rng.choice((rng.randrange(8, 64), rng.randrange(4096)))] = rng.randrange(256)
    path.write_bytes(content)
    return f"other bytes in {path.name}"


def odd_parquet(root: Path, rng: random.Random) -> str:
    import datetime
    from decimal import Decimal

    import pyarrow

    path = rng.choice(sorted(root.rglob("*.parquet")))
    values = rng.choice(
        [
            ["cut"] * 15,
            [None] * 15,
            [b"\xff"] * 15,
            [True] * 15,
            [[1.0]] * 15,
            [{"a": 1}] * 15,
            [Decimal("1.5")] * 15,
            [datetime.datetime(2024, 1, 1)] * 15,
            [2**63 - 1] * 15,
            pyarrow.array(["cut"] * 15).dictionary_encode(),
            pyarrow.nulls(60_000_000),  # a few bytes in the file
            pyarrow.array([math.inf] * 15),
            [1.5],
            [],
        ]
    )
    keys = ["x", "y", "z"] if path.parent.name == "features" else ["label"]
    own = rng.choice(keys)
    others = (
        dict.fromkeys(keys, values)
        if len(values) > 15
        else {}
        if len(values) != 15
        else {key: [0.5] * 15 for key in keys if rng.random() < 0.8}
    )
    save_parquet(path, {**others, rng.choice((own, own, "", "a" * 1000, "x.y", "ü\n")): values})
    return f"{str(values[:1])[:40]} in {path.name}"


class Format(NamedTuple):
    write: Callable[..., None]
    read: Callable[[Path, Attempt], None]
    own: tuple[Callable[[Path, random.Random], str], ...]  # what can only happen to this format
    cases: int
    limit_s: float = LIMIT_S


FORMATS = {
    "ms_tcn": Format(write_ms_tcn, read_with("ms_tcn"), (odd_npy, hostile_lists), 200),
    "npz": Format(write_npz, read_with("npz"), (odd_npz, hostile_lists), 120),
    "tables": Format(write_tables, read_with("tables"), (hostile_lists,), 120),
    "parquet": Format(write_parquet, read_with("parquet"), (odd_parquet, hostile_lists), 120),
    "lea": Format(write_lea, read_with("lea"), (odd_matlab, hostile_lists), 120),
    "predictions": Format(write_matlab_predictions, read_matlab_predictions, (odd_matlab,), 60),
    "hdf5": Format(write_h5, read_with("hdf5", "hdf5, gzip"), (odd_h5, odd_h5), 160),
    "assembly101": Format(write_assembly101, read_with("assembly101"), (odd_lmdb,), 60),
    "labels": Format(write_label_files, read_label_files, (odd_npy,), 80),
    "annotations": Format(write_annotations, read_annotation_files, (), 200),
    "commands": Format(write_project, run_commands, (odd_npy, hostile_lists), 20),
}
EXTRAS = {"tables": "pyarrow", "parquet": "pyarrow", "assembly101": "lmdb"}


def harmful(harm: Callable[[Path], object], cases: int = 2, limit_s: float = LIMIT_S) -> Format:
    return Format(write_label_files, lambda root, attempt: attempt(harm, root), (), cases, limit_s)


def fail(error: Exception) -> None:
    raise error


HARMFUL = {
    "crash": harmful(lambda _: os.kill(os.getpid(), signal.SIGSEGV)),
    "hang": harmful(lambda _: time.sleep(100), cases=1, limit_s=0.5),
    "memory": harmful(lambda _: np.ones(LIMIT_BYTES, dtype=np.int8), cases=1),
    "addresses": harmful(lambda _: np.empty(2 * LIMIT_ADDRESSES, dtype=np.int8)),
    "code": harmful(lambda root: pickle.loads(pickle.dumps(Attack(root.parent / "executed")))),
    "other error": harmful(lambda root: fail(KeyError(str(root)))),
    "no name": harmful(lambda _: fail(ValueError("it is wrong"))),
    "of the system": harmful(lambda root: (root / "nowhere").read_bytes()),
}
"""What a reader must not do, to see that the runner notices it."""
NOTICED = {
    "crash": "the process died or hung, signal 11",
    "hang": r"the process died or hung, exit status 1\nTimeout",
    "memory": r"it takes 2[56]\d MiB",
    "addresses": "it asks for more memory",
    "code": "it ran code of a pickle",
    "other error": "KeyError is no clear error",
    "no name": "the message does not name the file: it is wrong",
    "of the system": "the system's error reached the caller",
}
EVERY = FORMATS | HARMFUL


def spoil(root: Path, own: tuple[Callable[[Path, random.Random], str], ...], rng: random.Random) -> str:
    """Change something; returns what."""
    if own and rng.random() < 0.4:
        return rng.choice(own)(root, rng)
    path = rng.choice(sorted(path for path in root.rglob("*") if path.is_file()))
    return change_bytes(path, rng) if rng.random() < 0.85 else change_place(path, rng)


class Outcome(NamedTuple):
    """What became of the cases of a format."""

    cases: int
    num_read: int
    num_refused: int
    faults: list[str]
    cpu_s: float


def original(name: str, folder: Path) -> Path:
    """A valid example, which is copied for every case, beside files that no reader may touch."""
    example = folder / f"{name} as it should be"
    if not example.exists():
        EVERY[name].write(example / "root")
        np.save(example / "outside.npy", np.ones((3, 15), dtype=np.float32))
        (example / "outside.txt").write_text("cut\n" * 15)
    return example


def run_case(name: str, number: int, folder: Path) -> tuple[str, Attempt]:
    """One case, in a folder that it may leave in any state; raises AssertionError at a fault."""
    import resource

    case = folder / "case"
    shutil.rmtree(case, ignore_errors=True)
    shutil.copytree(original(name, folder), case)
    root, rng = case / "root", random.Random(f"{name} {number}")
    attempt = Attempt(root)
    what = "nothing"
    try:
        what = spoil(root, EVERY[name].own, rng)
        start_s, peak = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        EVERY[name].read(root, attempt)
        taken = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) * 1024
        assert taken < LIMIT_BYTES, f"it takes {taken >> 20} MiB"
        assert time.process_time() - start_s < LIMIT_CPU_S, f"it takes {time.process_time() - start_s:.1f} s"
        assert not (case / "executed").exists(), "it ran code of a pickle"
    except Exception as error:
        error.add_note(what)
        raise
    return what, attempt


def run_cases(name: str, numbers: range, folder: Path, log: Path) -> None:
    """Cases one after the other, each noted before it begins and after it ends."""
    import resource

    with log.open("a", buffering=1) as file:
        faulthandler.enable(file)
        pages = int(Path("/proc/self/statm").read_text().split()[0]) if sys.platform == "linux" else 2**40
        limit = pages * resource.getpagesize() + LIMIT_ADDRESSES
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
        for number in numbers:
            file.write(json.dumps({"case": number}) + "\n")
            faulthandler.dump_traceback_later(EVERY[name].limit_s, exit=True, file=file)
            result: dict[str, Any] = {}
            try:
                _, attempt = run_case(name, number, folder)
                result = {"read": attempt.num_read, "refused": attempt.num_refused}
            except Exception as error:
                result = {"fault": f"{' '.join(error.__notes__)}: {type(error).__name__}: {str(error)[:500]}"}
            faulthandler.cancel_dump_traceback_later()
            file.write(json.dumps(result) + "\n")


def run_format(name: str, numbers: range, folder: Path) -> Outcome:
    """All cases of a format; after the death of a process the next goes on behind the case that killed it."""
    original(name, folder)
    log = folder / "log"
    outcome = Outcome(len(numbers), 0, 0, [], 0.0)
    while numbers:
        log.write_text("")
        pid = os.fork()
        if pid == 0:
            try:
                run_cases(name, numbers, folder, log)
            finally:
                os._exit(0)
        _, status, usage = os.wait4(pid, 0)
        lines = log.read_text().splitlines()
        records = [json.loads(line) for line in lines if line.startswith("{")]
        last = max(record.get("case", numbers.start) for record in records)
        results = [record for record in records if "case" not in record]
        for number, result in zip(numbers, results, strict=False):
            if "fault" in result:
                outcome.faults.append(f"{name} {number}: {result['fault']}")
        outcome = outcome._replace(
            num_read=outcome.num_read + sum(result.get("read", 0) > 0 for result in results),
            num_refused=outcome.num_refused + sum(result.get("refused", 0) > 0 for result in results),
            cpu_s=outcome.cpu_s + usage.ru_utime + usage.ru_stime,
        )
        if len(results) == len(numbers):
            break
        trace = "\n".join(line for line in lines if not line.startswith("{"))
        how = (
            f"signal {os.WTERMSIG(status)}"
            if os.WIFSIGNALED(status)
            else f"exit status {os.waitstatus_to_exitcode(status)}"
        )
        outcome.faults.append(f"{name} {last}: the process died or hung, {how}\n{trace[:2000]}")
        numbers = range(last + 1, numbers.stop)
    return outcome


def run_apart(factor: int, first: int, *names: str) -> dict[str, Outcome]:
    """Run in a process of one thread, which can fork: one that crashes takes nothing with it."""
    words = [sys.executable, "-m", "tests.data.test_fuzz", "--all", str(factor), str(first), *names]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    run = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-4000:]
    return {name: Outcome(*values) for name, values in json.loads(run.stdout.splitlines()[-1]).items()}


def main(words: list[str]) -> None:
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if words[0] != "--all":
            what, attempt = run_case(words[0], int(words[1]), folder)
            print(f"{what}: {attempt.num_read} read, {attempt.num_refused} refused")
            return
        factor, first = int(words[1]), int(words[2])
        outcomes = {}
        for name in words[3:] or EVERY:
            if name not in EXTRAS or importlib.util.find_spec(EXTRAS[name]):
                outcomes[name] = run_format(name, range(first, first + factor * EVERY[name].cases), folder)
                print(name, outcomes[name]._replace(faults=[]), *outcomes[name].faults, sep="\n", file=sys.stderr)
        print(json.dumps(outcomes))


pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="cases run in processes that are forked")


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    return run_apart(1, 0)


def check_outcome(outcome: Outcome) -> None:
    assert not outcome.faults, "\n".join(outcome.faults)
    assert outcome.num_read > 0, "not even what is left intact is read"
    assert outcome.num_refused > outcome.cases // 5, "the changes do no harm"


@pytest.mark.parametrize("name", FORMATS)
def test_bad_input_is_read_or_refused_by_name(outcomes: dict[str, Outcome], name: str) -> None:
    if name in EXTRAS:
        pytest.importorskip(EXTRAS[name])
    check_outcome(outcomes[name])


def test_there_are_a_thousand_cases() -> None:
    assert sum(each.cases for each in FORMATS.values()) >= 1000


@pytest.mark.parametrize("name", HARMFUL)
def test_harm_is_noticed_with_the_number_of_its_case(outcomes: dict[str, Outcome], name: str) -> None:
    faults = outcomes[name].faults
    assert [fault.split(":")[0] for fault in faults] == [f"{name} {case}" for case in range(HARMFUL[name].cases)]
    for fault in faults:
        assert re.search(NOTICED[name], fault), fault


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_ten_times_as_much_bad_input(name: str) -> None:
    if name in EXTRAS:
        pytest.importorskip(EXTRAS[name])
    check_outcome(run_apart(10, 1000, name)[name])


@pytest.mark.parametrize("video", GOOD_NAMES)
@pytest.mark.parametrize("name", ["ms_tcn", "npz", "tables", "parquet", "lea", "hdf5"])
def test_names_that_a_file_may_have_are_read(tmp_path: Path, name: str, video: str) -> None:
    if name in EXTRAS:
        pytest.importorskip(EXTRAS[name])
    if name == "lea" and "/" in video:
        pytest.skip("its videos lie in one folder")
    root = tmp_path / "root"
    FORMATS[name].write(root, (video, "P02"))
    reader = READERS[name](root)
    assert reader.videos(1, "train") == [video]
    features, labels = videos((video,))[video]
    read = reader.read(video)
    assert torch.equal(read.features, torch.from_numpy(features.T.copy()))
    assert read.labels is not None
    assert read.labels.tolist() == labels


if __name__ == "__main__":
    main(sys.argv[1:])
