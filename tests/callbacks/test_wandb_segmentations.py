"""When pictures are drawn and logged, and what they show."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric.utilities.warnings import PossibleUserWarning
from pytorch_lightning import Trainer
from pytorch_lightning.loggers import WandbLogger
from pytorch_lightning.trainer.states import TrainerFn
from torch.utils.data import DataLoader

from segtcn.callbacks.wandb import ExperimentLogger, WandbSegmentations, _segmentations, finish
from segtcn.data.batching import collate
from segtcn.data.dataset import Sample
from segtcn.labels import Classes
from segtcn.models import EDTCN
from segtcn.segmenter import Segmenter
from segtcn.structures import Batch, Video
from segtcn.task import SegmentationTask, StepOutput
from tests import wandb_file
from tests.clips import write_clip

NAMES = ["background", "cut", "pour"]


class Recorder(WandbLogger):
    """A logger that keeps what is logged."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        self.rows.append({**metrics, "trainer/global_step": step})


@pytest.fixture
def task() -> SegmentationTask:
    return SegmentationTask(Segmenter(EDTCN(4, 3), Classes(tuple(NAMES), 0), fps=10.0))


def fake_trainer(validates: bool = False, max_epochs: int = 100) -> Any:
    return SimpleNamespace(
        logger=Recorder(),
        is_global_zero=True,
        sanity_checking=False,
        num_val_batches=[1] if validates else [],
        current_epoch=0,
        max_epochs=max_epochs,
        global_step=0,
        state=SimpleNamespace(fn=TrainerFn.FITTING),
    )


def step_output(names: tuple[str, ...] = ("P01", "P02"), num_frames: int = 12) -> dict[str, StepOutput]:
    labels = torch.arange(num_frames).mul(3).div(num_frames, rounding_mode="floor").repeat(len(names), 1)
    mask = torch.ones_like(labels, dtype=torch.bool)
    batch = Batch(torch.zeros(len(names), 4, num_frames), labels, mask, [*names], [num_frames] * len(names))
    probabilities = torch.nn.functional.one_hot(labels, 3).permute(0, 2, 1).float()
    return {"output": StepOutput(batch, probabilities, labels)}


def run_test(callback: WandbSegmentations, trainer: Any, task: SegmentationTask, output: dict[str, StepOutput]) -> None:
    callback.on_test_epoch_start(trainer, task)
    callback.on_test_batch_end(trainer, task, output)
    callback.on_test_epoch_end(trainer, task)


def run_epochs(callback: WandbSegmentations, trainer: Any, task: SegmentationTask, num_epochs: int) -> list[int]:
    """Train without validation; returns the epochs that were logged while training."""
    for _ in range(num_epochs):
        callback.on_train_epoch_start(trainer, task)
        callback.on_train_batch_end(trainer, task, step_output(), None, 0)
        callback.on_train_epoch_end(trainer, task)
        trainer.current_epoch += 1
    return [row["epoch"] for row in trainer.logger.rows]


@pytest.mark.parametrize(
    ("every_n_epochs", "num_epochs", "epochs"),
    [(10, 25, [9, 19]), (5, 25, [4, 9, 14, 19]), (30, 25, []), (0, 25, []), (25, 13, [])],  # the last: stopped early
)
def test_pictures_are_logged_every_n_epochs_and_after_the_last_one(task, every_n_epochs, num_epochs, epochs):
    callback = WandbSegmentations(every_n_epochs=every_n_epochs, table_timelines=None, confusion=False)
    trainer = fake_trainer(max_epochs=25)
    assert run_epochs(callback, trainer, task, num_epochs) == epochs
    callback.on_fit_end(trainer, task)
    assert [row["epoch"] for row in trainer.logger.rows] == [*epochs, num_epochs - 1]


def test_everything_is_logged_under_one_scheme(task):
    callback, trainer = WandbSegmentations(num_videos=1), fake_trainer()
    run_test(callback, trainer, task, step_output())
    (output,) = callback._outputs  # without features, and without scores where there is no clip
    assert output.batch.features.untyped_storage().nbytes() == output.probabilities.untyped_storage().nbytes() == 0
    (row,) = trainer.logger.rows
    assert sorted(row) == ["epoch", "test/confusion", "test/timelines", "test/videos", "trainer/global_step"]
    table = row["test/videos"]
    assert table.columns == ["video", "frames", "accuracy", "edit", "f1@10", "f1@25", "f1@50", "timeline"]
    assert [line[:3] for line in table.data] == [["P01", 12, 100.0], ["P02", 12, 100.0]]
    assert row["test/timelines"]._caption == "P01"


def test_with_validation_its_videos_are_shown_and_not_those_of_training(task):
    callback, trainer = WandbSegmentations(confusion=False, table_timelines=None), fake_trainer(validates=True)
    callback.on_train_epoch_start(trainer, task)
    callback.on_train_batch_end(trainer, task, step_output(("trained",)), None, 0)
    callback.on_validation_epoch_start(trainer, task)
    callback.on_validation_batch_end(trainer, task, step_output(("held_out",)))
    callback.on_validation_epoch_end(trainer, task)
    assert trainer.logger.rows == []  # training goes on
    callback.on_train_epoch_end(trainer, task)
    callback.on_fit_end(trainer, task)
    trainer.state.fn = TrainerFn.VALIDATING  # a validation by itself
    callback.on_validation_epoch_end(trainer, task)
    assert [row["val/timelines"]._caption for row in trainer.logger.rows] == ["held_out"] * 2


def test_clips_get_their_labels_drawn_on_them(task, tmp_path):
    write_clip(tmp_path / "P02.mp4", num_frames=30, fps=10)
    callback, trainer = WandbSegmentations(clips=str(tmp_path), overlay_seconds=2, num_videos=0), fake_trainer()
    run_test(callback, trainer, task, step_output(num_frames=30))
    (video,) = trainer.logger.rows[0]["test/overlay"]
    assert video._caption == "P02"


def test_clips_that_do_not_fit_or_are_missing_are_a_warning(task, tmp_path):
    (tmp_path / "P01.mp4").write_bytes(b"no video")
    callback, trainer = WandbSegmentations(clips=str(tmp_path)), fake_trainer()
    with (
        pytest.warns(UserWarning, match=r"no overlay of P01 for W&B: .*P01.mp4"),
        pytest.warns(UserWarning, match=r"no overlay for W&B: no clip of the videos in .*, NAME.mp4"),
    ):
        run_test(callback, trainer, task, step_output())
    assert "test/overlay" not in trainer.logger.rows[0]
    with pytest.raises(FileNotFoundError, match=r"no folder of clips .*nowhere: correct `wandb_segmentations.clips`"):
        WandbSegmentations(clips=str(tmp_path / "nowhere")).setup(trainer, task, "fit")


def test_protocols_of_the_stored_rate_are_scored_there(tmp_path):
    task = SegmentationTask(Segmenter(EDTCN(4, 3), Classes(tuple(NAMES), 0), fps=10.0, sample_rate=2, protocol="mstcn"))
    callback, trainer = WandbSegmentations(num_videos=0, confusion=False), fake_trainer()
    output = step_output(("P01",), 6)["output"]
    stored = [torch.tensor([0] * 4 + [1] * 4 + [2] * 3)]
    batch = output.batch._replace(num_frames=[11], stored_labels=stored)
    run_test(callback, trainer, task, {"output": output._replace(batch=batch)})
    segmentations = _segmentations(task, callback._outputs)
    truth, preds = segmentations.truth["P01"], segmentations.preds["P01"]
    assert (truth.fps, len(preds), truth.indexes.tolist()) == (10.0, 11, stored[0].tolist())


def test_an_offline_run_holds_the_pictures_of_training_and_testing(task, tmp_path):
    rng = np.random.default_rng(0)
    videos = [
        Sample(Video(name, torch.from_numpy(rng.standard_normal((4, 30), dtype=np.float32)), labels), 30, labels)
        for name in ("P01", "P02", "P03")
        for labels in [torch.arange(30) // 10]
    ]

    callback = WandbSegmentations(every_n_epochs=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PossibleUserWarning)  # advice on workers and batches
        trainer = Trainer(
            max_epochs=3,
            accelerator="cpu",
            logger=ExperimentLogger(save_dir=str(tmp_path), offline=True),
            callbacks=[callback],
            enable_checkpointing=False,
            enable_model_summary=False,
            enable_progress_bar=False,
            log_every_n_steps=1,
        )
        held_out = DataLoader(videos[:1], collate_fn=collate)
        trainer.fit(task, DataLoader(videos[1:], collate_fn=collate), held_out)
        trainer.test(task, held_out, verbose=False)
    finish()
    (run,) = wandb_file.run_files(tmp_path)
    rows = [row for row in wandb_file.history(run) if any("timelines" in key for key in row)]
    assert [row["epoch"] for row in rows] == [0, 1, 2, 3]
    for row, subset in zip(rows, ("val", "val", "val", "test"), strict=True):
        assert row[f"{subset}/timelines.caption"] == "P01"
        assert (run.parent / "files" / row[f"{subset}/timelines.path"]).is_file()
    for row, subset in zip(rows[2:], ("val", "test"), strict=True):
        assert row[f"{subset}/confusion._type"] == "image-file"
        assert row[f"{subset}/videos._type"] == "table-file"
        assert row[f"{subset}/videos.nrows"] == 1
        for key in ("confusion", "videos"):
            assert (run.parent / "files" / row[f"{subset}/{key}.path"]).is_file()
    for row in rows[:2]:  # while training, timelines alone
        assert not {"val/confusion._type", "val/videos._type"} & {*row}
