"""What to label next: uncertainty by hand, the greedy choice against a slow version, and what is left unlabelled."""

from __future__ import annotations

import math

import numpy as np
import pytest

from segtcn.labels import Classes, Labels
from segtcn.prepare.suggestions import Suggestion, frame_uncertainty, only_suggested, suggest_stretches

CLASSES = Classes(("rest", "cut", "pour"))


def given(seed: int, lengths=(40, 25)) -> tuple[dict[str, Labels], dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    preds, features = {}, {}
    for number, length in enumerate(lengths):
        scores = rng.dirichlet(np.ones(3), -(-length // 5)).T.repeat(5, axis=1)[:, :length].astype(np.float32)
        preds[f"P{number}"] = Labels(scores.argmax(axis=0), CLASSES, 10, scores)
        features[f"P{number}"] = rng.normal(size=(4, length)).astype(np.float32)
    return preds, features


def test_uncertainty_by_hand():
    scores = np.array([[1, 0.5, 1 / 3], [0, 0.5, 1 / 3], [0, 0, 1 / 3]])
    assert frame_uncertainty(scores) == pytest.approx([0, math.log(2) / math.log(3), 1])
    assert frame_uncertainty(scores, "margin") == pytest.approx([0, 1, 1])
    with pytest.raises(ValueError, match="must be one of entropy, margin"):
        frame_uncertainty(scores, "guess")


@pytest.mark.parametrize("measure", ["entropy", "margin"])
def test_choice_equals_a_slow_version(measure):
    preds, features = given(0)
    stretches = [(name, segment.start, segment.stop) for name, labels in preds.items() for segment in labels.segments()]
    means = np.array([features[name][:, start:stop].mean(axis=1) for name, start, stop in stretches])
    scaled = (means - means.mean(axis=0)) / means.std(axis=0)
    unsure = [frame_uncertainty(preds[name].scores, measure)[start:stop].mean() for name, start, stop in stretches]
    chosen: list[int] = []
    while len(chosen) < len(stretches):
        values = {}
        for i in {*range(len(stretches))} - {*chosen}:
            nearest = [scaled[i] @ scaled[j] / np.linalg.norm(scaled[i]) / np.linalg.norm(scaled[j]) for j in chosen]
            values[i] = unsure[i] * min([(1 - cosine) / 2 for cosine in nearest], default=1.0)
        chosen.append(max(values, key=lambda i: values[i]))
    result = suggest_stretches(preds, features, count=99, measure=measure)
    assert [stretch[:3] for stretch in result[:6]] == [stretches[i] for i in chosen[:6]]
    assert len(result) == len(stretches)
    assert result[0].novelty == 1
    assert result[0].uncertainty == pytest.approx(max(unsure))


def test_a_copy_of_what_is_chosen_is_not_new():
    scores = np.full((3, 10), 1 / 3, np.float32)
    labels = Labels(np.zeros(10, np.int64), CLASSES, scores=scores)
    features = np.random.default_rng(0).normal(size=(4, 10))
    other = np.random.default_rng(1).normal(size=(4, 10))
    preds = {"first": labels, "copy": labels, "other": labels}
    result = suggest_stretches(preds, {"first": features, "copy": features, "other": other}, count=3)
    assert [stretch.video for stretch in result] == ["first", "other", "copy"]
    assert result[-1].novelty == pytest.approx(0, abs=1e-6)


def test_long_stretches_are_cut_into_equal_parts():
    scores = np.tile(np.array([[0.8], [0.1], [0.1]], np.float32), (1, 25))
    labels = Labels(np.zeros(25, np.int64), CLASSES, scores=scores)
    result = suggest_stretches({"P0": labels}, {"P0": np.zeros((4, 25))}, count=9, longest=10)
    assert sorted((stretch.start, stretch.stop) for stretch in result) == [(0, 8), (8, 17), (17, 25)]


def test_wrong_arguments_are_refused():
    preds, features = given(0)
    with pytest.raises(ValueError, match="`count` and `longest` must be at least 1, got 0 and None"):
        suggest_stretches(preds, features, count=0)
    with pytest.raises(ValueError, match="has no scores of all classes"):
        suggest_stretches({"P0": preds["P0"].without_scores()}, features, count=1)


def test_all_but_the_suggested_stretches_is_not_annotated():
    preds, _ = given(1)
    shown = only_suggested(preds["P0"], [Suggestion("P0", 3, 9, "cut", 1, 1)])
    assert shown.names() == ["__ignore__"] * 3 + preds["P0"].names()[3:9] + ["__ignore__"] * 31
