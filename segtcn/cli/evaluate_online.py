"""``segtcn evaluate --online``: how right and how late the labels of a network are while a video runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from segtcn.cli.network_module import Module, import_module
from segtcn.cli.notes import quieten
from segtcn.cli.parser import UsageError
from segtcn.text_table import SCORE_HEADINGS

if TYPE_CHECKING:
    from segtcn.evaluation.online import OnlineScores

HEADER = ["look-ahead / s", *SCORE_HEADINGS.values(), "found", "median delay / s", "mean delay / s", "unchanged"]


@dataclass(frozen=True)
class Online:
    """Labels while a video runs (definitions: docs/protocols.md).

    Args:
        online: score the networks of runs with little look-ahead: scores, delay of the segments that are found at an
            IoU of 0.5, and how many labels are the same at the end. Several runs, such as one a split: their mean.
        lookahead: seconds that a label waits for; `inf` for all frames that the network uses.
        module: imported first: it defines a network of yours.
    """

    online: bool = False
    lookahead: Annotated[str, "SECONDS"] = "0,0.5,1,2,5,inf"
    module: Module | None = None


def score_runs(
    runs: Sequence[Path], online: Online, protocol: str | None, overrides: Sequence[str]
) -> list[list[OnlineScores]]:
    """The rows of each run.

    Raises:
        UsageError: if ``lookahead`` does not consist of numbers.
    """
    try:
        lookaheads_s = [float(word) for word in online.lookahead.split(",")]
    except ValueError as error:
        raise UsageError(
            f"`lookahead` takes seconds with commas, such as 0,0.5,inf, got {online.lookahead!r}"
        ) from error
    import_module(online.module)
    return [_score(run, lookaheads_s, protocol, overrides) for run in runs]


def _score(
    run: Path, lookaheads_s: Sequence[float], protocol: str | None, overrides: Sequence[str]
) -> list[OnlineScores]:
    import numpy as np

    from segtcn.cli.config_words import check_modules
    from segtcn.data.datamodule import SegmentationDataModule
    from segtcn.data_source import open_data
    from segtcn.evaluation.online import score_online
    from segtcn.progress import progress_bar
    from segtcn.segmenter import load
    from segtcn.segmenter.stream import spoken_labels

    quieten()
    segmenter = load(run)
    check_modules([run / "config.yaml"])
    source = open_data(None, [run / "config.yaml"], overrides)
    videos = SegmentationDataModule(source.reader, **{**source.options, "sample_rate": 1}).dataset("test")
    fps = segmenter.network_fps
    if fps is None:
        raise ValueError(f"{run} does not say the rate of its features, and a delay is in seconds: train it again")
    revisions, truth = {}, {}
    for number in progress_bar(range(len(videos)), run.name, unit="video", keep=False):
        video = videos[number].video
        revisions[video.name] = spoken_labels(segmenter, video.features)
        truth[video.name] = np.asarray(video.labels)[:: segmenter.sample_rate]
    return score_online(revisions, truth, lookaheads_s, segmenter.classes, fps, protocol or segmenter.protocol)


def mean_rows(runs: Sequence[Sequence[OnlineScores]]) -> list[list[str]]:
    """Cells of the table, the mean over the runs; a delay of a run without a found segment does not enter."""

    def mean(values: Sequence[float], digits: int = 1) -> str:
        known = [value for value in values if not math.isnan(value)]
        return f"{sum(known) / len(known):.{digits}f}" if known else "-"

    table = []
    for rows in zip(*runs, strict=True):
        wait_s = rows[0].lookahead_s
        table.append(
            [
                "0 then revised" if wait_s is None else "all" if math.isinf(wait_s) else f"{wait_s:g}",
                *(mean([row.scores[key] for row in rows]) for key in SCORE_HEADINGS),
                mean([row.recall for row in rows]),
                mean([row.median_delay_s for row in rows], 2),
                mean([row.mean_delay_s for row in rows], 2),
                mean([row.agreement for row in rows]),
            ]
        )
    return table
