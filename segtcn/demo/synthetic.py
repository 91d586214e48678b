"""The embedded data set: short clips of a drawn kitchen, their labels, and features computed from their pixels."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple, Never

import numpy as np
from tqdm import tqdm

from segtcn.atomic import atomic_path, reason, write_text
from segtcn.demo.actions import ACTIONS, Step
from segtcn.demo.kitchen import film
from segtcn.demo.shapes import HEIGHT, WIDTH
from segtcn.demo.worktop import NUM_COOKS
from segtcn.progress import progress_bar

VERSION = 1
"""Changes with the drawing, the grammar or the features: data made by another version is not mixed in."""

CLIP_S = (20.0, 40.0)
"""Shortest and longest clip in seconds."""

DURATIONS_S = {
    "background": (0.6, 1.8),
    "take": (1.4, 2.6),
    "peel": (1.8, 4.0),
    "cut": (2.0, 5.0),
    "add": (1.4, 3.2),
    "pour": (1.8, 3.4),
    "shake": (1.6, 3.2),
    "stir": (1.8, 4.5),
    "put": (1.3, 2.4),
}
"""Shortest and longest duration of every action in seconds."""


def write_recipe(rng: np.random.Generator, fps: float = 15) -> list[Step]:
    """Draw up what happens in one clip.

    The cook prepares one or two vegetables (take, perhaps peel, cut, add, perhaps put the rest back), pours and
    perhaps seasons, in any order, and stirs now and then. What was not put away may be used again.

    Args:
        rng: source of chance.
        fps: frames per second.

    Returns:
        Steps that last :data:`CLIP_S` together and :data:`DURATIONS_S` each; neighbours differ in action, and the
        first and the last are background.

    Example:
        >>> [step.action for step in write_recipe(np.random.default_rng(3))][:4]
        ['background', 'take', 'peel', 'cut']
    """
    while True:
        steps = [Step(action, _duration(action, rng, fps), item) for action, item in _order(rng)]
        if CLIP_S[0] <= sum(step.num_frames for step in steps) / fps <= CLIP_S[1]:
            return steps


def _order(rng: np.random.Generator) -> list[tuple[str, str]]:
    """Actions and what they are done with, without durations."""
    parts: list[list[tuple[str, str]]] = []
    for index in range(1 + (rng.random() < 0.45)):
        item = f"vegetable{index}"
        end = [("add", item)]
        if rng.random() < 0.5:
            end.insert(int(rng.integers(2)), ("put", item))
        peel = [("peel", item)] if rng.random() < 0.65 else []
        parts.append([("take", item), *peel, ("cut", item), *end])
    for item, use, chance in (("jug", "pour", 1.0), ("shaker", "shake", 0.9)):
        if rng.random() < chance:
            away = [("put", item)] if rng.random() < 0.6 else []
            parts.append([("take", item), (use, item), *away])
    order = [action for index in rng.permutation(len(parts)) for action in parts[index]]

    for item, use in (("jug", "pour"), ("shaker", "shake")):
        if (use, item) in order and ("put", item) not in order and rng.random() < 0.5:
            _insert(order, (use, item), order.index((use, item)) + 1, rng)
    filled = min(i for i, (action, _) in enumerate(order) if action in {"add", "pour"})
    for _ in range(1 + (rng.random() < 0.35)):
        _insert(order, ("stir", ""), filled + 1, rng)

    steps = [("background", "")]
    for action in order:
        if steps[-1][0] == action[0] or (rng.random() < 0.3 and steps[-1][0] != "background"):
            steps.append(("background", ""))
        steps.append(action)
    return [*steps, ("background", "")]


def _insert(order: list[tuple[str, str]], action: tuple[str, str], earliest: int, rng: np.random.Generator) -> None:
    """Add an action at a random place, but not in the middle of work at the board, nor between take and use."""
    places = [
        i
        for i in range(earliest, len(order) + 1)
        if i == len(order) or (order[i][0] not in {"peel", "cut"} and order[i - 1] != ("take", order[i][1]))
    ]
    order.insert(places[int(rng.integers(len(places)))], action)


def _duration(action: str, rng: np.random.Generator, fps: float) -> int:
    shortest, longest = DURATIONS_S[action]
    seconds = math.exp(rng.uniform(math.log(shortest), math.log(longest)))
    return min(max(round(seconds * fps), math.ceil(shortest * fps)), math.floor(longest * fps))


class _Clip(NamedTuple):
    """What is to be filmed; the same number, count and seed always give the same clip."""

    name: str
    cook: int
    seed: tuple[int, int]

    def recipe(self, fps: float) -> list[Step]:
        return write_recipe(np.random.default_rng((*self.seed, 0)), fps)

    def frames(self, fps: float) -> Iterator[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
        return film(self.recipe(fps), self.cook, fps, np.random.default_rng((*self.seed, 1)))


def _clips(num_videos: int, seed: int) -> list[_Clip]:
    cooks = min(NUM_COOKS, num_videos)
    return [_Clip(f"cook{i % cooks + 1}_clip{i // cooks + 1:02d}", i % cooks, (seed, i)) for i in range(num_videos)]


def make_synthetic(
    root: str | os.PathLike[str], num_videos: int = 24, seed: int = 0, fps: int = 15, progress: bool = True
) -> Path:
    """Render the embedded data set and compute its features.

    Every clip is drawn, encoded to H.264 and read back; the features come from the decoded pixels, never from the
    labels. The folder is an MS-TCN tree with a folder of clips beside it::

        root/videos/NAME.mp4  features/NAME.npy  groundTruth/NAME.txt
             mapping.txt  splits/{train,test}.splitK.bundle  synthetic.json

    Split K holds out the clips of cook K, so a network is tested on sleeves, skin and a pace of work that it has not
    seen. A call that was interrupted is completed by the next one; clips that are there are not made again.

    Args:
        root: folder to write to; made if it does not exist.
        num_videos: number of clips, 2 or more, spread over the cooks.
        seed: the same seed and number give the same data.
        fps: frames per second of the clips and of the features.
        progress: whether to show a progress bar.

    Returns:
        The folder.

    Raises:
        ValueError: if an argument is out of range, if the folder holds something else, or if a clip does not decode
            to as many frames as were drawn.
        PermissionError: if the folder cannot be written to.

    Example:
        >>> make_synthetic("runs/demo/data")  # doctest: +SKIP
        PosixPath('runs/demo/data')
    """
    # two videos: one to train on, one to test on
    for name, value, least in (("num_videos", num_videos, 2), ("fps", fps, 1), ("seed", seed, 0)):
        if value < least:
            raise ValueError(f"`{name}` must be at least {least}, got {value}")
    root = Path(root)
    _claim(root, {"version": VERSION, "num_videos": num_videos, "seed": seed, "fps": fps})
    clips = _clips(num_videos, seed)
    missing = [clip for clip in clips if not all(path.is_file() for path in _paths(root, clip.name))]
    if missing:
        num_frames = sum(step.num_frames for clip in missing for step in clip.recipe(fps))
        with (
            progress_bar(name="render clips", unit="frame", total=num_frames, show=progress) as bar,
            # threads are enough: OpenCV and the codec work outside of Python's lock
            ThreadPoolExecutor(max_workers=2) as pool,
        ):
            jobs = [pool.submit(_make_clip, root, clip, fps, bar) for clip in missing]
            try:
                for job in jobs:
                    job.result()
            finally:
                pool.shutdown(cancel_futures=True)
    _write_lists(root, clips)
    return root


def _paths(root: Path, name: str) -> tuple[Path, Path, Path]:
    return root / "videos" / f"{name}.mp4", root / "groundTruth" / f"{name}.txt", root / "features" / f"{name}.npy"


def _claim(root: Path, parameters: dict[str, int]) -> None:
    """Mark the folder as ours; a folder with other things, or with other parameters, is left alone."""
    marker, expected = root / "synthetic.json", json.dumps(parameters)
    try:
        if marker.is_file():
            present = marker.read_text(encoding="utf-8").strip()
            if present != expected:
                raise ValueError(
                    f"{root} holds clips made with {present}, expected {expected}: remove it or choose another folder"
                )
        elif root.is_dir() and any(root.iterdir()):
            raise ValueError(f"{root} is not empty and holds no {marker.name}: choose another folder")
        root.mkdir(parents=True, exist_ok=True)
        if not marker.is_file():
            write_text(marker, expected + "\n")
        for folder in ("videos", "groundTruth", "features", "splits"):
            (root / folder).mkdir(exist_ok=True)
    except OSError as error:
        raise PermissionError(f"cannot write to the folder {root} ({reason(error)}): choose another folder") from error


def _make_clip(root: Path, clip: _Clip, fps: int, bar: tqdm[Never]) -> None:
    from segtcn.extract.descriptor import extract_features
    from segtcn.video_io import ClipWriter

    video, truth, stored = _paths(root, clip.name)
    labels = [step.action for step in clip.recipe(fps) for _ in range(step.num_frames)]
    with ClipWriter(video, Fraction(fps), WIDTH, HEIGHT) as writer:
        for frame in clip.frames(fps):
            writer.write(frame)
            with bar.get_lock():  # two clips are made at once
                bar.update()
    features = extract_features(video).numpy()
    if features.shape[1] != len(labels):
        raise ValueError(f"{video} decodes to {features.shape[1]} frames, expected {len(labels)}: is the disk full?")
    write_text(truth, "".join(f"{label}\n" for label in labels))
    with atomic_path(stored) as temporary:
        np.save(temporary, features)


def _write_lists(root: Path, clips: list[_Clip]) -> None:
    """The classes, for every cook a split that holds out this cook's clips, and a record of the features."""
    from segtcn.extract.descriptor import BuiltinBackbone
    from segtcn.extract.feature_files import ALL, record_path, write_record

    files = {root / "mapping.txt": [f"{index} {action}" for index, action in enumerate(ACTIONS)]}
    for cook in sorted({clip.cook for clip in clips}):
        for subset, held_out in (("train", False), ("test", True)):
            names = [f"{clip.name}.txt" for clip in clips if (clip.cook == cook) is held_out]
            files[root / "splits" / f"{subset}.split{cook + 1}.bundle"] = names
    for path, lines in files.items():
        if not path.is_file():
            write_text(path, "".join(f"{line}\n" for line in lines))
    # how the features were made, so that a trained network labels new clips
    if not record_path(root / "features", ALL).is_file():
        backbone = {"backbone": BuiltinBackbone().settings, "window": 1, "stride": 1, "padding": None}
        write_record(root / "features", ALL, {"settings": {**backbone, "fps": None, "dtype": "float32"}})
