"""Tables of columns: features, rates and places of rows, and every way a table can be wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from segtcn.data import SegmentationDataset
from segtcn.data.readers.table import TableReader
from tests.conftest import CLASSES
from tests.data.readers.tables import LABELS, NAMES, NUMBERS, columns, labels, reader, write, write_parquet


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet"])
def test_columns_become_features_and_labels(root: Path, suffix: str) -> None:
    path = root / "features" / f"a.{suffix}"
    content = columns(action=NAMES, note=["", "late", "", ""])
    if suffix == "parquet":
        write_parquet(path, content)
    else:
        write(path, content, {"csv": ",", "tsv": "\t"}[suffix])
    table = reader(root, label_columns="action", background="background", fps=12.5)
    assert (table.feature_dim, table.fps, table.class_names, table.background) == (2, 12.5, CLASSES, 0)
    assert (table.splits, table.videos(1, "train"), table.videos(1, "test")) == ([1], ["a"], ["b"])
    video = table.read("a", split=1)
    assert video.features.dtype == torch.float32
    assert torch.equal(video.features, torch.from_numpy(NUMBERS.T.astype(np.float32)))
    assert video.features.is_contiguous()
    assert (labels(table), video.source) == (LABELS, str(path))
    assert table.read("a", labels=False).labels is None
    sample = SegmentationDataset(table, ["a"])[0]
    assert sample.num_frames == 4


def test_columns_are_found_by_name_and_expression_in_any_order(root: Path) -> None:
    write(root / "features/a.csv", columns(z=[0, 0, 0, 0]))
    write(root / "features/b.csv", {"z": [7], "other": [9], "y": [2], "x": [1]})
    assert reader(root, feature_columns=["y", "x"]).read("b", labels=False).features.tolist() == [[2], [1]]
    assert reader(root, feature_columns="[xz]").read("b", labels=False).features.tolist() == [[1], [7]]
    assert reader(root).read("b", labels=False).features.tolist() == [[1], [2], [7]]
    write(root / "features/b.csv", {"x": [1]})
    with pytest.raises(ValueError, match=r"b\.csv has no column 'y': it has x"):
        reader(root).read("b", labels=False)


def test_row_numbers_of_pandas_are_no_feature(root: Path) -> None:
    write(root / "features/a.csv", {"": range(4), **columns()})
    assert reader(root).feature_dim == 2
    write(root / "features/a.csv", {"0": [1, 5], "1": [2, 7]})  # an array that pandas wrote
    assert reader(root).read("a", labels=False).features.tolist() == [[1, 5], [2, 7]]


@pytest.mark.parametrize(
    ("values", "is_clock"),
    [
        ([round(5 + frame / 29.97, 3) for frame in range(50)], True),
        ([round(frame / 30, 2) for frame in range(50)], True),
        ([1e9 + 40 * frame for frame in range(50)], True),
        ([-frame for frame in range(50)], False),
        ([frame**1.1 for frame in range(50)], False),
        ([frame // 2 for frame in range(50)], False),
        ([3] * 50, False),
    ],
)
def test_clocks_among_features_are_warned_of(root: Path, values: list[float], is_clock: bool) -> None:
    write(root / "features/a.csv", {"x": np.sin(np.arange(50)), "t": values, "i": range(7, 57)})
    with pytest.warns(UserWarning, match=r"a\.csv has a clock or a count of rows among its features, ") as seen:
        table = TableReader(str(root), fps=10)
    assert f"features, {', '.join([repr('t')] * is_clock + [repr('i')])}: name" in str(seen[0].message)
    assert seen[0].filename == __file__
    assert table.feature_columns == ["x", "t", "i"]
    assert reader(root, feature_columns=["x", "t"]).feature_columns == ["x", "t"]  # somebody wants it


def test_one_damaged_table_does_not_make_a_data_set_unreadable(root: Path) -> None:
    write(root / "features/b.csv", columns(action=NAMES))
    for damage in ("x,y\n1,2\n3\n", "", "x,y\n1,lost\n2,3\n4\n"):
        (root / "features/a.csv").write_text(damage)
        table = reader(root, label_columns="action")
        assert (table.feature_columns, table.class_names) == (["x", "y"], CLASSES)
        with pytest.raises(ValueError, match=r"a\.csv"):
            table.read("a")
        assert labels(table, "b") == LABELS
    write(root / "features/b.csv", {"x": [1, 2], "y": ["lost", "1"]})
    with pytest.raises(ValueError, match=r"a\.csv is damaged or not a table of numbers .*Row #4: Expected 2 columns"):
        reader(root)  # the first is reported if none can be read


DEEPLABCUT = {
    "one animal": (["scorer,net,net", "bodyparts,nose,nose", "coords,x,y"], ["nose_x", "nose_y"]),
    "several": (
        ["scorer,net,net", "individuals,m1,m2", "bodyparts,nose,nose", "coords,x,x"],
        ["m1_nose_x", "m2_nose_x"],
    ),
}


@pytest.mark.parametrize("kind", DEEPLABCUT)
def test_tables_of_deeplabcut_are_read_with_their_lines_of_names(root: Path, kind: str) -> None:
    header, names = DEEPLABCUT[kind]
    lines = [*header, *(f"{frame},{x},{y}" for frame, (x, y) in enumerate(NUMBERS))]
    (root / "features" / "a.csv").write_text("\n".join(lines))
    (root / "groundTruth" / "a.csv").write_text(",label\n" + "".join(f"{i},{name}\n" for i, name in enumerate(NAMES)))
    table = reader(root)
    assert table.feature_columns == names
    assert torch.equal(table.read("a").features, torch.from_numpy(NUMBERS.T.astype(np.float32)))
    assert labels(table) == LABELS
    assert reader(root, feature_columns=".*_x").feature_columns == [name for name in names if name.endswith("x")]
    lines[len(header) + 1] = "1,2,low"
    (root / "features" / "a.csv").write_text("\n".join(lines))
    with pytest.raises(ValueError, match=rf"a\.csv is damaged .*Row #{len(header) + 2}: .*'low'"):
        table.read("a")
    (root / "features" / "a.csv").write_text("\n".join(header) + "\n")
    with pytest.raises(ValueError, match=r"a\.csv is damaged or not a table .*too short"):
        table.read("a")


@pytest.mark.parametrize(
    "change", [lambda rows: rows.pop(9), lambda rows: rows.insert(9, rows[9]), lambda rows: rows.reverse()]
)
def test_times_that_nobody_named_place_the_rows_too(root: Path, change: Callable[[list[Any]], None]) -> None:
    rows = [(0.1 * t, round(t / 25, 3)) for t in range(20)]
    change(rows)
    write(root / "features/a.csv", {"x": [x for x, _ in rows], "timestamp": [time for _, time in rows]})
    with pytest.raises(ValueError, match=r"a\.csv: its column 'timestamp' must be evenly spaced"):
        reader(root, feature_columns=["x"]).read("a", labels=False)


def test_times_that_start_late_need_as_many_labels(root: Path) -> None:
    write(root / "features/a.csv", {"x": [0.1] * 20, "time": [round(t / 10, 3) for t in range(8, 28)]})
    (root / "groundTruth/a.txt").write_text("cut\n" * 28)
    with pytest.raises(ValueError, match=r"a\.csv has 20 rows for 28 labels, and its column 'time' begins at 0\.8"):
        reader(root, feature_columns=["x"]).read("a")
    (root / "groundTruth/a.txt").write_text("cut\n" * 20)
    assert len(labels(reader(root, feature_columns=["x"]))) == 20


def test_column_that_is_called_like_a_time_and_is_none_is_a_feature(root: Path) -> None:
    write(root / "features/a.csv", {"x": [0.1] * 6, "T": [20, 21, 21, 20, 19, 23]})  # a temperature
    assert reader(root).feature_columns == ["x", "T"]
    assert reader(root).read("a", labels=False).features.shape == (2, 6)


@pytest.mark.parametrize("digits", [3, 6])
def test_times_tell_the_rate_and_are_no_feature(root: Path, digits: int) -> None:
    times = [round(5 + frame / 29.97, digits) for frame in range(200)]
    write(root / "features/a.csv", {"x": [0.1] * 200, "seconds": times})
    table = reader(root, time="seconds", fps=None)
    assert table.feature_dim == 1
    assert table.fps == pytest.approx(29.97, rel=2 * 10**-digits)
    assert table.read("a", labels=False).features.shape == (1, 200)
    write(root / "features/b.csv", {"x": [0.1] * 9, "seconds": np.arange(9) / 25})
    with pytest.raises(
        ValueError, match=r"b\.csv has 25 rows a second by its column 'seconds', expected 2[0-9.]+: res"
    ):
        table.read("b", labels=False)
    with pytest.raises(ValueError, match=r"a\.csv has 29\.9.* rows a second .*, expected 10: resample it, or correct"):
        reader(root, time="seconds", fps=10).read("a", labels=False)


@pytest.mark.parametrize(
    "times", [[0, 1, 2, 4, 5], [0, 1, 1, 2, 3], [0, 1, 2, "", 4], [5, 4, 3, 2, 1], [1, 1, 1, 1, 1]]
)
def test_times_that_are_not_evenly_spaced_are_refused(root: Path, times: list[Any]) -> None:
    write(root / "features/a.csv", {"x": [0.5] * 5, "t": times})
    with pytest.raises(ValueError, match=r"a\.csv: its column 't' must be evenly spaced, but is .* \(from row \d"):
        reader(root, time="t", fps=None)


def test_missing_numbers_are_refused_with_frame_and_column_or_filled(root: Path) -> None:
    write(root / "features/a.csv", {"x": ["NaN", 1, "", "NA"], "y": [5, "", 6, 7]})
    with pytest.raises(ValueError, match=r"a\.csv has no number in column 'x' at frame 0 \(4 such cells in all\): add"):
        reader(root).read("a", labels=False)
    forward = reader(root, fill="forward").read("a", labels=False).features
    assert forward.tolist() == [[1, 1, 1, 1], [5, 5, 6, 7]]
    assert reader(root, fill="zero").read("a", labels=False).features.tolist() == [[0, 1, 0, 0], [5, 0, 6, 7]]
    write_parquet(root / "features/b.parquet", {"x": [1.0, None, float("nan")], "y": [1, 2, None]})
    with pytest.raises(ValueError, match=r"b\.parquet has no number in column 'x' at frame 1 \(3 such"):
        reader(root).read("b", labels=False)
    assert reader(root, fill="forward").read("b", labels=False).features.tolist() == [[1, 1, 1], [1, 2, 2]]
    write(root / "features/a.csv", {"x": [1, 2], "y": ["", ""]})
    with pytest.raises(
        ValueError, match=r"a\.csv has no number at all in column 'y': leave it out, or use `fill: zero`"
    ):
        reader(root, fill="forward").read("a", labels=False)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_any_editor_writes_the_same_table(root: Path, ending: str) -> None:
    text = "\ufeffx,y" + ending + "1, 2" + ending + '"3",4' + ending * 3
    (root / "features/a.csv").write_bytes(text.encode())
    assert reader(root).read("a", labels=False).features.tolist() == [[1, 3], [2, 4]]


def test_delimiter_of_csv_files_can_be_given(root: Path) -> None:
    write(root / "features/a.csv", columns(), delimiter=";")
    with pytest.raises(ValueError, match=r"columns of .*a\.csv seem to be separated by ';': give `delimiter`"):
        reader(root)
    assert reader(root, delimiter=";").read("a", labels=False).features.shape == (2, 4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x,y\n1,2\n3\n", r"a\.csv is damaged or not a table .*Row #3: Expected 2 columns, got 1"),
        ("x,y\n1,2\n1,5,2\n", r"Row #3: Expected 2 columns, got 3.*\(a decimal comma separates columns: write 1\.5"),
        ('x,y\n"1,5",2\n', r"column #0: Row #2: .* '1,5'\): correct that row, or leave its column out"),
        ("x,y\n1,2\n\n3,4\n", r"a\.csv has no number in column 'x' at frame 1"),
        ("0.5,1.5\n2,3\n", r"a\.csv has no header: its first line must name the columns, got 0\.5, 1\.5"),
        ("12,15\n2,3\n", r"a\.csv has no header: its first line must name the columns, got 12, 15"),
        ("", r"a\.csv has no header: its first line must name the columns, got $"),
        ("x,x\n1,2\n", r"a\.csv has 2 columns of the name 'x': rename them"),
        ("note\nlate\n", r"no column of .*a\.csv holds numbers that can be features: it has note"),
        (b"x,\xe4\n1,2\n", r"a\.csv is not a table in UTF-8"),
        (b"x,y\n1,2\n1,\xe4\n", r"a\.csv is damaged or not a table of numbers .*Row #3"),
        (b"\xff\xfex\x00\n\x001\x00\n\x00", r"a\.csv is not a table in UTF-8"),
        (b"\x00\x01\x02" * 50, r"a\.csv"),
    ],
)
def test_wrong_table_is_named_with_its_line(root: Path, text: str | bytes, message: str) -> None:
    path = root / "features/a.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=message):
        reader(root).read("a", labels=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fps": None}, r"give `fps`, the rows per second, or `time`"),
        ({"fps": 0}, r"`fps` must be positive, got 0"),
        ({"fill": "mean"}, r"`fill` must be 'forward', 'zero' or null, got 'mean'"),
        ({"delimiter": "\n"}, r"`delimiter` must be one character, such as ';', got '\\n'"),
        ({"background": "SIL"}, r"`background` 'SIL' is not a class of .*: choose from background, cut, pour milk"),
        ({"time": "seconds"}, r"a\.csv has no column 'seconds': it has x, y"),
        ({"time": "y", "fps": None}, r"a\.csv has fewer than two rows, which do not tell the rate: give `fps`"),
        ({"feature_columns": ["x", "q"]}, r"`feature_columns` must be different columns of .*, got \['q'\]; its"),
        ({"feature_columns": "joint_.*"}, r"`feature_columns` must be different columns of .*, got 'joint_.\*'; its"),
        ({"feature_columns": "[x"}, r"'\[x' is neither a column nor a regular expression"),
    ],
)
def test_wrong_argument_is_refused(root: Path, arguments: dict[str, Any], message: str) -> None:
    write(root / "features/a.csv", {"x": [1], "y": [0]})
    with pytest.raises(ValueError, match=message):
        reader(root, **arguments)


def test_two_tables_or_none_are_refused(root: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no video that .*splits lists has features: expected .*NAME\.csv"):
        reader(root)
    write(root / "features/a.csv", columns())
    write(root / "features/a.tsv", columns(), "\t")
    with pytest.raises(ValueError, match=r"a\.csv and .*a\.tsv are files of the same video: remove one"):
        reader(root)


def counted(root: Path, frames: Sequence[int], column: str = "frame_idx", **more: Sequence[Any]) -> Path:
    """A table with a row for each of the frames, whose feature is the frame."""
    content = {column: list(frames), "x": [float(frame) for frame in frames], "label": ["cut"] * len(frames), **more}
    return write(root / "features" / "a.csv", content)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([0, 1, 2, 6, 7], "column '{}' jumps from 2 to 6: 3 frames have no row; add them, or let `fill`"),
        ([8, 9, 10, 11], "column '{}' begins at 8, not at 0: the frames before have no row; add them, or let `fill`"),
        ([0, 0, 1, 1, 2, 2], "column '{}' has 0 after 0: expected frames that rise"),  # two animals
        ([0, 1, 3, 2, 4], "column '{}' has 2 after 3: expected frames that rise"),
    ],
)
@pytest.mark.parametrize("column", ["frame_idx", "Frame", "index", ""])
def test_column_that_counts_frames_is_used_never_dropped(
    root: Path, frames: list[int], message: str, column: str
) -> None:
    counted(root, frames, column)
    table = reader(root, feature_columns=["x"], label_columns="label")
    with pytest.raises(ValueError, match=message.format(column or "without a name")):
        table.read("a")


def test_rows_are_placed_at_their_frames(root: Path) -> None:
    counted(root, [1, 2, 5])
    with pytest.warns(UserWarning, match="counts its frames from 1"):
        table = reader(root, feature_columns=["x"], label_columns="label", fill="forward")
    video = table.read("a")
    assert video.features.tolist() == [[1, 2, 2, 2, 5]]
    assert video.labels.tolist() == [1, 1, -100, -100, 1]
    counted(root, [2, 3, 4])  # begins late
    table = reader(root, feature_columns=["x"], label_columns="label", fill="zero")
    assert table.read("a").features.tolist() == [[0, 0, 2, 3, 4]]
    counted(root, [0, 1, 10**12])
    table = reader(root, feature_columns=["x"], label_columns="label", fill="zero")
    with pytest.raises(ValueError, match="jumps from 1 to 1000000000000"):
        table.read("a")


def test_clock_that_starts_late_does_not_meet_labels_of_another_length(root: Path) -> None:
    write(root / "features" / "a.csv", {"t": [0.8, 0.9, 1.0], "x": [1.0, 2.0, 3.0]})
    (root / "groundTruth" / "a.txt").write_text("cut\n" * 11)
    with pytest.raises(ValueError, match=r"has 3 rows for 11 labels, and its column 't' begins at 0\.8"):
        reader(root, time="t", feature_columns=["x"]).read("a")
