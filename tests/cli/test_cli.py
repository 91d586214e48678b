"""The command line itself, and the overlay as its users meet it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import segtcn
from segtcn.cli import COMMANDS, main
from segtcn.video_io import probe
from tests.clips import write_clip

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def test_help_lists_every_command_and_examples():
    shown = subprocess.run(
        [sys.executable, "-m", "segtcn", "--help"], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    assert all(f"  {name} " in shown for name in COMMANDS)
    assert "segtcn crossval -c" in shown


def test_version_and_unknown_command(capsys):
    assert main(["--version"]) == 0
    assert segtcn.__version__ in capsys.readouterr().out
    assert main(["trian"]) == 2
    assert "there is no command 'trian'" in capsys.readouterr().err


@pytest.fixture
def clip(tmp_path) -> Path:
    return write_clip(tmp_path / "clip.mp4", num_frames=20)


def test_overlay_draws_a_label_file_on_a_clip(clip, tmp_path, capsys):
    (tmp_path / "labels.txt").write_text("take\n" * 10 + "pour milk\n" * 10)
    command = ["overlay", str(clip), "labels.txt", "-o", "out.mp4", "--truth", "labels.txt", "--quiet"]
    assert main(command) == 0
    assert capsys.readouterr().out == "out.mp4\n"
    assert probe(tmp_path / "out.mp4").num_frames == 20


def test_the_script_is_another_door_to_the_command(clip, tmp_path):
    (tmp_path / "labels.txt").write_text("take\n" * 20)
    script = [sys.executable, str(ROOT / "tools" / "overlay_video.py"), str(clip), "labels.txt", "-o", "out.mp4"]
    subprocess.run(script, check=True, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True)
    assert probe(tmp_path / "out.mp4").num_frames == 20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.mp4", "labels.txt", "-o", "out.mp4"], "none.mp4"),
        (["labels.txt", "labels.txt", "-o", "out.mp4"], "labels.txt"),
        (["cut.mp4", "labels.txt", "-o", "out.mp4"], "cut.mp4"),
        (["clip.mp4", "none.txt", "-o", "out.mp4"], "none.txt"),
        (["clip.mp4", "short.txt", "-o", "out.mp4"], "--fps"),
        (["clip.mp4", "labels.txt", "-o", "nowhere/out.mp4"], "nowhere"),
        (["clip.mp4", "labels.txt", "-o", "labels.txt/out.mp4"], "labels.txt"),
    ],
)
def test_overlay_errors_are_one_line_and_leave_nothing_behind(clip, tmp_path, capsys, arguments, message):
    (tmp_path / "labels.txt").write_text("take\n" * 20)
    (tmp_path / "short.txt").write_text("take\n" * 7)
    (tmp_path / "cut.mp4").write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    before = sorted(tmp_path.iterdir())
    assert main(["overlay", *arguments, "--quiet"]) == 1
    err = capsys.readouterr().err
    assert message in err
    assert "Traceback" not in err
    assert sorted(tmp_path.iterdir()) == before
