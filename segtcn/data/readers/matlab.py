"""MATLAB files, read whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def load_matlab(path: Path) -> dict[str, Any]:
    """Read every variable of a MATLAB file.

    Args:
        path: a ``.mat`` file up to version 7.

    Returns:
        Arrays by name; cell arrays are arrays of objects.

    Raises:
        ValueError: if the file is damaged, no MATLAB file, or of version 7.3.
    """
    from scipy.io import loadmat

    try:
        # every variable: scipy passes over those not asked for, even where the file ends early
        return loadmat(path)
    except NotImplementedError as error:
        raise ValueError(
            f"{path} is a MATLAB v7.3 file, which this reader does not read: save it again in MATLAB with "
            "`save(file, '-v7', ...)`"
        ) from error
    except Exception as error:  # scipy raises ten kinds of exception for a damaged file
        raise ValueError(f"{path} is damaged or no MATLAB file ({error}): fetch or save it again") from error
