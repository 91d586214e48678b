"""Ways to compute the same training with less memory, or faster."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from torch import nn
from torch.utils.checkpoint import checkpoint

from segtcn.task import SegmentationTask


class ActivationCheckpointing(Callback):
    """Keep only the input of each layer while training, and compute the rest again for the gradient.

    It takes less memory and more time. Weights stay the same bit for bit.
    """

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Let the layers of the network forget what they compute."""
        for layer in self._layers(pl_module):
            layer.forward = partial(checkpoint, layer.forward, use_reentrant=False)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Leave the network as it was."""
        for layer in self._layers(pl_module):
            vars(layer).pop("forward", None)

    @staticmethod
    def _layers(task: LightningModule) -> Iterator[Any]:
        net = task.segmenter.net if isinstance(task, SegmentationTask) else task
        return (module for module in net.modules() if module is not net and _is_layer(module))


def _is_layer(module: nn.Module) -> bool:
    """Whether a module is made of several that are made of none: a convolution with what follows it, for instance.

    Not one that counts statistics of its input, which would count them twice.
    """
    children = [*module.children()]
    if len(children) < 2 or isinstance(module, nn.ModuleList) or any(map(_has_children, children)):
        return False
    return not any(isinstance(child, nn.modules.batchnorm._BatchNorm) for child in children)


def _has_children(module: nn.Module) -> bool:
    return any(True for _ in module.children())


class CompiledNetwork(Callback):
    """Let ``torch.compile`` translate the network for training, for videos of any length.

    The first batches take minutes; weights may differ in their last digits. It needs a C++ compiler.
    """

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Translate."""
        if isinstance(pl_module, SegmentationTask):
            # dropout draws what it would draw otherwise
            pl_module.segmenter.net.compile(dynamic=True, options={"fallback_random": True})

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Leave the network as it was."""
        if isinstance(pl_module, SegmentationTask):
            pl_module.segmenter.net._compiled_call_impl = None
