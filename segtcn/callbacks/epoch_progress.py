"""Progress of the whole training in one bar, with the time left."""

from __future__ import annotations

from typing import Any

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import ProgressBar
from tqdm import tqdm

from segtcn.progress import progress_bar


class EpochProgressBar(ProgressBar):
    """One bar over all epochs of training, with the time left; one over the batches of an evaluation.

    Videos are few and epochs many: a bar for each epoch, Lightning's default, would never say when training ends.
    """

    def __init__(self) -> None:
        super().__init__()
        self._bar: tqdm[Any] | None = None
        self._enabled = True

    def disable(self) -> None:  # noqa: D102
        self._enabled = False

    def enable(self) -> None:  # noqa: D102
        self._enabled = True

    def print(self, *args: Any, **kwargs: Any) -> None:  # noqa: D102
        tqdm.write(" ".join(map(str, args)))

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        epochs = trainer.max_epochs
        total = epochs if epochs is not None and epochs >= 0 else None
        self._open("training", total, "epoch", initial=trainer.current_epoch)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        shown = {name: float(value) for name, value in trainer.progress_bar_metrics.items()}
        # one set of scores fits into a line: those that count
        preferred = "val" if any(name.startswith("val/") for name in shown) else "train"
        if self._bar is not None:
            scores = {name: f"{value:.1f}" for name, value in shown.items() if name.startswith(preferred)}
            self._bar.set_postfix(scores, refresh=False)
            self._bar.update()

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        self._open("testing", _finite(trainer.num_test_batches), "batch")

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        self._open("predicting", _finite(trainer.num_predict_batches), "batch")

    def on_test_batch_end(self, *args: Any, **kwargs: Any) -> None:  # noqa: D102
        if self._bar is not None:
            self._bar.update()

    def on_train_end(self, *args: Any) -> None:  # noqa: D102
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    on_predict_batch_end = on_test_batch_end
    on_test_end = on_predict_end = on_exception = on_train_end  # type: ignore[assignment]

    def _open(self, name: str, total: int | None, unit: str, initial: int = 0) -> None:
        self.on_train_end()
        self._bar = progress_bar(name=name, unit=unit, total=total, initial=initial, show=self._enabled)


def _finite(batches: list[int | float]) -> int | None:
    total = sum(batches)
    return int(total) if total != float("inf") else None
