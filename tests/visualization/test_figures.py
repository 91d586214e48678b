"""Files of figures: the same bytes, whole or not there."""

from __future__ import annotations

import re

import pytest
from matplotlib.figure import Figure

from segtcn.visualization import plot_timeline, save_figure, save_figures
from segtcn.visualization.figures import text_style


def drawn() -> Figure:
    return plot_timeline({"truth": [0, 0, 1], "ED-TCN": [0, 1, 1]}, "tea $5", classes=["take", "gießen & <b>"], fps=1)


@pytest.mark.parametrize("ending", ["png", "svg", "pdf", "PNG"])
def test_equal_figures_make_equal_files(tmp_path, ending):
    paths = [tmp_path / f"{number}.{ending}" for number in range(2)]
    for path in paths:
        save_figure(drawn(), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert sorted(tmp_path.iterdir()) == paths


def test_text_stays_text(tmp_path):
    save_figure(drawn(), tmp_path / "a.svg")
    texts = re.findall("<text[^>]*>([^<]*)</text>", (tmp_path / "a.svg").read_text())
    assert {"truth", "ED-TCN", "take", "gießen &amp; &lt;b&gt;", "tea $5"} <= {*texts}
    save_figure(drawn(), tmp_path / "a.pdf")
    assert b"/Subtype /Type0" in (tmp_path / "a.pdf").read_bytes()  # TrueType; outlines without text are Type3


def test_pages_are_one_pdf_or_numbered_files(tmp_path):
    figures = [drawn() for _ in range(10)]
    assert save_figures(figures, tmp_path / "all.pdf") == [tmp_path / "all.pdf"]
    assert (tmp_path / "all.pdf").read_bytes().count(b"/Type /Page ") == 10
    files = save_figures(figures, tmp_path / "all.png", dpi=20)
    assert [file.name for file in files[:2]] == ["all-01.png", "all-02.png"]
    assert all(file.stat().st_size for file in files)
    assert save_figures(figures[:1], tmp_path / "one.png", dpi=20) == [tmp_path / "one.png"]


def test_nothing_is_left_of_a_file_that_failed(tmp_path, monkeypatch):
    figure = drawn()

    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(figure, "savefig", fail)
    for ending in ("png", "pdf"):
        with pytest.raises(OSError, match="no room for the file"):
            save_figure(figure, tmp_path / f"a.{ending}")
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("name", "dpi", "message"),
    [
        ("a.jpg", 100, r"cannot write .*a.jpg: the name must end in .png, .svg or .pdf"),
        ("a", 100, "the name must end in"),
        ("a.png", 0, "`dpi` must be positive, got 0"),
        ("a.png", 100_000, "are more than 65,535 pixels on a side; choose fewer dpi, or a PDF"),
    ],
)
def test_what_cannot_be_written(tmp_path, name, dpi, message):
    with pytest.raises(ValueError, match=message):
        save_figure(drawn(), tmp_path / name, dpi)


def test_no_figure_and_no_folder(tmp_path):
    with pytest.raises(ValueError, match="at least one figure to write, got none"):
        save_figures([], tmp_path / "a.png")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        save_figure(drawn(), tmp_path / "missing" / "a.png")


def test_characters_without_a_font_are_named(monkeypatch):
    monkeypatch.setattr("segtcn.visualization.fonts.missing_glyphs", lambda text: "取")
    with pytest.warns(UserWarning, match="no font of this machine has '取': boxes stand in their place; install one"):
        text_style("取")
