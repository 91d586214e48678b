"""How fast and how far networks learn a sequence task."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import torch
from torch import nn

from segtcn.data import readers
from segtcn.data.datamodule import Role, SegmentationDataModule
from segtcn.layers.conv import TemporalConv1d
from segtcn.layers.norm import ChannelNorm
from segtcn.layers.sequential import ResidualSequential, TemporalSequential
from segtcn.losses import DEFAULTS, Loss
from segtcn.models.base import SegmentationModel
from segtcn.sequences.equal_networks import builders, equal_network
from segtcn.structures import Batch

NUM_TEST = 100
"""Test sequences of a task that is generated; the seed of a training does not change them."""


@dataclass(frozen=True)
class Learning:
    """One training.

    Args:
        reader: name of the class that reads the task.
        task: its arguments.
        network: a kind of :func:`~segtcn.sequences.equal_networks.equal_network` with its arguments as ``shape``, or
            ``"stack"``, a :class:`PlainStack`; with ``layers`` and ``width`` in ``shape``, that network as it is.
        shape: arguments of the network.
        steps: of Adam, at most.
        every: steps between two scores.
        batch_size: sequences of a step.
        learning_rate: of Adam at its highest: it rises for a tenth of the steps and falls along half a cosine.
        beta: share of the mean square of gradients that Adam keeps at a step. With 0.999, the large gradients of the
            first steps slow down hundreds of steps.
        clip: largest norm of the gradient.
        goal: loss on new sequences at which training ends.
        seed: of weights and batches.
        select: score the weights of the step that is best on the validation pieces.
    """

    reader: str
    task: dict[str, Any]
    network: str
    shape: dict[str, Any] = field(default_factory=dict)
    steps: int = 1000
    every: int = 50
    batch_size: int = 8
    learning_rate: float = 4e-3
    beta: float = 0.97
    clip: float = 1.0
    goal: float = 0.0
    seed: int = 0
    select: bool = False


class PlainStack(SegmentationModel):
    """1x1 convolution, equal layers of convolution and ReLU with dilations 1, 2, 4, 8, 1, ..., 1x1 convolution.

    Args:
        in_channels: feature width D.
        num_classes: C.
        width: of the layers.
        layers: how many.
        residual: whether each layer is added to its input.
        norm: whether each layer begins with a layer normalisation.
        kernel_size: taps.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        width: int,
        layers: int,
        residual: bool = True,
        norm: bool = False,
        kernel_size: int = 3,
    ) -> None:
        super().__init__(in_channels, num_classes, causal=True)
        block = ResidualSequential if residual else TemporalSequential
        self.conv_in = TemporalConv1d(in_channels, width, kernel_size=1)
        self.blocks = TemporalSequential(
            *(
                block(
                    *([ChannelNorm(width)] if norm else []),
                    TemporalConv1d(width, width, kernel_size, dilation=2 ** (number % 4), causal=True),
                    nn.ReLU(),
                )
                for number in range(layers)
            )
        )
        self.head = TemporalConv1d(width, num_classes, kernel_size=1)


def learn(**settings: Any) -> dict[str, Any]:
    """Train a network on a task.

    Args:
        settings: of :class:`Learning`.

    Returns:
        ``parameters``, ``past`` (frames that the network sees; None: all), ``curve`` (pairs of step and loss on new or
        validation sequences) and ``loss`` (of the test sequences at the end, or at the best validation).
        Also ``steps``, ``recall`` (share of the frames that are not background and right; None without classes) and
        ``cpu_s``.
    """
    learning = Learning(**settings)
    torch.manual_seed(learning.seed)
    start_s = time.process_time()
    data = _data(learning)
    net, loss = _network(learning, data), DEFAULTS[data.reader.target]()
    optimizer = torch.optim.Adam(net.parameters(), learning.learning_rate, betas=(0.9, learning.beta))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, learning.learning_rate, total_steps=learning.steps + 1, pct_start=0.1, cycle_momentum=False
    )
    batches, curve, best = _endless(data), list[tuple[int, float]](), dict[str, torch.Tensor]()
    for step in range(learning.every, learning.steps + 1, learning.every):
        net.train()
        for batch in islice(batches, learning.every):
            optimizer.zero_grad()
            loss(net(batch.features, batch.mask), batch).backward()
            nn.utils.clip_grad_norm_(net.parameters(), learning.clip)
            optimizer.step()
            schedule.step()
        score, recall = evaluate(net, loss, data, "val" if learning.select else "test")
        if learning.select and all(score < value for _, value in curve):
            best = copy.deepcopy(net.state_dict())
        curve.append((step, score))
        if score < learning.goal:
            break
    if learning.select:
        net.load_state_dict(best)
        score, recall = evaluate(net, loss, data, "test")
    sizes = {"parameters": sum(p.numel() for p in net.parameters()), "past": net.receptive_field[0]}
    return {
        "loss": score,
        "recall": recall,
        **sizes,
        "curve": curve,
        "steps": curve[-1][0],
        "cpu_s": time.process_time() - start_s,
    }


@torch.inference_mode()
def evaluate(net: nn.Module, loss: Loss, data: SegmentationDataModule, subset: Role) -> tuple[float, float | None]:
    """Score a network on all sequences of a subset.

    Args:
        net: the network.
        loss: a mean over the known frames of a batch.
        data: the task.
        subset: which sequences.

    Returns:
        The mean over the known frames of all sequences together, and the share of the frames with a class other than
        the background that are right, None without classes.
    """
    net.eval()
    total, count, right, shown = 0.0, 0, 0, 0
    batches: Any = data.test_dataloader() if subset == "test" else data.val_dataloader()
    for batch in batches:
        output = net(batch.features, batch.mask)
        frames = batch.num_known_frames
        total, count = total + float(loss(output, batch)) * frames, count + frames
        if batch.labels is not None:
            scored = (batch.labels >= 0) & (batch.labels != (-1 if data.background is None else data.background))
            right += int((output.logits[-1].argmax(dim=1) == batch.labels)[scored].sum())
            shown += int(scored.sum())
    return total / count, right / shown if shown else None


def _data(learning: Learning) -> SegmentationDataModule:
    is_music = learning.reader == "MusicReader"
    sizes = {} if is_music else {"train": learning.steps * learning.batch_size, "test": NUM_TEST}
    return SegmentationDataModule(
        getattr(readers, learning.reader)(**(sizes | learning.task)),
        batch_size=learning.batch_size,
        validation=["valid-*"] if is_music else 0.0,
        seed=learning.seed,
        cache_gib=1.0 if is_music else 0.0,
        bucket=is_music,
    )


def _network(learning: Learning, data: SegmentationDataModule) -> SegmentationModel:
    widths, shape = (data.in_channels, data.num_classes), dict(learning.shape)
    if learning.network == "stack":
        return PlainStack(*widths, **shape)
    if "budget" in shape:
        return equal_network(learning.network, *widths, **shape)
    width, layers = shape.pop("width"), shape.pop("layers")
    return builders(*widths, **shape)[learning.network](width, layers)


def _endless(data: SegmentationDataModule) -> Iterator[Batch]:
    loader: Any = data.train_dataloader()
    while True:
        yield from loader
