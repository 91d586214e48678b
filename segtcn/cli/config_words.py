"""Configs on the command line: ``-c ed_tcn``, and which modules a config may name, because a config is code."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from segtcn.config_names import config_folder, find_config, parse_config, read_config

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
    name, _, value = word.rpartition("=")
    is_config = name in ("-c", "--config", "--models")
    return [part for part in value.split("+") if is_config or Path(part).suffix in _ENDINGS]


def check_one_network(words: Iterable[str]) -> None:
    """Refuse configs of two networks: the second would keep what the first says of kernels, losses and epochs.

    Args:
        words: a command line with ``-c PATH`` as one word.

    Raises:
        ValueError: naming the configs.
    """
    paths = [Path(value) for name, _, value in (word.partition("=") for word in words) if name in ("-c", "--config")]
    paths = [path for path in dict.fromkeys(paths) if path.is_file()]
    folder = config_folder()
    shipped = {path.stem for path in (folder / "model").glob("*.yaml")}
    given = {path.stem for path in paths if path.resolve().parent == folder / "model"}
    networks = {path: name for path in paths if (name := _network_of(read_config(path)))}
    if len({*networks.values()}) > 1 or len(given) > 1:
        raise ValueError(
            f"{' and '.join(map(str, networks))} are configs of different networks, which would be mixed: give one "
            "of them; `segtcn crossval --models` trains several"
        )
    for path in paths:
        parts = path.stem.split("_")
        names = {"_".join(parts[:end]) for end in range(1, len(parts))} & shipped
        if given and names and path.resolve().parent == folder / "experiment" and not names & given:
            raise ValueError(f"{path} is a recipe of {max(names, key=len)}, not of {min(given)}: leave one of both out")


def _network_of(values: Any) -> str:
    """The class of the network that a config names, without its module; nothing where there is none."""
    for key in ("model", "net", "class_path"):
        values = values.get(key) if isinstance(values, dict) else values
    return values.rpartition(".")[2] if isinstance(values, str) else ""


OPTION = "--allow-modules"
TRUSTED = ("segtcn", "torch", "pytorch_lightning")
"""What the config of a run may name in `test` and `validate`, unless the option says more."""

_ENDINGS = (".yaml", ".yml", ".json")


def without_option(argv: Sequence[str]) -> list[str]:
    """The words of a command without ``--allow-modules A,B``, once its configs name no other modules.

    A config that lies in the folder of a run may be a stranger's: ``test`` and ``validate`` take it only if it names
    no module but :data:`TRUSTED`. Without the option, ``fit`` and ``crossval`` take any config.

    Raises:
        ValueError: naming the config and what it names, before anything is imported.
    """
    words, allowed = [], None
    rest = iter(join_configs(argv))
    for word in rest:
        name, _, value = word.partition("=")
        if name == OPTION:
            allowed = tuple((value or next(rest, "")).split(","))
        else:
            words.append(word)
    named = [Path(path) for word in words[1:] for path in configs_of(word)]
    configs = [path for path in named if path.is_file()]  # the command says which are missing
    for path in configs:
        read_config(path)  # so that one which takes minutes to read is refused
    if allowed is None and words[0] in ("test", "validate"):
        allowed, configs = TRUSTED, [path for path in configs if path.name == "config.yaml"]
    if allowed is not None:
        check_modules(configs, allowed)
    return words


def check_modules(configs: Iterable[Path], allowed: Sequence[str] = TRUSTED) -> None:
    """Refuse configs that name a class or function of another module; nothing is imported.

    Args:
        configs: files.
        allowed: modules; their submodules are allowed, too.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: naming the config and the classes.
    """
    for path in configs:
        if names := _foreign_names(path, allowed):
            raise ValueError(
                f"{path} names {', '.join(names)}, which is code outside {', '.join(allowed)}: if you trust it, add "
                f"{_option(names, allowed)}"
            )


def needed_option(config: Path) -> str:
    """The option that `test` and `validate` need for a config, or nothing where it names :data:`TRUSTED` code alone."""
    names = _foreign_names(config, TRUSTED)
    return _option(names, TRUSTED) if names else ""


def _foreign_names(path: Path, allowed: Sequence[str]) -> list[str]:
    names = dict.fromkeys(_names(path, set()))
    return [
        name for name in names if not any(_is_code_of(name, module) for module in allowed) and _can_be_imported(name)
    ]


def _is_code_of(name: str, module: str) -> bool:
    """Whether a name lies in a module; `torch.os.system` does not lie in torch, which only imported `os`."""
    if not f"{name}.".startswith(f"{module}."):
        return False
    root, *inner = module.split(".")
    with suppress(ValueError):  # a module without a specification, such as `__main__`
        spec = importlib.util.find_spec(root)
        folders = [Path(place, *inner) for place in (spec and spec.submodule_search_locations) or ()]
        parts = name.split(".")[len(inner) + 1 :]
        while parts and any((folder / parts[0]).is_dir() or [*folder.glob(f"{parts[0]}.*")] for folder in folders):
            part = parts.pop(0)
            folders = [folder / part for folder in folders]
        # what is not a file is an attribute, of which a class may have one
        return len(parts) < 2 or (len(parts) == 2 and parts[0][0].isupper())
    return True


def _option(names: Iterable[str], allowed: Sequence[str]) -> str:
    roots = {name: name.partition(".")[0] for name in names}
    modules = [name.rpartition(".")[0] if root in allowed else root for name, root in roots.items()]
    modules = [*dict.fromkeys([*allowed, *modules])]
    return f"{OPTION} {','.join(modules)}"


def _names(path: Path, visited: set[Path]) -> Iterator[str]:
    """All dotted names in a config, and in the files that its values name: they may be configs, too."""
    if path.resolve() in visited:
        return
    is_config = not visited or path.suffix in _ENDINGS
    visited.add(path.resolve())
    try:
        values = read_config(path)
    except ValueError:
        if is_config:
            raise
        return  # features, for instance
    for text in _texts(values):
        if "." in text and all(part.isidentifier() for part in text.split(".")):
            yield text
        for other in (path.parent / text, Path(text)):
            if len(text) < 1000 and "\0" not in text and other.is_file():
                yield from _names(other, visited)


def _texts(value: Any) -> Iterator[str]:
    """All texts in a value, also in those texts that are YAML themselves, as of options of a command."""
    pending, visited = [value], {}
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            yield value
            for part in (value, value.partition("=")[2]):
                with suppress(ValueError):
                    pending += [inner for inner in [parse_config(part)] if inner != value]
        elif isinstance(value, dict | list | set) and id(value) not in visited:  # aliases can make it endless
            visited[id(value)] = value
            pending += [*value, *(value.values() if isinstance(value, dict) else ())]


def _can_be_imported(name: str) -> bool:
    """Whether the first part of a dotted name is a module; importing it is not needed to know that."""
    root, _, rest = name.partition(".")
    try:
        spec = importlib.util.find_spec(root)
    except ValueError:  # a module without a specification, such as `__main__`
        return True
    # a folder without __init__.py has no code itself: `data.csv` beside a folder `data` is a file
    return spec is not None and (spec.origin is not None or "." in rest)
