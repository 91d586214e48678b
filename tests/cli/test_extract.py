"""The command `segtcn extract`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from segtcn.cli import main
from tests.clips import write_clip


def test_folder_of_clips_becomes_features_and_is_not_done_twice(tmp_path, capsys):
    (tmp_path / "clips" / "P01").mkdir(parents=True)
    write_clip(tmp_path / "clips" / "P01" / "tea.mp4", 9, 15)
    write_clip(tmp_path / "clips" / "soup.mkv", 12, 30)
    words = ["extract", str(tmp_path / "clips"), "--out", str(tmp_path / "features"), "--backbone", "builtin"]
    assert main(words) == 0
    printed = capsys.readouterr()
    assert "2 videos extracted" in printed.out
    assert "278 values, 21 features, 15, 30 a second" in printed.out
    assert "the rates differ" in printed.out
    assert "extract: " in printed.err
    assert np.load(tmp_path / "features" / "tea.npy").shape == (278, 9)
    assert "(100 %)" in printed.err
    assert main(words) == 0
    printed = capsys.readouterr()
    assert "0 videos extracted, 2 were there already" in printed.out
    assert printed.err == ""  # nothing to do, no bar
    assert main([*words, "--quiet", "--fps", "15"]) == 1
    assert "was made with fps None, not 15.0" in capsys.readouterr().err
    assert main([*words, "--quiet", "--fps", "15", "--overwrite", "--dtype", "float16"]) == 0
    assert "soup was brought to 15 frames a second" in capsys.readouterr().out
    soup = np.load(tmp_path / "features" / "soup.npy")
    assert (soup.shape, soup.dtype) == ((278, 6), np.float16)
    record = json.loads((tmp_path / "features" / "extraction" / "soup.json").read_text())
    assert (record["fps"], record["source"]["fps"], record["source"]["frames"]) == (15, 30, 12)


def test_failed_videos_are_reported_at_the_end(tmp_path, capsys):
    (tmp_path / "a.mp4").write_text("no video")
    write_clip(tmp_path / "b.mp4", 5)
    assert main(["extract", str(tmp_path), "--out", str(tmp_path / "out"), "--backbone", "builtin", "--quiet"]) == 1
    printed = capsys.readouterr()
    assert "1 video extracted" in printed.out
    assert "1 of 2 videos failed, the others are done:\n" in printed.err
    assert "a.mp4 cannot be decoded" in printed.err
    assert np.load(tmp_path / "out" / "b.npy").shape == (278, 5)
    (tmp_path / "b.mp4").write_text("no video")
    again = ["extract", str(tmp_path), "--out", str(tmp_path / "again"), "--backbone", "builtin", "--quiet"]
    assert main(again) == 1
    error = capsys.readouterr().err
    assert "2 of 2 videos failed:\n" in error
    assert error.count("a.mp4") == 1


def test_same_names_stay_apart_below_their_folder(tmp_path):
    for folder in ("P01", "P02"):
        (tmp_path / folder).mkdir()
        write_clip(tmp_path / folder / "tea.mp4", 5)
    words = ["extract", str(tmp_path / "P01"), str(tmp_path / "P02"), "--backbone", "builtin", "--quiet"]
    assert main([*words, "--out", str(tmp_path / "out")]) == 1
    assert main([*words, "--out", str(tmp_path / "out"), "--relative-to", str(tmp_path)]) == 0
    assert (tmp_path / "out" / "P02" / "tea.npy").is_file()


@pytest.mark.parametrize("rate", ["fast", "1/0", ""])
def test_wrong_rate_is_a_wrong_command_line(tmp_path, capsys, rate):
    with pytest.raises(SystemExit) as stop:
        main(["extract", str(tmp_path), "--out", "x", "--backbone", "builtin", "--fps", rate])
    assert stop.value.code == 2
    assert "expected a number such as 15 or 30000/1001" in capsys.readouterr().err


@pytest.mark.parametrize(
    "clip",
    [
        pytest.param("one-by-one-person-detection.mp4", marks=pytest.mark.slow),  # 1394 frames to decode
        "intel_asl_gestures/brother.mkv",
    ],
)
def test_real_clip_has_a_feature_for_every_frame(shared_data: Path, tmp_path, clip):
    path = shared_data / "clips" / clip
    words = ["extract", str(path), "--out", str(tmp_path), "--backbone", "builtin", "--quiet"]
    assert main([*words, *(["--fps", "1"] if path.suffix == ".mp4" else [])]) == 0
    record = json.loads((tmp_path / "extraction" / f"{path.stem}.json").read_text())
    # of the 10 frames a second every tenth; the camera of the other dropped one of 66, which changes nothing
    frames, features = (1394, 140) if path.suffix == ".mp4" else (65, 65)
    assert (record["source"]["frames"], record["shape"]) == (frames, [278, features])


def test_clip_of_any_rate_keeps_its_frames_where_that_is_wanted(tmp_path):
    path = write_clip(tmp_path / "a.mp4", 6, times_s=[0, 0.1, 0.2, 0.5, 0.6, 0.65])
    words = ["extract", str(path), "--backbone", "builtin", "--quiet", "--out"]
    assert main([*words, str(tmp_path / "times")]) == 0
    assert main([*words, str(tmp_path / "frames"), "--fps", "keep"]) == 0
    widths = [np.load(tmp_path / folder / "a.npy").shape[1] for folder in ("times", "frames")]
    assert widths[0] != 6
    assert widths[1] == 6
