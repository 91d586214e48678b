"""What the tests of ``segtcn init`` share: videos, their annotations, and the call."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from segtcn.options import Folds
from segtcn.prepare.annotations import LabelRules
from segtcn.prepare.project import Project, Sources, init_project

VIDEOS = {"P01.cam 2": 40, "P01_Knödel": 47, "P02 取る": 38, "P02_tea": 52}
TABLE = "label,start_s,stop_s\ncut,0.5,2\npour milk,2,3.25\n"


def made(root: Path, **arguments: Any) -> Project:
    arguments = {"fps": 10, "folds": 2, "progress": False, **arguments}
    groups = {"sources": Sources, "rules": LabelRules, "folds": Folds}
    grouped = {
        name: group(**{f.name: arguments.pop(f.name) for f in fields(group) if f.name in arguments})
        for name, group in groups.items()
    }
    return init_project(root, **grouped, **arguments)


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
