"""How papers combine the scores of videos: the same predictions score differently, so a table names its protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torchmetrics import Metric, MetricCollection

from segtcn.metrics.functional import Background
from segtcn.metrics.scores import EditScore, FrameAccuracy, SegmentalF1

THRESHOLDS = {"f1@10": 0.10, "f1@25": 0.25, "f1@50": 0.50}
"""Name of each segmental F1 of the field's tables, and its threshold."""


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """The choices in which evaluators differ.

    Args:
        accuracy: average of the frame accuracy, over videos or of pooled frames.
        edit: average of the edit score.
        f1: average of the segmental F1, over videos or of pooled segments.
        accuracy_counts_background: whether frames whose true class is background count in the frame accuracy. Edit and
            F1 never count background.
        reference: whose evaluation it is.
    """

    accuracy: Literal["video", "pooled"]
    edit: Literal["video", "pooled"]
    f1: Literal["video", "pooled"]
    accuracy_counts_background: bool
    reference: str


PROTOCOLS = {
    "lea": Protocol(
        accuracy="video",
        edit="video",
        f1="video",
        accuracy_counts_background=True,
        reference="Lea et al., Temporal Convolutional Networks for Action Segmentation and Detection, CVPR 2017",
    ),
}
"""Protocols by name."""


def segmentation_scores(protocol: str = "lea", background: Background = None) -> MetricCollection:
    """The field's five scores under one protocol.

    Args:
        protocol: a name in :data:`PROTOCOLS`.
        background: the data set's background classes; the protocol says which scores leave them out.

    Returns:
        A collection with the keys ``accuracy``, ``edit``, ``f1@10``, ``f1@25`` and ``f1@50``, all in percent; its
        ``update`` takes what :meth:`FrameAccuracy.update` takes. ``clone(prefix="val/")`` puts a prefix before keys.

    Raises:
        ValueError: if the protocol is unknown.

    Example:
        >>> import torch
        >>> scores = segmentation_scores("lea", background=0)
        >>> scores.update(torch.tensor([0, 1, 1, 1, 2]), torch.tensor([0, 0, 1, 2, 2]))
        >>> {name: f"{score:.1f}" for name, score in scores.compute().items()}
        {'accuracy': '60.0', 'edit': '100.0', 'f1@10': '100.0', 'f1@25': '100.0', 'f1@50': '50.0'}
    """
    if protocol not in PROTOCOLS:
        raise ValueError(f"`protocol` must be one of {sorted(PROTOCOLS)}, got {protocol!r}")
    choice = PROTOCOLS[protocol]
    in_accuracy = None if choice.accuracy_counts_background else background
    scores: dict[str, Metric | MetricCollection] = {
        "accuracy": FrameAccuracy(choice.accuracy, background=in_accuracy),
        "edit": EditScore(choice.edit, background=background),
    }
    scores |= {name: SegmentalF1(threshold, choice.f1, background) for name, threshold in THRESHOLDS.items()}
    # torchmetrics would merge scores whose first counts happen to be equal, such as two F1s of a perfect first video
    return MetricCollection(scores, compute_groups=False)
