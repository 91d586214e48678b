"""Functions as commands: options, help pages and errors."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

import segtcn
from segtcn.cli import COMMANDS, main
from segtcn.cli.parser import CommandParser, Rate, UsageError, run, with_options

FUNCTIONS = [name for name, (module, _) in COMMANDS.items() if not hasattr(importlib.import_module(module), "main")]
CALLS: list[dict[str, Any]] = []
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Look:
    """How it looks.

    Args:
        width: of the picture, 100 % of the page.
        legend: leave the legend out.
        start_s: begin here.
    """

    width: float = 10.0
    legend: bool = True
    start_s: Rate | None = None


def draw(
    clip: Path,
    files: list[str],
    *,
    output: Path,
    unit: Literal["seconds", "frames"] = "seconds",
    worst: int | None = None,
    title: str | None = None,
    per_video: bool = False,
    names: list[str] | None = None,
    look: Look,
) -> None:
    """Draw a clip.

    Args:
        clip: the clip.
        files: label files.
        output: what to write.
        unit: of the axis.
        worst: the N worst videos.
        title: above the picture.
        per_video: one page a video.
        names: which videos.
        look: how it looks.

    Examples:
      segtcn draw clip.mp4 a.txt -o out.png

    Notes come last.
    """
    if title == "wrong":
        raise ValueError("`start_s` must be before the end, `worst` and `legend` are not, `nothing` is")
    if title == "usage":
        raise UsageError("give `worst`")
    CALLS.append({**locals()})


def call(words: str) -> dict[str, Any]:
    run(draw, ["clip.mp4", "a.txt", "b.txt", "-o", "out.png", *words.split()])
    return CALLS.pop()


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        ("", "files", ["a.txt", "b.txt"]),
        ("", "output", Path("out.png")),
        ("--output=x.png", "output", Path("x.png")),
        ("--unit frames", "unit", "frames"),
        ("--worst 3", "worst", 3),
        ("--title 12", "title", "12"),
        ("--title null", "title", "null"),
        ("--title [1,2]", "title", "[1,2]"),
        ("--per-video", "per_video", True),
        ("--names a b", "names", ["a", "b"]),
        ("--width 7 --no-legend --start 2.5", "look", Look(7.0, False, 2.5)),
    ],
)
def test_options_become_arguments(words, name, value):
    assert call(words)[name] == value


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--wrst 3", "unrecognized arguments: --wrst 3; did you mean --worst?"),
        ("--pervideo", "did you mean --per-video?"),
        ("--worst many", "argument --worst: expected a whole number, got many"),
        ("--width wide", "argument --width: expected a number, got wide"),
        ("--unit hours", "invalid choice: 'hours' (choose from 'seconds', 'frames')"),
        ("--title usage", "give `worst` (--worst)"),
    ],
)
def test_a_wrong_option_is_two_lines_with_the_nearest_one(words, message, capsys):
    with pytest.raises(SystemExit) as stop:
        call(words)
    assert stop.value.code == 2
    error, usage = capsys.readouterr().err.splitlines()
    assert error.startswith("segtcn draw: error: ")
    assert message in error
    assert usage == "usage: segtcn draw CLIP FILES ... -o PATH [OPTIONS]  (segtcn draw --help lists them)"


def test_missing_arguments_are_named_as_the_usage_names_them(capsys):
    with pytest.raises(SystemExit) as stop:
        run(draw, ["clip.mp4"])
    assert stop.value.code == 2
    assert "segtcn draw: error: give FILES, -o PATH\n" in capsys.readouterr().err


def test_messages_of_the_library_get_the_options_of_the_command():
    with pytest.raises(ValueError, match="`start_s`") as error:
        call("--title wrong")
    assert str(error.value) == (
        "`start_s` (--start) must be before the end, `worst` (--worst) and `legend` (--no-legend) are not, `nothing` is"
    )
    assert with_options("`worst` (--worst) is told once", CommandParser(draw)) == "`worst` (--worst) is told once"


def test_the_help_page_is_the_docstring(capsys):
    with pytest.raises(SystemExit):
        call("--help")
    page = capsys.readouterr().out
    for line in (
        "usage: segtcn draw CLIP FILES ... -o PATH [OPTIONS]",
        "Draw a clip.",
        "  FILES                 label files",
        "  --unit {seconds,frames}",
        "                        of the axis (default: seconds)",
        "How it looks:",
        "  --width X             of the picture, 100 % of the page (default: 10)",
        "  --no-legend           leave the legend out",
        "  --start RATE          begin here",
        "examples:",
        "  segtcn draw clip.mp4 a.txt -o out.png",
        "Notes come last.",
    ):
        assert line in page.splitlines()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_command_has_examples_and_documents_every_option(name):
    parser = CommandParser(getattr(importlib.import_module(COMMANDS[name][0]), name.replace("-", "_")))
    examples = [line for line in (parser.epilog or "").splitlines() if line.strip().startswith("segtcn ")]
    assert any(example.split()[1] == name for example in examples)
    undocumented = [action.dest for action in parser._actions if not action.help]
    assert not undocumented
    for example in examples:
        options = {word.partition("=")[0] for word in example.partition("#")[0].split() if re.match(r"--?[a-z]", word)}
        own = {option for option in options if "overrides" not in parser.types or "." not in option}
        assert example.split()[1] != name or own <= {*parser._option_string_actions}, example


@pytest.mark.parametrize(
    ("name", "words", "overrides"),
    [
        ("check", "--data.card=a.md DIR --data.split 2 --strict", "--data.card=a.md --data.split 2"),
        ("crossval", "--print_config --seeds 0,1 --model.net EDTCN -c a.yaml", "--print_config --model.net EDTCN"),
    ],
)
def test_options_of_fit_pass_through_with_their_values(name, words, overrides):
    values = CommandParser(getattr(importlib.import_module(COMMANDS[name][0]), name)).values(words.split())
    assert values["overrides"] == overrides.split()
    assert values.get("data", Path("DIR")) == Path("DIR")


@pytest.mark.parametrize("name", ["", *FUNCTIONS])
def test_help_does_not_import_what_takes_seconds(name):
    code = (
        "import sys, json; from segtcn.cli import main\n"
        f"try: main({[*filter(None, [name]), '--help']})\n"
        "except SystemExit: pass\n"
        "print(json.dumps([name for name in ('torch', 'cv2', 'av', 'matplotlib', 'h5py') if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == []


@pytest.mark.parametrize(
    ("program", "lines"),
    [
        (["-m", "segtcn", "--help"], [*(f"  {name} " for name in COMMANDS), "segtcn crossval -c"]),
        (["-m", "segtcn", "--version"], [segtcn.__version__]),
        ([str(ROOT / "tools" / "overlay_video.py"), "--help"], ["usage: segtcn overlay "]),
    ],
)
def test_module_and_script_are_doors_to_the_commands(program, lines):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, *program], capture_output=True, text=True, check=True, env=environment)
    assert all(line in done.stdout for line in lines)


def test_a_wrong_command_comes_with_the_nearest_one(capsys):
    assert main(["evalute"]) == 2
    assert "there is no command 'evalute'; did you mean evaluate?" in capsys.readouterr().err
    assert main(["zzz"]) == 2
    assert "there are fit, validate, test" in capsys.readouterr().err
