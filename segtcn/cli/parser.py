"""A command is a function: jsonargparse reads its signature and docstring, this module puts them in a shell's words.

Types become what a shell is used to: a flag for a ``bool``, ``--length-policy`` for ``length_policy``, choices for a
``Literal``, one option for each field of a dataclass, which is then a group of options.
"""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import json
import re
import typing
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FunctionType, NoneType, UnionType
from typing import Annotated, Any, Literal, NoReturn, Union, get_args, get_origin

import jsonargparse
from jsonargparse._core import ArgumentGroup

from segtcn.atomic import write_text
from segtcn.cli.parser_errors import exit_with_error, usage_line

METAVARS = {int: "N", float: "X", str: "NAME", Path: "PATH"}
"""What stands for the value of an option in its help, where ``Annotated[TYPE, "METAVAR"]`` does not state it."""

SHORT = {"output": "-o", "config": "-c"}
"""Options with a short name."""

Dir = Annotated[Path, "DIR"]
File = Annotated[Path, "FILE"]
Rate = Annotated[float, "RATE"]
Names = Annotated[str, "NAMES"]
Inches = Annotated[float, "INCHES"]
Configs = Annotated[list[Path], "CONFIG", ("action", "append"), ("nargs", None)]


def json_name(text: str) -> str:
    """The name of a file for JSON, or ``-``; anything else is probably the next argument, which it would replace."""
    if text != "-" and not text.endswith(".json"):
        raise argparse.ArgumentTypeError(f"expected a name that ends with .json, got {text}: put a bare --json last")
    return text


Json = Annotated[str, "FILE.json", ("nargs", "?"), ("const", "-"), ("type", json_name)]


def output_record(name: str | None, record: object) -> None:
    """Write or print a record as the option ``--json`` says: None does nothing, ``-`` prints."""
    text = json.dumps(record, indent=2, ensure_ascii=False)
    if name == "-":
        print(text)
    elif name is not None:
        write_text(name, text + "\n")


def split_title(text: str) -> tuple[str | None, Path]:
    """Take ``TITLE=PATH`` apart; a path that exists is not taken apart.

    Args:
        text: a path, or a title and a path.

    Returns:
        The title, None where there is none, and the path.

    Raises:
        ValueError: if the title is that of the true labels, which are not a prediction.

    Example:
        >>> split_title("MS-TCN=predictions/tea.txt")
        ('MS-TCN', PosixPath('predictions/tea.txt'))
        >>> split_title("predictions/tea.txt")
        (None, PosixPath('predictions/tea.txt'))
    """
    title, separator, path = text.partition("=")
    if not separator or not title or not path or Path(text).exists():
        return None, Path(text)
    from segtcn.labels import TRUTH

    if title == TRUTH:
        raise ValueError(f"{text}: the true labels are given by --truth {path}; no prediction has their title")
    return title, Path(path)


class UsageError(ValueError):
    """The arguments do not go together; the exit status is 2 as for a wrong option."""


class _ShellWords:
    """Arguments of a function or a dataclass as words of a shell; ``types`` has their types by name."""

    parser: Any
    types: dict[str, Any]
    positional: set[str]

    def add_argument(self, *names: str, **kwargs: Any) -> argparse.Action:
        """Add the argument; jsonargparse calls this for each parameter."""
        name = names[0].removeprefix("--")
        hint = getattr(self, "parser", self).types.get(name)
        if hint is None:  # --help
            return super().add_argument(*names, **kwargs)  # type: ignore[misc]
        default = kwargs.get("default")
        words = {"help": _help_text(kwargs.get("help"), default), **shell_type(hint, default)}
        if name in getattr(self, "parser", self).positional:
            words.setdefault("metavar", name.upper())
            if name != names[0]:  # it has a default
                words |= {"default": default, "nargs": "*" if "nargs" in words else "?"}
            return super().add_argument(name, **words)  # type: ignore[misc]
        if "type" in words:
            words.setdefault("metavar", METAVARS.get(words["type"]))
            words["type"] = _convert_text(words["type"])
        words |= {"required": True} if kwargs.get("required") else {"default": default}
        flags = [flag for flag in (SHORT.get(name), option_of(name, default)) if flag]
        return super().add_argument(*flags, dest=name, **words)  # type: ignore[misc]


class _Group(_ShellWords, ArgumentGroup):
    pass


class CommandParser(_ShellWords, jsonargparse.ArgumentParser):
    """The command line of a function.

    Its docstring is the help page: what stands before ``Args`` comes first, ``Examples`` and what follows come last.
    Parameters before the ``*`` are positional, the others are options. A parameter ``overrides``, annotated with how
    they begin, such as ``--data.``, gets the options of ``segtcn fit`` untouched, with their values.

    Args:
        function: the command; its name is that of the command.
    """

    _group_class = _Group

    def __init__(self, function: Callable[..., object]) -> None:
        doc = inspect.getdoc(function) or ""
        description, _, rest = doc.partition("\n\nArgs:\n")
        _, _, examples = rest.partition("\n\nExamples:\n")
        self.function = function
        hints = typing.get_type_hints(function, include_extras=True)
        parameters = inspect.signature(function).parameters.values()
        self.positional = {each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD}
        self.groups_of: dict[str, Any] = {name: hint for name, hint in hints.items() if dataclasses.is_dataclass(hint)}
        self.types = {name: hint for name, hint in hints.items() if name not in self.groups_of}
        for group in self.groups_of.values():
            self.types |= _evaluated_types(group)
        super().__init__(
            prog=f"segtcn {function.__name__.replace('_', '-')}",
            description=description,
            epilog=f"examples:\n{examples}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        skip: set[str | int] = {*self.groups_of, "overrides"}
        self.add_function_arguments(_stand_in(function, hints), as_group=False, as_positional=True, skip=skip)
        for group in self.groups_of.values():
            self.add_class_arguments(group)
        self.usage = usage_line(self).removeprefix("usage: ").partition("  (")[0]

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Print the error and exit with status 2."""
        exit_with_error(self, message, ex)

    def values(self, words: Sequence[str]) -> dict[str, Any]:
        """The arguments of the function that a command line gives."""
        words, overrides = self._without_overrides(words)
        values = dict(vars(self.parse_args(words)))
        for name, group in self.groups_of.items():
            values[name] = group(**{field.name: values.pop(field.name) for field in dataclasses.fields(group)})
        return values | ({"overrides": overrides} if "overrides" in self.types else {})

    def _without_overrides(self, words: Sequence[str]) -> tuple[list[str], list[str]]:
        """The words that are the command's own, and the others: argparse would take their values for arguments."""
        start = "".join(get_args(self.types.get("overrides"))[1:])
        command_words: list[str] = []
        overrides: list[str] = []
        words = [*words]
        while words:
            word = words.pop(0)
            if not start or not word.startswith(start) or word.partition("=")[0] in self._option_string_actions:
                command_words.append(word)
                continue
            overrides.append(word)
            if "=" not in word and words and not re.match("--?[a-z]", words[0]):
                overrides.append(words.pop(0))
        return command_words, overrides


def _stand_in(function: Any, hints: dict[str, Any]) -> Callable[..., object]:
    """A copy for jsonargparse: of the function itself it would import all that type checkers and `segtcn` name."""
    copy = FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__)
    copy.__doc__, copy.__kwdefaults__ = function.__doc__, function.__kwdefaults__
    copy.__annotations__, copy.__module__ = hints, "segtcn"
    return copy


def _evaluated_types(group: Any) -> dict[str, Any]:
    """The types of a dataclass's fields, in place of the strings that they are before."""
    group.__init__.__annotations__ = typing.get_type_hints(group, include_extras=True)
    return dict(group.__init__.__annotations__)


def shell_type(hint: Any, default: Any = None) -> dict[str, Any]:
    """The arguments of ``add_argument`` for a type.

    In ``Annotated`` a string is the metavar, and a pair is another argument with its value.

    Example:
        >>> shell_type(Annotated[float, "RATE"] | None), shell_type(Literal["zero", "edge"])
        ({'type': <class 'float'>, 'metavar': 'RATE'}, {'choices': ('zero', 'edge')})
    """
    kind, args = get_origin(hint), get_args(hint)
    if hint is bool:
        return {"action": "store_false" if default else "store_true"}
    if kind in (Union, UnionType):
        return shell_type(next(arg for arg in args if arg is not NoneType))
    if kind is Literal:
        return {"choices": args}
    if kind is Annotated:
        words = shell_type(args[0])
        for more in args[1:]:
            words |= {"metavar": more} if isinstance(more, str) else dict([more])
        return words
    if kind in (list, Sequence):
        return shell_type(args[0]) | {"nargs": "+"}
    return {"type": hint}


def option_of(name: str, default: Any = None) -> str:
    """The option of an argument: dashes, no unit, no ``num_``, and ``--no-`` for what is on by default.

    Example:
        >>> option_of("length_policy"), option_of("start_s"), option_of("num_resamples"), option_of("legend", True)
        ('--length-policy', '--start', '--resamples', '--no-legend')
    """
    return ("--no-" if default is True else "--") + name.removesuffix("_s").removeprefix("num_").replace("_", "-")


def _convert_text(kind: Callable[[str], Any]) -> Callable[[Any], Any]:
    """A type that leaves its values alone: jsonargparse applies it to them again, and to whole lists."""
    if kind in (int, float, str):
        return kind

    def convert(value: Any) -> Any:
        return kind(value) if isinstance(value, str) else value

    return convert


def _help_text(text: str | None, default: Any) -> str:
    text = re.sub(r"(?<!\.)\.$", "", " ".join((text or "").split())).replace("``", "`").replace("%", "%%")
    if default is None or (isinstance(default, bool | Sequence) and not isinstance(default, str)) or "default" in text:
        return text
    return f"{text} (default: {default:g})" if isinstance(default, float) else f"{text} (default: {default})"


def with_options(message: str, parser: CommandParser) -> str:
    """A message of the library, which names arguments, with the options of a command.

    Example:
        ``"`fps` must be positive"`` becomes ``"`fps` (--fps) must be positive"`` for a command with that option.
    """
    options = {action.dest: action.option_strings[-1] for action in parser._actions if action.option_strings}
    options |= {name.removesuffix("_s"): option for name, option in options.items()}

    def add(match: re.Match[str]) -> str:
        option = options.pop(match[1], None)
        if option is None:
            return match[0]
        return f"{match[0]}, {option}" if message[match.start() - 1] == "(" else f"{match[0]} ({option})"

    return re.sub(r"`(\w+)`(?!,? \(?--)", add, message)


def run(function: Callable[..., object], words: Sequence[str]) -> None:
    """Call a function with the arguments of a command line; its errors name options."""
    parser = CommandParser(function)
    try:
        function(**parser.values(words))
    except UsageError as error:
        parser.error(with_options(str(error), parser))
    except (ValueError, OSError) as error:
        if len(error.args) == 1:
            error.args = (with_options(str(error), parser),)
        raise
