"""Labels of tables: in a column, in one-hot columns or in a file of their own, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from segtcn.data.readers.table import TableReader
from tests.conftest import CLASSES
from tests.data.readers.tables import LABELS, NAMES, columns, labels, reader, write, write_parquet


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"is_cut": [0, 1, 1, 0]}, "'is_cut'"),
        ({"a": [1, 0, 0, 0], "b": [0, 0, 1, 0], "c": [0, 0, 0, 1]}, "'a', 'c'"),
        ({"class": LABELS}, "'class'"),
        ({"touch": [0, 1, 0, 0]}, ""),
        ({"touch": [0, 2, 2, 0]}, ""),
    ],
)
@pytest.mark.parametrize("where", ["features", "groundTruth"])
def test_labels_among_features_are_warned_of(
    root: Path, where: str, more: dict[str, list[int]], named: str, recwarn: pytest.WarningsRecorder
) -> None:
    write(root / "features/a.csv", columns(**more, **({"action": NAMES} if where == "features" else {})))
    write(root / "groundTruth/a.csv", {"action": NAMES})
    table = reader(root, label_columns="action")
    assert table.feature_columns == ["x", "y", *more]
    assert len(recwarn) == bool(named)
    if named:
        assert f"the features {named} of {root / 'features/a.csv'} are its labels, as" in str(recwarn[0].message)


@pytest.mark.parametrize(
    ("label_columns", "mapping", "error", "message"),
    [
        (
            "acton",
            True,
            FileNotFoundError,
            r"no ground truth .* \(`label_columns` 'acton' is not a column of .*a\.csv, wh",
        ),
        (
            ["is_cut", "is_rest"],
            True,
            ValueError,
            r"a\.csv has no column 'is_rest' of `label_columns`: correct the name",
        ),
        (
            "acton",
            False,
            FileNotFoundError,
            r"no labels, .*`label_columns` 'acton' is not a column of .*, action, is_cut",
        ),
        (None, False, FileNotFoundError, r"no labels, .*: name the column that holds them by `label_columns`, or"),
    ],
)
def test_a_mistyped_label_column_is_named(
    root: Path, label_columns: Any, mapping: bool, error: type[Exception], message: str
) -> None:
    write(root / "features/a.csv", columns(action=NAMES, is_cut=[0, 1, 1, 0]))
    if not mapping:
        (root / "mapping.txt").unlink()
    with pytest.raises(error, match=message):
        reader(root, label_columns=label_columns, feature_columns=["x"]).read("a")


@pytest.mark.parametrize(
    ("truth", "label_columns", "message"),
    [
        ({"is_cut": [0, 1, 1, 0]}, ["rest", "pour"], r"a\.csv has no column 'rest', 'pour' of `label_columns`"),
        (
            {"who": ["x"] * 4, "label": NAMES},
            None,
            r"`label_columns` must name the column of .* columns are who, label",
        ),
        (
            {"frame": range(4), "label": NAMES},
            "action",
            r"must name the column of .*groundTruth/a\.csv .*, got 'action'",
        ),
        ({"cut": ["cut", "cut", "background"]}, None, r"a\.csv has no header: its first line, 'cut', is a label"),
        (None, None, r"no ground truth of video 'a': expected .*groundTruth/a\.txt or \.csv"),
    ],
)
def test_wrong_table_of_labels_is_named(root: Path, truth: Any, label_columns: Any, message: str) -> None:
    write(root / "features/a.csv", columns())
    if truth is not None:
        write(root / "groundTruth/a.csv", truth)
    table = reader(root, label_columns=label_columns)
    assert table.read("a", labels=False).labels is None
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        table.read("a")


@pytest.mark.parametrize(
    "write_labels",
    [
        lambda folder: (folder / "a.txt").write_text("\n".join(NAMES)),  # no final newline
        lambda folder: (folder / "a.txt").write_text("0\n1\n1\n2\n"),
        lambda folder: write(folder / "a.csv", {"label": NAMES}),
        lambda folder: write(folder / "a.tsv", {"label": LABELS}),
        lambda folder: write_parquet(folder / "a.parquet", {"label": NAMES}),
        lambda folder: write_parquet(folder / "a.parquet", {"label": LABELS}),
        lambda folder: (folder / "a.csv").write_text(
            "label,start,stop\nbackground,0,1\ncut,1,3\npour milk,3,4\n"  # segments, as `segtcn test` writes them
        ),
    ],
)
def test_labels_of_a_file_of_their_own(root: Path, write_labels: Callable[[Path], None]) -> None:
    write(root / "features/a.csv", columns())
    write_labels(root / "groundTruth")
    assert labels(reader(root)) == LABELS


def test_label_columns_are_looked_for_beside_the_features_too(root: Path) -> None:
    write(root / "features/a.csv", columns())
    write(root / "groundTruth/a.csv", {"frame": range(4), "label": NAMES})
    assert labels(reader(root, label_columns="label")) == LABELS


@pytest.mark.parametrize("where", ["features", "groundTruth"])
@pytest.mark.parametrize("wanted", ["is_(.*)", ["background", "pour milk", "cut"]])
def test_one_hot_columns_are_labels_and_name_the_classes(root: Path, where: str, wanted: Any) -> None:
    prefix = "is_" if isinstance(wanted, str) else ""
    one_hot = {f"{prefix}{CLASSES[c]}": [int(label == c) for label in LABELS] for c in (2, 0, 1)}
    write(root / "features/a.csv", columns(**(one_hot if where == "features" else {})))
    if where == "groundTruth":
        write(root / "groundTruth/a.csv", one_hot)
    table = reader(root, label_columns=wanted)
    assert (table.feature_dim, table.class_names, labels(table)) == (2, CLASSES, LABELS)
    (root / "mapping.txt").unlink()
    table = reader(root, label_columns=wanted)
    order = ["pour milk", "background", "cut"] if isinstance(wanted, str) else wanted
    assert table.class_names == order
    assert [table.class_names[label] for label in labels(table)] == NAMES
    (root / "mapping.txt").write_text("0 background\n1 cut\n2 stir\n")
    with pytest.raises(ValueError, match=r"the one-hot columns of .* are those of .*pour milk.*, but .* names .*stir"):
        reader(root, label_columns=wanted)


@pytest.mark.parametrize(("row", "shown"), [((0, 0), "0.0, 0.0"), ((1, 1), "1.0, 1.0"), ((2, 0), "2.0, 0.0")])
def test_one_hot_columns_must_hold_a_single_one(root: Path, row: tuple[int, int], shown: str) -> None:
    (root / "mapping.txt").unlink()
    write(root / "features/a.csv", {"x": [1, 2], "is_a": [1, row[0]], "is_b": [0, row[1]]})
    with pytest.raises(ValueError, match=rf"columns of .*a\.csv must hold a single 1 .* got {shown} at frame 1"):
        reader(root, label_columns="is_.").read("a")


def test_missing_mapping_is_built_from_the_column_of_all_videos(root: Path) -> None:
    (root / "mapping.txt").unlink()
    write(root / "features/a.csv", {"x": [1, 2], "action": ["stir", "cut"]})
    write(root / "features/b.csv", {"x": [1, 2], "action": ["add", "cut"]})
    with pytest.warns(UserWarning, match=r"no .*mapping\.txt: its 3 classes .*\(0 add, 1 cut, 2 stir\)") as seen:
        table = TableReader(str(root), fps=10, label_columns="action")
    assert seen[0].filename == __file__
    assert labels(table) == [2, 1]


def test_unknown_label_is_named_with_file_and_line(root: Path) -> None:
    write(root / "features/a.csv", columns(action=["cut", "0", "stir", "cut"]))
    with pytest.raises(ValueError, match=r"a\.csv: label '0' in line 3 is not a known class .* which has background"):
        reader(root, label_columns="action").read("a")
    write(root / "features/a.csv", columns(action=[0, 1, 3, 2]))
    with pytest.raises(ValueError, match=r"a\.csv: label '0' in line 2 is not a known class"):
        reader(root, label_columns="action").read("a")
    write_parquet(root / "groundTruth/a.parquet", {"label": ["cut", None]})
    with pytest.raises(ValueError, match=r"a\.parquet: label '' at frame 1 is not a known class"):
        reader(root).read("a")


def test_rows_of_label_tables_count_as_well(root: Path) -> None:
    write(root / "features" / "a.csv", columns())
    write(root / "groundTruth" / "a.csv", {"frame": range(4), "label": NAMES})
    assert labels(reader(root)) == LABELS
    write(root / "groundTruth" / "a.csv", {"frame": [0, 1, 2, 9], "label": NAMES})
    with pytest.raises(ValueError, match="jumps from 2 to 9: 6 frames have no row"):
        reader(root).read("a")
