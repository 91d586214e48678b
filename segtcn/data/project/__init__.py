"""A data set of one's own: from features or clips and annotations to a tree that ``segtcn fit`` trains on."""

from segtcn.data.project.files import Project, summarize
from segtcn.data.project.init import init_project

__all__ = ["Project", "init_project", "summarize"]
