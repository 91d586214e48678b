"""Fonts by character; fonts are made here, as machines differ in what they have."""

from __future__ import annotations

from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from segtcn.visualization import fonts
from segtcn.visualization.fonts import font_families_for, font_files_for, missing_glyphs


def write_font(path: Path, family: str, characters: str) -> Path:
    """A font whose glyphs are squares."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for point in ((0, 700), (700, 700), (700, 0)):
        pen.lineTo(point)
    pen.closePath()
    names = [".notdef", *(f"u{ord(character):x}" for character in characters)]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord(character): f"u{ord(character):x}" for character in characters})
    builder.setupGlyf(dict.fromkeys(names, pen.glyph()))
    builder.setupHorizontalMetrics(dict.fromkeys(names, (800, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(str(path))
    return path


@pytest.fixture
def system(monkeypatch, tmp_path):
    """Three fonts of a system, one of them damaged."""
    (tmp_path / "damaged-sans.ttf").write_bytes(b"no font")
    files = [
        tmp_path / "damaged-sans.ttf",
        write_font(tmp_path / "kanji-serif.ttf", "Kanji Serif", "取切"),
        write_font(tmp_path / "kanji-sans.ttf", "Kanji Sans", "取"),
    ]
    monkeypatch.setattr("matplotlib.font_manager.findSystemFonts", lambda: list(map(str, files)))
    for cached in (fonts._system_files, fonts._characters):
        cached.cache_clear()
    yield tmp_path
    for cached in (fonts._system_files, fonts._characters):
        cached.cache_clear()


def test_a_text_that_the_default_font_has_asks_the_system_for_nothing(monkeypatch):
    def fail():
        raise AssertionError("searched")

    monkeypatch.setattr(fonts, "_system_files", fail)
    assert [path.name for path in font_files_for("pour gießen \n\u200b")] == ["DejaVuSans.ttf"]
    assert missing_glyphs("") == ""


def test_fonts_are_added_until_all_characters_are_there(system):
    assert [path.name for path in font_files_for("取 a")] == ["DejaVuSans.ttf", "kanji-sans.ttf"]
    assert [path.name for path in font_files_for("取切")] == ["DejaVuSans.ttf", "kanji-sans.ttf", "kanji-serif.ttf"]
    assert missing_glyphs("取切") == ""


def test_characters_that_no_font_has_are_named_once_in_order(system):
    assert missing_glyphs("見取 見\u200b\ufe0f火") == "見火"
    assert [path.name for path in font_files_for("見")] == ["DejaVuSans.ttf"]


def test_matplotlib_draws_with_the_fonts_without_a_warning(system):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    families = font_families_for("取る")
    assert families == ["DejaVu Sans", "Kanji Sans"]
    figure = Figure()
    canvas = FigureCanvasAgg(figure)
    figure.text(0.5, 0.5, "take 取", fontfamily=families)
    canvas.draw()  # a missing glyph is a warning, and warnings are errors
