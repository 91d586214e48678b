"""When pictures are drawn and logged, and that training does not wait for them. Time is a number here."""

from __future__ import annotations

import os
import warnings
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

from segtcn.callbacks import wandb as module
from segtcn.callbacks.pictures import BackgroundDrawing, Pictures
from segtcn.callbacks.wandb import ExperimentLogger, WandbSegmentations, finish
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

    @property
    def experiment(self) -> Any:
        return SimpleNamespace(log=self.rows.append)


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


class FakeDrawing:
    """A process that draws for some time, and the time that it takes of training."""

    begun: list[float]

    def __init__(self, clock: SimpleNamespace, begin_s: float, draw_s: float) -> None:
        clock.now += begin_s
        self.clock, self.done_s = clock, clock.now + draw_s

    def is_done(self) -> bool:
        return self.clock.now >= self.done_s

    def result(self) -> Pictures:
        return Pictures(None, [], None, [])

    def close(self) -> None:
        pass


class Training:
    """Epochs of some length with a callback whose work takes some time; all of it by a fake clock."""

    def __init__(self, monkeypatch, task, callback, begin_s=0.01, draw_s=5.0, log_s=0.03, crowded=False) -> None:
        self.clock = SimpleNamespace(now=0.0)
        self.task, self.callback, self.trainer = task, callback, fake_trainer(max_epochs=10_000)
        self.begun: list[int] = []
        self.shares: set[float | None] = set()
        self.logged: list[tuple[int, int]] = []
        self.taken_s: list[float] = []

        def begin(snapshot, wanted, share):
            self.begun.append(self.trainer.current_epoch)
            self.shares.add(share)
            return FakeDrawing(self.clock, begin_s, draw_s)

        def log(trainer, pictures, subset, step, overlays=None):
            self.clock.now += log_s
            self.logged.append((trainer.current_epoch, step["epoch"]))

        monkeypatch.setattr(module, "_now", lambda: self.clock.now)
        monkeypatch.setattr(module, "BackgroundDrawing", begin)
        monkeypatch.setattr(module, "_is_crowded", lambda task: crowded)
        monkeypatch.setattr(callback, "_log", log)

    def run(self, num_epochs: int, epoch_s: float) -> None:
        for _ in range(num_epochs):
            self.callback.on_train_epoch_start(self.trainer, self.task)
            self.clock.now += epoch_s
            self.callback.on_train_batch_end(self.trainer, self.task, step_output(), None, 0)
            start_s = self.clock.now
            self.callback.on_train_epoch_end(self.trainer, self.task)
            self.taken_s.append(self.clock.now - start_s)
            self.trainer.current_epoch += 1


def test_pictures_are_begun_every_n_epochs_and_logged_when_they_are_done(monkeypatch, task):
    training = Training(monkeypatch, task, WandbSegmentations(every_n_epochs=10, min_minutes=0))
    training.run(25, epoch_s=4)
    assert training.begun == [9, 19]
    assert training.logged == [(11, 9), (21, 19)]  # 5 s later, with the epoch that they are of


def test_minutes_between_two_drawings_are_kept(monkeypatch, task):
    training = Training(monkeypatch, task, WandbSegmentations(every_n_epochs=1, min_minutes=2))
    training.run(100, epoch_s=4)
    assert training.begun[0] == 0
    assert np.diff(training.begun).min() >= 29  # 2 minutes are 30 epochs, less what pictures took
    assert len(training.begun) >= 3


@pytest.mark.parametrize("epoch_s", [0.1, 0.6, 1.4, 3.0, 30.0])
@pytest.mark.parametrize(("begin_s", "log_s"), [(0.005, 0.02), (0.03, 0.05), (0.4, 0.8)])
def test_no_epoch_waits_for_one_percent_of_it(monkeypatch, task, epoch_s, begin_s, log_s):
    callback = WandbSegmentations(every_n_epochs=1, min_minutes=0)
    training = Training(monkeypatch, task, callback, begin_s=begin_s, log_s=log_s)
    training.run(300, epoch_s)
    slow = [taken for taken in training.taken_s if taken > 0.01 * epoch_s]
    assert len(slow) <= 4  # what takes longer than was guessed is found out by trying, twice
    if 0.01 * epoch_s >= max(begin_s, log_s, 0.02):
        assert not slow
        assert training.logged


def test_a_process_that_gets_no_processor_is_given_up_and_seldom_tried_again(monkeypatch, task):
    callback = WandbSegmentations(every_n_epochs=1, min_minutes=0)
    training = Training(monkeypatch, task, callback, draw_s=1e9)
    training.run(1000, epoch_s=10)
    assert len(training.begun) == 4  # in 10,000 s, as 60 s are 2 percent of 3,000
    assert np.diff(training.begun).min() >= 299
    assert training.logged == []


def test_where_the_network_takes_all_processors_drawing_gets_the_other_percent(monkeypatch, task):
    callback = WandbSegmentations(every_n_epochs=1, min_minutes=0)
    training = Training(monkeypatch, task, callback, draw_s=380, crowded=True)
    training.run(100, epoch_s=10)
    assert training.begun == [0, 39, 78]  # minutes later, and never given up
    assert [epoch for _, epoch in training.logged] == [0, 39]
    assert training.shares == {0.01}


def test_processors_are_crowded_by_a_network_that_computes_on_all_of_them(monkeypatch, task):
    usable = len(os.sched_getaffinity(0))
    for threads, device, crowded in ((usable, "cpu", True), (usable - 1, "cpu", False), (usable, "meta", False)):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        assert module._is_crowded(task.to(device)) == crowded


def test_a_slowdown_of_zero_draws_after_training_only(monkeypatch, task):
    training = Training(monkeypatch, task, WandbSegmentations(every_n_epochs=1, min_minutes=0, max_slowdown=0))
    training.run(30, epoch_s=100)
    assert training.begun == []
    training.callback.on_fit_end(training.trainer, task)
    assert training.logged == [(30, 29)]


def test_the_last_epoch_is_drawn_after_training_whenever_it_ends(monkeypatch, task):
    training = Training(monkeypatch, task, WandbSegmentations(every_n_epochs=10, min_minutes=0), draw_s=1e9)
    training.run(13, epoch_s=10)  # for example by early stopping
    assert (training.begun, training.logged) == ([9], [])
    training.callback.on_fit_end(training.trainer, task)
    assert training.logged == [(13, 12)]


def test_everything_is_logged_under_one_scheme(task):
    callback, trainer = WandbSegmentations(num_videos=1), fake_trainer()
    callback.on_test_epoch_start(trainer, task)
    callback.on_test_batch_end(trainer, task, step_output())
    callback.on_test_epoch_end(trainer, task)
    (row,) = trainer.logger.rows
    assert sorted(row) == ["epoch", "test/confusion", "test/timelines", "test/videos", "trainer/global_step"]
    table = row["test/videos"]
    assert table.columns == ["video", "frames", "accuracy", "edit", "f1@10", "f1@25", "f1@50", "timeline"]
    assert [line[:3] for line in table.data] == [["P01", 12, 100.0], ["P02", 12, 100.0]]
    assert row["test/timelines"]._caption == "P01"


def test_with_validation_its_videos_are_shown_and_not_those_of_training(task):
    callback, trainer = WandbSegmentations(confusion=False, table=False), fake_trainer(validates=True)
    callback.on_train_epoch_start(trainer, task)
    callback.on_train_batch_end(trainer, task, step_output(("trained",)), None, 0)
    callback.on_validation_epoch_start(trainer, task)
    callback.on_validation_batch_end(trainer, task, step_output(("held_out",)))
    callback.on_validation_epoch_end(trainer, task)
    assert trainer.logger.rows == []  # training goes on
    callback.on_train_epoch_end(trainer, task)
    callback.on_fit_end(trainer, task)
    (row,) = trainer.logger.rows
    assert row["val/timelines"]._caption == "held_out"


def test_a_validation_by_itself_is_logged(task):
    callback, trainer = WandbSegmentations(), fake_trainer(validates=True)
    trainer.state.fn = TrainerFn.VALIDATING
    callback.on_validation_epoch_start(trainer, task)
    callback.on_validation_batch_end(trainer, task, step_output())
    callback.on_validation_epoch_end(trainer, task)
    assert "val/videos" in trainer.logger.rows[0]


def test_features_are_not_kept(task):
    callback, trainer = WandbSegmentations(), fake_trainer()
    callback.on_test_epoch_start(trainer, task)
    callback.on_test_batch_end(trainer, task, step_output())
    (kept,) = callback._batches
    assert kept.batch.features.untyped_storage().nbytes() == 0
    assert kept.probabilities is None


def test_clips_get_their_labels_drawn_on_them(task, tmp_path):
    write_clip(tmp_path / "P02.mp4", num_frames=30, fps=10)
    callback, trainer = WandbSegmentations(clips=str(tmp_path), overlay_seconds=2, num_videos=0), fake_trainer()
    callback.on_test_epoch_start(trainer, task)
    callback.on_test_batch_end(trainer, task, step_output(num_frames=30))
    callback.on_test_epoch_end(trainer, task)
    (video,) = trainer.logger.rows[0]["test/overlay"]
    assert video._caption == "P02"


def test_clips_that_do_not_fit_or_are_missing_are_a_warning(task, tmp_path):
    (tmp_path / "P01.mp4").write_bytes(b"no video")
    callback, trainer = WandbSegmentations(clips=str(tmp_path)), fake_trainer()
    callback.on_test_epoch_start(trainer, task)
    callback.on_test_batch_end(trainer, task, step_output())
    with (
        pytest.warns(UserWarning, match=r"no overlay of P01 for W&B: .*P01.mp4"),
        pytest.warns(UserWarning, match=r"no overlay for W&B: no clip of the videos in .*, NAME.mp4"),
    ):
        callback.on_test_epoch_end(trainer, task)
    assert "test/overlay" not in trainer.logger.rows[0]
    with pytest.raises(FileNotFoundError, match=r"no folder of clips .*nowhere: correct `wandb_segmentations.clips`"):
        WandbSegmentations(clips=str(tmp_path / "nowhere")).setup(trainer, task, "fit")


def test_protocols_of_the_stored_rate_are_scored_there(tmp_path):
    task = SegmentationTask(Segmenter(EDTCN(4, 3), Classes(tuple(NAMES), 0), fps=10.0, sample_rate=2, protocol="mstcn"))
    callback, trainer = WandbSegmentations(num_videos=0, confusion=False), fake_trainer()
    output = step_output(("P01",), 6)["output"]
    stored = [torch.tensor([0] * 4 + [1] * 4 + [2] * 3)]
    batch = output.batch._replace(num_frames=[11], stored_labels=stored)
    callback.on_test_epoch_start(trainer, task)
    callback.on_test_batch_end(trainer, task, {"output": output._replace(batch=batch)})
    snapshot = callback._snapshot(task)
    assert snapshot is not None
    assert (snapshot.fps, len(snapshot.preds["P01"]), snapshot.labels["P01"].tolist()) == (10.0, 11, stored[0].tolist())


def test_an_offline_run_holds_the_pictures_of_training_and_testing(task, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    videos = [
        Sample(Video(name, torch.from_numpy(rng.standard_normal((4, 30), dtype=np.float32)), labels), 30, labels)
        for name in ("P01", "P02", "P03")
        for labels in [torch.arange(30) // 10]
    ]

    def wait(drawing: BackgroundDrawing) -> bool:
        return drawing._process.wait() == 0

    monkeypatch.setattr(BackgroundDrawing, "is_done", wait)
    monkeypatch.setattr(module, "_is_crowded", lambda task: True)  # this test waits for it: all the share it wants
    callback = WandbSegmentations(every_n_epochs=1, min_minutes=0, max_slowdown=1e9)
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
    assert [(row["epoch"], "val/timelines.caption" in row) for row in rows] == [(0, True), (2, True), (3, False)]
    for row, subset in zip(rows, ("val", "val", "test"), strict=True):
        assert row[f"{subset}/timelines.caption"] == "P01"
        assert row[f"{subset}/confusion._type"] == "image-file"
        assert row[f"{subset}/videos._type"] == "table-file"
        assert row[f"{subset}/videos.nrows"] == 1
        for key in ("timelines", "confusion", "videos"):
            assert (run.parent / "files" / row[f"{subset}/{key}.path"]).is_file()
