"""Tracks of a picture: labels by their titles, however they were given, all of the same classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from segtcn.labels import TRUTH, Classes, Labels, LabelsLike, as_labels, common_classes
from segtcn.structures import checked_rate


def make_tracks(
    videos: Mapping[str, Mapping[str, LabelsLike]],
    classes: Classes | Sequence[str] | None = None,
    fps: float | None = None,
) -> tuple[dict[str, dict[str, Labels]], Classes]:
    """Give the tracks of videos the same classes, hence the same colours.

    Args:
        videos: name of each video, and its tracks by their titles.
        classes: all of them, in the order of their indexes; None takes those of the tracks, see
            :func:`~segtcn.labels.common_classes`.
        fps: labels per second of tracks that do not state it.

    Returns:
        The tracks of each video, one titled ``truth`` first, and their classes.

    Raises:
        FileNotFoundError: if there is no such label file.
        ValueError: if there is no video, its tracks have no titles or there is none, ``fps`` is not positive, a file
            cannot be understood, or a label is not among ``classes``.

    Example:
        >>> videos, classes = make_tracks({"tea": {"ED-TCN": [0, 1], "truth": ["take", "pour"]}}, ["take", "pour"])
        >>> [(title, labels.names()) for title, labels in videos["tea"].items()]
        [('truth', ['take', 'pour']), ('ED-TCN', ['take', 'pour'])]
    """
    if not videos:
        raise ValueError("expected at least one video to draw, got none")
    checked_rate(fps)
    if classes is not None and not isinstance(classes, Classes):
        classes = Classes(tuple(classes)).with_background()
    by_name: dict[str, dict[str, Labels]] = {}
    for name, tracks in videos.items():
        of_video = f" of {name}" if name else ""
        if not isinstance(tracks, Mapping):
            raise ValueError(
                f"expected tracks{of_video} by their titles, such as {{'ED-TCN': labels}}, got {type(tracks).__name__}"
            )
        if not tracks:
            raise ValueError(f"expected at least one track{of_video} to draw, got none")
        titles = sorted(tracks, key=lambda title: title != TRUTH)
        by_name[name] = {
            title: as_labels(tracks[title], classes, fps, f"track {title!r}{of_video}") for title in titles
        }
    common = classes or common_classes([labels for tracks in by_name.values() for labels in tracks.values()])
    return {
        name: {title: labels.in_classes(common) for title, labels in tracks.items()} for name, tracks in by_name.items()
    }, common
