"""A data set of one's own: from features or clips and annotations to a tree that ``segtcn fit`` trains on."""

from segtcn.prepare.project.create import init_project
from segtcn.prepare.project.files import Project, summarize

__all__ = ["Project", "init_project", "summarize"]
