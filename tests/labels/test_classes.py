"""Names of classes: their order, their file, and which names no file would give back."""

from __future__ import annotations

import re
import time
from pathlib import Path

import numpy as np
import pytest

from segtcn.labels import IGNORE_NAME, Classes
from segtcn.structures import IGNORE


def test_a_mapping_comes_back_as_written(tmp_path: Path) -> None:
    classes = Classes(("pour milk", "SIL", "gießen", "3", "a\u2028b"), background=1)
    classes.write(tmp_path / "mapping.txt")
    assert Classes.read(tmp_path / "mapping.txt") == classes


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("0 rest\n1 pour milk\n", ("rest", "pour milk")),
        ("\ufeff1\tcut\r\n0   rest", ("rest", "cut")),  # any order, Windows editors
    ],
)
def test_mappings_by_many_hands(tmp_path: Path, content: str, names: tuple[str, ...]) -> None:
    (tmp_path / "mapping.txt").write_bytes(content.encode())
    assert Classes.read(tmp_path / "mapping.txt").names == names


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"must number the classes 0 to C-1 without a gap, got $"),
        (b"0 rest\n2 cut\n", "without a gap, got 0, 2"),
        (b"0 rest\ncut\n", r"line 2 of .* must be `ID NAME`, such as `0 background`, got 'cut'"),
        (b"0 rest\n0 cut\n", "line 2 of .* repeats the id 0: '0 cut'"),
        (b"0 rest\n1 cut\n2 rest\n", "two classes are named 'rest': give every class a name of its own"),
        (b"0 gie\xdfen\n", r"not UTF-8 text \(byte 5\): save it as UTF-8"),
        (b"0 __ignore__\n", "cannot be named '__ignore__': it stands for frames that nobody annotated"),
    ],
)
def test_malformed_mappings(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "mapping.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        Classes.read(path)
    assert str(path) in str(caught.value)


def test_missing_mapping_says_how_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no .*mapping\.txt: write one line for every class"):
        Classes.read(tmp_path / "mapping.txt")


@pytest.mark.parametrize("name", ["", " take", "take\n", "ta\rke", "ta\0ke", "\ufefftake", "\ud800", "take\u3000"])
def test_names_that_no_file_would_give_back_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"must be one line of text without outer white space, got .*: rename it"):
        Classes(("pour", name))


@pytest.mark.parametrize(
    ("names", "ordered", "background"),
    [
        (["take", "SIL", "take"], ("SIL", "take"), 0),
        (["b", "background", "SIL"], ("SIL", "b", "background"), 2),  # the first name of the list, not of the classes
        (["3", "0"], ("0", "1", "2", "3"), None),
        (["10", "2", "cut"], ("10", "2", "cut"), None),
        (["99999", "0"], ("0", "99999"), None),  # no list of a hundred thousand classes
        ([IGNORE_NAME, "cut"], ("cut",), None),
        ([IGNORE_NAME], (), None),
    ],
)
def test_classes_that_nothing_numbers_are_sorted(names: list[str], ordered: tuple, background: int | None) -> None:
    assert Classes.from_names(names) == Classes(ordered, background)


def test_background_by_name() -> None:
    classes = Classes(("pour", "background", "rest"))
    assert classes.background is None
    assert classes.with_background().background == 1
    assert classes.with_background("rest").background == 2
    assert Classes(("pour",)).with_background().background is None
    with pytest.raises(ValueError, match="no class 'SIL' for the background: there are pour, background, rest"):
        classes.with_background("SIL")
    with pytest.raises(ValueError, match="`background` must be an index of the 3 classes, got 3"):
        Classes(classes.names, 3)
    with pytest.raises(ValueError, match=r"`background` must be an index of the 3 classes, got 0\.5"):
        Classes(classes.names, 0.5)


def test_classes_named_by_a_user() -> None:
    assert Classes(("2", "0", "1")).indexes_named("1, 2") == (2, 0)  # a name before an index
    assert Classes(("pour", "cut, then pour")).indexes_named("cut, then pour") == (1,)
    assert Classes(("pour",)).indexes_named("") == ()
    with pytest.raises(ValueError, match="no class is named '3': the classes are pour, cut"):
        Classes(("pour", "cut")).indexes_named("0,3")


def test_extended_keeps_indexes() -> None:
    classes = Classes(("take", "background"), 1).extended(["pour", "take", "cut", IGNORE_NAME])
    assert classes == Classes(("take", "background", "cut", "pour"), 1)


def test_labels_become_indexes_and_unknown_ones_are_named_with_their_frame() -> None:
    classes = Classes(("take", "pour"))
    assert classes.indexes_of(["pour", IGNORE_NAME, "take"], "a.txt").tolist() == [1, IGNORE, 0]
    message = r"a\.txt: label 'stir' at frame 1 is not a known class \(2 unknown\): correct it, or add it .* take, pour"
    with pytest.raises(ValueError, match=message):
        classes.indexes_of(["pour", "stir", "cut", "stir"], "a.txt")
    with pytest.raises(ValueError, match=r"a\.txt: label 'stir' in line 4 is not"):
        classes.indexes_of(["pour", "take", "stir"], "a.txt", first_line=2)


def test_a_long_list_is_cut_in_messages() -> None:
    with pytest.raises(ValueError, match=re.escape("8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19 and 80 more")):
        Classes.numbered(100).indexes_named("cut")


def test_a_hundred_thousand_classes_take_no_quadratic_time(tmp_path: Path) -> None:
    start = time.perf_counter()
    classes = Classes(tuple(f"class {index}" for index in range(100_000)))
    classes.write(tmp_path / "mapping.txt")
    assert Classes.read(tmp_path / "mapping.txt").index["class 99999"] == 99_999
    assert len(classes.extended(f"more {index}" for index in range(100_000))) == 200_000
    np.testing.assert_array_equal(classes.indexes_of(classes.names, "names"), np.arange(100_000))
    assert time.perf_counter() - start < 20  # 0.5 s; quadratic, it would be minutes
