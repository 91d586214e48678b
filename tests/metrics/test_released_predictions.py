"""The scores of the predictions that Lea et al. released equal the published ones (protocol `lea`, background 0)."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from segtcn.metrics import SegmentalF1, segmentation_scores


def read_splits(folder: Path) -> dict[int, list[tuple[torch.Tensor, torch.Tensor]]]:
    """Predictions and labels of each split's videos: cells ``(1, N)`` of ``(1, T)`` in ``k.mat`` or ``Split_k.mat``."""
    loadmat = pytest.importorskip("scipy.io").loadmat
    splits = {}
    for file in sorted(folder.glob("*.mat")):
        cells = loadmat(file)
        videos = zip(cells["P"].ravel(), cells["Y"].ravel(), strict=True)
        splits[int(file.stem.removeprefix("Split_"))] = [
            (torch.from_numpy(preds.ravel()), torch.from_numpy(labels.ravel())) for preds, labels in videos
        ]
    return splits


@pytest.mark.parametrize(
    ("folder", "splits", "f1s", "edit", "accuracy"),
    [
        ("50Salads/mid/mid_video_SVM", [1, 2, 3, 4, 5], (28.7, 22.7, 15.4), 21.4, 54.9),
        ("50Salads/mid/mid_video_tCNN_C36", [1, 2, 3, 4, 5], (55.9, 49.6, 37.1), 45.9, 59.5),
        ("50Salads/mid/mid_video_DilatedTCN_B3_L5", [1, 2, 3, 4, 5], (52.2, 47.6, 37.4), 43.1, 59.3),
        ("50Salads/mid/mid_video_ED-TCN_L2_C15", [1, 2, 3, 4, 5], (68.0, 63.9, 52.6), 59.8, 64.7),
        ("GTEA/video_SVM", [1, 2, 3], (44.2, 38.2, 28.0), 35.7, 53.7),
        ("GTEA/video_tCNN_C30", [2], (58.7, 54.4, 41.9), 54.0, 60.6),
        ("GTEA/video_DilatedTCN_L5_B2", [1, 2, 3], (60.9, 54.7, 40.2), 52.9, 61.3),
        ("GTEA/video_ED-TCN_L2_C25", [1, 2, 3], (73.2, 68.5, 55.6), 69.9, 63.7),
    ],
)
def test_scores_of_released_predictions(shared_data, folder, splits, f1s, edit, accuracy):
    videos = read_splits(shared_data / "lea" / "predictions" / folder)
    assert list(videos) == splits
    scores_of_splits = []
    for split in splits:
        scores = segmentation_scores("lea", background=0)
        for preds, labels in videos[split]:
            scores.update(preds, labels)
        scores_of_splits.append(torch.stack(list(scores.compute().values())))
    mean = torch.stack(scores_of_splits).mean(0).tolist()
    # 0.06: the table's numbers have one decimal, and one of them (45.95) was cut rather than rounded
    assert mean == pytest.approx([accuracy, edit, *f1s], abs=0.06)


def test_pooling_segments_changes_f1_of_released_predictions(shared_data):
    videos = read_splits(shared_data / "lea" / "predictions" / "50Salads/mid/mid_video_DilatedTCN_B3_L5").values()
    pooled = SegmentalF1(0.5, average="pooled", background=0)
    for preds, labels in (video for split in videos for video in split):
        pooled.update(preds, labels)
    assert pooled.compute().item() == pytest.approx(35.4, abs=0.05)
