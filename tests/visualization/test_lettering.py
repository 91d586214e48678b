from __future__ import annotations

import numpy as np
import pytest

from segtcn.video_io import ColorTags
from segtcn.visualization.overlay.canvas import Canvas, shortened, text_picture, text_width

SHALOM = "\u05e9\u05dc\u05d5\u05dd"
MILK = "\u062d\u0644\u064a\u0628"  # four letters of Arabic that join


def test_right_to_left_text_is_drawn_in_its_order_and_arabic_letters_join() -> None:
    first, whole = (text_picture(label, 30) for label in (SHALOM[0], SHALOM))
    width = first.shape[1]
    assert np.abs(whole[:, -width:] - first).mean() < 0.12 < np.abs(whole[:, :width] - first).mean()
    assert text_width(MILK, 30) < 0.9 * sum(text_width(letter, 30) for letter in MILK)


def test_letters_of_any_script_differ() -> None:
    pictures = [text_picture(letter, 30) for letter in "?ßшχ"]
    assert len({picture.tobytes() for picture in pictures}) == 4


def test_texts_of_a_size_are_equally_high_and_empty_ones_allowed() -> None:
    heights = {text_picture(label, 20).shape[0] for label in ("a", "Ågy", SHALOM, "", "налить")}
    assert len(heights) == 1


def test_shortened_text_fits_and_is_the_longest_that_does() -> None:
    name = "place dough on the tray"
    short = shortened(name, 20, 120)
    start, end = short.split("…")
    assert name.startswith(start)
    assert name.endswith(end)
    assert len(start) - len(end) in (0, 1)
    assert text_width(short, 20) <= 120
    longer = f"{name[: (len(short) + 1) // 2]}…{name[len(name) - len(short) // 2 :]}"
    assert text_width(longer, 20) > 120
    assert shortened("cut", 20, 120) == "cut"
    assert shortened(name, 20, 0) == "…"


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
