"""`segtcn view`: from sources to a player that is served or exported; what does not fit is refused by name."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from segtcn.cli import main
from segtcn.labels import Labels, write_labels
from segtcn.visualization.player import PlayerServer
from tests.clips import write_clip
from tests.conftest import SPLITS
from tests.run_folders import write_crossval

RESTORE = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
LABELS = ["background"] * 20 + ["cut"] * 30


def write(path: Path, labels: list[str]) -> None:
    write_labels(path, Labels.from_names(labels))


def content(path: Path) -> dict[str, object]:
    text = path.read_text("ascii")
    return json.loads(text[text.index("(") + 1 : text.rindex(")")])


@pytest.fixture
def folder(tmp_path) -> Path:
    """A clip, its truth and two predictions."""
    write_clip(tmp_path / "tea.mp4", 50)
    write(tmp_path / "truth.txt", LABELS)
    write(tmp_path / "good.txt", LABELS)
    write(tmp_path / "poor.txt", ["cut"] * 48)
    return tmp_path


def view(*words: object) -> int:
    return main(["view", *map(str, words), "--quiet"])


def test_finished_files_become_a_player(folder, capsys):
    files = [folder / "tea.mp4", folder / "good.txt", f"MS-TCN={folder / 'poor.txt'}"]
    assert view(*files, "--truth", folder / "truth.txt", "--export", folder / "out") == 0
    out = capsys.readouterr().out
    assert f"{folder / 'out'}: open index.html in it" in out
    assert "note: MS-TCN: no scores of tea, it has 48 labels and the truth 50" in out
    assert "note: tea: MS-TCN has 2 labels fewer than the clip has frames (48 and 50)" in out
    index = content(folder / "out" / "data" / "index.js")
    assert index["runs"] == ["good"]
    assert [each["name"] for each in index["classes"]] == ["background", "cut"]
    (video,) = index["videos"]
    assert (video["name"], video["clip"]) == ("tea", "clips/0001.mp4")
    assert video["scores"]["good"]["accuracy"] == 100
    tracks = content(folder / "out" / "data" / "video-0001.js")["tracks"]
    assert [track["title"] for track in tracks] == ["truth", "good", "MS-TCN"]


def test_clips_without_labels_become_one_segment_each(tmp_path, capsys):
    (tmp_path / "clips" / "P01").mkdir(parents=True)
    for name in ("P01/tea", "P01/soup"):
        write_clip(tmp_path / "clips" / f"{name}.mp4", 50)
    (tmp_path / "mapping.txt").write_text("0 cut\n1 rest\n")
    options = ["--mapping", tmp_path / "mapping.txt", "--background", "rest", "--fps", 10]
    assert view("--clips", tmp_path / "clips", *options, "--export", tmp_path / "out") == 0
    assert "note: no labels are given: each clip is shown as one segment" in capsys.readouterr().out
    index = content(tmp_path / "out" / "data" / "index.js")
    assert [(each["name"], each["background"]) for each in index["classes"]] == [("cut", False), ("rest", True)]
    assert [(each["name"], each["num_frames"]) for each in index["videos"]] == [("P01/soup", 20), ("P01/tea", 20)]
    (track,) = content(tmp_path / "out" / "data" / "video-0001.js")["tracks"]
    assert (track["starts"], track["classes"], track["fps"]) == ([0], [-1], 10)
    clip = tmp_path / "clips" / "P01" / "tea.mp4"
    assert view(clip, "--export", tmp_path / "one", "--no-clips") == 0
    assert content(tmp_path / "one" / "data" / "index.js")["videos"][0]["num_frames"] == 50
    assert view(clip, "--videos", "soup", "--export", tmp_path / "two") == 1
    assert "there is no clip of the video soup" in capsys.readouterr().err


def test_notes_of_many_videos_are_not_all_printed(tmp_path, capsys):
    for folder, labels in (("truth", LABELS), ("net", LABELS[:-1])):
        (tmp_path / folder).mkdir()
        for number in range(14):
            write(tmp_path / folder / f"{number:02d}.txt", labels)
    assert view(tmp_path / "net", "--truth", tmp_path / "truth", "--export", tmp_path / "out") == 0
    out = capsys.readouterr().out
    assert out.count(": net has 1 label fewer than truth") == 10
    assert "note: 4 more notes; the player shows those on labels with each video" in out
    notes = [content(tmp_path / "out" / "data" / f"video-{number:04d}.js")["notes"] for number in range(1, 15)]
    assert notes == [["net has 1 label fewer than truth"]] * 14


def test_runs_become_a_player_with_the_worst_video_to_be_found(write_ms_tcn_tree, tmp_path):
    root = write_ms_tcn_tree()
    test_videos = {split: names for split, (_, names) in SPLITS.items()}
    runs = [write_crossval(tmp_path / name, root, test_videos, share) for name, share in (("a", 0.4), ("b", 1.0))]
    assert view(*runs, "--export", tmp_path / "out.zip") == 0
    assert (tmp_path / "out.zip").is_file()
    (tmp_path / "one.txt").write_text("P02_tea\n")
    assert view(*runs, "--export", tmp_path / "out", "--protocol", "mstcn", "--videos", str(tmp_path / "one.txt")) == 0
    index = content(tmp_path / "out" / "data" / "index.js")
    assert (index["protocol"], index["runs"]) == ("mstcn", ["a", "b"])
    (video,) = index["videos"]
    assert video["scores"]["b"]["f1@50"] == 100 > video["scores"]["a"]["f1@50"]
    assert video["fps"] == 10


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--export", "out", "--save", "saved", "good.txt"], "--save needs a server"),
        (["--no-clips", "good.txt"], "--no-clips goes with --export"),
        ([], "nothing to show: give predictions"),
        (["nothing.txt"], "no file or folder nothing.txt: check the path"),
        (["good.txt", "--mapping", "mapping.txt"], "'background' is not a known class"),
        (["good.txt", "--background", "milk"], "milk"),
        (["good.txt", "--fps", "0"], "the rate of the labels (`fps`, --fps) must be positive"),
        (["good.txt", "--truth", "poor.txt", "--protocol", "none"], "none"),
        (["good.txt", "--export", "good.txt"], "it is not a folder"),
        (["good.txt", "--save", "."], "corrections would replace good.txt, which is shown"),
        (["good.txt", "--save", "poor.txt"], "cannot write corrections to poor.txt"),
        (["good.txt", "--host", "203.0.113.1"], "cannot listen at 203.0.113.1"),
        (["good.txt", "--port", "65536"], "a port is a number from 0 (any) to 65535, got 65536"),
    ],
)
def test_what_does_not_fit_is_one_line(folder, monkeypatch, capsys, words, message):
    monkeypatch.setattr(PlayerServer, "run", lambda self: pytest.fail("it serves"))
    monkeypatch.chdir(folder)
    (folder / "mapping.txt").write_text("0 cut\n")
    if "mapping.txt" not in words:
        (folder / "mapping.txt").unlink()
    assert view(*words, *([] if {"--export", "--no-clips"} & {*words} else ["--no-browser"])) == 1
    err = capsys.readouterr().err
    assert message in err
    assert "Traceback" not in err
    assert not (folder / "out").exists()


def test_the_command_serves_until_ctrl_c_and_warns_if_others_can_see(folder):
    words = ["tea.mp4", "good.txt", "--no-browser", "--port", "0", "--host", "0.0.0.0", "--save", "saved"]
    process = subprocess.Popen(
        # a shell that starts tests in the background lets its children ignore Ctrl-C
        [sys.executable, "-c", f"{RESTORE}; from segtcn.cli import main; raise SystemExit(main({['view', *words]}))"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        url = re.search(r"http://\S+/", line)
        assert url, (line, process.poll())
        with urllib.request.urlopen(f"{url[0]}data/index.js", timeout=20) as answer:
            assert answer.read().startswith(b"segtcn.receiveIndex(")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert err == (
        "segtcn view: everyone who can reach 0.0.0.0 can see these videos and write corrections; there is no password\n"
    )
