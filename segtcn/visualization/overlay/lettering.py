"""Texts of any script as pictures: fonts that have the characters, right-to-left order, joined Arabic, emoji."""

from __future__ import annotations

import math
import unicodedata
import warnings
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from segtcn.visualization.fonts import font_files_for, missing_glyphs

if TYPE_CHECKING:
    from PIL import Image as PillowImage
    from PIL import ImageDraw, ImageFont

_BITMAP_SIZES = (109, 136, 128, 160, 96, 64)
"""Sizes of the pictures in emoji fonts, which exist in one size only: Noto's, and those of others."""

_FIRST_OF = {"L": "L", "R": "R", "AL": "R", "EN": "N", "AN": "N"}
"""What the classes of Unicode's bidirectional algorithm mean here: left, right, number. Others are neutral."""

_MIRRORED = {
    a: b for pair in (("(", ")"), ("[", "]"), ("{", "}"), ("<", ">"), ("«", "»")) for a, b in (pair, pair[::-1])
}


class TextPicture(NamedTuple):
    """A text as a picture.

    Args:
        cover: how much of each pixel it covers, from 0 to 1, ``(H, W)`` float32.
        colors: red, green, blue of characters that bring their own colours, ``(H, W, 3)`` uint8; None if none does.
    """

    cover: npt.NDArray[np.float32]
    colors: npt.NDArray[np.uint8] | None


@lru_cache(maxsize=256)  # pictures: of 4K clips they are large
def text_picture(text: str, size: int) -> TextPicture:
    """Draw a text; all texts of a size are equally high.

    Args:
        text: one line in any script.
        size: of the font, in pixels.
    """
    from PIL import Image, ImageDraw

    font = _font(_default_font(), size)
    ascent, descent = font.getmetrics()
    letters = Image.new("L", (text_width(text, size), ascent + descent))
    draw = ImageDraw.Draw(letters)
    emoji: list[tuple[PillowImage.Image, int]] = []
    x = 0.0
    for piece, rtl, path in _pieces(text):
        if path == _emoji_font().path:
            emoji.append((_emoji(piece, rtl, size), round(x)))
        else:
            _draw(draw, (x, ascent), piece, rtl, _font(path, size), fill=255)
        x += _length(piece, rtl, path, size)
    if not emoji:
        return TextPicture(np.asarray(letters, np.float32) / np.float32(255), None)
    picture = Image.new("RGBA", letters.size, "white")
    picture.putalpha(letters)
    for character, left in emoji:
        picture.alpha_composite(character, (left, max(0, (ascent + descent - character.height) // 2)))
    pixels = np.asarray(picture)
    return TextPicture(np.asarray(pixels[..., 3] / 255, np.float32), pixels[..., :3].copy())


@lru_cache(maxsize=4096)
def text_width(text: str, size: int) -> int:
    """Width of a text in pixels."""
    return max(1, math.ceil(sum(_length(*piece, size) for piece in _pieces(text))))


@lru_cache(maxsize=4096)
def shortened(text: str, size: int, room: int) -> str:
    """The text, or as much of its beginning and "…" as fit into ``room`` pixels."""
    if text_width(text, size) <= room:
        return text
    fits, too_long = 0, len(text)
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if text_width(text[:middle] + "…", size) <= room:
            fits = middle
        else:
            too_long = middle
    return text[:fits] + "…"


def warn_of_missing_characters(texts: Iterable[str]) -> None:
    """Warn, once for all texts, if no font of the machine has some of their characters: boxes are drawn for them."""
    texts = sorted(set(texts))
    missing = [char for char in missing_glyphs("".join(texts)) if ord(char) not in _emoji_font().characters]
    if missing:
        named = ", ".join(f"{char} (U+{ord(char):04X})" for char in missing[:8])
        example = next(text for text in texts if missing[0] in text)
        warnings.warn(
            f"no font on this machine has {len(missing)} of the characters: {named}{', ...' if missing[8:] else ''}, "
            f"as in {example!r}; boxes stand for them. Install a font that has them, such as Noto (Debian: "
            "fonts-noto-core, fonts-noto-cjk, fonts-noto-color-emoji)",
            stacklevel=3,
        )


def visual_runs(text: str) -> list[tuple[str, bool]]:
    """Split a line into runs of one direction, in the order from left to right, as Unicode's algorithm for short lines.

    Args:
        text: a line in the order in which it is spoken.

    Returns:
        For every run its text, still as spoken, and whether it reads from right to left.

    Example:
        >>> visual_runs("cup 2: \u05d0\u05d1") == [("cup 2: ", False), ("\u05d0\u05d1", True)]
        True
    """
    kinds: list[str] = []
    for char in text:
        kind = _FIRST_OF.get(unicodedata.bidirectional(char), "")
        # an accent goes with its letter
        kinds.append(kinds[-1] if kinds and unicodedata.bidirectional(char) == "NSM" else kind)
    if "R" not in kinds:
        return [(text, False)] if text else []
    levels = _levels(kinds)
    runs: list[tuple[str, int]] = []
    for char, level in zip(text, levels, strict=True):
        if runs and runs[-1][1] == level:
            runs[-1] = (runs[-1][0] + char, level)
        else:
            runs.append((char, level))
    for lowest in range(max(levels), 0, -1):
        runs = _reversed_from(runs, lowest)
    return [(run, level % 2 == 1) for run, level in runs]


def _levels(kinds: list[str]) -> list[int]:
    """How deep each character is nested: odd reads from right to left, even from left to right."""
    base = strong = next(kind for kind in kinds if kind in ("L", "R"))
    settled = []
    for kind in kinds:
        strong = kind if kind in ("L", "R") else strong
        settled.append("L" if kind == "N" and strong == "L" else kind)
    levels = []
    for position, kind in enumerate(settled):
        if kind == "":  # between two of a direction: of that; numbers among letters from right to left count as those
            before = next((k for k in reversed(settled[:position]) if k), base).replace("N", "R")
            after = next((k for k in settled[position:] if k), base).replace("N", "R")
            kind = before if before == after else base  # noqa: PLW2901
        levels.append({"L": 0 if base == "L" else 2, "R": 1, "N": 2}[kind])
    return levels


def _reversed_from(runs: list[tuple[str, int]], lowest: int) -> list[tuple[str, int]]:
    """Reverse the order of neighbouring runs whose level is at least ``lowest``."""
    result: list[tuple[str, int]] = []
    block: list[tuple[str, int]] = []
    for run in runs:
        if run[1] >= lowest:
            block.insert(0, run)
        else:
            result += [*block, run]
            block = []
    return result + block


@lru_cache(maxsize=4096)
def _pieces(text: str) -> list[tuple[str, bool, Path]]:
    """Parts of one direction and one font, from left to right; whether it reads from right to left, and the font."""
    return [(piece, rtl, path) for run, rtl in visual_runs(text) for piece, path in _by_font(run, rtl)]


def _by_font(run: str, rtl: bool) -> list[tuple[str, Path]]:
    """Split a run into pieces of one font, from left to right."""
    pieces: list[tuple[str, Path]] = []
    for char in run:
        path = _font_of(char)
        # accents, joiners, and the colours of skin belong to what is before them
        joins = unicodedata.category(char) in ("Mn", "Me", "Cf") or 0x1F3FB <= ord(char) <= 0x1F3FF
        if pieces and (joins or pieces[-1][0][-1] == "\u200d" or pieces[-1][1] == path):
            pieces[-1] = (pieces[-1][0] + char, pieces[-1][1])
        else:
            pieces.append((char, path))
    return pieces[::-1] if rtl else pieces


@lru_cache(maxsize=4096)
def _font_of(char: str) -> Path:
    """The font that draws a character; the default one draws a box where none has it."""
    files = font_files_for(char)
    if len(files) == 1 and missing_glyphs(char) and ord(char) in _emoji_font().characters:
        return _emoji_font().path
    return files[-1]


@lru_cache(maxsize=1)
def _default_font() -> Path:
    return font_files_for("")[0]


class _EmojiFont(NamedTuple):
    """A font that consists of pictures of one size; without characters where the machine has none."""

    path: Path
    size: int
    characters: frozenset[int]


@lru_cache(maxsize=1)
def _emoji_font() -> _EmojiFont:
    from matplotlib.font_manager import findSystemFonts
    from matplotlib.ft2font import FT2Font
    from PIL import ImageFont

    for path in sorted(path for path in findSystemFonts() if "emoji" in Path(path).name.lower()):
        for size in _BITMAP_SIZES:
            try:
                ImageFont.truetype(path, size)
                return _EmojiFont(Path(path), size, frozenset(FT2Font(path).get_charmap()))
            except (OSError, RuntimeError):
                continue
    return _EmojiFont(Path(), 0, frozenset())


@lru_cache(maxsize=64)
def _font(path: Path, size: int) -> ImageFont.FreeTypeFont:
    from PIL import ImageFont

    layout = ImageFont.Layout.RAQM if _shapes() else ImageFont.Layout.BASIC
    return ImageFont.truetype(str(path), size, layout_engine=layout)


@lru_cache(maxsize=1)
def _shapes() -> bool:
    """Whether Pillow can join letters: its wheels bring the library but for a part that the system must have."""
    from PIL import features

    return bool(features.check("raqm") and features.check("fribidi"))


def _shaped(run: str, rtl: bool) -> str:
    """The characters to draw from left to right, for a Pillow that draws one after the other."""
    run = unicodedata.normalize("NFC", run)
    return "".join(_MIRRORED.get(char, char) for char in reversed(_joined(run))) if rtl else run


def _joined(text: str) -> str:
    """Arabic letters in the forms that they take beside their neighbours."""
    forms = _arabic_forms()
    shaped = []
    for position, char in enumerate(text):
        # a letter has initial and medial forms if it joins the next one
        before = position > 0 and "initial" in forms.get(text[position - 1], {}) and char in forms
        after = "initial" in forms.get(char, {}) and text[position + 1 : position + 2] in forms
        form = ("medial" if after else "final") if before else ("initial" if after else "isolated")
        shaped.append(forms.get(char, {}).get(form, char))
    return "".join(shaped)


@lru_cache(maxsize=1)
def _arabic_forms() -> dict[str, dict[str, str]]:
    """For every Arabic letter its forms: isolated, final and, if it joins the next one, initial and medial."""
    forms: dict[str, dict[str, str]] = {}
    for code in (*range(0xFB50, 0xFBB2), *range(0xFBD3, 0xFC00), *range(0xFE80, 0xFEFD)):
        form, _, letter = unicodedata.decomposition(chr(code)).partition("> ")
        if form and len(letter) == 4:  # more are ligatures
            forms.setdefault(chr(int(letter, 16)), {})[form[1:]] = chr(code)
    return forms


def _draw(
    draw: ImageDraw.ImageDraw, xy: tuple[float, float], run: str, rtl: bool, font: ImageFont.FreeTypeFont, **how: Any
) -> None:
    """Draw a run with the left end of its baseline at ``xy``."""
    if _shapes():
        draw.text(xy, run, font=font, anchor="ls", direction="rtl" if rtl else "ltr", **how)
    else:
        draw.text(xy, _shaped(run, rtl), font=font, anchor="ls", **how)


@lru_cache(maxsize=4096)
def _length(run: str, rtl: bool, path: Path, size: int) -> float:
    if path == _emoji_font().path:
        return float(_emoji(run, rtl, size).width)
    font = _font(path, size)
    return float(
        font.getlength(run, direction="rtl" if rtl else "ltr") if _shapes() else font.getlength(_shaped(run, rtl))
    )


@lru_cache(maxsize=256)
def _emoji(run: str, rtl: bool, size: int) -> PillowImage.Image:
    """Emoji as pictures, a little higher than capital letters."""
    from PIL import Image, ImageDraw

    font = _font(_emoji_font().path, _emoji_font().size)
    left, top, right, bottom = font.getbbox(run, anchor="ls")
    picture = Image.new("RGBA", (max(1, math.ceil(right - left)), max(1, math.ceil(bottom - top))))
    _draw(ImageDraw.Draw(picture), (-left, -top), run, rtl, font, embedded_color=True)
    scale = 1.1 * size / picture.height
    return picture.resize((max(1, round(scale * picture.width)), max(1, round(scale * picture.height))))
