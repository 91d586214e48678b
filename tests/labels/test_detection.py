"""What is not labels is not read as labels: it is named, with the way out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from segtcn.cli import main
from segtcn.labels import Classes, Labels, detect_format, read_labels, write_labels
from segtcn.labels.error_list import LabelFilesError
from segtcn.labels.folder import read_label_files

NAMES = ["cut"] * 30 + ["pour milk"] * 20


def written(folder: Path, content: str | bytes, name: str = "v1.txt") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def rows(form: str, step: int = 1, first: int = 0) -> str:
    return "".join(form.format(first + step * t, name) + "\n" for t, name in enumerate(NAMES))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (rows("{},{}"), "begin with a number that rises"),
        (rows("{} {}"), "begin with a number that rises"),
        (rows("{}\t{}"), "has columns or times that cannot be told apart|begin with a number"),
        (rows("{};{}", 25), "begin with a number that rises"),
        (rows("v1/{:05d}.jpg {}"), "begin with a path"),
        (rows("/data/v1/{} {}"), "begin with a path"),
        (rows("00:00:{:02d} {}"), "hold a clock time"),
        (rows("{}.25"), "begin or end with a decimal number"),
        (rows("x{}"), "50 of its 50 lines are different"),
        ("".join(f"{t // 5} {name}\n" for t, name in enumerate(NAMES)), "hold a number that rises"),
        ("".join(f"t{t // 5} {name}\n" for t, name in enumerate(NAMES)), "hold a number that rises"),
        ("".join(f"{name}, {t // 5}\n" for t, name in enumerate(NAMES)), "hold a number that rises"),
        ("".join(f"{name} 0.{t % 5}\n" for t, name in enumerate(NAMES)), "begin or end with a decimal number"),
        ("".join(f"2026-03-01T10:00:{t // 5:02d} {name}\n" for t, name in enumerate(NAMES)), "hold a clock time"),
        ("start stop label\n0 30 cut\n30 50 pour\n50 60 cut\n", "begin with a number that rises"),
        ("labels\n0.5\t2\tcut\n2\t3\tpour\n", "begin or end with a decimal number|hold several columns"),
        ("by Anna\n5,2,cut\n2,3,pour\n", "hold several columns"),
        ("cut 30\npour milk 20\nrest 5\npour milk 21\ncut 31\nrest 6\n", "all of them differ"),
        ("# by Anna\n" + rows("{1}"), "stand below a comment"),
        (" ".join(NAMES) + "\n", "hold one word twice"),
        ("### Frame level recognition: ###\ncut cut\npour pour\n", "more below it"),
        (rows("{1}").replace("cut", "NaN"), "cannot be named 'NaN'"),
        (rows("{1}").replace("cut", "__IGNORE__"), "cannot be named '__IGNORE__'"),
        ("label,start,stop,start_s,stop_s\ncut,0,30,0,6000\n", "another unit than seconds"),
        ("frame,score\n0,0.5\n1,0.5\n2,0.7\n", "a column of numbers"),
        ("frame,picture\n0,a/1.jpg\n1,a/2.jpg\n2,a/3.jpg\n", "begin with a path"),
        ("cut,left\ncut,left\npour,right\n", "hold several columns"),
        ("a,b\n", "hold several columns"),
        ("P01, cut\nP01, cut\nP01, pour\n", "hold several columns"),
        ("v1 cut\nv1 cut\nv1 pour\n", "hold several columns"),
        (rows("P01 {1}"), "hold several columns"),
        (rows("{1} 93%"), "hold several columns"),
        (rows("- {1}"), "hold several columns"),
        (rows('"{1}"'), "stand in quotes"),
        (rows("{1} {1}"), "hold one word twice"),
        ("v1\n" + rows("{1}"), "stand below a title"),
        ("ground_truth\n" + rows("{1}"), "stand below a title"),
        ("frame label\n" + rows("{1}"), "stand below a title"),
        ("0\n" + rows("{1}"), "stand below a title"),
        ("".join(f"1h{t // 5:02d}m {name}\n" for t, name in enumerate(NAMES)), "hold a number that rises"),
        ("".join(f"10.{t // 5:02d}.00 {name}\n" for t, name in enumerate(NAMES)), "hold a number that rises"),
        ("".join(f"{t // 5}_{name}\n" for t, name in enumerate(NAMES)), "hold a number that rises"),
        ("".join(f"{name} {7 * t % 20}\n" for t, name in enumerate(NAMES)), "differ from the line after"),
        ("cut\npour\nstir\nput\ntake\n", "5 of its 5 lines are different, and .* differ"),
        ("cut\npour\nstir\n", "3 of its 3 lines are different, and .* differ"),
        ("labels:\n  - cut\n  - pour\nfps: 25\n", "3 of its 3 lines are different, and .* differ"),
        (rows("{1}") + "Total: 50\n", "stand above a sum"),
    ],
)
def test_lines_that_cannot_be_labels_are_refused(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(ValueError, match=rf"v1\.txt.*({message})"):
        read_labels(written(tmp_path, content))


@pytest.mark.parametrize("other", ["pour\u00a0milk", "pour  milk", "pour\u200b milk", "pour\tmilk"])
def test_two_names_that_look_the_same_are_an_error(other: str) -> None:
    with pytest.raises(ValueError, match="look the same: give them one name"):
        Classes(("pour milk", other))
    Classes(("phase 1", "phase 2", "Phase 1"))


def test_numbers_that_are_part_of_a_name_stay_in_it(tmp_path: Path) -> None:
    for names in (
        ["0"] * 5 + ["1"] * 9,
        ["start"] * 5 + ["end"] * 9,
        ["step 1"] * 5 + ["step 2"] * 5 + ["step 3"] * 5,
        ["1 take"] * 9 + ["2 pour"] * 9 + ["3 put"] * 9,
    ):
        assert read_labels(written(tmp_path, "".join(f"{name}\n" for name in names))).names() == names


def test_lines_that_are_known_classes_are_labels_whatever_they_look_like(tmp_path: Path) -> None:
    names = ["0,cut", "1 pour", "a;b", "cut", "put"]
    path = written(tmp_path, "".join(f"{name}\n" for name in names))
    assert read_labels(path, Classes(tuple(names))).names() == names
    assert read_labels(written(tmp_path, "3\n3\n0\n")).names() == ["3", "3", "0"]
    assert read_labels(written(tmp_path, "1 take\n1 take\n2 pour\n")).names() == ["1 take", "1 take", "2 pour"]
    assert read_labels(written(tmp_path, "<take><cup>\nput, slowly\n")).names() == ["<take><cup>", "put, slowly"]


@pytest.mark.parametrize(
    ("content", "step"),
    [
        ("Frame\tPhase\n" + rows("{}\t{}", 25), 25),
        ("frame,label\n" + rows("{},{}"), 1),
        ("Label;Frame_idx\n" + "".join(f"{name};{t}\n" for t, name in enumerate(NAMES)), 1),
        ("frame label\n" + rows("{} {}"), 1),
        ("frame|class\n" + rows("{}|{}"), 1),
        (",action\n" + rows("{},{}"), 1),
        ("label\n" + "".join(f"{name}\n" for name in NAMES), 1),
        (
            "frame,cut,pour milk\n"
            + "".join(f"{t},{int(n == 'cut')},{int(n != 'cut')}\n" for t, n in enumerate(NAMES)),
            1,
        ),
        ("cut;pour milk\n" + "".join(f"{int(n == 'cut')};{int(n != 'cut')}\n" for n in NAMES), 1),
    ],
)
@pytest.mark.parametrize("name", ["v1.txt", "v1.csv"])
def test_tables_of_frames_are_read_by_their_columns(tmp_path: Path, content: str, step: int, name: str) -> None:
    assert read_labels(written(tmp_path, content, name)).names() == NAMES


def test_column_of_seconds_is_the_rate(tmp_path: Path) -> None:
    labels = read_labels(written(tmp_path, "time (s),label\n" + rows("{}").replace("cut", "") and "".join(
        ["time (s),label\n", *(f"{t / 25:.3f},{name}\n" for t, name in enumerate(NAMES))])))  # fmt: skip
    assert (labels.names(), labels.fps) == (NAMES, 25)


def test_frames_that_count_from_1_are_said(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match=r"v1\.txt counts its frames from 1"):
        assert read_labels(written(tmp_path, "frame,label\n" + rows("{},{}", first=1))).names() == NAMES


HEAD = "frame,label\n0,cut\n1,cut\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEAD + "4,pour\n", "jumps from 1 to 4: 2 frames have no row; add them"),
        (HEAD + "1,pour\n", "has 1 after 1: expected frames that rise"),
        (HEAD + "0,pour\n", "has 0 after 1"),
        (HEAD + "2\n", "line 4: expected 2 values, got 1"),
        (HEAD + "2,pour,left\n", "line 4: expected 2 values, got 3"),
        (HEAD + "2,\n", "line 4: expected a label, got nothing"),
        (HEAD + "6_0,pour\n", "line 4: expected the number of a frame, got '6_0'"),
        (HEAD + "-2,pour\n", "line 4: expected the number of a frame"),
        (HEAD + "x,pour\ny,pour\n", "(?s)2 errors.*line 4: .*'x'.*line 5: .*'y'"),
        ("frame,label\n5,cut\n6,cut\n", "begins at 5: the frames before have no row"),
        ("frame,label\n", "a header and no rows"),
        ("frame,label,label\n0,cut,cut\n", "the column 'label' is there 2 times"),
        ("frame,label,who\n0,cut,me\n", "a table with the columns frame, label, who: expected the frame"),
        ("label|start_s|stop_s\ncut|0|4\n", "start_s and stop_s .seconds., or .*, between commas, semicolons or tabs"),
        ("label,start_ms,stop_ms\ncut,0,4000\n", "for segments, expected the columns label, start_s and stop_s"),
        ("Label,Start (s),End (s)\ncut,0,4\n", "for segments, expected the columns label, start_s and stop_s"),
        ("frame,label,ok\n0,0,1\n1,1,0\n", "a table with the columns frame, label, ok"),
        ("video,frame,label\nv1,0,cut\n", "a table with the columns video, frame, label"),
        ("frame,cut,pour\n0,1,0\n1,1,1\n", "line 3: expected a single 1 and otherwise 0, got 1, 1"),
        ("frame,cut,pour\n0,1,0\n1,0,0\n", "line 3: expected a single 1"),
        ("frame,cut,cut\n0,1,0\n", "the column 'cut' is there 2 times"),
        ("time,label\n0,cut\n0.04,cut\n0.2,cut\n0.24,cut\n", "must be evenly spaced, but is 0.04 and then 0.2"),
        ("time,label\n3,cut\n3.04,cut\n", "begins at 3, not at 0"),
        ("time,label\n0,cut\n40,cut\n80,cut\n", "0.025 rows a second: another unit than seconds"),
        ("label,start,stop\na,0,10000000000\n", "beyond any video"),
        ("label,start,stop,start_s,stop_s\na,0,10,0,1\nb,10,20,1.5,2\n", "line 3: frame 10 is said to be at 1.5 s"),
        ("label,start,stop\na,0,6_0\n", "with numbers, got"),
        ("label,start,stop\na,0,6,extra\n", "got more or fewer values"),
        ("label,start,stop,stop\na,0,6,7\n", "the column 'stop' is there 2 times"),
        ("label,start,stop,Video\na,0,6,P1\nb,6,9,P2\n", "column 'Video' has P1, P2: expected the labels of one video"),
    ],
)
def test_tables_whose_rows_do_not_fit_are_refused(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_labels(written(tmp_path, content))


FOREIGN = {
    "Excel|Datavyu": (b"PK\x03\x04rest", "session.opf"),
    "web page": ("<!DOCTYPE html>\n<html></html>\n", "v1.txt"),
    "CVAT": ('<?xml version="1.0"?>\n<annotations><version>1.1</version></annotations>', "v1.xml"),
    "XML of another": ('<?xml version="1.0"?>\n<ObserverData/>', "v1.xml"),
    "annot file of Bento": ("Bento annotation file\nMovie file(s):\n", "v1.annot"),
    "\\.annot file": ("Caltech Behavior Annotator - Annotation File\n", "v1.txt"),
    "JWatcher": ("FirstLineOfData 12\n#---\n# Name: x.dat\n", "v1.txt"),
    "Raven": ("Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tAnnotation\n1\tx\t1\t0.5\t2\tcut\n", "v1.txt"),
    "EPIC-KITCHENS": (
        "narration_id,participant_id,video_id,start_timestamp,verb\nP01_0,P01,P01_01,00:00:01,cut\n",
        "v.csv",
    ),
    "Datavyu": ("behav.ordinal,behav.onset,behav.offset,behav.code01\n1,500,2000,cut\n", "v1.csv"),
    "The Observer": ("Time_Relative_sf,Duration_sf,Observation,Event_Log,Behavior\n0.5,1.5,a,b,cut\n", "v1.csv"),
    "subtitles": ("WEBVTT\n\n00:00.000 --> 00:01.000\ncut\n", "v1.txt"),
    "THUMOS": ("video_validation_0000266  72.80 76.40\nvideo_validation_0000266  80.1 90\n", "Diving.txt"),
    "TIMIT": ("0 3050 h#\n3050 4559 sh\n", "v1.phn"),
    "VIA 2": ('{"_via_settings": {}, "_via_img_metadata": {}}', "v1.json"),
    "COCO": ('{"images": [], "categories": [], "annotations": []}', "v1.json"),
    "Charades": ('{"v1": {"subset": "testing", "duration": 40.0, "actions": [[1, 2.0, 10.5]]}}', "v1.json"),
    "Perception Test": ('{"v1": {"metadata": {}, "action_localisation": []}}', "v1.json"),
    "predictions in ActivityNet": ('{"version": "1.3", "results": {"v1": []}, "external_data": {}}', "v1.json"),
    "JSON-MIN": ('[{"id": 1, "video": "v1.mp4", "timelineLabels": []}]', "v1.json"),
    "\\(JSON-MIN": ('[{"id": 1, "actions": [], "annotation_id": 3, "lead_time": 1.5}]', "v1.json"),
    "table of Label Studio": ("video,id,actions,annotator,annotation_id,created_at,updated_at,lead_time\n", "v1.csv"),
    "table of VIA": ("# Exported using VGG Image Annotator\n# CSV_HEADER = metadata_id,file_list\n", "v1.csv"),
    "table of VIA.*save the project": ("filename,file_size,file_attributes,region_count\n", "v1.csv"),
    "BORIS without starts.*export the events": ("Observation id,Subject,Behavior,Total duration (s)\n", "v1.csv"),
    "part of a web page": ("<head><title>404</title></head>\n<body>x</body>\n", "v1.txt"),
    "no known format": ("a,b\n", "bad.csv"),
}
TIMED = {
    "Audacity": "0.5\t2.0\tcut\n",
    "BORIS": "Observation id,Behavior,Behavior type,Time\no,cut,START,1\n",
    "table of segments": "label,start_s,stop_s\ncut,0,1\n",
    "VIA 3": '{"project": {}, "file": {}, "metadata": {}}',
    "Praat": 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n1\n<exists>\n0\n',
}


@pytest.mark.parametrize("program", FOREIGN)
def test_file_of_another_program_is_named_with_the_way_out(tmp_path: Path, program: str) -> None:
    content, name = FOREIGN[program]
    path = written(tmp_path, content, name)
    with pytest.raises(ValueError, match=rf"(?s){re.escape(str(path))}.*({program})"):
        detect_format(path)
    with pytest.raises(ValueError, match=program):
        read_labels(path)


@pytest.mark.parametrize("program", TIMED)
def test_annotations_with_times_are_not_labels_of_frames(tmp_path: Path, program: str) -> None:
    with pytest.raises(ValueError, match=rf"{program}.* with times: expected labels of frames; `segtcn init` makes"):
        read_labels(written(tmp_path, TIMED[program], "v1.dat"))


def test_all_commands_share_the_detection(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = written(tmp_path, "a,b\n", "bad.csv")
    good = tmp_path / "good.txt"
    write_labels(good, Labels.from_names(["cut"]))
    for arguments in (["timeline", bad, "-o", tmp_path / "x.png"], ["evaluate", bad, good]):
        assert main([str(argument) for argument in arguments]) != 0
        assert "bad.csv has no known format" in capsys.readouterr().err
    assert not (tmp_path / "x.png").exists()


def test_all_wrong_files_are_named_at_once(tmp_path: Path) -> None:
    files = {str(index): written(tmp_path, "a,b\n", f"{index}.csv") for index in range(25)}
    with pytest.raises(LabelFilesError, match=r"(?s)25 errors:.*/0\.csv.*/19\.csv.*and 5 more") as error:
        read_label_files(files)
    assert len(error.value.messages) == 25
