"""Every public name has a docstring that documents its arguments, and most of the core shows an example that runs."""

from __future__ import annotations

import pytest

pytest.importorskip("mkdocs", reason='the list of public names is that of the site: pip install "segtcn[docs]"')

from tools.docstring_arguments import argument_problems, docstring
from tools.reference_pages import ROOMS, public_objects

CORE = ("segtcn", "labels", "segmenter", "models", "losses", "metrics", "data", "layers", "structures")


def test_every_public_name_has_a_docstring():
    objects = public_objects(*ROOMS)
    assert len(objects) > 200
    assert not [name for name, value in objects.items() if len(docstring(value)) < 15]


@pytest.mark.parametrize("page", ROOMS)
def test_documented_arguments_are_those_of_the_signature(page):
    problems = {name: argument_problems(value) for name, value in public_objects(page).items()}
    assert not {name: text for name, text in problems.items() if text}


def test_three_quarters_of_the_core_show_an_example():
    objects = public_objects(*CORE)
    without = sorted(name for name, value in objects.items() if ">>>" not in docstring(value))
    assert len(without) <= len(objects) / 4, without
