"""Configs that are shipped with the package, by name from any directory: ``-c ed_tcn``."""

from __future__ import annotations

import difflib
import itertools
import re
from pathlib import Path
from typing import Any

KINDS = ("model", "data", "trainer", "experiment")
"""Folders of configs in the order in which a name is looked up."""

LARGEST_CONFIG = 2**20
"""Bytes of a config, at most."""

_DEEPEST = 100


def config_folder() -> Path:
    """The folder ``configs``: in the wheel inside the package, in a checkout beside it."""
    package = Path(__file__).resolve().parent
    shipped = package / "configs"
    return shipped if shipped.is_dir() else package.parent / "configs"


def find_config(name: str) -> str:
    """The path of a config that is named without folder and ending; anything else is returned as it is.

    A file of that name in the current directory, with or without ``.yaml``, comes first.

    Args:
        name: a name such as ``ed_tcn`` or ``model/ed_tcn``, or a path.

    Returns:
        The path.

    Raises:
        ValueError: if there is no such config, or more than one.
    """
    if Path(name).exists() or not re.fullmatch(rf"(({'|'.join(KINDS)})/)?\w+", name):
        return name
    if Path(f"{name}.yaml").is_file():
        return f"{name}.yaml"
    shipped = {f"{kind}/{path.stem}": path for kind in KINDS for path in (config_folder() / kind).glob("*.yaml")}
    matches = [key for key in shipped if name in (key, key.partition("/")[2])]
    if len(matches) > 1:
        raise ValueError(f"{name!r} names {len(matches)} configs: write {' or '.join(matches)}")
    if not matches:
        names = [key.partition("/")[2] for key in shipped]
        near = difflib.get_close_matches(name.rpartition("/")[2].lower(), names, 3)
        which = f"; the nearest names: {', '.join(near)}" if near else f", which lie in {config_folder()}"
        raise ValueError(f"no config {name!r}: neither a file or folder here nor one of segtcn's{which}")
    return str(shipped[matches[0]])


def read_config(path: Path) -> Any:
    """The values of a YAML file.

    Args:
        path: the file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is too large, nested too deeply, or not YAML.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no config {path}: check the path")
    if path.stat().st_size > LARGEST_CONFIG:
        raise ValueError(f"{path} has more than a MiB: it cannot be a config")
    try:
        return parse_config(path.read_bytes().decode())
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not YAML in UTF-8 ({error}): correct it") from error
    except ValueError as error:
        raise ValueError(f"{path} is {error}: correct it") from error


def parse_config(text: str) -> Any:
    """The values of YAML.

    Raises:
        ValueError: if it is nested too deeply, not YAML, or too large with its aliases.
    """
    import yaml

    steps = ((letter in "[{") - (letter in "]}") for letter in text)
    try:
        # before it is parsed: the time that PyYAML takes is quadratic in the depth
        if max(itertools.accumulate(steps), default=0) > _DEEPEST:
            raise RecursionError
        values = yaml.safe_load(text)
        if _size(values, {}) > LARGEST_CONFIG:
            raise ValueError("too large once its aliases are written out")
        return values
    except yaml.YAMLError as error:
        raise ValueError(f"not YAML in UTF-8 ({' '.join(str(error).split())})") from error
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _size(value: Any, sizes: dict[int, int]) -> int:
    """How many values there are once aliases are written out: a few lines of them can mean billions."""
    if not isinstance(value, dict | list | set):
        return 1
    if id(value) not in sizes:
        sizes[id(value)] = 0  # of an alias that lies in what it stands for
        parts = [*value, *value.values()] if isinstance(value, dict) else value
        sizes[id(value)] = 1 + sum(_size(part, sizes) for part in parts)
    return sizes[id(value)]
