# ruff: noqa: E501 - rows of other programs are long
"""Annotations as people have them: what went silently wrong elsewhere is right, or refused with the way out."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segtcn.prepare.annotations import LabelRules, read_annotations
from segtcn.prepare.project import Project, Sources, init_project

HEADER = "Observation id,Source,Time offset (s),Media duration (s),FPS,Subject,Behavior,Behavior type,Time,Media file name,Image index\n"
QUEUE = "night,player #1:v/clip_a.mp4;v/clip_b.mp4,{offset},60.000;120.000,1.000;1.000,,{0},{1},{2},v/clip_b.mp4,{3}\n"
EVENTS = (("groom", "START", 70, 10), ("groom", "STOP", 80, 20), ("rear", "START", 100, 40), ("rear", "STOP", 110, 50))


def data_set(root: Path, lengths: dict[str, int], **files: str) -> Path:
    for name, length in lengths.items():
        path = root / "features" / f"{name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, np.zeros((4, length), np.float32))
    for name, text in files.items():
        path = root / "annotations" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def made(root: Path, fps: float = 1, rules: LabelRules | None = None, **sources: Any) -> Project:
    return init_project(root, Sources(fps=fps, **sources), rules, dry_run=True, progress=False)


def runs(project: Project, name: str) -> list[tuple[str, int]]:
    return [(label, len([*group])) for label, group in groupby(project.labels[name].names())]


def night(offset: int = 0, drop: str = "") -> str:
    rows = [QUEUE.format(*event[:2], event[2] + offset, event[3], offset=offset) for event in EVENTS]
    return HEADER + "".join(row for row in rows if not drop or drop not in row)


RIGHT = [("background", 10), ("groom", 10), ("background", 20), ("rear", 10), ("background", 70)]
OTHER = "label,start_s,stop_s\ngroom,5,20\nrear,20,30\n"


@pytest.mark.parametrize("offset", [0, 3600])
def test_times_of_boris_are_split_into_clips_whichever_rows_were_exported(tmp_path: Path, offset: int) -> None:
    files = {"night.csv": night(offset), "clip_a.csv": OTHER}
    project = made(data_set(tmp_path, {"clip_a": 60, "clip_b": 120}, **files))
    assert runs(project, "clip_b") == RIGHT
    assert any("runs through several clips: split by their durations" in note for note in project.notes)
    (tmp_path / "annotations" / "night.csv").write_text(night(offset, drop="groom"))
    assert runs(made(tmp_path), "clip_b") == [("background", 40), ("rear", 10), ("background", 70)]


def test_observation_with_features_of_its_own_stays_whole(tmp_path: Path) -> None:
    root = data_set(tmp_path, {"night": 180, "day": 60}, **{"night.csv": night(), "day.csv": OTHER})
    assert runs(made(root), "night") == [("background", 70), *RIGHT[1:]]
    data_set(root, {"clip_b": 120})
    with pytest.raises(ValueError, match="the observation 'night' and its clips are videos: keep the features of one"):
        made(root)


def test_event_that_runs_into_the_next_clip_is_cut_there(tmp_path: Path) -> None:
    text = night().replace("START,70,v/clip_b.mp4,10", "START,50,v/clip_a.mp4,50")
    project = made(data_set(tmp_path, {"clip_a": 60, "clip_b": 120}, **{"night.csv": text}))
    assert runs(project, "clip_a") == [("background", 50), ("groom", 10)]
    assert runs(project, "clip_b")[:2] == [("groom", 20), ("background", 20)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (night().replace("110,v/clip_b.mp4,50", "110,v/clip_b.mp4,110"), r"line 5: its image 110 lies at 110 s of the cl"),
        (night().replace("clip_b.mp4,10\n", "clip_a.mp4,10\n"), r"line 2: 70 s lies in v/clip_b by the .* names v/clip_a"),
        (night().replace("a.mp4;v/clip_b.mp4,0,60.000;120.000,1.000;1.000", "b.mp4,0,12,NA"), "a clip missing, or is it"),
        (night().replace("Behavior,", "Behavior,Behavior,"), "the column 'Behavior' is there 2 times"),
    ],
)  # fmt: skip
def test_rows_of_boris_that_contradict_themselves_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "night.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_annotations(path)


def test_old_layout_lists_its_clips_above_the_table(tmp_path: Path) -> None:
    path = tmp_path / "night.tsv"
    path.write_text(
        "Observation id\tnight\nPlayer #1\ta.avi;b.avi\n\nTime\tMedia file path\tFPS\tSubject\tBehavior\tStatus\n"
        "70\tb.avi\t1\t\tgroom\tSTART\n80\tb.avi\t1\t\tgroom\tSTOP\n"
    )
    (track,) = read_annotations(path)
    assert track.names == ("night",)  # not b: its times do not count from the start of b
    assert "one video, because their durations are not known" in track.notes[0]


def test_all_open_states_of_all_files_are_listed_at_once(tmp_path: Path) -> None:
    open_states = HEADER + "".join(QUEUE.format(*event, offset=0) for event in (EVENTS[0], EVENTS[2]))
    files = {f"{name}.csv": open_states for name in "abcdefghijklm"}
    with pytest.raises(ValueError, match=r"(?s)26 errors:.*a\.csv, line 2: 'groom' starts and never stops.*"
                                         r"a\.csv, line 3: 'rear' starts.*j\.csv.*and 6 more"):  # fmt: skip
        made(data_set(tmp_path, {"clip_a": 60, "clip_b": 120}, **files))


MILLISECONDS = "label,start_s,stop_s\nwalk,0,3200\nsit,5000,38000\n"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("csv", MILLISECONDS, r"end at 38000 s, the video v1 at 40 s: another unit\? \(milliseconds fit\)"),
        ("csv", MILLISECONDS.replace("_s", ""), "another unit.*milliseconds fit"),
        ("csv", MILLISECONDS.replace("00\n", "00000\n").replace(",5000,", ",5000000,"), "microseconds fit"),
        ("json", '[{"label": "walk", "start": 0, "end": 3200}, {"label": "sit", "start": 5000, "end": 38000}]', "millisec"),
        ("txt", "0\t3200\twalk\n5000\t38000\tsit\n", "milliseconds fit"),
        ("csv", "label,start_s,stop_s\nwalk,0,80\nsit,125,950\n", "frames fit"),
        ("csv", "label,start_s,stop_s\nwalk,0,39\nsit,41,60\n", r"classes that label no frame: sit \(v2\.csv\); .* another unit"),
        ("csv", "label,start_s,stop_s\nwalk,0,39\nsit,3.021,3.022\n", "classes that label no frame: sit"),
    ],
)  # fmt: skip
def test_units_that_cannot_be_stop_with_the_one_that_fits(tmp_path: Path, name: str, text: str, message: str) -> None:
    root = data_set(tmp_path, {"v1": 1000, "v2": 1000}, **{f"v1.{name}": text, f"v2.{name}": text})
    with pytest.raises(ValueError, match=message):
        made(root, fps=25)


def test_annotations_that_are_all_ignored_are_refused(tmp_path: Path) -> None:
    text = "label,start_s,stop_s\n__ignore__,0,40\n"
    with pytest.raises(ValueError, match="no frame of v1, v2 is annotated: annotate some"):
        made(
            data_set(tmp_path, {"v1": 40, "v2": 40}, **{"v1.csv": text, "v2.csv": text}),
            rules=LabelRules(gaps="ignore"),
        )


def test_class_that_others_cover_is_noted(tmp_path: Path) -> None:
    text = "label,start_s,stop_s\nhere,1,9\nwalk,1,5\nsit,1.2,9\nwalk,1,1.3\n".replace("sit,1.2", "sit,5")
    text += "walk,2,9\nsit,0.5,2\n"
    project = made(data_set(tmp_path, {"v1": 40, "v2": 40}, **{"v1.csv": text, "v2.csv": text}))
    assert "here" not in project.class_names
    assert "classes without a frame, covered by annotations that start later: here" in project.notes


def test_unit_is_guessed_once_for_the_whole_set(tmp_path: Path) -> None:
    files = {
        "v1.csv": "label,start,stop\nwalk,0,20\nsit,20,38\n",
        "v2.csv": "label,start,stop\nwalk,0,20.5\nsit,20.5,38\n",
    }
    project = made(data_set(tmp_path, {"v1": 40, "v2": 40}, **files))
    assert runs(project, "v1") == [("walk", 20), ("sit", 18), ("background", 2)]
    assert any("times are read as seconds in all files: in some, such as" in note for note in project.notes)


def test_names_are_matched_whole(tmp_path: Path) -> None:
    videos = {"P01/tea": 40, "P01/soup": 40, "salad": 40}
    root = data_set(tmp_path, videos, **{"P01/tea.csv": OTHER, "P02/soup.csv": OTHER, "day/salad.csv": OTHER})
    project = made(root)
    assert sorted(project.labels) == ["P01/tea", "salad"]
    assert "annotations of no video, left out: P02/soup" in project.notes
    data_set(root, {}, **{"evening/salad.csv": OTHER})
    with pytest.raises(ValueError, match="video 'salad' is annotated twice"):
        made(root)


@pytest.mark.parametrize(("first", "second"), [("a.mp4", "a.avi"), ("x/a.mp4", "x\\a.mp4")])
def test_two_names_that_would_become_one_are_an_error(tmp_path: Path, first: str, second: str) -> None:
    path = tmp_path / "all.csv"
    path.write_text(f"video,label,start_s,stop_s\n{first},cut,0,1\n{second},cut,0,1\n")
    with pytest.raises(ValueError, match=r"line 3: the videos .* would both be"):
        read_annotations(path)


def test_files_that_are_passed_over_are_listed(tmp_path: Path) -> None:
    files = {"v1.csv": OTHER, "v2.csv": OTHER, "v1.pfsx": "settings", "notes.docx": "x"}
    notes = made(data_set(tmp_path, {"v1": 40, "v2": 40}, **files)).notes
    assert any("passed over in" in note and note.endswith("by their ending: notes.docx, v1.pfsx") for note in notes)


def test_passed_over_file_of_another_program_is_named_with_the_way_out(tmp_path: Path) -> None:
    files = {
        "v1.csv": OTHER,
        "v2.csv": OTHER,
        "v1.pfsx": "<?xml version='1.0'?>",
        "v3.annot": "Bento annotation file\n",
    }
    files |= {"v4.annot": "Bento annotation file\n", "v5.dat": "FirstLineOfData 12\n#---\n"}
    notes = made(data_set(tmp_path, {f"v{n}": 40 for n in range(1, 6)}, **files)).notes
    assert "v3.annot, v4.annot: an .annot file of Bento, which is not read: write label,start_frame,stop_frame" in notes
    assert "v5.dat: a data file of JWatcher, which is not read: write a table label,start_s,stop_s" in notes
    assert not any("XML" in note for note in notes)  # settings beside what is read
    (tmp_path / "annotations" / "v2.csv").unlink()
    with pytest.raises(ValueError, match=r"one labelled video, v1: .*passed over in .*v3\.annot.* file of Bento"):
        made(tmp_path)


@pytest.mark.parametrize(("name", "program"), [("v1.annot", "annot file of Bento"), ("v1.phn", "16000 a second")])
def test_folder_of_another_program_is_named(tmp_path: Path, name: str, program: str) -> None:
    text = "0 3050 h#\n3050 4559 sh\n" if name.endswith("phn") else "Bento annotation file\nMovie file(s):\n"
    with pytest.raises(ValueError, match=rf"{name} .*{program}"):
        made(data_set(tmp_path, {"v1": 40, "v2": 40}, **{name: text}))


def test_legal_states_are_completed_and_said(tmp_path: Path) -> None:
    path = tmp_path / "P01.eaf"
    slots = '<TIME_SLOT TIME_SLOT_ID="a" TIME_VALUE="1000"/><TIME_SLOT TIME_SLOT_ID="b"/><TIME_SLOT TIME_SLOT_ID="c" TIME_VALUE="3000"/>'
    form = '<ANNOTATION><ALIGNABLE_ANNOTATION TIME_SLOT_REF1="{}" TIME_SLOT_REF2="{}"><ANNOTATION_VALUE>{}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>'
    tier = form.format("a", "b", "cut") + form.format("b", "c", "pour") + form.format("a", "c", "")
    path.write_text(
        f"<ANNOTATION_DOCUMENT><TIME_ORDER>{slots}</TIME_ORDER><TIER TIER_ID='x'>{tier}</TIER></ANNOTATION_DOCUMENT>"
    )
    (track,) = read_annotations(path)
    assert track.intervals == [(1, 2, "cut"), (2, 3, "pour")]
    assert track.notes == (
        "times that ELAN has not aligned, spread evenly: 1",
        "annotations without a text, left out: 1",
    )
