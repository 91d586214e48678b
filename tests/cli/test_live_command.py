"""The command `segtcn live`: JSON lines, the recording, and what it says about waiting."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from segtcn.cli import main
from segtcn.cli.live import _Recording
from segtcn.decoding import Decoder
from segtcn.extract.descriptor import extract_features
from segtcn.models import MSTCN, CausalTCN
from segtcn.segmenter import Segmenter
from segtcn.video_io import probe, read_frames
from tests.clips import write_clip

BUILTIN = {"backbone": {"name": "builtin", "width": 278}, "window": 1, "stride": 1, "padding": None}


def usage_status(words: list[str]) -> object:
    try:
        return main(words)
    except SystemExit as error:
        return error.code


def checkpoint(path: Path, extraction=BUILTIN, causal=True) -> Path:
    net = CausalTCN(278, 2, 4, num_layers=2) if causal else MSTCN(278, 2, 1, 2, 4)
    Segmenter(net, ["rest", "cut"], 20, 2, extraction=extraction).save(path)
    return path


def test_a_clip_becomes_json_lines_and_a_recording(tmp_path, capsys):
    clip = write_clip(tmp_path / "clip.mp4", 15, 20)
    words = ["live", str(checkpoint(tmp_path / "net.ckpt")), str(clip), "--json", "--behind", "60"]
    assert main([*words, "--record", str(tmp_path / "seen.mp4")]) == 0
    printed = capsys.readouterr()
    lines = [json.loads(line) for line in printed.out.splitlines()]
    assert [line["frame"] for line in lines] == [*range(0, 15, 2)]
    assert lines[-1].keys() == {"time_s", "frame", "label", "confidence"}
    assert lines[-1]["time_s"] == 0.7
    assert probe(tmp_path / "seen.mp4").num_frames == 15
    assert "8 labels, 0 pictures dropped, 0 times reconnected" in printed.err
    pairs = zip(read_frames(clip), read_frames(tmp_path / "seen.mp4"), strict=True)
    assert all(abs(before - after) < 0.002 for (before, _), (after, _) in pairs)


def test_what_a_label_waits_for_is_said_at_the_start(tmp_path, capsys):
    clip = write_clip(tmp_path / "clip.mp4", 6, 20)
    assert main(["live", str(checkpoint(tmp_path / "net.ckpt", causal=False)), str(clip)]) == 0
    printed = capsys.readouterr()
    assert "It looks 6 features (0.30 s) ahead, the extractor 0.00 s: a label is spoken 0.30 s after" in printed.err
    assert printed.out.split()[:2] == ["0.00", "s"]  # a line for every segment


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize(("decoder", "delay_s"), [("median=0.3", 0.15), ("hysteresis=0.2", 0)])
def test_a_decoder_gives_the_labels_of_predict_and_its_delay_is_said(tmp_path, capsys, causal, decoder, delay_s):
    torch.manual_seed(0 if causal else 5)  # of networks that change their label often
    clip, path = write_clip(tmp_path / "clip.mp4", 21, 20), tmp_path / "net.ckpt"
    segmenter, features = Segmenter.load(checkpoint(path, causal=causal)), extract_features(clip)
    segmenter.standardization.set(features.mean(dim=1), features.std(dim=1) + 1e-3)
    segmenter.save(path)
    assert main(["live", str(path), str(clip), "--decoder", decoder, "--json", "--behind", "60"]) == 0
    printed = capsys.readouterr()
    total_s = delay_s + (0 if causal else 0.3)
    assert f", the decoder {delay_s:.2f} s: a label is spoken {total_s:.2f} s after" in printed.err
    plain = segmenter.predict(features)
    decoded = Decoder.named(decoder, segmenter.classes)(plain)
    assert decoded.names() != plain.names()
    spoken = [json.loads(line) for line in printed.out.splitlines()]
    assert [line["frame"] for line in spoken] == [*range(0, 21, 2)]
    assert [line["label"] for line in spoken] == decoded.names()[::2]


def test_a_decoder_that_needs_the_whole_video_is_refused(tmp_path, capsys):
    clip = write_clip(tmp_path / "clip.mp4", 6, 20)
    words = ["live", str(checkpoint(tmp_path / "net.ckpt")), str(clip), "--decoder"]
    assert main([*words, "minimum_duration=0.5"]) == 1
    assert "the decoder 'minimum_duration' needs the whole video: median, hysteresis do not" in capsys.readouterr().err


def test_a_terminal_line_is_rewritten(tmp_path, capsys):
    clip = write_clip(tmp_path / "clip.mp4", 4, 20)
    assert main(["live", str(checkpoint(tmp_path / "net.ckpt")), str(clip), "--show"]) == 0
    printed = capsys.readouterr()
    assert printed.err.count("\r") == 2
    assert printed.out == ""


def test_a_window_shows_the_newest_picture_and_ends_the_session_when_it_is_closed(tmp_path, capsys, monkeypatch):
    calls = []
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: "GUI:   GTK")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(cv2, "namedWindow", calls.append)
    monkeypatch.setattr(cv2, "getWindowProperty", lambda title, which: 1)
    monkeypatch.setattr(cv2, "imshow", lambda title, picture: calls.append(picture.shape))
    monkeypatch.setattr(cv2, "waitKey", lambda ms: ord("q") if len(calls) > 3 else -1)
    monkeypatch.setattr(cv2, "destroyAllWindows", lambda: calls.append("closed"))
    clip = write_clip(tmp_path / "clip.mp4", 60, 20)
    words = ["live", str(checkpoint(tmp_path / "net.ckpt")), str(clip), "--window", "--json", "--behind", "60"]
    assert main(words) == 0
    assert calls == [str(clip), *[(120, 160, 3)] * 3, "closed"]
    assert len(capsys.readouterr().out.splitlines()) < 30
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    if sys.platform == "linux":
        assert main(words) == 1
        assert "a window needs a screen, and DISPLAY is not set" in capsys.readouterr().err
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: "GUI:   NONE")
    assert main(words) == 1
    assert "this OpenCV has no windows: pip uninstall opencv-python-headless" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("extraction", "words", "message"),
    [
        (None, [], "does not say how its features were made: name the `backbone` (--backbone)"),
        (
            {**BUILTIN, "backbone": {"name": "builtin", "width": 9}},
            [],
            "builtin is not the one that made the features of the checkpoint",
        ),
        (BUILTIN, ["--retries", "-1"], "`retries` (--retries) must be 0 or more"),
        (BUILTIN, ["--timeout", "0"], "`timeout_s` (--timeout) must be positive"),
        (BUILTIN, ["--record", "no/folder/seen.mp4"], "no/folder"),
    ],
)
def test_unfit_calls_are_refused(tmp_path, capsys, extraction, words, message):
    clip = write_clip(tmp_path / "clip.mp4", 4, 20)
    assert main(["live", str(checkpoint(tmp_path / "net.ckpt", extraction)), str(clip), *words]) == 1
    assert message in capsys.readouterr().err


def test_a_recording_never_replaces_its_source(tmp_path, capsys):
    clip = write_clip(tmp_path / "clip.mp4", 4, 20)
    before = clip.read_bytes()
    assert usage_status(["live", str(checkpoint(tmp_path / "net.ckpt")), str(clip), "--record", str(clip)]) == 2
    assert f"`record` (--record) would replace the source {clip}" in capsys.readouterr().err
    assert clip.read_bytes() == before


def test_pictures_of_another_size_are_counted(tmp_path, capsys):
    session = SimpleNamespace(fps=20)
    with ExitStack() as stack:
        recording = _Recording(tmp_path / "seen.mp4", session, stack)
        recording.write([(n / 20, np.zeros((48, 64 + 16 * (n > 2), 3), np.uint8)) for n in range(5)])
    assert (probe(tmp_path / "seen.mp4").num_frames, recording.num_left_out) == (3, 2)


@pytest.fixture
def labelled_clip(tmp_path):
    """A process that labels and records a clip of 30 seconds, after its first line."""
    clip = write_clip(tmp_path / "clip.mp4", 600, 20)
    words = [str(checkpoint(tmp_path / "net.ckpt")), str(clip), "--json", "--record", str(tmp_path / "seen.mp4")]
    command = [sys.executable, "-m", "segtcn", "live", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        yield process
        process.kill()


def test_ctrl_c_ends_cleanly_with_a_finished_recording(labelled_clip, tmp_path):
    time.sleep(0.5)
    os.kill(labelled_clip.pid, signal.SIGINT)
    out, err = labelled_clip.communicate(timeout=60)
    assert labelled_clip.returncode == 0
    assert " pictures dropped, 0 times reconnected" in err
    assert all(json.loads(line) for line in out.splitlines())
    assert 0 < probe(tmp_path / "seen.mp4").num_frames < 600


def test_a_reader_of_the_labels_that_leaves_ends_it_cleanly_too(labelled_clip, tmp_path):
    labelled_clip.stdout.close()
    err = labelled_clip.stderr.read()
    assert labelled_clip.wait(timeout=60) == 0
    assert re.search(r"\d+ labels, \d+ pictures dropped, 0 times reconnected\n$", err)
    assert "rror" not in err
    assert 0 < probe(tmp_path / "seen.mp4").num_frames < 600
