"""``segtcn extract``: features from real clips."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal

from segtcn.cli.notes import raise_failed
from segtcn.cli.parser import Dir
from segtcn.text_table import counted


def frame_rate(text: str) -> float | Literal["keep"]:
    """A rate as a number or a fraction, or ``keep``."""
    if text == "keep":
        return "keep"
    try:
        return float(Fraction(text))
    except (ValueError, ZeroDivisionError) as error:
        raise argparse.ArgumentTypeError(f"expected a number such as 15 or 30000/1001, got {text!r}") from error


@dataclass(frozen=True)
class Time:
    """Time.

    Args:
        window: frames a feature is made from (default: 1 for models of pictures, what a model of clips takes, else 21);
            a longer one than the model takes is sub-sampled evenly.
        stride: a feature every S frames.
        padding: beyond the ends of a clip: zeros in the input, or the first and the last frame again.
        fps: bring clips to this rate before, such as 15 or 30000/1001; `keep`: take the frames as they are decoded.
    """

    window: Annotated[int, "W"] | None = None
    stride: Annotated[int, "S"] = 1
    padding: Literal["zero", "edge"] = "zero"
    fps: Annotated[float | Literal["keep"], "RATE", ("type", frame_rate)] | None = None


@dataclass(frozen=True)
class Model:
    """Model.

    Args:
        batch_size: windows at once.
        device: auto, cpu, cuda, cuda:1, ...
        precision: of Hugging Face models; auto is bfloat16 on a GPU, float32 elsewhere.
        pooling: from many vectors to one: the model's own way (auto), their mean, or the first.
        preprocessing: instead of the model's own file.
    """

    batch_size: int = 16
    device: Annotated[str, "DEVICE"] = "auto"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    pooling: Literal["auto", "mean", "cls"] = "auto"
    preprocessing: Annotated[Path, "FILE.json"] | None = None


@dataclass(frozen=True)
class Files:
    """Files.

    Args:
        relative_to: NAME is the path below FOLDER: same names stay apart.
        dtype: of the files.
        overwrite: make existing files again.
        quiet: no progress bar.
    """

    relative_to: Annotated[Path, "FOLDER"] | None = None
    dtype: Literal["float32", "float16"] = "float32"
    overwrite: bool = False
    quiet: bool = False


def extract(
    videos: list[Path], *, out: Dir, backbone: Annotated[str, "MODEL"], time: Time, model: Model, files: Files
) -> None:
    """Make features from videos, one for every frame.

    The command writes OUT/NAME.npy (D, T), ready to be the `features` folder of an MS-TCN tree, and beside them
    OUT/extraction/NAME.json, which says how. It skips videos that are done already; one that fails does not stop the
    others, and the end reports it. Stop and continue at will: nothing is ever half written.

    Args:
        videos: video files, and folders of them.
        out: folder of the features.
        backbone: builtin, a model's name or folder, FILE.onnx.
        time: which frames a feature is made from.
        model: how the model runs.
        files: what is written.

    Examples:
      segtcn extract clips/ --out data/features --backbone builtin
      segtcn extract clips/*.mp4 --out data/features --backbone facebook/dinov2-base
      segtcn extract clips/ --out data/features --backbone MCG-NJU/videomae-base --window 64 --stride 2 --fps 30
      segtcn extract clips/ --out data/features --backbone i3d.onnx --window 21 --padding zero
      segtcn extract clips/ --out data/features --backbone models/my_dinov2 --relative-to clips

    Backbones: `builtin` measures colour, edges and motion, and needs no weights. Any vision or video model of Hugging
    Face transformers, by its name or folder: safetensors only, no foreign code is run. An ONNX file that takes pictures
    (N, 3, H, W) or clips (N, 3, T, H, W) or (N, T, 3, H, W). The last two need: pip install "segtcn[extract]"

    Pictures are prepared as the model's preprocessor_config.json says (for an ONNX file: one beside it). Without one,
    the shorter side is resized, the middle cut out, and mean and deviation are ImageNet's; a note says so.

    Time: a clip keeps its frames, one feature each. Where its rate varies (more than one frame is missing or beside
    its place), it is first brought to its average rate by their times; `--fps` brings all clips to one rate, and with
    `--fps keep` there is a feature for every decoded frame whatever their times, for labels that count frames. A
    window of W frames around frame t is [t - W // 2, t + (W - 1) // 2].
    """
    from segtcn.extract import FeatureFiles, Windows, extract_videos, find_videos, load_backbone

    paths = find_videos(videos, files.relative_to)
    loaded = load_backbone(
        backbone, model.device, model.precision, model.pooling, model.preprocessing, progress=not files.quiet
    )
    for note in loaded.notes:
        print(f"note: {note}")
    result = extract_videos(
        paths,
        out,
        loaded,
        Windows(**vars(time)),
        model.batch_size,
        FeatureFiles(files.dtype, files.overwrite),
        progress=not files.quiet,
    )
    print(*_report(result.made, result.skipped, out), sep="\n")
    raise_failed(result.failed, paths)


def _report(made: dict[str, dict[str, Any]], skipped: dict[str, dict[str, Any]], out: Path) -> list[str]:
    from segtcn.extract.extraction import start_note

    there = f", {len(skipped)} were there already" if skipped else ""
    lines = [f"{counted(len(made), 'video')} extracted{there}: {out}"]
    records = {**skipped, **made}
    if not records:
        return lines
    widths = sorted({record["shape"][0] for record in records.values()})
    rates = sorted({round(record["fps"], 4) for record in records.values()})
    lines.append(
        f"{', '.join(map(str, widths))} values, {sum(record['shape'][1] for record in records.values())} features, "
        f"{', '.join(f'{rate:g}' for rate in rates)} a second"
    )
    if len(rates) > 1:
        lines.append("note: the rates differ, and a data set has one: `--fps RATE --overwrite` brings all to it")
    for name, record in made.items():
        if note := start_note(record):
            lines.append(f"note: {note}")
        if record["resampled"]:
            source = record["source"]
            lines.append(
                f"note: {name} was brought to {record['fps'] * record['settings']['stride']:g} frames a second by time "
                f"stamps; its {source['frames']} frames are not evenly spaced or have another rate"
                + ("" if record["settings"]["fps"] else " (`--fps keep` takes them as they are)")
            )
    return lines
