"""``TITLE=PATH``, as users name what is drawn."""

from __future__ import annotations

from pathlib import Path


def split_title(text: str) -> tuple[str | None, Path]:
    """Take ``TITLE=PATH`` apart; a path that exists is not taken apart.

    Args:
        text: a path, or a title and a path.

    Returns:
        The title, None where there is none, and the path.

    Example:
        >>> split_title("MS-TCN=predictions/tea.txt")
        ('MS-TCN', PosixPath('predictions/tea.txt'))
        >>> split_title("predictions/tea.txt")
        (None, PosixPath('predictions/tea.txt'))
    """
    title, separator, path = text.partition("=")
    if not separator or not title or not path or Path(text).exists():
        return None, Path(text)
    return title, Path(path)
