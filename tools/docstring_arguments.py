"""Do the documented arguments of a function or class agree with its signature?"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable

_IMPLIED = {"self", "cls", "args", "kwargs"}


def argument_problems(value: type | Callable[..., object]) -> str:
    """What the arguments of a docstring and of a signature do not share.

    Args:
        value: a function or class.

    Returns:
        The differences in words; empty if there are none.

    Example:
        >>> def crop(frames, start):
        ...     '''Cut.
        ...
        ...     Args:
        ...         frames: all.
        ...         stop: end.
        ...     '''
        >>> argument_problems(crop)
        'lacks start, documents stop, which is not an argument'
    """
    documented = _documented(docstring(value))
    if inspect.isclass(value) and issubclass(value, BaseException) and not documented:
        return ""  # the signature of an exception is that of its base class
    call = value.__init__ if inspect.isclass(value) and "__init__" in vars(value) else value  # type: ignore[misc]
    arguments = {*inspect.signature(call).parameters} - _IMPLIED
    problems = [f"lacks {name}" for name in sorted(arguments - documented)]
    problems += [f"documents {name}, which is not an argument" for name in sorted(documented - arguments - _IMPLIED)]
    return ", ".join(problems)


def docstring(value: object) -> str:
    """The docstring in the source of a class or function; a class without one inherits nothing.

    Args:
        value: the class or function.
    """
    text = vars(value).get("__doc__") if inspect.isclass(value) else value.__doc__
    return inspect.cleandoc(text or "")


def _documented(text: str) -> set[str]:
    section = re.search(r"^Args:\n((?:    .*\n|\n)+)", f"{text}\n", re.MULTILINE)
    names = re.findall(r"^    ([\w*]+(?:, [\w*]+)*):", section[1], re.MULTILINE) if section else []
    return {name.strip(" *") for line in names for name in line.split(",")}
