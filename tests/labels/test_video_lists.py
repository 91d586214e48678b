"""Lists of videos."""

from __future__ import annotations

from pathlib import Path

import pytest

from segtcn.labels.video_lists import group_of, read_lines, read_names


@pytest.mark.parametrize("text", ["a b\nc", "a b\nc\n", "a b\r\nc\r\n", "\ufeffa b \nc\n\n\n", " a b\rc"])
def test_lines_of_any_editor_are_the_same(tmp_path: Path, text: str) -> None:
    path = tmp_path / "labels.txt"
    path.write_bytes(text.encode())
    assert read_lines(path) == ["a b", "c"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Käse".encode("latin-1"), r"labels\.txt is not UTF-8 text .* save it as UTF-8"),
        (b"0 background\n1 c\x10\0r\n", r"line 2 of .*labels\.txt holds a zero byte, so it is not text: save it again"),
    ],
)
def test_what_is_not_text_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "labels.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_lines(path)


def test_empty_lines_are_kept_among_labels_and_skipped_among_names(tmp_path: Path) -> None:
    path = tmp_path / "test.txt"
    path.write_text("b.txt\n\na.txt\n\n")
    assert read_lines(path) == ["b.txt", "", "a.txt"]
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


@pytest.mark.parametrize(("groups", "group"), [("^S[0-9]+", "S12"), ("^S([0-9]+)_(.*)$", "12"), (".+", "S12_tea")])
def test_the_first_parenthesis_or_all_names_the_group(groups: str, group: str) -> None:
    assert group_of("S12_tea", groups) == group


@pytest.mark.parametrize("groups", ["(", "^P", "x*", "^(P)|tea$"])
def test_groups_that_say_nothing_of_a_video_are_refused_with_their_argument(groups: str) -> None:
    with pytest.raises(ValueError, match="`group` "):
        group_of("S12_tea", groups, "group")
