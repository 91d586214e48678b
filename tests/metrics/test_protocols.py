from __future__ import annotations

import pytest
import torch

from segtcn.metrics import PROTOCOLS, EditScore, FrameAccuracy, Protocol, SegmentalF1, segmentation_scores

PERFECT = torch.tensor([0, 1, 1, 2, 2, 0])
POOR = torch.tensor([1, 1, 1, 1, 2, 0])
POOREST = torch.tensor([1, 0, 1, 0, 2, 1])


def test_lea_is_the_mean_over_videos_with_background_out_of_edit_and_f1_only():
    scores = segmentation_scores("lea", background=0)
    alone = {
        "accuracy": FrameAccuracy(),
        "edit": EditScore(background=0),
        "f1@10": SegmentalF1(0.1, background=0),
        "f1@25": SegmentalF1(0.25, background=0),
        "f1@50": SegmentalF1(0.5, background=0),
    }
    for preds in (PERFECT, POOR, POOREST):
        scores.update(preds, PERFECT)
        for score in alone.values():
            score.update(preds, PERFECT)
    assert scores.compute() == {name: score.compute() for name, score in alone.items()}
    assert list(scores.compute()) == ["accuracy", "edit", "f1@10", "f1@25", "f1@50"]


def test_scores_that_start_equal_are_not_merged():
    scores = segmentation_scores(background=0)
    scores.update(PERFECT, PERFECT)
    assert all(score == 100 for score in scores.compute().values())
    # The only segment has an IoU of 2/6, in the right order, with 4 of 6 frames wrong
    scores.update(torch.ones(6, dtype=torch.int64), torch.tensor([0, 0, 0, 0, 1, 1]))
    assert torch.stack(list(scores.compute().values())).tolist() == pytest.approx([200 / 3, 100, 100, 100, 50])


def test_one_batch_with_a_mask_equals_its_videos():
    scores, batched = segmentation_scores(background=0), segmentation_scores(background=0).clone()
    scores.update(POOR, PERFECT)
    scores.update(POOREST[:4], PERFECT[:4])
    mask = torch.tensor([[True] * 6, [True] * 4 + [False] * 2])
    batched.update(torch.stack([POOR, POOREST]), torch.stack([PERFECT, PERFECT]), mask)
    assert batched.compute() == scores.compute()


def test_a_protocol_is_a_row_of_choices(monkeypatch):
    row = Protocol(accuracy="pooled", f1="pooled", accuracy_counts_background=False, used_by="a test")
    monkeypatch.setitem(PROTOCOLS, "other", row)
    scores = segmentation_scores("other", background=0)
    accuracy, f1 = FrameAccuracy("pooled", background=0), SegmentalF1(0.25, "pooled", background=0)
    as_lea = segmentation_scores("lea", background=0)
    for preds, labels in ((POOR, PERFECT), (POOREST[:3], PERFECT[:3])):
        for score in (scores, as_lea, accuracy, f1):
            score.update(preds, labels)
    assert scores.compute()["accuracy"] == accuracy.compute()
    assert scores.compute()["f1@25"] == f1.compute()
    for differs in ("accuracy", "f1@25"):
        assert scores.compute()[differs] != as_lea.compute()[differs]
    assert scores.compute()["edit"] == as_lea.compute()["edit"]


def test_an_unknown_protocol_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"`protocol` must be one of lea, mstcn, .*, fact, got 'ms-tcn'"):
        segmentation_scores("ms-tcn")
