"""Pictures of what a network predicts: timelines, the confusion of classes, and the scores of every video."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from segtcn.labels import Labels
from segtcn.metrics import evaluate_videos
from segtcn.metrics.functional import frame_confusion
from segtcn.structures import IGNORE
from segtcn.visualization.confusion import plot_confusion
from segtcn.visualization.figures import save_figure
from segtcn.visualization.timeline import plot_timeline, plot_timelines

LARGEST_CONFUSION = 60
"""More classes cannot be told apart in a picture of a page."""

_DPI, _SMALL_DPI = 100, 80


class VideoRow(NamedTuple):
    """One video of the table.

    Args:
        name: of the video.
        num_frames: that are scored.
        scores: in percent.
        timeline: its picture, or None.
    """

    name: str
    num_frames: int
    scores: dict[str, float]
    timeline: Path | None


class Segmentations(NamedTuple):
    """What a network predicted for some videos, and the truth.

    Args:
        truth: true labels by name of the video, at least one video.
        preds: predicted labels of the same videos, of the same classes.
        protocol: under which videos are scored.
    """

    truth: Mapping[str, Labels]
    preds: Mapping[str, Labels]
    protocol: str

    def draw_timelines(self, num_videos: int, path: Path) -> list[str]:
        """Draw truth above prediction of the first videos; returns their names."""
        names = [*self.truth][:num_videos]
        # one picture: W&B shows several well only if they are of one size
        save_figure(plot_timelines({name: self._bars(name) for name in names}, **self._style()), path, _DPI)
        return names

    def draw_confusion(self, path: Path) -> bool:
        """Draw which classes are taken for which; False if no frame counts, or there are too many classes."""
        truth, preds = self._counted()
        names = self._style()["class_names"]
        if not truth or len(names) > LARGEST_CONFUSION:
            return False
        counts = frame_confusion(np.concatenate([*preds.values()]), np.concatenate([*truth.values()]), len(names))
        save_figure(plot_confusion(counts, names), path, _DPI)
        return True

    def score_videos(self, num_timelines: int, folder: Path) -> list[VideoRow]:
        """Score every video, and draw timelines of the worst into a folder.

        Returns:
            The videos in which a frame counts, the lowest F1@50 first.
        """
        truth, preds = self._counted()
        if not truth:
            return []
        scores = evaluate_videos(preds, truth, self.protocol, **self._style()).videos
        rows = []
        for number, name in enumerate(sorted(truth, key=lambda name: (scores[name]["f1@50"], name))):
            timeline = None
            if number < num_timelines:
                timeline = folder / f"video-{number:04d}.png"
                style: dict[str, Any] = {"legend": False, "width": 7, "font_size": 8, "bar_height": 0.25}
                save_figure(plot_timeline(self._bars(name), **self._style(), **style), timeline, _SMALL_DPI)
            rows.append(VideoRow(name, len(truth[name]), scores[name], timeline))
        return rows

    def _bars(self, name: str) -> dict[str, Any]:
        return {"truth": self.truth[name].indexes, "prediction": self.preds[name].indexes}

    def _style(self) -> dict[str, Any]:
        labels = next(iter(self.truth.values()))
        return {"class_names": labels.classes.names, "background": labels.classes.background, "fps": labels.fps}

    def _counted(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Labels without the frames that nobody annotated or a crop left out: they are drawn, and not counted."""
        masks = {name: labels.indexes != IGNORE for name, labels in self.truth.items()}
        truth = {name: self.truth[name].indexes[mask] for name, mask in masks.items() if mask.any()}
        return truth, {name: self.preds[name].indexes[masks[name]] for name in truth}
