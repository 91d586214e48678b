"""Pictures of what a network predicts: timelines, the confusion of classes, and the scores of every video."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from segtcn.labels import Classes, Labels
from segtcn.metrics import evaluate_videos
from segtcn.metrics.functional import frame_confusion
from segtcn.structures import IGNORE
from segtcn.visualization.charts import plot_confusion
from segtcn.visualization.figures import save_figure, save_figures
from segtcn.visualization.timeline import Look, plot_timeline, plot_timelines

LARGEST_CONFUSION = 60
"""More classes cannot be distinguished in a picture of a page."""

_DPI, _SMALL_DPI = 100, 80
_SMALL = Look(width=7, bar_height=0.25, font_size=8, legend=False)


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
        save_figures(plot_timelines({name: self._tracks(name) for name in names}), path, _DPI)
        return names

    def draw_confusion(self, path: Path) -> bool:
        """Draw which classes are taken for which; False if no frame counts, or there are too many classes."""
        scored = self._scored()
        if not scored or len(self.classes) > LARGEST_CONFUSION:
            return False
        truth, preds = (
            np.concatenate([videos[name].indexes for name in scored]) for videos in (self.truth, self.preds)
        )
        counts = frame_confusion(preds, truth, len(self.classes))
        save_figure(plot_confusion(counts, self.classes.names), path, _DPI)
        return True

    def score_videos(self, num_timelines: int, folder: Path) -> list[VideoRow]:
        """Score every video, and draw timelines of the worst into a folder.

        Returns:
            The videos in which a frame counts, the lowest F1@50 first.
        """
        scored = self._scored()
        if not scored:
            return []
        truth, preds = ({name: videos[name].indexes for name in scored} for videos in (self.truth, self.preds))
        names, background, fps = self.classes.names, self.classes.background, self.truth[scored[0]].fps
        scores = evaluate_videos(preds, truth, self.protocol, class_names=names, background=background, fps=fps).videos
        rows = []
        for number, name in enumerate(sorted(scored, key=lambda name: (scores[name]["f1@50"], name))):
            timeline = None
            if number < num_timelines:
                timeline = folder / f"video-{number:04d}.png"
                save_figure(plot_timeline(self._tracks(name), look=_SMALL), timeline, _SMALL_DPI)
            rows.append(VideoRow(name, int((truth[name] != IGNORE).sum()), scores[name], timeline))
        return rows

    @property
    def classes(self) -> Classes:
        """Those of all videos."""
        return next(iter(self.truth.values())).classes

    def _tracks(self, name: str) -> dict[str, Labels]:
        return {"truth": self.truth[name], "prediction": self.preds[name]}

    def _scored(self) -> list[str]:
        """Videos with frames that somebody annotated, and that no crop left out."""
        return [name for name, labels in self.truth.items() if (labels.indexes != IGNORE).any()]
