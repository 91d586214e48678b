"""Loaders of the data module: what Lightning sees in which order, in batches of which videos, changed or not."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pytorch_lightning import LightningModule, Trainer
from torch import Tensor, nn

from segtcn.data.augmentation import Augmentation
from segtcn.data.datamodule import SegmentationDataModule
from segtcn.data.readers import MSTCNReader
from segtcn.structures import Batch, Video

WriteTree = Callable[..., Path]
Make = Callable[..., SegmentationDataModule]


class Shifted(Augmentation):
    """Adds the same random number to all features, so that every epoch of every video has its own."""

    def __call__(self, video: Video, rng: np.random.Generator) -> Video:
        return video._replace(features=video.features + float(rng.random()))


class Recorder(LightningModule):
    """The least that trains; records the names that every stage sees."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Conv1d(4, 3, 1)
        self.seen: dict[str, list[list[str]]] = {"train": [], "val": [], "test": [], "predict": []}

    def training_step(self, batch: Batch, index: int) -> Tensor:
        if index == 0:
            self.seen["train"].append([])
        self.seen["train"][-1] += batch.names
        return nn.functional.cross_entropy(self.net(batch.features), batch.labels)

    def validation_step(self, batch: Batch, index: int) -> None:
        self.seen["val"].append(batch.names)

    def test_step(self, batch: Batch, index: int) -> None:
        self.seen["test"].append(batch.names)

    def predict_step(self, batch: Batch, index: int) -> list[str]:
        assert batch.labels is None
        self.seen["predict"].append(batch.names)
        return batch.names

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def trainer(tmp_path: Path, max_epochs: int = 3, **arguments: Any) -> Trainer:
    return Trainer(
        max_epochs=max_epochs,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
        **{"enable_checkpointing": False, **arguments},
    )


def test_bad_video_fails_before_the_first_step(write_ms_tcn_tree: WriteTree, tmp_path: Path) -> None:
    root = write_ms_tcn_tree()
    (root / "groundTruth" / "P02_soup.txt").unlink()
    net = Recorder()
    with pytest.raises(FileNotFoundError, match=r"no ground truth of video 'P02_soup'"):
        trainer(tmp_path).fit(net, datamodule=SegmentationDataModule(MSTCNReader(str(root)), batch_size=1))
    assert net.seen["train"] == []


def test_lightning_sees_every_video_of_a_subset_once_and_does_not_complain(many: Make, tmp_path: Path) -> None:
    data, net = many(batch_size=8, validation=0.2), Recorder()
    trainer(tmp_path, log_every_n_steps=1).fit(net, datamodule=data)
    train, val = data.names("train"), data.names("val")
    assert [sorted(epoch) for epoch in net.seen["train"]] == [sorted(train)] * 3
    assert net.seen["val"][-1] == val
    assert len({tuple(epoch) for epoch in net.seen["train"]}) == 3  # another order every epoch
    trainer(tmp_path).validate(net, datamodule=data, verbose=False)
    trainer(tmp_path).test(net, datamodule=data, verbose=False)
    trainer(tmp_path).predict(net, datamodule=data, return_predictions=False)
    assert net.seen["test"] == net.seen["predict"] == [["v20", "v21"]]


def test_without_validation_lightning_trains_and_does_not_validate(many: Make, tmp_path: Path) -> None:
    data, net = many(), Recorder()
    assert data.val_dataloader() == []
    trainer(tmp_path).fit(net, datamodule=data)
    assert net.seen["val"] == []
    assert len(net.seen["train"]) == 3


@pytest.mark.parametrize("bucket", [False, True])
@pytest.mark.parametrize("num_workers", [0, 1])
def test_order_and_changes_depend_on_seed_and_epoch_and_survive_a_resume(
    many: Make, tmp_path: Path, num_workers: int, bucket: bool
) -> None:
    class Listener(Recorder):
        """Records the features that it trains on, too."""

        def training_step(self, batch: Batch, index: int) -> Tensor:
            self.seen_features[-1].append(batch.features) if index else self.seen_features.append([batch.features])
            return super().training_step(batch, index)

    def fit(max_epochs: int, seed: int, checkpoint: Path | None = None) -> list[list[Any]]:
        net, run = Listener(), trainer(tmp_path, max_epochs)
        net.seen_features: list[list[Tensor]] = []
        data = many(seed=seed, num_workers=num_workers, bucket=bucket, augmentations=[Shifted()])
        run.fit(net, datamodule=data, ckpt_path=checkpoint, weights_only=True)
        run.save_checkpoint(tmp_path / f"{max_epochs}.ckpt")
        sums = [[features.double().sum().item() for features in epoch] for epoch in net.seen_features]
        return list(zip(net.seen["train"], sums, strict=True))

    whole = fit(3, seed=5)
    assert fit(2, seed=5) == whole[:2]
    assert fit(3, seed=5, checkpoint=tmp_path / "2.ckpt") == whole[2:]
    if num_workers == 0:
        assert fit(3, seed=6) != whole


def test_buckets_put_videos_of_similar_length_together(many: Make, tmp_path: Path) -> None:
    data = many(bucket=True, batch_size=2, sample_rate=2)  # 1 or 2 frames each
    data.setup("fit")
    batches = list(data.train_dataloader())
    assert sorted(name for batch in batches for name in batch.names) == sorted(data.names("train"))
    assert sum(not batch.mask.all() for batch in batches) <= 1
    assert [batch.names for batch in data.test_dataloader()] == [["v20", "v21"]]


def test_limit_of_frames_holds_in_all_subsets_and_evaluation_keeps_the_order(many: Make, tmp_path: Path) -> None:
    data, net = many(bucket=True, batch_size=8, max_frames_per_batch=7, validation=0.3), Recorder()
    trainer(tmp_path).fit(net, datamodule=data)  # videos of 2, 3 and 4 frames
    assert [sorted(epoch) for epoch in net.seen["train"]] == [sorted(data.names("train"))] * 3
    net.seen["val"].clear()
    for run in (trainer(tmp_path).validate, trainer(tmp_path).test):
        run(net, datamodule=data, verbose=False)
    trainer(tmp_path).predict(net, datamodule=data, return_predictions=False)
    assert [name for batch in net.seen["val"] for name in batch] == data.names("val")
    assert net.seen["test"] == net.seen["predict"] == [["v20"], ["v21"]]  # 4 and 2 frames, 8 with padding
    loaders = [data.train_dataloader(), data.val_dataloader(), data.test_dataloader()]
    assert max(batch.mask.numel() for loader in loaders for batch in loader) <= 7
    assert max(len(batch.names) for loader in loaders for batch in loader) > 1


def test_buckets_and_augmentations_also_serve_overfitting(many: Make, tmp_path: Path) -> None:
    for bucket in (False, True):
        data, net = many(bucket=bucket, batch_size=3, augmentations=[Shifted()]), Recorder()
        with pytest.warns(UserWarning, match="overfit"):
            trainer(tmp_path, overfit_batches=1).fit(net, datamodule=data)
        assert net.seen["train"][0] == net.seen["train"][1]


def test_augmentation_changes_training_videos_and_nothing_else(many: Make) -> None:
    data = many(augmentations=[Shifted()], standardize=True, validation=0.2)
    clean = many(standardize=True, validation=0.2)
    data.setup("fit")
    before, after = (
        [batch.features for batch in loader] for loader in (clean.train_dataloader(), data.train_dataloader())
    )
    assert all((a > b).any() for a, b in zip(after, before, strict=True))
    for subset in ("val", "test", "predict"):
        loaders = [getattr(module, f"{subset}_dataloader")() for module in (clean, data)]
        for one, other in zip(*loaders, strict=True):
            assert torch.equal(one.features, other.features)
    for statistics in ("feature_statistics", "label_statistics"):
        pairs = zip(getattr(clean, statistics)(), getattr(data, statistics)(), strict=True)
        assert all(torch.equal(torch.as_tensor(one), torch.as_tensor(other)) for one, other in pairs)


def test_loading_draws_nothing_from_the_global_generator(many: Make) -> None:
    data = many(batch_size=4)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    orders = [[name for batch in loader for name in batch.names] for loader in [data.train_dataloader()] * 2]
    assert torch.equal(torch.get_rng_state(), before)
    assert orders[0] != orders[1]


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="memory of a process is measured on Linux")
def test_memory_of_a_worker_does_not_grow_with_the_videos(write_ms_tcn_tree: WriteTree) -> None:
    names = [f"v{i}" for i in range(40)]
    long = (np.zeros((1000, 1024), dtype=np.float32), [0] * 1000)  # 4 MiB
    root = write_ms_tcn_tree(videos={"v0": long}, splits={1: (names, ["v0_test"])})
    for name in names[1:]:
        (root / "features" / f"{name}.npy").hardlink_to(root / "features" / "v0.npy")
        (root / "groundTruth" / f"{name}.txt").hardlink_to(root / "groundTruth" / "v0.txt")
    loader = SegmentationDataModule(MSTCNReader(str(root)), batch_size=1, cache_gib=0, num_workers=1).train_dataloader()

    def own_mib() -> float:
        (worker,) = multiprocessing.active_children()
        lines = Path(f"/proc/{worker.pid}/smaps_rollup").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty")) / 2**10

    used = [own_mib() for _ in loader]
    assert max(used[20:]) < max(used[:5]) + 20


def test_prediction_needs_no_ground_truth_and_no_training_list(write_ms_tcn_tree: WriteTree, tmp_path: Path) -> None:
    root = write_ms_tcn_tree()
    (root / "groundTruth").rename(tmp_path / "elsewhere")
    (root / "splits" / "train.split1.bundle").unlink()
    data, net = SegmentationDataModule(MSTCNReader(str(root))), Recorder()
    trainer(tmp_path).predict(net, datamodule=data, return_predictions=False)
    assert net.seen["predict"] == [["P02_tea"]]


def test_training_needs_no_test_list(write_ms_tcn_tree: WriteTree, tmp_path: Path) -> None:
    root = write_ms_tcn_tree()
    (root / "splits" / "test.split1.bundle").unlink()
    data, net = SegmentationDataModule(MSTCNReader(str(root)), validation=0.3), Recorder()
    trainer(tmp_path, 1).fit(net, datamodule=data)
    assert sorted(net.seen["train"][0]) == sorted(data.names("train"))
    assert data.card_values()["data/videos_test"] == 0
