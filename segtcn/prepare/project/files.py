"""The files of a data set: its card, its config, and how they are written."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Set
from contextlib import suppress
from itertools import chain, groupby
from pathlib import Path
from shlex import quote
from typing import Any, NamedTuple

import yaml

from segtcn.atomic import atomic_path
from segtcn.data.card import read_card
from segtcn.prepare.annotations import Finding
from segtcn.prepare.splits import Split
from segtcn.text_table import markdown_table

OWN_WORDS = ("name", "title", "features", "source", "licence", "citation")
"""What a person writes into a card; a new card keeps it."""

UNCOUNTED_WORDS = (*OWN_WORDS, "unchecked", "feature_dim")
"""What may stand in a card beside the facts that `segtcn init` counts: a person's words, and the features' width."""

FACTS = ("reader", "length_policy", "length_tolerance")
"""What a config says about the data; the rest is how to train on it."""


class Project(NamedTuple):
    """What :func:`~segtcn.prepare.project.init_project` found, and what it did.

    Args:
        root: the folder.
        labels: of every labelled video, one a frame.
        num_frames: of every labelled video; differs from the labels only where they were there before.
        feature_dim: width D; None if the features are not there yet.
        videos: folder of the clips, or None.
        fps: frames per second.
        fps_is_measured: whether that is from the clips.
        class_names: name of every class.
        background: its name, or None.
        splits: the splits, the first is number 1.
        formats: of the annotations, with their numbers of files.
        findings: of every video, what the rules of the annotations decided.
        notes: what else should be known.
        written: files that were written, or would be.
        unchanged: files that were there and are right.
        removed: lists of splits that no longer exist, removed or to be removed.
    """

    root: Path
    labels: dict[str, list[str]]
    num_frames: dict[str, int]
    feature_dim: int | None
    videos: Path | None
    fps: float
    fps_is_measured: bool
    class_names: list[str]
    background: str | None
    splits: list[Split]
    formats: list[str]
    findings: dict[str, list[Finding]]
    notes: list[str]
    written: tuple[Path, ...] = ()
    unchanged: tuple[Path, ...] = ()
    removed: tuple[Path, ...] = ()


def card_text(project: Project) -> str:
    """The card, with counted numbers; what a person wrote into an earlier one (:data:`OWN_WORDS`) is kept.

    Raises:
        ValueError: if there is a README.md that is no card.
    """
    lengths = list(project.num_frames.values())
    frames = Counter(chain.from_iterable(project.labels.values()))
    segments = Counter(label for own in project.labels.values() for label, _ in groupby(own))
    videos = Counter(label for own in project.labels.values() for label in set(own))
    unchecked = [] if project.fps_is_measured else ["fps"]
    values: dict[str, Any] = {
        "name": project.root.resolve().name,
        "title": "none given",
        "features": "none given",
        "videos": len(lengths),
        "frames": sum(lengths),
        "shortest_video": min(lengths),
        "longest_video": max(lengths),
        "segments": sum(number for label, number in segments.items() if label != project.background),
        "num_classes": len(project.class_names),
        "classes": project.class_names,
        "background": project.background,
        "feature_dim": project.feature_dim,
        "fps": project.fps,
        "splits": len(project.splits),
        "train_videos": len(project.splits[0].train),
        "test_videos": len(project.splits[0].test),
        "layout": "segtcn.data.readers.MSTCNReader",
        "config": "data.yaml",
        "unchecked": [*unchecked, "source", "licence"],
        "source": "none given",
        "licence": "none given",
        "citation": "none",
    }
    if project.feature_dim is None:  # the card says it when the features are there and `segtcn init` is called again
        del values["feature_dim"]
    path = project.root / "README.md"
    if path.is_file():
        try:
            values |= {key: old for key, old in read_card(path).items() if key in OWN_WORDS and isinstance(old, str)}
        except ValueError as error:
            raise ValueError(f"{error}; it has the name of the data set's card: give it another") from error
    total = sum(frames.values())
    table = markdown_table(
        ["class", "frames", "share", "segments", "videos"],
        [
            [name, str(frames[name]), f"{100 * frames[name] / total:.1f} %", str(segments[name]), str(videos[name])]
            for name in project.class_names
        ],
    )
    splits = [
        f"Split {number} tests {split.held_out or 'fold'}{'' if split.held_out else f' {number}'}: {len(split.test)} "
        f"videos, and trains on the other {len(split.train)}."
        for number, split in enumerate(project.splits, start=1)
    ]
    return "\n".join(
        [
            f"---\n{yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=120)}---",
            f"\n# {values['name']}\n",
            "Say here what is filmed and how the features were made. The numbers were counted by `segtcn init`, except",
            f"those under `unchecked`.\n\n{table}\n\n## Labels\n",
            f"From {', '.join(project.formats)}, by the rules of `segtcn.prepare.annotations.frame_labels`.\n",
            *(f"- {line}" for line in summarize(project.findings) or ["Nothing had to be decided."]),
            "\n## Splits\n",
            *(f"- {line}" for line in splits),
            "",
        ]
    )


def amended_texts(project: Project, texts: Mapping[Path, str]) -> dict[Path, str]:
    """What the card and the config become if those that are there state the same facts: words around them stay.

    Features come after the labels, or are made again: the card gets their width, the rest of it stays.

    Args:
        project: what was found.
        texts: content of every file as it would be written from scratch.

    Returns:
        Content of those of the two that are there and state the same.
    """
    amended = {}
    card, config = project.root / "README.md", project.root / "data.yaml"
    if card.is_file() and not card.is_symlink():
        old, new = read_card(card), yaml.safe_load(texts[card].split("\n---", 1)[0])
        if all(key in old and old[key] == value for key, value in new.items() if key not in UNCOUNTED_WORDS):
            amended[card] = _with_width(card.read_bytes().decode(), project.feature_dim)
    if config.is_file() and not config.is_symlink():
        text, new = config.read_bytes(), yaml.safe_load(texts[config])
        with suppress(yaml.YAMLError, UnicodeDecodeError):
            if _states(yaml.safe_load(text), {"data": {key: new["data"][key] for key in new["data"] if key in FACTS}}):
                amended[config] = text.decode()
    return amended


def _states(old: Any, new: Any) -> bool:
    """Whether a config has all values of another one; it may have more."""
    if isinstance(old, dict) and isinstance(new, dict):
        return all(key in old and _states(old[key], value) for key, value in new.items())
    return bool(old == new)


def _with_width(card: str, feature_dim: int | None) -> str:
    if feature_dim is None:
        return card
    line = f"feature_dim: {feature_dim}"
    head, rest = card.split("\n---", 1)
    if re.search(r"^feature_dim:", head, re.MULTILINE):
        return re.sub(r"^feature_dim:.*$", line, head, count=1, flags=re.MULTILINE) + "\n---" + rest
    return f"{head}\n{line}\n---{rest}"


def config_text(project: Project, length_tolerance: int) -> str:
    """The data config; with a tolerance it lets the data module trim features and labels to the shorter."""
    root = project.root.resolve()
    data: dict[str, Any] = {
        "reader": {
            "class_path": "segtcn.data.readers.MSTCNReader",
            "init_args": {"root": str(root), "fps": project.fps, "background": project.background},
        },
        "split": 1,
        "sample_rate": 1,
        "standardize": True,
        "card": str(root / "README.md"),
    }
    if length_tolerance:
        data |= {"length_policy": "trim", "length_tolerance": length_tolerance}
    return (
        f"# {root.name}: {len(project.labels)} videos, {len(project.class_names)} classes, "
        f"{len(project.splits)} splits.\n# Written by `segtcn init`; train on it with\n"
        f"#   segtcn fit -c ed_tcn -c {quote(str(root / 'data.yaml'))}\n"
        "# The paths are absolute, so that it works from everywhere; change them if the folder moves.\n"
        + yaml.safe_dump({"data": data}, sort_keys=False, allow_unicode=True, width=1000)
    )


def summarize(findings: Mapping[str, Iterable[Finding]], most: int | None = 3) -> list[str]:
    """What the rules of the annotations decided, a line for each kind.

    Args:
        findings: of every video.
        most: how many places to name of each kind; None names all.

    Returns:
        Lines such as ``2 overlaps, 14 frames: P01 1.2 to 1.9 s (pour over cut), ...``.
    """
    kinds: dict[str, list[tuple[str, Finding]]] = {}
    for name, own in findings.items():
        for finding in own:
            kinds.setdefault(finding.kind, []).append((name, finding))
    lines = []
    for kind, places in sorted(kinds.items()):
        number = sum(finding.num_frames for _, finding in places)
        shown = [f"{name} {one.start_s:g} to {one.stop_s:g} s ({one.text})" for name, one in places[:most]]
        more = "" if len(shown) == len(places) else ", ..."
        lines.append(f"{_COUNTED[kind].format(len(places))}, {number} frames: {', '.join(shown)}{more}")
    return lines


_COUNTED: dict[str, str] = {
    "gap": "gaps without annotation: {}",
    "closed gap": "gaps closed: {}",
    "overlap": "overlaps: {}",
    "outside": "annotations outside of the video, cut off: {}",
    "short": "annotations that contain no frame's middle: {}",
    "point": "point events: {}",
}


def write_files(
    project: Project, texts: Mapping[Path, str], amended: Set[Path], link: Path | None, force: bool, dry_run: bool
) -> Project:
    """Write the files that are not there yet, each complete or not at all.

    Args:
        project: what was found.
        texts: content of every file, in the order of writing.
        amended: files of which the content is what is there, amended; they are written also without ``force``.
        link: folder that ``features`` becomes a link to.
        force: replace files with another content, and remove lists of other splits.
        dry_run: write nothing.

    Raises:
        FileExistsError: if a file has another content and ``force`` is not set.
        ValueError: if a folder of the data set is a link that leads out of it.
        PermissionError: if the folder cannot be written to.
    """
    root = project.root
    for folder in dict.fromkeys([root / "groundTruth", root / "splits", *(path.parent for path in texts)]):
        if not folder.resolve().is_relative_to(root.resolve()):
            raise ValueError(f"{folder} leads out of {root}: nothing is written there; make it a folder of its own")
    unchanged = [path for path, text in texts.items() if _content(path) == text.encode()]
    wanted = [path for path in texts if path not in unchanged]
    stale = [path for path in sorted((root / "splits").glob("*.bundle")) if path not in texts]
    features = root / "features"
    if link is not None and (features.is_symlink() or features.exists()):
        raise FileExistsError(f"{features} is there, and the features are to come from {link}: remove one of them")
    conflicts = [path for path in wanted if path not in amended and (path.is_symlink() or path.exists())] + stale
    if conflicts and not force:
        shown = ", ".join(str(path.relative_to(root)) for path in conflicts[:5])
        more = f" and {len(conflicts) - 5} more" if len(conflicts) > 5 else ""
        raise FileExistsError(f"{root} has these with another content: {shown}{more}; `--force` replaces them")
    if not dry_run:
        _make_folders(root, link)
        for path in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_path(path) as temporary:
                temporary.write_bytes(texts[path].encode())  # bytes: no other line ends on Windows
        for path in stale:
            path.unlink()
    written = ([features] if link is not None else []) + wanted
    return project._replace(written=tuple(written), unchanged=tuple(unchanged), removed=tuple(stale))


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() and not path.is_symlink() else None


def _make_folders(root: Path, link: Path | None) -> None:
    try:
        for folder in (root, root / "groundTruth", root / "splits"):
            folder.mkdir(parents=True, exist_ok=True)
        if link is not None:
            (root / "features").symlink_to(link.resolve(), target_is_directory=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise PermissionError(f"cannot write to the folder {root} ({reason}): choose another") from error
