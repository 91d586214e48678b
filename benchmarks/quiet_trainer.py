"""The trainer of the benchmarks: on the processor, without bars, logs and files."""

from __future__ import annotations

from typing import Any

from pytorch_lightning import Trainer


def quiet_trainer(epochs: int, **options: Any) -> Trainer:
    """A trainer that shows and writes nothing."""
    return Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **options,
    )
