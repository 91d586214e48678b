"""Pictures and scores of what a network predicts."""

from __future__ import annotations

import numpy as np
import pytest

from segtcn.callbacks import pictures
from segtcn.callbacks.pictures import Segmentations
from segtcn.labels import Classes, Labels
from segtcn.metrics import evaluate_videos
from segtcn.structures import IGNORE

CLASSES = Classes(("background", "cut", "pour"), background=0)
TRUTH = {"good": [0, 0, 1, 1, 2, 2], "bad": [1] * 5 + [2] * 5, "fair": [0, 0, 0, 1, 1]}
PREDS = {"good": TRUTH["good"], "bad": [2] * 9 + [1], "fair": [0, 1, 0, 1, 1]}


def segmentations(truth=TRUTH, preds=PREDS) -> Segmentations:
    labels = (
        {name: Labels(indexes, CLASSES, fps=10.0) for name, indexes in videos.items()} for videos in (truth, preds)
    )
    return Segmentations(*labels, protocol="lea")


def test_the_table_has_the_scores_of_evaluate_and_the_worst_first(tmp_path):
    rows = segmentations().score_videos(2, tmp_path)
    scores = evaluate_videos(PREDS, TRUTH, "lea", class_names=CLASSES.names, background=0, fps=10).videos
    assert [row.name for row in rows] == ["bad", "fair", "good"]
    assert {row.name: row.scores for row in rows} == scores
    assert [row.num_frames for row in rows] == [10, 5, 6]
    assert [row.timeline is not None and row.timeline.is_file() for row in rows] == [True, True, False]


def test_timelines_show_the_first_videos(tmp_path):
    assert segmentations().draw_timelines(2, tmp_path / "timelines.png") == ["good", "bad"]
    assert (tmp_path / "timelines.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("ignored", [False, True])
def test_the_confusion_counts_labelled_frames_of_true_rows_and_predicted_columns(tmp_path, monkeypatch, ignored):
    drawn = []
    monkeypatch.setattr(pictures, "plot_confusion", lambda counts, names: drawn.append(counts.tolist()))
    monkeypatch.setattr(pictures, "save_figure", lambda *args: None)
    truth = {**TRUTH, "half": [IGNORE, 0]} if ignored else TRUTH
    assert segmentations(truth, {**PREDS, "half": [1, 2]}).draw_confusion(tmp_path / "confusion.png")
    assert np.array_equal(drawn, [[[4, 1, int(ignored)], [0, 4, 5], [0, 1, 6]]])


def test_frames_without_a_label_do_not_count(tmp_path):
    videos = segmentations({"half": [0, IGNORE, 1, IGNORE], "no": [IGNORE]}, {"half": [0, 2, 1, 2], "no": [0]})
    rows = videos.score_videos(20, tmp_path)
    assert [(row.name, row.num_frames, row.scores["accuracy"]) for row in rows] == [("half", 2, 100.0)]
    assert videos.draw_timelines(4, tmp_path / "timelines.png") == ["half", "no"]


def test_without_a_labelled_frame_there_is_no_confusion_and_no_table(tmp_path):
    videos = segmentations({"no": [IGNORE]}, {"no": [0]})
    assert not videos.draw_confusion(tmp_path / "confusion.png")
    assert videos.score_videos(20, tmp_path) == []
