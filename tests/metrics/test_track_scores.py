"""Scores of several labels at a time, against slow versions and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from segtcn.metrics import TrackScores, evaluate_videos
from segtcn.metrics.track_scores import best_threshold, frame_average_precision
from segtcn.structures import IGNORE, Track, track_indexes

TRACKS = [Track("left", ("background", "reach", "hold"), 0), Track("groom", ("background", "groom"), 0, 0.4)]


def video(seed: int, num_frames: int) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    left = np.eye(3)[np.repeat(rng.integers(3, size=num_frames), 4)[:num_frames]].T
    groom = np.repeat(rng.integers(2, size=num_frames), 5)[None, :num_frames]
    targets = np.concatenate([left, groom]).astype(np.float32)
    targets[3, :2] = np.nan
    scores = np.clip(0.5 * np.nan_to_num(targets) + 0.5 * rng.random(targets.shape), 0, 1)
    scores[:3] /= scores[:3].sum(axis=0)
    return torch.from_numpy(np.round(scores, 1).astype(np.float32)), torch.from_numpy(targets)  # equal scores


def slow_average_precision(scores: list[float], truths: list[float]) -> float:
    """Sum over the distinct scores, from the highest: precision times the recall that it adds."""
    total, before = 0.0, 0.0
    for threshold in sorted({*scores}, reverse=True):
        taken = [truth for score, truth in zip(scores, truths, strict=True) if score >= threshold]
        recall = sum(taken) / sum(truths)
        total += (recall - before) * sum(taken) / len(taken)
        before = recall
    return 100 * total


def slow_f1(scores: list[float], truths: list[float], threshold: float) -> float:
    tp = sum(score >= threshold and truth == 1 for score, truth in zip(scores, truths, strict=True))
    wrong = sum((score >= threshold) != (truth == 1) for score, truth in zip(scores, truths, strict=True))
    return 2 * tp / (2 * tp + wrong) if tp + wrong else 0.0


@pytest.mark.parametrize("seed", range(5))
def test_average_precision_and_threshold_equal_slow_versions(seed):
    scores, targets = (values[3] for values in video(seed, 60))
    known = ~targets.isnan()
    pairs = scores[known].tolist(), targets[known].tolist()
    assert float(frame_average_precision(scores, targets)) == pytest.approx(slow_average_precision(*pairs), rel=1e-5)
    threshold = best_threshold(scores, targets)
    best = max(slow_f1(*pairs, candidate) for candidate in {*pairs[0]})
    assert slow_f1(*pairs, threshold) == pytest.approx(best)


def test_by_hand():
    # ranks: 0.9 right, 0.8 wrong, 0.6 right, 0.1 wrong. Precision at the right ones: 1/1 and 2/3
    scores, targets = torch.tensor([0.9, 0.8, 0.6, 0.1]), torch.tensor([1.0, 0, 1, 0])
    assert float(frame_average_precision(scores, targets)) == pytest.approx(100 * (1 + 2 / 3) / 2)
    assert best_threshold(scores, targets) == pytest.approx(0.6)  # F1 4/5; at 0.9 it is 2/3
    # equal scores are taken together: at 0.5 F1 is 2/6, at 0.1 it is 4/8
    tied = torch.tensor([0.5, 0.5, 0.5, 0.5, 0.2, 0.1]), torch.tensor([1.0, 0, 0, 0, 0, 1])
    assert best_threshold(*tied) == pytest.approx(0.1)
    metric = TrackScores([Track("groom", ("background", "groom"), 0, 0.7)])
    metric.update(scores[None, None], targets[None, None], torch.ones(1, 4, dtype=torch.bool))
    values = {name: float(value) for name, value in metric.compute().items()}
    assert values["f1/groom"] == values["f1"] == 50  # 1 right, 1 false, 1 missed
    assert values["accuracy/groom"] == 50
    assert values["edit/groom"] == 50  # segments: groom against groom, groom


def test_what_never_occurs_has_no_score_and_the_usual_threshold():
    scores, targets = torch.tensor([0.9, 0.2]), torch.zeros(2)
    assert math.isnan(frame_average_precision(scores, targets))
    assert best_threshold(scores, targets) == 0.5
    assert best_threshold(torch.zeros(2), torch.ones(2)) > 0  # a target of 0 would count


def test_any_batches_and_padding_give_the_scores_of_videos_by_track():
    videos = [video(seed, num_frames) for seed, num_frames in enumerate((30, 45, 21))]
    one_by_one, together = TrackScores(TRACKS), TrackScores(TRACKS)
    padded = [torch.full((3, 4, 45), 9.0) for _ in range(2)]
    mask = torch.zeros(3, 45, dtype=torch.bool)
    for number, (scores, targets) in enumerate(videos):
        one_by_one.update(scores[None], targets[None], torch.ones(1, scores.shape[1], dtype=torch.bool))
        padded[0][number, :, : scores.shape[1]], padded[1][number, :, : scores.shape[1]] = scores, targets
        mask[number, : scores.shape[1]] = True
    together.update(*padded, mask)
    values = one_by_one.compute()
    assert {name: float(value) for name, value in values.items()} == pytest.approx(
        {name: float(value) for name, value in together.compute().items()}
    )
    preds, truths = (
        {str(number): track_indexes(pair[side].numpy(), TRACKS)[1] for number, pair in enumerate(videos)}
        for side in (0, 1)
    )
    assert (truths["0"][:2] == IGNORE).all()
    expected = evaluate_videos(preds, truths, background=0).scores
    assert {name: float(values[f"{name}/groom"]) for name in expected} == pytest.approx(expected)
    scores, targets = (torch.cat([pair[side][1] for pair in videos]) for side in (0, 1))
    assert float(values["map/left: reach"]) == pytest.approx(
        slow_average_precision(scores.tolist(), targets.tolist()), rel=1e-5
    )
    outputs = [float(values[f"map/{name}"]) for name in ("left: reach", "left: hold", "groom")]
    assert float(values["map"]) == pytest.approx(np.mean(outputs))
    assert "map/left: background" not in values
