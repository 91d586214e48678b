r"""A share of the labels of GTEA's training videos, spent in several ways (docs/results/partial_labels.md).

    for way in stretch stretches; do
      segtcn crossval -c ed_tcn -c gtea_lea --data.reader benchmarks.partial_labels.PartlyAnnotatedReader \
        --data.reader.init_args.root DIR --data.reader.init_args.way $way --seeds 0 --trainer.max_epochs 60 \
        --trainer.logger=false --out runs/$way
    done
    python -m benchmarks.partial_labels DIR   # what each way leaves

*segments*: whole segments, as `data.annotated`. *stretches*: a part of every segment, at a random place. *stretch*: one
part of every video, all of whose segments follow each other. *videos*: whole videos, the others have no label.
"""

from __future__ import annotations

import argparse
import zlib
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from segtcn.data.dataset import keep_segments
from segtcn.data.readers import LeaReader
from segtcn.structures import IGNORE, Video, find_runs

Way = Literal["segments", "stretches", "stretch", "videos"]


class PartlyAnnotatedReader(LeaReader):
    """Lea et al.'s release, in which training videos are annotated in part; test videos keep all labels.

    Args:
        way: how the share is spent.
        share: of the frames of the training videos.
        choice: seed of what is kept.
        **others: arguments of the reader.
    """

    def __init__(self, *, way: Way = "segments", share: float = 0.2, choice: int = 0, **others: Any) -> None:
        super().__init__(**others)
        self._way, self._share, self._choice = way, share, choice

    def read(self, name: str, split: int | None = None, labels: bool = True) -> Video:  # noqa: D102
        video = super().read(name, split, labels)
        if video.labels is None or split is None or name not in (train := self.videos(split, "train")):
            return video
        rng = np.random.default_rng([self._choice, zlib.crc32(name.encode())])
        if self._way == "segments":
            return video._replace(labels=keep_segments(video.labels, self._share, rng))
        spans = [(0, len(video.labels))]
        if self._way == "stretches":
            runs = find_runs(video.labels)
            spans = [*zip(runs.starts.tolist(), runs.stops.tolist(), strict=True)]
        if self._way == "videos":
            order = np.random.default_rng(self._choice).permutation(sorted(train)).tolist()
            return (
                video
                if name in order[: round(self._share * len(order))]
                else video._replace(labels=torch.full_like(video.labels, IGNORE))
            )
        return video._replace(labels=_parts(video.labels, spans, self._share, rng))


def _parts(labels: Tensor, spans: list[tuple[int, int]], share: float, rng: np.random.Generator) -> Tensor:
    """Labels of a part of each span; a span of a few frames keeps the share on average."""
    kept = torch.full_like(labels, IGNORE)
    for start, stop in spans:
        length = int(share * (stop - start) + rng.random())
        first = int(rng.integers(start, stop - length + 1))
        kept[first : first + length] = labels[first : first + length]
    return kept


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", help="Lea et al.'s release, see datasets/gtea/README.md")
    root = parser.parse_args().root
    print("| way | labelled frames | segments with a label | changes between labels | classes without a label |")
    for way in get_args(Way):
        counts = []
        for split in (1, 2, 3, 4):
            reader = PartlyAnnotatedReader(root=root, way=way)
            labels = [reader.read(name, split).labels[::5] for name in reader.videos(split, "train")]
            runs = [find_runs(each) for each in labels]
            known = [each.values != IGNORE for each in runs]
            changes = sum(int((each[1:] & each[:-1]).sum()) for each in known)
            classes = {int(label) for each in labels for label in each.unique()} - {IGNORE}
            share = sum(int((each != IGNORE).sum()) for each in labels) / sum(map(len, labels))
            counts.append([share, sum(int(each.sum()) for each in known), changes, 11 - len(classes)])
        share, segments, changes, absent = np.mean(counts, axis=0)
        print(f"| {way} | {100 * share:.0f} % | {segments:.0f} | {changes:.0f} | {absent:.1f} |")


if __name__ == "__main__":
    main()
