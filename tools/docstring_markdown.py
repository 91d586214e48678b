"""A griffe extension: docstrings with Sphinx roles and equations, as Markdown for the documentation site."""

from __future__ import annotations

import re
from textwrap import dedent
from typing import Any

import griffe
from latex2mathml.converter import convert

ROLE = re.compile(r":(?:class|func|meth|data|attr|mod|exc):`(?P<short>~?)(?P<target>[\w.]+)`")
MATH = re.compile(r":math:`([^`]+)`", re.DOTALL)
DISPLAY = re.compile(r"^(?P<indent> *)\.\. math:: (?P<first>.*(?:\n(?P=indent) +\S.*)*)", re.MULTILINE)

INHERITED = ("NamedTuple", "nn.Dropout")
"""Base classes that bring the constructor."""


class DocstringMarkdown(griffe.Extension):
    """Turn roles into links, ``.. math::`` into MathML and ``::`` into Markdown's code blocks."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Rewrite the docstring of a function, class, attribute or module."""
        if obj.docstring:
            text = to_markdown(obj.docstring.value, obj)
            if obj.is_class and any(str(base) in INHERITED for base in obj.bases):
                text = text.replace("Args:", "Attributes:")  # the constructor is not in the source
            obj.docstring.value = text


def to_markdown(text: str, scope: griffe.Object | None = None) -> str:
    """Write a docstring as Markdown.

    Args:
        text: with the roles and directives of Sphinx.
        scope: where short names such as ``Loss`` are looked up; None takes them as they are.

    Returns:
        The same in Markdown.

    Example:
        >>> to_markdown("See :func:`~segtcn.training.fit`::")
        'See <autoref optional identifier="segtcn.training.fit"><code>fit</code></autoref>:'
    """
    text = DISPLAY.sub(lambda match: match["indent"] + _math(match["first"], "block"), text)
    text = MATH.sub(lambda match: _math(match[1], "inline"), text)
    text = ROLE.sub(lambda match: _link(match["target"], bool(match["short"]), scope), text)
    text = re.sub(r"^ *::$\n?", "", text, flags=re.MULTILINE)
    text = re.sub(r"::$", ":", text, flags=re.MULTILINE)
    return re.sub(r"^Example:$", "Examples:", text, flags=re.MULTILINE)


def _math(latex: str, display: str) -> str:
    return convert(" ".join(dedent(latex).split()), display=display)


def _link(target: str, short: bool, scope: griffe.Object | None) -> str:
    """A link that stays plain code where the site does not document its target."""
    name = target.rpartition(".")[2] if short else target
    if scope is not None and not target.startswith("segtcn."):
        try:
            target = scope.resolve(target)
        except griffe.NameResolutionError:
            return f"<code>{name}</code>"
    return f'<autoref optional identifier="{target}"><code>{name}</code></autoref>'
