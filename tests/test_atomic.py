from __future__ import annotations

from pathlib import Path

import pytest

from segtcn.atomic import atomic_path, remove_leftovers


def test_error_keeps_the_old_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")

    def write_half() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("ne")
            assert path.read_text() == "old"
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        write_half()
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]
    assert path.read_text() == "old"


def test_missing_folder_is_named_before_any_work(tmp_path: Path) -> None:
    with (
        pytest.raises(FileNotFoundError, match=r"there is no folder .*absent; create it"),
        atomic_path(tmp_path / "absent/x"),
    ):
        pytest.fail("the block ran")  # pragma: no cover


def test_folder_in_place_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(PermissionError, match="it is a folder; give the name of a file"), atomic_path(tmp_path):
        pytest.fail("the block ran")  # pragma: no cover


def test_unwritable_folder_is_named_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, *args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "touch", refuse)  # a mode would not stop root
    with (
        pytest.raises(
            PermissionError, match=r"no file can be created in .* \(permission denied\); choose another folder"
        ),
        atomic_path(tmp_path / "x"),
    ):
        pytest.fail("the block ran")  # pragma: no cover
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_was_lent_is_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    left = [".tea.12.0123abcd.npz", "deep/.my.tea.12.0123abcd.npy"]
    kept = [".milk.12.0123abcd.npz", "tea.npz", ".tea.npz", ".tea.12.0123.npz"]
    for name in left + kept:
        (tmp_path / name).touch()
    remove_leftovers(tmp_path, {"tea", "deep/my.tea"})
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()} == {*kept}
    remove_leftovers(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*kept[1:], "deep"}
    remove_leftovers(tmp_path / "missing")
