"""``segtcn init`` names what is wrong or has two meanings, and writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest

from segtcn.cli import main
from tests.prepare.projects import VIDEOS, contents, made

Make = Callable[..., Path]


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
