"""Imports point one way, and a library is known only where ARCHITECTURE says so."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from segtcn.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted((ROOT / "segtcn").rglob("*.py"))
BESIDE = {folder: sorted((ROOT / folder).rglob("*.py")) for folder in ("tests", "tools", "benchmarks")}
"""Python files that are not of the library, by their folder."""

# each part may import these parts and itself; nothing points up
ALLOWED = {
    "structures": set(),
    "arrays": set(),
    "atomic": set(),
    "progress": set(),
    "peak_memory": set(),
    "text_table": set(),
    "options": {"labels"},
    "layers": set(),
    "losses": {"layers", "structures"},
    "labels": {"arrays", "atomic", "progress", "structures"},
    "video_io": {"atomic"},
    "metrics": {"structures"},
    "data": {"arrays", "atomic", "config_names", "extract", "labels", "structures", "video_io"},
    "models": {"layers", "structures"},
    "extract": {"arrays", "atomic", "labels", "progress", "video_io"},
    "decoding": {"atomic", "labels", "metrics", "structures"},
    "segmenter": {"arrays", "atomic", "decoding", "extract", "labels", "layers", "models", "progress", "structures"},
    "live": {"decoding", "extract", "labels", "segmenter", "video_io"},
    "visualization": {"atomic", "labels", "progress", "structures", "video_io"},
    "prepare": {"arrays", "atomic", "data", "extract", "labels", "options", "progress", "structures"}
    | {"text_table", "video_io"},
    "evaluation": {"atomic", "labels", "metrics", "options", "progress", "structures", "text_table"},
    "sequences": {
        "atomic",
        "data",
        "layers",
        "losses",
        "models",
        "peak_memory",
        "progress",
        "structures",
        "text_table",
    },
    "task": {"labels", "losses", "metrics", "models", "segmenter", "structures"},
    "callbacks": {
        "atomic",
        "evaluation",
        "labels",
        "metrics",
        "progress",
        "segmenter",
        "structures",
        "task",
        "video_io",
        "visualization",
    },
    "demo": {"atomic", "data", "extract", "labels", "prepare", "progress", "structures", "video_io", "visualization"},
    "cli": {
        "arrays",
        "atomic",
        "callbacks",
        "config_names",
        "data",
        "data_source",
        "decoding",
        "demo",
        "evaluation",
        "extract",
        "labels",
        "live",
        "metrics",
        "models",
        "options",
        "peak_memory",
        "prepare",
        "progress",
        "segmenter",
        "sequences",
        "task",
        "text_table",
        "video_io",
        "visualization",
    },
    "config_names": set(),
    "data_source": {"config_names", "data"},
    "training": {"callbacks", "config_names", "data", "data_source", "losses", "models", "segmenter", "task"},
    "__init__": set(),
    "__main__": {"cli"},
}
# heavy or replaceable libraries, and the only places that know them
KNOWN_ONLY_TO = {
    "pytorch_lightning": {"task", "training", "data.datamodule", "callbacks", "cli"},
    "torchmetrics": {"metrics"},
    "scipy": {"labels.matlab", "decoding", "losses.set_prediction", "prepare.draft", "evaluation.comparison"},
    "h5py": {"data.readers.hdf5", "data.readers.hdf5_writer"},
    "pyarrow": {"data.readers.table_files"},
    "lmdb": {"data.readers.assembly101"},
    "transformers": {"extract.backbones.huggingface"},
    "onnxruntime": {"extract.backbones.onnx_file", "segmenter.export"},
    "safetensors": {"segmenter.export"},
    "huggingface_hub": {"segmenter.loading", "extract.backbones.huggingface"},
    "rapidfuzz": {"metrics.functional"},
    "cv2": {"visualization.overlay", "extract.descriptor", "demo"},
    "av": {"video_io"},
    "matplotlib": {"visualization"},
    "PIL": set(),
    "starlette": {"visualization.player"},
    "uvicorn": {"visualization.player.server"},
    "wandb": {"callbacks.wandb"},
    "optuna": {"cli.sweep"},
    "submitit": {"cli.crossval.cluster"},
}


def name_of(module: Path) -> str:
    parts = module.relative_to(ROOT / "segtcn").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def imports_of(module: Path) -> set[str]:
    """Every module that a file imports, also inside functions and for type checking."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            found.add(str(node.module))
            if node.module == "segtcn":
                found |= {f"segtcn.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_imports_point_one_way(module):
    part = name_of(module).split(".")[0]
    imported = {name.split(".")[1] for name in imports_of(module) if name.startswith("segtcn.")}
    assert imported - {part} <= ALLOWED[part]


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_libraries_are_known_only_where_they_belong(module):
    name = name_of(module)
    for imported in imports_of(module):
        places = KNOWN_ONLY_TO.get(imported.split(".")[0])
        if places is not None:
            assert any(name == place or name.startswith(f"{place}.") for place in places), f"{name} imports {imported}"


SPEAKS_OF_OPTIONS = {"cli", "data_source", "sequences.sequence_report", "training"}
"""Places that take or print command lines; elsewhere messages name arguments."""


def test_messages_of_the_library_name_arguments_and_no_option():
    options = []
    for module in MODULES:
        if {name_of(module), name_of(module).split(".")[0]} & SPEAKS_OF_OPTIONS:
            continue
        nodes = [*ast.walk(ast.parse(module.read_text()))]
        documented = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        texts = [node.value for node in nodes if isinstance(node, ast.Constant) and id(node) not in documented]
        # a whole command may be named
        words = [re.sub("`segtcn [^`]+`", "", text) for text in texts if isinstance(text, str)]
        options += [(name_of(module), text) for text in words if re.search(r"(^|[\s`(])--[a-z]", text)]
    assert options == []


def test_a_file_name_occurs_once():
    commands = {ROOT / "segtcn" / "cli" / f"{name}.py" for name in COMMANDS}  # called as the command
    names = [module.stem for module in MODULES if module.stem != "__init__" and module not in commands]
    assert sorted({name for name in names if names.count(name) > 1}) == []


@pytest.mark.parametrize("folder", BESIDE)
def test_a_file_name_occurs_once_beside_the_library(folder):
    names = [path.stem for path in BESIDE[folder] if path.stem not in ("__init__", "conftest")]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_the_page_for_strangers_names_every_room():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text[text.index("## The rooms") : text.index("`configs/` holds")]
    rooms = {name for line in table.splitlines() if line.startswith("| `") for name in re.findall("`(.+?)`", line)[:1]}
    assert rooms == set(ALLOWED) - {"__init__", "__main__"}


def test_the_table_of_parts_is_complete():
    assert {name_of(module).split(".")[0] for module in MODULES} <= set(ALLOWED)


def test_no_circle_between_parts():
    remaining = {part: set(below) for part, below in ALLOWED.items()}
    while remaining:
        ground = {part for part, below in remaining.items() if not below & set(remaining)}
        assert ground, f"a circle among {sorted(remaining)}"
        remaining = {part: below for part, below in remaining.items() if part not in ground}


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("segtcn", {"torch", "pytorch_lightning", "cv2", "av", "matplotlib", "wandb", "scipy"}),
        ("segtcn.cli", {"torch", "pytorch_lightning", "cv2", "av", "matplotlib", "wandb", "scipy"}),
        ("segtcn.cli.crossval", {"torch", "pytorch_lightning", "cv2", "av", "matplotlib", "wandb", "scipy"}),
        ("segtcn.visualization.overlay", {"torch", "pytorch_lightning", "cv2", "av", "matplotlib", "wandb"}),
    ],
)
def test_heavy_libraries_are_imported_where_they_are_used(module, heavy):
    code = f"import sys, {module}; print(*sorted({heavy!r} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert loaded.split() == []


WITH_TORCH = {
    "segtcn.models": {"pytorch_lightning", "cv2", "av", "matplotlib", "wandb", "scipy", "torchmetrics"},
    "segtcn.metrics": {"pytorch_lightning", "cv2", "av", "wandb"},
    "segtcn.metrics.functional": {"torchmetrics", "matplotlib", "scipy"},
    "segtcn.data.readers": {
        "pytorch_lightning",
        "cv2",
        "av",
        "matplotlib",
        "wandb",
        "scipy",
        "h5py",
        "pyarrow",
        "lmdb",
    },
    "segtcn.extract": {"pytorch_lightning", "cv2", "av", "matplotlib", "transformers", "onnxruntime"},
}


def test_modules_with_torch_import_no_other_heavy_library():
    # each in a process of its own, forked after the one import of torch
    code = f"""
import importlib, os, sys, torch
for module, heavy in {WITH_TORCH!r}.items():
    if os.fork() == 0:
        importlib.import_module(module)
        print(module, *sorted(heavy & {{*sys.modules}}), flush=True)
        os._exit(0)
    os.wait()
"""
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert loaded.splitlines() == [*WITH_TORCH]


def test_nothing_public_goes_without_a_docstring():
    missing = []
    for module in MODULES:
        tree = ast.parse(module.read_text())
        assert ast.get_docstring(tree), module
        for node in tree.body:
            public = isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_")
            if public and not ast.get_docstring(node):
                missing.append(f"{name_of(module)}.{node.name}")
    assert missing == []


def num_lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_file_is_read_in_one_sitting(module):
    assert num_lines(module) <= 400


@pytest.mark.parametrize("folder", BESIDE)
def test_files_beside_the_library_are_read_in_one_sitting(folder):
    assert {str(path.relative_to(ROOT)): num_lines(path) for path in BESIDE[folder] if num_lines(path) > 400} == {}
