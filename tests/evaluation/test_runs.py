"""A run folder describes itself: what `run.json` keeps, what is refused, and that a folder can be moved."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import numpy as np
import pytest

import segtcn
from segtcn.cli import main
from segtcn.evaluation import Run, RunFacts, Scoring, Selection, collect_videos, evaluate, read_run, score_run
from segtcn.labels import Classes, Labels, write_labels
from tests.conftest import CLASSES, SPLITS
from tests.run_folders import edit_facts, truth_of, write_crossval, write_network

TEST_VIDEOS = {split: names for split, (_, names) in SPLITS.items()}


@pytest.fixture
def root(write_ms_tcn_tree) -> Path:
    return write_ms_tcn_tree()


@pytest.fixture
def folder(root, tmp_path) -> Path:
    """A run on two videos."""
    return write_network(tmp_path / "run", root, {name: truth_of(root, name) for name in TEST_VIDEOS[2]}, split=2)


def test_facts_are_read_as_they_were_written(tmp_path):
    facts = RunFacts(
        classes=Classes(("rest", "Café"), 0),
        videos=("P01/tea", "soup"),
        protocol="mstcn",
        fps=29.97,
        sample_rate=2,
        split=3,
        seed=7,
        name="wide",
        network={"class_name": "EDTCN", "init_args": {"in_channels": 8}},
        data={"reader": {"class_path": "LeaReader"}},
        checkpoint="checkpoints/last.ckpt",
    )
    path = facts.write(tmp_path)
    record = json.loads(path.read_text())
    assert (record["version"], record["segtcn"], record["classes"]) == (1, segtcn.__version__, ["rest", "Café"])
    read = RunFacts.read(tmp_path)
    assert vars(read) == vars(facts) | {"classes": read.classes}
    assert read.classes == facts.classes
    edit_facts(tmp_path, added_later="of the same version")
    assert RunFacts.read(tmp_path).name == "wide"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2, "classes": "of another kind"}, r"written by a newer segtcn \(version 2\): update segtcn"),
        ({"classes": ["cut", "cut"]}, r"run\.json cannot be understood .*two classes are named 'cut'"),
        ({"classes": "cut"}, r"run\.json cannot be understood .*`classes` cannot be 'cut'"),
        ({"videos": "tea"}, r"run\.json cannot be understood .*`videos` cannot be 'tea'"),
        ({"background": 9}, r"`background` must be an index of the 3 classes, got 9"),
        ({"fps": -1}, r"`fps` must be positive and below 1e9, got -1"),
        ({"videos": ["../../secret"]}, r"must not lead out of the folder, got '\.\./\.\./secret'"),
        ({"name": "x" * 9999}, r"run\.json cannot be understood .*a name has more than 4,096 characters"),
        ("{", r"run\.json cannot be understood .*: run `segtcn test` again"),
        ("[]", r"run\.json cannot be understood"),
        ('{"version": 1, "classes": ["cut"], "background": null}', r"run\.json cannot be understood .*videos"),
    ],
)
def test_facts_that_cannot_be_used_are_refused(folder, change, message):
    if isinstance(change, str):
        (folder / "run.json").write_text(change)
    else:
        edit_facts(folder, **change)
    with pytest.raises(ValueError, match=message):
        Run.read(folder)


def test_a_run_is_what_its_folder_says(folder, root):
    run = Run.read(folder)
    assert (run.name, run.classes.names[0], run.background) == ("run", "background", (0,))
    assert (run.protocol, run.fps) == ("lea", 10)
    (part,) = run.parts
    assert (part.split, part.seed, [*part.preds]) == ("2", 0, TEST_VIDEOS[2])
    for name, truth in part.truths.items():
        assert truth.names() == truth_of(root, name)
        assert part.preds[name].scores is None  # those of a data set would fill the memory
    assert score_run(run).scores["accuracy"] == 100


def test_an_old_run_is_asked_to_be_tested_again(folder):
    (folder / "config.yaml").write_text("model: {}\n")
    (folder / "run.json").unlink()
    for read in (Run.read, read_run, lambda path: collect_videos([(None, path)])):
        with pytest.raises(FileNotFoundError, match=r"no run\.json in .*run: .*run `segtcn test` again"):
            read(folder)


def test_labels_that_are_not_of_the_run_are_refused(folder):
    path = folder / "predictions" / "P01_tea.npz"
    write_labels(path, Labels.from_names(["stir"] * 9))
    with pytest.raises(ValueError, match=r"P01_tea\.npz: 'stir' is not a known class"):
        Run.read(folder)
    path.write_bytes(b"PK damaged")
    with pytest.raises(ValueError, match=r"P01_tea\.npz"):
        Run.read(folder)


def test_predictions_that_are_missing_are_named(folder):
    (folder / "predictions" / "P01_tea.npz").unlink()
    with pytest.raises(FileNotFoundError, match=r"no predictions of P01_tea in .*run: run `segtcn test` again"):
        Run.read(folder)
    run = Run.read(folder, incomplete=True)
    assert [*run.parts[0].preds] == ["P01_soup"]
    assert len(run.notes) == 1
    (folder / "predictions" / "P01_soup.npz").unlink()
    with pytest.raises(FileNotFoundError, match=r"no predictions of P01_soup, P01_tea"):
        Run.read(folder, incomplete=True)


def test_seeds_with_different_videos_are_refused(root, tmp_path):
    folder = write_crossval(tmp_path / "run", root, TEST_VIDEOS, 0.5, seeds=(0, 1))
    edit_facts(folder / "split2-seed0", videos=["P01_tea"])
    with pytest.raises(ValueError, match="the seeds of split 2 in run have predictions of different videos"):
        score_run(read_run(folder))


def test_the_truth_of_a_run_can_be_replaced(folder, root, tmp_path):
    corrected = tmp_path / "corrected"
    corrected.mkdir()
    for name in TEST_VIDEOS[2]:
        write_labels(corrected / f"{name}.txt", Labels.from_names(["stir"] * len(truth_of(root, name))))
    run = read_run(folder, Scoring(truth=corrected))
    assert run.classes.names == (*Run.read(folder).classes.names, "stir")
    assert score_run(run).scores["accuracy"] == 0


@pytest.mark.parametrize("kind", ["one network", "cross-validation"])
def test_a_run_that_was_moved_copied_and_renamed_works_from_anywhere(root, tmp_path, monkeypatch, capsys, kind):
    def commands(run: str, out: Path) -> list[list[str]]:
        return [
            ["compare", run, run, "--resamples=20"],
            ["analyze", run, f"--out={out}"],
            ["timeline", run, "-o", f"{out}/timeline.svg", "--scores"],
            ["view", run, "--export", f"{out}/player", "--quiet"],
        ]

    if kind == "one network":
        preds = {name: [*truth_of(root, name)[2:], "cut", "cut"] for name in TEST_VIDEOS[2]}
        made = write_network(tmp_path / "made", root, preds, split=2)
    else:
        made = write_crossval(tmp_path / "made", root, TEST_VIDEOS, 0.6)
    moved = tmp_path / "elsewhere" / "renamed"
    shutil.copytree(made, moved)
    before = {}
    for folder, out in ((made, tmp_path / "before"), (moved, tmp_path / "after")):
        monkeypatch.chdir(folder.parent)
        for argv in commands(folder.name, out):
            assert main(argv) == 0, capsys.readouterr().err
        text = capsys.readouterr().out.replace(str(out), "OUT").replace(folder.name, "RUN")
        files = {path.relative_to(out) for path in out.rglob("*") if path.is_file()}
        if folder == made:
            before = {"text": text.split(), "files": files}
            shutil.rmtree(root)  # nothing but the folder is needed
            shutil.rmtree(made)
    assert {word for word in text.split() if "-" not in word} == {word for word in before["text"] if "-" not in word}
    assert files == before["files"]
    assert sorted(path.name for path in moved.rglob("*") if path.name in ("analysis", "config.yaml")) == []


def files_passed(truth: list[str], action: Callable[[], object]) -> list[str]:
    """Files of the package that get hold of the true labels, in order, those of a file that is left and entered twice.

    The nouns are not counted: labels and classes, and what cuts them into runs.
    """
    passed: list[str] = []
    nouns = ("labels/labels.py", "labels/classes.py", "structures.py", "arrays.py")

    def has_truth(value: object) -> bool:
        if isinstance(value, Labels | Run):
            return any(map(has_truth, vars(value).values()))
        if isinstance(value, dict):
            return any(map(has_truth, value.values()))
        if isinstance(value, tuple | list):
            return any(map(has_truth, value))
        return isinstance(value, np.ndarray) and value.tolist() == indexes

    def file_of(frame: FrameType | None) -> str:
        return frame.f_code.co_filename.rpartition("/segtcn/")[2] if frame else ""

    def callers(frame: FrameType) -> Iterator[str]:
        while (frame := frame.f_back) is not None:
            yield file_of(frame)

    def watch(frame: FrameType, event: str, result: object) -> None:
        sys.setprofile(None)
        is_call = event == "call"
        file = file_of(frame) if is_call else file_of(frame.f_back)
        held = [*frame.f_locals.values()] if is_call else [result] if event == "return" else []
        if file not in (callers(frame) if is_call else passed) and any(map(has_truth, held)):
            passed.append(file)
        sys.setprofile(watch)

    indexes = Labels.from_names(truth, Classes(tuple(CLASSES))).indexes.tolist()
    sys.setprofile(watch)
    try:
        action()
    finally:
        sys.setprofile(None)
    known = Path(segtcn.__file__).parent
    return [file for file in passed if not Path(file).is_absolute() and (known / file).is_file() and file not in nouns]


@pytest.mark.parametrize("way", ["compare", "timeline of a run", "timeline of files", "evaluate"])
def test_a_true_label_passes_at_most_five_files_on_its_way_to_a_score_and_none_twice(root, tmp_path, way):
    preds = {"P02_tea": [*truth_of(root, "P02_tea")[2:], "cut", "cut"]}
    run, text = write_network(tmp_path / "run", root, preds), tmp_path / "text"
    text.mkdir()
    write_labels(text / "P02_tea.txt", Labels.from_names(preds["P02_tea"]))
    ways = {
        "compare": lambda: score_run(read_run(run)),
        "timeline of a run": lambda: collect_videos([(None, run)]),
        "timeline of files": lambda: collect_videos([(None, text)], Selection(truth=root / "groundTruth")),
        "evaluate": lambda: evaluate(text / "P02_tea.txt", root / "groundTruth" / "P02_tea.txt"),
    }
    passed = files_passed(truth_of(root, "P02_tea"), ways[way])
    is_score = [file.startswith("metrics/") for file in passed]
    on_the_way = passed[: is_score.index(True) + 1]  # what metrics do inside is not on the way
    assert on_the_way[0] == "labels/files.py"
    assert len(on_the_way) <= 5
    assert len({*on_the_way}) == len(on_the_way)
