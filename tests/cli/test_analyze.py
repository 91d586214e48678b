"""`segtcn analyze`: counts worked out by hand or by plain loops, and a report that is complete or not there."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segtcn.cli import main
from segtcn.evaluation import LabelledVideos, Run, RunPart, analyze_run, read_run
from segtcn.evaluation.report import report, write_report
from segtcn.metrics import evaluate_videos
from tests.conftest import SPLITS
from tests.run_folders import write_crossval

NAMES = ["background", "take", "pour", "stir"]
FILES = ["analysis.md", "confusion.png", "offsets.png", "timelines.png"]


def run_of(*networks: tuple[dict[str, list[int]], dict[str, list[int]]], fps: float | None = 10.0) -> Run:
    """A run of one split with one seed for each pair of predictions and truth."""
    parts = [
        RunPart(
            "1",
            seed,
            LabelledVideos(*({name: np.array(frames) for name, frames in side.items()} for side in pair), NAMES),
        )
        for seed, pair in enumerate(networks)
    ]
    return Run("mine", parts, NAMES, (0,), "lea", 1, fps)


#              0  1  2  3  4  5  6  7  8  9
TRUTH = {"a": [0, 1, 1, 1, 1, 2, 2, 2, 2, 3], "b": [1, 1, 2, 2]}
PREDS = {"a": [0, 0, 1, 1, 2, 2, 2, 0, 2, 0], "b": [1, 1, 1, 1]}


def test_an_analysis_worked_out_by_hand():
    analysis = analyze_run(run_of((PREDS, TRUTH)))
    assert analysis.confusion.tolist() == [[1, 0, 0, 0], [1, 4, 1, 0], [1, 2, 3, 0], [1, 0, 0, 0]]
    assert [pair[:3] for pair in analysis.confused] == [
        ("pour", "take", 2),
        ("pour", "background", 1),
        ("stir", "background", 1),
        ("take", "background", 1),
        ("take", "pour", 1),
    ]
    assert analysis.confused[0].share == pytest.approx(100 * 2 / 6)
    # a: take is 1 late and stops 1 early; pour is broken, its longer piece 1 early and stops 2 early; stir is missed.
    # b: take stops 2 late, and its start is that of the video; pour is missed
    assert analysis.start_offsets.tolist() == [1, -1]
    assert analysis.stop_offsets.tolist() == [-1, -2, 2]
    assert (analysis.num_true, analysis.num_missed, analysis.num_predicted) == (5, 2, 4)
    assert (analysis.num_broken, analysis.num_merged) == (1, 0)
    assert [(each.name, each.frames, each.segments) for each in analysis.classes] == [
        ("background", 1, 1),
        ("stir", 1, 1),
        ("pour", 6, 2),
        ("take", 6, 2),
    ]
    background, stir, _, take = analysis.classes
    assert (stir.recall, stir.f1) == (0, 0)
    assert np.isnan(stir.precision)  # never predicted
    assert np.isnan(background.f1)  # is not scored
    assert (take.recall, take.precision) == pytest.approx((100 * 4 / 6, 100 * 4 / 6))


def test_merged_segments_are_counted():
    analysis = analyze_run(run_of(({"a": [1, 1, 1, 1]}, {"a": [1, 0, 1, 2]})))
    assert (analysis.num_merged, analysis.num_broken, analysis.num_missed) == (1, 0, 1)


def slow_offsets(preds: list[int], labels: list[int]) -> tuple[list[set[int]], list[set[int]], int]:
    """Possible offsets of each found segment, by plain loops; several where the best overlap is shared."""

    def runs(frames: list[int]) -> list[tuple[int, int, int]]:
        starts = [t for t in range(len(frames)) if t == 0 or frames[t] != frames[t - 1]]
        return [(a, b, frames[a]) for a, b in zip(starts, [*starts[1:], len(frames)], strict=True)]

    starts, stops, missed = [], [], 0
    for start, stop, label in runs(labels):
        if label == 0:
            continue
        overlaps = [(min(stop, b) - max(start, a), a, b) for a, b, own in runs(preds) if own == label]
        best = max((overlap for overlap, _, _ in overlaps), default=0)
        if best <= 0:
            missed += 1
            continue
        if start > 0:
            starts.append({a - start for overlap, a, _ in overlaps if overlap == best})
        if stop < len(labels):
            stops.append({b - stop for overlap, _, b in overlaps if overlap == best})
    return starts, stops, missed


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 12)), min_size=1, max_size=12), st.integers(0, 999))
def test_offsets_equal_those_of_plain_loops(segments, seed):
    labels = [label for label, length in segments for _ in range(length)]
    rng = np.random.default_rng(seed)
    preds = [int(rng.integers(0, 3)) if rng.random() < 0.3 else label for label in labels]
    analysis = analyze_run(run_of(({"a": preds}, {"a": labels})))
    starts, stops, missed = slow_offsets(preds, labels)
    assert analysis.num_missed == missed
    for found, possible in ((analysis.start_offsets, starts), (analysis.stop_offsets, stops)):
        assert len(found) == len(possible)
        assert all(offset in any_of for offset, any_of in zip(found.tolist(), possible, strict=True))
    assert analysis.confusion.sum() == len(labels)
    assert analysis.confusion.diagonal().sum() == sum(pred == label for pred, label in zip(preds, labels, strict=True))


def test_worst_videos_come_first_with_the_mean_of_their_seeds():
    poor, better = {"a": PREDS["a"], "b": [3, 3, 3, 3]}, {"a": TRUTH["a"], "b": PREDS["b"]}
    analysis = analyze_run(run_of((poor, TRUTH), (better, TRUTH)))
    assert [video.name for video in analysis.videos] == ["b", "a"]
    worst = analysis.videos[0]
    assert [*worst.tracks] == ["truth", "seed 0", "seed 1"]
    each = [evaluate_videos(preds, TRUTH, "lea", background=0).videos for preds in (poor, better)]
    for video in analysis.videos:
        for key, score in video.scores.items():
            assert score == pytest.approx((each[0][video.name][key] + each[1][video.name][key]) / 2)
    assert analysis.num_true == 10  # summed over the seeds


def test_text_states_every_part_in_seconds():
    text = report(analyze_run(run_of((PREDS, TRUTH))))
    for heading in ("Confused actions", "Boundaries", "Over-segmentation", "Rare classes", "Worst videos"):
        assert f"\n## {heading}\n" in text
    assert "| pour → take" in text
    assert "in seconds" in text
    assert "within 0.5 s, %" in text
    assert "0.80 predicted segments for every true one" in text
    assert "Protocol `lea`" in text
    frames = report(analyze_run(run_of((PREDS, TRUTH), fps=None)))
    assert "in frames (the frame rate is not known: --fps)" in frames
    assert "within 0.5 s" not in frames


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
    preds = run / "split1-seed0" / "predictions"
    argv = ["analyze", str(preds), f"--truth={root}/groundTruth", f"--out={tmp_path}/out", "--background=background"]
    assert main([*argv, "--fps=10"]) == 0
    assert "in seconds" in (tmp_path / "out" / "analysis.md").read_text()
    assert main(argv) == 0
    assert "in frames" in (tmp_path / "out" / "analysis.md").read_text()
    capsys.readouterr()
    assert main([*argv, "--fps=0"]) == 1
    assert "--fps must be positive, got 0" in capsys.readouterr().err
    assert main(["analyze", str(run), "--fps=3"]) == 1
    assert "--fps goes with --truth" in capsys.readouterr().err


def test_nothing_is_written_where_something_is_wrong(write_ms_tcn_tree, tmp_path, capsys, monkeypatch):
    root = write_ms_tcn_tree()
    run = write_crossval(tmp_path / "run", root, {1: SPLITS[1][1]}, 0.6)
    (tmp_path / "file").write_text("")
    assert main(["analyze", str(run), f"--out={tmp_path}/file"]) == 1
    assert "cannot make the folder" in capsys.readouterr().err
    assert main(["analyze", str(run), f"--root={tmp_path}/moved"]) == 1
    err = capsys.readouterr().err
    assert "--root DIR, or --truth DIR" in err
    assert "Traceback" not in err
    analysis = analyze_run(read_run(run))

    def fail(*args: object) -> None:
        raise RuntimeError("no picture")

    monkeypatch.setattr("segtcn.evaluation.report.plot_timelines", fail)
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


def test_help_has_examples(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["analyze", "--help"])
    assert stop.value.code == 0
    assert "--out report" in capsys.readouterr().out
