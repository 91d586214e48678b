"""What the readers share: the time axis of stored features, and line files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segtcn.data.readers.reader import time_axis
from segtcn.data.readers.video_lists import read_lines, read_names


@given(num_frames=st.integers(1, 50), dim=st.integers(1, 50), documented=st.sampled_from([0, 1]))
def test_time_axis_of_either_orientation_is_found_where_the_sizes_differ(
    num_frames: int, dim: int, documented: int
) -> None:
    expected = (0, 1) if num_frames != dim else (documented, documented)
    for feature_dim in (None, dim):
        axes = [
            time_axis(shape, num_frames, feature_dim, documented) for shape in ((num_frames, dim), (dim, num_frames))
        ]
        assert tuple(axes) == expected


@pytest.mark.parametrize("documented", [0, 1])
def test_known_width_decides_when_no_axis_has_the_length_of_the_labels(documented: int) -> None:
    assert time_axis((8, 100), num_labels=9, feature_dim=8, documented=documented) == 1
    assert time_axis((100, 8), num_labels=9, feature_dim=8, documented=documented) == 0
    assert time_axis((100, 8), num_labels=None, feature_dim=8, documented=documented) == 0


def test_nearer_axis_is_time_while_the_width_is_unknown() -> None:
    assert time_axis((100, 8), num_labels=97, feature_dim=None, documented=1) == 0
    assert time_axis((100, 8), num_labels=None, feature_dim=None, documented=1) == 1


@pytest.mark.parametrize("text", ["a b\nc", "a b\nc\n", "a b\r\nc\r\n", "\ufeffa b \nc\n\n\n", " a b\rc"])
def test_lines_of_any_editor_are_the_same(tmp_path: Path, text: str) -> None:
    path = tmp_path / "labels.txt"
    path.write_bytes(text.encode())
    assert read_lines(path) == ["a b", "c"]


def test_empty_line_in_the_middle_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_text("a\n\nc\n")
    assert read_lines(path) == ["a", "", "c"]


def test_text_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_bytes("Käse".encode("latin-1"))
    with pytest.raises(ValueError, match=r"labels\.txt is not UTF-8 text .* save it as UTF-8"):
        read_lines(path)


def test_a_zero_byte_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "mapping.txt"
    path.write_bytes(b"0 background\n1 c\x10\0r\n")
    with pytest.raises(
        ValueError, match=r"line 2 of .*mapping\.txt holds a zero byte, so it is not text: save it again"
    ):
        read_lines(path)


def test_names_skip_empty_lines(tmp_path: Path) -> None:
    path = tmp_path / "test.txt"
    path.write_text("\nb.txt\n\na.txt\n\n")
    assert read_names(path, clean=lambda line: line.removesuffix(".txt")) == ["b", "a"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n\n", r"test\.txt lists no video"),
        ("a\nb\na.txt\n", r"test\.txt lists 'a' 2 times: leave one"),
        ("a\n../b\n", r"test\.txt lists '\.\./b': a name must not lead out of the data set's folder"),
        ("/etc/b\n", r"test\.txt lists '/etc/b': a name must not lead out of the data set's folder"),
    ],
)
def test_empty_or_repeating_list_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "test.txt"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_names(path, clean=lambda line: line.removesuffix(".txt"))
