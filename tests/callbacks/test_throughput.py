"""Speed: what is counted, and that a run which continues goes on counting."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from pytorch_lightning import Trainer
from torch import Tensor, nn

from segtcn.callbacks import throughput
from segtcn.callbacks.throughput import Throughput, inference_speed
from segtcn.data.datamodule import SegmentationDataModule
from segtcn.data.readers import MSTCNReader
from segtcn.models import EDTCN
from segtcn.segmenter import Segmenter
from segtcn.task import SegmentationTask


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    """The time, in a list of one, as the module sees it."""
    now = [0.0]
    monkeypatch.setattr(throughput.time, "perf_counter", lambda: now[0])
    return now


class Counting(nn.Module):
    """Takes a hundredth of a second for a frame, the first time it is called a second more."""

    def __init__(self, clock: list[float]) -> None:
        super().__init__()
        self.clock, self.lengths = clock, []

    def forward(self, features: Tensor) -> None:
        assert not self.training
        assert features.shape[:2] == (1, 3)
        assert torch.is_inference_mode_enabled()
        self.clock[0] += features.shape[-1] / 100 + (0 if self.lengths else 1)
        self.lengths.append(features.shape[-1])


def test_inference_speed_is_that_of_single_videos_after_the_first_call(clock):
    net = Counting(clock)
    assert inference_speed(net, [torch.zeros(3, 20), torch.zeros(3, 30)], seconds=1.2) == pytest.approx(100)
    assert net.lengths == [20, *([20, 30] * 3)]  # 0.5 s each: two passes are not enough
    assert net.training


def test_inference_speed_needs_a_video():
    with pytest.raises(ValueError, match="`videos` must hold at least one video"):
        inference_speed(nn.Identity(), [])


def test_frames_of_one_process_among_several_are_called_so(capsys):
    callback = Throughput()
    callback.num_frames = 66
    callback.on_train_end(SimpleNamespace(is_global_zero=True, world_size=2), nn.Identity())
    assert capsys.readouterr().out.startswith("first of 2 processes: trained 66 frames in")


def test_a_run_that_continues_goes_on_counting(write_ms_tcn_tree, tmp_path, monkeypatch, capsys):
    reader = MSTCNReader(str(write_ms_tcn_tree()), fps=10, background="background")

    def fit(epochs: int, checkpoint: Path | None = None) -> Throughput:
        monkeypatch.setattr(SegmentationTask, "log", log)
        data = SegmentationDataModule(reader, batch_size=2)
        task = SegmentationTask(
            Segmenter.for_data(EDTCN(data.in_channels, data.num_classes, (4,), kernel_size=3), data)
        )
        callback = Throughput()
        trainer = Trainer(
            max_epochs=epochs,
            accelerator="cpu",
            logger=False,
            callbacks=[callback],
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            log_every_n_steps=1,
        )
        trainer.fit(task, data, ckpt_path=checkpoint, weights_only=True)
        trainer.save_checkpoint(tmp_path / "run.ckpt")
        return callback

    padding: list[float] = []

    def log(self: SegmentationTask, name: str, value: object, **kwargs: object) -> None:
        if name == "train/padding":
            padding.append(value)

    first = fit(1)
    frames = first.num_frames
    assert frames == 44  # the three training videos without their padding
    second = fit(3, tmp_path / "run.ckpt")
    assert second.num_frames == 3 * frames
    assert second.seconds > first.seconds
    assert second.seconds == second.seconds  # training has ended, and the time with it
    # videos of 20, 15 and 9 frames, two in a batch
    possible = (5, 11, 6)
    assert all(any(percent == pytest.approx(100 * p / (44 + p)) for p in possible) for percent in padding)
    assert len(padding) == 3
    padded = sum(44 * percent / (100 - percent) for percent in padding)
    assert second.num_padded == pytest.approx(padded)
    printed = capsys.readouterr().out
    assert "trained 132 frames in" in printed
    assert f"frames per second, {100 * padded / (132 + padded):.1f} % of the batches were padding" in printed
    again = fit(3, tmp_path / "run.ckpt")  # nothing to train
    assert (again.num_frames, again.seconds) == (second.num_frames, second.seconds)
