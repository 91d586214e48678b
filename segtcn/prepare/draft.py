"""A draft of segments before anything is labelled: TW-FINCH on the features of one video."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from segtcn.labels import Classes, Labels

if TYPE_CHECKING:
    from torch import Tensor

_ROWS = 1000  # of the matrix of distances at a time: 12,000 frames need 48 MB


class _Clusters(NamedTuple):
    """Clusters of frames.

    Args:
        members: cluster of every frame, ``(T,)``.
        features: mean of each cluster, ``(N, D)``.
        times: mean frame of each cluster, ``(N,)``.
    """

    members: npt.NDArray[np.int64]
    features: Tensor
    times: Tensor


def draft_labels(
    features: npt.ArrayLike | Tensor, num_clusters: int, fps: float | None = None, source: str = "features"
) -> Labels:
    r"""Propose segments of a video without training: frames that look alike and lie close together.

    Each frame, and then each cluster, is joined with its nearest neighbour by

    .. math:: d(i, j) = (1 - \cos(x_i, x_j)) \cdot |t_i - t_j| / T

    until ``num_clusters`` are left. Clusters may consist of several segments.

    Args:
        features: of a video, ``(D, T)``.
        num_clusters: how many classes to propose, such as the number of actions that one expects in a video.
        fps: features per second; None if it is not known.
        source: where the features came from, for messages.

    Returns:
        Labels of the classes ``cluster 1``, ``cluster 2``, ... in the order in which they begin.

    Raises:
        ValueError: if the features are not finite numbers ``(D, T)``, or have fewer frames than ``num_clusters``.

    Example:
        >>> features = np.repeat([[1.0, 0.0, 1.0], [0.0, 1.0, 0.5]], 20, axis=1)
        >>> [segment.start for segment in draft_labels(features, num_clusters=3).segments()]
        [0, 20, 40]

    Reference:
        Sarfraz et al., "Temporally-Weighted Hierarchical Clustering for Unsupervised Action Segmentation", CVPR 2021,
        section 3, algorithms 1 and 2.

        Differs from the authors' code: distances are computed in blocks of rows, so that memory grows with T.
    """
    import torch

    frames = torch.from_numpy(np.array(features, np.float32))  # a copy: files are mapped read-only
    if frames.ndim != 2 or not frames.isfinite().all():
        raise ValueError(f"{source}: expected features, finite numbers (D, T), got the shape {tuple(frames.shape)}")
    frames = frames.T
    num_frames = len(frames)
    if not 1 <= num_clusters <= num_frames:
        raise ValueError(f"{source}: `num_clusters` must be 1 to {num_frames}, the frames, got {num_clusters}")
    clusters = _Clusters(np.arange(num_frames), frames, torch.arange(num_frames, dtype=torch.float32))
    while len(clusters.times) > num_clusters:
        nearest, distance = _nearest_neighbours(clusters)
        groups = _connected(nearest)
        if groups.max() + 1 < num_clusters:  # too few would be left
            groups = _closest_pair(nearest, distance)
        clusters = _merged(clusters, groups, frames)
    _, first, members = np.unique(clusters.members, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first))
    names = tuple(f"cluster {number}" for number in range(1, len(first) + 1))
    return Labels(order[members].astype(np.int64), Classes(names), fps, source=source)


def _nearest_neighbours(clusters: _Clusters) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """The nearest other cluster of each, and how far it is."""
    import torch

    unit = torch.nn.functional.normalize(clusters.features, dim=1)
    times = clusters.times
    nearest, distances = [], []
    for start in range(0, len(unit), _ROWS):
        rows = slice(start, start + _ROWS)
        distance = (1 - unit[rows] @ unit.T).mul_((times[rows, None] - times).abs() / len(clusters.members))
        distance[torch.arange(len(distance)), torch.arange(start, start + len(distance))] = torch.inf
        values, places = distance.min(1)
        nearest.append(places)
        distances.append(values)
    return torch.cat(nearest).numpy(), torch.cat(distances).numpy()


def _connected(nearest: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Group of each cluster, where each is in one group with its nearest neighbour."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    size = len(nearest)
    links = coo_array((np.ones(size), (np.arange(size), nearest)), (size, size))
    return connected_components(links, directed=False)[1].astype(np.int64)


def _closest_pair(nearest: npt.NDArray[np.int64], distance: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Groups of one cluster each, but for the closest pair."""
    groups = np.arange(len(nearest))
    one = int(distance.argmin())
    groups[one] = groups[nearest[one]]
    return np.unique(groups, return_inverse=True)[1]


def _merged(clusters: _Clusters, groups: npt.NDArray[np.int64], frames: Tensor) -> _Clusters:
    import torch

    members = groups[clusters.members]
    index = torch.as_tensor(members)
    sizes = torch.bincount(index).to(torch.float32)
    sums = torch.zeros(len(sizes), frames.shape[1]).index_add_(0, index, frames)
    times = torch.zeros(len(sizes)).index_add_(0, index, torch.arange(len(members), dtype=torch.float32))
    return _Clusters(members, sums / sizes[:, None], times / sizes)
