"""A clip without labels, labelled from nothing: classes are made and named, and come back."""

from __future__ import annotations

from pathlib import Path

from segtcn.labels import Classes, read_labels
from segtcn.structures import IGNORE
from segtcn.visualization.player import PlayerServer, blank_player
from tests.visualization.player.pages import click, press, wait_until, wait_until_shown
from tests.visualization.player.payloads import NUM_FRAMES

COPY = 1  # row of the corrected track


def name_segment(page, name: str) -> None:
    press(page, "r")
    page.keyboard.type(name)
    press(page, "Enter")


def save(page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()
    wait_until(page, "!segtcn.parts.tools.correction.unsaved")
    wait_until_shown(page)


def state(page):
    return page.evaluate("segtcn.parts.tools.correction.state")


def class_names(page):
    return page.evaluate("segtcn.player.classes.map(({name}) => name)")


def test_clip_without_labels_is_one_segment_that_nobody_annotated(numbered_clip: Path) -> None:
    player = blank_player("clips", {"P01": numbered_clip})
    labels = player.videos[0].read()["labels"]
    assert labels.indexes.tolist() == [IGNORE] * NUM_FRAMES
    assert (labels.fps, len(labels.classes)) == (None, 0)
    (video,) = blank_player("clips", {"P01": numbered_clip}, Classes(("cut",)), fps=7).videos
    assert (len(video.read()["labels"]), video.read()["labels"].fps) == (42, 7)


def test_classes_are_made_and_named_on_a_clip_without_labels(open_page, numbered_clip: Path, tmp_path: Path) -> None:
    player = blank_player("clips", {"P01": numbered_clip})
    with PlayerServer(player, port=0, save=tmp_path) as server:
        page = open_page(server.url)
        press(page, "c")
        click(page, COPY, 2.017)
        press(page, "s")
        name_segment(page, "pour milk")
        click(page, COPY, 1.0)
        name_segment(page, "take")
        assert class_names(page) == ["pour milk", "take"]
        assert state(page) == {"starts": [0, 60], "classes": [1, 0]}
        click(page, COPY, 4.017)
        press(page, "s", "i")
        save(page)
        expected = ["take"] * 60 + ["pour milk"] * 60 + ["__ignore__"] * 60
        assert read_labels(tmp_path / "P01.txt").names() == expected
        assert read_labels(tmp_path / "P01.csv").names() == expected
        click(page, COPY, 1.0)
        name_segment(page, "stir")  # is not saved: kept by the browser
        page.on("dialog", lambda dialog: dialog.accept())
        page.reload()
        wait_until(page, "segtcn.player?.recording")
        press(page, "c")
        assert class_names(page) == ["pour milk", "take", "stir"]
        assert state(page) == {"starts": [0, 60, 120], "classes": [2, 0, -1]}
        press(page, "Control+z")
        assert state(page)["classes"] == [1, 0, -1]
        press(page, "r")
        dialog = page.get_by_role("dialog", name="New label")
        assert dialog.get_by_role("option").all_inner_texts() == [
            "1\npour milk",
            "2\ntake",
            "3\nstir",
            "4\nnot annotated",
        ]
        press(page, "4")
        assert -1 in state(page)["classes"]
        assert "not annotated" in page.locator("#legend").inner_text()


def test_name_typed_whole_is_that_class_and_a_blank_lets_it_begin_with_a_digit(open_page, numbered_clip: Path) -> None:
    player = blank_player("clips", {"P01": numbered_clip}, Classes(("pour milk", "milk")))
    with PlayerServer(player, port=0) as server:
        page = open_page(server.url)
        press(page, "c")
        name_segment(page, "milk")  # not the first that has it
        assert state(page)["classes"] == [1]
        name_segment(page, " 3")  # a digit alone chooses from the list
        assert class_names(page) == ["pour milk", "milk", "3"]
        assert state(page)["classes"] == [2]
