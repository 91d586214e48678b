"""MATLAB files, read whole by SciPy."""

from __future__ import annotations

import io
from os.path import isfile  # unlike `Path.is_file`, False also for a name that is too long
from pathlib import Path
from typing import Any

import numpy as np

_VERSION = slice(124, 128)  # bytes of the header
_VERSION_7_3 = (b"\x00\x02IM", b"\x02\x00MI")


def load_matlab(path: Path) -> dict[str, Any]:
    """Read every variable of a MATLAB file that is an array of numbers, texts, cells or structures.

    Args:
        path: a ``.mat`` file of the versions 5 to 7.

    Returns:
        Arrays by name; cell arrays are arrays of objects. Variables of other kinds, such as sparse matrices, are left
        out.

    Raises:
        FileNotFoundError: if there is no such file, but a folder, a pipe or a device, which would be read without end.
        ValueError: if the file is damaged, not a MATLAB file, or of another version.
    """
    from scipy.io import loadmat

    if not isfile(path):
        raise FileNotFoundError(f"no file {path}: check the path")
    content = path.read_bytes()
    if content[_VERSION] in _VERSION_7_3:
        raise ValueError(
            f"{path} is a MATLAB v7.3 file, which this reader does not read: save it again in MATLAB with "
            "`save(file, '-v7', ...)`"
        )
    try:
        # every variable: SciPy passes over those not asked for, even where the file ends early
        variables = loadmat(io.BytesIO(content))
    except Exception as error:  # SciPy raises ten kinds of exception for a damaged file
        raise ValueError(f"{path} is damaged or not a MATLAB file ({error}): fetch or save it again") from error
    return {name: value for name, value in variables.items() if isinstance(value, np.ndarray)}
