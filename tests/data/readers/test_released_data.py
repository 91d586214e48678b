"""On the released data: the test labels are those that the released predictions were scored against."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import loadmat

from segtcn.data.readers import LeaReader


@pytest.mark.parametrize(
    ("dataset", "folder", "predictions", "splits", "sample_rate"),
    [
        ("GTEA", "SpatialCNN", "GTEA/video_ED-TCN_L2_C25", [1, 2, 3], 5),
        ("GTEA", "SpatialCNN", "GTEA/video_DilatedTCN_L5_B2", [1, 2, 3], 4),
        ("50Salads", "SpatialCNN_mid", "50Salads/mid/mid_video_ED-TCN_L2_C15", [1, 2, 3, 4, 5], 5),
        ("50Salads", "SpatialCNN_mid", "50Salads/mid/mid_video_DilatedTCN_B3_L5", [1, 2, 3, 4, 5], 5),
    ],
)
def test_test_labels_equal_those_of_the_released_predictions(
    shared_data: Path, dataset: str, folder: str, predictions: str, splits: list[int], sample_rate: int
) -> None:
    root = shared_data / "lea"
    reader = LeaReader(str(root), dataset=dataset, feature_folder=folder)
    compared = 0
    for split in splits:
        if split not in reader.splits:
            continue
        truths = loadmat(root / "predictions" / predictions / f"{split}.mat")["Y"][0]
        names = reader.videos(split, "test")
        assert len(names) == len(truths)
        for name, truth in zip(names, truths, strict=True):
            labels = reader.read(name, split).labels
            np.testing.assert_array_equal(labels[::sample_rate].numpy(), truth.ravel())
            compared += 1
    assert compared >= 10


def test_released_files_hold_what_the_reader_documents(shared_data: Path) -> None:
    root = str(shared_data / "lea")
    widths = {
        features: LeaReader(root, "50Salads", "SpatialCNN_mid", features=list(features)).feature_dim
        for features in ("A", "X", "S", "AS", "AXS")
    }
    assert widths == {"A": 128, "X": 18, "S": 30, "AS": 158, "AXS": 176}
    assert [LeaReader(root, features=features).feature_dim for features in ("A", "X")] == [128, 11]
    reader = LeaReader(root)
    names = [reader.videos(split, "test") for split in reader.splits]
    assert [{name[:2] for name in subset} for subset in names] == [{"S1"}, {"S2"}, {"S3"}, {"S4"}]
    first, second = (reader.read("S1_Tea_C1", split) for split in (1, 2))
    assert not torch.equal(first.features, second.features)  # features belong to a split
