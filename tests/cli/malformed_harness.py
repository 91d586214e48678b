"""At least a thousand malformed inputs for all commands that read files: no stack trace, no hang.

Run by `tests/cli/test_malformed.py`, or by hand: `python -m tests.cli.malformed_harness FOLDER [NUMBER]` prints every
failure.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import resource
import signal
import sys
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from segtcn.cli import main
from tests.conftest import write_tree
from tests.run_folders import write_network

SECONDS = 60
MEMORY = 16 * 2**30
HUGE = ("9" * 30, "-9223372036854775809", "1e300", "inf", "-inf", "nan", "-1", "0", "", "x", "1e-320", "0x10", "٣")
VALUES = (
    None,
    True,
    -1,
    0,
    10**30,
    1e300,
    "inf",
    float("inf"),
    "",
    "x" * 200_000,
    [],
    {},
    [[]],
    {"a": []},
    "\0",
    "../x",
)
DEEP = 20_000


def label_files() -> dict[str, bytes]:
    """Label files of all text formats, by name."""
    files = {
        "empty.txt": b"",
        "spaces.txt": b" \n\t\n",
        "binary.txt": bytes(range(256)) * 4,
        "utf16.txt": "cut\ncut\n".encode("utf-16"),
        "nul.txt": b"cut\0\ncut\n",
        "field.txt": b"x" * 200_000,
        "field.csv": b"label,start,stop\n" + b"x" * 200_000 + b",0,10\n",
        "quote.csv": b'label,start,stop\n"' + b"x\n" * 100_000,
        "field.tsv": b"label\tstart\tstop\n" + b"x" * 200_000 + b"\t0\t10\n",
        "columns.csv": b"a," * 5000 + b"b\n" + b"1," * 5000 + b"2\n",
        "deep.json": b"[" * DEEP,
        "deeper.json": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
        "number.json": b"9" * 6000,
        "header.npy": b"\x93NUMPY\x01\x00v\x00{'descr': '<i8', 'fortran_order': False, 'shape': (10000000000,)}  \n",
        "bad.npz": b"PK\x03\x04" + bytes(100),
        "bad.eaf": b"<ANNOTATION_DOCUMENT>",
        "entities.eaf": b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(
            b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9)) + b"]><x>&j;</x>",
    }  # fmt: skip
    for number, (start, stop) in enumerate(itertools.product(HUGE, repeat=2)):
        files[f"span{number}.csv"] = f"label,start,stop\ncut,{start},{stop}\n".encode()
        files[f"span{number}.json"] = (
            f'[{{"label": "cut", "start": {start or "null"}, "stop": {stop or "null"}}}]'.encode()
        )
        if number % 3 == 0:
            files[f"span{number}.txt"] = f"{start}\t{stop}\tcut\n".encode()
            files[f"span{number}.tsv"] = f"start_s\tstop_s\tlabel\n{start}\t{stop}\tcut\n".encode()
    return files


def runs(folder: Path, tree: Path) -> Iterator[Path]:
    """Folders of runs whose `run.json` or predictions are wrong."""
    names = (tree / "groundTruth" / "P02_tea.txt").read_text().splitlines()
    good = write_network(folder / "run", tree, {"P02_tea": names})
    facts = json.loads((good / "run.json").read_text())
    yield good
    contents = [b"", b"[" * DEEP, b'{"a":' * DEEP, b"9" * 6000, b"\xff\xfe", b"null", b"[]", b"1e999"]
    contents += [json.dumps({**facts, key: value}).encode() for key in facts for value in VALUES]
    for number, content in enumerate(contents):
        path = folder / f"run{number}"
        path.mkdir()
        (path / "run.json").write_bytes(content)
        (path / "predictions").symlink_to(good / "predictions")
        yield path
    arrays = dict(np.load(good / "predictions" / "P02_tea.npz"))
    wrong = (np.zeros(0), np.array("x" * 10), np.array(np.nan), np.full((3, 3), 10**18), np.array([1e300]))
    for number, (key, value) in enumerate(itertools.product(arrays, wrong)):
        path = folder / f"archive{number}"
        (path / "predictions").mkdir(parents=True)
        (path / "run.json").write_text(json.dumps(facts))
        np.savez(path / "predictions" / "P02_tea.npz", **{**arrays, key: value})
        yield path


def configs(tree: Path) -> Iterator[str]:
    reader = f"class_path: segtcn.data.readers.MSTCNTreeReader\n    init_args:\n      root: {tree}\n      fps: 10"
    yield "[" * DEEP
    yield "{a: " * DEEP
    yield "a: &a [*a]"
    yield "&a a: *b"
    yield "!!python/object/apply:os.system [true]"
    yield from (
        "",
        "1",
        "[]",
        "data:",
        "data: 1",
        "data: []",
        "data: {reader: }",
        "data: {reader: 1}",
        "data: {reader: []}",
    )
    for name in (
        "builtins.int",
        "os.system",
        "os",
        "segtcn",
        "segtcn.data",
        "segtcn.models.EDTCN",
        "nowhere.Class",
        "..",
        "a b",
    ):
        yield f"data: {{reader: {{class_path: {name}}}}}"
        yield f"data: {{reader: {name}}}"
    for argument, value in itertools.product(("root", "fps", "background", "nothing"), VALUES):
        yield f"data:\n  reader:\n    {reader}\n      {argument}: {json.dumps(value)}\n".replace(
            f"      {argument}: {tree if argument == 'root' else 10}\n", "", 1) if argument in ("root", "fps") else (
            f"data:\n  reader:\n    {reader}\n      {argument}: {json.dumps(value)}\n")  # fmt: skip
    for argument, value in itertools.product(
        ("split", "sample_rate", "batch_size", "validation", "cache_gib", "seed"), VALUES
    ):
        yield f"data:\n  {argument}: {json.dumps(value)}\n  reader:\n    {reader}\n"


def cases(folder: Path) -> Iterator[list[str]]:
    """The words of commands."""
    tree = write_tree(folder / "tree")
    truth, mapping, inputs = tree / "groundTruth", str(tree / "mapping.txt"), folder / "inputs"
    inputs.mkdir()
    for number, (name, content) in enumerate(label_files().items()):
        path = inputs / f"{number}" / f"P02_tea{Path(name).suffix}"
        path.parent.mkdir()
        path.write_bytes(content)
        yield ["evaluate", str(path.parent), str(truth), f"--mapping={mapping}"]
        yield ["timeline", str(path), f"--truth={truth / 'P02_tea.txt'}", f"-o={folder}/out.png"]
        if number % 4 == 0:
            yield ["evaluate", str(path.parent), str(path.parent), "--fps=1e300"]
            yield ["timeline", str(path), "--fps=1e300", f"-o={folder}/out.svg"]
            yield ["view", str(path), f"--export={folder}/player{number}", "--quiet"]
            yield ["overlay", str(path), str(path), f"-o={folder}/out.mp4"]
    for number, run in enumerate(runs(folder / "runs", tree)):
        yield ["compare", str(run), str(run)]
        yield ["timeline", str(run), f"-o={folder}/out.png"]
        if number % 3 == 0:
            yield ["analyze", str(run), f"--out={folder}/report"]
            yield ["view", str(run), f"--export={folder}/view{number}", "--quiet"]
            yield ["predict", str(run), str(tree / "features"), f"--out={folder}/labels"]
            yield ["export", str(run), f"-o={folder}/out.onnx"]
    for number, text in enumerate(configs(tree)):
        path = folder / f"config{number}.yaml"
        path.write_text(text)
        yield ["convert", str(path), f"{folder}/out{number}.h5", "--quiet"]
        yield ["check-config", str(path)]
        if number % 5 == 0:
            yield ["test", f"-c={path}"]
            yield ["fit", f"-c={path}", "--model.net=EDTCN", "--trainer.fast_dev_run=true", "--trainer.logger=false"]


class HangError(BaseException):
    """A command that took too long."""


def failure_of(words: list[str]) -> str | None:
    """The stack trace of a command that raises, or that it hangs; None if it ends with a message."""

    def stop(*args: object) -> None:
        raise HangError

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    printed = io.StringIO()
    try:
        with contextlib.redirect_stderr(printed), contextlib.redirect_stdout(printed), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            main(words)
    except SystemExit:
        pass
    except HangError:
        return f"took more than {SECONDS} s"
    except BaseException:  # what the harness looks for
        return traceback.format_exc()
    finally:
        signal.alarm(0)
    return printed.getvalue() if "Traceback" in printed.getvalue() else None


def failures(folder: Path, every: int = 1) -> tuple[int, dict[str, str]]:
    """Run each ``every``-th case; the number that ran, and what went wrong by command line."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    wrong, number = {}, 0
    for words in itertools.islice(cases(folder), 0, None, every):
        number += 1
        if (failure := failure_of(words)) is not None:
            wrong[" ".join(words)] = failure
    return number, wrong


if __name__ == "__main__":
    number, wrong = failures(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    for words, failure in wrong.items():
        print(f"--- {words}\n{failure}")
    print(f"{number} cases, {len(wrong)} failures")
