"""What a command says beside its result: `note: ...` on stderr, each text once."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager


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
