"""Fonts that have the characters of a text: matplotlib's own, then those of the system where it lacks some."""

from __future__ import annotations

import functools
import unicodedata
import warnings
from pathlib import Path

_INVISIBLE = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
_VARIATION_SELECTORS = range(0xFE00, 0xFE10)


def font_files_for(text: str) -> list[Path]:
    """Find fonts that have all characters of a text between them.

    Args:
        text: any characters.

    Returns:
        DejaVu Sans, which comes with matplotlib, and then as many fonts of the system as are needed for the characters
        that it lacks, plain fonts without serifs first. Where no font has a character, none is added for it, see
        :func:`missing_glyphs`.

    Example:
        >>> [path.name for path in font_files_for("gießen")]
        ['DejaVuSans.ttf']
    """
    files = [_default_file()]
    missing = _visible(text) - _characters(files[0])
    if missing:
        for path in _system_files():
            if more := missing & _characters(path):
                files.append(path)
                missing -= more
            if not missing:
                break
    return files


def missing_glyphs(text: str) -> str:
    """The characters of a text that no font of this machine has, each once, in order.

    Args:
        text: any characters.

    Example:
        >>> missing_glyphs("gießen 取る") in ("", "取る")
        True
    """
    missing = _visible(text).difference(*(_characters(path) for path in font_files_for(text)))
    return "".join(chr(code) for code in dict.fromkeys(map(ord, text)) if code in missing)


def warn_of_missing_glyphs(text: str) -> None:
    """Warn if no font of the machine has some characters of a text: boxes are drawn for them."""
    if missing := missing_glyphs(text):
        warnings.warn(
            f"no font of this machine has {missing[:20]!r}: boxes stand in their place; install one, such as Noto Sans "
            "of the script",
            stacklevel=3,
        )


def font_families_for(text: str) -> list[str]:
    """The names under which matplotlib knows the fonts of :func:`font_files_for`, for ``fontfamily=``.

    Args:
        text: any characters.

    Example:
        >>> font_families_for("gießen")
        ['DejaVu Sans']
    """
    from matplotlib.font_manager import FontProperties, fontManager

    families = []
    for path in font_files_for(text):
        if all(entry.fname != str(path) for entry in fontManager.ttflist):
            fontManager.addfont(str(path))
        families.append(FontProperties(fname=path).get_name())
    return families


def _visible(text: str) -> frozenset[int]:
    """Characters that need a glyph: no spaces, no marks of direction or variation."""
    return frozenset(
        ord(character)
        for character in text
        if unicodedata.category(character) not in _INVISIBLE and ord(character) not in _VARIATION_SELECTORS
    )


@functools.cache
def _default_file() -> Path:
    import matplotlib

    return Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")


@functools.cache
def _system_files() -> list[Path]:
    from matplotlib.font_manager import findSystemFonts

    return sorted(map(Path, findSystemFonts()), key=_rank)


def _rank(path: Path) -> tuple[bool, bool, bool, bool, str]:
    """Order of the fonts: plain before bold, without serifs before with, outlines before colours."""
    name = path.stem.lower()
    styled = any(word in name for word in ("bold", "italic", "oblique", "light", "thin", "black", "condensed", "mono"))
    return "color" in name, styled, "serif" in name, "sans" not in name and "gothic" not in name, str(path)


@functools.cache
def _characters(path: Path) -> frozenset[int]:
    """Characters for which a font has an outline; none if it cannot be read, or has pictures only."""
    from matplotlib.ft2font import FT2Font

    try:
        font = FT2Font(str(path))
        return frozenset(font.get_charmap()) if font.scalable else frozenset()
    except (OSError, RuntimeError):
        return frozenset()
