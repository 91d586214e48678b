"""The files of a data set: its card, its config, and how they are written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Set
from contextlib import suppress
from pathlib import Path
from shlex import quote
from typing import Any, NamedTuple

import numpy as np
import yaml

from segtcn.atomic import reason, write_text
from segtcn.data.card import read_card
from segtcn.labels.classes import Classes
from segtcn.labels.labels import Labels
from segtcn.labels.video_lists import list_text
from segtcn.prepare.annotations import Finding
from segtcn.prepare.check.facts import ClassCount
from segtcn.prepare.splits import Split
from segtcn.prepare.tree_writer import tree_config
from segtcn.structures import IGNORE
from segtcn.text_table import counted, markdown_table

OWN_WORDS = ("name", "title", "features", "source", "licence", "citation", "groups")
"""What a person writes into a card; a new card keeps it."""

UNCOUNTED_WORDS = (*OWN_WORDS, "unchecked", "feature_dim", "extraction")
"""What may stand in a card beside the facts that `segtcn init` counts: a person's words, and what features are."""

FACTS = ("reader", "length_policy", "length_tolerance")
"""What a config says about the data; the rest is how to train on it."""


class Project(NamedTuple):
    """What :func:`~segtcn.prepare.project.init_project` found, and what it did.

    Args:
        root: the folder.
        labels: of every labelled video.
        num_frames: of every labelled video; differs from the labels only where they were there before.
        feature_dim: width D; None if the features are not there yet.
        extraction: how the features were made; None where nothing says it.
        videos: folder of the clips, or None.
        fps: frames per second.
        fps_is_measured: whether that is from the clips.
        classes: their names, and the background class.
        splits: the splits, the first is number 1.
        groups: regular expression of the person or recording in a name that the splits keep together, or None.
        formats: of the annotations, with their numbers of files.
        findings: of every video, what the rules of the annotations decided.
        notes: what else should be known.
        written: files that were written, or would be.
        unchanged: files that were there and are right.
        removed: lists of splits that no longer exist, removed or to be removed.
    """

    root: Path
    labels: dict[str, Labels]
    num_frames: dict[str, int]
    feature_dim: int | None
    extraction: dict[str, Any] | None
    videos: Path | None
    fps: float
    fps_is_measured: bool
    classes: Classes
    splits: list[Split]
    groups: str | None
    formats: list[str]
    findings: dict[str, list[Finding]]
    notes: list[str]
    written: tuple[Path, ...] = ()
    unchanged: tuple[Path, ...] = ()
    removed: tuple[Path, ...] = ()

    @property
    def class_names(self) -> list[str]:
        """Name of every class."""
        return list(self.classes.names)

    @property
    def background(self) -> str | None:
        """Name of the background class, or None."""
        return None if self.classes.background is None else self.classes.names[self.classes.background]


def project_texts(project: Project, present: Set[str], length_tolerance: int) -> dict[Path, str]:
    """Content of every file, the config last: where it is, everything is.

    Args:
        project: what was found.
        present: names of the videos whose frame labels are there already.
        length_tolerance: largest difference in frames between features and labels.
    """
    root = project.root
    texts = {
        root / "groundTruth" / f"{name}.txt": "".join(f"{label}\n" for label in labels.names())
        for name, labels in project.labels.items()
        if name not in present
    }
    for number, split in enumerate(project.splits, start=1):
        for subset, names in (("train", split.train), ("test", split.test)):
            texts[root / "splits" / f"{subset}.split{number}.bundle"] = list_text(names)
    texts[root / "mapping.txt"] = project.classes.mapping_text()
    texts[root / "README.md"] = card_text(project)
    trims = any(len(labels) != project.num_frames[name] for name, labels in project.labels.items())
    texts[root / "data.yaml"] = config_text(project, length_tolerance if trims else 0)
    return texts


def card_text(project: Project) -> str:
    """The card, with counted numbers; what a person wrote into an earlier one (:data:`OWN_WORDS`) stays.

    Raises:
        ValueError: if there is a README.md that is not a card.
    """
    counts = _count_classes(project.labels.values(), project.classes)
    values = _card_values(project, _num_segments(counts, project.background))
    kept_words = [word for word in OWN_WORDS if word != "groups" or project.groups is None]
    path = project.root / "README.md"
    if path.is_file():
        try:
            values |= {key: old for key, old in read_card(path).items() if key in kept_words and isinstance(old, str)}
        except ValueError as error:
            raise ValueError(f"{error}; it has the name of the data set's card: give it another") from error
    splits = [
        f"Split {number} tests {split.held_out or f'fold {number}'}: {counted(len(split.test), 'video')}, "
        f"and trains on the other {len(split.train)}."
        for number, split in enumerate(project.splits, start=1)
    ]
    return "\n".join(
        [
            _with_features(
                f"---\n{yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=120)}---", project
            ),
            f"\n# {values['name']}\n",
            "Say here what is filmed and how the features were made. The numbers were counted by `segtcn init`, except",
            f"those under `unchecked`.\n\n{_class_table(counts)}\n\n## Labels\n",
            f"From {', '.join(project.formats)}, by the rules of `segtcn.prepare.annotations.frame_labels`.\n",
            *(f"- {line}" for line in summarize(project.findings) or ["Nothing had to be decided."]),
            "\n## Splits\n",
            *(f"- {line}" for line in splits),
            "",
        ]
    )


def recounted_card(card: str, videos: Iterable[Labels], classes: Classes) -> str:
    """A card with the classes and counts of other labels; words around them stay.

    Args:
        card: its text.
        videos: labels of all videos.
        classes: of the labels.
    """
    facts, counts = yaml.safe_load(card.split("\n---", 1)[0]), _count_classes(videos, classes)
    segments = _num_segments(counts, facts.get("background"))
    new = {"segments": segments, "num_classes": len(classes), "classes": [*classes.names]}
    card = _with_values(card, {key: value for key, value in new.items() if key in facts})
    return re.sub(
        r"^\| class \| frames .*(?:\n\|.*)*", lambda _: _class_table(counts), card, count=1, flags=re.MULTILINE
    )


def _class_table(counts: Iterable[ClassCount]) -> str:
    total = max(1, sum(count.frames for count in counts))
    return markdown_table(
        ["class", "frames", "share", "segments", "videos"],
        [
            [name, str(frames), f"{100 * frames / total:.1f} %", str(segments), str(videos)]
            for name, frames, segments, videos in counts
        ],
    )


def _num_segments(counts: Iterable[ClassCount], background: str | None) -> int:
    return sum(count.segments for count in counts if count.name != background)


def _count_classes(tracks: Iterable[Labels], classes: Classes) -> list[ClassCount]:
    num_classes = len(classes)
    frames, segments, videos = np.zeros((3, num_classes), np.int64)
    for labels in tracks:
        runs = labels.runs()
        known = runs.values != IGNORE
        segments_of_video = np.bincount(runs.values[known], minlength=num_classes)
        frames += labels.frames_per_class()
        segments += segments_of_video
        videos += segments_of_video > 0
    columns = (frames.tolist(), segments.tolist(), videos.tolist())
    return [ClassCount(*row) for row in zip(classes.names, *columns, strict=True)]


def _card_values(project: Project, num_segments: int) -> dict[str, Any]:
    lengths = list(project.num_frames.values())
    return {
        "name": project.root.resolve().name,
        "title": "none given",
        "features": "none given",
        "videos": len(lengths),
        "frames": sum(lengths),
        "shortest_video": min(lengths),
        "longest_video": max(lengths),
        "segments": num_segments,
        "num_classes": len(project.classes),
        "classes": project.class_names,
        "background": project.background,
        "fps": project.fps,
        "splits": len(project.splits),
        "train_videos": len(project.splits[0].train),
        "test_videos": len(project.splits[0].test),
        "layout": "segtcn.data.readers.MSTCNReader",
        "config": "data.yaml",
        "unchecked": [*([] if project.fps_is_measured else ["fps"]), "source", "licence"],
        "source": "none given",
        "licence": "none given",
        "citation": "none",
        **({} if project.groups is None else {"groups": project.groups}),
    }


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
            amended[card] = _with_features(card.read_bytes().decode(), project)
            if project.groups not in (None, old.get("groups")):
                amended[card] = _with_values(amended[card], {"groups": project.groups})
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


def _with_features(card: str, project: Project) -> str:
    """A card with what there is to say of the features, once they are there."""
    if project.feature_dim is None:
        return card
    return _with_values(card, {"feature_dim": project.feature_dim, "extraction": project.extraction})


def _with_values(card: str, values: Mapping[str, Any]) -> str:
    """A card with values of its front matter replaced or added; None removes one."""
    head, rest = card.split("\n---", 1)
    for key, value in values.items():
        # JSON is YAML on one line
        line = "" if value is None else f"\n{key}: {json.dumps(value, ensure_ascii=False)}"
        place = re.search(rf"\n{key}:.*(?:\n[- ].*)*", head)
        head = head + line if place is None else head[: place.start()] + line + head[place.end() :]
    return f"{head}\n---{rest}"


def config_text(project: Project, length_tolerance: int) -> str:
    """The data config; with a tolerance it lets the data module trim features and labels to the shorter."""
    root = project.root.resolve()
    values = {"split": 1, "sample_rate": 1, "standardize": True, "card": str(root / "README.md")}
    if length_tolerance:
        values |= {"length_policy": "trim", "length_tolerance": length_tolerance}
    return (
        f"# {root.name}: {counted(len(project.labels), 'video')}, {len(project.class_names)} classes, "
        f"{counted(len(project.splits), 'split')}.\n# Written by `segtcn init`; train on it with\n"
        f"#   segtcn fit -c ed_tcn -c {quote(str(root / 'data.yaml'))}\n"
        "# The paths are absolute, so that it works from everywhere; change them if the folder moves.\n"
        + tree_config(root, project.fps, project.background, values)
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
    for name, of_video in findings.items():
        for finding in of_video:
            kinds.setdefault(finding.kind, []).append((name, finding))
    lines = []
    for kind, places in sorted(kinds.items()):
        number = sum(finding.num_frames for _, finding in places)
        shown = [f"{name} {place.start_s:g} to {place.stop_s:g} s ({place.text})" for name, place in places[:most]]
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
    missing = [path for path in texts if path not in unchanged]
    stale = [path for path in sorted((root / "splits").glob("*.bundle")) if path not in texts]
    features = root / "features"
    if link is not None and (features.is_symlink() or features.exists()):
        raise FileExistsError(f"{features} is there, and the features are to come from {link}: remove one of them")
    conflicts = [path for path in missing if path not in amended and (path.is_symlink() or path.exists())] + stale
    if conflicts and not force:
        shown = ", ".join(str(path.relative_to(root)) for path in conflicts[:5])
        more = f" and {len(conflicts) - 5} more" if len(conflicts) > 5 else ""
        raise FileExistsError(f"{root} has these with another content: {shown}{more}; `force` replaces them")
    if not dry_run:
        _make_folders(root, link)
        for path in missing:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(path, texts[path])
        for path in stale:
            path.unlink()
    written = ([features] if link is not None else []) + missing
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
        raise PermissionError(f"cannot write to the folder {root} ({reason(error)}): choose another") from error
