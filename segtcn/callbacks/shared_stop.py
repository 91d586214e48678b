"""Signals that end a run of several processes."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer


class SharedStop(Callback):
    """Let all processes of a run stop after the same step, whichever of them a signal reached.

    Lightning's handler talks to the other processes from within the signal. In the middle of an exchange of gradients,
    they then crash or wait for each other.

    Args:
        handler: of the signal, in place of Lightning's.
        is_requested: whether one came.
    """

    def __init__(self, handler: Any, is_requested: Callable[[], bool]) -> None:
        self._handler, self._is_requested = handler, is_requested

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        if trainer.world_size > 1:
            signal.signal(signal.SIGTERM, self._handler)

    def on_train_batch_end(self, trainer: Trainer, *args: Any, **kwargs: Any) -> None:  # noqa: D102
        if trainer.world_size > 1:
            requests = torch.tensor(int(self._is_requested()), device=trainer.strategy.root_device)
            torch.distributed.all_reduce(requests, op=torch.distributed.ReduceOp.MAX)
            trainer._signal_connector.received_sigterm = bool(requests)  # nothing public
