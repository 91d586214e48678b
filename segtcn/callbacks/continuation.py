"""All that Lightning's checkpoints lack to continue a training bit for bit, also in the middle of an epoch."""

from __future__ import annotations

import random
import warnings
from typing import Any

import numpy as np
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import EarlyStopping

from segtcn.callbacks.wandb import ExperimentLogger
from segtcn.task import SegmentationTask

KEY = "segtcn_training"
"""Entry of a checkpoint."""


class Continuation(Callback):
    """Save and restore what decides how training continues, beside weights and optimizer.

    These are the states of the random generators of PyTorch, NumPy and Python; the scores and losses of an epoch that
    has begun, and its accumulated gradients; the value that a schedule waits for at the end of an epoch; whether early
    stopping has stopped; and what was logged to W&B. Of several processes, each has its own. A run that continues with
    another number of threads or processes is warned of: sums are added in another order.
    """

    def __init__(self) -> None:
        self._stored: dict[str, Any] = {}

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Count epochs once: with `max_steps`, Lightning would count those twice that a continued run has behind it."""
        trainer.fit_loop._iteration_based_training = lambda: False  # type: ignore[method-assign]  # nothing public

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Add the state to a checkpoint, as plain values and tensors."""
        state: dict[str, Any] = {"random": random_state(), "threads": torch.get_num_threads()}
        if isinstance(logger := trainer.logger, ExperimentLogger):
            state["logged"] = logger.num_logged
        progress: Any = trainer.fit_loop.epoch_progress.current
        if progress.processed > progress.completed:  # at the end of an epoch, Lightning saves before these are stepped
            metrics = trainer.callback_metrics
            waiting = {i: config.monitor for i, config in enumerate(trainer.lr_scheduler_configs) if config.monitor}
            state["plateau"] = {i: float(metrics[name]) for i, name in waiting.items() if name in metrics}
            values = trainer._logger_connector.metrics["log"]
            step = trainer.fit_loop.epoch_loop._batches_that_stepped - 1
            state["unlogged"] = [{name: float(value) for name, value in values.items()}, trainer.current_epoch, step]
        elif isinstance(pl_module, SegmentationTask):
            state["epoch"] = pl_module.epoch_state()
            if trainer.fit_loop.epoch_loop._should_accumulate():
                named = pl_module.named_parameters()
                state["gradients"] = {name: value.grad.cpu() for name, value in named if value.grad is not None}
        if trainer.world_size > 1:
            state["processes"] = [None] * trainer.world_size
            torch.distributed.all_gather_object(state["processes"], {**state, "processes": None})
        checkpoint[KEY] = state

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Keep the state until training starts: what is set up before draws random numbers."""
        self._stored = checkpoint.get(KEY, {})

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Restore the state."""
        stopped = (callback for callback in trainer.callbacks if isinstance(callback, EarlyStopping))  # type: ignore[attr-defined]
        trainer.should_stop = trainer.should_stop or any(each.wait_count >= each.patience for each in stopped)
        if not (state := self._stored):
            return
        states = state.get("processes") or [state]
        if len(states) == trainer.world_size:
            state = states[trainer.global_rank]
        else:
            warnings.warn(
                f"the run was trained by {len(states)} processes and continues with {trainer.world_size}: its batches "
                f"are others, so that its weights will differ; `devices` {len(states)} continues exactly",
                stacklevel=2,
            )
        if (threads := torch.get_num_threads()) != state["threads"]:
            warnings.warn(
                f"the run was trained with {state['threads']} threads and continues with {threads}: sums are added in "
                f"another order, so that its weights may differ; OMP_NUM_THREADS={state['threads']} continues exactly",
                stacklevel=2,
            )
        if isinstance(logger := trainer.logger, ExperimentLogger) and "logged" in state:
            logger.num_logged = state["logged"]
            values, epoch, step = state.get("unlogged", [{}, 0, 0])
            if values:
                logger.log_metrics({**values, "epoch": epoch}, step)
        for number, value in state.get("plateau", {}).items():
            trainer.lr_scheduler_configs[number].scheduler.step(value)
        if isinstance(pl_module, SegmentationTask) and "epoch" in state:
            pl_module.load_epoch_state(state["epoch"])
        for name, gradient in state.get("gradients", {}).items():
            parameter = pl_module.get_parameter(name)
            parameter.grad = gradient.to(parameter)
        restore_random_state(state["random"])
        self._stored = {}

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Let a schedule that waits for a value step: Lightning leaves it out in the epoch that is continued."""
        trainer.fit_loop.restarting = False


def random_state() -> dict[str, Any]:
    """The states of the random generators of PyTorch, NumPy and Python, as plain values and tensors."""
    name, keys, *rest = np.random.get_state()
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": [name, torch.from_numpy(np.asarray(keys).astype(np.int64)), *rest],
        "python": random.getstate(),
    }


def restore_random_state(state: dict[str, Any]) -> None:
    """Continue where :func:`random_state` was.

    Example:
        >>> before = random_state()
        >>> draws = torch.rand(2).tolist(), np.random.rand(2).tolist(), random.random()
        >>> restore_random_state(before)
        >>> draws == (torch.rand(2).tolist(), np.random.rand(2).tolist(), random.random())
        True
    """
    torch.set_rng_state(state["torch"].cpu())
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all([each.cpu() for each in state["cuda"]])
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, keys.cpu().numpy().astype(np.uint32), *rest))
    version, values, cached = state["python"]
    random.setstate((version, tuple(values), cached))
