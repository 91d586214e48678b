"""`segtcn evaluate`: every format, the published rows, and what is wrong with a file."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segtcn.cli import main
from segtcn.labels import Classes, Labels, write_labels
from segtcn.metrics import PROTOCOLS, evaluate_videos
from segtcn.structures import IGNORE

NAMES = ["background", "cut", "pour milk"]
TRUTH = {"P01.cam1": [0, 1, 1, 2, 2, 2, 0, 0], "P01.cam2": [0, 0, 2, 2, 1, 1], "P02": [1, 1, 1, 0]}
PREDS = {"P01.cam1": [0, 1, 2, 2, 2, 1, 0, 0], "P01.cam2": [0, 0, 2, 1, 1, 1], "P02": [1, 0, 0, 0]}
KEYS = ("accuracy", "edit", "f1@10", "f1@25", "f1@50")


def write_text(path: Path, labels: list[int]) -> None:
    write_labels(path.with_name(f"{path.name}.txt"), Labels(labels, Classes(tuple(NAMES))))


def write_recognition(path: Path, labels: list[int]) -> None:
    words = " ".join(NAMES[label].replace(" ", "_") for label in labels)
    path.write_text(f"### Frame level recognition: ###\n{words}")


def write_array(path: Path, labels: list[int]) -> None:
    np.save(path.with_name(f"{path.name}.npy"), np.array(labels))


def write_table(path: Path, labels: list[int]) -> None:
    write_labels(path.with_name(f"{path.name}.csv"), Labels(labels, Classes(tuple(NAMES)), fps=10))


def write_archive(path: Path, labels: list[int]) -> None:
    other = Classes(("idle", *reversed(NAMES)))  # the order of the network
    write_labels(path.with_name(f"{path.name}.npz"), Labels(labels, Classes(tuple(NAMES))).in_classes(other))


def write_folder(folder: Path, videos: dict[str, list[int]], write=write_text) -> Path:
    folder.mkdir()
    for name, labels in videos.items():
        write(folder / name, labels)
    return folder


@pytest.fixture
def folders(tmp_path: Path, monkeypatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    return [str(write_folder(tmp_path / "preds", PREDS)), str(write_folder(tmp_path / "truth", TRUTH))]


@pytest.fixture
def mapping(tmp_path: Path) -> str:
    (tmp_path / "mapping.txt").write_text("".join(f"{i} {name}\n" for i, name in enumerate(NAMES)))
    return str(tmp_path / "mapping.txt")


@pytest.fixture
def write_mat(tmp_path: Path):
    savemat = pytest.importorskip("scipy.io").savemat

    def write(name: str, **cells: list[np.ndarray]) -> str:
        arrays = {}
        for key, values in cells.items():
            arrays[key] = np.empty((1, len(values)), dtype=object)
            for i, value in enumerate(values):
                arrays[key][0, i] = value
        savemat(tmp_path / name, arrays)
        return str(tmp_path / name)

    return write


def failure(capsys, *argv: str) -> str:
    """The one line of a command that fails."""
    assert main(["evaluate", *argv]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    lines = shown.err.splitlines()
    assert len(lines) == 2, shown.err
    assert lines[1] == "(SEGTCN_TRACEBACK=1 shows where)"
    return lines[0]


def record_of(capsys, *argv: object) -> dict[str, Any]:
    """What the command writes as JSON."""
    assert main(["evaluate", *map(str, argv), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("write", [write_text, write_table, write_array, write_archive])
def test_every_format_gives_the_scores_of_the_same_labels(tmp_path, capsys, mapping, write):
    preds, truth = write_folder(tmp_path / "preds", PREDS, write), write_folder(tmp_path / "truth", TRUTH, write_text)
    record = record_of(capsys, preds, truth, "--background=background", f"--mapping={mapping}")
    expected = evaluate_videos(PREDS, TRUTH, "lea", background=0)
    assert {key: record[key] for key in KEYS} == expected.scores
    assert record["videos"] == expected.videos
    assert (record["protocol"], record["num_videos"], record["background"]) == ("lea", 3, ["background"])


def test_recognition_files_without_ending_meet_text_files_of_the_same_name(tmp_path, capsys):
    preds = write_folder(tmp_path / "preds", PREDS, write_recognition)
    (preds / "notes").write_text("not a recognition file")
    truth = tmp_path / "truth"
    truth.mkdir()
    for name, labels in TRUTH.items():
        (truth / f"{name}.txt").write_text("\n".join(NAMES[label].replace(" ", "_") for label in labels))  # no line end
    record = record_of(capsys, preds, truth, "--protocol=mstcn")
    assert {key: record[key] for key in KEYS} == evaluate_videos(PREDS, TRUTH, "mstcn", background=0).scores
    assert record["background"] == ["background"]  # the protocol knows it by name


def test_two_files_need_not_have_one_name(folders, capsys):
    preds, truth = folders
    assert record_of(capsys, f"{preds}/P02.txt", f"{truth}/P02.txt")["accuracy"] == 50
    Path(truth, "P02.txt").rename(Path(truth, "other.txt"))
    assert [*record_of(capsys, f"{preds}/P02.txt", f"{truth}/other.txt")["videos"]] == ["P02"]


def test_text_and_table_of_a_video_are_read_once_and_folders_are_part_of_its_name(folders, capsys):
    for name, labels in PREDS.items():
        write_table(Path(folders[0], name), labels)
    for side in folders:
        Path(side, "P03").mkdir()
        write_text(Path(side, "P03", "cam.01"), [0, 1])
    assert [*record_of(capsys, *folders)["videos"]] == [*PREDS, "P03/cam.01"]


def test_frames_that_nobody_annotated_do_not_count(tmp_path, capsys):
    write_labels(tmp_path / "truth.txt", Labels([0, IGNORE, 1, IGNORE], Classes(("cut", "pour"))))
    write_labels(tmp_path / "preds.txt", Labels.from_names(["cut", "pour", "pour", "cut"]))
    assert record_of(capsys, tmp_path / "preds.txt", tmp_path / "truth.txt")["accuracy"] == 100


def test_ignored_class_does_not_count_as_if_nobody_had_annotated_it(tmp_path, capsys):
    # by hand: with `unscored` left out the segments are cut, pour on both sides; "pour" at frame 2 costs nothing
    write_labels(tmp_path / "truth.txt", Labels.from_names(["cut", "cut", "unscored", "unscored", "pour"]))
    write_labels(tmp_path / "preds.txt", Labels.from_names(["cut", "cut", "pour", "stir", "pour"]))
    files = (tmp_path / "preds.txt", tmp_path / "truth.txt")
    assert {key: record_of(capsys, *files, "--ignore=unscored")[key] for key in KEYS} == dict.fromkeys(KEYS, 100)
    assert record_of(capsys, *files)["accuracy"] == 60
    assert main(["evaluate", *map(str, files), "--ignore=rest"]) == 1
    assert "no class is named 'rest': the classes are cut, pour, stir, unscored" in capsys.readouterr().err
    assert main(["evaluate", *map(str, files), "--ignore=cut,unscored,pour"]) == 1
    assert "leave such a video out" in capsys.readouterr().err


def test_all_protocols_side_by_side(folders, capsys):
    records = record_of(capsys, *folders, "--protocol=all", "--background=background")
    assert [*records] == [*PROTOCOLS]
    for protocol, record in records.items():
        assert {key: record[key] for key in KEYS} == evaluate_videos(PREDS, TRUTH, protocol, background=0).scores
    assert main(["evaluate", *folders, "--protocol=all", "--background=background"]) == 0
    table = capsys.readouterr().out
    assert all(re.search(rf"^\| {protocol} ", table, re.MULTILINE) for protocol in PROTOCOLS)
    assert "asrf: ASRF (WACV 2021); background: background; at the files' rate." in table


def test_a_protocol_leaves_out_what_it_knows_and_what_it_is_told(tmp_path, capsys):
    truth = {"a": ["SIL", "cut", "background", "cut", "pour"]}
    for side in ("preds", "truth"):
        (tmp_path / side).mkdir()
        write_labels(tmp_path / side / "a.txt", Labels.from_names(truth["a"]))
    for protocol, background, left_out in [
        ("mstcn", [], ["background"]),
        ("mstcn", ["--background=SIL"], ["SIL", "background"]),
        ("mstcn", ["--background=background,SIL"], ["SIL", "background"]),
        ("c2f", [], ["SIL", "background"]),
        ("lea", [], []),
        ("lea", ["--background", "0,pour"], ["SIL", "pour"]),
    ]:
        record = record_of(capsys, tmp_path / "preds", tmp_path / "truth", f"--protocol={protocol}", *background)
        assert record["background"] == left_out


def test_a_counted_background_is_pointed_out(folders, capsys):
    assert main(["evaluate", *folders]) == 0
    assert "The class 'background' counts: --background background leaves it out." in capsys.readouterr().out
    assert main(["evaluate", *folders, "--background=background"]) == 0
    assert "counts" not in capsys.readouterr().out


def test_the_given_frame_rate_or_that_of_the_files_matters_to_protocols_with_their_own(tmp_path, capsys):
    for name, labels in (("preds", [0, 1, 0, 1, 1, 1]), ("truth", [0, 0, 0, 0, 1, 1])):
        write_labels(tmp_path / f"{name}.csv", Labels(labels, Classes(("cut", "pour")), fps=30))
    argv = [str(tmp_path / "preds.csv"), str(tmp_path / "truth.csv"), "--protocol=asrf"]
    for fps, accuracy in ([], 100), (["--fps=30"], 100), (["--fps=15"], 400 / 6):
        assert record_of(capsys, *argv, *fps)["accuracy"] == pytest.approx(accuracy)
    assert main(["evaluate", *argv]) == 0
    assert "at 15 frames a second" in capsys.readouterr().out


def test_names_or_a_list_choose_the_videos(folders, tmp_path, capsys):
    (tmp_path / "test.bundle").write_text("P01.cam2.txt\nP02")
    (tmp_path / "preds" / "P01.cam1.txt").unlink()
    assert [*record_of(capsys, *folders, "--videos", tmp_path / "test.bundle")["videos"]] == ["P01.cam2", "P02"]
    assert [*record_of(capsys, *folders, "--videos", "P01.cam2", "P02")["videos"]] == ["P01.cam2", "P02"]
    (tmp_path / "test.bundle").write_text("P01.cam1\nP02")
    message = failure(capsys, *folders, "--videos", str(tmp_path / "test.bundle"))
    assert f"no predictions in {folders[0]} for P01.cam1: add the files" in message


def test_tables_for_papers_and_spreadsheets(folders, tmp_path, capsys):
    scores = evaluate_videos(PREDS, TRUTH, "lea", background=0)
    row = ["lea", *(f"{scores.scores[key]:.1f}" for key in ("f1@10", "f1@25", "f1@50", "edit", "accuracy"))]
    argv = ["evaluate", *folders, "--background=background"]
    assert main([*argv, "--latex", "--per-video", f"--json={tmp_path}/scores.json"]) == 0
    latex = capsys.readouterr().out
    assert " & ".join(row) + r" \\" in latex
    assert all(line.startswith("% ") for line in latex.split(r"\end{tabular}")[-1].split("\n") if line)
    assert json.loads((tmp_path / "scores.json").read_text())["f1@50"] == scores.scores["f1@50"]
    assert main([*argv, "--csv"]) == 0
    assert [*csv.reader(io.StringIO(capsys.readouterr().out))][1] == row
    assert main([*argv, "--per-video"]) == 0
    markdown = capsys.readouterr().out
    assert all(name in markdown for name in TRUTH)
    for other in ("--latex", "--json"):
        with pytest.raises(SystemExit):
            main([*argv, "--csv", other])
        assert "choose one form: --latex, --csv or --json without a file" in capsys.readouterr().err


def test_released_predictions_reproduce_the_published_rows(shared_data, capsys):
    folder = shared_data / "lea" / "predictions" / "50Salads" / "mid" / "mid_video_ED-TCN_L2_C15"
    assert main(["evaluate", *map(str, sorted(folder.glob("*.mat"))), "--protocol=lea", "--background=0"]) == 0
    assert "| lea      |  68.0 |  63.9 |  52.6 | 59.8 |     64.7 |" in capsys.readouterr().out
    record = record_of(capsys, folder, "--protocol=lea", "--background=0")  # a folder of splits
    assert [record[key] for key in KEYS] == pytest.approx([64.7, 59.8, 68.0, 63.9, 52.6], abs=0.05)
    assert (len(record["videos"]), [*record["splits"]]) == (50, ["1", "2", "3", "4", "5"])


def test_matlab_file_is_the_mean_over_videos_then_over_splits(write_mat, capsys):
    one = write_mat(
        "1.mat", P=[np.array([[0, 1, 1]]), np.array([[1, 1]])], Y=[np.array([[0, 1, 1]]), np.array([[0, 0]])]
    )
    two = write_mat("2.mat", P=[np.array([[2.0]])], Y=[np.array([[2.0]])])
    record = record_of(capsys, one, two)
    assert record["accuracy"] == pytest.approx((50 + 100) / 2)
    assert {name: scores["accuracy"] for name, scores in record["videos"].items()} == {"1/1": 100, "1/2": 0, "2/1": 100}
    assert main(["evaluate", one, two]) == 0
    assert "| 2.mat    | 100.0 |" in capsys.readouterr().out


def test_different_length_names_both_lengths_and_files(folders, capsys):
    path = Path(folders[0], "P02.txt")
    path.write_text(path.read_text() + "cut\ncut\n")
    message = failure(capsys, *folders)
    assert f"{path} has 6 frames and {folders[1]}/P02.txt has 4" in message
    assert "differ by at most `length_tolerance` (--length-tolerance) = 1 frames" in failure(
        capsys, *folders, "--length-policy=trim", "--length-tolerance=1"
    )
    record = record_of(capsys, *folders, "--length-policy=trim", "--length-tolerance=2")
    assert {key: record[key] for key in KEYS} == evaluate_videos(PREDS, TRUTH, "lea").scores


def test_numbers_absent_from_the_mapping_or_without_one(folders, mapping, capsys):
    Path(folders[0], "P02.txt").unlink()
    np.save(Path(folders[0], "P02.npy"), np.array([1, 3, 0, 0]))
    assert "P02.npy: class 3 at frame 1 has no name, there are 3 classes" in failure(
        capsys, *folders, f"--mapping={mapping}"
    )
    message = failure(capsys, *folders)
    assert "holds names of classes" in message
    assert "P02.npy their indexes: say which is which by `classes`" in message
    np.save(Path(folders[0], "P02.npy"), np.array([1, 2**40, 0, 0]))
    assert "which is hardly a class index" in failure(capsys, f"{folders[0]}/P02.npy", f"{folders[0]}/P02.npy")


def test_videos_in_one_folder_only_are_listed(folders, capsys):
    write_text(Path(folders[0], "P07"), [0])
    write_text(Path(folders[0], "P08"), [0])
    write_text(Path(folders[1], "P09"), [0])
    message = failure(capsys, *folders)
    assert f"no predictions in {folders[0]} for P09; no truth in {folders[1]} for P07, P08" in message
    assert "name the `videos` (--videos) to score" in message


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("preds truth/P02.txt", "is a folder and"),
        ("preds truth --background=SIL", "no class is named 'SIL': the classes are background, cut, pour milk"),
        ("preds truth --background=0,3", "no class is named '3'"),
        ("preds truth --protocol=mine", "must be one of lea, mstcn"),
        ("preds truth --length-tolerance=-1", "`length_tolerance` (--length-tolerance) must not be negative"),
        ("preds truth --videos=none.txt", "no list of videos none.txt"),
        ("preds truth --json=none/scores.json", "there is no folder"),
        ("preds truth --mapping=twice.txt", "twice.txt: two classes are named 'cut': give every class a name of its"),
        ("odd truth --mapping=mapping.txt", "odd/P02.txt: label 'stir' in line 2 is not a known class"),
        ("odd truth --mapping=mapping.txt", "the list of classes, which has background, cut, pour milk"),
        ("nowhere truth", "no file or folder"),
        ("empty truth", "no label files in empty: expected one a video, .npz, .csv, .txt, .npy or"),
        ("preds/P02.txt", "expected PREDICTIONS and TRUTH, or .mat files alone, which hold both; got preds/P02.txt"),
        ("preds", "no .mat file in"),
        ("preds truth more", "got preds, truth, more"),
    ],
)
def test_what_is_refused_in_one_line(folders, mapping, capsys, words, message):
    for name, content in {"empty/README.md": "nothing", "odd/P02.txt": "cut\nstir\ncut\ncut\n"}.items():
        Path(name).parent.mkdir()
        Path(name).write_text(content)
    for name in ("P01.cam1", "P01.cam2"):
        write_text(Path("odd", name), PREDS[name])
    Path("twice.txt").write_text("0 background\n1 cut\n2 cut\n")
    assert message in failure(capsys, *words.split())


def test_json_does_not_swallow_predictions(folders, capsys):
    before = Path(folders[0], "P02.txt").read_bytes()
    with pytest.raises(SystemExit, match="2"):
        main(["evaluate", "--json", f"{folders[0]}/P02.txt", folders[1], folders[1]])
    assert "put a bare --json last" in capsys.readouterr().err
    assert Path(folders[0], "P02.txt").read_bytes() == before


def test_nothing_is_written_where_something_is_wrong(folders, tmp_path, capsys):
    Path(folders[0], "P02.txt").unlink()
    assert "no predictions" in failure(capsys, *folders, f"--json={tmp_path}/scores.json")
    assert not (tmp_path / "scores.json").exists()


def test_matlab_files_stand_alone_and_differ_in_name(write_mat, folders, tmp_path, mapping, capsys):
    cells = {"P": [np.array([[0, 3]])], "Y": [np.array([[0, 3]])]}
    path = write_mat("1.mat", **cells)
    assert ".mat files alone, which hold both" in failure(capsys, path, folders[1] + "/P02.txt")
    (tmp_path / "other").mkdir()
    other = Path(path).rename(tmp_path / "other" / "1.mat")
    path = write_mat("1.mat", **cells)
    assert "two of the files are named 1.mat" in failure(capsys, path, str(other))
    assert "class 3 at frame 1 has no name" in failure(capsys, path, f"--mapping={mapping}")
    assert "no file none.mat" in failure(capsys, "none.mat")
    Path(path).write_bytes(b"nothing")
    assert "is damaged or not a MATLAB file" in failure(capsys, path)
