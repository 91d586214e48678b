# ruff: noqa: E501 - one file a line reads as the table that it is
"""Tables that contradict themselves or hold more than is read are refused; what is assumed is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from segtcn.prepare.annotations import LabelRules, read_annotations
from segtcn.prepare.annotations.intervals import Interval
from tests.prepare.test_situations import data_set, made, runs

FRAMES = "label,start_frame,stop_frame\n"
SECONDS = "label,start_s,stop_s{}\n"


def read(folder: Path, text: str, name: str = "a.csv") -> list[Interval]:
    (folder / name).write_text(text)
    return read_annotations(folder / name, fps=10)[0].intervals


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FRAMES + "cut,0,2\npour,2,3.25\nstir,4,6\n", r"line 3: frame 3.25 is not a whole number: are these seconds"),
        (FRAMES + "cut,0,9\npour,9,9\n", r"line 3: a segment from frame 9 to 9 is empty, because its stop is not part"),
        (FRAMES + "cut,0,9\npour,10,19\nstir,30,39\n", r"line 3: frame 10 follows the stop of the row before, as in 1 of 2"),
        (FRAMES + "stir,20,29\ncut,0,9\npour,10,19\n", r"line 4: frame 10 follows .* in 2 of 2 rows"),
        (FRAMES.replace("\n", ",duration\n") + "cut,2,7,6\nstir,9,19,11\n", "lasts 5 frames by its times, but .* says 6"),
        (SECONDS.format(",duration_s") + "cut,0,2,2\nstir,2,5,2.5\n", "line 3: lasts 3 seconds by its times, but .* says 2.5"),
        (SECONDS.format(",duration") + "cut,0,2,4\nstir,2,5,4\n", "line 2: lasts 2 seconds by its times"),
        (SECONDS.format("") + "cut,0,2\nstir,2,5\ntotal,0,5\n", r"line 4: 'total' seems to add up the rows above it"),
        (SECONDS.format("") + "cut,0,2\nGrand Total,0,2\n", r"line 3: 'Grand Total' seems to add up"),
        (SECONDS.format(",name") + "cut,0,2,P01\nstir,2,5,P01\n", "'name' names other videos than the file: call it `v"),
        ("classname,label,start,end\ncut,1,0.5,2.5\nstir,-1,3,5\n", "'label' has numbers, 'classname' has names: keep one"),
        (SECONDS.format(",youtube_id") + "cut,0,2,x1\nstir,2,5,x2\n", "'youtube_id' names other videos than the file"),
        (
            SECONDS.format(",session") + "cut,0,2,1\nstir,2,5,1\ncut,1,2,2\nstir,2,4,2\n",
            r"line 4: times run back where the column 'session' changes from '1' to '2': call it `video` if",
        ),
    ],
)  # fmt: skip
def test_table_that_contradicts_itself_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        SECONDS.format(",duration_s") + "cut,0.333,2,1.67\nstir,2,5,3\n",  # rounded
        SECONDS.format(",duration") + "cut,0.333,2,9\nstir,2,5,9\n",  # of the video
        SECONDS.format(",duration") + "cut,0.333,2,long\nstir,2,5,\n",
        SECONDS.format(",duration_frames") + "cut,0.333,2,17\nstir,2,5,30\n",
        SECONDS.format(",id") + "stir,2,5,1\ncut,0.333,2,2\n",
        SECONDS.format(",category") + "stir,2,5,a\ncut,0.333,2,b\n",
    ],
)
def test_columns_that_fit_the_times_are_passed_over(tmp_path: Path, text: str) -> None:
    assert sorted(read(tmp_path, text)) == [Interval(0.333, 2, "cut"), Interval(2, 5, "stir")]


def test_categories_of_labels_are_not_videos(tmp_path: Path) -> None:
    rows = "cut,0,2,a\ncut,6,7,a\nstir,2,5,b\nstir,7,8,b\n"
    assert len(read(tmp_path, SECONDS.format(",category") + rows)) == 4
    assert len(read(tmp_path, SECONDS.format("") + "total,0,1\ncut,1,2\ntotal,2,3\n")) == 3


WHOLE = "label,start,stop\nwalk,{},20\nsit,21,38\n"


def test_frames_are_judged_when_the_unit_of_the_set_is_known(tmp_path: Path) -> None:
    decimals = WHOLE.replace("20", "20.5").format(0)
    project = made(data_set(tmp_path, {"v1": 40, "v2": 40}, **{"v1.csv": WHOLE.format(0), "v2.csv": decimals}))
    assert runs(project, "v1")[:2] == [("walk", 20), ("background", 1)]
    (tmp_path / "annotations" / "v2.csv").write_text(WHOLE.format(0))
    with pytest.raises(ValueError, match=r"(?s)2 errors.*v1\.csv, line 3: frame 21 follows the stop of the row before"):
        made(tmp_path)
    assert runs(made(tmp_path, unit="seconds"), "v2")[0] == ("walk", 20)


def test_how_frames_are_counted_is_said(tmp_path: Path) -> None:
    text = FRAMES + "walk,{},20\nsit,20,38\n"
    root = data_set(tmp_path, {"v1": 40, "v2": 40}, **{"v1.csv": text.format(1), "v2.csv": text.format(1)})
    counted = "frames count from 0, and the stop is not part of a segment"
    assert f"{counted}; all videos begin at frame 1: subtract 1 if that is the first one" in made(root).notes
    (root / "annotations" / "v2.csv").write_text(text.format(0))
    assert counted in made(root).notes


def test_tables_of_frames_count_alike_in_a_data_set(tmp_path: Path) -> None:
    table = "frame,label\n" + "".join(f"{t},{'walk' if t < 20 else 'sit'}\n" for t in range(41))
    from_0, from_1 = table.rsplit("\n", 2)[0] + "\n", table.replace("0,walk\n", "", 1)
    root = data_set(tmp_path, {"v1": 40, "v2": 40}, **{"v1.csv": from_1, "v2.csv": from_1})
    assert [note for note in made(root).notes if "from 1" in note] == [
        f"2 tables, such as {root}/annotations/v1.csv, count their frames from 1: the first row is the first frame"
    ]
    (root / "annotations" / "v2.csv").write_text(from_0)
    with pytest.raises(ValueError, match=r"v1\.csv counts its frames from 1: .*, but .*v2\.csv from 0"):
        made(root)


def test_point_events_alone_label_nothing(tmp_path: Path) -> None:
    points, states = SECONDS.format("") + "look,3,3\n", SECONDS.format("") + "look,5,9\n"
    root = data_set(tmp_path, {"v1": 40, "v2": 40}, **{"v1.csv": points, "v2.csv": points})
    with pytest.raises(ValueError, match=r"v1\.csv has point events only, as all files, and these label no frame"):
        made(root)
    assert runs(made(root, rules=LabelRules(points=True)), "v1")[:2] == [("background", 3), ("look", 1)]
    (root / "annotations" / "v2.csv").write_text(states)
    assert "videos with point events only, which label no frame unless `points`: v1" in made(root).notes


def test_cut_of_existing_labels_is_said(tmp_path: Path) -> None:
    root = data_set(tmp_path, {"v1": 40, "v2": 40})
    (root / "groundTruth").mkdir()
    for name, length in (("v1", 37), ("v2", 40)):
        (root / "groundTruth" / f"{name}.txt").write_text("walk\n" * 9 + "sit\n" * (length - 9))
    notes = made(root).notes
    assert "frames of features beyond the labels, which data.yaml cuts off at the end: v1 (+3)" in notes
