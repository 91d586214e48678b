"""Signals that end a command: the first one cleanly, the second at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STATUS = 143
"""Exit status after SIGTERM, as shells give it; also after SIGUSR1, which clusters send before they end a job."""


_SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGUSR1") if hasattr(signal, name)]  # one on Windows


class TerminatedError(KeyboardInterrupt):
    """SIGTERM or SIGUSR1; a subclass, because all that Ctrl-C leaves complete is complete then too."""


class _State:
    requested = False
    saving = False


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Raise :class:`TerminatedError` on SIGTERM and SIGUSR1, in the main thread; a second one ends the process."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _State.requested = False
    before = {number: signal.signal(number, _handle) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def saved_by_signals() -> Iterator[None]:
    """While it lasts, a signal does not interrupt: Lightning saves when the batch is done, and training ends."""
    from pytorch_lightning.utilities.exceptions import SIGTERMException

    _State.saving = True
    try:
        yield
    except SIGTERMException:
        raise TerminatedError from None
    finally:
        _State.saving = False
    if _State.requested:  # after the last batch, when nothing was left to end
        raise TerminatedError


def _handle(number: int, frame: FrameType | None) -> None:
    if number != signal.SIGTERM:  # the handler of SIGTERM is Lightning's and this one
        signal.raise_signal(signal.SIGTERM)
        return
    if _State.requested:
        os._exit(STATUS)
    _State.requested = True
    if not _State.saving:
        raise TerminatedError
