"""What a command says beside its result, ``note: ...`` on stderr, each text once; and what libraries shall not say."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def warnings_as_notes(quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Print the warnings about a user's data as notes.

    Args:
        quiet: print none of them.

    Returns:
        Prints another note.
    """
    printed: set[str] = set()

    def print_note(text: str) -> None:
        if text not in printed:
            print(f"note: {text}", file=sys.stderr)
        printed.add(text)

    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: print_note(str(message))
        warnings.simplefilter("ignore" if quiet else "always", UserWarning)
        yield print_note


def format_as_note(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    r"""For ``warnings.formatwarning``: the line of the library that warns tells users nothing.

    Example:
        >>> format_as_note("a.txt is empty", UserWarning, "files.py", 12)
        'note: a.txt is empty\n'
    """
    return f"{'note' if issubclass(category, UserWarning) else category.__name__}: {message}\n"


def raise_failed(failed: Mapping[str, str], paths: Mapping[str, Path]) -> None:
    """End a command that has done all videos but some.

    Args:
        failed: what was wrong with each, by its name; nothing is raised where there is none.
        paths: the files of all videos.

    Raises:
        ValueError: naming the videos that failed.
    """
    if failed:
        reasons = [text if str(paths[name]) in text else f"{paths[name]}: {text}" for name, text in failed.items()]
        others = ", the others are done" if len(failed) < len(paths) else ""
        raise ValueError("\n  ".join([f"{len(failed)} of {len(paths)} videos failed{others}:", *reasons]))


def quieten() -> None:
    """Keep warnings about the data and the run; drop advertisements and deprecations between other libraries."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", message=r"`isinstance\(treespec, LeafSpec\)` is deprecated")
    # meant: a run that continues; one that would overwrite another is refused before
    warnings.filterwarnings("ignore", message="Checkpoint directory .* exists and is not empty")
    # the samplers know the position in the epoch themselves
    warnings.filterwarnings("ignore", message="You're resuming from a checkpoint that ended before the epoch ended")
    # the checkpoint holds the averaged weights, which are those to test
    warnings.filterwarnings("ignore", message="You're using the WeightAveraging callback, but loading a checkpoint")
    # what the task logs was computed over all processes
    warnings.filterwarnings("ignore", message="It is recommended to use .*sync_dist=True")
    # SLURM may be installed where nobody uses it
    warnings.filterwarnings("ignore", message="The `srun` command is available on your system but is not used")
    # schedules of PyTorch that are stepped every epoch, as documented
    warnings.filterwarnings("ignore", message=".*scheduler is using 'interval': 'epoch'")
    os.environ.setdefault("JSONARGPARSE_DEPRECATION_WARNINGS", "off")
