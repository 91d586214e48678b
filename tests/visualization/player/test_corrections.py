"""Corrections: nothing a page sends is trusted, files stay below the folder, and what is written is read back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from segtcn.labels import Classes, Labels, read_labels, write_labels
from segtcn.structures import IGNORE
from segtcn.visualization.player.corrections import (
    Correction,
    check_sources,
    correction_files,
    parse_correction,
    save_correction,
    saved_correction,
)
from tests.visualization.player.players import CLASSES, TRUTH, run, truth

LABELS = {"starts": [0, 10], "classes": [1, 2], "num_frames": 50}


def body(token: object = "secret", track: object = "truth", **labels: object) -> bytes:
    return json.dumps({"token": token, "track": track, "labels": {**LABELS, **labels}}).encode()


def test_a_correction_is_read():
    correction = parse_correction(body(classes=[-1, 2]), "secret")
    assert (correction.track, correction.replaces) == ("truth", None)
    assert correction.indexes.tolist() == [IGNORE] * 10 + [2] * 40


@pytest.mark.parametrize("token", ["wrong", "", None, 1, "sécret", "\ud800"])
def test_another_token_is_refused(token):
    with pytest.raises(PermissionError, match="the page belongs to another server"):
        parse_correction(body(token), "secret")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected a correction as JSON"),
        (b"[" * 100_000, "expected a correction as JSON"),
        (b"\xff\xfe", "expected a correction as JSON"),
        (body(track=3), r'expected \{"token", "track"'),
        (json.dumps({"token": "secret", "track": "truth", "labels": []}).encode(), r'expected \{"token", "track"'),
        (body(starts="0"), "expected whole numbers as `starts`"),
        (body(starts=[0, 1.5]), "expected whole numbers as `starts`"),
        (body(starts=[False, True]), "expected whole numbers as `starts`"),
        (body(num_frames=None), "expected whole numbers as `num_frames`"),
        (body(num_frames=10**30), "expected whole numbers as `num_frames`"),
        (body(starts=[1, 10]), "start at frame 0 and increase"),
        (body(starts=[0, 0]), "start at frame 0 and increase"),
        (body(starts=[0, 50]), "start at frame 0 and increase"),
        (body(starts=[], classes=[]), "start at frame 0 and increase"),
        (body(classes=[1]), "2 starts and 1 classes"),
    ],
)
def test_a_malformed_correction_is_refused(content, message):
    if content == b"":
        content = b"nothing"
    with pytest.raises((ValueError, PermissionError), match=message):
        parse_correction(content, "secret")


def test_what_is_saved_is_read_back_with_its_rate(tmp_path):
    correction = parse_correction(body(), "secret")
    files = save_correction(tmp_path, "P03/cam01", correction, {"truth": truth()}, 25.0)
    assert files == ["P03/cam01.txt", "P03/cam01.csv"]
    expected = ["take"] * 10 + ["pour"] * 40
    assert read_labels(tmp_path / files[0]).names() == expected
    table = read_labels(tmp_path / files[1])
    assert (table.names(), table.fps, table.confidence) == (expected, 25.0, None)
    assert (tmp_path / files[1]).read_text().splitlines()[1] == "take,0,10,0.000000,0.400000,"


def test_what_was_saved_can_be_gone_on_with(tmp_path):
    tracks = {"truth": truth(), "ED-TCN": run()}
    assert saved_correction(tmp_path, "P01/tea", tracks.values()) is None
    save_correction(tmp_path, "P01/tea", parse_correction(body(), "secret"), tracks, 25.0)
    labels = saved_correction(tmp_path, "P01/tea", tracks.values())
    assert labels is not None
    assert labels.indexes.tolist() == [1] * 10 + [2] * 40
    with pytest.raises(ValueError, match="has 50 labels, expected 20: it was saved for other tracks"):
        saved_correction(tmp_path, "P01/tea", [truth(TRUTH[:20])])
    other = saved_correction(tmp_path, "P01/tea", [Labels([0] * 50, Classes(("stir",)))])
    assert other.classes.names == ("stir", "pour", "take")  # what the player does not know comes last
    assert other.names() == labels.names()


def with_new_classes(names):
    return json.dumps(json.loads(body(classes=[3, 1])) | {"new_classes": names}).encode()


def test_classes_that_the_page_made_are_written_by_name(tmp_path):
    correction = parse_correction(with_new_classes(["stir"]), "secret")
    (file, *_) = save_correction(tmp_path, "tea", correction, {"truth": truth()}, None)
    assert read_labels(tmp_path / file).names() == ["stir"] * 10 + ["take"] * 40
    for names, message in (
        ([" x"], "one line of text"),
        (["__ignore__"], "cannot be named"),
        (["take"], "two classes"),
    ):
        wrong = parse_correction(with_new_classes(names), "secret")
        with pytest.raises(ValueError, match=message):
            save_correction(tmp_path, "soup", wrong, {"truth": truth()}, None)
    for names in ("stir", [3], ["x" * 2000]):
        with pytest.raises(ValueError, match="`new_classes`"):
            parse_correction(with_new_classes(names), "secret")
    assert not (tmp_path / "soup.txt").exists()


def test_frames_that_nobody_annotated_stay_so(tmp_path):
    correction = parse_correction(body(classes=[0, -1]), "secret")
    files = save_correction(tmp_path, "tea", correction, {"truth": truth()}, None)
    for file in files:
        assert read_labels(tmp_path / file, CLASSES).indexes.tolist() == [0] * 10 + [IGNORE] * 40


def of(label: int, num_frames: int = 50, track: str = "truth") -> Correction:
    return Correction(track, np.full(num_frames, label))


@pytest.mark.parametrize(
    ("correction", "message"),
    [
        (of(0, track="net"), "there is no track 'net'"),
        (of(0, 49), "expected labels of 50 frames, got 49"),
        (of(3), "class 3 at frame 0 has no name"),
        (of(-2), "class -2 at frame 0 has no name"),
    ],
)
def test_what_fits_no_track_is_refused(tmp_path, correction, message):
    with pytest.raises(ValueError, match=message):
        save_correction(tmp_path, "tea", correction, {"truth": truth()}, None)
    assert [*tmp_path.iterdir()] == []


NAMES = [
    *(
        "tea",
        "../tea",
        "..",
        ".",
        "",
        "/",
        "//etc/passwd",
        "/etc/passwd",
        "a/../../b",
        "..\\b",
        "C:\\b",
        "a\0b",
        "a\nb",
    ),
    *("x" * 5000, "é" * 300, "茶/お茶", ".hidden", "a.", "a .", "CON?", "\udcff", "\u202etxt.exe", "a//b", "tea.txt"),
]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_stays_in_the_folder_and_can_be_written(tmp_path, name):
    folder = tmp_path / "saved"
    folder.mkdir()
    correction = of(1)
    files = save_correction(folder, name, correction, {"truth": truth()}, None)
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {f"saved/{file}" for file in files}
    assert not any(part.startswith(".") for file in files for part in Path(file).parts)


def test_no_two_videos_share_a_file():
    files = [correction_files(Path("x"), name)[0] for name in NAMES]
    assert len({*files}) == len(files)


def test_the_files_that_are_shown_are_never_replaced(tmp_path):
    write_labels(tmp_path / "tea.txt", truth())
    source = str(tmp_path / "tea.txt")
    with pytest.raises(PermissionError, match=r"corrections would replace .*tea\.txt, which is shown: choose another"):
        check_sources(tmp_path, "tea", [source])
    with pytest.raises(PermissionError, match="corrections would replace"):
        save_correction(tmp_path, "tea", of(1), {"truth": truth(source=source)}, None)
    check_sources(tmp_path / "new", "tea", [source, "in\0memory"])
    assert [path.name for path in tmp_path.iterdir()] == ["tea.txt"]


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "P03").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PermissionError, match="leads out of"):
        save_correction(tmp_path / "saved", "P03/new/tea", of(1), {"truth": truth()}, None)
    assert [*(tmp_path / "elsewhere").iterdir()] == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "P03").write_text("")
    with pytest.raises(PermissionError, match=r"cannot write to .*P03"):
        save_correction(tmp_path, "P03/tea", of(1), {"truth": truth()}, None)
