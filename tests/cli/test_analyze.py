"""`segtcn analyze`: a report that is complete or not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from segtcn.cli import main
from segtcn.cli.analyze import write_report
from segtcn.evaluation import analyze_run, read_run
from segtcn.labels import write_labels
from tests.conftest import SPLITS
from tests.run_folders import PREDS, TRUTH, run_of, truth_of, write_crossval, write_network

FILES = ["analysis.md", "confusion.png", "offsets.png", "timelines.png"]


@pytest.mark.parametrize(
    ("preds", "labels"),
    [([1, 1], [1, 1]), ([0], [0]), ([0, 0], [1, 2]), ([1, 2], [0, 0]), ([3], [1])],
    ids=["all right", "one frame of background", "nothing predicted", "nothing true", "one frame"],
)
def test_extremes_have_a_report(tmp_path, preds, labels):
    files = write_report(analyze_run(run_of(({"a": preds}, {"a": labels}))), tmp_path)
    assert [path.name for path in files] == FILES
    assert "nan" not in files[0].read_text().lower()


def test_command_writes_text_and_pictures(write_ms_tcn_tree, tmp_path, capsys):
    root = write_ms_tcn_tree()
    run = write_crossval(
        tmp_path / "run", root, {split: names for split, (_, names) in SPLITS.items()}, 0.6, seeds=(0, 1)
    )
    assert main(["analyze", str(run)]) == 0
    out = capsys.readouterr().out
    assert "3 test videos in 2 splits, predicted by 4 networks at 10 frames a second" in out
    assert "frames and segments are summed over the seeds" in out
    assert sorted(path.name for path in (run / "analysis").iterdir()) == FILES
    assert all(str(run / "analysis" / name) in out for name in FILES)
    for name in FILES[1:]:
        assert (run / "analysis" / name).read_bytes().startswith(b"\x89PNG")
    text = (run / "analysis" / "analysis.md").read_text()
    assert set(re.findall(r"\]\((.*?)\)", text)) == set(FILES[1:])
    assert "P02_tea" in text
    assert main(["analyze", str(run), "--out", str(tmp_path / "a" / "b")]) == 0  # again, and elsewhere
    assert (tmp_path / "a" / "b" / "analysis.md").read_text() == text


def test_folder_of_predictions(write_ms_tcn_tree, tmp_path, capsys):
    root = write_ms_tcn_tree()
    run = write_crossval(tmp_path / "run", root, {1: SPLITS[1][1]}, 0.6)
    argv = ["--background=background", f"--truth={root}/groundTruth", f"--out={tmp_path}/out"]
    text = tmp_path / "out" / "analysis.md"
    assert main(["analyze", str(run / "split1-seed0" / "predictions"), *argv]) == 0
    assert "in seconds" in text.read_text()  # archives know their rate
    for name in SPLITS[1][1]:
        (tmp_path / "text").mkdir()
        write_labels(tmp_path / "text" / f"{name}.txt", read_run(run).parts[0].preds[name])
    assert main(["analyze", str(tmp_path / "text"), *argv]) == 0
    assert "in frames" in text.read_text()
    assert main(["analyze", str(tmp_path / "text"), *argv, "--fps=10"]) == 0
    assert "in seconds" in text.read_text()
    capsys.readouterr()
    assert main(["analyze", str(run), "--fps=0"]) == 1
    assert "(`fps`, --fps) must be positive, got 0" in capsys.readouterr().err


def test_videos_without_truth_are_said_and_left_out(write_ms_tcn_tree, tmp_path, capsys):
    root = write_ms_tcn_tree()
    preds = {name: truth_of(root, name) for name in SPLITS[2][1]}
    run = write_network(tmp_path / "run", root, preds)
    blind = write_network(tmp_path / "blind", root, preds, has_truth=False)
    assert main(["analyze", str(blind)]) == 1
    assert "no truth of any video of blind" in capsys.readouterr().err
    assert not (blind / "analysis").exists()
    (blind / "predictions" / "P01_tea.npz").replace(run / "predictions" / "P01_tea.npz")
    assert main(["analyze", str(run), "--fps=20"]) == 0
    out = capsys.readouterr().out
    assert "1 test video in 1 split, predicted by 1 network at 20 frames a second" in out
    assert "note: run: no truth of 1 of 2 videos: P01_tea" in out


def test_nothing_is_written_where_something_is_wrong(write_ms_tcn_tree, tmp_path, capsys, monkeypatch):
    root = write_ms_tcn_tree()
    run = write_crossval(tmp_path / "run", root, {1: SPLITS[1][1]}, 0.6)
    (tmp_path / "file").write_text("")
    assert main(["analyze", str(run), f"--out={tmp_path}/file"]) == 1
    assert f"cannot use {tmp_path}/file: file exists; choose another place" in capsys.readouterr().err
    analysis = analyze_run(read_run(run))

    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("no picture")

    monkeypatch.setattr("segtcn.visualization.timeline.plot_timelines", fail)
    with pytest.raises(RuntimeError):
        write_report(analysis, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not (run / "analysis").exists()


def test_an_earlier_report_stays_if_a_picture_cannot_be_written(tmp_path, monkeypatch):
    analysis = analyze_run(run_of((PREDS, TRUTH)))
    before = {path.name: path.read_bytes() for path in write_report(analysis, tmp_path)}

    def half(self: object, path: Path, **kwargs: object) -> None:
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", half)
    with pytest.raises(OSError, match="disk full"):
        write_report(analysis, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
