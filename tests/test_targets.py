"""Several labels at a time and numbers in place of labels: losses, training, and what refuses them."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from segtcn.cli import main
from segtcn.cli.lightning import SegmentationCLI
from segtcn.config_names import find_config
from segtcn.data.augmentation import GaussianNoise
from segtcn.data.datamodule import SegmentationDataModule
from segtcn.data.dataset import SegmentationDataset
from segtcn.data.readers import AddingReader
from segtcn.losses import CrossEntropy, MeanSquaredError, MultiLabelBCE
from segtcn.models import CausalTCN
from segtcn.segmenter import Segmenter
from segtcn.segmenter.export import export_onnx
from segtcn.structures import Batch, Output, Video
from tests.data.readers.test_sequence_tasks import write_music

LENGTHS = (4, 7)


def given(garbage: float = 0.0) -> tuple[Output, Batch]:
    """Two stages, two videos, three channels; one channel of one frame and one whole frame are unknown."""
    rng = torch.Generator().manual_seed(0)
    mask = torch.arange(7) < torch.tensor(LENGTHS)[:, None]
    targets = torch.randint(2, (2, 3, 7), generator=rng).float()
    targets[0, 1, 2] = targets[1, :, 3] = math.nan
    logits = torch.randn(2, 2, 3, 7, generator=rng).masked_fill(~mask[:, None], garbage).requires_grad_()
    batch = Batch(torch.zeros(2, 1, 7), None, mask, ["a", "b"], targets=targets.masked_fill(~mask[:, None], garbage))
    return Output(logits), batch


def by_loops(loss: MultiLabelBCE | MeanSquaredError, output: Output, batch: Batch) -> float:
    total = 0.0
    for stage in output.logits.tolist():
        costs, frames = [], set()
        for video, length in enumerate(LENGTHS):
            for t in range(length):
                for channel in range(3):
                    z, y = stage[video][channel][t], float(batch.targets[video, channel, t])
                    if math.isnan(y):
                        continue
                    q = 1 / (1 + math.exp(-z))
                    bce = -(y * math.log(q) + (1 - y) * math.log(1 - q))
                    costs.append(bce if isinstance(loss, MultiLabelBCE) else (z - y) ** 2)
                    frames.add((video, t))
        total += sum(costs) / (len(frames) if isinstance(loss, MultiLabelBCE) else len(costs))
    return total


@pytest.mark.parametrize("loss", [MultiLabelBCE(), MeanSquaredError()], ids=["several labels", "numbers"])
@pytest.mark.parametrize("garbage", [0.0, 1e4, math.nan])
def test_loss_equals_loops_over_known_targets_and_padding_has_no_weight(loss, garbage):
    output, batch = given(garbage)
    value = loss(output, batch)
    assert value.item() == pytest.approx(by_loops(loss, output, batch), rel=1e-5)
    value.backward()
    frames = output.logits.grad.movedim(2, -1)
    assert (frames[:, ~batch.mask] == 0).all()
    assert (frames[:, 1, 3] == 0).all()
    assert frames.isfinite().all()


def test_loss_of_nothing_known_is_zero():
    output, batch = given()
    nothing = batch._replace(targets=torch.full_like(batch.targets, math.nan))
    assert MultiLabelBCE()(output, nothing) == MeanSquaredError()(output, nothing) == 0


def test_losses_name_the_other_kind():
    output, batch = given()
    with pytest.raises(ValueError, match="take `MultiLabelBCE` or `MeanSquaredError`"):
        CrossEntropy()(output, batch)
    with pytest.raises(ValueError, match="take `CrossEntropy`"):
        MultiLabelBCE()(output, batch._replace(targets=None))
    with pytest.raises(ValueError, match=r"`targets` must have the shape \(2, 3, 7\)"):
        MultiLabelBCE()(output, batch._replace(targets=batch.targets[:, :2]))


def test_command_line_trains_and_tests_on_numbers_and_writes_no_labels(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["-c=causal_tcn", "-c=adding", "--trainer.logger=false", "--trainer.accelerator=cpu"]
    words += ["--data.reader.init_args.length=12", "--data.reader.init_args.train=64", "--data.batch_size=16"]
    words += ["--model.net.init_args.hidden_channels=4", "--model.net.init_args.num_layers=2"]
    assert main(["fit", *words, "--trainer.max_epochs=2", "--trainer.default_root_dir=run"]) == 0
    assert main(["test", "-c=run/config.yaml"]) == 0
    loss = json.loads((tmp_path / "run" / "test_scores.json").read_text())["loss"]
    assert f"test/loss: {loss:.4f} (MeanSquaredError)" in capsys.readouterr().out
    assert not list((tmp_path / "run").rglob("*.npz"))
    assert not (tmp_path / "run" / "run.json").exists()

    segmenter = Segmenter.load(tmp_path / "run")
    data = SegmentationDataModule(AddingReader(length=12, train=64))
    errors = [
        (segmenter(video.features[None]).logits[-1, 0, 0, -1] - video.targets[0, -1]).item() ** 2
        for video in (data.dataset("test")[number].video for number in range(200))
    ]
    assert loss == pytest.approx(float(np.mean(errors)), rel=1e-4)


@pytest.mark.parametrize("target", ["multi", "values"])
def test_nothing_makes_one_label_a_frame_of_several_or_of_numbers(target, tmp_path):
    segmenter = Segmenter(CausalTCN(2, 3), target=target).eval()
    segmenter.save(tmp_path / "model.ckpt")
    segmenter = Segmenter.load(tmp_path / "model.ckpt")
    for use in (
        lambda: segmenter.predict(torch.zeros(2, 5)),
        segmenter.stream,
        lambda: export_onnx(segmenter, tmp_path / "model.onnx"),
    ):
        with pytest.raises(ValueError, match="and here every frame gets one label: call `segmenter"):
            use()


def test_data_with_targets_refuses_augmentations_and_wrong_shapes(tmp_path):
    reader = AddingReader(length=9)
    with pytest.raises(ValueError, match="`augmentations` change frames and labels"):
        SegmentationDataModule(reader, augmentations=[GaussianNoise()])
    reader.read = lambda name, split, labels: Video(name, torch.zeros(2, 9), targets=torch.zeros(1, 8))
    with pytest.raises(ValueError, match="9 frames of features but 8 labels"):
        SegmentationDataset(reader, ["train-00000"])[0]
    reader.read = lambda name, split, labels: Video(name, torch.zeros(2, 9), targets=torch.zeros(2, 9))
    with pytest.raises(ValueError, match=r"targets must have the shape \(1, 9\)"):
        SegmentationDataset(reader, ["train-00000"])[0]


def test_every_kth_frame_keeps_its_targets():
    data = SegmentationDataModule(AddingReader(length=9), sample_rate=4)
    video = data.dataset("train")[0].video
    whole = data.reader.read("train-00000")
    assert torch.equal(video.targets[0, -1], whole.targets[0, 8])
    assert video.targets.shape == (1, 3)


def test_commands_for_labels_refuse_numbers_before_they_write(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for words, what in (
        (["crossval", "-c=causal_tcn", "-c=adding"], "cross-validation"),
        (["convert", "adding", "a.h5"], "conversion"),
    ):
        assert main(words) == 1
        assert f"{what} needs one label a frame, but AddingReader has numbers" in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.h5"))


@pytest.mark.parametrize("name", ["copy_memory", "adding", "smnist", "pmnist", "jsb", "nottingham", "characters"])
def test_every_task_gives_its_network_a_loss(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text("the cat sat on the mat. " * 80)
    write_music(tmp_path / "JSB_Chorales.mat")
    write_music(tmp_path / "Nottingham.mat")
    quiet = ["--trainer.logger=false", "--trainer.accelerator=cpu", "--model.net.init_args.num_layers=2"]
    cli = SegmentationCLI([f"-c={find_config(config)}" for config in ("causal_tcn", name)] + quiet, run=False)
    batch = next(iter(cli.datamodule.train_dataloader()))
    loss = cli.model.loss(cli.model(batch.features, batch.mask), batch)
    loss.backward()
    assert loss.isfinite()
    assert all(parameter.grad is not None for parameter in cli.model.segmenter.net.parameters())
