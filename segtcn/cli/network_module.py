"""A module with a network of the user's, which a checkpoint names by its class alone."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Annotated

Module = Annotated[str, "MODULE"]


def import_module(name: str | None) -> None:
    """Import a module, also one of the current directory.

    Args:
        name: as in Python, ``mine`` for ``mine.py``; None imports nothing.

    Raises:
        ImportError: if it cannot be imported.
    """
    if name is None:
        return
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # last, so that nothing there hides a library
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ImportError(f"cannot import `module` {name} ({error}): `mine` stands for ./mine.py") from error
