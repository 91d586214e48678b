"""What a call may do to the process that it runs in, and what is left of it."""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from segtcn.data.readers import MSTCNReader
from segtcn.labels.video_lists import ListError
from segtcn.prepare.check import ChildProcess, Limits, check_data
from segtcn.prepare.check.child_process import ProcessEndedError
from segtcn.structures import Video

LIMITS = Limits(seconds=0.5, memory_gib=0.5)


def crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def spin() -> None:
    while True:
        pass


def fill_memory() -> int:
    return len(np.ones(2**30, dtype=np.int8))


def refuse() -> None:
    raise ListError("a list is wrong", ["tea"])


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (crash, r"^reading it ended the process \(signal SIGSEGV\)$"),
        (os.abort, r"^reading it ended the process \(signal SIGABRT\)$"),
        (lambda: os._exit(3), r"^reading it ended the process \(exit status 3\)$"),
        (spin, r"^reading it took more than 0\.5 s"),
        (lambda: time.sleep(60), r"^reading it took more than 0\.5 s"),
    ],
)
def test_a_call_that_ends_its_process_is_an_error_and_the_next_one_works(harm: object, message: str) -> None:
    with ChildProcess(harm, limits=LIMITS) as child:
        first = child.call(_process)
        for _ in range(2):
            with pytest.raises(ProcessEndedError, match=message):
                child.call(_do)
        assert child.call(_process) not in (first, os.getpid())


def _do(harm: object) -> object:
    return harm()


def _process(_: object) -> int:
    return os.getpid()


def test_errors_and_a_lack_of_memory_come_back_and_the_process_stays() -> None:
    with ChildProcess(limits=LIMITS) as child:
        process = child.call(os.getpid)
        with pytest.raises(MemoryError, match="Unable to allocate"):
            child.call(fill_memory)
        with pytest.raises(ListError, match="a list is wrong") as caught:
            child.call(refuse)
        assert caught.value.names == ["tea"]
        assert child.call(os.getpid) == process
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


class Harmful(MSTCNReader):
    """A reader whose library does not survive some files."""

    def read(self, name: str, split: int | None = None, labels: bool = True) -> Video:
        if name == "P01_soup":
            crash()
        if name == "P02_tea":
            time.sleep(60)
        return super().read(name, split, labels)


def test_a_check_survives_files_that_end_its_process_and_reads_the_others(write_ms_tcn_tree) -> None:
    root: Path = write_ms_tcn_tree()
    report = check_data(Harmful(str(root)), limits=LIMITS)
    remedy = "; fetch it or make it again"
    messages = {problem.where: problem.message for problem in report.errors if problem.kind == "unreadable"}
    assert messages == {
        "P01_soup": f"{root}/features/P01_soup.npy is damaged: reading it ended the process (signal SIGSEGV)" + remedy,
        "P02_tea": f"{root}/features/P02_tea.npy is damaged: reading it took more than 0.5 s (signal SIGKILL)" + remedy,
    }
    assert {name for name, _ in report.facts.videos} == {"P01_tea", "P02_soup"}


class Waiting:
    """Garbage that waits for its own process when it is destroyed, as a decoder waits for its threads."""

    def __init__(self) -> None:
        self.cycle, self.process = self, os.getpid()

    def __del__(self) -> None:
        if os.getpid() != self.process:
            time.sleep(60)


@pytest.mark.skipif(sys.platform != "linux", reason="a spawned process has nothing of its parent's")
def test_garbage_of_the_parent_is_not_destroyed_in_the_child() -> None:
    gc.disable()
    try:
        Waiting()
        with ChildProcess(limits=Limits(seconds=5)) as child:
            assert isinstance(child.call(gc.collect), int)
    finally:
        gc.enable()
