"""What the page lists beside the clip, and videos that lack a clip, a rate or their data."""

from __future__ import annotations

import re

import numpy as np
import pytest

from segtcn.visualization.palette import class_color
from tests.visualization.player.pages import (
    click,
    color_at,
    frame_of,
    lines,
    point,
    press,
    shown_frame,
    spoken,
    text,
    wait_until,
    wait_until_shown,
)
from tests.visualization.player.payloads import (
    CLIP,
    class_payload,
    demo_tracks,
    scores_payload,
    track_payload,
)


def test_hover_tells_the_segment_in_seconds_and_frames(page):
    page.mouse.move(*point(page, 1, 3.6))
    tip = page.locator("#tooltip")
    assert tip.is_visible()
    assert lines(page, "#tooltip") == [
        "ED-TCN",
        "take",
        "Time",
        "00:03.50 – 00:03.70 (0.20 s)",  # noqa: RUF001
        "Frames",
        "105 – 111 (6 frames)",  # noqa: RUF001
        "Confidence",
        "0.45",
    ]
    page.mouse.move(5, 5)
    assert not tip.is_visible()


def test_labels_of_all_tracks_at_the_cursor_are_beside_the_clip(page):
    click(page, 0, 3.617)
    assert lines(page, "#now") == [
        "truth",
        "pour milk",
        "0.9 s left",
        "ED-TCN",
        "take",
        "0.1 s left · confidence 0.45 · differs",
    ]


def test_the_legend_names_classes_that_no_track_has_last_and_pale(site, open_page):
    site.index["classes"] = class_payload(["arrive", "background", "take", "pour milk", "stir", "leave"])
    tracks = demo_tracks()
    for track in tracks:
        track["classes"] = [label + 1 for label in track["classes"]]
        track["scores"] = None
    site.add(tracks)
    rows = open_page(site.write()).locator("#legend .legend-entry")
    assert rows.locator(".name").all_inner_texts() == ["background", "take", "pour milk", "stir", "arrive", "leave"]
    assert ["muted" in row.get_attribute("class") for row in rows.all()] == [False] * 4 + [True] * 2


def test_the_legend_has_shares_and_dims_the_others(page):
    legend = page.locator("#legend")
    assert [line.replace("\u202f", " ") for line in legend.inner_text().split("\n")] == (
        ["background", "20 %", "take", "25 %", "pour milk", "30 %", "stir", "25 %"]
    )
    take, stir = (
        page.get_by_role("button", name=re.compile("^take")),
        page.get_by_role("button", name=re.compile("^stir")),
    )
    take.click()
    wait_until_shown(page)
    assert take.get_attribute("aria-pressed") == "true"
    assert color_at(page, 0, 1.5) == class_color(1)
    assert color_at(page, 0, 5.0) != class_color(3)
    stir.click()
    wait_until_shown(page)
    assert color_at(page, 0, 5.0) == class_color(3)
    assert color_at(page, 0, 3.0) != class_color(2)
    stir.dblclick()
    wait_until_shown(page)
    assert (take.get_attribute("aria-pressed"), stir.get_attribute("aria-pressed")) == ("false", "true")
    page.get_by_role("button", name="Show all", exact=True).last.click()
    wait_until_shown(page)
    assert color_at(page, 0, 1.5) == class_color(1)


def test_curves_list_the_highest_scores_at_the_cursor(page):
    click(page, 0, 5.0)
    top = page.get_by_role("list", name="Highest class scores at the cursor")
    values = [float(value) for value in top.inner_text().split("\n")[1::2]]
    assert top.inner_text().split("\n")[0] == "stir"
    assert values == sorted(values, reverse=True)
    assert sum(values) == pytest.approx(1, abs=0.03)
    page.get_by_role("button", name=re.compile("^take")).click()
    wait_until_shown(page)
    assert top.inner_text().split("\n")[0] == "take"


def test_the_highest_scores_are_of_the_video_that_is_shown(site, open_page):
    for label in (1, 2):
        scores = np.zeros((4, 90))
        scores[label] = 1
        site.add([track_payload("ED-TCN", [(label, 90)], scores=scores_payload(scores))])
    page = open_page(site.write())
    assert lines(page, "#curves-top") == ["take", "1.00"]
    page.evaluate("location.hash = 'video=0002'")
    wait_until(page, "segtcn.player.recording.id === '0002'")
    wait_until_shown(page)
    assert lines(page, "#curves-top") == ["pour milk", "1.00"]


def test_curves_are_drawn_at_the_same_time_as_the_tracks(site, open_page):
    scores = np.zeros((4, 180))
    scores[1, :90] = scores[2, 90:] = 1
    site.add([track_payload("ED-TCN", [(1, 90), (2, 90)], scores=scores_payload(scores))])
    page = open_page(site.write())
    page.evaluate("segtcn.player.showPart(2, 4)")
    wait_until_shown(page)
    row = page.evaluate("""() => { const {canvas, context, ratio} = segtcn.parts.curves.surface;
        const data = context.getImageData(0, Math.round(6 * ratio), canvas.width, 1).data;
        return Array.from({length: canvas.width}, (_, x) => [...data.slice(4 * x, 4 * x + 3)]); }""")
    near = [
        min(range(1, 4), key=lambda label: np.abs(np.subtract(class_color(label), row[x])).sum())
        for x in (len(row) // 4, 3 * len(row) // 4)
    ]
    assert near == [1, 2]
    change = next(x for x, color in enumerate(row) if np.abs(np.subtract(class_color(2), color)).sum() < 40)
    assert change == pytest.approx(len(row) / 2, abs=len(row) / 60 + 2)  # within a frame of 3 s


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_thin_lines_of_every_class_can_be_told_from_the_page(site, open_page, scheme):
    site.index["classes"] = class_payload([f"class {number}" for number in range(48)], background=0)
    site.add(demo_tracks())
    page = open_page(site.write(), color_scheme=scheme)
    ground = (255, 255, 255) if scheme == "light" else (22, 25, 29)
    colors = page.evaluate("Array.from({length: 48}, (_, i) => segtcn.lineColorOf(segtcn.player.classOf(i)))")
    thin = [tuple(map(int, re.findall(r"[0-9]+", color))) for color in colors]
    assert [line for line in thin if contrast(line, ground) < 2.39] == []  # rounded to whole numbers
    enough = [label for label in range(1, 48) if contrast(class_color(label), ground) > 2.4]
    assert [label for label in enough if thin[label] != class_color(label)] == []
    assert 20 < len(enough) < 47


def contrast(one, other):
    """Contrast ratio of WCAG 2."""
    shares = np.array([one, other]) / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    low, high = sorted(linear @ [0.2126, 0.7152, 0.0722])
    return (high + 0.05) / (low + 0.05)


@pytest.fixture
def scored_page(site, open_page):
    site.index["runs"] = ["ED-TCN", "MS-TCN"]
    values = {"S1_Tea": (80, 10), "S2_Tea": (60, 30), "S10_Tea": (None, 20), "S3_Coffee": (70, None)}
    for name, (first, second) in values.items():
        scores = {"ED-TCN": {"f1@50": first, "edit": first and 100 - first}, "MS-TCN": {"f1@50": second}}
        site.add(demo_tracks(), name=name, scores=scores)
    return open_page(site.write())


def listed(page):
    return page.locator("#videos .video").all_inner_texts()


def test_videos_are_sorted_worst_first_by_any_score_of_any_run(scored_page):
    page = scored_page
    assert listed(page) == ["S2_Tea", "S3_Coffee", "S1_Tea", "S10_Tea"]
    page.get_by_role("columnheader", name="edit").get_by_role("button").click()
    assert listed(page) == ["S1_Tea", "S3_Coffee", "S2_Tea", "S10_Tea"]
    column = page.locator("#videos th", has_text="edit")
    assert column.get_attribute("aria-sort") == "ascending"
    column.get_by_role("button").click()
    assert listed(page) == ["S2_Tea", "S3_Coffee", "S1_Tea", "S10_Tea"]
    assert column.get_attribute("aria-sort") == "descending"
    page.get_by_label("Scores of the run").select_option("MS-TCN")
    page.locator("#videos th", has_text="f1@50").get_by_role("button").click()
    assert listed(page) == ["S1_Tea", "S10_Tea", "S2_Tea", "S3_Coffee"]
    page.locator("#videos th", has_text="Video").get_by_role("button").click()
    assert listed(page) == ["S1_Tea", "S2_Tea", "S3_Coffee", "S10_Tea"]
    page.get_by_label("Find a video").fill("tea")
    assert listed(page) == ["S1_Tea", "S2_Tea", "S10_Tea"]
    page.get_by_label("Find a video").fill("nothing")
    assert "No video has this in its name." in text(page, "#videos")


def test_choosing_a_video_loads_it_and_the_address_leads_back(scored_page, open_page):
    page = scored_page
    page.get_by_role("button", name="S3_Coffee").click()
    wait_until(page, "segtcn.player.recording.id === '0004'")
    assert text(page, "#video-name") == "S3_Coffee"
    assert "70.0" in text(page, "#scores")
    wait_until_shown(page)
    click(page, 0, 2.017)
    press(page, "+")
    wait_until(page, "location.hash.includes('zoom')")
    again = open_page(page.url.split("#")[0], hash=page.evaluate("location.hash"))
    for each in (page, again):
        wait_until_shown(each)
        state = each.evaluate("(({recording: {id}, viewport, frame}) => [id, viewport.span, frame])(segtcn.player)")
        assert state == ["0004", pytest.approx(3, abs=0.01), 60]
    again.evaluate("location.hash = 'video=0001&t=1'")
    wait_until(again, "segtcn.player.recording.id === '0001' && segtcn.player.frame === 30")


def test_without_a_clip_the_tracks_play(quiet_page):
    page = quiet_page
    assert not page.locator("#clip").is_visible()
    page.get_by_role("button", name="Play", exact=True).click()
    wait_until(page, "segtcn.player.frame > 10")
    page.get_by_role("button", name="Pause").click()
    click(page, 0, 4.917)  # the middle of a frame
    assert frame_of(page) == 147
    press(page, "p")
    assert frame_of(page) == 135
    press(page, "End", " ")
    wait_until(page, "segtcn.player.clock.playing && segtcn.player.frame < 60")


def test_without_a_clip_the_frames_go_on_to_the_end_of_the_longest_track(site, open_page):
    site.add([track_payload("truth", [(0, 100)]), track_payload("ED-TCN", [(0, 50), (1, 80)])])
    page = open_page(site.write())
    press(page, "End", "ArrowLeft", "ArrowLeft")
    assert "frame 127 / 130" in text(page, ".readout")
    click(page, 1, 3.55)
    assert frame_of(page) == 106
    beside = ["truth", "ends before", "ED-TCN", "take", "0.8 s left"]
    assert lines(page, "#now") == beside
    press(page, "1")
    assert lines(page, "#now") == beside


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 600)])
def test_many_tracks_are_in_reach_of_fingers_and_keyboard(site, add_demo, open_page, width, height):
    add_demo(tracks=[track_payload(f"run {number}", [(1, 180)], by_frame=True) for number in range(8)])
    page = open_page(site.write(), viewport={"width": width, "height": height})
    assert all(box["height"] >= 24 for box in (title.bounding_box() for title in page.locator(".track-title").all()))
    scrolls = page.evaluate("(({scrollHeight: all, clientHeight: seen}) => all > seen)(document.getElementById('now'))")
    assert scrolls == (width > 390)
    assert page.locator("#now").get_attribute("tabindex") == ("0" if scrolls else "-1")


def test_without_any_rate_there_are_frames_and_no_seconds(site, open_page):
    site.add([track_payload("truth", [(0, 30), (1, 70)], fps=None)])
    page = open_page(site.write())
    click(page, 0, 50.5)
    assert text(page, ".readout").strip() == "frame 50 / 100"
    assert spoken(page) == "frame 50: truth take"
    assert text(page, ".now-rest") == "50 frames left"
    assert page.locator("#segments th[scope=col]").all_inner_texts() == ["Number", "Label", "Frames", "Length"]
    press(page, " ")
    wait_until(page, "segtcn.player.frame > 55")


def test_tracks_of_other_rates_are_aligned_in_time(site, open_page):
    site.add([*demo_tracks(), track_payload("MS-TCN", [(0, 15), (1, 22), (2, 30), (3, 23)], fps=15)])
    page = open_page(site.write())
    click(page, 2, 1.017)
    assert lines(page, "#now")[-2:] == ["take", "1.5 s left"]
    assert page.evaluate("segtcn.player.differences.get(segtcn.player.tracks[2]).starts") == pytest.approx(
        [74 / 30, 134 / 30]
    )


def test_tracks_longer_than_the_clip_can_be_reached(site, add_demo, open_page):
    tracks = [track_payload("truth", [(1, 180), (2, 60)], by_frame=True, fps=None)]
    add_demo(tracks=tracks, notes=["truth has 60 frames more than the clip"])
    page = open_page(site.write())
    assert "60 frames more than the clip" in text(page, "#notes")
    click(page, 0, 7.0)
    assert text(page, ".now-label") == "pour milk"
    assert shown_frame(page) == 179


@pytest.mark.parametrize("content", [None, b"no clip" * 999])
def test_a_clip_that_cannot_be_played_is_one_sentence_and_the_tracks_work(site, open_page, content):
    if content:
        (site.root / "clips" / "0001.mp4").write_bytes(content)
    site.add(demo_tracks(by_frame=True, fps=None), clip=CLIP, source="clips/0001.mp4")
    page = open_page(site.write(), ready=False)
    page.expected_errors = ["Failed to load resource"]
    page.locator("#clip-problem").wait_for()
    assert "The clip clips/0001.mp4 cannot be played: it is missing" in text(page, "#clip-problem")
    click(page, 0, 2.017)
    assert frame_of(page) == 60
    press(page, " ")
    wait_until(page, "segtcn.player.frame > 65")


def test_missing_data_is_said(site, open_page):
    site.add(demo_tracks())
    site.add(demo_tracks(), name="S2")
    page_path = site.write()
    (site.root / "data" / "video-0002.js").unlink()
    page = open_page(page_path)
    page.expected_errors = ["Failed to load resource"]
    page.get_by_role("button", name="S2").click()
    page.locator("#problem").wait_for()
    assert "data/video-0002.js cannot be read" in text(page, "#problem")
    assert page.evaluate("segtcn.player.recording.id") == "0001"
    (site.root / "data" / "index.js").write_text("")
    other = open_page(page_path, ready=False)
    other.expected_errors = ["holds no data of this version"]
    other.locator("#problem").wait_for()
    assert "export the videos again" in text(other, "#problem")
