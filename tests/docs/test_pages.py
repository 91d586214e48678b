"""Pages keep their promises: Python blocks run, shell blocks name what exists, sentences are short."""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import re
import runpy
import shlex
import sys
from itertools import zip_longest
from pathlib import Path

import pytest

import segtcn
from segtcn.cli import COMMANDS, main
from tests.conftest import write_tree

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
LIGHTNING = ("fit", "validate", "test", "predict", "crossval", "learncurve", "sweep", "check", "convert")
"""Commands that take the options of ``segtcn fit``."""

CLIPS_AND_SEGMENTER = """
import numpy as np
from pathlib import Path
from segtcn.extract import load_backbone
from segtcn.models import EDTCN
from segtcn.segmenter import Segmenter
from tests.clips import write_clip
Path("clips").mkdir()
for path in ("clip.mp4", "clips/tea.mp4"):
    write_clip(Path(path), num_frames=12, fps=30)
settings = dict(window=1, stride=1, padding=None, fps=None)
extraction = dict(backbone=load_backbone("builtin").settings, **settings)
net = EDTCN(278, 2, (6,), 3, causal={causal})
Segmenter(net, ["pour", "stir"], fps=30, extraction=extraction).save("RUN")
"""
GIVEN = {
    "decode": """
import numpy as np
from segtcn.labels import Classes, Labels
truth = np.repeat([0, 1, 0], 10)
scores = np.stack([1 - truth, truth]).astype(np.float32)
classes = Classes(("rest", "cut"))
training_labels = [labels := Labels(truth, classes, 10, scores)]
from segtcn.decoding import Decoder
from segtcn.models import EDTCN
from segtcn.segmenter import Segmenter
Segmenter(EDTCN(8, 2, (6,), 3, causal=True), classes, fps=10).save("RUN")
Decoder("median", 0.5, classes).save("median.json")
source = np.zeros((2, 8, 20), np.float32)
""",
    "data_format": "path = 'kitchen.h5'",
    "protocols": """
import numpy as np
names = ["background", "cut"]
preds = labels = {"P01_tea": np.array([0, 1, 1])}
""",
    "predict": f"""{CLIPS_AND_SEGMENTER.format(causal=False)}
np.save("features.npy", np.zeros((278, 20), np.float32))
""",
    "streaming": f"""{CLIPS_AND_SEGMENTER.format(causal=True)}
source = np.zeros((2, 278, 20), np.float32)
""",
    "export": """
import numpy as np
from segtcn.models import MSTCN
from segtcn.segmenter import Segmenter
from segtcn.segmenter.export import export_onnx
net = MSTCN(8, 2, num_stages=1, num_layers=2, hidden_channels=4, causal=True)
for streaming, path in ((False, "model.onnx"), (True, "live.onnx")):
    export_onnx(Segmenter(net, ["pour", "stir"], fps=30), path, streaming=streaming)
np.save("features.npy", np.zeros((8, 40), np.float32))
""",
    "several_labels": """
import numpy as np
import segtcn
from segtcn.labels.track_classes import TrackClasses, occurrence
from segtcn.models import EDTCN
from segtcn.segmenter import Segmenter
from segtcn.structures import Track
tracks = TrackClasses.of([Track("left", ("background", "reach")), occurrence("groom")])
Segmenter(EDTCN(8, 3, (6,), 3), tracks, fps=25, target="multi").save("RUN")
np.save("P01.npy", np.zeros((8, 40), np.float32))
""",
    "diffact": """
import torch
from segtcn.models import DiffAct
from segtcn.segmenter import Segmenter
from pathlib import Path
Path("runs").mkdir()
Segmenter(DiffAct(8, 2, num_steps=2), ["pour", "stir"], fps=15).save("runs/diffact")
features = torch.zeros(8, 40)
""",
    "player": """
from tests.clips import write_clip
from pathlib import Path
write_clip(Path("tea.mp4"), num_frames=90, fps=30)
""",
}
"""What a page takes for granted, by its name."""


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, *languages: str) -> list[str]:
    """The fenced blocks of a page in some languages, without their indentation."""
    return [
        "\n".join(line.removeprefix(indent) for line in text.split("\n"))
        for indent, language, text in FENCE.findall(page.read_text("utf-8"))
        if language in languages
    ]


def pages_with(*languages: str) -> list[Path]:
    return [page for page in PAGES if blocks(page, *languages) and "results" not in page.parts]


@pytest.fixture
def folder_of_a_reader(tmp_path, monkeypatch):
    """The current directory: with ``mydata`` as ``segtcn init`` leaves it, and training of two epochs."""
    write_tree(tmp_path / "mydata")
    (tmp_path / "mydata" / "data.yaml").write_text(
        "data:\n  reader:\n    class_path: segtcn.data.readers.MSTCNReader\n"
        "    init_args: {root: mydata, fps: 10, background: background}\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(segtcn, "fit", functools.partial(segtcn.fit, max_epochs=2))
    return tmp_path


@pytest.mark.parametrize("page", pages_with("python"), ids=name_of)
@pytest.mark.filterwarnings("ignore:The 'train_dataloader' does not have many workers")
def test_python_blocks_run(page, folder_of_a_reader):
    names = {"__name__": page.stem}
    exec(compile(GIVEN.get(page.stem, ""), "given", "exec"), names)
    for number, code in enumerate(blocks(page, "python"), start=1):
        exec(compile(code, f"{name_of(page)}, Python block {number}", "exec"), names)


@functools.cache
def help_of(command: str) -> str:
    """What ``segtcn COMMAND --help`` prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        main([command, "--help"])
    return printed.getvalue()


def is_known(option: str, command: str) -> bool:
    """Whether a command has an option; of classes that configs name, whether the option of the class is there."""
    text = help_of(command) + (help_of("fit") if command in LIGHTNING else "")

    def states(name: str) -> bool:
        return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", text) is not None

    parents = [".".join(option.split(".")[:n]) for n in range(2, option.count(".") + 1)]
    return states(option) or any(states(f"{parent}.help") for parent in parents)


def shell_lines() -> list[tuple[str, str]]:
    """Page and command of every line of a shell block that begins with a program, and of code in the text."""
    lines = []
    for page in PAGES:
        for code in blocks(page, "bash", ""):
            text = code.replace("\\\n", " ")
            lines += [(name_of(page), line.strip()) for line in text.split("\n") if re.match(r"(segtcn|make) ", line)]
        inline = FENCE.sub("", page.read_text("utf-8"))
        lines += [(name_of(page), line) for line in re.findall(r"`(segtcn [a-z]+ [^`.]*[^`]*)`", inline)]
        for code in blocks(page, "bash"):
            programs = {line.split()[0] for line in code.replace("\\\n", " ").split("\n") if line.strip()}
            assert programs <= {"segtcn", "pip", "make", "git"}, (page, programs)
    return lines


@pytest.mark.parametrize(("page", "line"), shell_lines())
def test_shell_lines_name_commands_options_and_configs_that_exist(page, line):
    program, command, *words = shlex.split(line, comments=True)
    if program == "make":
        assert re.search(rf"^{command}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
        return
    if command == "--help":
        return
    assert command in COMMANDS
    for word, value in zip_longest(words, words[1:], fillvalue=""):
        if re.match(r"--?[a-z]", word):
            assert is_known(word.partition("=")[0], command), f"segtcn {command} has no {word}"
        if word in ("-c", "--models") and re.fullmatch(r"[a-z0-9_/]+", value):
            shipped = [*(ROOT / "configs").glob(f"{value}.yaml"), *(ROOT / "configs").glob(f"*/{value}.yaml")]
            assert len(shipped) == 1, f"-c {value}: {shipped}"
        for path in re.findall(r"configs/[\w/]+\.yaml", word):
            assert (ROOT / path).is_file()


BENCHMARK = re.compile(r"python -m (benchmarks\.\w+)((?:[^\n`]*\\\n)*[^\n`#]*)")
MEASURED = [
    match
    for path in [*PAGES, ROOT / "Makefile", *(ROOT / "benchmarks").glob("*.py")]
    for match in BENCHMARK.finditer(path.read_text("utf-8"))
]


@pytest.mark.parametrize("module", sorted({match[1] for match in MEASURED}))
def test_benchmarks_start_and_have_the_options_that_pages_name(module, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", [module, "--help"])
    monkeypatch.delitem(sys.modules, module, raising=False)
    with pytest.raises(SystemExit, match="0"):
        runpy.run_module(module, run_name="__main__")
    text = capsys.readouterr().out
    options = {word for match in MEASURED if match[1] == module for word in re.findall(r"\s(--?[a-z][\w-]*)", match[2])}
    assert not {option for option in options if option not in text}


def test_benchmarks_are_run_as_modules():
    assert not [path for path in PAGES if "python benchmarks/" in path.read_text("utf-8")]


@pytest.mark.parametrize("name", ["segtcn", "segtcn.models", "segtcn.losses", "segtcn.metrics"])
def test_public_names_have_docstrings(name):
    module = importlib.import_module(name)
    public = [getattr(module, key) for key in getattr(module, "__all__", vars(module)) if not key.startswith("_")]
    values = [value for value in public if getattr(value, "__module__", "").startswith("segtcn.")]
    assert len(values) >= 10
    for value in values:
        text = vars(value).get("__doc__") if isinstance(value, type) else value.__doc__
        assert len(text or "") > 20, f"{value} of {name}"


def sentences(page: Path) -> list[str]:
    """The sentences of a page, without code, tables and pictures."""
    text = FENCE.sub("\n\n", page.read_text("utf-8"))
    text = re.sub(r"<[^>]+>|!\[[^\]]*\]\([^)]*\)", "", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"^ *(\||#).*$", "\n", text, flags=re.MULTILINE)
    parts = re.split(r"\n\s*\n|\n(?= *(?:-|\d+\.) )|(?<=[.?!:])\s", text)
    return [" ".join(part.split()) for part in parts if part.strip()]


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text("utf-8").split()) <= 700


SHORT = [name_of(page) for page in PAGES if "results" not in page.parts]


@pytest.mark.parametrize("page", SHORT)
def test_sentences_are_short(page):
    lengths = {sentence: len(sentence.split()) for sentence in sentences(ROOT / page)}
    assert max(lengths.values(), default=0) <= 35, max(lengths, key=lambda sentence: lengths[sentence])
    assert sum(lengths.values()) <= 20 * len(lengths)


def test_every_network_says_the_licence_of_its_authors_code():
    pytest.importorskip("mkdocs", reason='the site needs: pip install "segtcn[docs]"')
    from tools.site_hooks import LICENCES

    assert LICENCES.keys() == {path.stem for path in (ROOT / "configs" / "model").glob("*.yaml")}
