"""``segtcn add``: corrected labels replace the truth, and nothing else changes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from segtcn.cli import main
from segtcn.data.card import read_card
from segtcn.labels import read_labels, write_labels
from segtcn.labels.labels import Labels
from segtcn.prepare.corrected_labels import add_labels
from tests.conftest import small_videos

WriteTree = Callable[..., Path]


@pytest.fixture
def root(write_ms_tcn_tree: WriteTree) -> Path:
    return write_ms_tcn_tree()


@pytest.fixture
def corrected(tmp_path: Path) -> Path:
    (tmp_path / "corrected").mkdir()
    return tmp_path / "corrected"


def names_of(root: Path, video: str) -> list[str]:
    return read_labels(root / "groundTruth" / f"{video}.txt").names()


def correct(root: Path, corrected: Path, video: str, **labels: str) -> list[str]:
    """Save a correction as the player does; ``f3="cut"`` is the label of frame 3."""
    names = names_of(root, video)
    for frame, label in labels.items():
        names[int(frame[1:])] = label
    for ending in (".txt", ".csv"):
        write_labels(corrected / f"{video}{ending}", Labels.from_names(names, fps=15))
    return names


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_corrections_replace_the_truth_and_nothing_else(root: Path, corrected: Path, capsys) -> None:
    before = content(root)
    tea = correct(root, corrected, "P02_tea", f0="cut", f5="__ignore__")
    soup = correct(root, corrected, "P01_soup", f1="pour milk")
    correct(root, corrected, "P01_tea")
    assert main(["add", str(root), str(corrected)]) == 0
    assert (names_of(root, "P02_tea"), names_of(root, "P01_soup")) == (tea, soup)
    after = content(root)
    changed = {"groundTruth/P02_tea.txt", "groundTruth/P01_soup.txt"}
    assert {name: text for name, text in after.items() if name in before and name not in changed} == {
        name: text for name, text in before.items() if name not in changed
    }
    kept = {f"groundTruth_before_1/{Path(name).name}": before[name] for name in changed}
    assert {name: after[name] for name in after.keys() - before.keys()} == kept
    printed = capsys.readouterr().out
    assert "replaced the truth of 2 videos, 3 changed frames: P01_soup (1), P02_tea (2)" in printed
    assert "unchanged: 1 video" in printed
    assert "test videos of split 1: P02_tea\ntest videos of split 2: P01_soup\n" in printed
    assert main(["add", str(root), str(corrected)]) == 0
    assert "nothing to write" in capsys.readouterr().out
    assert not (root / "groundTruth_before_2").exists()


CARD = """---
name: kitchen # ours
segments: 99
num_classes: 3
classes:
- background
- cut
- pour milk
background: background
fps: 15
---

# kitchen

Filmed at home.

| class | frames | share | segments | videos |
|---|---|---|---|---|
| background | 1 | 100 % | 1 | 1 |

## Labels
"""


def test_the_card_gets_new_counts_and_keeps_its_words(root: Path, corrected: Path) -> None:
    (root / "README.md").write_text(CARD)
    correct(root, corrected, "P02_tea", f0="arrive")
    assert main(["add", str(root), str(corrected), "--new-classes"]) == 0
    text, card = (root / "README.md").read_text(), read_card(root / "README.md")
    truth = [read_labels(path) for path in (root / "groundTruth").glob("*.txt")]
    names = [name for labels in truth for name in labels.names()]
    segments = [row.label for labels in truth for row in labels.rows() if row.label != "background"]
    assert (card["num_classes"], card["classes"]) == (4, ["background", "cut", "pour milk", "arrive"])
    assert card["segments"] == len(segments)
    assert "name: kitchen # ours\n" in text
    assert "\nfps: 15\n---\n\n# kitchen\n\nFilmed at home.\n\n| class " in text
    rows = re.sub(" +", " ", text)
    assert f"| arrive | 1 | {100 / len(names):.1f} % | 1 | 1 |\n\n## Labels\n" in rows
    assert f"| cut | {names.count('cut')} |" in rows


def test_dry_run_writes_nothing(root: Path, corrected: Path, capsys) -> None:
    correct(root, corrected, "P02_tea", f0="cut")
    before = content(root)
    assert main(["add", str(root), str(corrected), "--dry-run"]) == 0
    assert content(root) == before
    assert "would replace the truth of 1 video, 1 changed frame: P02_tea (1)" in capsys.readouterr().out


def test_new_class_is_asked_for_and_comes_last(root: Path, corrected: Path, capsys) -> None:
    names = correct(root, corrected, "P02_tea", f0="arrive")
    before = content(root)
    assert main(["add", str(root), str(corrected)]) == 1
    assert (
        "mapping.txt lacks arrive: correct the labels, or let `new_classes` (--new-classes) add them"
        in capsys.readouterr().err
    )
    assert content(root) == before
    assert main(["add", str(root), str(corrected), "--new-classes"]) == 0
    assert (root / "mapping.txt").read_text().splitlines() == ["0 background", "1 cut", "2 pour milk", "3 arrive"]
    assert names_of(root, "P02_tea") == names
    assert "new classes: arrive" in capsys.readouterr().out


def test_video_without_truth_gets_one_and_a_video_in_no_list_is_named(root: Path, corrected: Path) -> None:
    names = correct(root, corrected, "P02_tea")
    (root / "groundTruth" / "P02_tea.txt").unlink()
    np.save(root / "features" / "P03_tea.npy", np.load(root / "features" / "P02_tea.npy") + 1)
    write_labels(corrected / "P03_tea.txt", Labels.from_names(names))
    added = add_labels(root, corrected)
    assert added.changed == {"P02_tea": len(names), "P03_tea": len(names)}
    assert (added.unlisted, added.tested, added.backup) == (["P03_tea"], {1: ["P02_tea"], 2: []}, None)
    assert names_of(root, "P03_tea") == names


def rename(root: Path, corrected: Path) -> None:
    correct(root, corrected, "P02_tea")
    (corrected / "P02_tea.txt").rename(corrected / "P09_tea.txt")


def shorten(root: Path, corrected: Path) -> None:
    write_labels(corrected / "P02_tea.txt", Labels.from_names(names_of(root, "P02_tea")[:-2]))


def edit_one(root: Path, corrected: Path) -> None:
    names = correct(root, corrected, "P02_tea")
    write_labels(corrected / "P02_tea.txt", Labels.from_names(["cut", *names[1:]]))


def empty(root: Path, corrected: Path) -> None:
    labels = Labels.from_names(["__ignore__"] * len(names_of(root, "P02_tea")))
    write_labels(corrected / "P02_tea.txt", labels)


def use_tables(root: Path, corrected: Path) -> None:
    correct(root, corrected, "P02_tea")
    path = root / "groundTruth" / "P02_tea.txt"
    path.rename(path.with_suffix(".csv"))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (rename, r"has no video P09_tea: rename the file"),
        (shorten, rf"P02_tea.txt has {len(small_videos()['P02_tea'][1]) - 2} labels, the video"),
        (edit_one, r"P02_tea.csv and .*P02_tea.txt are of one video and differ"),
        (empty, r"no frame of P02_tea is annotated: annotate some, or remove the file"),
        (use_tables, r"groundTruth.P02_tea.csv is a table, which is not replaced"),
    ],
)
def test_wrong_correction_changes_nothing(
    root: Path, corrected: Path, spoil: Callable[[Path, Path], None], message: str
) -> None:
    correct(root, corrected, "P01_soup", f0="cut")
    spoil(root, corrected)
    before = content(root)
    with pytest.raises(ValueError, match=message):
        add_labels(root, corrected)
    assert content(root) == before


def test_folder_that_is_no_data_set_or_the_data_set_itself_is_refused(root: Path, corrected: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"`root` must be a data set with groundTruth/NAME\.txt"):
        add_labels(corrected, corrected)
    with pytest.raises(ValueError, match="is the data set itself"):
        add_labels(root, root / "groundTruth")
    with pytest.raises(FileNotFoundError, match="no label files"):
        add_labels(root, corrected)
