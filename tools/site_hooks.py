"""Hooks of MkDocs: pages that are generated from the code, the data set cards and the results when the site is built.

- ``reference/*.md``: one page a room, every name of its ``__all__`` by mkdocstrings; the command line from its help.
- ``datasets/*.md``: the cards of ``datasets/*/README.md``; ``contributing.md`` and ``changelog.md``.
- ``<!-- facts: ed_tcn -->`` in a page: the network's drawing, and what config, class and results say.
- ``tutorials/*.md``: the notebooks, with the outputs that are stored in them.
- Links to files of the repository that are not on the site become plain text.
"""

from __future__ import annotations

import functools
import inspect
import os
import re
import sys
from pathlib import Path
from typing import Any

import yaml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))  # MkDocs loads this file by its path

from segtcn.text_table import SCORE_HEADINGS  # noqa: E402
from tools.docstring_arguments import argument_problems  # noqa: E402
from tools.network_drawings import DRAWINGS, drawing  # noqa: E402
from tools.notebooks import TUTORIALS, NotebookError, to_markdown  # noqa: E402
from tools.reference_pages import ROOMS, cli_page, public_objects, reference_page  # noqa: E402

LICENCES = {
    **dict.fromkeys(("ed_tcn", "dilated_tcn", "tcnn", "tdnn", "bilstm"), "MIT (Lea et al.)"),
    "ms_tcn": "MIT with Commons Clause (not to be sold)",
    **dict.fromkeys(("ms_tcn_plus_plus", "causal_tcn", "asformer", "asrf", "c2f_tcn", "diffact", "fact"), "MIT"),
    "ltcontext": "CC BY-NC",
    **dict.fromkeys(("bytenet", "bigru", "frame_classifier"), "none"),
}
"""Licence of the authors' code by config, as its LICENSE file states it; segtcn's code was written from the papers."""

MOVED = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md", "README.md": "index.md"}
"""Files of the repository that are pages of the site."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages.

    Raises:
        PluginError: if a docstring and its signature have different arguments, or a notebook failed.
    """
    for name, value in public_objects(*ROOMS).items():
        if problems := argument_problems(value):
            raise PluginError(f"the docstring of {name} {problems}")
    pages = {f"reference/{page}.md": functools.partial(reference_page, page) for page in ROOMS}
    pages["reference/cli.md"] = cli_page
    for card in sorted((REPOSITORY / "datasets").glob("*/README.md")):
        pages[f"datasets/{card.parent.name}.md"] = functools.partial(card_page, card)
    pages["datasets/index.md"] = cards_page
    for name, page in (("CONTRIBUTING.md", "contributing.md"), ("CHANGELOG.md", "changelog.md")):
        pages[page] = functools.partial((REPOSITORY / name).read_text, "utf-8")
    for path, make in pages.items():
        files.append(File.generated(config, path, content=make()))
    for notebook in sorted(TUTORIALS.glob("*.ipynb")):
        try:
            text, pictures = to_markdown(notebook)
        except NotebookError as error:
            raise PluginError(f"docs/tutorials/{notebook.name}: {error}") from error
        contents: dict[str, str | bytes] = {f"{notebook.stem}.md": text, **pictures}
        for name, content in contents.items():
            files.append(File.generated(config, f"tutorials/{name}", content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fill in the facts of networks, and mend links that leave the site."""
    stem = Path(page.file.src_uri).stem
    if "<!-- facts: " in markdown:
        if stem not in DRAWINGS:
            raise PluginError(f"docs/networks/{stem}.md has no drawing: add one to tools/network_drawings.py")
        first = re.search(r"^.*<!-- facts: ", markdown, re.MULTILINE).start()  # type: ignore[union-attr]
        markdown = f"{markdown[:first]}{drawing(stem)}\n\n{markdown[first:]}"
    markdown = re.sub(r"<!-- facts: (\w+) -->", lambda match: network_facts(match[1]), markdown)
    folder = Path("docs") / Path(page.file.src_uri).parent
    if page.file.generated_by and page.file.src_uri.startswith("datasets/"):
        folder = Path("datasets") / Path(page.file.src_uri).stem
    elif page.file.generated_by and page.file.src_uri in MOVED.values():
        folder = Path()

    def mend(match: re.Match[str]) -> str:
        text, target, anchor = match["text"], match["path"], match["anchor"] or ""
        if "://" in target or target.startswith("mailto:"):
            return match[0]
        inside = Path(os.path.normpath(folder / target))
        if inside.parts[:1] == ("docs",):
            source = Path(*inside.parts[1:]).as_posix()
        elif inside.parts[:1] == ("datasets",) and inside.name == "README.md":
            source = f"datasets/{inside.parts[1]}.md"
        elif str(inside) in MOVED:
            source = MOVED[str(inside)]
        elif (REPOSITORY / inside).exists():
            return text  # a file of the repository
        else:
            return match[0]  # MkDocs reports it
        here = os.path.relpath(source, Path(page.file.src_uri).parent)
        return f"[{text}]({here}{anchor})"

    return re.sub(r"(?<!!)\[(?P<text>[^\]]+)\]\((?P<path>[^)#\s]+)(?P<anchor>#[^)]*)?\)", mend, markdown)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Link pictures to their full size, and keep options in one piece, which a browser would break after a hyphen."""

    def keep(match: re.Match[str]) -> str:
        return re.sub(r"(?<![\w-])--?[a-z][\w.-]*", r'<span class="option">\g<0></span>', match[0])

    html = re.sub(r'<p>(<img [^>]*src="([^"#]+)"[^>]*>)</p>', r'<p><a href="\2">\1</a></p>', html)
    return re.sub(r"<code>[^<\n]*</code>", keep, html)


def card_page(card: Path) -> str:
    """A data set card: its front matter as a table, then its text."""
    _, front, text = card.read_text("utf-8").split("---\n", 2)
    facts = yaml.safe_load(front)
    title, _, body = text.strip().partition("\n")
    hidden = ("name", "title", "classes", "unknown")
    rows = [f"| {key.replace('_', ' ')} | {_cell(value)} |" for key, value in facts.items() if key not in hidden]
    if facts.get("classes"):
        rows.append(f"| classes | {_cell(facts['classes'])} |")
    return "\n".join([title, "", "| | |", "|---|---|", *rows, "", body.strip(), ""])


def _cell(value: Any) -> str:
    if value is None:
        return "none"
    text = (
        ", ".join(map(str, value))
        if isinstance(value, list)
        else f"{value:,}"
        if isinstance(value, int)
        else str(value)
    )
    return re.sub(r"(https?://\S+)", r"<\1>", text).replace("|", "\\|")


def cards_page() -> str:
    """A table of all cards."""
    lines = [
        "# Data sets",
        "",
        "Each card says what the files hold, how to get them, and what to know before scores are compared. A value",
        "that nobody counted in the files is listed as `unchecked`. `segtcn check` compares your copy with the card.",
        "",
        "| data set | features | videos | classes | frames per second | splits |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for card in sorted((REPOSITORY / "datasets").glob("*/README.md")):
        facts = yaml.safe_load(card.read_text("utf-8").split("---\n", 2)[1])
        facts.setdefault("videos", facts.get("recordings"))
        numbers = [f"{facts[name]:,}" for name in ("videos", "num_classes", "fps", "splits")]
        lines.append(f"| [{facts['name']}]({card.parent.name}.md) | {facts['features']} | {' | '.join(numbers)} |")
    return "\n".join(lines) + "\n"


def network_facts(config_name: str) -> str:
    """A table of what code, config and results say about a network.

    Args:
        config_name: of ``configs/model``.

    Returns:
        A table in Markdown.
    """
    import segtcn.models

    config = yaml.safe_load((REPOSITORY / "configs" / "model" / f"{config_name}.yaml").read_text("utf-8"))
    recipe = config["model"]
    kind = getattr(segtcn.models, recipe["net"]["class_path"].rpartition(".")[2])
    init_args = dict(recipe["net"].get("init_args") or {})
    net = kind(in_channels=128, num_classes=11, **init_args)
    past, future = ("all" if frames is None else f"{frames:,}" for frames in net.receptive_field)
    can_be_causal = "causal" in inspect.signature(kind).parameters
    causal = "yes, always" if net.causal and not can_be_causal else "yes, by default" if net.causal else ""
    rows = {
        "class": f"`segtcn.models.{kind.__name__}`",
        "config": f"`-c {config_name}`",
        "causal": causal or ("with `causal: true`" if can_be_causal else "no"),
        "receptive field": f"{past} frames before, {future} after",
        "parameters": f"{sum(p.numel() for p in net.parameters()):,} (128 features, 11 classes)",
        "loss": _call(recipe.get("loss")) or "`CrossEntropy`",
        "optimizer": _call(recipe.get("optimizer")),
        "epochs, batch size": f"{config['trainer']['max_epochs']}, {config['data']['batch_size']}",
        "authors' code": LICENCES[config_name],
        **_results(config_name),
    }
    return "\n".join(["| | |", "|---|---|", *(f"| {key} | {value} |" for key, value in rows.items())])


def _call(part: Any) -> str:
    """A part of a config as the call that it is."""
    if part is None:
        return ""
    if isinstance(part, str):
        return f"`{part.rpartition('.')[2]}`"
    args = ", ".join(f"{key}={_short(value)}" for key, value in (part.get("init_args") or {}).items())
    return f"`{part['class_path'].rpartition('.')[2]}({args})`"


def _short(value: Any) -> str:
    if isinstance(value, dict) and "class_path" in value:
        return _call(value).strip("`")
    if isinstance(value, list):
        return f"[{', '.join(map(_short, value))}]"
    return str(value)


def _results(config_name: str) -> dict[str, str]:
    """The network's row of the first table of all networks on GTEA that has it, and its speed where it was measured."""
    text = (REPOSITORY / "docs" / "results" / "gtea_models.md").read_text("utf-8")
    tables, _, sizes = text.partition("## Size, speed and memory")
    found, published = {}, {"published": _published(config_name)}
    if scores := _table_row(tables, config_name):
        seeds = "five seeds" if "(" in scores[0] else "one seed"
        first, second, third, edit, accuracy = (cell.split()[0] for cell in scores[:5])
        found["[GTEA](../results/gtea_models.md), F1@10/25/50, edit, accuracy"] = (
            f"{first}/{second}/{third}, {edit}, {accuracy} ({seeds}, Spatial CNN features, protocol `lea`)"
        )
    speed = {}
    if size := _table_row(sizes, config_name):
        speed["speed on two cores"] = f"{size[1]} frames/s in training, {size[2]} in inference"
        speed["memory"] = f"{size[3]} MiB, the peak of the whole process"
    return found | published | speed


def _table_row(text: str, name: str) -> list[str]:
    """The other cells of the first row of a table that begins with a name, none if there is none."""
    rows = ([cell.strip() for cell in line.strip("| ").split("|")] for line in text.splitlines() if line[:2] == "| ")
    return next((cells for first, *cells in rows if first == name), [])


def _published(config_name: str) -> str:
    """The first row that a paper published of a network, see ``segtcn reproduce``."""
    rows = yaml.safe_load((REPOSITORY / "configs" / "published.yaml").read_text("utf-8"))
    for name, row in rows.items():
        if row["model"].partition("+")[0] == config_name:
            scores = ", ".join(f"{SCORE_HEADINGS[key]} {score}" for key, score in row["scores"].items())
            return f"{scores} ({row['source']}; [`segtcn reproduce {name}`](../howto/bench.md))"
    return "no number that can be compared"
