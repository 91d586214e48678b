"""ELAN's ``.eaf``: XML with tiers of annotations between time slots, in milliseconds."""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Never
from urllib.parse import unquote
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from segtcn.atomic import write_text
from segtcn.labels.error_list import ErrorList
from segtcn.labels.text_rows import read_bytes
from segtcn.prepare.annotations.intervals import Annotations, Interval, choose_track, make_interval, number, stated_name
from segtcn.prepare.annotations.project_writers import writable_segments
from segtcn.structures import Segment

_LINE = "line of the file"  # no name of an attribute: XML allows no blanks


def _parse(path: Path) -> Element:
    """The tree, each element with the number of its line as one more attribute."""
    builder, parser = ElementTree.TreeBuilder(), expat.ParserCreate()

    def refuse(*_: object) -> Never:
        # its entities could fill the memory from a small file, or read other files
        raise ValueError(
            f"{path}, line {parser.CurrentLineNumber}: a document type declaration is refused; ELAN writes none: save "
            "the file in ELAN again"
        )

    def start(tag: str, attributes: dict[str, str]) -> None:
        builder.start(tag, {**attributes, _LINE: str(parser.CurrentLineNumber)})

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler, parser.EndElementHandler = start, builder.end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(read_bytes(path), True)
    except (expat.ExpatError, LookupError) as error:  # LookupError: an encoding that does not exist
        raise ValueError(f"{path} is damaged or not an ELAN file ({error}): save it in ELAN again") from error
    root = builder.close()
    if root.tag != "ANNOTATION_DOCUMENT":
        raise ValueError(f"{path} is not an ELAN file: expected <ANNOTATION_DOCUMENT>, got <{root.tag[:40]}>")
    return root


def read_elan(path: Path, tier: str | None = None) -> list[Annotations]:
    """Read the annotations of one tier.

    Annotations that refer to others (``REF_ANNOTATION``) have no times of their own, and those without a text no
    label; they are left out and noted. Times that ELAN has not aligned are spread between their neighbours. A
    file with a document type declaration is refused: nothing in it is expanded or fetched.

    Args:
        path: the file.
        tier: the tier to take; None if only one has annotations with times.

    Returns:
        Annotations, named after the file, then after its clip.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged, several tiers have annotations, or one of the tier's annotations has no time.
    """
    root = _parse(path)
    units = {header.get("TIME_UNITS", "milliseconds") for header in root.iter("HEADER")} - {"milliseconds"}
    if units:
        raise ValueError(f"{path}: times must be in milliseconds, got {units.pop()!r}")
    tiers = {element.get("TIER_ID", ""): element for element in root.iter("TIER")}
    if len(tiers) < len([*root.iter("TIER")]):
        raise ValueError(f"{path} has two tiers of one name, {', '.join(tiers)}: rename one in ELAN")
    aligned = {name: found for name, element in tiers.items() if (found := [*element.iter("ALIGNABLE_ANNOTATION")])}
    for part, place in (("ALIGNABLE_ANNOTATION", "TIER"), ("TIME_SLOT", "TIME_ORDER")):
        if len([*root.iter(part)]) > sum(len([*inside.iter(part)]) for inside in root.iter(place)):
            raise ValueError(f"{path} is damaged: a {part} stands outside of any {place}; save it in ELAN again")
    if not aligned:
        raise ValueError(f"{path} has no tier with annotations that have times: align them in ELAN")
    chosen = choose_track(path, aligned, tier, "tiers with annotations that have times")
    notes = [
        f"tier {name!r}: {count} annotations refer to others and have no times, left out"
        for name, element in tiers.items()
        if (count := len([*element.iter("REF_ANNOTATION")]))
    ]
    # beside a clip there often is its sound, as a file of its own
    media = [medium for medium in root.iter("MEDIA_DESCRIPTOR") if not medium.get("MIME_TYPE", "").startswith("audio")]
    clips = {_clip(medium.get("MEDIA_URL", "")): medium.get("TIME_ORIGIN", "") for medium in media}
    notes += [
        f"ELAN shifts {name} by {shift_ms} ms (TIME_ORIGIN); the times of the annotations are left as they are"
        for name, shift_ms in clips.items()
        if shift_ms.strip() not in ("", "0")
    ]
    times_s = _slots(path, root)
    notes += _complete(aligned[chosen], times_s)
    intervals = []
    errors = ErrorList()
    for annotation in aligned[chosen]:
        with errors.collect():
            intervals += _interval(path, annotation, times_s)
    errors.raise_any()
    if unnamed := len(aligned[chosen]) - len(intervals):
        notes.append(f"annotations without a text, left out: {unnamed}")
    names = [path.stem, *(clips if len(clips) == 1 else [])]
    return [Annotations(tuple(dict.fromkeys(names)), intervals, str(path), None, tuple(notes))]


def _clip(url: str) -> str:
    """Name of a clip by its address, with its folders."""
    return stated_name(re.sub(r"^file:/*", "", unquote(url)))


def _slots(path: Path, root: Element) -> dict[str, float | None]:
    """Seconds of the time slots; None for those that ELAN has not aligned."""
    times_s: dict[str, float | None] = {}
    for slot in root.iter("TIME_SLOT"):
        name, time_ms = slot.get("TIME_SLOT_ID", ""), slot.get("TIME_VALUE")
        if name in times_s:
            raise ValueError(f"{path}: the time slot {name!r} is there twice: save it in ELAN again")
        times_s[name] = None if time_ms is None else number(time_ms, f"{path}, slot {name!r}") / 1000
    return times_s


def _complete(annotations: Sequence[Element], times_s: dict[str, float | None]) -> list[str]:
    """Spread slots without a time evenly between those around them in a chain of annotations, as ELAN shows them."""
    chain: list[str] = []
    completed = 0
    for annotation in annotations:
        first, second = (annotation.get(f"TIME_SLOT_REF{number}", "") for number in (1, 2))
        chain = [*chain, second] if chain and chain[-1] == first else [first, second]
        if len(chain) > 2 and times_s.get(second) is not None and times_s.get(first) is None:
            known = max((i for i, slot in enumerate(chain[:-1]) if times_s.get(slot) is not None), default=None)
            if known is None:
                continue
            start_s, stop_s = times_s[chain[known]] or 0.0, times_s[second] or 0.0
            for step, slot in enumerate(chain[known + 1 : -1], start=1):
                times_s[slot] = start_s + (stop_s - start_s) * step / (len(chain) - 1 - known)
                completed += 1
    return [f"times that ELAN has not aligned, spread evenly: {completed}"] if completed else []


def _interval(path: Path, annotation: Element, times_s: Mapping[str, float | None]) -> list[Interval]:
    """The annotation, or nothing if it has no text."""
    label = annotation.findtext("ANNOTATION_VALUE", "")
    where = f"{path}, line {annotation.get(_LINE)}"
    edges: list[float] = []
    for attribute in ("TIME_SLOT_REF1", "TIME_SLOT_REF2"):
        if (slot := annotation.get(attribute)) is None:
            raise ValueError(f"{where}: {label!r} lacks the attribute {attribute}; save the file in ELAN again")
        time_s = times_s.get(slot)
        if time_s is None:
            raise ValueError(f"{where}: {label!r} has no time (slot {slot!r}): align it in ELAN")
        edges.append(time_s)
    return [make_interval(edges[0], edges[1], label, where)] if label and label.strip() else []


def write_elan(
    path: str | os.PathLike[str],
    segments: Sequence[Segment],
    class_names: Sequence[str],
    fps: float,
    media: str | None = None,
    tier: str = "segments",
) -> None:
    """Write segments as a tier for ELAN, to be watched and corrected there; complete or not at all.

    ELAN counts milliseconds: up to 500 frames a second they come back as the same frames.

    Args:
        path: the file to make or to replace, ``.eaf``.
        segments: of one video, in frames.
        class_names: name of every class.
        fps: frames per second.
        media: path of the clip, so that ELAN opens it, too.
        tier: name of the tier.

    Raises:
        ValueError: as of :func:`~segtcn.prepare.annotations.project_writers.writable_segments`, or if a name holds a
            character that XML cannot.
        FileNotFoundError: if the folder does not exist.
        PermissionError: if no file can be created in the folder.
    """
    named = writable_segments(path, segments, class_names, fps)
    for name in {*(name for _, name in named), tier, media or ""}:
        if re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", name):
            raise ValueError(f"cannot write {path}: XML holds no control characters, got {name!r}")
    edges = sorted({edge for segment, _ in named for edge in (segment.start, segment.stop)})
    slots = "".join(
        f'    <TIME_SLOT TIME_SLOT_ID="ts{edge}" TIME_VALUE="{round(edge / fps * 1000)}"/>\n' for edge in edges
    )
    annotations = "".join(
        f'    <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a{number}" TIME_SLOT_REF1="ts{segment.start}" '
        f'TIME_SLOT_REF2="ts{segment.stop}">'
        f"<ANNOTATION_VALUE>{escape(name)}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>\n"
        for number, (segment, name) in enumerate(named, start=1)
    )
    descriptor = "" if media is None else f'<MEDIA_DESCRIPTOR MEDIA_URL={quoteattr(media)} MIME_TYPE="video/mp4"/>'
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    write_text(
        path,
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<ANNOTATION_DOCUMENT AUTHOR="segtcn" DATE="{now}" FORMAT="3.0" VERSION="3.0" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">\n'
        f'  <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">{descriptor}</HEADER>\n'
        f"  <TIME_ORDER>\n{slots}  </TIME_ORDER>\n"
        f'  <TIER LINGUISTIC_TYPE_REF="default-lt" TIER_ID={quoteattr(tier)}>\n{annotations}  </TIER>\n'
        '  <LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="default-lt" TIME_ALIGNABLE="true"/>\n'
        "</ANNOTATION_DOCUMENT>\n",
    )
