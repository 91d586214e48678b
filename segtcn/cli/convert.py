"""``segtcn convert``: any data set as one HDF5 file, and back."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from segtcn.cli.overrides import without_overrides

if TYPE_CHECKING:
    from segtcn.prepare.conversion import Conversion

DESCRIPTION = """\
Write a data set as one HDF5 file (docs/data_format.md), or as a tree of the MS-TCN release. Every video is read back
and compared with its source bit for bit. An interrupted conversion is continued by the same command. Options of
`segtcn fit` that begin with --data are options here too.
"""

EXAMPLES = """\
examples:
  segtcn convert DIR gtea.h5 --fps 15 --background background      # an MS-TCN tree, with .npy or .npz features
  segtcn convert DIR/data.yaml mine.h5
  segtcn convert configs/data/gtea_lea.yaml gtea1.h5 --split 1 --data.reader.init_args.root DIR
  segtcn convert gtea.h5 small.h5 --dtype float16 --compression gzip
  segtcn convert gtea.h5 FOLDER                                     # back to a tree, with a data.yaml

Where features differ from split to split (those of Lea et al. do), a file holds those of one: --split says which.
Videos that no split lists are not written.
"""


def main(argv: Sequence[str]) -> None:
    """Run the command; ``argv`` begins with its name."""
    parser = argparse.ArgumentParser(
        "segtcn convert",
        usage="segtcn convert SOURCE OUT.h5|FOLDER [OPTIONS] [--data.OPTION VALUE ...]",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("source", type=Path, metavar="SOURCE", help="data config, folder or HDF5 file")
    parser.add_argument("output", type=Path, metavar="OUT", help="a file .h5 to make, or a folder")
    parser.add_argument("--split", type=int, metavar="K", help="write this split only, and its features")
    parser.add_argument("--dtype", choices=("float32", "float16"), default="float32", help="default: float32")
    parser.add_argument(
        "--compression", choices=("none", "lzf", "gzip"), default="none", help="default: none, the fastest to read"
    )
    parser.add_argument("--fps", type=float, metavar="RATE", help="frames per second of the features")
    parser.add_argument("--background", metavar="NAME", help="the background class of a tree")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT.h5")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    words, overrides = without_overrides(argv[1:])
    options = parser.parse_args(words)
    for name in ("fps", "background"):
        if getattr(options, name) is not None:
            overrides.append(f"--data.reader.init_args.{name}={getattr(options, name)}")
    # a tree does not say its rate, and the file would state the reader's default as a fact
    tree = (options.source / "features").is_dir() and not (options.source / "data.yaml").is_file()
    if tree and not any(word.startswith("--data.reader.init_args.fps") for word in overrides):
        raise ValueError(f"{options.source} does not say its frames per second: give them by --fps RATE")

    from segtcn.cli.data_source import open_data
    from segtcn.prepare.conversion import convert

    source = open_data(options.source, [], overrides)
    for note in source.notes:
        print(f"note: {note}")
    conversion = convert(
        source.reader,
        options.output,
        options.split,
        options.dtype,
        options.compression,
        options.overwrite,
        progress=not options.quiet,
    )
    print("\n".join(_report(conversion, source.reader.feature_dim)))


def _report(conversion: Conversion, feature_dim: int) -> list[str]:
    from segtcn.prepare.conversion import size_on_disk

    path = conversion.path
    right = "every bit is right" if conversion.rounding is None else "right but for the rounding"
    lines = [
        f"{path}: {conversion.num_videos} videos, {conversion.num_frames:,} frames of {feature_dim} features, "
        f"{size_on_disk(path) / 1e6:,.1f} MB; read back and compared, {right}"
    ]
    if conversion.num_kept:
        lines.append(f"{conversion.num_kept} of them were there from an earlier try, and were compared too")
    if conversion.features_of_split is not None:
        lines.append(f"features of split {conversion.features_of_split}: use them with that split only")
    if conversion.unlabelled:
        lines.append(f"without ground truth: {_some(conversion.unlabelled)}")
    if conversion.unequal:
        lines.append(
            f"features and labels of different length, as in the source: {_some(conversion.unequal)}; "
            "`length_policy: trim` cuts them"
        )
    if conversion.rounding is not None:
        absolute, relative, small = conversion.rounding
        lines.append(
            f"float16 changes a feature by at most {absolute:.2g}, or {100 * relative:.3f} % of its size; "
            f"{100 * small:.2g} % of the features are below 6.1e-05 and keep fewer digits or become 0"
        )
    use = (
        f"-c {path / 'data.yaml'}"
        if path.is_dir()
        else f"-c configs/data/hdf5.yaml --data.reader.init_args.path {path}"
    )
    split = "" if conversion.features_of_split is None else f" --data.split {conversion.features_of_split}"
    return [*lines, f"use it: segtcn fit {use}{split} -c configs/model/ed_tcn.yaml -c configs/trainer/default.yaml"]


def _some(names: Sequence[str]) -> str:
    return f"{len(names)} videos ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
