"""Damaged and hostile checkpoints: none loads silently, none runs code, none takes much memory."""

from __future__ import annotations

import io
import os
import pickle
import random
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch

from segtcn.models import EDTCN
from segtcn.segmenter import Segmenter, find_checkpoint
from segtcn.segmenter.checkpoint import CHECKPOINT_KEY, write_stored
from segtcn.segmenter.sealed_file import DamagedFileError, check_seal, read_sealed, write_sealed

ROOT = Path(__file__).resolve().parents[2]
NUM_FLIPS, NUM_CUTS = 200, 60


@pytest.fixture(scope="module")
def intact(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("intact") / "last.ckpt"
    net = EDTCN(in_channels=4, num_classes=3, hidden_channels=(6, 8), kernel_size=5)
    Segmenter(net, ["background", "cut", "pour"]).save(path)
    return path


class Command:
    """Runs code when it is unpickled without care."""

    def __reduce__(self):
        return os.system, ("touch ran",)


def archive_with(entries: dict[str, bytes], packing: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as archive:
        for name, content in {"archive/version": b"3\n", "archive/byteorder": b"little", **entries}.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def saved(stored: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(stored, buffer)
    return buffer.getvalue()


def rebuilt(intact: Path, **changes: object) -> bytes:
    """The checkpoint with other facts, as Lightning or another program would write it."""
    stored = torch.load(intact, weights_only=True)
    del stored[CHECKPOINT_KEY]["sealed"]
    stored[CHECKPOINT_KEY] |= changes
    return saved(stored)


def hostile_files(intact: Path) -> dict[str, bytes]:
    """Files that are not what they claim, by what is wrong with them."""
    stored, content = torch.load(intact, weights_only=True), intact.read_bytes()
    name = next(iter(stored["state_dict"]))
    weights = {**stored["state_dict"], name: torch.full_like(stored["state_dict"][name], torch.nan)}
    spec = stored[CHECKPOINT_KEY]["net"]
    wide = {**spec, "init_args": {**spec["init_args"], "hidden_channels": [10**8, 10**8]}}
    allocating = b"\x80\x02cbuiltins\nbytearray\nJ\xff\xff\xff\x7f\x85R."
    huge = archive_with({"archive/data.pkl": pickle.dumps({}, 2), "archive/data/0": bytes(2**28)}, zipfile.ZIP_DEFLATED)
    expanded = {**stored, "state_dict": {name: torch.zeros(1).expand(10**12)}}
    return {
        "empty": b"",
        "text": b"weights",
        "pickle": pickle.dumps(Command()),
        "pickle in an archive": saved({CHECKPOINT_KEY: {"version": 2}, "state_dict": {}, "x": Command()}),
        "allocates": archive_with({"archive/data.pkl": allocating}),
        "tensor class": archive_with({"archive/data.pkl": b"\x80\x02ctorch\nUntypedStorage\nJ\xff\xff\xff\x7f\x85R."}),
        "packed": huge,
        "NaN": saved({**stored, "state_dict": weights}),
        "wide": rebuilt(intact, net=wide),
        "expanded": saved(expanded),
        "newer": rebuilt(intact, version=99),
        "negative version": rebuilt(intact, version=-1),
        "unknown network": rebuilt(intact, net={"class_name": "Nothing", "init_args": {}}),
        "without facts": saved({"state_dict": stored["state_dict"]}),
        "weights are text": saved({CHECKPOINT_KEY: {"version": 2}, "state_dict": {"a": "b"}}),
        "list": saved([1, 2]),
        "seal lost": content[:-23] + b"\0",
        "seal of another": content[:-8] + b"00000000",
        "bytes behind": content + b"\0",
    }


def damaged_files(intact: Path, num_flips: int, num_cuts: int) -> dict[str, bytes]:
    """Flipped bits everywhere, the half of them in the directory of the archive, and truncated files."""
    rng, content = random.Random(0), intact.read_bytes()
    directory = content.rindex(b"PK\x05\x06") - 2000
    files = {}
    for number in range(num_flips):
        changed = bytearray(content)
        place = rng.randrange(directory if number % 2 else 0, len(content))
        changed[place] ^= 1 << rng.randrange(8)
        files[f"flip {number} at {place}"] = bytes(changed)
    for number in range(num_cuts):
        files[f"cut {number}"] = content[: rng.randrange(len(content))]
    return files


def refused(path: Path) -> bool:
    try:
        Segmenter.load(path)
    except ValueError as error:
        return str(path) in str(error) or "no network is named" in str(error)
    return False


def test_a_checkpoint_survives_and_any_change_of_it_is_noticed(intact, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert check_seal(intact)
    assert Segmenter.load(intact).classes.names == ("background", "cut", "pour")
    for name, content in {**hostile_files(intact), **damaged_files(intact, 20, 5)}.items():
        Path("bad.ckpt").write_bytes(content)
        assert refused(Path("bad.ckpt")), name
    assert not Path("ran").exists()


@pytest.mark.slow
def test_no_damaged_checkpoint_takes_a_gib(intact, tmp_path):
    files = {**hostile_files(intact), **damaged_files(intact, NUM_FLIPS, 300 - NUM_FLIPS)}
    for number, content in enumerate(files.values()):
        (tmp_path / f"{number}.ckpt").write_bytes(content)
    script = """
import resource, sys, pathlib
from tests.segmenter.test_sealed_file import refused
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
loaded = [path.name for path in pathlib.Path(sys.argv[1]).glob("*.ckpt") if not refused(path)]
print(loaded, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20 < 1)
"""
    words = [sys.executable, "-c", script, str(tmp_path)]
    result = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=False)
    assert result.stdout == "[] True\n", (len(files), result.stdout, result.stderr)
    print(f"{len(files)} files")


def test_plain_values_and_tensors_survive(tmp_path):
    stored = {"a": [1, 2**70, None, 0.5, "ü", b"x", {"s"}], "b": torch.arange(4), "c": torch.float16, 3: (True,)}
    write_sealed(tmp_path / "values", stored)
    again = read_sealed(tmp_path / "values")
    assert torch.equal(again.pop("b"), stored.pop("b"))
    assert again == stored
    assert [path.name for path in tmp_path.iterdir()] == ["values"]


def test_the_state_of_any_scheduler_survives(tmp_path):
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(2))])
    state = torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 5]).state_dict()  # it holds a `Counter`
    write_sealed(tmp_path / "last.ckpt", state)
    assert read_sealed(tmp_path / "last.ckpt")["milestones"] == state["milestones"]


def test_the_newest_intact_checkpoint_replaces_a_damaged_one_by_name(intact, tmp_path):
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    for name, age in (("last.ckpt", 0), ("epoch=1-step=2.ckpt", 9), ("epoch=3-step=4.ckpt", 5)):
        shutil.copy(intact, folder / name)
        os.utime(folder / name, (1e9 - age, 1e9 - age))
    assert find_checkpoint(tmp_path) == folder / "last.ckpt"
    content = intact.read_bytes()
    for damaged in (content[:-100], content[:-9], content[:-23] + b"S" + content[-22:]):
        (folder / "last.ckpt").write_bytes(damaged)
        with pytest.warns(UserWarning, match=r"last.ckpt is damaged: .*epoch=3-step=4.ckpt is used instead"):
            assert find_checkpoint(tmp_path) == folder / "epoch=3-step=4.ckpt"
    shutil.copy(intact, folder / ".last.17.0123abcd.ckpt")  # unfinished, of a process that was killed
    for path in folder.glob("[!.]*"):
        path.write_bytes(b"")
    with pytest.raises(ValueError, match="all are damaged"):
        find_checkpoint(tmp_path)


def test_a_file_of_another_writer_needs_no_seal(intact, tmp_path):
    (tmp_path / "other.ckpt").write_bytes(rebuilt(intact))
    assert not check_seal(tmp_path / "other.ckpt")
    assert Segmenter.load(tmp_path / "other.ckpt")


def test_a_failed_write_keeps_the_old_checkpoint(intact, tmp_path, small_files):
    path = tmp_path / "last.ckpt"
    shutil.copy(intact, path)
    with small_files(1000), pytest.raises(OSError, match=r"cannot write .*last.ckpt: no room for the file"):
        write_stored(path, torch.load(intact, weights_only=True))
    assert path.read_bytes() == intact.read_bytes()
    assert [file.name for file in tmp_path.iterdir()] == ["last.ckpt"]
    with pytest.raises(DamagedFileError):
        check_seal(Path(__file__))
