"""The task from Python: what it logs, that padding and batches change nothing, and what its checkpoints hold."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch
from pytorch_lightning import Trainer
from torch import Tensor, nn

from segtcn.callbacks.run_files import PredictionWriter
from segtcn.data.datamodule import SegmentationDataModule
from segtcn.data.readers import MSTCNReader
from segtcn.labels import Classes
from segtcn.losses import CrossEntropy, Focal, Loss, LossSum, class_weights
from segtcn.metrics.functional import edit_score, frame_accuracy, segmental_f1
from segtcn.models import EDTCN, DilatedTCN, FrameClassifier, SegmentationModel
from segtcn.segmenter import Segmenter
from segtcn.structures import IGNORE, Batch, Output
from segtcn.task import SegmentationTask


@pytest.fixture
def datamodule(write_ms_tcn_tree) -> SegmentationDataModule:
    reader = MSTCNReader(str(write_ms_tcn_tree()), fps=10, background="background")
    return SegmentationDataModule(reader, batch_size=2, standardize=True)


def make_task(
    datamodule: SegmentationDataModule, net: nn.Module | None = None, protocol: str = "lea", **kwargs
) -> SegmentationTask:
    net = net or EDTCN(datamodule.in_channels, datamodule.num_classes, (6, 8), kernel_size=5)
    return SegmentationTask(Segmenter.for_data(net, datamodule, protocol), **kwargs)


def make_trainer(**kwargs) -> Trainer:
    options = {"max_epochs": 3, "logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    return Trainer(**options | {"accelerator": "cpu", "enable_model_summary": False} | kwargs)


def batch_of(lengths: list[int], num_classes: int = 3, width: int = 4) -> Batch:
    features, mask = torch.randn(len(lengths), width, max(lengths)), torch.zeros(len(lengths), max(lengths)).bool()
    for i, length in enumerate(lengths):
        mask[i, :length] = True
    labels = torch.randint(num_classes, mask.shape).masked_fill(~mask, -100)
    return Batch(features * mask[:, None], labels, mask, [f"video{i}" for i in range(len(lengths))], lengths)


def test_logged_scores_are_those_of_the_functions(datamodule):
    task = make_task(datamodule)
    trainer = make_trainer()
    trainer.fit(task, datamodule)
    (scores,) = trainer.test(task, datamodule, verbose=False)
    task.eval()
    expected = {"accuracy": [], "edit": [], "f1@10": [], "f1@25": [], "f1@50": []}
    for sample in datamodule.dataset("test"):
        video = sample.video
        preds = task(video.features[None]).logits[-1, 0].argmax(dim=0)
        expected["accuracy"].append(frame_accuracy(preds, video.labels))
        expected["edit"].append(edit_score(preds, video.labels, background=0))
        for percent in (10, 25, 50):
            expected[f"f1@{percent}"].append(segmental_f1(preds, video.labels, percent / 100, background=0))
    for name, values in expected.items():
        assert scores[f"test/{name}"] == pytest.approx(float(torch.stack(values).mean()), abs=1e-4)
    assert {"test/loss", "test/accuracy/cut", "test/f1@50/pour milk"} <= set(scores)


class NextClass(FrameClassifier):
    """Its labels are never those of the best logits."""

    def decode(self, output: Output, mask: Tensor | None = None) -> Tensor:
        assert mask is None or mask.shape == output.logits.shape[1::2]
        return (super().decode(output, mask) + 1) % self.num_classes


def test_labels_are_those_that_the_network_decodes_to_in_scores_files_and_inference(datamodule, tmp_path):
    task = make_task(datamodule, NextClass(datamodule.in_channels, datamodule.num_classes))
    trainer = make_trainer(max_epochs=1, callbacks=[PredictionWriter(str(tmp_path / "predictions"))])
    trainer.fit(task, datamodule)
    (scores,) = trainer.test(task, datamodule, verbose=False)
    trainer.save_checkpoint(tmp_path / "net.ckpt")
    model, accuracies = Segmenter.load(tmp_path / "net.ckpt"), []
    for video in (sample.video for sample in datamodule.dataset("test")):
        probabilities = task.eval()(video.features[None]).logits[-1, 0].softmax(dim=0)
        labels = (probabilities.argmax(dim=0) + 1) % datamodule.num_classes
        accuracies.append(frame_accuracy(labels, video.labels))
        written = (tmp_path / "predictions" / f"{video.name}.txt").read_text().splitlines()
        assert written == [datamodule.class_names[label] for label in labels]
        prediction = model.predict(video.features)
        assert prediction.indexes.tolist() == labels.tolist()
        torch.testing.assert_close(torch.from_numpy(prediction.confidence), probabilities.gather(0, labels[None])[0])
    assert scores["test/accuracy"] == pytest.approx(float(sum(accuracies) / len(accuracies)), abs=1e-3)


@pytest.mark.parametrize("network", [EDTCN, DilatedTCN])
def test_loss_and_scores_of_a_batch_are_those_of_its_videos(network):
    lengths = [5, 17, 30]
    task = SegmentationTask(Segmenter(network(4, 3), Classes(("rest", "cut", "pour"), 0))).eval()
    task.log = lambda *args, **kwargs: None
    batch = batch_of(lengths)
    loss = task._step(batch, "val")["loss"]
    together = task.scores["val_scores"].compute()
    task.scores["val_scores"].reset()
    losses = []
    for i, length in enumerate(lengths):
        alone = Batch(batch.features[[i], :, :length], batch.labels[[i], :length], batch.mask[[i], :length], ["x"], [9])
        losses.append(task._step(alone, "val")["loss"] * length)
    torch.testing.assert_close(loss, sum(losses) / sum(lengths), atol=1e-5, rtol=1e-5)
    for name, value in task.scores["val_scores"].compute().items():
        assert torch.equal(value.nan_to_num(-1), together[name].nan_to_num(-1))


class SeesLabels(NextClass):
    """Its classes of training are the labels, one further where no video needs them."""

    def training_output(self, batch: Batch) -> Output:
        one_hot = nn.functional.one_hot(batch.labels.clamp_min(0), self.num_classes).mT.float()
        return Output((one_hot + 0 * self(batch.features, batch.mask).logits[-1]).roll(-1, dims=1)[None] * 9)


def test_only_a_training_step_shows_the_network_the_labels(datamodule):
    task = make_task(datamodule, SeesLabels(datamodule.in_channels, datamodule.num_classes))
    trainer = make_trainer(max_epochs=1)
    trainer.fit(task, datamodule)
    assert trainer.callback_metrics["train/accuracy"] == 100
    (scores,) = trainer.test(task, datamodule, verbose=False)
    assert scores["test/accuracy"] < 100
    mixing = make_task(datamodule, SeesLabels(datamodule.in_channels, datamodule.num_classes), mixup=0.2)
    with pytest.raises(ValueError, match="`mixup` cannot mix labels that SeesLabels sees: leave it at 0"):
        make_trainer(max_epochs=1).fit(mixing, datamodule)


class ReturnsLogits(SegmentationModel):
    """Its scores are not wrapped."""

    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__(in_channels, num_classes)
        self.head = nn.Conv1d(in_channels, num_classes, 1)

    def forward(self, features: Tensor, mask: Tensor | None = None) -> Tensor:
        return self.head(features)


def test_network_that_does_not_return_an_output_is_named(datamodule):
    task = make_task(datamodule, ReturnsLogits(datamodule.in_channels, datamodule.num_classes))
    message = r"`ReturnsLogits.forward` must return a segtcn.structures.Output with logits \(S, B, C, T\), got a Tensor"
    with pytest.raises(ValueError, match=message):
        make_trainer(max_epochs=1).fit(task, datamodule)


class Broken(Loss):
    def forward(self, output, batch):
        return output.logits.sum() * float("nan")


class Infinite(Loss):
    def forward(self, output, batch):
        return (output.logits * 0).abs().sqrt().sum()  # finite value, infinite slope


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (Broken(), r"the loss became nan in epoch 0 on P0\w+, P0\w+: lower the learning rate"),
        (Infinite(), r"the norm of the gradient became nan in epoch 0 on P0\w+, P0\w+"),
    ],
)
def test_a_loss_or_gradient_that_is_not_finite_stops_training_before_the_weights_change(datamodule, loss, message):
    task = make_task(datamodule, loss=loss)
    before = {name: value.clone() for name, value in task.segmenter.net.state_dict().items()}
    with pytest.raises(ValueError, match=message):
        make_trainer().fit(task, datamodule)
    assert all(torch.equal(value, before[name]) for name, value in task.segmenter.net.state_dict().items())


def test_losses_see_the_features_as_the_network_does():
    class Recorder(Loss):
        def forward(self, output, batch):
            self.features = batch.features
            return output.logits.sum()

    task = SegmentationTask(Segmenter(EDTCN(4, 3)), loss=Recorder())
    task.log = lambda *args, **kwargs: None
    task.segmenter.standardization.set(torch.ones(4), torch.full((4,), 2.0))
    batch = batch_of([5, 8])
    task._step(batch, "val")
    torch.testing.assert_close(task.loss.features, (batch.features - 1) / 2)


def weighted_loss() -> LossSum:
    return LossSum([CrossEntropy("median_frequency"), LossSum([Focal(weight="inverse_frequency")])])


def weights_of(task: SegmentationTask) -> list[list[float]]:
    return [loss.weight.tolist() for loss in task.loss.modules() if isinstance(loss, CrossEntropy | Focal)]


def as_format_1(path: Path, counts: dict) -> None:
    """Rewrite a checkpoint as the first version wrote it."""
    stored = torch.load(path, weights_only=True)
    facts = stored["segtcn"]
    for key in ("version", "extraction"):
        facts.pop(key)
    facts["fps"] /= facts["sample_rate"]
    weights = {name.removeprefix("segmenter."): value for name, value in stored["state_dict"].items()}
    stored["state_dict"] = {name: value for name, value in weights.items() if not name.startswith("loss.")}
    stored["segtcn_label_statistics"] = counts
    torch.save(stored, path)


@pytest.mark.parametrize("first_format", [False, True])
def test_losses_are_weighted_by_the_training_videos_and_again_after_loading(datamodule, tmp_path, first_format):
    task = make_task(datamodule, loss=weighted_loss())
    trainer = make_trainer(max_epochs=1)
    trainer.fit(task, datamodule)
    frames = torch.cat([sample.video.labels for sample in datamodule.dataset("train")]).bincount(minlength=3)
    expected = [class_weights(frames, method).tolist() for method in ("median_frequency", "inverse_frequency")]
    assert weights_of(task) == expected
    path = tmp_path / "weighted.ckpt"
    trainer.save_checkpoint(path)
    (scores,) = trainer.test(task, datamodule, verbose=False)
    if first_format:
        num_segments = datamodule.label_statistics()[1]
        as_format_1(path, {"frames_per_class": frames.tolist(), "num_segments": num_segments})
    loaded = SegmentationTask.load_from_checkpoint(path, loss=weighted_loss())
    assert weights_of(loaded) == expected
    assert loaded.segmenter.fps == datamodule.reader.fps
    assert SegmentationTask.load_from_checkpoint(path).loss.weight is None
    fresh = make_task(datamodule, loss=weighted_loss())
    (again,) = make_trainer().test(fresh, datamodule, ckpt_path=path, weights_only=True, verbose=False)
    assert again == scores
    resumed = make_task(datamodule, loss=weighted_loss())
    make_trainer(max_epochs=2).fit(resumed, datamodule, ckpt_path=path, weights_only=True)
    assert weights_of(resumed) == expected


def test_labels_are_counted_only_for_losses_that_need_it(datamodule):
    make_trainer(max_epochs=1).fit(make_task(datamodule), datamodule)
    assert datamodule._label_statistics is None


def test_a_task_of_one_class_logs():
    task = SegmentationTask(Segmenter(EDTCN(4, 1)))
    logged = {}
    task.log = lambda *args, **kwargs: None
    task.log_dict = lambda values, **kwargs: logged.update(values)
    task._step(batch_of([6], num_classes=1), "val")
    task._log_scores("val")
    assert logged["val/accuracy/0"] == 100


@pytest.mark.parametrize("scheduler", [torch.optim.lr_scheduler.StepLR, torch.optim.lr_scheduler.ReduceLROnPlateau])
def test_learning_rate_schedulers_run(datamodule, scheduler):
    arguments = {"step_size": 1} if scheduler is torch.optim.lr_scheduler.StepLR else {"patience": 0, "threshold": 1e9}
    task = make_task(datamodule, lr_scheduler=partial(scheduler, **arguments))
    make_trainer().fit(task, datamodule)
    assert task.optimizers().param_groups[0]["lr"] < 1e-3


def test_checkpoint_of_a_task_built_in_python_is_enough_by_itself(datamodule, tmp_path):
    task = make_task(datamodule, DilatedTCN(4, 3, 6, num_stacks=1, num_layers=2), protocol="lea")
    trainer = make_trainer()
    trainer.fit(task, datamodule)
    path = tmp_path / "python.ckpt"
    trainer.save_checkpoint(path)
    torch.load(path, weights_only=True)
    x = torch.randn(1, 4, 50)
    expected = task.eval()(x).logits
    loaded = SegmentationTask.load_from_checkpoint(path).eval()
    assert torch.equal(loaded(x).logits, expected)
    assert loaded.segmenter.facts() == task.segmenter.facts()
    prediction = Segmenter.load(path).predict(x[0])
    assert prediction.indexes.tolist() == expected[-1, 0].argmax(dim=0).tolist()
    assert sum(row.stop - row.start for row in prediction.rows()) == 50


def test_a_protocol_of_the_stored_rate_scores_every_stored_frame(write_ms_tcn_tree):
    reader = MSTCNReader(str(write_ms_tcn_tree()), fps=30, background="background")
    datamodule = SegmentationDataModule(reader, batch_size=3, sample_rate=3)
    scores = {}
    for protocol in ("lea", "mstcn"):
        torch.manual_seed(0)
        net = EDTCN(datamodule.in_channels, datamodule.num_classes, (6,), kernel_size=3)
        task = make_task(datamodule, net, protocol)
        (scores[protocol],) = make_trainer().test(task, datamodule, verbose=False)
    task.eval()
    hits = total = 0
    for name in datamodule.names("test"):
        video = reader.read(name)
        preds = task(video.features[None, :, ::3]).logits[-1, 0].argmax(dim=0)
        every_frame = torch.stack([preds[t // 3] for t in range(len(video.labels))])
        hits, total = hits + int((every_frame == video.labels).sum()), total + len(video.labels)
    assert scores["mstcn"]["test/accuracy"] == pytest.approx(100 * hits / total)
    assert scores["mstcn"]["test/accuracy"] != pytest.approx(scores["lea"]["test/accuracy"])


@pytest.mark.parametrize("protocol", ["lea", "mstcn"])
def test_frames_around_a_crop_are_seen_and_not_counted(protocol):
    task = SegmentationTask(Segmenter(FrameClassifier(4, 3), sample_rate=2, protocol=protocol)).eval()
    weights = []

    def step(labels, features):
        frames, count = features.T[None].mT, len(labels)
        video = Batch(frames, labels[None], torch.ones(1, count).bool(), ["a"], [2 * count])
        loss = task._step(video._replace(stored_labels=[labels.repeat_interleave(2)]), "train")["loss"]
        scores = task.scores["train_scores"].compute()
        task.scores["train_scores"].reset()
        weights.append(float(task.losses["train_loss"].num_frames))
        return loss, scores

    features, labels = torch.randn(4, 20), torch.randint(3, (20,))
    labels[:5] = labels[17:] = IGNORE
    with_context, alone = step(labels, features), step(labels[5:17], features[:, 5:17])
    torch.testing.assert_close(with_context, alone, equal_nan=True)
    assert weights == [12, 24]


@pytest.mark.parametrize(
    ("facts", "change", "message"),
    [
        ({}, {"labels": None}, "no ground truth for video0: predict it instead"),
        ({"sample_rate": 2, "protocol": "mstcn"}, {}, "'mstcn' scores every stored frame: the batch needs `stored_lab"),
    ],
)
def test_a_batch_that_lacks_something_is_an_error(facts, change, message):
    task = SegmentationTask(Segmenter(EDTCN(4, 3), **facts))
    task.log = lambda *args, **kwargs: None
    with pytest.raises(ValueError, match=message):
        task._step(batch_of([4])._replace(**change), "test")
