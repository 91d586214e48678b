"""The scores of a training's validation, for whoever decides about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer


class ValidationReport(Callback):
    """Call a function after each validation while training; what it raises ends training.

    Args:
        metric: name of the value, such as ``val/f1@50``.
        report: takes the value and the number of the epoch.

    Attributes:
        values: that were reported, those before a run was continued included.
    """

    def __init__(self, metric: str, report: Callable[[float, int], None]) -> None:
        self.metric, self.report = metric, report
        self.values: list[float] = []

    def state_dict(self) -> dict[str, Any]:  # noqa: D102
        return {"values": self.values}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:  # noqa: D102
        self.values = [*state_dict["values"]]

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Report the value.

        Raises:
            ValueError: if nothing of that name was logged.
        """
        if trainer.sanity_checking:
            return
        if self.metric not in trainer.callback_metrics:
            known = ", ".join(name for name in trainer.callback_metrics if name.startswith("val/"))
            raise ValueError(f"no value {self.metric!r} is logged by validation; there are {known}")
        self.values.append(float(trainer.callback_metrics[self.metric]))
        self.report(self.values[-1], trainer.current_epoch)
