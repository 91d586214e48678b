"""`segtcn check` as a user calls it: tables, JSON, exit status, corrected copies."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from segtcn.cli import main
from segtcn.data import read_card
from segtcn.data.readers import write_hdf5
from segtcn.labels import Classes
from segtcn.structures import Video
from tests.clips import write_clip
from tests.conftest import CLASSES, small_videos

REPOSITORY = Path(__file__).resolve().parents[2]
WriteTree = Callable[..., Path]


@pytest.fixture
def check(capsys):
    """Function that runs the command, checks its exit status and returns what it printed."""

    def run(status, *args):
        try:
            ended = main(["check", *map(str, args), "--quiet"])
        except SystemExit as stop:
            ended = int(stop.code or 0)
        shown = capsys.readouterr()
        assert ended == status, shown
        return shown.out or shown.err

    return run


@pytest.fixture
def sound(write_ms_tcn_tree) -> Path:
    return write_ms_tcn_tree(videos=small_videos(frames_per_action=5))


def test_a_sound_folder(sound, check):
    out = check(0, sound, "--data.reader.init_args.fps", 10, "--data.reader.init_args.background=background")
    lines = out.split("\n")
    assert any(line.startswith(f"| {sound}: MSTCNReader") for line in lines)
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    frames = sum(len(labels) for _, labels in small_videos(frames_per_action=5).values())
    assert ["frames", f"{frames} ({frames / 600:.1f} min at 10 a second)"] in cells
    assert next(row for row in cells if row[0] == "pour milk")[3:] == ["4", "0.6", "4"]
    assert lines[-2] == "errors: 0, warnings: 0"


def test_status_is_1_after_errors_and_with_strict_after_warnings(sound, check):
    np.save(sound / "features" / "extra.npy", np.zeros((4, 9), np.float32))
    assert "warning [unlisted]" in check(0, sound, "--background", "background")
    check(1, sound, "--background", "background", "--strict")
    for name in ("P01_soup", "P02_tea"):
        (sound / "features" / f"{name}.npy").unlink()
    out = check(1, sound, "--background", "background")
    assert out.count("error [missing]") == 2
    assert out.endswith("errors: 2, warnings: 1\n")


def test_what_nobody_said_is_marked_as_assumed(sound, check):
    out = check(0, sound)
    assert "min at 15 a second, assumed)" in out
    assert "3, background: none, assumed" in out
    assert "warning [background] no background class was given, so that 'background' counts as an action" in out
    record = json.loads(check(0, sound, "--json"))
    assert (record["measured"]["assumed"], record["measured"]["fps"]) == (["fps", "background"], 15)
    record = json.loads(check(0, sound, "--fps", 12.5, "--background", "background", "--json"))
    assert (record["measured"]["assumed"], record["measured"]["fps"], record["problems"]) == ([], 12.5, [])
    assert record["measured"]["background"] == "background"
    record = json.loads(check(0, sound, "--data.reader.init_args.background=null", "--json"))
    assert (record["measured"]["assumed"], record["problems"]) == (["fps"], [])


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ("^P[0-9]+", None),
        ("tea", "does not match P01_soup"),
        ("^P[0-9]*?", "makes one group of all videos"),
        ("(", "`groups` must be a regular expression, got '('"),
        (5, "`groups` must be a regular expression, got 5"),
    ],
)
def test_groups_of_the_card_fit_the_names_of_the_videos(groups, message, sound, tmp_path, check):
    (tmp_path / "card.md").write_text(f"---\ngroups: {groups}\n---\n")
    out = check(0, sound, "--data.card", tmp_path / "card.md")
    assert ("warning [card] " in out) == (message is not None)
    assert (message or "") in out


@pytest.mark.parametrize("name", ["SIL", "bg", "No_Action", "none"])
def test_a_class_that_sounds_like_background_is_warned_of(write_ms_tcn_tree, name, check):
    classes = [name, "cut", "pour milk"]
    root = write_ms_tcn_tree(videos=small_videos(frames_per_action=5), classes=classes)
    assert f"`background: {name}`" in check(1, root, "--strict")
    root = write_ms_tcn_tree(videos=small_videos(frames_per_action=5), classes=["chop", *classes[1:]])
    check(0, root, "--strict")


def test_a_split_that_does_not_exist_is_an_error(sound, check):
    check(0, sound, "--data.split", 2)
    assert "error [split] `--data.split` 9 does not exist: choose from 1, 2" in check(1, sound, "--data.split", 9)


def test_the_first_split_counts_where_none_is_chosen(sound, check):
    for path in (sound / "splits").glob("*.split1.bundle"):
        path.unlink()
    assert "errors: 0" in check(0, sound)


def test_clips_beside_the_features_are_compared(sound, check):
    (sound / "videos").mkdir()
    write_clip(sound / "videos" / "P01_tea.mp4", len(small_videos(frames_per_action=5)["P01_tea"][1]), fps=10)
    strict = ["--background", "background", "--strict"]
    assert "| clips" in check(0, sound, "--fps", 10, *strict)  # three have no clip
    assert "[rate] there is one feature for every frame of 1 of 1 clip" in check(1, sound, "--fps", 15, *strict)


def test_a_single_video_is_said_in_good_english(write_ms_tcn_tree, check):
    videos = small_videos(frames_per_action=5)
    videos["P02_tea"] = (videos["P02_tea"][0][:, :3], videos["P02_tea"][1])
    out = check(1, write_ms_tcn_tree(videos=videos))
    assert "4 (3 videos), 3 (1 video)" in out
    assert "in 3 of 4 videos" in out


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet"])
def test_a_folder_of_tables(write_ms_tcn_tree, suffix, check):
    pyarrow = pytest.importorskip("pyarrow", reason="tables need the extra `tables`")
    videos = small_videos(frames_per_action=5)
    root = write_ms_tcn_tree(videos=videos)
    for name, (features, _) in videos.items():
        (root / "features" / f"{name}.npy").unlink()
        path = root / "features" / f"{name}.{suffix}"
        columns = {f"joint_{number}": features[:, number] for number in range(4)}
        if suffix == "parquet":
            from pyarrow import parquet

            parquet.write_table(pyarrow.table(columns), path)
        else:
            delimiter = "," if suffix == "csv" else "\t"
            np.savetxt(path, features, delimiter=delimiter, header=delimiter.join(columns), comments="")
    assert "error [data set] give `fps`, the rows per second" in check(1, root, "--background", "background")
    out = check(0, root, "--background", "background", "--fps", 10, "--strict")
    assert "TableReader" in out
    assert "joint_0, joint_1, joint_2, joint_3" in out
    assert json.loads(check(0, root, "--fps", 10, "--json"))["measured"]["feature_columns"] == [
        f"joint_{d}" for d in range(4)
    ]


def test_problems_of_a_kind_are_cut_off_unless_all_are_wanted(write_ms_tcn_tree, check):
    features, labels = small_videos()["P01_tea"]
    names = [f"v{number:02}" for number in range(14)]
    root = write_ms_tcn_tree(videos={"good": (features, labels)}, splits={1: (["good"], names)})
    out = check(1, root)
    assert out.count("error [missing]") == 11
    assert "error [missing] and 4 more" in out
    assert check(1, root, "--all").count("error [missing] no features of video 'v") == 14


def test_json_holds_everything(sound, tmp_path, check):
    np.save(sound / "features" / "P02_tea.npy", np.full((4, 23), np.nan, np.float32))
    assert "errors: " in check(1, sound, "--json", tmp_path / "report.json")
    record = json.loads((tmp_path / "report.json").read_text())
    assert (record["source"], record["ok"], record["num_errors"]) == (str(sound), False, 1)
    assert record["problems"][0]["kind"] == "values"
    assert record["measured"]["classes"] == CLASSES
    assert len(record["videos"]) == 4
    printed = json.loads(check(1, sound, "--json"))
    assert {**printed, "seconds": 0} == {**record, "seconds": 0}


def test_a_reader_that_cannot_be_built_is_an_error_of_the_report(sound, check):
    (sound / "mapping.txt").write_text("0 background\n2 cut\n")
    out = check(1, sound)
    assert f"error [data set] {sound / 'mapping.txt'} must number the classes" in out
    assert json.loads(check(1, sound, "--json"))["num_errors"] == 1


def test_a_data_config_with_overrides(write_lea_tree, check):
    root = write_lea_tree(videos=small_videos(frames_per_action=5))
    args = ["--data.reader.init_args.root", root, "--data.card", "null"]
    classes = "--data.reader.init_args.class_names=[background, cut, pour milk]"
    config = REPOSITORY / "configs/data/gtea_lea.yaml"
    for words in ([config, *args], ["-c", config, *args], [*args, config]):
        out = check(0, *words, classes)
        assert "LeaReader" in out
        assert "features of every split" in out


def test_the_config_of_a_run_will_do(sound, tmp_path, check):
    reader = {"class_path": "segtcn.data.readers.MSTCNReader", "init_args": {"root": str(sound), "fps": 12}}
    config = {"seed_everything": 0, "model": {"net": "EDTCN"}, "data": {"reader": reader, "batch_size": 2}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    assert "at 12 a second" in check(0, tmp_path / "config.yaml")


def test_a_folder_with_a_card_or_an_hdf5_file(sound, tmp_path, check):
    (sound / "README.md").write_text("---\nvideos: 3\n---\n")
    assert f"{sound / 'README.md'} says `videos`: 3, the data has 4" in check(0, sound)
    (tmp_path / "folder").mkdir()
    videos = [
        Video(name, torch.from_numpy(features.T.copy()), torch.tensor(labels))
        for name, (features, labels) in small_videos(frames_per_action=5).items()
    ]
    names = [video.name for video in videos]
    write_hdf5(
        tmp_path / "folder/a.h5", videos, Classes(tuple(CLASSES), 0), 10, {1: {"train": names[:2], "test": names[2:3]}}
    )
    assert f"{tmp_path / 'folder'}: HDF5Reader does not take `fps`: leave it out" in check(
        1, tmp_path / "folder", "--fps", 12
    )
    for path in (tmp_path / "folder", tmp_path / "folder" / "a.h5"):
        out = check(0, path)
        assert "assumed" not in out
        assert "HDF5Reader" in out
        assert f"warning [unlisted] no split lists {names[3]}, stored beside {tmp_path / 'folder' / 'a.h5'}" in out


def test_what_is_no_data_set_is_refused(tmp_path, check):
    (tmp_path / "model.yaml").write_text("model: {net: EDTCN}\n")
    (tmp_path / "typo.yaml").write_text("data: {reader: MSTCNReader, splitt: 1}\n")
    (tmp_path / "broken.yaml").write_text("data: [\n")
    (tmp_path / "notes.txt").write_text("tea\n")
    for name, message in {
        "": "is not a known data set",
        "nowhere": "no file or folder",
        "model.yaml": "has no part `data`",
        "typo.yaml": "describes no data set",
        "broken.yaml": "is not YAML",
        "notes.txt": "is not a data config",
    }.items():
        out = check(1, tmp_path / name)
        assert message in out
        assert str(tmp_path / name) in out
    (tmp_path / "loose").mkdir()
    (tmp_path / "loose" / "a.csv").write_text("x\n1\n")
    assert "its files .csv belong into features, with lists in splits" in check(1, tmp_path / "loose")
    (tmp_path / "unsplit" / "features").mkdir(parents=True)
    assert f"`segtcn init {tmp_path / 'unsplit'}` makes them" in check(1, tmp_path / "unsplit")
    assert "unrecognized arguments: --model.net=EDTCN" in check(2, tmp_path, "--model.net=EDTCN")
    assert "give a data config, a folder or an HDF5 file" in check(2)
    assert "expected a name that ends with .json" in check(2, tmp_path, "--json", tmp_path / "features")


def test_the_corrected_copy_passes(write_ms_tcn_tree, tmp_path, check):
    videos = small_videos(frames_per_action=5)
    videos["P01_soup"][1].append(0)
    root = write_ms_tcn_tree(videos=videos)
    (root / "splits/test.split1.bundle").write_text("P02_tea.txt\nP02_tea")
    options = ["--data.reader.init_args.fps=12", "--data.reader.init_args.background=background"]
    options.append("--data.length_policy=trim")
    out = check(1, root, *options, "--fix", tmp_path / "copy", "--json", tmp_path / "report.json")
    assert "P01_soup: cut 1 label off the end" in out
    assert len(json.loads((tmp_path / "report.json").read_text())["fix"]["changes"]) == 2
    out = check(0, tmp_path / "copy", "--strict")
    assert "at 12 a second" in out
    assert "background: background" in out
    assert "lies in the data set" in check(1, root, "--fix", root / "copy")


@pytest.mark.parametrize("folder", ["gtea", "50salads"])
def test_released_data_agree_with_their_cards(folder, shared_data, monkeypatch, tmp_path, check):
    monkeypatch.chdir(REPOSITORY)
    config = read_card(REPOSITORY / "datasets" / folder / "README.md")["config"]
    report = tmp_path / "report.json"
    check(0, config, "--data.reader.init_args.root", shared_data / "lea", "--json", report)
    problems = json.loads(report.read_text())["problems"]
    found = {(problem["kind"], problem["where"]) for problem in problems if problem["kind"] != "one frame"}
    assert found == ({("card", "splits")} if folder == "50salads" else set())  # features of one split of five are there


def test_the_report_is_printed_where_no_copy_can_be_written(write_ms_tcn_tree, tmp_path, check):
    root = write_ms_tcn_tree(splits={1: (["P01_tea", "P01_soup"], ["P02_tea"])})
    (root / "features" / "P02_tea.npy").write_bytes(b"")
    printed = check(1, root, "--fix", tmp_path / "copy")
    assert f"error [unreadable] {root / 'features' / 'P02_tea.npy'} is damaged" in printed
    assert "error [no copy] no copy was written: of the 1 test video of split 1 none can be used" in printed
    assert "corrected copy" not in printed
    assert not (tmp_path / "copy").exists()
