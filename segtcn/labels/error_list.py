"""All that is wrong with files, in one error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

_SHOWN = 20


class LabelFilesError(ValueError):
    """What is wrong with files, the first twenty and a count.

    Args:
        messages: each names its file; one alone is the whole text.
    """

    def __init__(self, messages: Sequence[str]) -> None:
        self.messages = tuple(messages)
        more = len(self.messages) - _SHOWN
        lines = [*self.messages[:_SHOWN], *([f"and {more} more"] if more > 0 else [])]
        super().__init__(lines[0] if len(lines) == 1 else f"{len(self.messages)} errors:\n  " + "\n  ".join(lines))


class ErrorList:
    """Collects errors of values, so that a person sees all of them at the first start.

    Example:
        >>> errors = ErrorList()
        >>> for text in ("1", "x", "y"):
        ...     with errors.collect():
        ...         _ = int(text)
        >>> len(errors.messages)
        2
    """

    def __init__(self) -> None:
        self.messages: list[str] = []

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Keep a ``ValueError`` for later."""
        try:
            yield
        except LabelFilesError as error:
            self.messages += error.messages
        except ValueError as error:
            self.messages.append(str(error))

    def raise_any(self) -> None:
        """Raise what was collected.

        Raises:
            LabelFilesError: if there is anything.
        """
        if self.messages:
            raise LabelFilesError([*dict.fromkeys(self.messages)])
