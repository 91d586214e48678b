"""Your own data set: from features or clips and annotations to a tree that ``segtcn fit`` trains on."""

from segtcn.options import Sources
from segtcn.prepare.project.create import init_project
from segtcn.prepare.project.project_files import Project, summarize

__all__ = ["Project", "Sources", "init_project", "summarize"]
