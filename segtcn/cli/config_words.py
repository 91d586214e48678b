"""Words of the command line that name configs: ``-c ed_tcn``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from segtcn.config_names import config_folder, find_config

_TRAINING = ("fit", "validate", "test", "crossval", "learncurve")


def resolve_configs(argv: Sequence[str]) -> list[str]:
    """A command line with the paths of the configs that it names.

    The values of ``-c``, ``--config`` and ``--models`` may be names, and a folder in their place, ``test RUN``, means
    the config of that run. A command that trains the network of a shipped config gets ``trainer/default`` as its first
    config, unless it names a config of that kind.

    Args:
        argv: the words after ``segtcn``.

    Returns:
        The same words with paths.

    Raises:
        ValueError: as :func:`find_config`.
    """
    given = join_configs(argv)
    if argv[0] in _TRAINING and len(given) > 1 and Path(given[1]).is_dir():
        given[1] = f"-c={Path(given[1]) / 'config.yaml'}"
    words = [*_resolved(given)]
    added = {Path(part).parent for word in {*words} - {*given} for part in configs_of(word)}
    folder = config_folder()
    named = {Path(part).resolve().parent for word in words[1:] for part in configs_of(word)}
    if argv[0] in _TRAINING and folder / "model" in added and folder / "trainer" not in named:
        words.insert(1, f"-c={folder / 'trainer' / 'default.yaml'}")
    return words


def join_configs(words: Iterable[str]) -> list[str]:
    """A command line with ``-c PATH`` as one word, ``-c=PATH``."""
    joined, rest = [], iter(words)
    for word in rest:
        value = next(rest, None) if word in ("-c", "--config") else None
        joined.append(word if value is None else f"{word}={value}")
    return joined


def _resolved(words: Sequence[str]) -> Iterator[str]:
    is_model = False
    for word in words:
        name, equals, value = word.partition("=")
        if equals and name in ("-c", "--config", "--models"):
            yield f"{name}={_find_all(value)}"
        else:
            is_model = is_model and not word.startswith("-")
            yield _find_all(word) if is_model else word
        is_model = is_model or word == "--models"


def _find_all(names: str) -> str:
    """``crossval --models`` joins configs of one network by ``+``."""
    return "+".join(map(find_config, names.split("+")))


def configs_of(word: str) -> list[str]:
    """The configs that a word names."""
    return [part for part in word.rpartition("=")[2].split("+") if part.endswith(".yaml")]
