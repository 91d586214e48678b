"""Features of new clips, made like the features that a network was trained on."""

from __future__ import annotations

import os
import platform
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segtcn.extract import Backbone, FeatureFiles, Windows, extract_videos, load_backbone
from segtcn.extract.extraction import start_note
from segtcn.extract.feature_files import differences, find_record

RATE_TOLERANCE = 0.005
"""Share by which two rates may differ and count as equal: 29.97 is meant as 30."""

_TEMPORARY = f".features-{platform.node()}-"
"""Begins the name of the temporary folder; the number of the process follows."""


class ClipFeatures:
    """Makes features of clips one by one, in a temporary folder that :meth:`close` removes.

    Args:
        extraction: how features are made: the ``settings`` in the records of ``segtcn extract``.
        fps: features per second; None takes the rate of each clip.
        backbone: file or folder of the backbone; None looks for it by the name in ``extraction``.
        device: ``auto``, ``cpu``, ``cuda``, ...
        folder: where to make the temporary folder, at the first clip; None: where the system has its own.
        progress: whether to show a bar for every clip.

    Attributes:
        notes: what should be known of the clips so far.
    """

    def __init__(
        self,
        extraction: Mapping[str, Any] | None,
        fps: float | None,
        backbone: str | None = None,
        device: str = "auto",
        folder: Path | None = None,
        progress: bool = False,
    ) -> None:
        self.notes: list[str] = []
        self._extraction, self._fps = extraction, fps
        self._backbone_path, self._device, self._progress = backbone, device, progress
        self._backbone: Backbone | None = None
        self._parent = folder
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def close(self) -> None:
        """Remove the temporary folder."""
        if self._folder is not None:
            self._folder.cleanup()

    def extract(self, clip: str | os.PathLike[str]) -> tuple[Path, float]:
        """Make the features of a clip; they replace those of the clip before.

        Returns:
            The file ``(D, T)``, and its features per second.

        Raises:
            FileNotFoundError: if there is no such clip or backbone.
            ValueError: if the clip cannot be decoded, ``extraction`` is not known, or the backbone is another one.
        """
        if not Path(clip).is_file():
            raise FileNotFoundError(f"no clip {clip}: check the path")
        backbone, settings = self._loaded()
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix=f"{_TEMPORARY}{os.getpid()}-", dir=self._parent)
        # a fixed name: that of a clip may hold folders
        result = extract_videos(
            {"clip": Path(clip)},
            self._folder.name,
            backbone,
            self._windows(settings),
            files=FeatureFiles(settings.get("dtype", "float32"), overwrite=True),
            progress=self._progress,
        )
        if result.failed:
            raise ValueError(result.failed["clip"])
        record = result.made["clip"]
        check_extraction(record, settings, self._fps, Path(clip))  # kept frames may have any rate
        if record["resampled"]:
            fps = record["fps"] * record["settings"]["stride"]
            self.notes.append(f"{clip} was brought to {fps:g} frames a second by time stamps")
        if note := start_note(record):
            self.notes.append(note)
        return Path(self._folder.name) / "clip.npy", record["fps"]

    def _windows(self, settings: Mapping[str, Any]) -> Windows:
        fps = settings.get("fps")
        if fps != "keep" and self._fps is not None:
            fps = self._fps * settings.get("stride", 1)
        return Windows(settings.get("window"), settings.get("stride", 1), settings.get("padding") or "zero", fps)

    def _loaded(self) -> tuple[Backbone, Mapping[str, Any]]:
        """The backbone, which is loaded once, and the settings."""
        if self._extraction is None or "name" not in self._extraction.get("backbone", ()):
            raise ValueError(
                "the checkpoint does not say how its features were made: extract features yourself and give them, or "
                "train again with a reader that states `extraction`"
            )
        if self._backbone is None:
            self._backbone = load_recorded_backbone(
                self._extraction["backbone"], self._backbone_path, self._device, self._progress
            )
        return self._backbone, self._extraction


def remove_feature_folders(folder: Path) -> None:
    """Remove the temporary folders of processes of this machine that were killed.

    Args:
        folder: as of :class:`ClipFeatures`.
    """
    for path in folder.glob(f"{_TEMPORARY}*"):
        number = re.match(r"[0-9]+", path.name.removeprefix(_TEMPORARY))
        if number and os.name == "posix" and not _is_running(int(number[0])):
            shutil.rmtree(path, ignore_errors=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OSError as error:
        return isinstance(error, PermissionError)  # somebody else's
    return True


def check_extraction(
    record: Mapping[str, Any], extraction: Mapping[str, Any] | None, fps: float | None, path: Path
) -> None:
    """Refuse features that were made in another way than those that a network was trained on.

    Another rate is all right where a feature depends on its frame alone; otherwise the frames in its window must have
    the same rate, too.

    Args:
        record: of ``segtcn extract``, for the features.
        extraction: ``settings`` in the records of the training features; None if unknown.
        fps: of the training features; None if unknown.
        path: of the features or the clip, for the message.

    Raises:
        ValueError: if they were.
    """
    if extraction is None:
        return
    settings = record["settings"]
    parts = ("backbone", "window", "padding")
    unlike = differences({key: settings[key] for key in parts}, {key: extraction.get(key) for key in parts})
    of_motion = settings["window"] > 1 or settings["backbone"]["name"] == "builtin"
    if of_motion and fps is not None:
        rates = record["fps"] * settings["stride"], fps * extraction.get("stride", 1)
        if abs(rates[0] / rates[1] - 1) > RATE_TOLERANCE:
            unlike.append(f"{rates[0]:g} frames a second, not {rates[1]:g}")
    if unlike:
        raise ValueError(
            f"features of {path} are made with {'; '.join(unlike)} as those that the network was trained on: extract "
            "them in that way, or give a clip"
        )


def recorded_rate(path: Path, extraction: Mapping[str, Any] | None, fps: float | None) -> float | None:
    """Features per second of a file, by its record of ``segtcn extract``; None where there is none.

    Args:
        path: of the features.
        extraction: as of :func:`check_extraction`, like ``fps``.
        fps: of the training features; None if unknown.

    Raises:
        ValueError: if they were made in another way than the training features.
    """
    if (record := find_record(path)) is None:
        return None
    check_extraction(record, extraction, fps, path)
    return record["fps"]


def stated_rate(
    features: object, fps: float | None, extraction: Mapping[str, Any] | None, trained_fps: float | None
) -> float | None:
    """Features per second as the caller states it, or the record of their file; None if neither does.

    Args:
        features: in memory, or their file.
        fps: what the caller states.
        extraction: as of :func:`check_extraction`.
        trained_fps: of the training features; None if unknown.

    Raises:
        ValueError: if the two contradict each other, or as :func:`recorded_rate`.
    """
    if not isinstance(features, str | os.PathLike):
        return fps
    recorded = recorded_rate(Path(features), extraction, trained_fps)
    if recorded is not None and fps is not None and not abs(fps / recorded - 1) <= RATE_TOLERANCE:
        raise ValueError(f"{features} has {recorded:g} features a second by its record, got `fps` {fps:g}")
    return recorded if fps is None else fps


def load_recorded_backbone(
    settings: Mapping[str, Any], path: str | None = None, device: str = "auto", progress: bool = False
) -> Backbone:
    """Load the backbone that made features, from the settings in their record.

    Args:
        settings: entry ``backbone`` of the ``settings`` in a record of ``segtcn extract``.
        path: its file or folder; None takes the name in ``settings``.
        device: ``auto``, ``cpu``, ``cuda``, ...
        progress: whether to show the bars of Hugging Face.

    Raises:
        FileNotFoundError: if it is not there.
        ValueError: if what is there is another one, or would run otherwise.
    """
    name = path or settings["name"]
    try:
        backbone = load_backbone(
            name, device, settings.get("precision", "auto"), settings.get("pooling", "auto"), progress=progress
        )
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{error}; the features were made with {name!r}: say where it lies (`backbone`)"
        ) from None
    others = {key: value for key, value in settings.items() if key != "name"}
    if unlike := differences(others, {key: value for key, value in backbone.settings.items() if key != "name"}):
        raise ValueError(
            f"the backbone {name} is not the one that made the features of the checkpoint: {'; '.join(unlike)}"
        )
    return backbone
