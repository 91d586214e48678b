"""Run the notebooks of ``docs/tutorials``, and turn them into pages of the site.

``python tools/notebooks.py`` runs them all in one scratch folder; ``--write`` also stores what they print and draw.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TUTORIALS = Path(__file__).resolve().parents[1] / "docs" / "tutorials"
STRICT_COMMANDS = """
import subprocess

def run_command(command):
    done = subprocess.run(["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(done.stdout, end="")
    if done.returncode:
        raise SystemError(f"the command ended with {done.returncode}: {command}")

get_ipython().system = run_command
"""
"""Runs before the cells of a notebook: a command that fails fails its cell, too."""
ANSI = re.compile(r"\x1b\[[0-9;]*m")
PICTURES = {"image/png": "png", "image/jpeg": "jpg"}


def main() -> int:
    """Run the notebooks; 1 if a cell fails, after its notebook, its lines and its error were printed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path, default=sorted(TUTORIALS.glob("*.ipynb")))
    parser.add_argument("--write", action="store_true", help="store the outputs in the notebooks")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for path in options.paths:
            start_s = time.monotonic()
            try:
                notebook = run(path, folder)
            except NotebookError as error:
                print(f"{path.name}: {error}", file=sys.stderr)
                return 1
            print(f"{path.name}: {time.monotonic() - start_s:.0f} s")
            if options.write:
                path.write_text(json.dumps(without_noise(notebook), indent=1, ensure_ascii=False) + "\n", "utf-8")
    return 0


class NotebookError(Exception):
    """A cell that fails, with its lines."""


def run(path: Path, folder: str) -> dict[str, Any]:
    """Run a notebook in a new kernel.

    Args:
        path: of the notebook.
        folder: the working directory of its cells.

    Returns:
        The notebook with its outputs.

    Raises:
        NotebookError: if a cell, or a command of a cell, fails.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # `!segtcn`
    os.environ["WANDB_MODE"] = "offline"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(STRICT_COMMANDS))
    try:
        NotebookClient(notebook, timeout=300, resources={"metadata": {"path": folder}}).execute()
    except CellExecutionError as error:
        raise NotebookError(ANSI.sub("", str(error))) from None
    del notebook.cells[0]
    return json.loads(nbformat.writes(notebook))


def without_noise(notebook: dict[str, Any]) -> dict[str, Any]:
    """Leave out what differs from run to run: progress, warnings, times, and the words for a picture."""
    notebook["metadata"] = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "outputs_of": fingerprint(notebook),
    }
    for cell in notebook["cells"]:
        cell["metadata"] = {}
        if cell["cell_type"] == "code":
            cell["execution_count"] = None
            cell["outputs"] = [output for output in cell["outputs"] if output.get("name") != "stderr"]
        for output in cell.get("outputs", ()):
            output.pop("execution_count", None)
            output.update({"metadata": {}} if "data" in output else {})
            if output["output_type"] == "execute_result":
                output["execution_count"] = None
    return notebook


def fingerprint(notebook: dict[str, Any]) -> str:
    """A hash of all code of a notebook, stored with its outputs."""
    code = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return hashlib.sha256("\n\n".join(code).encode()).hexdigest()


def to_markdown(path: Path) -> tuple[str, dict[str, bytes]]:
    """A notebook as a page.

    Args:
        path: of the notebook.

    Returns:
        The page, and its pictures by file name.

    Raises:
        NotebookError: if a stored output is an error, or the code changed after the outputs were stored.
    """
    pictures: dict[str, bytes] = {}
    parts = []
    notebook = json.loads(path.read_text("utf-8"))
    if notebook["metadata"].get("outputs_of") != fingerprint(notebook):
        raise NotebookError("its outputs are not of its code: run `make notebooks`")
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(text)
        else:
            parts += [f"```python\n{text}\n```", *_outputs(cell["outputs"], path.stem, pictures)]
    note = f"[Download this notebook]({path.name}){{ download }}"
    return "\n\n".join([parts[0], note, *parts[1:]]) + "\n", pictures


def _outputs(outputs: list[dict[str, Any]], name: str, pictures: dict[str, bytes]) -> Iterator[str]:
    for output in outputs:
        if output["output_type"] == "error":
            raise NotebookError(f"a stored output is an error, {output['ename']}: {output['evalue']}")
        data = output.get("data", {"text/plain": output.get("text", "")})
        kind = next((kind for kind in PICTURES if kind in data), None)
        if kind:
            file = f"{name}-{len(pictures) + 1}.{PICTURES[kind]}"
            pictures[file] = base64.b64decode("".join(data[kind]))
            yield f"![What the cell above draws]({file})"
        else:
            text = ANSI.sub("", "".join(data["text/plain"]))
            yield f'```{{.text .output title="Output"}}\n{text.rstrip()}\n```'


if __name__ == "__main__":
    sys.exit(main())
