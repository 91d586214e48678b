"""ELAN's ``.eaf``: XML with tiers of annotations between time slots, in milliseconds."""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Never
from urllib.parse import unquote
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from segtcn.atomic import atomic_path
from segtcn.labels.folder import video_name
from segtcn.prepare.annotations.intervals import Annotations, Interval, make_interval, number, read_bytes
from segtcn.structures import Segment


class _Annotation(NamedTuple):
    tier: str
    slots: tuple[str, str]
    label: str
    line: int


class _Media(NamedTuple):
    url: str
    kind: str
    shift_ms: str


class _Document:
    """What an ``.eaf`` holds, collected while the parser passes over it: no tree, only annotations and times."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.times_ms: dict[str, str] = {}
        self.annotations: dict[str, list[_Annotation]] = {}  # of every tier, in the order of the file
        self.num_references: dict[str, int] = {}
        self.media: list[_Media] = []
        self._root = self._tier = ""
        self._open: _Annotation | None = None
        self._text: list[str] | None = None
        self._parser = expat.ParserCreate()
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        try:
            self._parser.Parse(read_bytes(path), True)
        except (expat.ExpatError, LookupError) as error:  # LookupError: an encoding that does not exist
            raise ValueError(f"{path} is damaged or not an ELAN file ({error}): save it in ELAN again") from error

    def _refuse(self, *_: object) -> Never:
        # its entities could fill the memory from a small file, or read other files
        raise ValueError(
            f"{self.path}, line {self._parser.CurrentLineNumber}: a document type declaration is refused; ELAN writes "
            "none: save the file in ELAN again"
        )

    def _start(self, element: str, attributes: dict[str, str]) -> None:
        line = self._parser.CurrentLineNumber
        if not self._root and element != "ANNOTATION_DOCUMENT":
            raise ValueError(f"{self.path} is not an ELAN file: expected <ANNOTATION_DOCUMENT>, got <{element[:40]}>")
        self._root = "ANNOTATION_DOCUMENT"
        try:
            if element == "HEADER" and attributes.get("TIME_UNITS", "milliseconds") != "milliseconds":
                raise ValueError(f"{self.path}: times must be in milliseconds, got {attributes['TIME_UNITS']!r}")
            if element == "MEDIA_DESCRIPTOR":
                kind, shift_ms = attributes.get("MIME_TYPE", ""), attributes.get("TIME_ORIGIN", "0").strip()
                self.media.append(_Media(attributes["MEDIA_URL"], kind, shift_ms))
            elif element == "TIME_SLOT":
                self.times_ms[attributes["TIME_SLOT_ID"]] = attributes.get("TIME_VALUE", "")
            elif element == "TIER":
                self._tier = attributes["TIER_ID"]
                self.annotations.setdefault(self._tier, [])
            elif element == "ALIGNABLE_ANNOTATION":
                slots = attributes["TIME_SLOT_REF1"], attributes["TIME_SLOT_REF2"]
                self._open = _Annotation(self._tier, slots, "", line)
            elif element == "REF_ANNOTATION":
                self.num_references[self._tier] = self.num_references.get(self._tier, 0) + 1
            elif element == "ANNOTATION_VALUE":
                self._text = []
        except KeyError as error:
            raise ValueError(
                f"{self.path}, line {line}: <{element}> lacks the attribute {error}; save the file in ELAN again"
            ) from error

    def _characters(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def _end(self, element: str) -> None:
        if element == "ANNOTATION_VALUE" and self._open is not None:
            self._open = self._open._replace(label="".join(self._text or []))
        elif element == "ALIGNABLE_ANNOTATION" and self._open is not None:
            self.annotations.setdefault(self._tier, []).append(self._open)
            self._open = None
        if element == "ANNOTATION_VALUE":
            self._text = None


def read_elan(path: str | os.PathLike[str], tier: str | None = None) -> list[Annotations]:
    """Read the annotations of one tier.

    Annotations that refer to others (``REF_ANNOTATION``) have no times of their own; they are left out and noted. A
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
    path = Path(path)
    document = _Document(path)
    aligned = {name: annotations for name, annotations in document.annotations.items() if annotations}
    listed = ", ".join(f"{name} ({len(annotations)})" for name, annotations in aligned.items())
    if not aligned:
        raise ValueError(f"{path} has no tier with annotations that have times: align them in ELAN")
    if tier is None and len(aligned) > 1:
        raise ValueError(f"{path} has annotations on several tiers: choose one of {listed} (`track`)")
    if tier is not None and tier not in aligned:
        raise ValueError(f"{path} has no annotations with times on a tier {tier!r}: choose one of {listed}")
    chosen = next(iter(aligned)) if tier is None else tier
    notes = [
        f"tier {name!r}: {count} annotations refer to others and have no times, left out"
        for name, count in document.num_references.items()
    ]
    # beside a clip there often is its sound, as a file of its own
    clips = [medium for medium in document.media if not medium.kind.startswith("audio")]
    named = [video_name(unquote(clip.url)) for clip in clips]
    notes += [
        f"ELAN shifts {name} by {clip.shift_ms} ms (TIME_ORIGIN); the times of the annotations are left as they are"
        for name, clip in zip(named, clips, strict=True)
        if clip.shift_ms not in ("", "0")
    ]
    names = [path.stem, *(named if len(named) == 1 else [])]
    intervals = [_interval(document, annotation) for annotation in aligned[chosen]]
    return [Annotations(tuple(dict.fromkeys(names)), intervals, str(path), None, tuple(notes))]


def _interval(document: _Document, annotation: _Annotation) -> Interval:
    where = f"{document.path}, line {annotation.line}"
    seconds = []
    for slot in annotation.slots:
        if not document.times_ms.get(slot):
            raise ValueError(f"{where}: {annotation.label!r} has no time (slot {slot!r}): align it in ELAN")
        seconds.append(number(document.times_ms[slot], where) / 1000)
    return make_interval(seconds[0], seconds[1], annotation.label, where)


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
        ValueError: if ``fps`` is not positive, or a name holds a character that XML cannot.
        FileNotFoundError: if the folder does not exist.
        PermissionError: if no file can be created in the folder.
    """
    if not fps > 0:
        raise ValueError(f"`fps` must be positive, got {fps}")
    names = [class_names[segment.label] for segment in segments]
    for name in {*names, tier, media or ""}:
        if re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", name):
            raise ValueError(f"cannot write {path}: XML holds no control characters, got {name!r}")
    edges = sorted({edge for segment in segments for edge in (segment.start, segment.stop)})
    slots = "".join(
        f'    <TIME_SLOT TIME_SLOT_ID="ts{edge}" TIME_VALUE="{round(edge / fps * 1000)}"/>\n' for edge in edges
    )
    annotations = "".join(
        f'    <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a{number}" TIME_SLOT_REF1="ts{segment.start}" '
        f'TIME_SLOT_REF2="ts{segment.stop}">'
        f"<ANNOTATION_VALUE>{escape(name)}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>\n"
        for number, (segment, name) in enumerate(zip(segments, names, strict=True), start=1)
    )
    descriptor = "" if media is None else f'<MEDIA_DESCRIPTOR MEDIA_URL={quoteattr(media)} MIME_TYPE="video/mp4"/>'
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    with atomic_path(path) as temporary:
        temporary.write_text(
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<ANNOTATION_DOCUMENT AUTHOR="segtcn" DATE="{now}" FORMAT="3.0" VERSION="3.0" '
            'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            'xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">\n'
            f'  <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">{descriptor}</HEADER>\n'
            f"  <TIME_ORDER>\n{slots}  </TIME_ORDER>\n"
            f'  <TIER LINGUISTIC_TYPE_REF="default-lt" TIER_ID={quoteattr(tier)}>\n{annotations}  </TIER>\n'
            '  <LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="default-lt" TIME_ALIGNABLE="true"/>\n'
            "</ANNOTATION_DOCUMENT>\n",
            encoding="utf-8",
        )
