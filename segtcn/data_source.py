"""A data set by its config, folder or file, with options as of ``segtcn fit``."""

from __future__ import annotations

import argparse
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import yaml

from segtcn.config_names import find_config, read_config

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser

    from segtcn.data.readers import Reader

_READERS = {"MSTCNReader": {".npy"}, "NpzReader": {".npz"}, "TableReader": {".csv", ".tsv", ".parquet"}}
"""Of a tree, by the endings of its features; the first that fits."""


@dataclass(frozen=True)
class ReaderFacts:
    """What the data set does not say.

    Args:
        fps: features per second.
        background: the background class.
    """

    fps: Annotated[float, "RATE"] | None = None
    background: Annotated[str, "NAMES"] | None = None

    def options(self) -> list[str]:
        """As options of ``segtcn fit``."""
        return [f"--data.reader.init_args.{key}={value}" for key, value in vars(self).items() if value is not None]


class DataSource(NamedTuple):
    """A data set and what its config says of it.

    Args:
        reader: the data set.
        options: values of the data module by name, defaults included: ``length_policy``, ``card``, ...; the first split
            if none was chosen.
        chosen: names of the options that a config or an override gives.
        paths: files and folders of the data set.
        notes: warnings of the reader.
        assumed: arguments of the reader that were not given: ``fps``, ``background``.
    """

    reader: Reader
    options: dict[str, Any]
    chosen: set[str]
    paths: list[Path]
    notes: list[str]
    assumed: list[str]


def open_data(path: Path | None, configs: Sequence[Path], overrides: Sequence[str]) -> DataSource:
    """Build the reader of a data set.

    Args:
        path: a data config; a folder with a ``data.yaml``, a tree with features in NumPy files or tables, or one HDF5
            file; or an HDF5 file. None leaves it to ``configs``.
        configs: more configs, the later ones win. Of each only ``data`` counts, so that a run's config will do.
        overrides: options such as ``--data.reader.init_args.root DIR``.

    Raises:
        ValueError: if the configuration or the data set is wrong.
        FileNotFoundError: if a file or folder is missing.
    """
    parser = _parser()
    args = [] if path is None else recognise(path if path.exists() else Path(find_config(str(path))))
    args += [f"--config={_data_of(config)}" for config in configs]
    try:
        config = parser.parse_args([*args, *overrides])
        explicit = parser.parse_args([*args, *overrides], defaults=False)
    except argparse.ArgumentError as error:
        named = ", ".join(map(str, configs if path is None else (path, *configs))) or "the command line"
        if match := re.search(r"class_path '(?:\w+\.)*(\w+)'\W+Option '(\w+)' is not accepted", str(error)):
            raise ValueError(f"{named}: {match[1]} does not take `{match[2]}`: leave it out") from error
        raise ValueError(f"{named} describes no data set: {error}") from error
    init_args: dict[str, Any] = vars(config.data.reader.get("init_args") or argparse.Namespace())
    with warnings.catch_warnings(record=True) as reader_warnings:
        warnings.simplefilter("always")
        options = dict(vars(parser.instantiate(config).data))
    reader = options.pop("reader")
    if explicit.data.get("split") is None:
        options["split"] = next(iter(reader.splits), 1)
    places = [Path(value).expanduser() for value in init_args.values() if isinstance(value, str)]
    paths = [place for place in places if place.parts and place.exists()]
    explicit_args = explicit.data.reader.get("init_args") or {}
    defaults = [name for name in ("fps", "background") if name in init_args and name not in explicit_args]
    # an `fps` of None is that of a column of times
    assumed: list[str] = [name for name in defaults if name != "fps" or init_args[name] is not None]
    notes = [str(warning.message) for warning in reader_warnings]
    return DataSource(reader, options, {*vars(explicit.data)} & {*options}, paths, notes, assumed)


def _parser() -> ArgumentParser:
    """A parser of ``--config`` and the options ``--data.NAME``, in which readers need no module path."""
    import jsonargparse

    import segtcn.data.readers  # noqa: F401
    from segtcn.data.datamodule import SegmentationDataModule

    parser = jsonargparse.ArgumentParser(prog="segtcn", exit_on_error=False)
    parser.add_argument("-c", "--config", action="config")
    parser.add_class_arguments(SegmentationDataModule, "data", instantiate=False)
    return parser


def recognise(path: Path) -> list[str]:
    """Options that describe a config, a folder or a file.

    Raises:
        FileNotFoundError: if it does not exist.
        ValueError: if it is something else.
    """
    from segtcn.data.readers.hdf5 import HDF5_ENDINGS

    if path.is_dir():
        if (path / "data.yaml").is_file():
            return [f"--config={_data_of(path / 'data.yaml')}"]
        card = [f"--data.card={path / 'README.md'}"] if _has_front_matter(path / "README.md") else []
        if (path / "features").is_dir() and (path / "splits").is_dir():
            endings = {file.suffix for file in (path / "features").iterdir()}
            reader = next((reader for reader, known in _READERS.items() if endings & known), "MSTCNReader")
            return [f"--data.reader={reader}", f"--data.reader.init_args.root={path}", *card]
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in HDF5_ENDINGS)
        if len(files) == 1:
            return ["--data.reader=HDF5Reader", f"--data.reader.init_args.path={files[0]}", *card]
        if (path / "features").is_dir():
            raise ValueError(f"{path} has features, but no lists in {path / 'splits'}: `segtcn init {path}` makes them")
        tables = {file.suffix for file in path.iterdir()} & set().union(*_READERS.values())
        hint = f"; its files {', '.join(sorted(tables))} belong into features, with lists in splits" if tables else ""
        raise ValueError(
            f"{path} is not a known data set: expected data.yaml, or the folders features and splits, or one "
            f"HDF5 file ({len(files)} found){hint}; give a data config, such as gtea_lea with "
            f"--data.reader.init_args.root {path}"
        )
    if not path.is_file():
        raise FileNotFoundError(f"no file or folder {path}: give a data config (.yaml), a folder or an HDF5 file")
    if path.suffix.lower() in HDF5_ENDINGS:
        return ["--data.reader=HDF5Reader", f"--data.reader.init_args.path={path}"]
    if path.suffix.lower() in (".yaml", ".yml"):
        return [f"--config={_data_of(path)}"]
    raise ValueError(f"{path} is not a data config (.yaml), folder or HDF5 file: give one of these")


def _data_of(path: Path) -> str:
    """The part ``data`` of a config, as YAML."""
    config = read_config(path)
    if not isinstance(config, dict) or not isinstance(config.get("data"), dict):
        raise ValueError(f"{path} has no part `data`: give a config such as gtea_lea")
    return yaml.safe_dump({"data": config["data"]}, width=1_000_000)


def _has_front_matter(path: Path) -> bool:
    return path.is_file() and path.read_bytes()[:4] in (b"---\n", b"---\r")
