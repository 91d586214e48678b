"""No sentence of a docstring is longer than 35 words."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = re.compile(
    r"^ *(?:Examples?|Reference|Shape):\n.*?(?=^\S|\Z)|::\n(?:\n| +.*\n)*|^(=+ )+.*^(=+ )+=*$", re.M | re.S
)


def long_sentences(text: str) -> list[str]:
    """The sentences of a docstring with more than 35 words, without examples, equations and tables."""
    parts = re.split(r"\n\s*\n|\n(?= *[\w*, ]+: )|\n(?= *[-*] )", CODE.sub("\n\n", f"{text}\n"))
    sentences = [sentence for part in parts for sentence in re.split(r"(?<=[.!?;:])\s+", part.strip())]
    return [" ".join(sentence.split()) for sentence in sentences if len(sentence.split()) > 35]


def test_sentences_of_docstrings_are_short():
    too_long = {}
    for path in sorted((ROOT / "segtcn").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                sentences = long_sentences(ast.get_docstring(node) or "")
                too_long |= {f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}": sentences} if sentences else {}
    assert not too_long
    assert long_sentences("word " * 36)
