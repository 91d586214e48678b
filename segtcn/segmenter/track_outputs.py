"""What the outputs of a network of several labels at a time mean: as plain values, and as probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from segtcn.labels import Classes
from segtcn.labels.track_classes import TrackClasses
from segtcn.structures import Track


def track_facts(tracks: Sequence[Track]) -> list[dict[str, Any]]:
    """Tracks as plain values, for checkpoints."""
    return [track._asdict() | {"class_names": [*track.class_names]} for track in tracks]


def classes_of(facts: dict[str, Any]) -> Classes:
    """The classes that the facts of a segmenter describe."""
    if tracks := facts.get("tracks"):
        return TrackClasses.of(Track(**track | {"class_names": tuple(track["class_names"])}) for track in tracks)
    return Classes(tuple(facts["class_names"]), facts["background"])


def track_probabilities(logits: Tensor, tracks: Sequence[Track]) -> Tensor:
    """Softmax over the outputs of each track; a track that occurs or not has a sigmoid.

    Args:
        logits: of all tracks, one after the other, ``(B, C, T)``.
        tracks: whose outputs they are.

    Example:
        >>> tracks = [Track("left", ("rest", "reach")), Track("groom", ("background", "groom"), 0, 0.5)]
        >>> track_probabilities(torch.zeros(1, 3, 1), tracks).flatten()
        tensor([0.5000, 0.5000, 0.5000])
    """
    groups = logits.split([track.num_outputs for track in tracks], dim=1)
    return torch.cat([x.sigmoid() if x.shape[1] == 1 else x.softmax(dim=1) for x in groups], dim=1)
