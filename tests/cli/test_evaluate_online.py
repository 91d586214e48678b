"""`segtcn evaluate RUN --online`: the table of a run, from its config and checkpoint alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from segtcn.cli import main
from segtcn.models import MSTCN, CausalTCN
from segtcn.segmenter import Segmenter
from tests.conftest import CLASSES, write_tree


def run_folder(root: Path, net, fps: float | None = 15.0) -> Path:
    """What `segtcn fit` leaves behind, as far as this command reads it."""
    write_tree(root / "data")
    (root / "run" / "checkpoints").mkdir(parents=True)
    Segmenter(net, CLASSES, fps, sample_rate=2).save(root / "run" / "checkpoints" / "last.ckpt")
    reader = {"class_path": "MSTCNReader", "init_args": {"root": str(root / "data"), "fps": 15.0}}
    config = {"data": {"reader": {**reader, "class_path": "segtcn.data.readers.MSTCNReader"}, "split": 2}}
    (root / "run" / "config.yaml").write_text(yaml.safe_dump(config))
    return root / "run"


def test_every_lookahead_has_a_row(tmp_path, capsys):
    run = run_folder(tmp_path, MSTCN(4, 3, num_stages=1, num_layers=2, hidden_channels=4))
    assert main(["evaluate", str(run), str(run), "--online", "--lookahead", "0,0.2,inf", "--csv"]) == 0
    lines = [line.split(",") for line in capsys.readouterr().out.splitlines() if line]
    assert lines[0][-4:] == ["found", "median delay / s", "mean delay / s", "unchanged"]
    assert [line[0] for line in lines[1:]] == ["0", "0.2", "all", "0 then revised"]
    assert lines[3][-1] == "100.0"


def test_a_causal_network_has_one(tmp_path, capsys):
    run = run_folder(tmp_path, CausalTCN(4, 3, 4, num_layers=2))
    assert main(["evaluate", str(run), "--online"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3


@pytest.mark.parametrize(
    ("words", "fps", "message"),
    [
        ([], None, "does not say the rate of its features"),
        (["--lookahead", "-1"], 15.0, "must be seconds, 0 or more"),
        (["--data.split", "7"], 15.0, "split 7"),
    ],
)
def test_unfit_calls_are_refused(tmp_path, capsys, words, fps, message):
    run = run_folder(tmp_path, CausalTCN(4, 3, 4, num_layers=2), fps)
    assert main(["evaluate", str(run), "--online", *words]) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--online", "--lookahead", "soon"], "takes seconds with commas"),
        (["--online", "--mapping", "mapping.txt"], "leave --per-video and options of files out"),
        (["--lookahead", "1"], "go with --online"),
        (["--data.split=2"], "go with --online"),
    ],
)
def test_options_that_do_not_go_together_are_refused(tmp_path, capsys, words, message):
    with pytest.raises(SystemExit) as stop:
        main(["evaluate", str(tmp_path), *words])
    assert stop.value.code == 2
    assert message in capsys.readouterr().err
