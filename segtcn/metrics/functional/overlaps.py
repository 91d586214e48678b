"""Which predicted segment overlaps which true one, and by how much."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from segtcn.metrics.functional.sequences import Frames
from segtcn.structures import Runs, find_runs


class Pieces(NamedTuple):
    """The stretches of time that lie in one predicted and one true run each, in time order, P of them.

    Args:
        pred: index of the predicted run, ``(P,)``.
        true: index of the true run, ``(P,)``.
        length: frames, ``(P,)``; 0 for what is left of a last run without its only frame.
    """

    pred: Frames
    true: Frames
    length: Frames


def common_pieces(pred: Runs, true: Runs) -> Pieces:
    """Cut time where a run of either sequence starts.

    A predicted and a true run overlap in one piece at most, so R and R' runs have at most R + R' pieces. Each piece is
    visited once, instead of R * R' pairs.

    Args:
        pred: predicted runs, see :func:`~segtcn.metrics.functional.sequences.scored_runs`.
        true: true runs of the same frames.

    Returns:
        The pieces in time order.

    Example:
        >>> common_pieces(find_runs([1, 1, 1, 2]), find_runs([1, 1, 2, 2]))
        Pieces(pred=array([0, 0, 1]), true=array([0, 1, 1]), length=array([2, 1, 1]))
    """
    cuts = np.concatenate([pred.starts, true.starts])
    cuts.sort()
    cuts = find_runs(cuts).values
    pred_run = np.searchsorted(pred.starts, cuts, side="right") - 1
    true_run = np.searchsorted(true.starts, cuts, side="right") - 1
    return Pieces(pred_run, true_run, np.minimum(pred.stops[pred_run], true.stops[true_run]) - cuts)


def best_ious(pred: Runs, true: Runs, pieces: Pieces) -> NDArray[np.float64]:
    """The largest intersection over union (IoU) by which a predicted run found each true run.

    Every predicted run chooses the true run of its class with the largest IoU, the first in time where two are equal,
    and no other.

    Args:
        pred: predicted runs.
        true: true runs, R of them.
        pieces: of both.

    Returns:
        Of each true run, the largest IoU among the predicted runs that chose it, 0 if none did, ``(R,)``.

    Example:
        >>> pred, true = find_runs([1, 1, 1, 2]), find_runs([1, 1, 2, 2])
        >>> best_ious(pred, true, common_pieces(pred, true))
        array([0.66666667, 0.5       ])
    """
    same = pred.values[pieces.pred] == true.values[pieces.true]
    pred_run, true_run, overlap = pieces.pred[same], pieces.true[same], pieces.length[same]
    union = (pred.stops - pred.starts)[pred_run] + (true.stops - true.starts)[true_run] - overlap
    # float64 as in the authors' code: 1 / 10 reaches the threshold 0.1 exactly. A union without frames has no overlap
    iou = overlap / np.maximum(union, 1)
    order = np.lexsort((-iou, pred_run))  # stable: of equal IoUs the first in time stays first
    best = order[find_runs(pred_run).starts]
    # Whether a true run is found depends on the best of those that chose it only; all the others are false positives
    ious = np.zeros(len(true.values))
    np.maximum.at(ious, true_run[best], iou[best])
    return ious


def drop_last_frames(runs: Runs, last_stops: Frames) -> Runs:
    """Let the last run of each video stop one frame early; one of a single frame then has none.

    Args:
        runs: of one video, or of several after each other.
        last_stops: where the last run of each video stops.

    Returns:
        The same runs but for the stops.

    Example:
        >>> drop_last_frames(find_runs([4, 4, 7, 7]), [4]).stops
        array([2, 3])
    """
    return runs._replace(stops=runs.stops - np.isin(runs.stops, last_stops))
