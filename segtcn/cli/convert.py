"""``segtcn convert``: any data set as one HDF5 file, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from segtcn.cli.notes import quieten
from segtcn.data_source import ReaderFacts, open_data
from segtcn.text_table import counted

if TYPE_CHECKING:
    from segtcn.prepare.conversion import Conversion


@dataclass(frozen=True)
class Storage:
    """What is written.

    Args:
        split: write this split only, and its features.
        dtype: of the features.
        compression: of the file; ``none`` is the fastest to read.
        overwrite: replace the file, if it is there.
    """

    split: Annotated[int, "K"] | None = None
    dtype: Literal["float32", "float16"] = "float32"
    compression: Literal["none", "lzf", "gzip"] = "none"
    overwrite: bool = False


def convert(
    source: Path,
    output: Annotated[Path, "OUT"],
    *,
    storage: Storage,
    facts: ReaderFacts,
    quiet: bool = False,
    overrides: Annotated[Sequence[str], "--data."] = (),
) -> None:
    """Write a data set as one HDF5 file (docs/data_format.md), or as a tree of the MS-TCN release.

    Every video is read back and compared with its source bit for bit. The same command continues an interrupted
    conversion. Options of `segtcn fit` that begin with --data are options here too.

    Args:
        source: data config, folder or HDF5 file.
        output: a file .h5 to make, or a folder.
        storage: what is written.
        facts: what the source does not say.
        quiet: no progress bar.
        overrides: options of ``segtcn fit``.

    Examples:
      segtcn convert DIR gtea.h5 --fps 15 --background background      # an MS-TCN tree, with .npy or .npz features
      segtcn convert DIR/data.yaml mine.h5
      segtcn convert gtea_lea gtea1.h5 --split 1 --data.reader.init_args.root DIR
      segtcn convert gtea.h5 small.h5 --dtype float16 --compression gzip
      segtcn convert gtea.h5 FOLDER                                     # back to a tree, with a data.yaml

    The features of Lea et al. differ from split to split, and a file holds those of one split: --split says which.
    Videos that no split lists are not written.
    """
    from segtcn.prepare.conversion import convert as write

    quieten()
    options = [*overrides, *facts.options()]
    # a tree does not state its rate, and the file would state the reader's default as a fact
    tree = (source / "features").is_dir() and not (source / "data.yaml").is_file()
    if tree and not any(word.startswith("--data.reader.init_args.fps") for word in options):
        raise ValueError(f"{source} does not state its frames per second: give them by --fps RATE")
    data = open_data(source, [], options)
    for note in data.notes:
        print(f"note: {note}")
    conversion = write(data.reader, output, **vars(storage), progress=not quiet)
    print("\n".join(_report(conversion, data.reader.feature_dim)))


def _report(conversion: Conversion, feature_dim: int) -> list[str]:
    from segtcn.prepare.conversion import size_on_disk

    path = conversion.path
    right = "every bit is right" if conversion.small is None else "right but for the rounding"
    lines = [
        f"{path}: {counted(conversion.num_videos, 'video')}, {conversion.num_frames:,} frames of "
        f"{feature_dim} features, {size_on_disk(path) / 1e6:,.1f} MB; read back and compared, {right}"
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
    if conversion.small is not None:
        lines.append(
            "float16 changes a feature by at most 0.05 % of its size; "
            f"{100 * conversion.small:.2g} % of the features are below 6.1e-05 and keep fewer digits or become 0"
        )
    use = f"-c {path / 'data.yaml'}" if path.is_dir() else f"-c hdf5 --data.reader.init_args.path {path}"
    split = "" if conversion.features_of_split is None else f" --data.split {conversion.features_of_split}"
    return [*lines, f"use it: segtcn fit -c ed_tcn {use}{split}"]


def _some(names: Sequence[str]) -> str:
    return f"{counted(len(names), 'video')} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
