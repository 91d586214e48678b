"""Scores of labels that are spoken while the video runs: for each look-ahead how right, how late, how lasting."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from segtcn.labels import Classes
from segtcn.metrics import evaluate_videos
from segtcn.metrics.functional import detection_delays, frame_accuracy, settled_frames
from segtcn.metrics.functional.sequences import Frames


class OnlineScores(NamedTuple):
    """One row of the table.

    Args:
        lookahead_s: seconds after its frame at which a label is spoken; None: at once, and then revised.
        scores: the field's five scores of the labels that stay, in percent.
        recall: true segments that were found at an IoU of 0.5, in percent.
        median_delay_s: of those, from their start until they are known, in seconds; NaN if none was found.
        mean_delay_s: of the same.
        agreement: frames whose label, when first spoken, is the one of the end of the video, in percent.
    """

    lookahead_s: float | None
    scores: dict[str, float]
    recall: float
    median_delay_s: float
    mean_delay_s: float
    agreement: float


def score_online(
    revisions: Mapping[str, Frames],
    truth: Mapping[str, Frames],
    lookaheads_s: Sequence[float],
    classes: Classes,
    fps: float,
    protocol: str = "lea",
) -> list[OnlineScores]:
    """Score a network for several look-aheads, and once for labels that are spoken at once and revised.

    Args:
        revisions: of each video, the label of every frame when 0 .. F later frames are known, ``(T, F + 1)``, see
            :func:`segtcn.segmenter.stream.spoken_labels`.
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
    waits_s = [*lookaheads_s, None] if any(labels.shape[1] > 1 for labels in revisions.values()) else [None]
    rows = [_row(revisions, truth, wait_s, classes, fps, protocol) for wait_s in waits_s]
    return rows if len(rows) > 1 else [rows[0]._replace(lookahead_s=0.0)]


def _row(
    revisions: Mapping[str, Frames],
    truth: Mapping[str, Frames],
    wait_s: float | None,
    classes: Classes,
    fps: float,
    protocol: str,
) -> OnlineScores:
    lasting, first, moments = {}, {}, {}
    for name, labels in revisions.items():
        num_frames, last = len(labels), labels.shape[1] - 1
        wait = last if wait_s is None else min(last, math.floor(min(wait_s * fps, last) + 1e-6))
        lasting[name], first[name] = labels[:, wait], labels[:, 0 if wait_s is None else wait]
        known = np.minimum(np.arange(num_frames) + wait, num_frames - 1)
        moments[name] = settled_frames(labels) if wait_s is None else known
    evaluation = evaluate_videos(
        lasting, truth, protocol, class_names=classes.names, background=classes.background, fps=fps
    )
    videos = [detection_delays(lasting[n], truth[n], moments[n], 0.5, evaluation.background) for n in truth]
    delays_s = np.concatenate([video.delays for video in videos]) / fps
    num_true = sum(video.num_true for video in videos)
    final = np.concatenate([labels[:, -1] for labels in revisions.values()])
    agreement = float(frame_accuracy(np.concatenate([*first.values()]), final))
    median_s, mean_s = (np.median(delays_s), delays_s.mean()) if len(delays_s) else (math.nan, math.nan)
    recall = 100 * len(delays_s) / num_true if num_true else 100.0
    return OnlineScores(wait_s, evaluation.scores, recall, float(median_s), float(mean_s), agreement)
