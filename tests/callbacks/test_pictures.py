"""Pictures of predictions, drawn here and in another process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from segtcn.callbacks import pictures as module
from segtcn.callbacks.pictures import BackgroundDrawing, Snapshot, Wanted, draw
from segtcn.metrics import evaluate_videos
from segtcn.structures import IGNORE

LABELS = {"good": np.array([0, 0, 1, 1, 2, 2]), "bad": np.array([1] * 5 + [2] * 5), "fair": np.array([0, 0, 0, 1, 1])}
PREDS = {"good": LABELS["good"], "bad": np.array([2] * 9 + [1]), "fair": np.array([0, 1, 0, 1, 1])}
SNAPSHOT = Snapshot(LABELS, PREDS, ["background", "cut", "pour"], 0, 10.0, "lea")


def test_the_table_has_the_scores_of_evaluate_and_the_worst_first(tmp_path):
    found = draw(SNAPSHOT, Wanted(num_in_table=2), tmp_path)
    scores = evaluate_videos(PREDS, LABELS, "lea", class_names=SNAPSHOT.class_names, background=0, fps=10).videos
    assert [row.name for row in found.videos] == ["bad", "fair", "good"]
    assert {row.name: row.scores for row in found.videos} == scores
    assert [row.num_frames for row in found.videos] == [10, 5, 6]
    assert [row.timeline is not None and row.timeline.is_file() for row in found.videos] == [True, True, False]


def test_switches_leave_out_what_they_name(tmp_path):
    found = draw(SNAPSHOT, Wanted(num_videos=2), tmp_path)
    assert found.timeline_names == ["good", "bad"]
    assert found.timelines.read_bytes().startswith(b"\x89PNG")
    assert found.confusion.read_bytes().startswith(b"\x89PNG")
    assert draw(SNAPSHOT, Wanted(0, False, False, 0), tmp_path) == (None, [], None, [])


def test_the_confusion_counts_frames_of_true_rows_and_predicted_columns(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(module, "plot_confusion", lambda counts, names: drawn.append(counts.tolist()))
    monkeypatch.setattr(module, "save_figure", lambda *args: None)
    draw(SNAPSHOT, Wanted(num_videos=0, table=False), tmp_path)
    assert drawn == [[[4, 1, 0], [0, 4, 5], [0, 1, 6]]]


def test_frames_without_a_label_do_not_count(tmp_path):
    labels = {"half": np.array([0, IGNORE, 1, IGNORE]), "nothing": np.array([IGNORE])}
    preds = {"half": np.array([0, 2, 1, 2]), "nothing": np.array([0])}
    found = draw(SNAPSHOT._replace(labels=labels, preds=preds), Wanted(), tmp_path)
    assert [(row.name, row.num_frames, row.scores["accuracy"]) for row in found.videos] == [("half", 2, 100.0)]
    assert found.timeline_names == ["half", "nothing"]


def test_another_process_draws_the_same_bytes(tmp_path):
    (tmp_path / "here").mkdir()
    here = draw(SNAPSHOT, Wanted(), tmp_path / "here")
    drawing = BackgroundDrawing(SNAPSHOT, Wanted(), share=1)
    try:
        there = drawing.result()
        assert drawing.is_done()
        assert there is not None
        assert there.timelines.read_bytes() == here.timelines.read_bytes()
        assert there.confusion.read_bytes() == here.confusion.read_bytes()
        assert [row[:3] for row in there.videos] == [row[:3] for row in here.videos]
        assert there.videos[0].timeline.read_bytes() == here.videos[0].timeline.read_bytes()
        folder = there.timelines.parent
    finally:
        drawing.close()
    assert not folder.exists()


def test_a_process_that_fails_is_a_warning_and_leaves_nothing():
    drawing = BackgroundDrawing(SNAPSHOT._replace(protocol="nonsense"), Wanted(), share=1)
    with pytest.warns(UserWarning, match="no pictures for W&B this time: ValueError: .*nonsense"):
        assert drawing.result() is None
    drawing.close()
    assert not drawing._folder.exists()


@pytest.mark.parametrize("share", [None, 1, 0.01])
def test_closing_ends_a_process_that_still_draws(share):
    drawing = BackgroundDrawing(SNAPSHOT, Wanted(), share)
    drawing.close()
    assert drawing.is_done()
    assert not drawing._folder.exists()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="states of Linux")
def test_a_process_with_a_share_is_held_up_in_between():
    drawing = BackgroundDrawing(SNAPSHOT, Wanted(), share=0.01)
    try:
        wait_for(lambda: state_of(drawing._process.pid) == "T")  # stopped, for two seconds at a time
    finally:
        drawing.close()
    assert drawing.is_done()


def test_what_a_process_with_a_share_draws_is_complete():
    drawing = BackgroundDrawing(SNAPSHOT, Wanted(confusion=False, table=False), share=0.7)
    try:
        assert drawing.result().timelines.read_bytes().startswith(b"\x89PNG")
    finally:
        drawing.close()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="states of Linux")
def test_a_process_that_is_held_up_ends_with_its_parent():
    code = (
        "import os; from tests.callbacks.test_pictures import *; "
        "drawing = BackgroundDrawing(SNAPSHOT, Wanted(), share=0.001); "
        "wait_for(lambda: state_of(drawing._process.pid) == 'T' and drawing._process.pid); "
        "print(drawing._process.pid, flush=True); os._exit(1)"
    )
    root = Path(__file__).resolve().parents[2]
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=root)
    assert shown.returncode == 1, shown.stderr
    wait_for(lambda: state_of(int(shown.stdout)) in ("", "Z"))


def state_of(process: int) -> str:
    """One letter, as the kernel has it; empty where there is no such process."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def wait_for(condition):
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen within 30 s")


def test_a_snapshot_is_read_as_it_was_written(tmp_path):
    module._write(SNAPSHOT, Wanted(3, False), tmp_path)
    snapshot, wanted = module._read(tmp_path)
    assert wanted == Wanted(3, False)
    for name, labels in LABELS.items():
        np.testing.assert_array_equal(snapshot.labels[name], labels)
        np.testing.assert_array_equal(snapshot.preds[name], PREDS[name])
    assert snapshot[2:] == SNAPSHOT[2:]
    assert json.loads((tmp_path / "snapshot.json").read_text())["wanted"] == [3, False, True, 20]


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="priorities of Linux")
def test_the_process_has_the_lowest_priority_before_it_imports_anything(tmp_path):
    code = f"{module._IDLE}\nimport sys; print(os.sched_getscheduler(0) == os.SCHED_IDLE, 'numpy' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.split() == ["True", "False"]
