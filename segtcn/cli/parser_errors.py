"""What is wrong with a command line, in two lines: the error with the nearest option or class, and the usage."""

from __future__ import annotations

import argparse
import difflib
import importlib
import inspect
import re
import sys
from collections.abc import Iterable
from types import MethodType
from typing import Any, NoReturn, TypeVar

Parser = TypeVar("Parser", bound=argparse.ArgumentParser)

CLASSES = {
    "model.net": "segtcn.models",
    "model.loss": "segtcn.losses",
    "model.optimizer": "torch.optim",
    "data.reader": "segtcn.data.readers",
}
"""Options of ``segtcn fit`` whose values are classes, and the modules that may be left out before their names."""


CONFIGS = {
    "model.net": "no model config is given, such as -c ed_tcn",
    "data.reader": "no data config is given, such as -c mydata/data.yaml, which `segtcn init mydata` writes",
}
"""Required options of ``segtcn fit`` that a config usually gives."""


def shorten_errors(parser: Parser) -> Parser:
    """Let a parser print its errors as :func:`exit_with_error` does; returns the parser."""
    setattr(parser, "error", MethodType(exit_with_error, parser))  # noqa: B010  # a method, for mypy
    return parser


def exit_with_error(parser: argparse.ArgumentParser, message: str, ex: Exception | None = None) -> NoReturn:
    """Print the error and one line of usage, and exit with status 2.

    Args:
        parser: whose error it is.
        message: as ``argparse`` or ``jsonargparse`` says it.
        ex: its cause; jsonargparse notes there which subcommand has the error.
    """
    parser = getattr(ex, "subcommand_parser", None) or parser
    program = parser.prog.replace(" [options]", "")
    print(f"{program}: error: {explain(message, parser)}\n{usage_line(parser)}", file=sys.stderr)
    sys.exit(2)


def explain(message: str, parser: argparse.ArgumentParser) -> str:
    """A message in words of the command line, with the nearest option or class if a name is wrong."""
    text = " ".join(message.split())
    if match := re.match(r"unrecognized arguments: .*?(--?[\w.-]+)", text):
        return text + nearest(match[1], parser._option_string_actions)
    if match := re.fullmatch(r"the following arguments are required: (.*)", text):
        names = {action.dest: _word(action) for action in parser._actions}
        # of a subcommand jsonargparse says `fit.data.reader`
        words = [names.get(name, f"--{name.partition('.')[2]}") for name in match[1].split(", ")]
        missing = "; ".join(CONFIGS[name] for name in match[1].split(", ") if name in CONFIGS)
        return f"give {', '.join(words)}{missing and f': {missing}'}"
    match = re.match(r'Parser key "([\w.]+)": (.*)', text)
    return text if match is None else _explain_value(match[1], match[2], parser)


def _explain_value(key: str, text: str, parser: argparse.ArgumentParser) -> str:
    options = {action.dest: action.option_strings for action in parser._actions if action.option_strings}
    argument = f"argument {options.get(key, [f'--{key}'])[-1]}"
    if match := re.fullmatch(r"Expected a <class '(\w+)'>\. Got value: (.*)", text):
        kind = {"int": "a whole number", "float": "a number"}.get(match[1], match[1])
        return f"{argument}: expected {kind}, got {match[2]}"
    if match := re.search(r"class_path '([\w.]+)\.(\w+)': Option '(\w+)' is not accepted", text):
        parameters = inspect.signature(getattr(importlib.import_module(match[1]), match[2])).parameters
        return f"{argument}: {match[2]} has no argument {match[3]}{nearest(match[3], parameters)}"
    if key in CONFIGS and text.endswith("is abstract"):  # an argument of it is given, and nothing names the class
        return CONFIGS[key]
    if key in CLASSES and (match := re.search(r"Expected a dot import path string: (\w+)", text)):
        names = vars(importlib.import_module(CLASSES[key]))
        classes = [name for name, value in names.items() if inspect.isclass(value)]
        return f"{argument}: there is no class {match[1]}{nearest(match[1], classes)}"
    return f"{argument}: {text}"


def usage_line(parser: argparse.ArgumentParser) -> str:
    """Positional arguments and required options of a parser, and that there are more."""
    words = [_in_usage(action) for action in parser._actions if action.required or not action.option_strings]
    program = parser.prog.replace(" [options]", "")
    return " ".join(["usage:", program, *words, "[OPTIONS]"]) + f"  ({program} --help lists them)"


def _in_usage(action: argparse.Action) -> str:
    form = {"+": "{} ...", "*": "[{} ...]", "?": "[{}]"}.get(str(action.nargs), "{}")
    return _word(action) if action.option_strings else form.format(_word(action))


def _word(action: argparse.Action) -> str:
    value = str(action.metavar or action.dest.upper())
    return f"{action.option_strings[0]} {value}" if action.option_strings else value


def nearest(word: str, known: Iterable[Any]) -> str:
    """The end of a message about an unknown name: the nearest one of those that are known, or nothing.

    Args:
        word: the unknown name.
        known: the others.

    Example:
        >>> nearest("ed_tnc", ["ed_tcn", "tdnn"])
        '; did you mean ed_tcn?'
    """
    near = difflib.get_close_matches(word, [str(name) for name in known], 1)
    return f"; did you mean {near[0]}?" if near else ""
