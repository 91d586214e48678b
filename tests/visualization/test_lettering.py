from __future__ import annotations

import re
import unicodedata

import numpy as np
import pytest

from segtcn.video_io import ColorTags
from segtcn.visualization.overlay import lettering
from segtcn.visualization.overlay.canvas import Canvas

SHALOM = "\u05e9\u05dc\u05d5\u05dd"
MILK = "\u062d\u0644\u064a\u0628"  # four letters of Arabic that join


@pytest.mark.parametrize(
    ("label", "runs"),
    [
        ("pour milk 2", [("pour milk 2", False)]),
        (SHALOM, [(SHALOM, True)]),
        (f"cup {SHALOM} 12", [("cup ", False), ("12", False), (f"{SHALOM} ", True)]),
        (f"{SHALOM} cup", [("cup", False), (f"{SHALOM} ", True)]),
        (f"{SHALOM} 12", [("12", False), (f"{SHALOM} ", True)]),
        (f"take ({SHALOM}) up", [("take (", False), (SHALOM, True), (") up", False)]),
        ("", []),
    ],
)
def test_runs_come_from_left_to_right(label: str, runs: list[tuple[str, bool]]) -> None:
    assert lettering.visual_runs(label) == runs


def test_numbers_after_latin_letters_stay_behind_them() -> None:
    assert lettering.visual_runs(f"{SHALOM} cup 2")[0] == ("cup 2", False)


def test_arabic_letters_join_without_a_shaping_library() -> None:
    joined = lettering._joined(MILK)
    forms = [unicodedata.decomposition(char).split(">")[0][1:] for char in joined]
    assert forms == ["initial", "medial", "medial", "final"]
    assert lettering._joined("\u062f\u0627\u0631") == "\ufea9\ufe8d\ufead"  # letters that never join the next: isolated
    assert lettering._shaped("(a", rtl=True) == "a)"


@pytest.mark.parametrize("shapes", [True, False])
def test_right_to_left_text_is_drawn_in_its_order(monkeypatch: pytest.MonkeyPatch, shapes: bool) -> None:
    if shapes and not lettering._shapes():
        pytest.skip("Pillow has no shaping library here")
    monkeypatch.setattr(lettering, "_shapes", lambda: shapes)
    for cache in (lettering.text_picture, lettering.text_width, lettering._font, lettering._length):
        cache.cache_clear()
    # the first letter stands on the right
    first, whole = (lettering.text_picture(label, 30).cover for label in (SHALOM[0], SHALOM))
    width = first.shape[1]
    right_end = whole[:, -width:]
    assert np.abs(right_end - first).mean() < 0.12 < np.abs(whole[:, :width] - first).mean()
    for cache in (lettering.text_picture, lettering.text_width, lettering._font, lettering._length):
        cache.cache_clear()


def test_texts_of_a_size_are_equally_high_and_empty_ones_allowed() -> None:
    heights = {lettering.text_picture(label, 20).cover.shape[0] for label in ("a", "Ågy", SHALOM, "", "налить")}
    assert len(heights) == 1


def test_shortened_text_fits_and_is_the_longest_that_does() -> None:
    name = "place dough on the tray"
    short = lettering.shortened(name, 20, 120)
    assert short.endswith("…")
    assert lettering.text_width(short, 20) <= 120
    assert lettering.text_width(name[: len(short)] + "…", 20) > 120
    assert lettering.shortened("cut", 20, 120) == "cut"
    assert lettering.shortened(name, 20, 0) == "…"


def test_characters_that_no_font_has_are_named_once_for_all_texts(recwarn: pytest.WarningsRecorder) -> None:
    lettering.warn_of_missing_characters(["pour", "gießen", SHALOM])
    assert len(recwarn) == 0
    message = r"no font on this machine has 1 of the characters: .* \(U\+E123\), as in .*Install a font .* such as Noto"
    with pytest.warns(UserWarning, match=message) as caught:
        lettering.warn_of_missing_characters(["cut \ue123", "pour \ue123"])
    assert len(caught) == 1
    assert re.search("boxes stand for them", str(caught[0].message))


@pytest.mark.parametrize("tags", [ColorTags(), ColorTags(matrix=6)])
def test_canvas_holds_colours_in_the_numbers_of_the_clip(tags: ColorTags) -> None:
    canvas = Canvas(8, 8, tags, (0, 0, 0))
    canvas.fill(4, -5, 99, 4, (255, 255, 255))
    y, u, v = canvas.planes()
    assert y[:4, 4:].tolist() == [[235] * 4] * 4
    assert y[4:].tolist() == [[16] * 8] * 4
    assert np.unique([u, v]).tolist() == [128]


@pytest.mark.parametrize(("left", "top"), [(-6, 0), (0, -9), (35, 0), (0, 25), (90, 90)])
def test_text_that_sticks_out_is_cut_off(left: int, top: int) -> None:
    canvas = Canvas(32, 40, ColorTags(), (0, 0, 0))
    whole = Canvas(132, 140, ColorTags(), (0, 0, 0))
    canvas.put("Wm", left, top, 20, 20, (255, 255, 255))
    whole.put("Wm", left + 50, top + 50, 20, 20, (255, 255, 255))
    assert (canvas.pixels == whole.pixels[:, 50:82, 50:90]).all()
