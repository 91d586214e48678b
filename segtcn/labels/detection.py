"""Which format a file of labels or annotations has: one answer for all commands, and the way out of foreign ones."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from segtcn.labels.frame_table import frame_table_layout
from segtcn.labels.text_rows import decoded, existing, read_bytes, read_text

Format = Literal[
    "archive", "array", "matlab", "recognition", "segments", "names", "frame table", "one-hot",
    "activitynet", "audacity", "boris", "boris project", "csv", "elan", "json", "label studio", "textgrid", "via",
]  # fmt: skip
"""Formats of frame labels (first line) and of annotations with times (second line)."""

TIMED: dict[str, str] = {
    "activitynet": "ActivityNet's JSON",
    "audacity": "a label track of Audacity",
    "boris": "an export of BORIS",
    "boris project": "a project of BORIS",
    "csv": "a table of segments",
    "elan": "a file of ELAN",
    "json": "JSON of segments",
    "label studio": "an export of Label Studio",
    "textgrid": "a TextGrid of Praat",
    "via": "a project of VIA 3",
}
"""Formats of annotations with times, in words."""

LABEL, START, STOP = ("label", "class", "action"), ("start", "begin"), ("stop", "end")
"""Columns of a table of segments. ``start_s`` is in seconds and ``start_frame`` in frames."""

_BINARY: dict[str, Format] = {".npz": "archive", ".npy": "array", ".mat": "matlab"}
_SEGMENTS = ("label", "start", "stop")
_WRITE = "write a table label,start_s,stop_s"
_PRAAT = ('File type = "ooTextFile', '"ooTextFile')
_HEAD = 2**18

_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"PK\x03\x04", "a ZIP file (a workbook of Excel, a project of Datavyu)", f"{_WRITE} as .csv"),
    (b"\xd0\xcf\x11\xe0", "a workbook of Excel", "save it as CSV in UTF-8"),
    (b"%PDF", "a PDF", _WRITE),
    (b"SQLite format 3", "a data base (The Observer XT and others)", "export the events and " + _WRITE),
    (b"\x89HDF", "an HDF5 file", "open it with the HDF5 reader"),
    (b"\x80\x04", "a pickle of Python", "save it with `numpy.save`, or one label a line"),
)
# what the first lines of other programs look like, which program it is, and the way out
_FOREIGN: tuple[tuple[str, str, str], ...] = (
    (r"\s*(<!doctype html|<html)", "a web page (HTML)", "the download failed; fetch the file itself"),
    (r"(?s)<\?xml.*?<annotations>|<annotations>", "an export of CVAT", _WRITE + " of its tracks"),
    (
        r"<\?xml|<!--|<[A-Za-z][\w:.-]*\s[^>]*=|(?s:<[A-Za-z].*</[A-Za-z])",
        "XML of another program (The Observer, ANVIL, ...), or a part of a web page",
        _WRITE,
    ),
    (r"Bento annotation|Caltech Behavior Annotator", "an .annot file of Bento", "write label,start_frame,stop_frame"),
    (r"(?s).{0,600}(Focal Data File|FirstLineOfData)", "a data file of JWatcher", _WRITE),
    (
        r"[^\n]*\bSelection\b[^\n]*Begin Time \(s\)",
        "a selection table of Raven",
        "name its columns label, start_s and stop_s",
    ),
    (
        r"[^\n]*\bnarration_id\b|[^\n]*\bstart_timestamp\b",
        "a table of EPIC-KITCHENS",
        "write video,label,start_frame,stop_frame of video_id, verb_class or noun_class, start_frame and stop_frame",
    ),
    (r"[^\n]*\.onset\b[^\n]*\.offset\b|#\d+\s*\n.*\((MATRIX|TEXT)", "an export of Datavyu", _WRITE),
    (
        r"[^\n]*(Time_Relative|Duration_sf|Event_Log)",
        "an export of The Observer",
        "write a table label,start_s,stop_s of Behavior, Time_Relative_sf and Duration_sf",
    ),
    (r"WEBVTT|1\n\d\d:\d\d:\d\d", "subtitles", _WRITE),
    (r"# Exported using VGG|filename,file_size,file_attributes", "a table of VIA", "save the project of VIA 3 (.json)"),
    (r"[^\n]*\bannotation_id\b[^\n]*\blead_time\b", "a table of Label Studio", "export JSON"),
    (
        r"(?s).{0,600}\bObservation id\b",
        "an export of BORIS without starts and stops, such as a time budget",
        "export the events (Observations, Export events)",
    ),
    (
        r"(?!\d)\S+[ \t]+\d+(\.\d+)?[ \t]+\d+(\.\d+)?[ \t]*(\n|$)",
        "a list of THUMOS or MultiTHUMOS (video, start, stop)",
        "write a table video,label,start_s,stop_s; the label is the file's name",
    ),
    (r"File type = \"ooTextFile|\"ooTextFile", "an object of Praat but no TextGrid", "save the TextGrid"),
)
# keys that an object has, or all objects in it
_JSON: tuple[tuple[Format, tuple[frozenset[str], ...]], ...] = (
    ("activitynet", (frozenset(("database",)),)),
    ("via", (frozenset(("project", "file", "metadata")),)),
    ("boris project", tuple(frozenset(("observations", key)) for key in ("time_format", "behaviors_conf"))),
    ("label studio", (frozenset(("annotations", "data")),)),
)
_JSON_FOREIGN: tuple[tuple[frozenset[str], str, str], ...] = (
    (frozenset(("_via_settings",)), "a project of VIA 2", "open it in VIA 3, or " + _WRITE),
    (frozenset(("images", "categories")), "COCO's JSON", _WRITE),
    (frozenset(("dm_format_version",)), "an export of CVAT (Datumaro)", _WRITE),
    (
        frozenset(("results", "version")),
        "predictions in ActivityNet's JSON",
        "write {NAME: [{label, start_s, stop_s}, ...]} of `results`",
    ),
    (frozenset(("annotation_id", "lead_time")), "a short export of Label Studio (JSON-MIN)", "export JSON"),
    (frozenset(("timelineLabels",)), "a short export of Label Studio (JSON-MIN)", "export JSON"),
    (
        frozenset(("actions", "duration")),
        "JSON of Charades or MultiTHUMOS",
        "write {NAME: [{label, start_s, stop_s}, ...]} of `actions`",
    ),
    (
        frozenset(("action_localisation",)),
        "JSON of Perception Test",
        "write {NAME: [{label, start_s, stop_s}, ...]}; its timestamps are microseconds",
    ),
)


class ForeignFileError(ValueError):
    """A file of another program, which is not read.

    Args:
        path: the file.
        program: whose it is.
        remedy: what to export or write there.
    """

    def __init__(self, path: Path, program: str, remedy: str) -> None:
        self.program, self.remedy = program, remedy
        super().__init__(f"{path} is {program}, which is not read: {remedy}")


def detect_format(path: str | os.PathLike[str]) -> Format:
    r"""Which format a file has: the ending says it of binary files, the content of text.

    Args:
        path: an existing file. Text that no other format claims is ``names``, one label a line; whether its lines
            can be labels is checked when they are read.

    Raises:
        FileNotFoundError: if there is no such file.
        ForeignFileError: if it is a file of another program, with what to export there.
        ValueError: if it is too large, or a table or JSON of no known format.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "P01.csv"
        >>> _ = path.write_text("label,start,stop\ntake,0,12\n")
        >>> detect_format(path)
        'segments'
    """
    path = existing(path)
    if path.suffix.lower() in _BINARY:
        return _BINARY[path.suffix.lower()]
    with path.open("rb") as file:
        data = file.read(_HEAD)
        if data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"[", b"{"):
            data = read_bytes(path)
    for magic, program, remedy in _MAGIC:
        if data.startswith(magic):
            raise ForeignFileError(path, program, remedy)
    return text_format(path, decoded(data, errors="replace"))


def text_format(path: Path, text: str) -> Format:
    """The format of a text.

    Args:
        path: the file, for messages; its ending says what cannot be a list of labels.
        text: the beginning, or all of it if it is JSON.

    Raises:
        ValueError: if it is that of another program.
    """
    text = text.lstrip("\ufeff").lstrip()
    if text.startswith(("[", "{")):
        return _json_format(path, load_json(path, text))
    is_eaf = path.suffix.lower() == ".eaf"
    tests: tuple[tuple[Format, Callable[[str], object]], ...] = (
        ("recognition", lambda text: text.startswith("### Frame level recognition")),
        ("elan", lambda text: "<ANNOTATION_DOCUMENT" in text or (is_eaf and text.startswith("<?xml"))),
        ("textgrid", lambda text: text.startswith(_PRAAT) and '"TextGrid"' in text[:300]),
        ("boris", boris_header),
        ("segments", _is_segments),
        ("csv", segment_delimiter),
        ("audacity", is_audacity),
    )
    if form := next((form for form, test in tests if test(text)), None):
        return form
    for pattern, program, remedy in _FOREIGN:
        if re.match(pattern, text, re.IGNORECASE):
            raise ForeignFileError(path, program, remedy)
    if (layout := frame_table_layout(text)) is not None:
        return "one-hot" if layout.one_hot else "frame table"
    first = text.split("\n", 1)[0]
    if path.suffix.lower() in (".csv", ".tsv", ".eaf", ".json", ".xml", ".textgrid", ".boris", ".annot"):
        raise ValueError(
            f"{path} has no known format: expected a table with the columns label, start_s and stop_s or frame and "
            "label, an annotation file of a known program, JSON, or, named .txt, one label a line; its first line is "
            f"{first[:60]!r}"
        )
    if "\t" in first or re.match(r"[0-9][0-9.,:]*([ \t]*-[ \t]*|[ \t]+)[0-9][0-9.,:]*[ \t]+\S", first):
        raise ValueError(
            f"{path} has columns or times that cannot be told apart, its first line is {first[:60]!r}: name the "
            "columns there, such as label,start_s,stop_s, or label,start_frame,stop_frame; of ELAN take the .eaf "
            "itself, not a text export; TIMIT's .phn counts samples, 16000 a second"
        )
    return "names"


def json_content(path: str | os.PathLike[str]) -> Any:
    """Read JSON of annotations.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not UTF-8 or not JSON, or an object has a key twice.
    """
    return load_json(Path(path), read_text(path, "annotations"))


def load_json(path: Path, text: str) -> Any:
    """Parse JSON in which no object has a key twice.

    Raises:
        ValueError: if it is not such JSON.
    """
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:  # ValueError: also a number of thousands of digits
        raise ValueError(f"{path} is not JSON ({error}): correct it") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"the key {twice!r} is there twice")
    return content


def _json_format(path: Path, content: Any) -> Format:
    """Which program wrote it, by its keys: the own ones, or those of the first task in a list of Label Studio's."""
    item = content[0] if isinstance(content, list) and content else content
    keys = {*item} if isinstance(item, dict) else set()
    inner = {key for value in item.values() if isinstance(value, dict) for key in value} if keys else set()
    for marks, program, remedy in _JSON_FOREIGN:
        if marks <= keys or marks <= inner:
            raise ForeignFileError(path, program, remedy)
    return next((form for form, marks in _JSON if any(each <= keys for each in marks)), "json")


def boris_header(text: str) -> tuple[int, str] | None:
    """Number of the line, counted from 1, and delimiter of the header of an export of BORIS, if there is one."""
    lines = text.split("\n", 200)[:200] if "Behavior" in text else []
    for line, content in enumerate(lines, start=1):
        for delimiter in ("\t", ",", ";"):
            cells = {cell.strip().strip('"') for cell in content.split(delimiter)}
            if "Behavior" in cells and cells & {"Behavior type", "Status"} and cells & {"Time", "Start (s)"}:
                return line, delimiter
    return None


def segment_delimiter(text: str) -> str | None:
    """What separates the columns of a table of segments; None if the first line does not name them."""
    line = text.lstrip().split("\n", 1)[0]
    times = {f"{name}{ending}" for name in START for ending in ("", "_s", "_frame")}
    for delimiter in (",", ";", "\t"):
        cells = {cell.strip().strip('"').lower() for cell in line.split(delimiter)}
        if cells & {*LABEL} and cells & times:
            return delimiter
    return None


def is_audacity(text: str) -> bool:
    """Whether the first line is two numbers (also with decimal commas, to say that they are refused) and a label."""
    return re.match(r"\s*[+-]?[\d.,]+(e[+-]?\d+)?\t[+-]?[\d.,]+(e[+-]?\d+)?(\t|\n|$)", text, re.IGNORECASE) is not None


def _is_segments(text: str) -> bool:
    return tuple(text.split("\n", 1)[0].rstrip().removeprefix("track,").split(",")[:3]) == _SEGMENTS
