"""Every public name has a docstring that documents its arguments, and most of the core shows an example that runs."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable

import pytest

pytest.importorskip("mkdocs", reason='the list of public names is that of the site: pip install "segtcn[docs]"')

from segtcn.structures import Segment
from tools.site_hooks import ROOMS, public_names

CORE = ("segtcn", "labels", "segmenter", "models", "losses", "metrics", "data", "layers", "structures")
IMPLIED = {"self", "cls", "args", "kwargs"}


def public_objects(*pages: str) -> dict[str, type | Callable]:
    """The classes and functions of pages of the reference, by their dotted name."""
    objects = {}
    for module_name in (module for page in pages for module in ROOMS[page]):
        module = importlib.import_module(module_name)
        for name in public_names(module_name):
            value = getattr(module, name)
            if inspect.isclass(value) or inspect.isfunction(value):
                objects[f"{value.__module__}.{name}"] = value
    return objects


def docstring(value: object) -> str:
    """The docstring in the source; a class without one inherits nothing."""
    text = vars(value).get("__doc__") if inspect.isclass(value) else value.__doc__
    return inspect.cleandoc(text or "")


def documented_arguments(text: str) -> set[str]:
    section = re.search(r"^Args:\n((?:    .*\n|\n)+)", f"{text}\n", re.MULTILINE)
    names = re.findall(r"^    ([\w*]+(?:, [\w*]+)*):", section[1], re.MULTILINE) if section else []
    return {name.strip(" *") for line in names for name in line.split(",")}


def argument_problems(value: type | Callable) -> str:
    """What the arguments of a docstring and of a signature do not share, in words; empty if they are the same."""
    try:
        arguments = {*inspect.signature(value).parameters} - IMPLIED
    except ValueError:  # an exception has no signature
        return ""
    documented = documented_arguments(docstring(value))
    if not documented and (inspect.isclass(value) and issubclass(value, BaseException)):
        return ""
    problems = [f"lacks {name}" for name in sorted(arguments - documented)]
    return ", ".join(
        problems + [f"documents {name}, which is not an argument" for name in sorted(documented - arguments - IMPLIED)]
    )


def test_every_public_name_has_a_docstring():
    objects = public_objects(*ROOMS)
    assert len(objects) > 200
    assert not [name for name, value in objects.items() if len(docstring(value)) < 15]


@pytest.mark.parametrize("page", ROOMS)
def test_documented_arguments_are_those_of_the_signature(page):
    problems = {name: argument_problems(value) for name, value in public_objects(page).items()}
    assert not {name: text for name, text in problems.items() if text}


def test_an_argument_that_is_missing_or_made_up_is_named():
    def crop(frames, start):
        """Cut.

        Args:
            frames: all.
            stop: end.
        """

    assert argument_problems(crop) == "lacks start, documents stop, which is not an argument"
    assert not argument_problems(Segment)


def test_three_quarters_of_the_core_show_an_example():
    objects = public_objects(*CORE)
    without = sorted(name for name, value in objects.items() if ">>>" not in docstring(value))
    assert len(without) <= len(objects) / 4, without
