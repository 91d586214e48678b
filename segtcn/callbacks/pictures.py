"""Pictures of what a network predicts, drawn in this process or, without holding up training, in one beside it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from segtcn.metrics import evaluate_videos
from segtcn.structures import IGNORE
from segtcn.visualization.confusion import plot_confusion
from segtcn.visualization.figures import save_figure
from segtcn.visualization.timeline import plot_timeline, plot_timelines

Frames = npt.NDArray[np.int64]

_DPI, _SMALL_DPI = 100, 80
CAN_PAUSE = hasattr(signal, "SIGSTOP")
"""Whether a process can be held up from outside."""

_SLICE_S = 0.02
# from the start: most of its time goes to imports
_IDLE = """
import os, contextlib
with contextlib.suppress(AttributeError, OSError):
    os.nice(19)
with contextlib.suppress(AttributeError, OSError):
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
"""
# a process that is held up would outlive the one that lets it go on; says that it will not, so that it may be held up
_END_WITH_PARENT = """
import contextlib, ctypes, os, signal
with contextlib.suppress(AttributeError, OSError):
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
os.write(1, b"1")
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
"""
_DRAW = """
import sys
from segtcn.callbacks.pictures import main
main(sys.argv[1:])
"""
_LARGEST_CONFUSION = 60  # classes: more cannot be told apart in a picture of a page


class Snapshot(NamedTuple):
    """What a network predicted for some videos, and the truth.

    Args:
        labels: true class of every frame by name of the video, ``(T,)``; ``IGNORE`` where there is none.
        preds: predicted class of every frame of the same videos.
        class_names: name of every class.
        background: index of the background class, or None.
        fps: frames per second, or None.
        protocol: under which videos are scored.
    """

    labels: Mapping[str, Frames]
    preds: Mapping[str, Frames]
    class_names: Sequence[str]
    background: int | None
    fps: float | None
    protocol: str


class Wanted(NamedTuple):
    """Which pictures to draw.

    Args:
        num_videos: timelines in one picture, of the first videos; 0 for none.
        confusion: whether to draw the confusion of classes.
        table: whether to score every video.
        num_in_table: timelines of the videos with the lowest F1@50, one picture each.
    """

    num_videos: int = 4
    confusion: bool = True
    table: bool = True
    num_in_table: int = 20


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


class Pictures(NamedTuple):
    """Files that :func:`draw` made.

    Args:
        timelines: of the first videos, or None.
        timeline_names: their names.
        confusion: of the classes, or None.
        videos: scores of all, the worst first; empty if there was no table to make.
    """

    timelines: Path | None
    timeline_names: list[str]
    confusion: Path | None
    videos: list[VideoRow]


def draw(snapshot: Snapshot, wanted: Wanted, folder: Path) -> Pictures:
    """Draw pictures as PNG files.

    Args:
        snapshot: of at least one video.
        wanted: which.
        folder: where to.
    """
    tracks: dict[str, Any] = {
        name: {"truth": labels, "prediction": snapshot.preds[name]} for name, labels in snapshot.labels.items()
    }
    style: dict[str, Any] = {
        "class_names": snapshot.class_names,
        "fps": snapshot.fps,
        "background": snapshot.background,
    }
    # augmentation and crops leave frames without a label; they are drawn, and not counted
    counted = {name: labels != IGNORE for name, labels in snapshot.labels.items()}
    labels = {name: snapshot.labels[name][frames] for name, frames in counted.items() if frames.any()}
    preds = {name: snapshot.preds[name][counted[name]] for name in labels}

    timelines = confusion = None
    first = [*tracks][: wanted.num_videos]
    if first:
        timelines = folder / "timelines.png"
        # one picture: W&B shows several well only if they are of one size
        save_figure(plot_timelines({name: tracks[name] for name in first}, **style), timelines, _DPI)
    if wanted.confusion and labels and len(snapshot.class_names) <= _LARGEST_CONFUSION:
        confusion = folder / "confusion.png"
        num_classes = len(snapshot.class_names)
        pairs = np.concatenate([labels[name] * num_classes + preds[name] for name in labels])
        counts = np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)
        save_figure(plot_confusion(counts, snapshot.class_names), confusion, _DPI)
    rows = []
    if wanted.table and labels:
        scores = evaluate_videos(
            preds,
            labels,
            snapshot.protocol,
            class_names=snapshot.class_names,
            background=snapshot.background,
            fps=snapshot.fps,
        ).videos
        for number, name in enumerate(sorted(labels, key=lambda name: (scores[name]["f1@50"], name))):
            timeline = None
            if number < wanted.num_in_table:
                timeline = folder / f"video-{number:04d}.png"
                figure = plot_timeline(tracks[name], **style, legend=False, width=7, font_size=8, bar_height=0.25)
                save_figure(figure, timeline, _SMALL_DPI)
            rows.append(VideoRow(name, len(labels[name]), scores[name], timeline))
    return Pictures(timelines, first, confusion, rows)


class BackgroundDrawing:
    """A drawing that another process makes while training goes on.

    Args:
        snapshot: of at least one video.
        wanted: which pictures.
        share: how much of one processor it may take, above 0, up to 1: it runs for :math:`1/50` s at a time and is held
            up in between, so that training, whatever it waits for, is held up no more. None: as much as nobody else
            wants, at the lowest priority. That is too much where PyTorch computes on all processors: its threads wait
            for each other in every operation, and the gaps in between are not idle.
    """

    def __init__(self, snapshot: Snapshot, wanted: Wanted, share: float | None = None) -> None:
        self._place = tempfile.TemporaryDirectory(prefix="segtcn-pictures-", ignore_cleanup_errors=True)
        self._folder = Path(self._place.name)
        _write(snapshot, wanted, self._folder)
        # the package as it is imported here, one thread and no GPU
        paths = [str(Path(__file__).resolve().parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
        paced = share is not None and share < 1
        before = _IDLE if share is None else _END_WITH_PARENT if paced else ""
        with (self._folder / "errors.txt").open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-c", before + _DRAW, str(self._folder)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if paced else subprocess.DEVNULL,
                stderr=errors,
                env={**os.environ, **environment},
            )
        self._closed = threading.Event()
        if share is not None and (ready := self._process.stdout) is not None:
            threading.Thread(target=self._pace, args=(share, ready), daemon=True).start()

    def _pace(self, share: float, ready: IO[bytes]) -> None:
        with ready:
            ready.read(1)
        while not self.is_done():
            self._process.send_signal(signal.SIGCONT)
            if self._closed.wait(_SLICE_S):
                return
            self._process.send_signal(signal.SIGSTOP)
            if self._closed.wait(_SLICE_S / share - _SLICE_S):
                return

    def is_done(self) -> bool:
        """Whether the process has ended, well or not."""
        return self._process.poll() is not None

    def result(self) -> Pictures | None:
        """The pictures; None, with a warning, if the process failed."""
        if self._process.wait() != 0:
            reason = (self._folder / "errors.txt").read_text(errors="replace").strip().rpartition("\n")[2]
            warnings.warn(f"no pictures for W&B this time: {reason or 'the process that draws died'}", stacklevel=2)
            return None
        return _read_pictures(self._folder)

    def close(self) -> None:
        """End the process, if it still draws, and remove its files."""
        self._closed.set()
        if not self.is_done():
            self._process.kill()
            self._process.wait()
        self._place.cleanup()


def main(argv: Sequence[str]) -> None:
    """Draw what :class:`BackgroundDrawing` asked for; ``argv`` is its folder."""
    folder = Path(argv[0])
    snapshot, wanted = _read(folder)
    pictures = draw(snapshot, wanted, folder)
    names = {
        "timelines": pictures.timelines and pictures.timelines.name,
        "timeline_names": pictures.timeline_names,
        "confusion": pictures.confusion and pictures.confusion.name,
        "videos": [[*row[:3], row.timeline and row.timeline.name] for row in pictures.videos],
    }
    (folder / "pictures.json").write_text(json.dumps(names), encoding="utf-8")


def _write(snapshot: Snapshot, wanted: Wanted, folder: Path) -> None:
    names = [*snapshot.labels]
    facts = {**snapshot._asdict(), "labels": names, "preds": None, "wanted": wanted}
    (folder / "snapshot.json").write_text(json.dumps(facts), encoding="utf-8")
    np.savez(
        folder / "snapshot.npz",
        lengths=np.array([len(snapshot.labels[name]) for name in names]),
        labels=np.concatenate([snapshot.labels[name] for name in names]).astype(np.int32),
        preds=np.concatenate([snapshot.preds[name] for name in names]).astype(np.int32),
    )


def _read(folder: Path) -> tuple[Snapshot, Wanted]:
    facts = json.loads((folder / "snapshot.json").read_text(encoding="utf-8"))
    wanted = Wanted(*facts.pop("wanted"))
    with np.load(folder / "snapshot.npz") as arrays:
        cuts = np.cumsum(arrays["lengths"])[:-1]
        labels, preds = (np.split(arrays[key].astype(np.int64), cuts) for key in ("labels", "preds"))
    names = facts["labels"]
    facts |= {"labels": dict(zip(names, labels, strict=True)), "preds": dict(zip(names, preds, strict=True))}
    return Snapshot(**facts), wanted


def _read_pictures(folder: Path) -> Pictures:
    names = json.loads((folder / "pictures.json").read_text(encoding="utf-8"))
    timelines, confusion = (names[key] and folder / names[key] for key in ("timelines", "confusion"))
    videos = [
        VideoRow(name, frames, scores, timeline and folder / timeline)
        for name, frames, scores, timeline in names["videos"]
    ]
    return Pictures(timelines, names["timeline_names"], confusion, videos)
