"""Configs that are shipped with the package, by name from any directory: ``-c ed_tcn``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

KINDS = ("model", "data", "trainer", "experiment")
"""Folders of configs in the order in which a name is looked up."""

_TRAINING = ("fit", "validate", "test", "crossval")


def config_folder() -> Path:
    """The folder ``configs``: in the wheel inside the package, in a checkout beside it."""
    package = Path(__file__).resolve().parents[1]
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


def resolve_configs(argv: Sequence[str]) -> list[str]:
    """A command line with the paths of the configs that it names.

    The values of ``-c``, ``--config`` and ``--models`` may be names. A command that trains the network of a shipped
    config gets ``trainer/default`` as its first config, unless it names a config of that kind.

    Args:
        argv: the words after ``segtcn``.

    Returns:
        The same words with paths.

    Raises:
        ValueError: as :func:`find_config`.
    """
    words = [*_resolved(argv)]
    added = {Path(part).parent for old, new in zip(argv, words, strict=True) if old != new for part in _configs_of(new)}
    folder = config_folder()
    named = {Path(part).resolve().parent for word in words[1:] for part in _configs_of(word)}
    if argv[0] in _TRAINING and folder / "model" in added and folder / "trainer" not in named:
        words.insert(1, f"-c={folder / 'trainer' / 'default.yaml'}")
    return words


def _resolved(argv: Sequence[str]) -> Iterator[str]:
    option = ""
    for word in argv:
        name, equals, value = word.partition("=")
        if name in ("-c", "--config", "--models"):
            option = "" if equals else name
            yield f"{name}={_find_all(value)}" if equals else word
        elif option and not word.startswith("-"):
            yield _find_all(word)
            option = "--models" if option == "--models" else ""
        else:
            option = ""
            yield word


def _find_all(names: str) -> str:
    """``crossval --models`` joins configs of one network by ``+``."""
    return "+".join(map(find_config, names.split("+")))


def _configs_of(word: str) -> list[str]:
    return [part for part in word.rpartition("=")[2].split("+") if part.endswith(".yaml")]
