"""Pictures that wait for the network; when too many wait, the old ones are dropped."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator

from segtcn.video_io import Image


class WaitingPictures:
    """A queue from the thread that reads a source to the one that labels it; it never blocks the reader.

    When more than ``capacity`` pictures wait, all before the newest one whose number is a multiple of ``grid`` are
    dropped: the network sees only those.

    Args:
        capacity: pictures that may wait.
        grid: every how many-th picture the network sees.

    Attributes:
        num_dropped: pictures that were dropped.

    Example:
        >>> waiting = WaitingPictures(capacity=4, grid=2)
        >>> for number in range(5):
        ...     waiting.put(number, None)
        >>> waiting.close()
        >>> [number for number, _ in waiting], waiting.num_dropped
        ([4], 4)
    """

    def __init__(self, capacity: int, grid: int) -> None:
        self.capacity, self.grid = max(capacity, grid), grid
        self.num_dropped = 0
        self.is_closed = False
        self._error: Exception | None = None
        self._pictures: deque[tuple[int, Image]] = deque()
        self._change = threading.Condition()

    def put(self, number: int, picture: Image) -> None:
        """Append a picture; numbers increase."""
        with self._change:
            self._pictures.append((number, picture))
            if len(self._pictures) > self.capacity:
                newest = max((n for n, _ in self._pictures if n % self.grid == 0), default=number)
                while self._pictures[0][0] < newest:
                    self._pictures.popleft()
                    self.num_dropped += 1
            self._change.notify()

    def close(self, error: Exception | None = None) -> None:
        """Nothing more comes, because of an error or not; pictures that wait are still given."""
        with self._change:
            if not self.is_closed:
                self.is_closed, self._error = True, error
            self._change.notify()

    def stop(self) -> None:
        """Close, and throw away what waits."""
        with self._change:
            self.is_closed = True
            self._pictures.clear()
            self._change.notify()

    @property
    def error(self) -> Exception | None:
        """Why nothing more comes; None if the source ended."""
        return self._error

    def __iter__(self) -> Iterator[tuple[int, Image]]:
        while True:
            with self._change:
                while not self._pictures and not self.is_closed:
                    self._change.wait(0.2)  # not for ever: Python handles Ctrl-C between two waits
                if not self._pictures:
                    return
                number, picture = self._pictures.popleft()
            yield number, picture
