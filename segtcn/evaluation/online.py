"""Scores of labels that are spoken while the video runs: for each look-ahead how right, how late, how lasting."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from segtcn.labels import Classes
from segtcn.metrics import evaluate_videos
from segtcn.metrics.functional import detection_delays, frame_accuracy, settled_frames

Labels = npt.NDArray[np.int64]


class OnlineScores(NamedTuple):
    """One row of the table.

    Args:
        lookahead_s: seconds after its frame at which a label is spoken; None: at once, and then revised.
        scores: the field's five scores of the labels that stay, in percent.
        found: true segments that were found at an IoU of 0.5, in percent.
        median_delay_s: of those, from their start until they are known, in seconds; NaN if none was found.
        mean_delay_s: of the same.
        agreement: frames whose label, when first spoken, is the one of the end of the video, in percent.
    """

    lookahead_s: float | None
    scores: dict[str, float]
    found: float
    median_delay_s: float
    mean_delay_s: float
    agreement: float


def score_online(
    revisions: Mapping[str, Labels],
    truth: Mapping[str, Labels],
    lookaheads_s: Sequence[float],
    classes: Classes,
    fps: float,
    protocol: str = "lea",
) -> list[OnlineScores]:
    """Score a network for several look-aheads, and once for labels that are spoken at once and revised.

    Args:
        revisions: of each video, the label of every frame when 0 .. F later frames are known, ``(T, F + 1)``, see
            :func:`segtcn.segmenter.spoken_labels.spoken_labels`.
        truth: of each video, the true labels of the same frames, ``(T,)``.
        lookaheads_s: seconds to wait; infinity waits for all frames that the network uses.
        classes: of the data set.
        fps: of these frames.
        protocol: name of the evaluation protocol.

    Returns:
        A row for each look-ahead, then the revised one; a single row if the network looks at no later frame.

    Raises:
        ValueError: if a look-ahead is negative, or as :func:`segtcn.metrics.evaluate_videos`.
    """
    if not lookaheads_s or min(lookaheads_s) < 0 or any(math.isnan(wait_s) for wait_s in lookaheads_s):
        raise ValueError(f"`lookaheads_s` must be seconds, 0 or more, got {list(lookaheads_s)}")
    rows: list[OnlineScores] = []
    for wait_s in [*lookaheads_s, None]:
        stays, first, spoken = {}, {}, {}
        for name, said in revisions.items():
            last = said.shape[1] - 1
            wait = last if wait_s is None else min(last, math.floor(min(wait_s * fps, last) + 1e-6))
            stays[name], first[name] = said[:, wait], said[:, 0 if wait_s is None else wait]
            moments = np.minimum(np.arange(len(said)) + wait, len(said) - 1)
            spoken[name] = settled_frames(said) if wait_s is None else moments
        evaluation = evaluate_videos(
            stays, truth, protocol, class_names=classes.names, background=classes.background, fps=fps
        )
        found = [detection_delays(stays[n], truth[n], spoken[n], 0.5, evaluation.background) for n in truth]
        delays_s = np.concatenate([video.delays for video in found]) / fps
        num_true = sum(video.num_true for video in found)
        final = np.concatenate([said[:, -1] for said in revisions.values()])
        agreement = float(frame_accuracy(np.concatenate([*first.values()]), final))
        median_s, mean_s = (np.median(delays_s), delays_s.mean()) if len(delays_s) else (math.nan, math.nan)
        share = 100 * len(delays_s) / num_true if num_true else 100.0
        rows.append(OnlineScores(wait_s, evaluation.scores, share, float(median_s), float(mean_s), agreement))
    looks_ahead = any(said.shape[1] > 1 for said in revisions.values())
    return rows if looks_ahead else [rows[0]._replace(lookahead_s=0.0)]
