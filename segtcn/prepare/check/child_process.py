"""Calls in a child process: a damaged file that crashes, blocks or bloats a library does no more harm than an error."""

from __future__ import annotations

import gc
import multiprocessing
import signal
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self, TypeVar

import torch

Result = TypeVar("Result")


class ProcessEndedError(ValueError):
    """A call ended the process in which it ran."""


@dataclass(frozen=True)
class Limits:
    """What a call in a child process may take.

    Args:
        seconds: by the clock, and of the processor's time.
        memory_gib: beside what a process takes when it starts; on Linux only.
    """

    seconds: float = 600.0
    memory_gib: float = 8.0


class ChildProcess:
    """A process that is kept for many calls, and replaced when one of them ends it.

    Args:
        *bound: first arguments of every call. A forked child has them from the start: they are not sent.
        limits: of every call.

    Example:
        >>> with ChildProcess(7) as child:
        ...     child.call(divmod, 2)
        (3, 1)
    """

    def __init__(self, *bound: object, limits: Limits | None = None) -> None:
        self._bound = bound
        self._limits = limits or Limits()
        self._process: Any = None
        self._connection: Connection

    def __enter__(self) -> Self:
        """The process starts with the first call."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self._end()

    def call(self, function: Callable[..., Result], *args: object) -> Result:
        """Call a function in the child.

        Args:
            function: of a module; takes the bound arguments first.
            *args: the others; like the result they can be pickled, and should be small.

        Raises:
            ProcessEndedError: if the call ended the process, or took too long.
            Exception: whatever the function raises.
        """
        if self._process is None:
            self._start()
        try:
            self._connection.send((function, args))
            if not self._connection.poll(self._limits.seconds):
                raise ProcessEndedError(
                    f"reading it took more than {self._limits.seconds:g} s ({self._end(kill=True)})"
                )
            has_failed, result = self._connection.recv()
        except (EOFError, ConnectionError) as error:
            raise ProcessEndedError(f"reading it ended the process ({self._end()})") from error
        if has_failed:
            raise result
        return result

    def _start(self) -> None:
        # a fork starts within milliseconds, as the workers of a data loader do; elsewhere libraries do not survive it
        context: Any = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
        self._connection, other_end = context.Pipe()
        arguments = (other_end, self._connection, self._bound, self._limits)
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12: of the threads, which the child has not
            self._process.start()
        other_end.close()

    def _end(self, kill: bool = False) -> str:
        """End the process, by closing its connection where that will do; returns how it ended."""
        if self._process is None:
            return ""
        self._connection.close()
        if not kill:
            self._process.join(timeout=1)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()
        code, self._process = self._process.exitcode, None
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"


def _serve(connection: Connection, parents_end: Connection, bound: tuple[object, ...], limits: Limits) -> None:
    """Answer calls until the other end is closed."""
    parents_end.close()  # or the pipe would stay open when the parent has ended
    gc.freeze()  # garbage of a forked parent is not destroyed here, where it may wait for a thread that only it has
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, which ends this process
    torch.set_num_threads(1)  # a fork has none of its parent's threads
    _limit_memory(limits.memory_gib)
    while True:
        try:
            function, args = connection.recv()
        except EOFError:
            return
        _limit_time(limits.seconds)
        reply: tuple[bool, object]
        try:
            reply = False, function(*bound, *args)
        except Exception as error:  # is raised in the parent
            reply = True, error
        connection.send(reply)


def _limit_memory(gib: float) -> None:
    if sys.platform == "linux":
        import resource

        present = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (present + int(gib * 2**30), hard))


def _limit_time(seconds: float) -> None:
    """The clock ends a call in the parent; this ends one whose parent has ended, too."""
    if sys.platform != "win32":
        import resource

        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + seconds) + 1, hard))
