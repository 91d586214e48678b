"""Malformed inputs for `tests/cli/malformed_harness.py`: label files, runs, configs, features, clips, checkpoints."""

from __future__ import annotations

import io
import itertools
import json
import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from tests.run_folders import write_network

HUGE = ("9" * 30, "-9223372036854775809", "1e300", "inf", "-inf", "nan", "-1", "0", "", "x", "1e-320", "0x10", "٣")
VALUES = (
    None,
    True,
    -1,
    0,
    10**30,
    1e300,
    "inf",
    float("inf"),
    "",
    "x" * 200_000,
    [],
    {},
    [[]],
    {"a": []},
    "\0",
    "../x",
)
DEEP = 20_000


def label_files() -> dict[str, bytes]:
    """Label files of all text formats, by name."""
    files = {
        "empty.txt": b"",
        "spaces.txt": b" \n\t\n",
        "binary.txt": bytes(range(256)) * 4,
        "utf16.txt": "cut\ncut\n".encode("utf-16"),
        "nul.txt": b"cut\0\ncut\n",
        "field.txt": b"x" * 200_000,
        "field.csv": b"label,start,stop\n" + b"x" * 200_000 + b",0,10\n",
        "quote.csv": b'label,start,stop\n"' + b"x\n" * 100_000,
        "field.tsv": b"label\tstart\tstop\n" + b"x" * 200_000 + b"\t0\t10\n",
        "columns.csv": b"a," * 5000 + b"b\n" + b"1," * 5000 + b"2\n",
        "deep.json": b"[" * DEEP,
        "deeper.json": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
        "number.json": b"9" * 6000,
        "header.npy": b"\x93NUMPY\x01\x00v\x00{'descr': '<i8', 'fortran_order': False, 'shape': (10000000000,)}  \n",
        "bad.npz": b"PK\x03\x04" + bytes(100),
        "bad.eaf": b"<ANNOTATION_DOCUMENT>",
        "entities.eaf": b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(
            b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9)) + b"]><x>&j;</x>",
    }  # fmt: skip
    for number, (start, stop) in enumerate(itertools.product(HUGE, repeat=2)):
        files[f"span{number}.csv"] = f"label,start,stop\ncut,{start},{stop}\n".encode()
        files[f"span{number}.json"] = (
            f'[{{"label": "cut", "start": {start or "null"}, "stop": {stop or "null"}}}]'.encode()
        )
        if number % 3 == 0:
            files[f"span{number}.txt"] = f"{start}\t{stop}\tcut\n".encode()
            files[f"span{number}.tsv"] = f"start_s\tstop_s\tlabel\n{start}\t{stop}\tcut\n".encode()
    return files


def runs(folder: Path, tree: Path) -> Iterator[Path]:
    """Folders of runs whose `run.json` or predictions are wrong."""
    names = (tree / "groundTruth" / "P02_tea.txt").read_text().splitlines()
    good = write_network(folder / "run", tree, {"P02_tea": names})
    facts = json.loads((good / "run.json").read_text())
    yield good
    contents = [b"", b"[" * DEEP, b'{"a":' * DEEP, b"9" * 6000, b"\xff\xfe", b"null", b"[]", b"1e999"]
    contents += [json.dumps({**facts, key: value}).encode() for key in facts for value in VALUES]
    for number, content in enumerate(contents):
        path = folder / f"run{number}"
        path.mkdir()
        (path / "run.json").write_bytes(content)
        (path / "predictions").symlink_to(good / "predictions")
        yield path
    arrays = dict(np.load(good / "predictions" / "P02_tea.npz"))
    wrong = (np.zeros(0), np.array("x" * 10), np.array(np.nan), np.full((3, 3), 10**18), np.array([1e300]))
    for number, (key, value) in enumerate(itertools.product(arrays, wrong)):
        path = folder / f"archive{number}"
        (path / "predictions").mkdir(parents=True)
        (path / "run.json").write_text(json.dumps(facts))
        np.savez(path / "predictions" / "P02_tea.npz", **{**arrays, key: value})
        yield path


def configs(tree: Path) -> Iterator[str]:
    reader = f"class_path: segtcn.data.readers.MSTCNTreeReader\n    init_args:\n      root: {tree}\n      fps: 10"
    yield "[" * DEEP
    yield "{a: " * DEEP
    yield "a: &a [*a]"
    yield "&a a: *b"
    yield "!!python/object/apply:os.system [true]"
    yield from (
        "",
        "1",
        "[]",
        "data:",
        "data: 1",
        "data: []",
        "data: {reader: }",
        "data: {reader: 1}",
        "data: {reader: []}",
    )
    for name in (
        "builtins.int",
        "os.system",
        "os",
        "segtcn",
        "segtcn.data",
        "segtcn.models.EDTCN",
        "nowhere.Class",
        "..",
        "a b",
    ):
        yield f"data: {{reader: {{class_path: {name}}}}}"
        yield f"data: {{reader: {name}}}"
    for argument, value in itertools.product(("root", "fps", "background", "nothing"), VALUES):
        yield f"data:\n  reader:\n    {reader}\n      {argument}: {json.dumps(value)}\n".replace(
            f"      {argument}: {tree if argument == 'root' else 10}\n", "", 1) if argument in ("root", "fps") else (
            f"data:\n  reader:\n    {reader}\n      {argument}: {json.dumps(value)}\n")  # fmt: skip
    for argument, value in itertools.product(
        ("split", "sample_rate", "batch_size", "validation", "cache_gib", "seed"), VALUES
    ):
        yield f"data:\n  {argument}: {json.dumps(value)}\n  reader:\n    {reader}\n"


def feature_files() -> dict[str, bytes]:
    """Arrays of features that are none."""

    def saved(array: np.ndarray) -> bytes:
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=True)
        return buffer.getvalue()

    def header(text: str) -> bytes:
        return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()

    good = saved(np.ones((4, 20), np.float32))
    shapes = ("(10000000000, 10000000000)", "(-1, 20)", "(4, 0)", "(4, 20.5)", "'x'", "(4, " * 400 + ")", "(4, 1e300)")
    types = ("'|O'", "'<f99'", "'<U1000000000'", "[('a', '<f4')]", "None", "'<M8[s]'", "'<c16'", "'|V0'")
    arrays = [
        np.zeros(()),
        np.zeros(4),
        np.zeros((4, 0)),
        np.zeros((0, 4)),
        np.zeros((4, 5, 6)),
        np.full((4, 20), np.nan),
        np.full((4, 20), np.inf),
        np.full((4, 20), "x"),
        np.full((4, 20), None),
        np.full((4, 20), 1j),
        np.ones((5, 20)),
        np.full((4, 20), 1e300),
        np.ones((4, 20), bool),
        np.ones((4, 20), ">f4"),
        np.ones((20, 4), np.uint8),
    ]
    contents = [
        b"",
        b"x",
        good[:-1],
        good[:60],
        good[:9],
        b"\x93NUMPY\x09\x09" + good[8:],
        b"\0" * 200,
        pickle.dumps([1]),
    ]
    contents += [
        header(f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}\n") + good[128:] for shape in shapes
    ]
    contents += [
        header(f"{{'descr': {kind}, 'fortran_order': False, 'shape': (4, 20)}}\n") + good[128:] for kind in types
    ]
    contents += [saved(array) for array in arrays]
    return {f"{number}.npy": content for number, content in enumerate(contents)}


def clip_files(clip: bytes) -> dict[str, bytes]:
    """Clips that cannot be decoded, or not to their end."""
    contents = {
        "empty": b"",
        "text": b"no video",
        "zeros": bytes(10_000),
        "cut": clip[: len(clip) // 2],
        "head": clip[:100],
    }
    contents["tail"] = clip[len(clip) // 2 :]
    for place in range(8, min(len(clip), 1200), 60):
        contents[f"flip{place}"] = clip[:place] + bytes([clip[place] ^ 0xFF]) + clip[place + 1 :]
    return {f"{name}.mp4": content for name, content in contents.items()}


def checkpoint_files(good: bytes) -> dict[str, bytes]:
    """Checkpoints that are damaged, hostile or of something else; all kinds are in `test_sealed_file.py`."""

    def saved(value: object) -> bytes:
        buffer = io.BytesIO()
        torch.save(value, buffer)
        return buffer.getvalue()

    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("archive/data.pkl", bytes(50_000_000))
    contents = [
        b"",
        b"x",
        b"PK",
        good[: len(good) // 2],
        good[:-1],
        good[1:],
        good + b"x",
        archive.getvalue(),
        pickle.dumps(1),
    ]
    contents += [
        saved(value) for value in (None, [], {}, {"segtcn": {}}, {"segtcn": {}, "state_dict": {}}, torch.ones(3))
    ]
    facts = torch.load(io.BytesIO(good), weights_only=True)
    for key, value in itertools.product(facts["segtcn"], VALUES):
        if isinstance(value, str | None | bool | int | float) and value != "x" * 200_000:
            contents.append(saved({**facts, "segtcn": {**facts["segtcn"], key: value, "sealed": False}}))
    return {f"{number}.ckpt": content for number, content in enumerate(contents)}
