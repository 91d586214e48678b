"""``segtcn init``: from files of one's own to a data set that trains, without touching what is there."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
import pytest
import yaml

from segtcn.cli import main
from segtcn.data import read_card
from segtcn.data.readers import MSTCNReader
from tests.prepare.projects import TABLE, VIDEOS, contents, made

CONFIGS = Path(__file__).resolve().parents[2] / "configs"

Make = Callable[..., Path]


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


def test_background_that_is_nearly_everything_is_noted(folder: Make) -> None:
    root = folder(table="label,start_s,stop_s\ncut,1,1.2\n")
    assert any(note.startswith("95 % of the frames are background: if more") for note in made(root).notes)
    assert not any("frames are background" in note for note in made(folder_again(root), force=True).notes)


def folder_again(root: Path) -> Path:
    for path in (root / "annotations").iterdir():
        path.write_text(TABLE, encoding="utf-8")
    return root
