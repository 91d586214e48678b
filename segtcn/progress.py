"""Progress of long work: a bar on a terminal, plain lines with the time left where the output is a file."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm

LINE_S = 10.0
"""Seconds between two lines where the output is not a terminal."""


def progress_bar(
    iterable: Iterable[Any] | None = None,
    name: str = "",
    *,
    unit: str,
    total: int | None = None,
    initial: int = 0,
    show: bool = True,
    keep: bool = True,
) -> tqdm[Any]:
    """Show how far work has come, and how long the rest will take.

    Args:
        iterable: the items; None where calls of ``update`` count them.
        name: what is done.
        unit: what is counted, in the singular.
        total: how many there are; None takes the length of ``iterable``.
        initial: how many were done before.
        show: whether to show anything.
        keep: whether the bar, or the last line, stays when the work is done.

    Returns:
        A bar of ``tqdm`` on standard error. Where that is not a terminal, it prints a line every :data:`LINE_S`
        seconds and one at the end.

    Example:
        >>> sum(progress_bar(range(3), "add", unit="number", show=False))
        3
    """
    options: dict[str, Any] = {"desc": name, "unit": unit, "total": total, "initial": initial, "leave": keep}
    options |= {"disable": not show, "smoothing": 0.05}  # with more, the time left would jump: videos differ in length
    if sys.stderr.isatty():
        return tqdm(iterable, dynamic_ncols=True, **options)
    return _Lines(iterable, mininterval=LINE_S, miniters=1, **options)


class _Lines(tqdm):  # type: ignore[type-arg]
    """A bar that prints each of its states on a line of its own: in a log file, nothing is overwritten."""

    monitor_interval = 0  # tqdm's thread would print in between
    _last_state: tuple[Any, ...] = ()

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Print a line, unless nothing has changed; tqdm passes an empty message to clear a bar."""
        state = (self.n, self.postfix)
        if msg != "" and hasattr(self, "start_t") and state != self._last_state:
            self._last_state = state
            print(self, file=self.fp, flush=True)

    def close(self) -> None:
        if not self.disable and self.leave:
            self.display()
        self.leave = False  # the parent would end the line once more
        super().close()

    def clear(self, *args: Any, **kwargs: Any) -> None:
        """Lines stay where they are."""

    def __str__(self) -> str:
        """``training: 20 of 60 epochs (33 %), 01:20 gone, 02:40 left, 0.25 epochs/s, val/edit=53.2``."""
        units = f"{self.unit}es" if self.unit.endswith("tch") else f"{self.unit}s"
        elapsed_s = self.format_dict["elapsed"]
        rate = (self.n - self.initial) / max(elapsed_s, 1e-9)
        parts = [f"{self.n} {units}", f"{self.format_interval(elapsed_s)} gone"]
        if self.total:
            parts[0] = f"{self.n} of {self.total} {units} ({100 * self.n / self.total:.0f} %)"
            if rate > 0 and self.n < self.total:
                parts.append(f"{self.format_interval((self.total - self.n) / rate)} left")
        parts.append(f"{rate:,.0f} {units}/s" if rate >= 100 else f"{rate:.3g} {units}/s")
        return f"{self.desc.removesuffix(': ')}: " + ", ".join([*parts, *([str(self.postfix)] if self.postfix else [])])
