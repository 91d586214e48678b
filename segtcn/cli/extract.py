"""``segtcn extract``: features from real clips."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

DESCRIPTION = """\
Make features of videos, one for every frame: OUT/NAME.npy (D, T), ready to be the `features` folder of an MS-TCN tree,
and beside them OUT/extraction/NAME.json, which says how. Videos that are done already are skipped; one that fails does
not stop the others and is reported at the end. Stop and continue at will: nothing is ever half written.
"""

EXAMPLES = """\
examples:
  segtcn extract clips/ --out data/features --backbone builtin
  segtcn extract clips/*.mp4 --out data/features --backbone facebook/dinov2-base
  segtcn extract clips/ --out data/features --backbone MCG-NJU/videomae-base --window 64 --stride 2 --fps 30
  segtcn extract clips/ --out data/features --backbone i3d.onnx --window 21 --padding zero
  segtcn extract clips/ --out data/features --backbone models/my_dinov2 --relative-to clips

Backbones: `builtin` (colour, edges and motion; no weights), any vision or video model of Hugging Face transformers by
its name or folder (safetensors only, no foreign code is run), or an ONNX file that takes pictures (N, 3, H, W) or clips
(N, 3, T, H, W) or (N, T, 3, H, W). The last two need: pip install "segtcn[extract]"

Pictures are prepared as the model's preprocessor_config.json says (for an ONNX file: one beside it). Without one, the
shorter side is resized, the middle cut out, and mean and deviation are ImageNet's; a note says so.

Time: a clip keeps its frames, one feature each. Where its rate varies (more than one frame is missing or beside its
place), it is first brought to its average rate by time stamps; `--fps` brings all clips to one rate, and with
`--fps keep` there is a feature for every decoded frame whatever their times, for labels that count frames. A window of
W frames around frame t is [t - W // 2, t + (W - 1) // 2].
"""


def main(argv: Sequence[str]) -> None:
    """Run the command; ``argv`` begins with its name."""
    parser = argparse.ArgumentParser(
        "segtcn extract",
        usage="segtcn extract VIDEOS... --out DIR --backbone MODEL [OPTIONS]",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEOS", help="video files, and folders of them")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder of the features")
    parser.add_argument(
        "--backbone", required=True, metavar="MODEL", help="builtin, a model's name or folder, FILE.onnx"
    )
    time = parser.add_argument_group("time")
    time.add_argument(
        "--window",
        type=int,
        metavar="W",
        help="frames a feature is made from (default: 1 for models of pictures, what a model of clips takes, else 21); "
        "a longer one than the model takes is thinned evenly",
    )
    time.add_argument("--stride", type=int, default=1, metavar="S", help="a feature every S frames (default: 1)")
    time.add_argument(
        "--padding",
        choices=("zero", "edge"),
        default="zero",
        help="beyond the ends of a clip: zeros in the input (default), or the first and the last frame again",
    )
    time.add_argument(
        "--fps",
        type=_rate,
        metavar="RATE",
        help="bring clips to this rate before, such as 15 or 30000/1001; `keep`: take the frames as they are decoded",
    )
    model = parser.add_argument_group("model")
    model.add_argument("--batch-size", type=int, default=16, metavar="N", help="windows at once (default: 16)")
    model.add_argument("--device", default="auto", help="auto (default), cpu, cuda, cuda:1, ...")
    model.add_argument(
        "--precision",
        choices=("auto", "float32", "bfloat16"),
        default="auto",
        help="of Hugging Face models; auto (default) is bfloat16 on a GPU, float32 elsewhere",
    )
    model.add_argument(
        "--pooling",
        choices=("auto", "mean", "cls"),
        default="auto",
        help="from many vectors to one: the model's own way (default), their mean, or the first",
    )
    model.add_argument("--preprocessing", type=Path, metavar="FILE.json", help="instead of the model's own file")
    files = parser.add_argument_group("files")
    files.add_argument(
        "--relative-to", type=Path, metavar="FOLDER", help="NAME is the path below FOLDER: same names stay apart"
    )
    files.add_argument("--dtype", choices=("float32", "float16"), default="float32", help="of the files")
    files.add_argument("--overwrite", action="store_true", help="make again what was made already")
    files.add_argument("--quiet", action="store_true", help="no progress bar")
    options = parser.parse_args(argv[1:])

    from segtcn.extract import Windows, extract_videos, find_videos, load_backbone

    windows = Windows(options.window, options.stride, options.padding, options.fps)
    videos = find_videos(options.videos, options.relative_to)
    backbone = load_backbone(
        options.backbone,
        options.device,
        options.precision,
        options.pooling,
        options.preprocessing,
        progress=not options.quiet,
    )
    for note in backbone.notes:
        print(f"note: {note}")
    result = extract_videos(
        videos,
        options.out,
        backbone,
        windows,
        options.batch_size,
        options.dtype,
        options.overwrite,
        progress=not options.quiet,
    )
    print(*_report(result.made, result.skipped, options.out), sep="\n")
    if result.failed:
        reasons = [
            reason if str(videos[name]) in reason else f"{videos[name]}: {reason}"
            for name, reason in result.failed.items()
        ]
        others = ", the others are done" if len(reasons) < len(videos) else ""
        raise ValueError("\n  ".join([f"{len(reasons)} of {len(videos)} videos failed{others}:", *reasons]))


def _rate(text: str) -> float | Literal["keep"]:
    if text == "keep":
        return "keep"
    try:
        return float(Fraction(text))
    except (ValueError, ZeroDivisionError) as error:
        raise argparse.ArgumentTypeError(f"expected a number such as 15 or 30000/1001, got {text!r}") from error


def _report(made: dict[str, dict[str, Any]], skipped: dict[str, dict[str, Any]], out: Path) -> list[str]:
    there = f", {len(skipped)} were there already" if skipped else ""
    lines = [f"{len(made)} videos extracted{there}: {out}"]
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
        if record["resampled"]:
            source = record["source"]
            lines.append(
                f"note: {name} was brought to {record['fps'] * record['settings']['stride']:g} frames a second by time "
                f"stamps; its {source['frames']} frames are not evenly spaced or have another rate"
                + ("" if record["settings"]["fps"] else " (`--fps keep` takes them as they are)")
            )
    return lines
