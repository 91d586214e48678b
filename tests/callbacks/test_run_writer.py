"""`run.json` is there exactly while the predictions beside it are complete and of one checkpoint."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from segtcn.callbacks.run_files import RunFactsWriter
from segtcn.evaluation import RunFacts
from segtcn.labels import Classes
from segtcn.models import EDTCN
from segtcn.segmenter import Segmenter
from segtcn.task import SegmentationTask


@pytest.fixture
def task() -> SegmentationTask:
    net = EDTCN(in_channels=4, num_classes=2, hidden_channels=[3], kernel_size=3)
    return SegmentationTask(Segmenter(net, Classes(("rest", "cut"), 0), fps=15.0, sample_rate=3, protocol="mstcn"))


def trainer_in(folder: Path, ckpt_path: str | None, last: str = "", **changes: object) -> SimpleNamespace:
    data = SimpleNamespace(names=lambda subset: [f"{subset}/tea"], split=2, seed=7, groups="persons")
    callback = SimpleNamespace(last_model_path=last)
    facts = {"is_global_zero": True, "default_root_dir": str(folder), "datamodule": data, "ckpt_path": ckpt_path}
    return SimpleNamespace(**{**facts, "checkpoint_callback": callback, **changes})


def test_a_network_is_described_by_what_it_is(task, tmp_path):
    writer = RunFactsWriter("wide", {"reader": {"class_path": "LeaReader"}})
    writer.on_test_end(trainer_in(tmp_path, str(tmp_path / "checkpoints" / "best.ckpt")), task)
    facts = RunFacts.read(tmp_path)
    assert (facts.name, facts.classes, facts.videos) == ("wide", task.segmenter.classes, ("test/tea",))
    assert (facts.protocol, facts.fps, facts.sample_rate, facts.split, facts.seed) == ("mstcn", 15, 3, 2, 7)
    assert facts.groups == "persons"
    assert facts.network["class_name"].endswith("EDTCN")
    assert facts.data == {"reader": {"class_path": "LeaReader"}}


@pytest.mark.parametrize(
    ("ckpt_path", "last", "expected"),
    [
        ("run/checkpoints/best.ckpt", "", "checkpoints/best.ckpt"),
        (None, "run/checkpoints/last.ckpt", "checkpoints/last.ckpt"),  # tested right after training
        (None, "", None),
        ("/elsewhere/last.ckpt", "", "/elsewhere/last.ckpt"),
    ],
)
def test_a_checkpoint_in_the_folder_is_named_relative_to_it(task, tmp_path, monkeypatch, ckpt_path, last, expected):
    monkeypatch.chdir(tmp_path)
    Path("run").mkdir()
    RunFactsWriter().on_predict_end(trainer_in(Path("run"), ckpt_path, last), task)
    assert RunFacts.read(tmp_path / "run").checkpoint == expected


def test_there_is_none_while_videos_are_predicted(task, tmp_path):
    trainer, writer = trainer_in(tmp_path, None), RunFactsWriter()
    writer.on_test_start(trainer, task)
    writer.on_test_end(trainer, task)
    assert RunFacts.read(tmp_path)
    writer.on_predict_start(trainer, task)
    with pytest.raises(FileNotFoundError, match=r"no run\.json"):
        RunFacts.read(tmp_path)


def test_only_the_first_process_writes_and_only_what_it_knows(task, tmp_path):
    for changes in ({"is_global_zero": False}, {"datamodule": None}):
        RunFactsWriter().on_test_end(trainer_in(tmp_path, None, **changes), task)
    assert [*tmp_path.iterdir()] == []
