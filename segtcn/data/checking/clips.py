"""Whether the frames of features fit the clips they were made from."""

from __future__ import annotations

from pathlib import Path

from tqdm import tqdm

from segtcn.data.checking.report import DataReport
from segtcn.video_io import probe

ENDINGS = frozenset((".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".webm", ".wmv"))
"""Endings by which clips are found, lower case."""

_TOLERANCE_S = 1.0  # what extractors leave out at the ends
_TOLERANCE = 0.02


def check_clips(report: DataReport, fps: float, folder: Path, progress: bool = False) -> None:
    """Compare the duration of every video's features with that of its clip.

    Args:
        report: of the data set; problems are added to it.
        fps: frames per second of the features, as the reader says.
        folder: holds ``NAME.mp4`` or another ending, also in folders below.
        progress: whether to show a progress bar.

    Raises:
        FileNotFoundError: if there is no such folder.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder of clips {folder}: give the one that holds NAME.mp4, ...")
    files: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in ENDINGS and path.is_file():
            files[path.relative_to(folder).with_suffix("").as_posix()] = path
            files.setdefault(path.stem, path)
    lengths: dict[str, int] = {}
    for (name, _), facts in report.videos.items():
        lengths.setdefault(name, facts.num_frames)
    rates: list[float] = []
    missing: list[str] = []
    for name, length in tqdm(lengths.items(), desc="clips", unit="clip", disable=not progress, leave=False):
        found = files.get(name) or files.get(f"rgb-{name}")
        if found is None:
            missing.append(name)
            continue
        try:
            clip = probe(found)
        except (ValueError, OSError) as error:
            report.add("warning", "clip", name, str(error))
            continue
        seconds = length / fps
        if clip.duration_s > 0:
            rates.append(length / clip.duration_s)
        if abs(seconds - clip.duration_s) > max(_TOLERANCE_S, _TOLERANCE * clip.duration_s):
            report.add(
                "warning",
                "duration",
                name,
                f"{found} lasts {clip.duration_s:.2f} s ({clip.num_frames} frames at {float(clip.fps):g} a second), "
                f"but {length} frames of features at {fps:g} a second {seconds:.2f} s: correct `fps` (these two make "
                f"{length / clip.duration_s if clip.duration_s > 0 else 0:.3g}), or extract the features again",
            )
    if missing:
        named = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
        report.add(
            "warning",
            "no clip",
            named,
            f"{folder} has no clip of {named}: expected NAME.mp4 or another ending of clips",
        )
    report.facts["clips"] = len(lengths) - len(missing)
    if rates:
        report.facts["fps_of_clips"] = sorted(rates)[len(rates) // 2]
