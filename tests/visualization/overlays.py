"""Overlays, and what stands below their pictures."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from segtcn.video_io import probe, read_frames
from segtcn.visualization import overlay_video
from segtcn.visualization.overlay import OverlayLook
from segtcn.visualization.palette import RGB

NTSC = Fraction(30000, 1001)


PAD = 5  # pixels left and right of the timelines, where the picture is 320 wide


NAMES = ["background", "take", "pour", "gießen", "stir"]


def close(picture: np.ndarray, color: RGB) -> np.ndarray:
    """Pixels that have this colour but for the losses of the encoder, ``(H, W)``."""
    return np.abs(picture.astype(int) - color[::-1]).max(axis=-1) <= 24


def bars(strip: np.ndarray, colors: list[RGB]) -> list[np.ndarray]:
    """Middle line of every timeline, from the top: found as lines that are nearly all in the classes' colours."""
    coloured = np.any([close(strip, color) for color in colors], axis=0).mean(axis=1) > 0.85
    edges = np.flatnonzero(np.diff(np.concatenate([[0], coloured.astype(int), [0]])))
    return [strip[(start + stop) // 2] for start, stop in zip(edges[::2], edges[1::2], strict=True)]


def cursor(bar: np.ndarray) -> float:
    """Where the cursor stands in a line of pixels, as a share of the time."""
    bright = np.flatnonzero(bar.mean(axis=-1) > 195)
    assert 1 <= len(bright) <= 5, "there is no cursor"
    return float((bright.mean() - PAD) / (len(bar) - 1 - 2 * PAD))


def strips(path: Path, clip: Path) -> list[np.ndarray]:
    """What stands below the picture, for every frame."""
    height = probe(clip).height
    return [frame[height:] for _, frame in read_frames(path)]


QUIET = OverlayLook(progress=False)


def overlaid(tmp_path: Path, clip: Path, predictions: object, **arguments: object) -> tuple[Path, list[np.ndarray]]:
    """Arguments that are not of ``overlay_video`` itself go into its look."""
    output = tmp_path / "out.mp4"
    tracks = predictions if isinstance(predictions, dict) else {"prediction": predictions}
    if "truth" in arguments:
        tracks = {"truth": arguments.pop("truth"), **tracks}
    call = {name: arguments.pop(name) for name in ("classes", "fps", "excerpt") if name in arguments}
    look = replace(QUIET, **arguments)  # type: ignore[arg-type]
    assert overlay_video(clip, tracks, output, look=look, **call) == output  # type: ignore[arg-type]
    return output, strips(output, clip)
