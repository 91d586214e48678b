"""Correct mode: edits by mouse and keyboard, undo, and files that come back; nothing is lost unseen."""

from __future__ import annotations

import errno
import os

import pytest

from segtcn.labels import read_labels
from segtcn.visualization.palette import class_color
from segtcn.visualization.player import PlayerServer, PlayerVideo, corrections
from tests.visualization.player.pages import click, color_at, frame_of, point, press, wait_until, wait_until_shown
from tests.visualization.player.payloads import CLASS_NAMES, FPS, class_payload, demo_tracks, track_payload
from tests.visualization.player.players import player, run, truth

COPY = 1  # row of the corrected truth


@pytest.fixture
def page(site, open_page):
    """The demo without a clip, in correct mode."""
    site.add(demo_tracks())
    page = open_page(site.write())
    press(page, "c")
    return page


def segments(page):
    """First frame and name of every segment of the corrected track."""
    state = page.evaluate("segtcn.parts.tools.correction.state")
    return [(start, CLASS_NAMES[label]) for start, label in zip(state["starts"], state["classes"], strict=True)]


ORIGINAL = [(0, "background"), (30, "take"), (75, "pour milk"), (135, "stir")]


def status(page):
    return page.locator("#correct-state").inner_text()


def drag(page, start_s, stop_s, *, release=True):
    x, y = point(page, COPY, start_s)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(*point(page, COPY, stop_s), steps=4)
    wait_until_shown(page)
    if release:
        page.mouse.up()
        wait_until_shown(page)


def saved(page, button, tmp_path):
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    wait_until_shown(page)
    return path


def labels_of(page):
    starts = [start for start, _ in segments(page)]
    names = [name for _, name in segments(page)]
    return [name for name, a, b in zip(names, starts, [*starts[1:], 180], strict=True) for _ in range(b - a)]


def test_a_copy_appears_below_the_truth_and_goes_again(page):
    titles = page.locator("#gutter .name")
    assert titles.all_inner_texts() == ["truth", "corrected truth", "ED-TCN"]
    assert segments(page) == ORIGINAL
    assert status(page) == "No changes yet. Drag a boundary, or use the buttons at the cursor."
    assert not page.locator("#save").is_visible()  # there is no server
    press(page, "Home", "s")
    assert status(page) == "A segment starts at frame 0 already: move the cursor into a segment to split it."
    page.locator("#file").set_input_files([{"name": "a.txt", "mimeType": "text/plain", "buffer": b"\xff\xfe\x00"}])
    wait_until(page, "document.getElementById('correct-state').innerText.startsWith('A.txt: this is not a text file')")
    assert segments(page) == ORIGINAL
    press(page, "c")
    assert titles.all_inner_texts() == ["truth", "ED-TCN"]


def test_a_boundary_is_dragged_to_whole_frames_and_is_one_step(page):
    drag(page, 1.0, 1.5034)
    assert segments(page)[1] == (45, "take")
    assert frame_of(page) == 45
    assert status(page) == "15 frames changed, not saved."
    assert page.evaluate("segtcn.parts.tools.differences") == {"starts": [1.0], "stops": [1.5]}
    press(page, "Control+z")
    assert segments(page) == ORIGINAL
    press(page, "Control+Shift+Z")
    assert segments(page)[1] == (45, "take")
    drag(page, 1.5, 1.8, release=False)
    assert segments(page)[1] == (54, "take")
    press(page, "Escape")
    page.mouse.up()
    assert segments(page)[1] == (45, "take")
    click(page, COPY, 2.117)
    press(page, "b")
    assert segments(page)[2] == (63, "pour milk")


@pytest.mark.parametrize("key", ["c", "i", "j"])
def test_keys_wait_until_a_dragged_boundary_is_dropped(page, key):
    drag(page, 1.0, 1.3, release=False)
    press(page, key)
    page.mouse.move(*point(page, COPY, 1.5), steps=4)
    page.mouse.up()
    wait_until_shown(page)
    assert segments(page) == [(0, "background"), (45, "take"), *ORIGINAL[2:]]
    press(page, "Control+z")
    assert segments(page) == ORIGINAL


def test_split_relabel_and_join(page):
    click(page, COPY, 2.017)
    press(page, "s")
    assert segments(page)[1:3] == [(30, "take"), (60, "take")]
    assert status(page) == "No changes yet. Drag a boundary, or use the buttons at the cursor."
    press(page, "r", "4")
    assert segments(page)[1:3] == [(30, "take"), (60, "stir")]
    assert status(page) == "15 frames changed, not saved."
    press(page, "j")
    assert segments(page)[2:] == [(60, "stir"), (135, "stir")]
    press(page, "Shift+J")
    assert segments(page)[1:] == [(30, "stir"), (135, "stir")]
    press(page, *["Control+z"] * 4)
    assert segments(page) == ORIGINAL
    assert page.get_by_role("button", name="Undo").is_disabled()


def test_classes_are_found_by_name_and_chosen_by_keyboard(page):
    press(page, "Home", "r")
    dialog = page.get_by_role("dialog", name="New label")
    page.keyboard.type("t")
    assert dialog.get_by_role("option").all_inner_texts() == [
        "1\ntake",
        "2\nstir",
        "3\nnot annotated",
        "4\nNew class\nt",
    ]
    page.keyboard.press("ArrowDown")
    assert dialog.get_by_role("option", selected=True).inner_text() == "2\nstir"
    press(page, "Enter")
    assert segments(page)[0] == (0, "stir")
    press(page, "r", "Escape")
    assert segments(page)[0] == (0, "stir")
    page.get_by_role("button", name="Relabel…").click()
    page.keyboard.type("__ignore__")
    press(page, "Enter")
    assert status(page).startswith('The class "__ignore__" cannot be written')
    assert segments(page)[0] == (0, "stir")


def test_another_track_can_be_corrected(page):
    page.locator("#correct-track").select_option("ED-TCN")
    wait_until_shown(page)
    assert page.locator("#gutter .name").all_inner_texts() == ["truth", "ED-TCN", "corrected ED-TCN"]
    assert len(segments(page)) == 6


def test_saved_text_and_table_are_read_by_the_library_and_come_back(page, tmp_path, open_page):
    drag(page, 1.0, 1.5034)
    click(page, COPY, 4.017)
    press(page, "s", "r", "1")
    expected = labels_of(page)
    text, table = saved(page, "Save text", tmp_path), saved(page, "Save CSV", tmp_path)
    assert (text.name, table.name) == ("S1_Tea.txt", "S1_Tea.csv")
    assert read_labels(text).names() == read_labels(table).names() == expected
    assert read_labels(table).fps == pytest.approx(30, abs=1e-4)
    assert status(page) == "30 frames changed. Saved as S1_Tea.csv."
    changed = segments(page)
    for path in (text, table):
        press(page, *["Control+z"] * 3)
        assert segments(page) == ORIGINAL
        page.locator("#file").set_input_files(path)
        wait_until(page, "segtcn.parts.tools.correction.length === 5")
        assert segments(page) == changed
        press(page, "Control+z")
        assert segments(page) == ORIGINAL
        press(page, "Control+Shift+Z")


def test_frames_that_nobody_annotated_are_hatched_and_saved_as_such(site, open_page, tmp_path):
    site.add([track_payload("truth", [(1, 20), (-1, 10), (2, 20)])])
    page = open_page(site.write())
    names = page.locator("#legend .name").all_inner_texts()
    assert names == ["take", "pour milk", "not annotated", "background", "stir"]
    spot = [color_at(page, 0, 20.5 / FPS + shift / FPS) for shift in (0, 0.3, 0.6, 1, 2, 3, 5, 7)]
    assert len({*spot}) > 1
    assert not {*spot} & {class_color(label, 0) for label in range(4)}
    press(page, "c")
    text = saved(page, "Save text", tmp_path).read_text()
    assert text == "take\n" * 20 + "__ignore__\n" * 10 + "pour milk\n" * 20


def test_what_was_saved_is_there_after_a_reload_and_on_the_next_day(open_page, tmp_path):
    def titles():
        return page.locator("#gutter .name").all_inner_texts()

    videos = [PlayerVideo("tea", {"truth": truth(), "ED-TCN": run()}), PlayerVideo("soup", {"truth": truth()})]
    with PlayerServer(player(*videos), port=0, save=tmp_path / "saved") as server:
        page = open_page(server.url)
        assert not page.locator("#notes").is_visible()
        press(page, "c", "Home", "r", "3")
        page.get_by_role("button", name="Save", exact=True).click()
        wait_until(page, "!segtcn.parts.tools.correction.unsaved")
        wait_until_shown(page)
        assert status(page) == "10 frames changed. Saved as tea.txt and tea.csv."
        original = read_labels(tmp_path / "saved" / "tea.txt").names()
        assert original[:30] == ["pour"] * 10 + ["take"] * 20
    with PlayerServer(player(*videos), port=0, save=tmp_path / "saved") as server:
        page = open_page(server.url)
        assert page.locator("#notes").inner_text() == "corrected before: tea.txt; “Correct” continues from there"
        press(page, "c")
        assert titles() == ["truth", "corrected truth", "ED-TCN"]
        assert status(page) == "10 frames changed. Saved as tea.txt."
        press(page, "End", "r", "2")
        page.get_by_role("button", name="Save", exact=True).click()
        wait_until(page, "!segtcn.parts.tools.correction.unsaved")
        page.reload()
        wait_until(page, "segtcn.player?.recording")
        press(page, "c")
        assert page.evaluate("segtcn.parts.tools.correction.state") == {"starts": [0, 10], "classes": [2, 1]}
        press(page, "Control+z")
        assert page.evaluate("segtcn.parts.tools.correction.state.starts") == [0, 10, 30]
        assert status(page) == "0 frames changed, not saved."
        press(page, "Control+Shift+Z")
        (tmp_path / "saved" / "soup.txt").write_text("take\n")
        page.locator(".video", has_text="soup").click()
        wait_until(page, "segtcn.player.recording.id === '0002'")
        assert "soup.txt has 1 labels, expected 50" in page.locator("#notes").inner_text()
        press(page, "c")
        assert status(page).startswith("No changes yet")


def test_two_pages_do_not_overwrite_each_other(open_page, tmp_path):
    def save(page, label):
        press(page, "Home", "r", label)
        page.get_by_role("button", name="Save", exact=True).click()

    def first_label():
        return read_labels(tmp_path / "tea.txt").names()[0]

    with PlayerServer(player(), port=0, save=tmp_path) as server:
        page, other = open_page(server.url), open_page(server.url)
        other.expected_errors = ["Failed to load resource"]
        for each in (page, other):
            each.on("dialog", lambda dialog: dialog.accept())
            press(each, "c")
        for label in ("2", "3"):
            save(page, label)
            wait_until(page, "!segtcn.parts.tools.correction.unsaved")
        save(other, "2")
        other.locator("#correct-state.failed").wait_for()
        assert "was saved by somebody else meanwhile: load the page again, which keeps your changes" in status(other)
        assert first_label() == "pour"
        other.reload()
        wait_until(other, "segtcn.player?.recording")
        press(other, "c")
        assert other.evaluate("segtcn.parts.tools.correction.past.length") == 2  # theirs, and one's own on top
        other.get_by_role("button", name="Save", exact=True).click()
        wait_until(other, "!segtcn.parts.tools.correction.unsaved")
        assert first_label() == "take"
        (tmp_path / "tea.txt").write_text("background\n" * 50)  # by another program
        other.reload()
        wait_until(other, "segtcn.player?.recording")
        press(other, "c")
        assert other.evaluate("segtcn.parts.tools.correction.state.classes") == [0]
        press(other, "r", "3")
        other.get_by_role("button", name="Save", exact=True).click()
        wait_until(other, "!segtcn.parts.tools.correction.unsaved")
        assert first_label() == "pour"


def test_what_fails_at_the_server_is_said_in_words(open_page, tmp_path, monkeypatch):
    def read():
        raise FileNotFoundError("no label file soup.txt: check the path")

    def write(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(corrections, "write_labels", write)
    videos = [
        PlayerVideo("tea", {"truth": truth()}),
        PlayerVideo("soup", read, num_frames=5),
        PlayerVideo("milk", {"truth": truth()}),
    ]
    with PlayerServer(player(*videos), port=0, save=tmp_path / "saved") as server:
        page = open_page(server.url)
        page.expected_errors = ["Failed to load resource", "Refused to execute script"]
        page.locator(".video", has_text="soup").click()
        page.locator("#problem").wait_for()
        assert page.locator("#problem").inner_text() == "no label file soup.txt: check the path."
        press(page, "c", "r", "3")
        page.get_by_role("button", name="Save", exact=True).click()
        page.locator("#correct-state.failed").wait_for()
        assert "tea.txt (no space left on device): make room, or choose another folder" in status(page)
        assert page.evaluate("segtcn.parts.tools.correction.unsaved")
    page.get_by_role("button", name="Save", exact=True).click()
    wait_until(page, "document.getElementById('correct-state').innerText.includes('does not answer')")
    assert status(page).startswith("Not saved: the server does not answer: start `segtcn view` again; the labels can")
    page.locator(".video", has_text="milk").click()
    wait_until(page, "document.getElementById('problem').innerText.includes('does not answer')")


def test_a_draft_comes_back_until_it_is_saved(page, tmp_path):
    asked = []
    page.on("dialog", lambda dialog: asked.append(dialog.type) or dialog.accept())
    press(page, "Home", "r", "2")
    changed = segments(page)
    assert changed == [(0, "take"), (75, "pour milk"), (135, "stir")]
    page.reload()
    wait_until(page, "segtcn.player?.recording")
    press(page, "c")
    assert asked == ["beforeunload"]
    assert segments(page) == changed
    assert "are back" in page.locator("#live").text_content()
    press(page, "Control+z")
    assert segments(page) == ORIGINAL
    press(page, "Control+Shift+Z")
    saved(page, "Save text", tmp_path)
    page.reload()
    wait_until(page, "segtcn.player?.recording")
    press(page, "c")
    assert segments(page) == ORIGINAL


def test_a_damaged_draft_is_ignored(page):
    page.evaluate("localStorage.setItem(segtcn.parts.tools.drafts.keyOf(segtcn.player.recording.reference), '{')")
    page.reload()
    wait_until(page, "segtcn.player?.recording")
    press(page, "c")
    assert segments(page) == ORIGINAL


def test_a_draft_keeps_its_classes_when_the_list_of_classes_has_changed(site, open_page):
    site.add(demo_tracks())
    site.index["spare_colors"] = [{"color": "#123456", "text": "#ffffff"}]
    page = open_page(site.write())
    press(page, "c", "r")
    page.keyboard.type("whisk")
    press(page, "Enter")
    site.index["classes"] += class_payload(["knead"], background=None)
    site.write()
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    wait_until(page, "segtcn.player?.recording")
    press(page, "c")
    assert page.evaluate("segtcn.player.classOf(segtcn.parts.tools.track.classes[0]).name") == "whisk"


def test_changes_are_kept_while_another_video_is_shown(site, open_page):
    for name in ("S1", "S2"):
        site.add(demo_tracks(), name=name)
    page = open_page(site.write())
    press(page, "c", "r", "2")
    page.get_by_role("button", name="S2").click()
    wait_until(page, "segtcn.player.recording.id === '0002'")
    wait_until_shown(page)
    assert not page.locator("#correcting").is_visible()
    page.locator(".video", has_text="S1").click()
    wait_until(page, "segtcn.player.recording.id === '0001'")
    press(page, "c")
    assert segments(page)[0] == (0, "take")
    press(page, "Control+z")
    assert segments(page) == ORIGINAL
