"""What the networks of a run predicted for their test videos, together with the truth."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml

from segtcn.data.dataset import SegmentationDataset
from segtcn.data.readers import Reader
from segtcn.evaluation.files import (
    Frames,
    LabelledVideos,
    LengthPolicy,
    collect_names,
    label_files,
    read_tracks,
    read_videos,
)
from segtcn.evaluation.scoring import parse_background
from segtcn.metrics import Evaluation, evaluate_videos
from segtcn.metrics.protocols import SCORES, get_protocol

_PART = re.compile(r"split(\d+)-seed(\d+)")


class RunPart(NamedTuple):
    """The test videos of one trained network.

    Args:
        split: number of the split, empty where nothing says it.
        seed: seed of the training, None where nothing says it.
        videos: predictions and truth, at the rate at which the run is scored.
        folder: of the prediction files, None where they are from elsewhere.
    """

    split: str
    seed: int | None
    videos: LabelledVideos
    folder: Path | None = None


class Run(NamedTuple):
    """All test videos of a run, of one split or several, with one seed or several.

    Args:
        name: of its folder.
        parts: one for each trained network.
        class_names: name of every class.
        background: the data set's background classes.
        protocol: under which the run was scored, None where nothing says it.
        sample_rate: every how many-th stored frame is scored.
        fps: frames per second of what is scored, None where nothing says it.
    """

    name: str
    parts: list[RunPart]
    class_names: list[str]
    background: tuple[int, ...]
    protocol: str | None
    sample_rate: int
    fps: float | None


class RunScores(NamedTuple):
    """The scores of a run under one protocol.

    Args:
        name: of the run.
        protocol: name of the protocol.
        splits: for each split the scores with each seed; all seeds have the same videos in the same order.
    """

    name: str
    protocol: str
    splits: dict[str, list[Evaluation]]

    @property
    def scores(self) -> dict[str, float]:
        """Mean over the splits of the mean over the seeds, in percent."""
        return _mean([self.split_scores(split) for split in self.splits])

    def split_scores(self, split: str) -> dict[str, float]:
        """Scores of one split, mean over the seeds, in percent."""
        return _mean([evaluation.scores for evaluation in self.splits[split]])

    def video_scores(self, split: str) -> dict[str, dict[str, float]]:
        """Scores of each video of one split, mean over the seeds, in percent."""
        seeds = [evaluation.videos for evaluation in self.splits[split]]
        return {name: _mean([videos[name] for videos in seeds]) for name in seeds[0]}


def read_run(
    folder: Path,
    root: Path | None = None,
    truth: Path | None = None,
    mapping: Path | None = None,
    background: str | None = None,
    sample_rate: int | None = None,
    protocol: str | None = None,
    length_policy: LengthPolicy = "error",
    length_tolerance: int = 10,
) -> Run:
    """Read what a run predicted, and the truth.

    A run is a folder of ``segtcn crossval``, one of ``segtcn fit`` after ``segtcn test``, or any folder with one
    prediction file a video. Without ``truth``, the truth comes from the data set that the run's config names.
    Predictions are stored at the rate of the features. The protocol says whether they are scored there, or, of a
    network that saw every k-th frame, on every k-th frame.

    Args:
        folder: the run.
        root: the place of the data set, if it is not where the config says.
        truth: folder with one file of true labels a video; it may hold other videos, too.
        mapping: ``mapping.txt`` with the name of every class, used with ``truth`` only.
        background: names of the classes to leave out, used with ``truth`` only.
        sample_rate: score every how many-th stored frame; None leaves it to protocol and config.
        protocol: name of the protocol that will score; None means the run's own, or ``lea``.
        length_policy: where ``truth`` and predictions differ in length, see :func:`read_videos`.
        length_tolerance: largest difference in frames that ``trim`` accepts.

    Raises:
        FileNotFoundError: if the folder, its config, its predictions or the data are missing.
        ValueError: if the run is not complete, a file cannot be understood, predictions and truth do not fit together,
            or ``sample_rate`` is not positive.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder {folder}: give the folder of a run, or of prediction files")
    if sample_rate is not None and sample_rate < 1:
        raise ValueError(f"`sample_rate` must be at least 1 (every frame), got {sample_rate}")
    folders = _networks(folder)
    configs = [_read_config(part) for part in folders]
    config = configs[0]
    if truth is None and config is None:
        raise FileNotFoundError(
            f"no config.yaml in {folders[0]}: it would say where the truth is; give the folder of the true labels "
            "(`--truth`)"
        )
    own_protocol = _entry(config, "model", "protocol")
    stored_rate = get_protocol(protocol or own_protocol or "lea").stored_rate
    rate = sample_rate or (1 if stored_rate else _entry(config, "data", "sample_rate") or 1)
    name = folder.resolve().name
    if truth is not None:
        videos = [_from_files(part, truth, mapping, length_policy, length_tolerance) for part in folders]
        class_names = videos[0].class_names
        if mapping is None:
            class_names = collect_names(label for part in videos for label in part.class_names)
            videos = [_renumbered(part, class_names) for part in videos]
        left_out, fps = parse_background(background or "", class_names), None
    else:
        reader = _build_reader(config or {}, folders[0], root)
        truths: dict[int, dict[str, Frames]] = {}
        videos = []
        for part, own in zip(folders, configs, strict=True):
            split = int(_entry(own, "data", "split") or 1)
            if split not in truths:
                truths[split] = _read_truth(reader, split, own or {})
            videos.append(_with_truth(part / "predictions", truths[split], reader.class_names))
        class_names, fps = reader.class_names, reader.fps / rate
        left_out = () if reader.background is None else (reader.background,)
    parts = []
    for part, own, found in zip(folders, configs, videos, strict=True):
        match = _PART.fullmatch(part.name)
        seed = int(match[2]) if match else _entry(own, "seed_everything")
        split_name = match[1] if match else str(_entry(own, "data", "split") or "")
        parts.append(RunPart(split_name, seed, _sampled(found, rate), _predictions_of(part)))
    return Run(name, parts, class_names, left_out, own_protocol, rate, fps)


def score_run(run: Run, protocol: str | None = None) -> RunScores:
    """Score every trained network of a run on its test videos.

    Args:
        run: the predictions and the truth.
        protocol: name of the protocol; None takes the run's own, or ``lea``.

    Raises:
        ValueError: if the protocol is unknown, or two seeds of a split have different videos.
    """
    choice = protocol or run.protocol or "lea"
    splits: dict[str, list[Evaluation]] = {}
    for part in run.parts:
        evaluation = evaluate_videos(
            part.videos.preds,
            part.videos.labels,
            choice,
            class_names=run.class_names,
            background=run.background,
            fps=run.fps,
        )
        seeds = splits.setdefault(part.split, [])
        seeds.append(evaluation)
        if [*evaluation.videos] != [*seeds[0].videos]:
            raise ValueError(f"the seeds of split {part.split} in {run.name} have predictions of different videos")
    return RunScores(run.name, choice, splits)


def with_common_split(runs: Sequence[Run]) -> list[Run]:
    """Give folders of mere predictions, which do not say their split, that of the other runs.

    Args:
        runs: to be compared.

    Returns:
        The same runs, unchanged unless exactly one split is named among them.
    """
    known = {part.split for run in runs for part in run.parts} - {""}
    if len(known) != 1:
        return [*runs]
    (split,) = known
    return [run._replace(parts=[part._replace(split=split) for part in run.parts]) for run in runs]


def is_run(folder: Path) -> bool:
    """Whether a folder is one of ``segtcn crossval`` or ``segtcn fit``, not of mere prediction files."""
    return (folder / "config.yaml").is_file() or any(
        _PART.fullmatch(path.name) and path.is_dir() for path in folder.iterdir()
    )


def _networks(folder: Path) -> list[Path]:
    """The folder of each trained network, or the folder of predictions itself."""
    parts = sorted(
        (path for path in folder.iterdir() if path.is_dir() and _PART.fullmatch(path.name)),
        key=lambda path: tuple(map(int, _PART.fullmatch(path.name).groups())),  # type: ignore[union-attr]
    )
    for part in parts:
        if not (part / "scores.json").is_file():
            raise ValueError(
                f"{part} is not complete, it has no scores.json: give the command of `segtcn crossval` again"
            )
    if not parts and (folder / "config.yaml").is_file() and not (folder / "predictions").is_dir():
        raise FileNotFoundError(
            f"no predictions in {folder}: segtcn test -c {folder}/config.yaml "
            f"--ckpt_path {folder}/checkpoints/last.ckpt writes them"
        )
    return parts or [folder]


def _predictions_of(part: Path) -> Path:
    return part / "predictions" if (part / "predictions").is_dir() else part


def _read_config(part: Path) -> dict[str, Any] | None:
    path = part / "config.yaml"
    if not path.is_file():
        return None
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read as YAML: restore it, or give the truth with --truth") from error
    return config if isinstance(config, dict) else {}


def _entry(config: dict[str, Any] | None, *keys: str) -> Any:
    value: Any = config
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _build_reader(config: dict[str, Any], part: Path, root: Path | None) -> Reader:
    spec = _entry(config, "data", "reader")
    class_path = _entry(spec, "class_path")
    if not isinstance(class_path, str):
        raise ValueError(
            f"{part / 'config.yaml'} names no reader (data.reader.class_path): give the truth with --truth"
        )
    module, _, name = class_path.rpartition(".")
    try:
        reader_class = getattr(importlib.import_module(module or "segtcn.data.readers"), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(
            f"{part / 'config.yaml'} names the reader {class_path}, which cannot be imported: make it importable, or "
            "give the truth with --truth"
        ) from error
    if not (isinstance(reader_class, type) and issubclass(reader_class, Reader)):
        raise ValueError(f"{part / 'config.yaml'} names {class_path} as reader, which is none: correct it")
    init_args = dict(_entry(spec, "init_args") or {})
    if root is not None:
        init_args["root"] = str(root)
    try:
        return reader_class(**init_args)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{error}; for this command: --root DIR, or --truth DIR") from error


def _read_truth(reader: Reader, split: int, config: dict[str, Any]) -> dict[str, Frames]:
    """True labels of the test videos, trimmed as in training where features and labels differ in length."""
    policy, tolerance = (_entry(config, "data", key) for key in ("length_policy", "length_tolerance"))
    dataset = SegmentationDataset(
        reader,
        reader.videos(split, "test"),
        split,
        length_policy=policy or "error",
        length_tolerance=10 if tolerance is None else tolerance,
        cache_gib=0,
    )
    truth = {}
    for index, name in enumerate(dataset.names):
        labels = dataset[index].video.labels
        if labels is None:
            raise FileNotFoundError(f"no truth of the video {name}: add it, or give it with --truth")
        truth[name] = labels.numpy()
    return truth


def _with_truth(folder: Path, truth: dict[str, Frames], class_names: list[str]) -> LabelledVideos:
    files = label_files(folder)
    for kind, here, there in (("predictions", truth, files), ("truth", files, truth)):
        if missing := sorted(here.keys() - there.keys()):
            raise ValueError(f"no {kind} of {', '.join(missing)} for {folder}: run `segtcn test` again")
    preds = read_tracks({name: files[name] for name in truth}, class_names, "the data set")
    for name, labels in truth.items():
        if len(preds[name]) != len(labels):
            raise ValueError(
                f"{files[name]} has {len(preds[name])} frames and the truth of the data set has {len(labels)}: "
                "run `segtcn test` again"
            )
    return LabelledVideos(preds, truth, class_names)


def _from_files(
    part: Path, truth: Path, mapping: Path | None, length_policy: LengthPolicy, length_tolerance: int
) -> LabelledVideos:
    predictions = _predictions_of(part)
    names: Iterable[str] = label_files(predictions)
    return read_videos(predictions, truth, mapping, names, length_policy, length_tolerance)


def _renumbered(videos: LabelledVideos, class_names: list[str]) -> LabelledVideos:
    """The same videos with the classes of another list, which has them all."""
    index = np.array([class_names.index(name) for name in videos.class_names])
    preds, labels = ({name: index[frames] for name, frames in side.items()} for side in videos[:2])
    return LabelledVideos(preds, labels, class_names)


def _sampled(videos: LabelledVideos, sample_rate: int) -> LabelledVideos:
    preds, labels = ({name: frames[::sample_rate] for name, frames in side.items()} for side in videos[:2])
    return LabelledVideos(preds, labels, videos.class_names)


def _mean(rows: list[dict[str, float]]) -> dict[str, float]:
    return {key: sum(row[key] for row in rows) / len(rows) for key in SCORES}
