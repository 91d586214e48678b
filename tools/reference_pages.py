"""Pages of the site's reference: every public name of a room by mkdocstrings, and the command line from its help."""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib
import inspect
import io
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools.docstring_markdown import to_markdown as docstring_markdown

REPOSITORY = Path(__file__).resolve().parents[1]

ROOMS = {
    "segtcn": ["segtcn"],
    "labels": ["segtcn.labels"],
    "decoding": ["segtcn.decoding"],
    "segmenter": ["segtcn.segmenter", "segtcn.segmenter.file_prediction", "segtcn.segmenter.export"],
    "models": ["segtcn.models"],
    "losses": ["segtcn.losses"],
    "metrics": ["segtcn.metrics", "segtcn.metrics.functional"],
    "data": ["segtcn.data", "segtcn.data.datamodule", "segtcn.data.readers", "segtcn.data.augmentation"],
    "prepare": ["segtcn.prepare.project", "segtcn.prepare.annotations", "segtcn.prepare.check", "segtcn.prepare.draft"],
    "extract": ["segtcn.extract"],
    "evaluation": ["segtcn.evaluation"],
    "visualization": ["segtcn.visualization", "segtcn.visualization.player"],
    "layers": ["segtcn.layers"],
    "structures": ["segtcn.structures"],
    "task": ["segtcn.task", "segtcn.callbacks.wandb", "segtcn.callbacks.run_files", "segtcn.callbacks.computation"],
}
"""Page of the reference: its modules."""


def public_names(module_name: str) -> list[str]:
    """The public names of a module: its ``__all__``, or the classes and functions that it or its package defines.

    Args:
        module_name: such as ``segtcn.labels``.

    Returns:
        The names in the order of the documentation.
    """
    module = importlib.import_module(module_name)
    if hasattr(module, "__all__"):
        return [*module.__all__]
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and f"{value.__module__}.".startswith(f"{module_name}.")
    ]


def public_objects(*pages: str) -> dict[str, type | Callable[..., object]]:
    """The classes and functions of pages of the reference, by their dotted names.

    Args:
        *pages: keys of :data:`ROOMS`.

    Returns:
        Each object once.
    """
    objects = {}
    for module_name in (module for page in pages for module in ROOMS[page]):
        module = importlib.import_module(module_name)
        for name in public_names(module_name):
            value = getattr(module, name)
            if inspect.isclass(value) or inspect.isfunction(value):
                objects[f"{value.__module__}.{name}"] = value
    return objects


def reference_page(page: str) -> str:
    """The page of a room: each public name, where it is defined."""
    lines = ["# The front door" if page == "segtcn" else f"# `{ROOMS[page][0]}`"]
    for number, module_name in enumerate(ROOMS[page]):
        module = importlib.import_module(module_name)
        if number:
            lines.append(f"## `{module_name}` {{ .room }}")
        lines.append(docstring_markdown((inspect.getdoc(module) or "").partition("\n")[0]))
        names = [name for name in public_names(module_name) if not inspect.ismodule(getattr(module, name))]
        networks = [name for name in names if name in network_pages()] if page == "models" else []
        if networks:
            links = ", ".join(f"[`{name}`](../networks/{network_pages()[name]}.md)" for name in networks)
            lines.append(f"Networks have pages of their own: {links}.")
        owned = [name for name in names if name not in networks and _owner(module_name, name) == page]
        elsewhere = [name for name in names if name not in networks and name not in owned]
        if elsewhere:
            links = ", ".join(f"[`{name}`][{_path(module_name, name)}]" for name in elsewhere)
            lines.append(f"On other pages: {links}.")
        level = 2 + (len(ROOMS[page]) > 1)
        lines += [f"::: {_path(module_name, name)}\n    options: {{heading_level: {level}}}" for name in owned]
    return "\n\n".join(lines) + "\n"


@functools.cache
def _owners() -> dict[str, str]:
    """Where each name is documented, by its path: the first page that has it."""
    owners: dict[str, str] = {}
    for page, module_names in ROOMS.items():
        for module_name in module_names:
            for name in public_names(module_name):
                owners.setdefault(_path(module_name, name), page)
    return owners


def _owner(module_name: str, name: str) -> str:
    return _owners()[_path(module_name, name)]


def _path(module_name: str, name: str) -> str:
    """A name with the module that defines it."""
    value = getattr(importlib.import_module(module_name), name)
    return f"{_home(module_name, name, value)}.{name}"


def _home(module_name: str, name: str, value: Any) -> str:
    """The module whose source defines a name; constants are followed through the imports."""
    home = getattr(value, "__module__", "") if inspect.isclass(value) or inspect.isfunction(value) else ""
    if home.startswith("segtcn."):
        return home
    module = importlib.import_module(module_name)
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.ImportFrom) and any((alias.asname or alias.name) == name for alias in node.names):
            return _home(node.module or "", name, value)
    return module_name


@functools.cache
def network_pages() -> dict[str, str]:
    """Class of a network: its page."""
    pages = {}
    for page in sorted((REPOSITORY / "docs" / "networks").glob("*.md")):
        for name in re.findall(r"^::: segtcn\.models\.(?:\w+\.)?(\w+)", page.read_text("utf-8"), re.MULTILINE):
            pages[name] = page.stem
    return pages


def cli_page() -> str:
    """Every command with what ``--help`` prints; options of the trainer are Lightning's and left out."""
    from segtcn.cli import COMMANDS, usage

    lines = ["# Command line", "What each command prints with `--help`.", _block(usage())]
    for name, (_, summary) in COMMANDS.items():
        lines += [f"## `segtcn {name}`", f"{summary[0].upper()}{summary[1:]}.", _block(command_help(name))]
    return "\n\n".join(lines) + "\n"


def command_help(name: str) -> str:
    """What ``segtcn NAME --help`` prints, without the options that Lightning brings."""
    from segtcn.cli import main

    printed = io.StringIO()
    columns = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "100"
    try:
        with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
            main([name, "--help"])
    finally:
        os.environ.pop("COLUMNS") if columns is None else os.environ.update(COLUMNS=columns)
    text = printed.getvalue().replace(" \b", "")  # a terminal shows `--print_config[=flags]`
    if not text.strip():
        raise RuntimeError(f"segtcn {name} --help prints nothing")
    text = re.sub(r"^  --(trainer|data|model)\b.*\n(?: {4,}.*\n)*", "", text, flags=re.MULTILINE)
    text = re.sub(r"^Linked arguments:\n.*?\n(?=\n|\Z)", "", text, flags=re.MULTILINE | re.DOTALL)
    # headings of options that are left out
    return re.sub(r"^\S.*:\n\n(?=\S)", "", text, flags=re.MULTILINE)


def _block(text: str) -> str:
    return f"```text\n{text.rstrip()}\n```"
