from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from segtcn.cli import main
from segtcn.labels import Classes, Labels, write_labels
from segtcn.video_io import probe, read_frames
from segtcn.visualization import class_color
from tests.clips import frame_number, write_clip


def named(*lengths: int) -> Labels:
    """Segments of `take`, `pour` in turn."""
    return Labels.from_names(
        [("take", "pour")[place % 2] for place, length in enumerate(lengths) for _ in range(length)]
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clip of 4 s with its labels, 100 of `take` and `pour`, and two predictions."""
    write_clip(tmp_path / "clip.mp4", 100, 25, (320, 240))
    (tmp_path / "truth").mkdir()
    write_labels(tmp_path / "truth" / "clip.txt", named(50, 50))
    for name, wrong in [("a", 10), ("b", 0)]:
        (tmp_path / name).mkdir()
        indexes = np.array([0] * (50 + wrong) + [1] * (50 - wrong))
        labels = Labels(indexes, Classes(("take", "pour")), scores=np.eye(2, dtype=np.float32)[:, indexes])
        write_labels(tmp_path / name / "clip.npz", labels)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def overlay(*words: str, clip: str = "clip.mp4", out: str = "out.mp4") -> int:
    try:
        return main(["overlay", clip, *words, "-o", out])
    except SystemExit as stop:
        return int(stop.code or 0)


def shown_on(folder: Path, color: tuple[int, int, int]) -> float:
    """Share of the panel of the first frame that has a colour."""
    frame = next(frame for _, frame in read_frames(folder / "out.mp4"))[240:]
    return float((np.abs(frame.astype(int) - color[::-1]).max(axis=-1) <= 24).mean())


def test_many_predictions_with_scores_and_a_window(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert overlay("MS-TCN=a/clip.npz", "b/clip.npz", "--truth", "truth/clip.txt", "--scores", "--window", "3") == 0
    captured = capsys.readouterr()
    assert captured.out == "out.mp4\n"
    assert re.search(r"100(/| of )100", captured.err)
    assert probe(folder / "out.mp4").num_frames == 100


def test_times_may_be_written_with_minutes(folder: Path) -> None:
    words = ["a/clip.npz", "--start", "0:01", "--stop", "0:00:03", "--speed", "2", "--height", "120", "--quiet"]
    assert overlay(*words) == 0
    info = probe(folder / "out.mp4")
    assert (info.num_frames, info.width) == (25, 160)
    assert frame_number(next(frame for _, frame in read_frames(folder / "out.mp4"))[:120]) == 25


@pytest.mark.parametrize("place", ["truth", "."])
def test_the_mapping_beside_the_labels_or_above_gives_the_colours(
    folder: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    (folder / place / "mapping.txt").write_text("0 background\n1 stir\n2 pour\n3 take\n")
    assert overlay("truth/clip.txt") == 0
    assert f"note: colours of the classes as in {folder / place / 'mapping.txt'}" in capsys.readouterr().err
    assert shown_on(folder, class_color(3)) > 0.05
    assert shown_on(folder, class_color(1)) == 0


def test_classes_that_a_mapping_lacks_come_after_its_own_but_an_explicit_one_must_fit(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "mapping.txt").write_text("0 walk\n")
    assert overlay("truth/clip.txt") == 0
    assert shown_on(folder, class_color(2)) > 0.05  # walk, pour, take
    capsys.readouterr()
    assert overlay("truth/clip.txt", "--mapping", "mapping.txt") == 1
    assert re.search("is not a known class.* has walk", capsys.readouterr().err, re.IGNORECASE)


@pytest.mark.parametrize("option", [[], ["--mapping", "mapping.txt"]])
def test_a_mapping_names_the_indexes_of_an_array(
    folder: Path, monkeypatch: pytest.MonkeyPatch, option: list[str]
) -> None:
    (folder / "mapping.txt").write_text("0 take\n1 pour\n")
    np.save("a.npy", np.array([0] * 60 + [1] * 40))
    scores = scores_on(monkeypatch, "a.npy", "--truth", "truth/clip.txt", *option)
    assert scores["prediction"]["Accuracy"] == 90


def scores_on(monkeypatch: pytest.MonkeyPatch, *words: str) -> dict[str, dict[str, float]]:
    """The scores that the picture would show."""
    looks = []
    monkeypatch.setattr("segtcn.visualization.overlay.overlay_video", lambda *_, look, **__: looks.append(look))
    assert overlay(*words, "--scores", "--quiet") == 0
    return looks[0].scores


def test_scores_are_those_of_evaluate_at_the_rate_of_the_truth(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    perfect = {"F1@10": 100.0, "F1@25": 100.0, "F1@50": 100.0, "Edit": 100.0}
    scores = scores_on(monkeypatch, "a/clip.npz", "--truth", "truth/clip.txt")
    assert scores == {"prediction": {**perfect, "Accuracy": 90.0}}
    write_labels("half.txt", named(25, 25))
    words = ["x=half.txt", "y=a/clip.npz", "--truth", "truth/clip.txt", "--truth-fps", "25"]
    for rates in (["x=12.5"], ["x=12.5", "25"], ["x=20", "x=12.5"]):  # of two for one title the last
        scores = scores_on(monkeypatch, *words, *(f"--fps={rate}" for rate in rates))
        assert [row["Accuracy"] for row in scores.values()] == [100, 90]


def test_scores_leave_out_the_background_as_the_protocol_says(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["a/clip.npz", "--truth", "truth/clip.txt", "--background", "pour"]
    assert scores_on(monkeypatch, *words)["prediction"]["Accuracy"] == 90
    # LTContext's code deletes frames of the background
    assert scores_on(monkeypatch, *words, "--protocol", "ltcontext")["prediction"]["Accuracy"] == 100


def test_the_truth_of_a_run_is_drawn_without_asking(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    classes = Classes(("take", "pour"))
    write_labels("run.npz", Labels([0] * 100, classes), Labels([0] * 50 + [1] * 50, classes))
    assert scores_on(monkeypatch, "run.npz")["prediction"]["Accuracy"] == 50


def test_text_table_and_archive_of_a_run_have_the_same_colours(folder: Path) -> None:
    (folder / "run" / "predictions").mkdir(parents=True)
    classes = Classes(("background", "stir", "pour", "take"))
    classes.write(folder / "run" / "mapping.txt")
    for suffix in (".txt", ".csv", ".npz"):
        write_labels(folder / "run" / "predictions" / f"clip{suffix}", Labels([3] * 100, classes, 25.0))
        assert overlay(f"run/predictions/clip{suffix}", "--quiet") == 0
        assert shown_on(folder, class_color(3)) > 0.05, suffix


@pytest.mark.parametrize(
    ("status", "words", "message"),
    [
        (1, ["a/clip.npz", "a/clip.npz"], "another track has the title 'a': give titles, such as MS-TCN="),
        (1, ["a/clip.npz", "--fps", "b=3"], "--fps b=3: there is no prediction 'b'; there are prediction"),
        (1, ["short.txt", "--truth", "truth/clip.txt", "--scores"], "short.txt has 7 labels and the truth 100: give"),
        (1, ["a/clip.npz", "--mapping", "none.txt"], "none.txt"),
        (1, ["a/clip.npz", "--scores"], "--scores compares with the truth: give --truth LABELS"),
        (1, ["truth=a/clip.npz"], "truth=a/clip.npz: the true labels are given by --truth a/clip.npz"),
        (1, ["none.txt"], "none.txt"),
        (1, ["short.txt"], "--fps"),
        (1, ["a/clip.npz", "--scale", "0.5", "--height", "9"], "`scale` (--scale) or `height` (--height), got both"),
        (2, ["a/clip.npz", "--fps", "fast"], "--fps: expected labels per second, or TITLE=RATE, got 'fast'"),
        (2, ["a/clip.npz", "--start", "1:2:3:4"], "expected seconds, or minutes:seconds such as 1:20.5, got '1:2:3:4'"),
    ],
)
def test_errors_are_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], status: int, words: list[str], message: str
) -> None:
    write_labels("short.txt", named(7))
    assert overlay(*words, "--quiet") == status
    err = capsys.readouterr().err
    assert message in err
    assert "Traceback" not in err
    assert not (folder / "out.mp4").exists()


@pytest.mark.parametrize(
    ("clip", "out", "message"),
    [
        ("none.mp4", "out.mp4", "none.mp4"),
        ("truth/clip.txt", "out.mp4", "clip.txt"),
        ("cut.mp4", "out.mp4", "cut.mp4"),
        ("clip.mp4", "nowhere/out.mp4", "nowhere"),
        ("clip.mp4", "truth/clip.txt/out.mp4", "clip.txt"),
    ],
)
def test_a_clip_that_cannot_be_read_or_written_leaves_nothing_behind(
    folder: Path, capsys: pytest.CaptureFixture[str], clip: str, out: str, message: str
) -> None:
    content = (folder / "clip.mp4").read_bytes()
    (folder / "cut.mp4").write_bytes(content[: len(content) // 2])
    before = sorted(folder.rglob("*"))
    assert overlay("truth/clip.txt", "--quiet", clip=clip, out=out) == 1
    assert message in capsys.readouterr().err
    assert sorted(folder.rglob("*")) == before


def test_notes_are_lines_not_warnings(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import warnings

    write_labels("fewer.txt", named(99))
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert overlay("fewer.txt") == 0
    assert "note: fewer.txt has 99 labels and clip.mp4 100 frames, a difference of 1.0 %" in capsys.readouterr().err
