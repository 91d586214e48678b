"""Disks without room: the file is named, the last good one stays, no partial one has a final name."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from segtcn.cli import main
from segtcn.segmenter.sealed_file import check_seal
from tests.cli.test_lightning import UNLOGGED, small_options
from tests.clips import write_clip
from tests.conftest import write_tree


@pytest.fixture
def disk(request, tmp_path) -> Path:
    """A folder that holds so many MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={request.param}m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk needs root and `mount`")
    yield folder
    # lazily: PyAV leaves a recording open whose end it could not write
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path, left: int) -> None:
    """Leave so many bytes of room."""
    with (folder / "filler").open("wb") as file:
        room = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
        file.write(bytes(max(0, room - left)))


def assert_refused(capsys, folder: Path, *words: str) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*.ckpt")}
    capsys.readouterr()
    assert main([*words]) == 1
    message = capsys.readouterr().err
    assert "Traceback" not in message
    assert str(folder) in message
    assert "room" in message or "no space left" in message, message
    assert [path for path in folder.rglob(".*") if path.is_file()] == []
    for path in folder.rglob("*.ckpt"):
        check_seal(path)
    assert before.keys() <= {*folder.rglob("*.ckpt")}


@pytest.mark.slow
@pytest.mark.parametrize("disk", [5, 9, 20], indirect=True)
def test_a_full_disk_is_named_and_the_last_good_file_stays(disk, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    features = {f"v{n}": (np.ones((60_000, 4), np.float32), [0, 1, 2] * 20_000) for n in range(3)}
    wide = write_tree(tmp_path / "wide", videos=features, splits={1: (["v0", "v1"], ["v2"])})
    options = [*small_options(write_tree(tmp_path / "ms_tcn")), *UNLOGGED, "--trainer.enable_progress_bar=false"]
    large = "--model.net.init_args.hidden_channels=[96,256]"
    epochs = ["--checkpoint.every_n_epochs=1", "--trainer.max_epochs=40"]
    assert main(["fit", *options, f"--trainer.default_root_dir={tmp_path}/run"]) == 0
    fill(disk, 3 * 2**20)
    assert_refused(capsys, disk, "fit", *options, large, *epochs, "--checkpoint.save_top_k=-1",
                   f"--trainer.default_root_dir={disk}/run")  # fmt: skip
    shutil.rmtree(disk / "run")
    (disk / "filler").unlink()
    shutil.copytree(tmp_path / "run", disk / "run")
    fill(disk, 40_000)
    data = [f"--data.reader.init_args.root={wide}", f"--trainer.default_root_dir={disk}/run"]
    assert_refused(capsys, disk, "test", f"-c={tmp_path}/run/config.yaml", *data)
    (disk / "run" / "predictions").exists() and shutil.rmtree(disk / "run" / "predictions")
    assert_refused(capsys, disk, "predict", f"{tmp_path}/run", f"{wide}/features", f"--out={disk}/labels")
    shutil.rmtree(disk / "labels", ignore_errors=True)
    (disk / "filler").unlink()
    fill(disk, 2000)
    assert_refused(capsys, disk, "export", f"{tmp_path}/run", f"-o={disk}/model.pt2", "--format=pt2")
    assert_refused(capsys, disk, "convert", f"{wide}", f"{disk}/data.h5", "--fps=10", "--quiet")
    clip = write_clip(tmp_path / "clip.mp4", 50)
    Path("drawn.txt").write_text("cut\n" * 50)
    assert_refused(capsys, disk, "overlay", str(clip), "drawn.txt", f"-o={disk}/overlay.mp4", "--quiet")
    labels = tmp_path / "ms_tcn" / "groundTruth" / "P02_tea.txt"
    assert_refused(capsys, disk, "timeline", str(labels), f"-o={disk}/timeline.png")
