"""What ends a command: signals, the first one cleanly, the second at once, and a reader of its output that leaves."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any

STATUS = 143
"""Exit status after SIGTERM, as shells give it; also after those that clusters send before they end a job."""

UNREAD = 141
"""Exit status after the reader of the output has left, as shells give it after SIGPIPE."""

# one on Windows; submitit sends SIGUSR2 before a job's time is over
_SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGUSR1", "SIGUSR2") if hasattr(signal, name)]


class TerminatedError(KeyboardInterrupt):
    """SIGTERM and the like; a subclass, because all that Ctrl-C leaves complete is complete then too."""


class _State:
    requested = False
    saving = False


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Raise :class:`TerminatedError` on SIGTERM, SIGUSR1 and SIGUSR2, in the main thread; a second one ends at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _State.requested = False
    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    hook = sys.unraisablehook
    sys.unraisablehook = partial(_signal_again, hook)
    try:
        yield
    finally:
        sys.unraisablehook = hook
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
    except SystemExit as stop:
        raise_if_interrupted(stop)
        raise
    finally:
        _State.saving = False
    if _State.requested:  # after the last batch, when nothing was left to end
        raise TerminatedError


def _signal_again(hook: Callable[[Any], None], ignored: sys.UnraisableHookArgs) -> None:
    """Where Python has to ignore what a handler raised, in a destructor for example, the signal comes once more."""
    if not isinstance(ignored.exc_value, KeyboardInterrupt):
        hook(ignored)
        return
    is_termination = isinstance(ignored.exc_value, TerminatedError)
    number = signal.SIGTERM if is_termination else signal.SIGINT
    _State.requested = _State.requested and not is_termination
    again = threading.Timer(0.05, signal.pthread_kill, (threading.main_thread().ident, number))
    again.daemon = True
    again.start()


def is_requested() -> bool:
    """Whether a signal has asked the command to end."""
    return _State.requested


def raise_if_interrupted(stop: SystemExit) -> None:
    """Turn the exit that Lightning makes of Ctrl-C back into what it was."""
    if isinstance(stop.__context__, KeyboardInterrupt):
        raise KeyboardInterrupt from stop


def handle(number: int, frame: FrameType | None) -> None:
    """End the command, or while training lasts, remember that it shall end."""
    if number != signal.SIGTERM:  # the handler of SIGTERM is Lightning's and this one
        signal.raise_signal(signal.SIGTERM)
        return
    if _State.requested:
        os._exit(STATUS)
    _State.requested = True
    if not _State.saving:
        raise TerminatedError


def discard_if_unread() -> bool:
    """Discard all further output if its reader has left, as ``head`` does; returns whether it has."""
    try:
        print(flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True
    return False
