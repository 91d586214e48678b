"""``segtcn timeline``: which videos and tracks are drawn, where they go, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from segtcn.cli import main
from segtcn.evaluation import collect_videos
from segtcn.labels import Labels, write_labels
from tests.conftest import SPLITS
from tests.run_folders import write_crossval

TEST_VIDEOS = {split: names for split, (_, names) in SPLITS.items()}
TRUTH = ["background"] * 4 + ["cut"] * 6
WRONG = ["background"] * 6 + ["cut"] * 4


@pytest.fixture
def run(write_ms_tcn_tree, tmp_path) -> Path:
    return write_crossval(tmp_path / "ed_tcn", write_ms_tcn_tree(), TEST_VIDEOS, 0.7)


@pytest.fixture
def files(tmp_path) -> Path:
    """A folder with the true labels of a video, and two networks' predictions."""
    for name, labels in (("labels", TRUTH), ("a", WRONG), ("b", TRUTH)):
        write(tmp_path / f"{name}.txt", labels)
    return tmp_path


def write(path: Path, labels: list[str], fps: float | None = None) -> None:
    write_labels(path, Labels.from_names(labels, fps=fps))


def texts(path: Path) -> list[str]:
    """All text of an SVG, in order."""
    return re.findall("<text[^>]*>([^<]*)</text>", path.read_text())


def failure(argv: list[str | Path], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["timeline", *map(str, argv)]) == 1
    return capsys.readouterr().err


def test_one_video_of_files(files, capsys):
    out = files / "out.svg"
    argv = ["timeline", files / "a.txt", "--truth", files / "labels.txt", "-o", out]
    assert main([*map(str, argv)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert {"truth", "prediction", "frame", "background", "cut", "labels"} <= {*texts(out)}


def test_titles_scores_and_marks(files, capsys):
    out = files / "out.svg"
    argv = ["timeline", f"MS-TCN={files / 'a.txt'}", f"ED-TCN={files / 'b.txt'}", "--truth", files / "labels.txt"]
    argv += ["--fps", "2", "--scores", "--boundaries", "--disagreement", "--width", "7", "--title", "Tea", "-o", out]
    assert main([*map(str, argv)]) == 0
    drawn = texts(out)
    assert {"truth", "MS-TCN", "ED-TCN", "time (s)", "Tea", "differs from truth", "Accuracy", "80.0"} <= {*drawn}
    assert drawn.index("MS-TCN") < drawn.index("ED-TCN")
    assert 'width="504pt"' in out.read_text()  # 7 inches


def test_a_run_with_the_worst_first(run, tmp_path, capsys):
    assert main(["timeline", str(run), "--worst", "2", "--scores", "-o", str(tmp_path / "worst.svg")]) == 0
    worst = sorted(collect_videos([(None, run)]).videos, key=lambda video: video.scores["ed_tcn"]["f1@50"])[:2]
    drawn = [text for text in texts(tmp_path / "worst.svg") if text.startswith("P0")]
    assert drawn == [video.name for video in worst]


def test_named_videos_in_the_order_given(run, tmp_path):
    out, listed = tmp_path / "two.svg", tmp_path / "test.bundle"
    listed.write_text("P02_tea.txt\nP01_soup.txt\n")
    for videos in (["P02_tea", "P01_soup"], [str(listed)]):
        assert main(["timeline", str(run), "--videos", *videos, "-o", str(out)]) == 0
        assert [text for text in texts(out) if text.startswith("P0")] == ["P02_tea", "P01_soup"]


def test_many_videos_are_pages(run, tmp_path, capsys):
    pages = ["timeline", str(run), "--page-height", "1", "-o"]
    assert main([*pages, str(tmp_path / "all.png"), "--dpi", "30"]) == 0
    names = ["all-1.png", "all-2.png", "all-3.png"]
    assert capsys.readouterr().out == "".join(f"{tmp_path / name}\n" for name in names)
    assert main([*pages, str(tmp_path / "all.pdf")]) == 0
    assert (tmp_path / "all.pdf").read_bytes().count(b"/Type /Page ") == 3


def test_lengths_that_differ_are_said(files, capsys):
    write(files / "short.txt", TRUTH[:-3])
    write(files / "slow.csv", ["cut"] * 9, fps=3)
    argv = ["timeline", files / "short.txt", "--truth", files / "labels.txt", "-o", files / "out.png"]
    assert main([*map(str, argv)]) == 0
    assert f"{files / 'short.txt'} has 3 labels fewer than {files / 'labels.txt'}" in capsys.readouterr().err
    write(files / "quick.csv", ["cut"] * 10, fps=10)
    argv = ["timeline", files / "slow.csv", "--truth", files / "quick.csv", "-o", files / "out.png"]
    assert main([*map(str, argv)]) == 0
    assert f"{files / 'slow.csv'} has 2.00 s of labels more than {files / 'quick.csv'}" in capsys.readouterr().err


def test_a_rate_that_only_one_file_says_is_asked_for(files, capsys):
    write(files / "slow.csv", ["cut"] * 9, fps=3)
    message = failure([files / "slow.csv", "--truth", files / "labels.txt", "-o", files / "out.png"], capsys)
    assert f"{files / 'labels.txt'} does not state its rate, {files / 'slow.csv'} says 3 labels a second" in message
    assert "--fps" in message


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["-o", "out.png"], "nothing to show: give predictions, or the truth (`truth`, --truth)"),
        (["a.txt", "-o", "out.jpg"], "out.jpg: the name must end in .png, .svg or .pdf"),
        (["truth=a.txt", "-o", "out.png"], "truth=a.txt: the true labels are given by --truth a.txt"),
        (["missing.txt", "-o", "out.png"], "no file or folder missing.txt"),
        (["a.txt", "-o", "nowhere/out.png"], "there is no folder nowhere"),
        (["a.txt", "-o", "out.png", "--scores"], "no scores to show (--scores)"),
        (["a.txt", "-o", "out.png", "--worst", "2"], "no scores to choose the worst by (--worst)"),
        (["a.txt", "-o", "out.png", "--worst", "0"], "--worst must be at least 1, got 0"),
        (["a.txt", "-o", "out.png", "--fps", "0"], "must be positive, got 0"),
        (["a.txt", "-o", "out.png", "--width", "0.5"], "`width` (--width) 0.5 leaves 0.0 inches for the bars"),
        (["a.txt", "-o", "out.png", "--unit", "clock"], "the axis cannot show clock"),
        (["a.txt", "-o", "out.png", "--videos", "b"], "no labels of the video b"),
        (["empty.txt", "-o", "out.png"], "empty.txt is empty"),
        (["picture.txt", "-o", "out.png"], "picture.txt is not UTF-8 text"),
    ],
)
def test_what_is_refused_in_one_line_that_leaves_nothing(files, capsys, monkeypatch, argv, message):
    monkeypatch.chdir(files)
    (files / "empty.txt").write_text("")
    (files / "picture.txt").write_bytes(b"\x89PNG\xff")
    before = {*files.iterdir()}
    assert message in failure(argv, capsys)
    assert {*files.iterdir()} == before


@pytest.mark.filterwarnings("always")
def test_characters_that_no_font_has_are_a_note_once(files, capsys):
    write(files / "odd.txt", ["cut \ue123"] * 10)
    assert main(["timeline", str(files / "odd.txt"), "-o", str(files / "odd.png")]) == 0
    assert re.fullmatch(r"note: no font of this machine has '\\ue123': boxes [^\n]*\n", capsys.readouterr().err)
