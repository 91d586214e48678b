"""Which videos make a batch, and in which order: random, by length, or limited in frames."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from torch.utils.data import BatchSampler, Dataset, DistributedSampler, Sampler

from segtcn.data.dataset import Sample


class Draw(NamedTuple):
    """A video to train on.

    The epoch travels with the index because workers live longer than an epoch: nothing else tells them.

    Args:
        video: its index in the data set.
        epoch: that it is drawn for.
        counts: False for a video that another process trains on: it keeps a process in step, and nothing counts it.
    """

    video: int
    epoch: int
    counts: bool = True


class Shuffle(Sampler[Draw]):
    """Another order every epoch that depends on seed and epoch only, so that a resumed run continues as it would have.

    Lightning calls :meth:`set_epoch` before every epoch; a plain loop gets the next order by iterating again.

    Args:
        length: number of videos.
        seed: of the order.
        epoch: the first.
        start: how many videos of the first epoch to leave out, for a run that continues in the middle of it.
        weights: how likely each video is to be drawn, which may then occur several times in an epoch or not at all;
            they add up to 1. None: each occurs once.
    """

    def __init__(
        self, length: int, seed: int = 0, epoch: int = 0, start: int = 0, weights: Sequence[float] | None = None
    ) -> None:
        self.length, self.weights = length, weights
        self.seed = seed
        self.epoch = epoch
        self.start = start

    def set_epoch(self, epoch: int) -> None:
        """Let the next iteration be that of ``epoch``."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Number of videos."""
        return self.length

    def __iter__(self) -> Iterator[Draw]:
        """The videos in the order of the epoch."""
        rng = np.random.default_rng([self.seed, self.epoch])
        drawn = (
            rng.permutation(self.length)
            if self.weights is None
            else rng.choice(self.length, self.length, p=self.weights)
        )
        draws = [Draw(index, self.epoch) for index in drawn.tolist()]
        self.epoch += 1
        start, self.start = self.start, 0
        yield from draws[start:]


class BucketSampler(DistributedSampler[list[Draw]]):
    """Batches of videos of similar length, in random order; like :class:`Shuffle` by seed and epoch only.

    Videos are sorted by length times a random factor and cut into batches, so that neighbours change from epoch to
    epoch; then the batches are shuffled. Number and sizes of the batches are the same in every epoch.

    Processes that train together (DDP) get batches of similar length at the same time and equally many: where the
    batches cannot be divided, some are drawn twice, and count once.

    Args:
        lengths: frames of each video.
        batch_size: videos in a batch, at most.
        max_frames: limit of the frames of a batch, padding included; a longer video is a batch of its own. None: no
            limit.
        jitter: the random factor lies between ``exp(-jitter)`` and ``exp(jitter)``.
        seed: of the order.
        num_replicas: number of processes.
        rank: number of this process.

    Attributes:
        start: how many batches of the next epoch to leave out, for a run that continues in the middle of it.

    Raises:
        ValueError: if an argument is out of range.

    Example:
        >>> sampler = BucketSampler([90, 10, 40, 41, 11], batch_size=2, max_frames=95)
        >>> sorted(sorted(draw.video for draw in batch) for batch in sampler)
        [[0], [1, 4], [2, 3]]
    """

    def __init__(
        self,
        lengths: Sequence[int],
        batch_size: int,
        max_frames: int | None = None,
        jitter: float = 0.1,
        seed: int = 0,
        num_replicas: int = 1,
        rank: int = 0,
    ) -> None:
        if batch_size < 1 or (max_frames is not None and max_frames < 1):
            raise ValueError(f"`batch_size` and `max_frames` must be at least 1, got {batch_size} and {max_frames}")
        if not 0 <= jitter < math.inf:
            raise ValueError(f"`jitter` must not be negative, got {jitter}")
        # a `DistributedSampler`, because Lightning would put another one around everything else
        super().__init__(list(lengths), num_replicas=num_replicas, rank=rank, seed=seed)  # type: ignore[arg-type]
        self.start = 0
        self._lengths = np.asarray(lengths, dtype=np.int64)
        self._jitter = jitter
        self._sizes = self._batch_sizes(batch_size, max_frames)

    def __len__(self) -> int:
        """Number of batches of this process."""
        return math.ceil(len(self._sizes) / self.num_replicas)

    def __iter__(self) -> Iterator[list[Draw]]:
        """The batches of this process in the order of the epoch."""
        rng = np.random.default_rng([self.seed, self.epoch])
        factors = np.exp(rng.uniform(-self._jitter, self._jitter, len(self._lengths)))
        order = np.argsort(-self._lengths * factors, kind="stable")
        batches = np.split(order, np.cumsum(self._sizes)[:-1])
        missing = len(self) * self.num_replicas - len(batches)
        num_real = len(batches)
        batches += [batches[number] for number in rng.integers(len(batches), size=missing)]
        steps = rng.permutation(len(self))
        numbers = [step * self.num_replicas + self.rank for step in steps]
        draws = [[Draw(index, self.epoch, n < num_real) for index in batches[n].tolist()] for n in numbers]
        self.epoch += 1
        start, self.start = self.start, 0
        yield from draws[start:]  # a generator: loaders with workers call `iter` twice and use the second

    def _batch_sizes(self, batch_size: int, max_frames: int | None) -> list[int]:
        """Videos of each batch, from the longest videos to the shortest, such that no epoch breaks the limit."""
        lengths = np.sort(self._lengths)[::-1]
        sizes: list[int] = []
        start = 0
        while start < len(lengths):
            size = batch_size
            if max_frames is not None:
                # a factor of exp(jitter) at most moves a video ahead, one of exp(-jitter) those that it overtakes back
                reach = math.ceil(lengths[start] * math.exp(2 * self._jitter))
                longest = int(lengths[lengths <= reach][0])
                size = max(1, min(batch_size, max_frames // longest))
            sizes.append(min(size, len(lengths) - start))
            start += size
        return sizes


class SharedShuffle(DistributedSampler[list[Draw]]):
    """The batches of :class:`Shuffle`, each dealt to several processes: videos of similar length meet in a step.

    Where a batch has fewer videos than there are processes, the others draw one that does not count.

    Args:
        lengths: frames of each video.
        batch_size: videos of a process in a step, at most.
        num_replicas: number of processes.
        rank: number of this process.
        seed: of the order.
        weights: as of :class:`Shuffle`.

    Attributes:
        start: how many batches of the next epoch to leave out.

    Example:
        >>> [list(SharedShuffle([9, 9, 9], 1, 2, rank)) for rank in (0, 1)]
        [[[Draw(video=2, epoch=0, counts=True)], [Draw(video=1, epoch=0, counts=True)]],
         [[Draw(video=0, epoch=0, counts=True)], [Draw(video=1, epoch=0, counts=False)]]]
    """

    def __init__(
        self,
        lengths: Sequence[int],
        batch_size: int,
        num_replicas: int,
        rank: int,
        seed: int = 0,
        weights: Sequence[float] | None = None,
    ) -> None:
        super().__init__(list(lengths), num_replicas=num_replicas, rank=rank, seed=seed)  # type: ignore[arg-type]
        self._lengths, self._batch, self._weights = lengths, batch_size * num_replicas, weights
        self.start = 0

    def __len__(self) -> int:
        """Number of batches of this process, that of every process."""
        return math.ceil(len(self._lengths) / self._batch)

    def __iter__(self) -> Iterator[list[Draw]]:
        """The batches of this process in the order of the epoch."""
        draws = [*Shuffle(len(self._lengths), self.seed, self.epoch, weights=self._weights)]
        self.epoch += 1
        start, self.start = self.start, 0
        for first in range(start * self._batch, len(draws), self._batch):
            batch = sorted(draws[first : first + self._batch], key=lambda draw: -self._lengths[draw.video])
            yield batch[self.rank :: self.num_replicas] or [batch[0]._replace(counts=False)]


class SharedBatches(DistributedSampler[list[Draw]]):
    """Every n-th batch: processes that score together see each video once, in the batches of a single process.

    A process that no batch is left for gets a video that does not count: Lightning would leave it out, and the others
    would wait for it.

    Args:
        batches: indexes of the videos of each batch.
        num_replicas: number of processes.
        rank: number of this process.

    Example:
        >>> shares = [SharedBatches([[0, 1], [2], [3]], 2, rank) for rank in (0, 1)]
        >>> [[[draw.video for draw in batch] for batch in share] for share in shares]
        [[[0, 1], [3]], [[2]]]
    """

    def __init__(self, batches: Iterable[list[int]], num_replicas: int, rank: int) -> None:
        draws = [[Draw(index, 0) for index in batch] for batch in batches]
        self._batches = draws[rank::num_replicas] or [[draws[0][0]._replace(counts=False)]]
        super().__init__(self._batches, num_replicas=num_replicas, rank=rank)  # type: ignore[arg-type]

    def __len__(self) -> int:
        """Number of batches of this process."""
        return len(self._batches)

    def __iter__(self) -> Iterator[list[Draw]]:
        """The batches of this process."""
        return iter(self._batches)


class CappedBatches(BatchSampler):
    """Videos in the order of a sampler, as many in a batch as the limits allow.

    Args:
        sampler: indexes of the videos.
        batch_size: videos in a batch, at most.
        drop_last: must be False; Lightning sets it.
        lengths: frames of each video.
        max_frames: limit of the frames of a batch, padding included; a longer video is a batch of its own.

    Raises:
        ValueError: if a limit is below 1 or ``drop_last`` is set.

    Example:
        >>> list(CappedBatches(range(4), batch_size=3, lengths=[5, 5, 9, 1], max_frames=12))
        [[0, 1], [2], [3]]
    """

    def __init__(
        self,
        sampler: Iterable[int],
        batch_size: int,
        drop_last: bool = False,
        lengths: Sequence[int] = (),
        max_frames: int = 1,
    ) -> None:
        if max_frames < 1 or drop_last:
            raise ValueError(f"`max_frames` must be at least 1 and `drop_last` False, got {max_frames} and {drop_last}")
        super().__init__(sampler, batch_size, drop_last)
        self._lengths = list(lengths)
        self._max_frames = max_frames

    def __len__(self) -> int:
        """Number of batches."""
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[list[int]]:
        """The batches, one after the other."""
        batch: list[int] = []
        for index in self.sampler:
            longest = max(self._lengths[other] for other in [*batch, index])
            if batch and (len(batch) == self.batch_size or longest * (len(batch) + 1) > self._max_frames):
                yield batch
                batch = []
            batch.append(index)
        if batch:
            yield batch


class WholeBatches(Dataset[list[Sample]]):
    """A data set that is asked for batches, for a loader whose sampler makes them.

    Args:
        dataset: of single videos.
    """

    def __init__(self, dataset: Dataset[Sample]) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        """Number of videos."""
        return len(self.dataset)  # type: ignore[arg-type]

    def __getitem__(self, draws: list[Draw] | int) -> list[Sample]:
        """The videos of a batch; Lightning's ``overfit_batches`` asks for single ones."""
        return [self.dataset[draw] for draw in (draws if isinstance(draws, list) else [draws])]
