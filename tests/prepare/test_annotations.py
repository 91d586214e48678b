"""Annotation formats: each read as its tool writes it, and refused where it is broken."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from segtcn.prepare.annotations import Annotations, Interval, detect_format, read_annotations
from tests.prepare.annotation_texts import (
    ACTIVITYNET,
    AGGREGATED,
    AUDACITY,
    BORIS_PROJECT,
    CSV,
    ELAN,
    FRAME_TABLE,
    LABEL_STUDIO,
    ONE_HOT,
    TABULAR,
    TABULAR_OLD,
    TEXTGRID,
    TEXTGRID_SHORT,
    VIA,
)

CUT_AND_POUR = [Interval(0.5, 2.0, "cut"), Interval(2.0, 3.25, "pour milk")]


def written(folder: Path, content: str | bytes, name: str = "P01.txt") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (TABULAR, "boris"),
        (TABULAR_OLD, "boris"),
        (AGGREGATED, "boris"),
        (ELAN, "elan"),
        (AUDACITY, "audacity"),
        (CSV, "csv"),
        ("Stop;Start;Class;who\n3.25;2.0;pour milk;me\n2.0;0.5;cut;me\n", "csv"),
        ('label\tstart_s\tend_s\n"cut"\t.5\t2\npour  milk\t2\t3.25\n', "csv"),
        ("label,start,stop,start_s,stop_s,confidence\ncut,5,20,0.5,2.0,\npour milk,20,33,2.0,3.25,\n", "segments"),
        (ACTIVITYNET, "activitynet"),
        (VIA, "via"),
        (LABEL_STUDIO, "label studio"),
        (BORIS_PROJECT, "boris project"),
        (TEXTGRID, "textgrid"),
        (TEXTGRID_SHORT, "textgrid"),
        (FRAME_TABLE, "frame table"),
        (ONE_HOT, "one-hot"),
        ('[{"label": "cut", "start": 0.5, "stop": 2}, {"label": "pour milk", "start": 2, "stop": 3.25}]', "json"),
        ('{"fps": 4, "segments": [{"label": "cut", "start": 2, "stop": 8}, '
         '{"label": "pour milk", "start": 8, "stop": 13}]}', "json"),
        ('{"P01": [{"action": "cut", "start_s": 0.5, "stop_s": 2}, '
         '{"action": "pour milk", "start_s": 2, "stop_s": 3.25}]}', "json"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("change", ["as it is", "BOM", "CRLF", "no final newline"])
def test_each_format_gives_the_same_intervals(tmp_path: Path, content: str, form: str, change: str) -> None:
    content = {
        "as it is": content,
        "BOM": "\ufeff" + content,
        "CRLF": content.replace("\n", "\r\n"),
        "no final newline": content.rstrip("\n"),
    }[change]
    path = written(tmp_path, content)
    assert detect_format(path) == form
    fps = 4 if form in ("label studio", "frame table", "one-hot") else 10
    tracks = read_annotations(path, fps=fps, track="anna" if "anna" in content and form == "boris" else None)
    look = [Interval(1.0, 1.0, "look")] if "look" in content else []  # a point event has no length
    assert sorted(one for one in tracks[0].intervals if one.label != "none") == sorted(CUT_AND_POUR + look)


def test_examples_of_the_documentation_are_read(tmp_path: Path) -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "annotations.md").read_text("utf-8")
    examples = {form: body for form, body in re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL) if form != "python"}
    names = {"xml": "elan", "labelstudio": "label studio", "frames": "frame table"}
    assert sorted(examples) == [
        *("activitynet", "audacity", "boris", "csv", "frames", "json", "labelstudio", "textgrid", "via", "xml"),
    ]
    for form, example in examples.items():
        path = written(tmp_path, example)
        (track,) = read_annotations(path, fps=50 if form == "frames" else 4)
        assert detect_format(path) == names.get(form, form)
        expected = [Interval(0, 1, "cut"), Interval(1, 1.5, "pour milk")] if form == "frames" else CUT_AND_POUR
        assert track.intervals == expected
        assert any(name.endswith("P01") for name in track.names)


def test_video_is_named_after_its_clip(tmp_path: Path) -> None:
    assert read_annotations(written(tmp_path, TABULAR, "export.tsv"))[0].names == ("clips/P01.cam 2", "first")
    assert read_annotations(written(tmp_path, TABULAR_OLD, "export.tsv"))[0].names == ("P01", "first")
    assert read_annotations(written(tmp_path, ELAN, "P01 by anna.v2.eaf"))[0].names == (
        "P01 by anna.v2",
        "home/anna/P01",
    )
    assert read_annotations(written(tmp_path, AUDACITY, "Прага.cam 2.txt"))[0].names == ("Прага.cam 2",)
    table = "video,label,start_s,stop_s\na/P01.mp4,cut,0,1\nP02,cut,0,1\na/P01.mp4,cut,1,2\n"
    assert [(one.names, len(one.intervals)) for one in read_annotations(written(tmp_path, table, "all.csv"))] == [
        (("a/P01",), 2),
        (("P02",), 1),
    ]


def test_boris_observation_through_several_clips_is_one_video(tmp_path: Path) -> None:
    content = AGGREGATED.replace("second,2024-01-01,,P02.mp4,10.0,25.0,ben", "first,2024-01-01,,P02.mp4,10.0,25.0,anna")
    (track,) = read_annotations(written(tmp_path, content, "export.csv"))
    assert track.names == ("first",)
    assert "several clips" in track.notes[0]


def shifted(content: str, by_s: float) -> str:
    """An export of BORIS whose observation has a time offset."""
    return re.sub(r"(?<=[\t\n,])\d\.\d{3}(?=[\t,])", lambda time: f"{float(time[0]) + by_s:.3f}", content)


@pytest.mark.parametrize(
    "content",
    [
        TABULAR.replace("\t0.0\t", "\t3600.000\t"),
        TABULAR_OLD.replace("Media file(s)", "Time offset (s)\t3600.0\t\nMedia file(s)"),
        AGGREGATED.replace("Duration (s)", "Length")
        .replace("Total length", "Time offset (s)")
        .replace("mp4,10.0", "mp4,3600.000"),
    ],
    ids=["tabular", "old", "aggregated"],
)
def test_time_offset_of_boris_is_no_time_of_the_clip(tmp_path: Path, content: str) -> None:
    path = written(tmp_path, shifted(content, 3600))
    track = read_annotations(path, track="anna" if "anna" in content else None)[0]
    assert [one for one in track.intervals if one.label != "look"] == CUT_AND_POUR
    assert "the time offset of 3600 s is subtracted" in track.notes


@pytest.mark.parametrize("media", ["NA", "LIVE", "Not found"])
def test_words_of_boris_for_no_clip_are_no_name(tmp_path: Path, media: str) -> None:
    path = written(tmp_path, AGGREGATED.replace("P01.mp4", media))
    assert read_annotations(path, track="anna")[0].names == ("first",)
    # the event at the very end of a clip; its observation has one
    path = written(tmp_path, TABULAR.replace("STOP\t3.250\tclips/P01.cam 2.mp4", f"STOP\t3.250\t{media}"))
    assert read_annotations(path)[0].names == ("clips/P01.cam 2", "first")


def test_observations_without_the_subject_are_left_out(tmp_path: Path) -> None:
    (track,) = read_annotations(written(tmp_path, AGGREGATED), track="ben")
    assert track == Annotations(("P02", "second"), [Interval(1, 4, "cut")], str(tmp_path / "P01.txt"))
    with pytest.raises(ValueError, match="has no 'eve' among its subjects: choose one of anna, ben"):
        read_annotations(written(tmp_path, AGGREGATED), track="eve")


def test_elan_tier_is_chosen_by_name(tmp_path: Path) -> None:
    path = written(tmp_path, ELAN.replace(END, OTHER_TIER.format("hand", "ts2") + END))
    assert read_annotations(path, track="hand")[0].intervals == [Interval(0.5, 2, "x")]
    with pytest.raises(ValueError, match=r"no 'notes' among its tiers .*: choose one of actions"):
        read_annotations(path, track="notes")


def test_elan_annotations_without_times_are_noted(tmp_path: Path) -> None:
    (track,) = read_annotations(written(tmp_path, ELAN))
    assert track.notes == ("tier 'notes': 1 annotations refer to others and have no times, left out",)


def test_elan_clip_has_its_name_beside_its_sound_and_says_that_it_is_shifted(tmp_path: Path) -> None:
    sound = '<MEDIA_DESCRIPTOR MEDIA_URL="file:///home/anna/P01.wav" MIME_TYPE="audio/x-wav"/>'
    clip = '<MEDIA_DESCRIPTOR MEDIA_URL="file:///C:/P02%20left.mp4" MIME_TYPE="video/mp4" TIME_ORIGIN="1500"/>'
    path = written(tmp_path, re.sub("<MEDIA_DESCRIPTOR.*/>", clip + sound, ELAN), "other.eaf")
    (track,) = read_annotations(path)
    assert track.names == ("other", "C:/P02 left")
    assert track.intervals == CUT_AND_POUR
    assert (
        "ELAN shifts C:/P02 left by 1500 ms (TIME_ORIGIN); the times of the annotations are left as they are"
        in track.notes
    )


def test_whole_numbers_are_frames_unless_the_caller_or_the_file_says_otherwise(tmp_path: Path) -> None:
    whole = written(tmp_path, "label,start,stop\ncut,0,10\n", "a.csv")
    assert read_annotations(whole, fps=10)[0].intervals == [Interval(0, 1, "cut")]
    assert read_annotations(whole, fps=10)[0].guessed_unit == "frames"
    assert read_annotations(whole, fps=10, unit="seconds")[0].intervals == [Interval(0, 10, "cut")]
    point = written(tmp_path, "label,start,stop\ncut,0,10.0\n", "b.csv")
    assert read_annotations(point, fps=10)[0].guessed_unit == "seconds"
    named = written(tmp_path, "label,start_s,stop_s\ncut,0,10\n", "c.csv")
    assert read_annotations(named, fps=10)[0] == Annotations(("c",), [Interval(0, 10, "cut")], str(named))
    with pytest.raises(
        ValueError,
        match=r"a\.csv: times are in frames: give their positive rate .*, got None, or say that they are sec",
    ):
        read_annotations(whole)
    with pytest.raises(ValueError, match=r"positive rate \(`fps`\), got 0"):
        read_annotations(whole, fps=0)
    own = written(tmp_path, '{"unit": "seconds", "segments": [{"label": "cut", "start": 0, "stop": 10}]}', "d.json")
    assert read_annotations(own, unit="frames", fps=10)[0].intervals == [Interval(0, 10, "cut")]


TIER = '<TIER TIER_ID="{}"><ANNOTATION><ALIGNABLE_ANNOTATION TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="{}">'
OTHER_TIER = TIER + "<ANNOTATION_VALUE>x</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>"
END = "</ANNOTATION_DOCUMENT>"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty: expected annotations"),
        (" \n\n", "is empty: expected annotations"),
        (b"\xff\x00cut", "is not UTF-8 text"),
        # not labels of frames: Breakfast's and JIGSAWS's own files, tables without a header
        ("1-30 SIL\n31-150 take_bowl\n", "columns or times that cannot be told apart.*: name the columns"),
        ("79 155 G1 \n156 300 G2 \n", "columns or times that cannot be told apart.*: name the columns"),
        ("0.5 2.25 pour milk\n", "columns or times that cannot be told apart.*: name the columns"),
        # decimal commas and clock times
        ("0,500000\t2,000000\tcut\n", r"line 1: expected a number .* got '0,500000'; the comma must be a point"),
        ("label,start_s,stop_s\ncut,0,3200000000\n", "no video is as long: another unit"),
        ("label;start_s;stop_s\ncut;0.5;2,5\n", r"line 2: .* got '2,5'; the comma must be a point"),
        ("label,start_s,stop_s\ncut,0,5,2,5\n", r"line 2: expected 3 values, got 5; decimal commas must be points"),
        (TABULAR.replace("2.000", "2,000"), r"line 4: .* got '2,000'; the comma must be a point"),
        ("label,start_s,stop_s\ncut,0,00:01:02.5\n", r"line 2: .* got '00:01:02.5'; clock times are not read"),
        ('[{"label": "cut", "start": "0,5", "stop": 2}]', r"segment 1: .* the comma must be a point"),
        # not numbers
        ("label,start_s,stop_s\ncut,0,nan\n", "expected a number of seconds or frames, got 'nan'"),
        ("label,start_s,stop_s\ncut,0,1e999\n", "got '1e999'"),
        ("label,start_s,stop_s\ncut,0,1_0\n", "got '1_0'"),
        ('[{"label": "cut", "start": 0, "stop": NaN}]', "expected a number of seconds or frames, got 'nan'"),
        (f'[{{"label": "cut", "start": 0, "stop": {"9" * 5000}}}]', r"P01\.txt is not JSON \(Exceeds"),
        ('[{"label": "cut", "start": true, "stop": 2}]', "expected a number of seconds or frames, got 'True'"),
        # rows
        ("label,start_s,stop_s\ncut,2,1\n", r"line 2: 'cut' stops at 1 s, before it starts at 2 s"),
        ("label,start_s,stop_s\ncut,0,1\n\n,1,2\n", r"line 4: the annotation at 1 s has no label"),
        ("label,start_s,stop_s\ncut,0\npour,1,2\n", r"line 2: expected a value for `stop_s`, got nothing"),
        ("label,start_s,stop_s\n", "holds no segments"),
        ("label,start_s,when\ncut,0,1\n", r"expected `label`, `start` and `stop`"),
        ('label,start_s,stop_s\n"cut' + "x" * 200_000, r"line \d+: not a table \(field larger"),
        ("0.5\t2.0\n", r"line 1: expected `start<tab>stop<tab>label`"),
        ("0.5\t2.0\t1.5\tcut\n", r"line 1: expected `start<tab>stop<tab>label`, got '0.5.t2.0.t1.5.tcut'"),
        ("actions\t\t00:00:00.500\t00:00:02.000\tcut\n", r"cannot be told apart.*; of ELAN take the \.eaf itself"),
        ("Tier\tBegin Time - ss.msec\tEnd Time\nactions\t0.5\t2\tcut\n", r"first line is 'Tier.Begin|of ELAN take"),
        # BORIS
        (TABULAR.replace("STOP\t2", "START\t2"), r"line 4: 'cut' starts again before it stops"),
        (TABULAR.replace("STOP\t2", "POINT\t2"), r"line 2: 'cut' starts and never stops"),
        (TABULAR.replace("START\t0", "POINT\t0"), r"line 4: 'cut' stops and never started"),
        (TABULAR.replace("POINT", "MAYBE"), r"line 3: expected an event of the type POINT, START, STOP, got 'MAYBE'"),
        (AGGREGATED, "has several subjects: choose one of anna, ben"),
        (AGGREGATED.split("\n", 1)[0], "has a header and no events"),
        # ELAN
        ("<ANNOTATION_DOCUMENT>" + "<a>" * 500_000, "is damaged"),
        ("<html><body/></html>", r"is a web page .HTML., which is not read"),
        (ELAN[:600], "is damaged or not an ELAN file"),
        (ELAN.replace('"notes"', '"actions"'), "has two tiers of one name, actions: rename one in ELAN"),
        (ELAN.replace("UTF-8", "klingon"), "is damaged or not an ELAN file"),
        (ELAN.replace(' TIME_SLOT_REF1="ts1"', ""), r"line 13: 'cut' lacks the attribute TIME_SLOT_REF1"),
        (ELAN.replace('REF2="ts3"', 'REF2="ts4"'), r"line 15: 'pour.*' has no time \(slot 'ts4'\)"),
        (ELAN.replace('REF2="ts3"', 'REF2="ts9"'), r"has no time \(slot 'ts9'\)"),
        (ELAN.replace('"3250"', '"3250,5"'), r"slot 'ts3': .* the comma must be a point"),
        (ELAN.replace("milliseconds", "PAL-frames"), "times must be in milliseconds, got 'PAL-frames'"),
        (ELAN.replace(END, OTHER_TIER.format("hand", "ts2") + END), "several tiers .*: choose one of actions, hand"),
        (ELAN.replace("ALIGNABLE_ANNOTATION", "OTHER"), "has no tier with annotations that have times"),
        # JSON
        ('[{"label": "cut"', r"is not JSON \(.* line 1 column 17"),
        ("[" * 100_000, "is not JSON"),
        ("[1, 2]", "segment 1: expected an object with label, start and stop"),
        ('{"P01": 3}', "expected a list of segments under 'P01', got int"),
        ('{"video": {"name": "P01"}, "segments": [{}]}', "expected the name of the video under `video`"),
        ('{"unit": "minutes", "segments": []}', "`unit` must be seconds or frames, got 'minutes'"),
        ('[{"label": 3, "start": 0, "stop": 2.5}]', "the label must be text, got 3"),
    ],
)  # fmt: skip
def test_bad_file_is_refused_with_its_name(tmp_path: Path, content: str | bytes, message: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(ValueError, match=message) as error:
        read_annotations(path, fps=10)
    assert str(path) in str(error.value)


def test_broken_table_is_not_taken_for_frame_labels(tmp_path: Path) -> None:
    path = written(tmp_path, "name;from;to\ncut;0;1\n", "P01.csv")
    with pytest.raises(ValueError, match=r"P01\.csv has no known format: .* its first line is 'name;from;to'"):
        read_annotations(path, fps=10)


def test_endless_digits_are_refused_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, "0.5\t" + "9" * 30_000 + "\tcut\n0.5\t" + "9" * 30_000 + "x\tcut\n")
    began = time.process_time()
    with pytest.raises(ValueError, match="expected"):
        read_annotations(path, fps=10)
    assert time.process_time() - began < 2


def test_rate_of_a_task_of_label_studio_comes_first(tmp_path: Path) -> None:
    path = written(tmp_path, LABEL_STUDIO.replace('P01.mp4"', 'P01.mp4", "fps": 8'))
    assert read_annotations(path, fps=4)[0].intervals[0] == Interval(0.25, 1, "cut")
    assert read_annotations(path)[0].intervals[0] == Interval(0.25, 1, "cut")
    with pytest.raises(ValueError, match=r"task 7 counts frames: give their positive rate \(`fps`\), got 0"):
        read_annotations(written(tmp_path, LABEL_STUDIO))


def test_unit_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`unit` must be seconds or frames, got 'hours'"):
        read_annotations(written(tmp_path, CSV), unit="hours")


def test_missing_and_huge_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no label file"):
        read_annotations(tmp_path / "P01.csv")
    path = tmp_path / "clip.mp4"
    with path.open("wb") as file:
        file.truncate(10 << 30)  # takes no room on the disk
    with pytest.raises(ValueError, match="larger than 64 MiB"):
        read_annotations(path)


@pytest.mark.parametrize(
    "hostile",
    [
        '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x SYSTEM "http://localhost/x.dtd">',
        "<!DOCTYPE x [" + "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 30)) + "]>",
    ],
)
def test_document_type_declarations_are_refused_before_they_do_anything(tmp_path: Path, hostile: str) -> None:
    head, body = ELAN.split("\n", 1)
    for entity in ("a", "c", "e29"):
        path = written(tmp_path, f"{head}\n{hostile}\n{body.replace('>cut<', f'>&{entity};<')}")
        with pytest.raises(
            ValueError, match=rf"{re.escape(str(path))}, line 2: a document type declaration is refused"
        ):
            read_annotations(path)
    path.write_bytes(path.read_text().replace("UTF-8", "UTF-16").encode("utf-16"))
    with pytest.raises(ValueError, match="a document type declaration is refused"):
        read_annotations(path)


_TWO = "cut,0.5,2,{0}\npour,2,3,{1}\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "label,start_s,stop_s,video_id\n" + _TWO.format("a", "b"),
            "names other videos than the file: call it",
        ),
        ("label,start_s,stop_s,filename\n" + _TWO.format("b.mp4", "b.mp4"), "names other videos than the file"),
        ("label,start_s,stop_s,annotator\n" + _TWO.format("anna", "ben"), "has anna, ben: keep the rows of one"),
        ("label,start_s,stop_s,unit\n" + _TWO.format("ms", "ms"), "'unit' is not read"),
        ("label,start_s,stop_s,class\n" + _TWO.format("1", "2"), "columns label and class: keep the one that is meant"),
        ("label,start_s,stop_s,begin_s\n" + _TWO.format("1", "2"), "columns start_s and begin_s"),
        ("label,start_frame,stop_frame,fps\ncut,5,20,25\n", "says fps 25, but its frames are read at 10"),
        (
            "label,start_frame,stop_frame\ncut,0.5,2.5\npour,2.5,3.5\n",
            "line 2: frame 0.5 is not a whole number",
        ),
        ('{"filename": "b.mp4", "segments": [{"label": "cut", "start_s": 0, "stop_s": 1}]}', "names other videos"),
        ('{"offset": 3, "segments": [{"label": "cut", "start_s": 0, "stop_s": 1}]}', "'offset' is not read"),
        ('{"annotations": [{}], "segments": [{}]}', "two lists, segments and annotations"),
        ('File type = "ooTextFile"\nObject class = "TextGrid"\n\n5\n9\n<exists>\n0\n', "begins at 5 s"),
    ],
)
def test_what_a_file_says_beside_its_segments_is_not_passed_over(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_annotations(written(tmp_path, content, "a.csv"), fps=10)
    same = written(tmp_path, "label,start_s,stop_s,filename,subject\ncut,0,1,x/a.mp4,anna\n", "a.csv")
    assert read_annotations(same)[0].intervals == [Interval(0, 1, "cut")]
