"""Draw the pictures of the site that a run of ``segtcn demo`` shows: ``python tools/site_pictures.py runs/demo``.

``docs/images/task.webp`` is a clip's frames above its truth and prediction. ``confusion.webp`` and ``offsets.webp`` are
the pictures of ``segtcn analyze``. Timeline, overlay and player come from the commands of their pages.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

import segtcn
from segtcn.cli import main as run_command
from segtcn.video_io.reading import frame_times, read_frames
from segtcn.visualization import Look, plot_timeline

if TYPE_CHECKING:
    from matplotlib.figure import Figure

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
CLIP = "cook1_clip01"
NUM_FRAMES = 6


def main(run: Path) -> None:
    """Write the pictures of a run of the demo."""
    labels = segtcn.read_labels(run / "predictions" / f"{CLIP}.npz")
    truth = segtcn.read_labels(run / "data" / "groundTruth" / f"{CLIP}.txt", labels.classes, fps=labels.fps)
    figure = plot_timeline({"truth": truth, "ED-TCN": labels}, look=Look(bar_height=0.5))
    write(IMAGES / "task.webp", below_frames(figure, run / "data" / "videos" / f"{CLIP}.mp4"))
    with tempfile.TemporaryDirectory() as folder:
        run_command(["analyze", str(run), "--out", folder])
        for name in ("confusion", "offsets"):
            write(IMAGES / f"{name}.webp", cv2.imread(str(Path(folder) / f"{name}.png")))


def below_frames(figure: Figure, clip: Path) -> np.ndarray:
    """Frames of a clip, each in the middle of its part of the time axis, above a timeline of one video."""
    figure.set_dpi(150)
    figure.canvas.draw()
    timeline = cv2.cvtColor(np.asarray(figure.canvas.buffer_rgba()), cv2.COLOR_RGBA2BGR)
    edges = figure.axes[0].get_window_extent()
    left, width = round(edges.x0), round(edges.width) // NUM_FRAMES
    times = frame_times(clip)
    chosen = [int((n + 0.5) / NUM_FRAMES * len(times)) for n in range(NUM_FRAMES)]
    frames = [frame for n, (_, frame) in enumerate(read_frames(clip)) if n in chosen]
    height = round(width * frames[0].shape[0] / frames[0].shape[1])
    strip = np.full((height, timeline.shape[1], 3), 255, np.uint8)
    for n, frame in enumerate(frames):
        part = cv2.resize(frame, (width - 4, height), interpolation=cv2.INTER_AREA)
        strip[:, left + n * width + 2 : left + (n + 1) * width - 2] = part
    return np.concatenate([strip, timeline])


def write(path: Path, picture: np.ndarray) -> None:
    """Write a picture as WebP of high quality."""
    cv2.imwrite(str(path), picture, [cv2.IMWRITE_WEBP_QUALITY, 92])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
