"""Activation checkpointing changes the memory, and nothing else."""

from __future__ import annotations

import pytest
import torch
from pytorch_lightning import Trainer

from segtcn.callbacks.computation import ActivationCheckpointing
from segtcn.segmenter import Segmenter
from segtcn.structures import Batch
from segtcn.task import SegmentationTask
from tests.models.networks import NETWORKS

FRAMES = 60


def trained(name: str, checkpointing: bool) -> tuple[dict[str, torch.Tensor], int]:
    """The weights after two steps, and the values that were kept for the gradient."""
    torch.manual_seed(0)
    task = SegmentationTask(Segmenter(NETWORKS[name](), fps=10))
    features = torch.randn(1, task.segmenter.net.in_channels, FRAMES)
    labels = torch.arange(FRAMES)[None] // 20
    batch = Batch(features, labels, torch.ones(1, FRAMES, dtype=torch.bool), ["v"], [FRAMES])
    kept: list[int] = []

    def pack(values: torch.Tensor) -> torch.Tensor:
        kept.append(values.numel())
        return values

    callbacks = [ActivationCheckpointing()] if checkpointing else []
    quiet = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda values: values):
        trainer = Trainer(max_epochs=2, accelerator="cpu", callbacks=callbacks, **quiet)
        trainer.fit(task, torch.utils.data.DataLoader([batch], batch_size=None), [])
    assert not any("forward" in vars(module) for module in task.modules())
    return task.state_dict(), sum(kept)


@pytest.mark.parametrize(
    "name", ["EDTCN", "DilatedTCN", "MSTCN", "MSTCNPlusPlus", "CausalTCN", "ByteNet", "ASFormer", "LTContext"]
)
def test_fewer_values_are_kept_for_the_same_weights(name):
    (plain, many), (checkpointed, few) = trained(name, False), trained(name, True)
    assert all(torch.equal(plain[key], checkpointed[key]) for key in plain)
    assert few < 0.7 * many


@pytest.mark.parametrize("name", ["RecurrentNetwork, GRU, two layers", "FrameClassifier", "ASRF", "C2FTCN"])
def test_weights_of_any_network_stay_the_same(name):
    (plain, _), (checkpointed, _) = trained(name, False), trained(name, True)
    assert all(torch.equal(plain[key], checkpointed[key]) for key in plain)
