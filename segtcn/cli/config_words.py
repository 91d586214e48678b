"""Words of the command line that name configs: ``-c ed_tcn``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from segtcn.config_names import config_folder, find_config

_TRAINING = ("fit", "validate", "test", "crossval")


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
