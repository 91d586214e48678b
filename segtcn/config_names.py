"""Configs that are shipped with the package, by name from any directory: ``-c ed_tcn``."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

KINDS = ("model", "data", "trainer", "experiment")
"""Folders of configs in the order in which a name is looked up."""


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
        near = difflib.get_close_matches(name.rpartition("/")[2], names, 3) or sorted(names)
        raise ValueError(
            f"no config {name!r}: neither a file here nor one of segtcn's; the nearest names: {', '.join(near)}"
        )
    return str(shipped[matches[0]])
