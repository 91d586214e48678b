"""Prediction files of a run: three formats with the same labels, and the truth beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pytorch_lightning import Trainer

from segtcn.callbacks.run_files import PredictionWriter
from segtcn.data.datamodule import SegmentationDataModule
from segtcn.data.readers import MSTCNReader
from segtcn.labels import Classes, find_mapping, read_archive_labels, read_labels
from segtcn.models import EDTCN
from segtcn.segmenter import Segmenter
from segtcn.task import SegmentationTask


@pytest.fixture
def datamodule(write_ms_tcn_tree) -> SegmentationDataModule:
    reader = MSTCNReader(str(write_ms_tcn_tree()), fps=10, background="background")
    return SegmentationDataModule(reader, batch_size=2, sample_rate=2)


@pytest.fixture
def task(datamodule: SegmentationDataModule) -> SegmentationTask:
    net = EDTCN(datamodule.in_channels, datamodule.num_classes, (6, 8), kernel_size=5)
    return SegmentationTask(Segmenter.for_data(net, datamodule))


def trainer_writing(folder: Path | None, **arguments: object) -> Trainer:
    return Trainer(
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        callbacks=[PredictionWriter(folder and str(folder), **arguments)],
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run" / "predictions"


@pytest.mark.parametrize("scores", [True, False])
def test_every_file_of_a_video_has_the_same_labels_and_classes(datamodule, task, folder, scores):
    trainer_writing(folder, scores=scores).test(task, datamodule, verbose=False)
    videos = [sample.video.name for sample in datamodule.dataset("test")]
    assert {path.name for path in folder.iterdir()} == {
        "mapping.txt",
        *(f"{name}{ending}" for name in videos for ending in (".txt", ".csv", ".npz")),
    }
    classes = Classes.read(find_mapping([folder / f"{videos[0]}.txt"]))
    for sample in datamodule.dataset("test"):
        name = sample.video.name
        labels, truth = read_archive_labels(folder / f"{name}.npz")
        assert labels.classes == classes == task.segmenter.classes
        assert truth.indexes.tolist() == sample.stored_labels.tolist()  # at the rate of the features
        assert (len(labels), labels.fps) == (sample.num_frames, 10)
        for ending in (".txt", ".csv"):
            other = read_labels(folder / f"{name}{ending}", classes)
            assert other.indexes.tolist() == labels.indexes.tolist()
        assert (labels.scores is not None) == scores
        means = [row.confidence for row in read_labels(folder / f"{name}.csv").rows()]
        np.testing.assert_allclose([row.confidence for row in labels.rows()], means, atol=1e-3)


def test_predictions_without_truth_hold_none(datamodule, task, folder):
    trainer_writing(folder).predict(task, datamodule, return_predictions=False)
    truths = [read_archive_labels(path)[1] for path in folder.glob("*.npz")]
    assert truths == [None] * len(datamodule.dataset("test"))


def test_nothing_is_written_without_a_folder(datamodule, task, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    trainer_writing(None).test(task, datamodule, verbose=False)
    assert sorted(tmp_path.rglob("*")) == before
