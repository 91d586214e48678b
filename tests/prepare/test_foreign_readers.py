"""What `check_data` says of readers that are not segtcn's."""

from __future__ import annotations

import pytest
import torch

from segtcn.data.readers import Reader
from segtcn.prepare.check import check_data
from segtcn.structures import Video


class Failing(Reader):
    """A reader that cannot read one video, or its labels alone, and does not name it."""

    def __init__(self, labels_only: bool) -> None:
        self.class_names, self.feature_dim, self.fps, self.background = ["a", "b"], 2, 10.0, None
        self.splits, self.labels_only = [1], labels_only

    def videos(self, split, subset):
        return ["good", "odd"] if subset == "train" else ["other"]

    def read(self, name, split=None, labels=True):
        if name == "odd" and (labels or not self.labels_only):
            raise MemoryError("Unable to allocate 128. GiB")
        return Video(name, torch.rand(2, 9), torch.arange(9) % 2)


@pytest.mark.parametrize(("labels_only", "kind"), [(False, "unreadable"), (True, "labels")])
def test_a_failure_without_a_name_gets_that_of_its_video(labels_only, kind):
    failures = [problem for problem in check_data(Failing(labels_only)).errors if problem.kind == kind]
    assert [problem.message for problem in failures] == ["video 'odd': Unable to allocate 128. GiB"]
