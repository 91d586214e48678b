"""``segtcn init``: from files of one's own to a data set that trains, without touching what is there."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import fields
from fractions import Fraction
from pathlib import Path
from shutil import copytree, rmtree
from typing import Any

import numpy as np
import pytest
import yaml

from segtcn.cli import main
from segtcn.data import read_card
from segtcn.data.readers import MSTCNReader
from segtcn.options import Folds
from segtcn.prepare.annotations import LabelRules
from segtcn.prepare.project import Project, Sources, init_project

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
VIDEOS = {"P01.cam 2": 40, "P01_Knödel": 47, "P02 取る": 38, "P02_tea": 52}
TABLE = "label,start_s,stop_s\ncut,0.5,2\npour milk,2,3.25\n"

Make = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Make:
    """Function that writes features and annotations, 10 frames a second, and returns the folder.

    Keywords: ``lengths`` = {name: T}, ``table`` = the annotation file of every video, ``transposed`` for (T, D).
    """

    def make(
        lengths: dict[str, int] = VIDEOS, table: str = TABLE, ending: str = ".csv", transposed: bool = False
    ) -> Path:
        root = tmp_path / "my data: 1"
        for part in ("features", "annotations"):
            (root / part).mkdir(parents=True)
        for name, length in lengths.items():
            array = np.random.default_rng(length).standard_normal((6, length)).astype(np.float32)
            np.save(root / "features" / f"{name}.npy", array.T if transposed else array)
            (root / "annotations" / f"{name}{ending}").write_text(table, encoding="utf-8")
        return root

    return make


def made(root: Path, **arguments: Any) -> Project:
    arguments = {"fps": 10, "folds": 2, "progress": False, **arguments}
    groups = {"sources": Sources, "rules": LabelRules, "folds": Folds}
    grouped = {
        name: group(**{f.name: arguments.pop(f.name) for f in fields(group) if f.name in arguments})
        for name, group in groups.items()
    }
    return init_project(root, **grouped, **arguments)


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("transposed", [False, True])
def test_the_reader_reads_what_was_written(folder: Make, transposed: bool) -> None:
    root = folder(transposed=transposed)
    project = made(root)
    assert (project.class_names, project.background) == (["background", "cut", "pour milk"], "background")
    reader = MSTCNReader(**yaml.safe_load((root / "data.yaml").read_text("utf-8"))["data"]["reader"]["init_args"])
    assert (reader.class_names, reader.background, reader.fps, reader.feature_dim) == (project.class_names, 0, 10, 6)
    assert reader.splits == [1, 2]
    assert sorted(reader.videos(1, "train") + reader.videos(1, "test")) == sorted(VIDEOS)
    for name, length in VIDEOS.items():
        video = reader.read(name)
        assert video.features.shape == (6, length)
        # 0.5 to 2 s are frames 5 to 19, 2 to 3.25 s frames 20 to 31 (its middle is 3.15 s); the rest is a gap
        assert video.labels.tolist() == [0] * 5 + [1] * 15 + [2] * 12 + [0] * (length - 32)


def test_where_all_features_have_one_shape_the_annotations_tell_time_from_width(folder: Make) -> None:
    root = folder(dict.fromkeys("abc", 30), transposed=True)
    assert made(root).num_frames == dict.fromkeys("abc", 30)


def test_annotations_that_end_early_do_not_turn_features_of_one_shape(folder: Make) -> None:
    root = folder(dict.fromkeys("abc", 40))
    for name in "abc":  # annotated up to frame 32, which is nearer to 30
        np.save(root / "features" / f"{name}.npy", np.zeros((30, 40), dtype=np.float32))
    assert made(root).num_frames == dict.fromkeys("abc", 40)


def test_it_trains_at_once(folder: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    root = folder()
    monkeypatch.chdir(tmp_path)
    assert main(["init", str(root), "--fps", "10", "--group", r"^P\d\d"]) == 0
    printed = capsys.readouterr().out
    assert f"segtcn fit -c ed_tcn -c '{root}/data.yaml'" in printed
    assert "2 splits, test videos: P01 (2), P02 (2)" in printed
    configs = ("-c", f"{CONFIGS}/model/ed_tcn.yaml", "-c", f"{root}/data.yaml", "-c", f"{CONFIGS}/trainer/default.yaml")
    quick = ["--trainer.max_epochs=1", "--trainer.logger=false", "--trainer.accelerator=cpu"]
    quick += ["--trainer.default_root_dir=run", "--model.net.init_args.hidden_channels=[4,4]"]
    assert main(["fit", *configs, *quick]) == 0
    assert list(tmp_path.glob("run/**/last.ckpt"))


def test_card_states_what_was_counted_and_says_what_was_not(folder: Make) -> None:
    root = folder()
    made(root)
    card = read_card(root / "README.md")
    assert {key: card[key] for key in ("videos", "frames", "shortest_video", "longest_video", "segments")} == {
        "videos": 4,
        "frames": sum(VIDEOS.values()),
        "shortest_video": 38,
        "longest_video": 52,
        "segments": 8,
    }
    assert card["unchecked"] == ["fps", "source", "licence"]
    assert (card["num_classes"], card["feature_dim"], card["splits"], card["fps"]) == (3, 6, 2, 10)
    assert "| pour milk  |     48 |" in (root / "README.md").read_text("utf-8")


def test_words_of_a_person_in_the_card_are_kept(folder: Make) -> None:
    root = folder()
    made(root)
    card = root / "README.md"
    card.write_text(card.read_text("utf-8").replace("licence: none given", "licence: CC-BY-4.0"), "utf-8")
    made(root, folds=3, force=True)
    assert read_card(card)["licence"] == "CC-BY-4.0"
    assert read_card(card)["splits"] == 3


def test_card_keeps_the_groups_of_the_splits_so_that_comparisons_draw_them(folder: Make) -> None:
    root = folder()
    card = root / "README.md"
    made(root)
    assert "groups" not in read_card(card)
    rmtree(root / "splits")
    made(root, group=r"^(P\d\d)")  # a card that is there gets them, too
    assert read_card(card)["groups"] == r"^(P\d\d)"
    made(root, force=True)  # without a new expression the old one holds
    assert read_card(card)["groups"] == r"^(P\d\d)"
    made(root, group="^P01|^P02", force=True)
    assert read_card(card)["groups"] == "^P01|^P02"
    assert made(root, group="^P01|^P02").written == ()


def test_dry_run_writes_nothing_and_says_what_it_would(folder: Make, capsys: Any) -> None:
    root = folder()
    before = contents(root)
    assert main(["init", str(root), "--fps", "10", "--dry-run"]) == 0
    assert "would write 15 files" in capsys.readouterr().out
    assert contents(root) == before


def test_second_call_changes_nothing(folder: Make, capsys: Any) -> None:
    root = folder()
    first = made(root)
    before = contents(root)
    again = made(root)
    assert again.written == ()
    assert set(again.unchanged) == set(first.written)
    assert contents(root) == before


@pytest.mark.parametrize(
    "name",
    ["mapping.txt", "groundTruth/P02_tea.txt", "splits/test.split1.bundle", "splits/train.split9.bundle", "data.yaml"],
)
def test_what_is_there_is_not_replaced_without_force(folder: Make, name: str) -> None:
    root = folder()
    path = root / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("0 pour milk\n1 cut\n2 background\n3 my own")  # no last newline: stays so
    before = contents(root)
    if name == "mapping.txt":  # its numbers are kept
        project = made(root)
        assert project.class_names == ["pour milk", "cut", "background", "my own"]
        assert "classes without a frame: my own" in project.notes
        assert path.read_bytes() == before[name]
        return
    with pytest.raises(FileExistsError, match=rf"{re.escape(name)}.*`force` replaces them"):
        made(root)
    assert contents(root) == before
    made(root, force=True)
    assert not path.exists() or b"my own" not in path.read_bytes()
    assert MSTCNReader(str(root)).splits == [1, 2]


def test_nothing_is_written_through_links_that_lead_out(folder: Make, tmp_path: Path) -> None:
    root, outside = folder(), tmp_path / "outside"
    outside.mkdir()
    (root / "groundTruth").symlink_to(outside)
    with pytest.raises(ValueError, match=r"groundTruth leads out of"):
        made(root, force=True)
    assert list(outside.iterdir()) == []


def test_link_in_place_of_a_file_is_replaced_and_not_followed(folder: Make, tmp_path: Path) -> None:
    root, precious = folder(), tmp_path / "precious.txt"
    precious.write_text("precious")
    (root / "data.yaml").symlink_to(precious)
    with pytest.raises(FileExistsError, match=r"data\.yaml"):
        made(root)
    made(root, force=True)
    assert precious.read_text() == "precious"
    assert not (root / "data.yaml").is_symlink()


def test_frame_labels_that_are_there_stay_and_small_differences_are_trimmed(folder: Make) -> None:
    root = folder()
    for path in (root / "annotations").iterdir():
        path.unlink()
    (root / "annotations").rmdir()
    (root / "groundTruth").mkdir()
    for name, length in VIDEOS.items():
        (root / "groundTruth" / f"{name}.txt").write_text("cut\n" * 20 + "pour\n" * (length - 22))
    project = made(root)
    assert (project.class_names, project.background) == (["cut", "pour"], None)
    assert not any(path.parent.name == "groundTruth" for path in project.written)
    data = yaml.safe_load((root / "data.yaml").read_text("utf-8"))["data"]
    assert (data["length_policy"], data["reader"]["init_args"]["background"]) == ("trim", None)
    (root / "groundTruth" / "P02_tea.txt").write_text("cut\n" * 20)
    with pytest.raises(ValueError, match=r"P02_tea\.txt has 20 labels for 52 frames"):
        made(root)


def test_frame_labels_at_another_rate_are_resampled(folder: Make) -> None:
    root = folder({"a": 10, "b": 11}, "cut\n" * 15 + "pour\n" * 15, ".txt")
    project = made(root, annotation_fps=30)
    assert {name: labels.names() for name, labels in project.labels.items()} == {
        "a": ["cut"] * 5 + ["pour"] * 5,
        "b": ["cut"] * 5 + ["pour"] * 5 + ["background"],
    }
    note = "to give gaps the label before them, close those up to 0.101 s (`close_gaps_s`)"
    assert project.notes[0] == f"no gap is longer than 0.1 s: {note}"
    assert made(root, annotation_fps=30, close_gaps_s=0.1, force=True).class_names == ["cut", "pour"]


def test_one_file_for_all_videos_and_features_elsewhere(folder: Make, tmp_path: Path) -> None:
    source = folder()
    table = (
        "video,label,start_s,stop_s\n" + "".join(f"clips/{name}.mp4,cut,0,5\n" for name in VIDEOS) + "other,cut,0,1\n"
    )
    (tmp_path / "all.csv").write_text(table, encoding="utf-8")
    before = contents(source)
    project = made(tmp_path / "new", features=source / "features", annotations=tmp_path / "all.csv")
    assert (tmp_path / "new" / "features").resolve() == source / "features"
    assert MSTCNReader(str(tmp_path / "new")).feature_dim == 6
    assert project.notes[0] == "annotations of no video, left out: other"
    assert contents(source) == before


def test_names_match_however_their_accents_are_stored(folder: Make) -> None:
    root = folder()
    path = root / "annotations" / "P01_Knödel.csv"
    path.rename(path.with_name(unicodedata.normalize("NFD", path.name)))
    assert set(made(root).labels) == set(VIDEOS)


def test_what_was_left_out_is_said(folder: Make) -> None:
    root = folder({**VIDEOS, "new": 30, "newer": 31})
    (root / "annotations" / "new.csv").rename(root / "annotations" / "old.csv")
    (root / "annotations" / "newer.csv").unlink()
    (root / "features" / "._P02_tea.npy").write_bytes(b"what macOS leaves on other disks")
    project = made(root)
    assert set(project.labels) == set(VIDEOS)
    assert project.notes[:2] == [
        "annotations of no video, left out: old",
        "videos without annotations, left out: new, newer",
    ]


def test_class_that_a_split_cannot_learn_is_noted(folder: Make) -> None:
    root = folder()
    (root / "annotations" / "P02_tea.csv").write_text("label,start_s,stop_s\nstir,0,5\nCut,5,6\n")
    notes = made(root).notes
    assert any(
        re.fullmatch(r"split \d tests classes that none of its training videos has: Cut, stir", n) for n in notes
    )
    assert "classes that differ in spelling only: Cut, cut" in notes


def test_names_that_begin_alike_hint_at_groups(folder: Make, capsys: Any) -> None:
    root = folder()
    assert main(["init", str(root), "--fps=10", "--folds=2", "--dry-run"]) == 0
    assert (
        "note: names begin with P01, P02: if each is a person or a recording, keep its videos on one side of a split "
        "(`group`, --group, for instance '^[A-Za-z]+[0-9]+')"
    ) in capsys.readouterr().out
    assert [split.held_out for split in made(root, folds=None, group="^[A-Za-z]+[0-9]+").splits] == ["P01", "P02"]


@pytest.mark.parametrize(
    ("names", "group"),
    [
        (["P01_tea", "P01_soup", "P02_tea", "P02_soup"], r"^P\d\d"),
        (["P01_tea", "P02_tea", "P03_tea"], None),  # each its own
        (["P01_tea", "P01_soup", "P02_tea", "soup"], None),
        (["clip1", "clip2", "clip3", "clip4"], None),
        (["P01_a", "P01_b", "P01_c"], None),  # no other group to test on
    ],
)
def test_no_groups_are_guessed_where_names_do_not_show_them(folder: Make, names: list[str], group: str | None) -> None:
    lengths = {name: 40 + number for number, name in enumerate(names)}
    assert not [note for note in made(folder(lengths), group=group).notes if "begin" in note]


def test_one_label_a_line_is_called_so_and_named_txt(folder: Make, capsys: Any) -> None:
    root = folder({"a": 20, "b": 20}, "take\n" * 10 + "pour\n" * 10, ending=".txt")
    command = ["init", str(root), "--fps=10", "--folds=2", "--dry-run"]
    assert main(command) == 0
    assert "annotations: one label a line (2)" in capsys.readouterr().out
    for path in (root / "annotations").iterdir():
        path.rename(path.with_suffix(".csv"))
    assert main(command) == 1
    assert "a.csv has no known format: expected a table" in (printed := capsys.readouterr().err)
    assert "or, named .txt, one label a line; its first line is 'take'" in printed


def test_stratify_balances_the_classes(folder: Make) -> None:
    root = folder({f"v{i}": 40 + i for i in range(8)})
    for i in (0, 5):
        (root / "annotations" / f"v{i}.csv").write_text("label,start_s,stop_s\nrare,0,4\n")
    for split in made(root, stratify=True).splits:
        assert len({"v0", "v5"} & set(split.test)) == 1


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """A folder with two clips of 12 and 15 frames at 30000/1001 frames a second, and their annotations."""
    from segtcn.video_io import ClipWriter

    root = tmp_path / "clips"
    for part in ("videos", "annotations"):
        (root / part).mkdir(parents=True)
    for name, length in (("a.1", 12), ("b", 15)):
        with ClipWriter(root / "videos" / f"{name}.mp4", Fraction(30000, 1001), 64, 48) as writer:
            for _ in range(length):
                writer.write(np.zeros((48, 64, 3), dtype=np.uint8))
        (root / "annotations" / f"{name}.txt").write_text("0.0\t0.2\tcut\n0.2\t0.6\tpour\n")
    return root


def test_clips_give_number_and_rate_of_frames(clips: Path, capsys: Any) -> None:
    assert main(["init", str(clips)]) == 0
    printed = capsys.readouterr().out
    assert "features not there yet" in printed
    assert f"first: segtcn extract {clips}/videos" in printed
    config = yaml.safe_load((clips / "data.yaml").read_text())["data"]["reader"]["init_args"]
    assert config["fps"] == pytest.approx(30000 / 1001)
    card = read_card(clips / "README.md")
    assert card["unchecked"] == ["source", "licence"]
    assert "feature_dim" not in card
    for name, length in (("a.1", 12), ("b", 15)):  # the middle of frame 6 is 0.217 s
        labels = (clips / "groundTruth" / f"{name}.txt").read_text().split()
        assert labels == ["cut"] * 6 + ["pour"] * (length - 6)


@pytest.mark.parametrize("fps", [15, 10, 59.94])
def test_labels_are_as_many_as_extracted_features_at_another_rate(clips: Path, fps: float, capsys: Any) -> None:
    assert main(["init", str(clips), "--fps", str(fps)]) == 0
    assert f"--backbone builtin --fps {fps:g}" in capsys.readouterr().out
    extract = ["extract", f"{clips}/videos", "--out", f"{clips}/features", "--backbone", "builtin", "--fps", str(fps)]
    assert main(extract) == 0
    for name in ("a.1", "b"):
        labels = (clips / "groundTruth" / f"{name}.txt").read_text().split()
        assert np.load(clips / "features" / f"{name}.npy").shape[1] == len(labels)


def test_rate_of_the_clips_holds_for_features_of_their_length_only(clips: Path) -> None:
    (clips / "features").mkdir()
    for name, length in (("a.1", 12), ("b", 15)):
        np.save(clips / "features" / f"{name}.npy", np.zeros((4, length), dtype=np.float32))
    assert init_project(clips, progress=False, dry_run=True).fps == pytest.approx(30000 / 1001)
    for name, length in (("a.1", 6), ("b", 8)):
        np.save(clips / "features" / f"{name}.npy", np.zeros((4, length), dtype=np.float32))
    with pytest.raises(
        ValueError, match=r"by the clips the features have about 15.* vectors a second; give their rate"
    ):
        init_project(clips, progress=False)


def empty(path: Path) -> None:
    for one in path.iterdir():
        one.unlink()


UNITLESS = "label,start,stop\n"


def rewrite(root: Path, name: str, rows: str, header: str = "label,start_s,stop_s\n") -> None:
    (root / "annotations" / f"{name}.csv").write_text(f"{header}{rows}\n")


def rename_all(root: Path) -> None:
    for path in (root / "annotations").iterdir():
        path.rename(path.with_name(f"anna {path.name}"))


def leave_one(root: Path) -> None:
    for name in [*VIDEOS][:-1]:
        (root / "annotations" / f"{name}.csv").rename(root / "annotations" / f"no {name}.csv")


def loose(root: Path) -> None:
    for path in (root / "features").iterdir():
        path.rename(root / path.name)


def change_card(root: Path, old: str, new: str) -> None:
    card = root / "README.md"
    card.write_text(card.read_text("utf-8").replace(old, new), "utf-8")


def spoil_features(root: Path, array: Any) -> None:
    np.save(root / "features" / "P02_tea.npy", array, allow_pickle=True)


@pytest.mark.parametrize(
    ("spoil", "arguments", "error", "message"),
    [
        (lambda r: None, {"fps": None}, ValueError, "the rate of the features is unknown"),
        (lambda r: None, {"fps": 0}, ValueError, "`fps` must be positive, got 0"),
        (lambda r: None, {"fps": float("nan")}, ValueError, "`fps` must be positive, got nan"),
        (lambda r: None, {"fps": 1e-320}, ValueError, "`fps` must be positive, got 9.99"),
        (lambda r: None, {"annotation_fps": -1}, ValueError, "`annotation_fps` must be positive"),
        (lambda r: None, {"features": "/nowhere"}, FileNotFoundError, "no folder /nowhere"),
        (lambda r: None, {"annotations": "/nowhere"}, FileNotFoundError, "no annotations /nowhere"),
        (lambda r: None, {"close_gaps_s": 9, "background": "idle"}, ValueError, "no frame is 'idle', the background"),
        (lambda r: empty(r / "features"), {}, FileNotFoundError, r"no features/NAME\.npy and no videos/NAME\.mp4"),
        (lambda r: empty(r / "annotations"), {}, FileNotFoundError, "no annotation files in .*annotations"),
        (lambda r: (r / "annotations").rename(r / "x"), {}, FileNotFoundError, "no folder .*annotations"),
        (
            lambda r: (r / "annotations/P02_tea.txt").write_text("0\t1\tcut"),
            {},
            ValueError,
            "'P02_tea' is annotated twice, in",
        ),
        (lambda r: spoil_features(r, np.zeros((5, 3))), {}, ValueError, r"is \(5, 3\), but .* is \(6, 40\)"),
        (lambda r: spoil_features(r, np.zeros((6, 0))), {}, ValueError, r"P02_tea\.npy is empty, \(6, 0\)"),
        (lambda r: spoil_features(r, np.zeros(5)), {}, ValueError, r"P02_tea\.npy must hold a real matrix"),
        (lambda r: spoil_features(r, np.array([[print]])), {}, ValueError, r"P02_tea\.npy is damaged or not a NumPy"),
        (lambda r: (r / "features/P02_tea.npy").write_bytes(b"x"), {}, ValueError, r"P02_tea\.npy is damaged or not"),
        (lambda r: (r / "features/P02_tea.npy").rename(r / "features/ x.npy"), {}, ValueError, "without outer blanks"),
        (lambda r: (r / "mapping.txt").write_text("0 cut\n"), {}, ValueError, "lacks background, pour milk: add them"),
        (lambda r: rewrite(r, "P02_tea", "cut,3,1"), {}, ValueError, r"P02_tea\.csv, line 2: 'cut' stops at 1 s"),
        (
            rename_all,
            {},
            ValueError,
            r"no annotation belongs to a video: expected names such as 'P01\.cam 2', got anna",
        ),
        (
            leave_one,
            {},
            ValueError,
            r"one labelled video, P02_tea: expected at least two.*; annotations of no video, l",
        ),
        (loose, {"folds": None}, FileNotFoundError, r"choose a new folder and give .*my data: 1 as `features`"),
        (
            lambda r: copytree(r / "features", r / "other"),
            {"features": "other"},
            FileExistsError,
            "features is there, and the features are to come from",
        ),
        (
            lambda r: [rewrite(r, name, "cut,10.0,20.0\npour,20.0,38.0", UNITLESS) for name in VIDEOS],
            {},
            ValueError,
            r"up to 38 s if they are seconds, up to 3\.8 s if they are frames",
        ),
        *(
            (
                lambda r, content=content: (r / "data.yaml").write_bytes(content),
                {},
                FileExistsError,
                "data.yaml; `force`",
            )
            for content in (b"data: [1", b"\xff", b"", b"data: {reader: 3}", b"data: 1")
        ),
        (
            lambda r: (r / "README.md").write_text("# My notes\n"),
            {"force": True},
            ValueError,
            r"README\.md has no front matter.*give it another",
        ),
        (
            lambda r: made(r) and change_card(r, "segments: 8", "segments: 9"),
            {},
            FileExistsError,
            r"README\.md; `force` replaces them",
        ),
    ],
)
def test_what_is_wrong_is_named_and_nothing_written(
    folder: Make, spoil: Any, arguments: Any, error: type[Exception], message: str
) -> None:
    root = folder()
    spoil(root)
    if "features" in arguments:
        arguments = {**arguments, "features": root / arguments["features"]}
    before = contents(root)
    with pytest.raises(error, match=message):
        made(root, **arguments)
    assert contents(root) == before


def test_names_may_have_folders(folder: Make) -> None:
    root = folder({"tea": 40, "soup": 47})
    for part, ending in (("features", "npy"), ("annotations", "csv")):
        for name, new in (("tea", "P01/tea"), ("soup", "P02/tea")):
            target = root / part / f"{new}.{ending}"
            target.parent.mkdir()
            (root / part / f"{name}.{ending}").rename(target)
    project = made(root)
    assert {name: len(labels) for name, labels in project.labels.items()} == {"P01/tea": 40, "P02/tea": 47}
    reader = MSTCNReader(str(root), fps=10, background="background")
    assert reader.read("P02/tea").labels.tolist() == [0] * 5 + [1] * 15 + [2] * 12 + [0] * 15
    assert made(root).written == ()
    assert [split.held_out for split in made(root, group="^[^/]+", folds=None, dry_run=True).splits] == ["P01", "P02"]


def test_annotations_and_clips_match_by_the_last_part_of_a_name(clips: Path, tmp_path: Path) -> None:
    (clips / "videos" / "P01").mkdir()
    moved = sorted((clips / "videos").glob("*.*"))[0]
    moved.rename(clips / "videos" / "P01" / moved.name)
    assert f"P01/{moved.stem}" in made(clips, fps=None, dry_run=True).labels
    assert (
        main(["extract", str(clips / "videos"), "--out", str(clips / "features"), "--backbone=builtin", "--quiet"]) == 0
    )
    project = made(clips, fps=None, dry_run=True)
    assert moved.stem in project.labels
    assert project.fps_is_measured


def test_whole_seconds_are_not_taken_for_frames_unasked(folder: Make, capsys: Any) -> None:
    root = folder(table="label,start,stop\ncut,1,2\npour,2,4\n")  # of videos of 4 to 5 s
    before = contents(root)
    assert main(["init", str(root), "--fps", "10", "--quiet"]) == 1
    error = capsys.readouterr().err
    assert "P01.cam 2.csv does not say the unit of its times" in error
    assert "lasts 4 s and is annotated up to 4 s if they are seconds, up to 0.4 s if they are frames, 10 a" in error
    assert "(90 % or 9 % of all videos): say which by `unit`" in error
    assert contents(root) == before
    assert made(root, unit="seconds", dry_run=True).labels["P02_tea"].names()[10:40] == ["cut"] * 10 + ["pour"] * 20
    assert made(root, unit="frames", dry_run=True).labels["P02_tea"].names()[1:4] == ["cut", "pour", "pour"]


@pytest.mark.parametrize(
    ("table", "unit"),
    [
        ("label,start,stop\ncut,10,20\npour,20,38\n", "frames"),  # they reach the end
        ("label,start,stop\ncut,3,7\n", "frames"),  # they end early; 7 s are more than any video has
        ("label,start,stop\ncut,0.5,1.5\n", "seconds"),  # they end early, and are not frames
    ],
)
def test_numbers_that_decide_are_taken(folder: Make, table: str, unit: str) -> None:
    assert f"times are read as {unit}, by their numbers; `unit` says otherwise" in made(folder(table=table)).notes


def test_background_that_is_nearly_everything_is_noted(folder: Make) -> None:
    root = folder(table="label,start_s,stop_s\ncut,1,1.2\n")
    assert any(note.startswith("95 % of the frames are background: if more") for note in made(root).notes)
    assert not any("frames are background" in note for note in made(folder_again(root), force=True).notes)


def folder_again(root: Path) -> Path:
    for path in (root / "annotations").iterdir():
        path.write_text(TABLE, encoding="utf-8")
    return root


@pytest.mark.parametrize("edited", [False, True])
def test_width_of_features_that_come_later_or_are_made_again_is_brought_into_the_card(
    clips: Path, edited: bool, capsys: Any
) -> None:
    assert main(["init", str(clips), "--quiet"]) == 0
    card, config = clips / "README.md", clips / "data.yaml"
    if edited:
        card.write_text(
            card.read_text().replace("Say here", "Mine: tea. Say").replace("licence: none given", "licence: X")
        )
        config.write_text(config.read_text().replace("sample_rate: 1", "sample_rate: 2"))
    assert main(["extract", f"{clips}/videos", "--out", f"{clips}/features", "--backbone", "builtin", "--quiet"]) == 0
    before = card.read_text(), config.read_text()
    capsys.readouterr()
    assert main(["init", str(clips), "--quiet"]) == 0
    printed = capsys.readouterr()
    assert "wrote 1 file:" in printed.out
    assert printed.err == ""
    assert read_card(card)["feature_dim"] == 278
    assert read_card(card)["extraction"]["backbone"]["name"] == "builtin"
    assert re.sub("feature_dim: 278\nextraction: {.*}\n", "", card.read_text()) == before[0]
    assert config.read_text() == before[1]
    assert init_project(clips, progress=False).written == ()
    for name, length in (("a.1", 12), ("b", 15)):
        np.save(clips / "features" / f"{name}.npy", np.ones((4, length), dtype=np.float32))
    assert init_project(clips, progress=False).written == (card,)
    assert card.read_text().replace("feature_dim: 4\n", "") == before[0]


@pytest.mark.parametrize("fps", [None, 29.97, 15])
def test_where_all_features_have_one_shape_the_clips_tell_time_from_width(clips: Path, fps: float | None) -> None:
    (clips / "features").mkdir()
    (clips / "videos" / "b.mp4").write_bytes((clips / "videos" / "a.1.mp4").read_bytes())
    num_frames = 6 if fps == 15 else 12
    for name in ("a.1", "b"):  # (T, D), annotated far beyond the end
        np.save(clips / "features" / f"{name}.npy", np.zeros((num_frames, 270), dtype=np.float32))
    project = made(clips, fps=fps, dry_run=True)
    assert (project.feature_dim, set(project.num_frames.values())) == (270, {num_frames})


STAMPS = "label,start_s,stop_s\ncut,0.5,0.5\npour milk,2.09,2.09\n"


def test_time_stamps_label_one_frame_each(folder: Make) -> None:
    project = made(folder(table=STAMPS), points=True, gaps="ignore")
    labels = project.labels["P02_tea"]
    assert [(row.label, row.start) for row in labels.rows() if row.label != "__ignore__"] == [
        ("cut", 5),
        ("pour milk", 20),
    ]
    assert (project.class_names, project.background) == (["cut", "pour milk"], None)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("cut,9,9", r"'cut' at 9 s lies outside of the video P01.cam 2, which has 4 s: delete it"),
        ("cut,2.01,2.01", r"'cut' at 2.01 s is in the same frame as 'pour milk': move one, or delete it"),
    ],
)
def test_time_stamps_need_a_frame_of_their_own(folder: Make, row: str, message: str) -> None:
    root = folder(table=f"{STAMPS}{row}\n")
    with pytest.raises(ValueError, match=message):
        made(root, points=True, gaps="ignore")
