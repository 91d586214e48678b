"""`segtcn learncurve`: a cross-validation for each share, with intervals; the same command continues."""

from __future__ import annotations

import json

import pytest

from segtcn.cli import main
from segtcn.evaluation import Resampling, read_run, score_run
from segtcn.evaluation.comparison import score_intervals
from tests.conftest import write_tree


@pytest.fixture
def words(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_tree(tmp_path / "data")
    (tmp_path / "data.yaml").write_text(
        "data:\n  reader:\n    class_path: segtcn.data.readers.MSTCNReader\n    init_args: {root: data, fps: 10}\n"
    )
    options = ["--trainer.logger=false", "--trainer.accelerator=cpu", "--trainer.max_epochs=1", "--splits=1"]
    return ["learncurve", "-c=frame_classifier", "-c=data.yaml", *options, "--annotated=0.5,1", "--out=curve"]


def test_each_share_is_a_cross_validation_and_what_is_there_is_not_repeated(words, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("segtcn.evaluation.known_groups", lambda runs, scores: (None, "these groups do not fit"))
    assert main(words) == 0
    first = capsys.readouterr().out
    assert "50 % of the annotation" in first
    assert "Note: these groups do not fit." in first
    assert "run 1 of 1" in first
    curve = json.loads((tmp_path / "curve" / "learncurve.json").read_text())
    for share in ("0.5", "1"):
        folder = tmp_path / "curve" / f"annotated-{share}"
        stored = json.loads((folder / "results.json").read_text())["scores"]
        assert f"annotated: {float(share)}" in next(folder.rglob("config.yaml")).read_text()
        for name, (score, low, high) in curve["scores"][share].items():
            assert score == pytest.approx(stored[name]["mean"], abs=0.01)
            assert low <= high
    assert (tmp_path / "curve" / "learncurve.png").stat().st_size > 10_000
    report = (tmp_path / "curve" / "learncurve.md").read_text()
    assert "| 50 %" in report
    assert "Note: these groups do not fit." in report
    assert main(words) == 0
    assert "run 1 of 1" not in capsys.readouterr().out

    run = score_run(read_run(tmp_path / "curve" / "annotated-1"))
    wide, narrow = (score_intervals(run, Resampling(2000, confidence))["accuracy"] for confidence in (95, 50))
    assert wide[0] <= narrow[0] <= run.scores["accuracy"] <= narrow[1] <= wide[1]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("--annotated=0,1", "expected shares above 0 and up to 1"),
        ("--annotated=few", "expected shares above 0 and up to 1"),
        ("--data.annotated=0.5", "is one share: give all by --annotated"),
    ],
)
def test_wrong_shares_are_refused(words, word, message, capsys):
    with pytest.raises(SystemExit):
        main([*words, word])
    assert message in capsys.readouterr().err
