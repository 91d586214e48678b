# ruff: noqa: E501 - one line a format and one a change reads as the table that it is
"""Files of every format, changed at random: each reads as before, or as is said, or is refused; the rest is listed.

The table ``ACCEPTED`` holds every kind of change that is read as another annotation, with the reason why no program can
tell it from what a person meant. The slow test makes all changes and fails if a line of the table has become untrue.
"""

from __future__ import annotations

import json
import random
import re
import warnings
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segtcn.evaluation.pairs import pair_files
from segtcn.prepare.annotations import LabelRules
from segtcn.prepare.project import Sources, init_project

FPS, NUM_FRAMES, SEEDS = 4, 40, 12
SEGMENTS = [(0.5, 2.0, "cut"), (2.0, 3.25, "pour milk"), (4.0, 6.5, "stir"), (7.0, 9.0, "cut")]
FRAMES = ["none"] * NUM_FRAMES
for _start, _stop, _label in SEGMENTS:
    FRAMES[int(_start * FPS) : int(_stop * FPS)] = [_label] * int((_stop - _start) * FPS)
RUNS = [0, *(t for t in range(1, NUM_FRAMES) if FRAMES[t] != FRAMES[t - 1]), NUM_FRAMES]


def lines(head: str, form: str, tail: str = "", delimiter: str = ",") -> str:
    body = [
        form.format(a, b, c, n=n, d=b - a, fa=int(a * FPS), fb=int(b * FPS)) for n, (a, b, c) in enumerate(SEGMENTS)
    ]
    return (head + "\n".join(body) + "\n" + tail).replace(",", delimiter)


def boris() -> str:
    head = "Observation id,Source,Time offset (s),Media duration (s),FPS,Subject,Behavior,Behavior type,Time,Media file name,Image index\n"
    row = "day,player #1:P00.mp4;P01.mp4,0,20.000;10.000,4.000;4.000,,{2},{kind},{t:.3f},P01.mp4,{i}\n"
    events = [(t, kind, c) for a, b, c in SEGMENTS for t, kind in ((a, "START"), (b, "STOP"))]
    return head + "".join(row.format(0, 0, c, kind=kind, t=20 + t, i=int(t * FPS)) for t, kind, c in events)


def textgrid(long: bool) -> str:
    spans, last = [], 0.0
    for a, b, c in SEGMENTS:
        spans += [(last, a, "")] * (a > last) + [(a, b, c)]
        last = b
    spans.append((last, 10.0, ""))
    head = 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'
    if not long:
        body = "".join(f'{a}\n{b}\n"{c}"\n' for a, b, c in spans)
        return f'{head}0\n10\n<exists>\n1\n"IntervalTier"\n"actions"\n0\n10\n{len(spans)}\n{body}'
    body = "".join(
        f'intervals [{n}]:\n xmin = {a}\n xmax = {b}\n text = "{c}"\n' for n, (a, b, c) in enumerate(spans, 1)
    )
    tier = f'item [1]:\n class = "IntervalTier"\n name = "actions"\n xmin = 0\n xmax = 10\n intervals: size = {len(spans)}\n'
    return f"{head}xmin = 0\nxmax = 10\ntiers? <exists>\nsize = 1\nitem []:\n{tier}{body}"


def elan() -> str:
    edges = sorted({edge for a, b, _ in SEGMENTS for edge in (a, b)})
    slots = "".join(f'<TIME_SLOT TIME_SLOT_ID="ts{e}" TIME_VALUE="{int(1000 * e)}"/>\n' for e in edges)
    form = '<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a{n}" TIME_SLOT_REF1="ts{0}" TIME_SLOT_REF2="ts{1}"><ANNOTATION_VALUE>{2}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>'
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<ANNOTATION_DOCUMENT>\n<HEADER TIME_UNITS="milliseconds"><MEDIA_DESCRIPTOR MEDIA_URL="file:///P01.mp4"/></HEADER>\n<TIME_ORDER>\n{slots}</TIME_ORDER>\n<TIER TIER_ID="actions">\n'
    return lines(head, form, "</TIER>\n</ANNOTATION_DOCUMENT>\n")


def dumped(content: Any) -> str:
    return json.dumps(content, indent=1)


VIA = {
    "project": {"pname": "p"}, "file": {"1": {"fname": "P01.mp4"}}, "view": {"1": {"fid_list": ["1"]}},
    "attribute": {"1": {"aname": "action", "options": {"1": "cut", "2": "pour milk", "3": "stir"}}},
    "metadata": {f"1_{n}": {"vid": "1", "z": [a, b], "xy": [], "av": {"1": {"cut": "1", "pour milk": "2", "stir": "3"}[c]}}
                 for n, (a, b, c) in enumerate(SEGMENTS)},
}  # fmt: skip
LABEL_STUDIO = [{"id": 1, "data": {"video": "/data/upload/1/0a1b2c3d-P01.mp4"}, "annotations": [{"result": [
    {"type": "timelinelabels", "value": {"ranges": [{"start": int(a * FPS) + 1, "end": int(b * FPS)}], "timelinelabels": [c]}}
    for a, b, c in SEGMENTS]}]}]  # fmt: skip
PROJECT = {
    "time_format": "s", "behaviors_conf": {str(n): {"type": "State event", "code": c} for n, c in enumerate(("cut", "pour milk", "stir"))},
    "observations": {"day": {"file": {"1": ["P01.mp4"]}, "time offset": 0.0, "media_info": {"length": {"P01.mp4": 10.0}, "fps": {"P01.mp4": 4.0}},
                             "events": [[t, "", c, "", ""] for a, b, c in SEGMENTS for t in (a, b)]}},
}  # fmt: skip
ACTIVITYNET = {
    "version": "1.3",
    "database": {"P01": {"duration": 10.0, "annotations": [{"segment": [a, b], "label": c} for a, b, c in SEGMENTS]}},
}

ANNOTATIONS: dict[str, tuple[str, str]] = {  # read by `init`: the file's ending, and its text
    "csv": (".csv", lines("video,label,start_s,stop_s\n", "P01.mp4,{2},{0},{1}")),
    "csv, frames": (".csv", lines("label;start_frame;stop_frame\n", "{2};{fa};{fb}")),
    "csv, both": (".tsv", lines("label,start_frame,stop_frame,start_s,stop_s\n", "{2},{fa},{fb},{0},{1}", "", "\t")),
    "json": (".json", dumped([{"label": c, "start_s": a, "stop_s": b} for a, b, c in SEGMENTS])),
    "audacity": (".txt", lines("", "{0:.6f}\t{1:.6f}\t{2}")),
    "boris": (".csv", boris()),
    "boris, aggregated": (
        ".tsv",
        lines(
            "Observation id,Media file,Media duration (s),Subject,Behavior,Behavior type,Start (s),Stop (s)\n",
            "day,P01.mp4,10.0,,{2},STATE,{0},{1}",
            "",
            "\t",
        ),
    ),
    "boris project": (".boris", dumped(PROJECT)),
    "elan": (".eaf", elan()),
    "activitynet": (".json", dumped(ACTIVITYNET)),
    "via": (".json", dumped(VIA)),
    "label studio": (".json", dumped(LABEL_STUDIO)),
    "textgrid": (".TextGrid", textgrid(long=True)),
    "textgrid, short": (".TextGrid", textgrid(long=False)),
}
LABELS: dict[str, tuple[str, str]] = {  # read by `evaluate`
    "names": (".txt", "".join(f"{name}\n" for name in FRAMES)),
    "recognition": ("", "### Frame level recognition: ###\n" + " ".join(name.replace(" ", "_") for name in FRAMES) + "\n"),
    "segments": (".csv", "label,start,stop,start_s,stop_s,confidence\n" + "".join(
        f"{FRAMES[a]},{a},{b},{a / FPS},{b / FPS},\n" for a, b in pairwise(RUNS))),
    "frame table": (".txt", "Frame\tPhase\n" + "".join(f"{t}\t{name}\n" for t, name in enumerate(FRAMES))),
    "frame table, step": (".csv", "frame,phase\n" + "".join(f"{25 * t},{name}\n" for t, name in enumerate(FRAMES))),
    "time table": (".csv", "time;label\n" + "".join(f"{t / FPS};{name}\n" for t, name in enumerate(FRAMES))),
    "one-hot": (".csv", ",cut,none,pour milk,stir\n" + "".join(
        f"{t},{','.join(str(int(name == one)) for one in ('cut', 'none', 'pour milk', 'stir'))}\n" for t, name in enumerate(FRAMES))),
}  # fmt: skip
Mutation = Callable[[str, random.Random], str]


def by_row(change: Callable[[list[Any], random.Random], None]) -> Mutation:
    """A change of the rows below the first line, or of the largest list (or object) in JSON."""

    def mutate(text: str, rng: random.Random) -> str:
        if text[0] not in "[{":
            head, *rows = text.rstrip("\n").split("\n")
            change(rows, rng)
            return "\n".join([head, *rows]) + "\n"
        content = json.loads(text)
        holder, key = max(containers({"": content}), key=lambda place: len(place[0][place[1]]))
        rows = [*holder[key].items()] if isinstance(holder[key], dict) else holder[key]
        change(rows, rng)
        holder[key] = dict(rows) if isinstance(holder[key], dict) else rows
        return dumped(content)

    return mutate


def containers(value: Any) -> list[tuple[Any, Any]]:
    places = []
    for key, inner in [*value.items()] if isinstance(value, dict) else [*enumerate(value)]:
        if isinstance(inner, dict | list) and key != "attribute":
            places += [(value, key)] * (key in ("", "annotations", "result", "events", "metadata"))
            places += containers(inner)
    return places


def drop(rows: list[Any], rng: random.Random) -> None:
    del rows[rng.randrange(len(rows))]


def repeat(rows: list[Any], rng: random.Random) -> None:
    index = rng.randrange(len(rows))
    rows.insert(index, rows[index])


def swap(rows: list[Any], rng: random.Random) -> None:
    a, b = rng.sample(range(len(rows)), 2) if len(rows) > 1 else (0, 0)
    rows[a], rows[b] = rows[b], rows[a]


def delimiter_of(text: str) -> str | None:
    return next((sign for sign in "\t;," if text[0] not in "[{<" and sign in text.split("\n", maxsplit=1)[0]), None)


def with_column(text: str, rng: random.Random, change: Callable[[list[str], int, bool], None]) -> str:
    sign = delimiter_of(text)
    if sign is None:
        return text
    rows = [row.split(sign) for row in text.rstrip("\n").split("\n")]
    index = rng.randrange(len(rows[0]))
    for number, row in enumerate(rows):
        change(row, min(index, len(row)), number == 0)
    return "\n".join(sign.join(row) for row in rows) + "\n"


def at_random(pattern: str, change: Callable[[str, random.Random], str]) -> Mutation:
    """A change of one place that matches; of the text as it is where none does."""

    def mutate(text: str, rng: random.Random) -> str:
        places = [*re.finditer(pattern, text)]
        if not places:
            return text
        place = rng.choice(places)
        return text[: place.start()] + change(place[0], rng) + text[place.end() :]

    return mutate


def scaled(text: str, rng: random.Random) -> str:
    factor = rng.choice((1000, 1000, 1_000_000))
    if text.startswith("<"):
        return re.sub(r'(?<=TIME_VALUE=")\d+', lambda number: str(int(number[0]) * factor), text)
    return re.sub(r"(?<![\w#.\[])\d+\.\d+", lambda number: repr(float(number[0]) * factor), text)


def flipped(text: str, rng: random.Random) -> str:
    data = bytearray(text.encode())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data.decode("latin-1")


MUTATIONS: dict[str, Mutation] = {
    "row dropped": by_row(drop),
    "row repeated": by_row(repeat),
    "rows swapped": by_row(swap),
    "rows shuffled": by_row(lambda rows, rng: rng.shuffle(rows)),
    "first rows dropped": by_row(lambda rows, rng: rows.__delitem__(slice(0, rng.randint(1, 3)))),
    "last rows dropped": by_row(lambda rows, rng: rows.__delitem__(slice(-rng.randint(1, 3), None))),
    "truncated": lambda text, rng: text[: rng.randrange(1, len(text))],
    "byte flipped": flipped,
    "bytes behind": lambda text, rng: text + rng.choice(("\0", "\0\0\0", "}", "garbage\n", "1,2,3\n")),
    "unit changed": scaled,
    "underscore": at_random(r"\d\d", lambda number, rng: f"{number[0]}_{number[1]}"),
    "decimal comma": at_random(r"\d\.\d", lambda number, rng: number.replace(".", ",")),
    "word for a number": at_random(r"(?<=[^\w.])\d+(\.\d+)?(?=[^\w.])", lambda number, rng: rng.choice(("NaN", "x", "-1", "1e400"))),
    "delimiter changed": lambda text, rng: text.replace(delimiter_of(text) or "\0", rng.choice(",;\t|")),
    "header dropped": lambda text, rng: text.split("\n", 1)[1],
    "header changed": lambda text, rng: re.sub(r"\w+", lambda word: f"{word[0]}x", text.split("\n", 1)[0], count=rng.randint(1, 4)) + "\n" + text.split("\n", 1)[1],
    "column added": lambda text, rng: with_column(text, rng, lambda row, i, first: row.insert(i, "extra" if first else "7")),
    "column repeated": lambda text, rng: with_column(text, rng, lambda row, i, first: row.insert(i, row[min(i, len(row) - 1)])),
    "column dropped": lambda text, rng: with_column(text, rng, lambda row, i, first: row.__delitem__(slice(i, i + 1))),
    "video renamed": lambda text, rng: text.replace("P01", rng.choice(("P09", "P01b", "x/P01", "p01"))),
    "line ends": lambda text, rng: rng.choice(("\ufeff", "")) + text.replace("\n", rng.choice(("\r\n", "\r"))),
}  # fmt: skip

FEWER = "a file of fewer annotations is a file as any other; `init` lists the gap"
SEGMENT_FILES = (
    "csv", "csv, frames", "csv, both", "json", "audacity", "boris", "boris, aggregated", "boris project", "elan",
    "activitynet", "via", "label studio",
)  # fmt: skip
ACCEPTED: dict[str, tuple[str, tuple[str, ...]]] = {
    "row dropped": (FEWER, SEGMENT_FILES),
    "first rows dropped": (FEWER, SEGMENT_FILES),
    "last rows dropped": (FEWER, SEGMENT_FILES),
    "header dropped": ("it has no header: a row is dropped", ("audacity",)),
    "rows swapped": (
        "the order of its lines is all that it says; two labels change places",
        ("names", "textgrid, short"),
    ),
    "truncated": ("a number that is cut short is a number, and what comes after it is not there", SEGMENT_FILES),
    "rows shuffled": ("the order of its lines is all that it says", ("names",)),
    "byte flipped": (
        "another digit that is a time as well, or another letter of a class",
        (*SEGMENT_FILES, "textgrid, short", "textgrid"),
    ),
}
"""By kind of change: why it may be read as another annotation, and in which formats."""


def read_annotations_of(folder: Path, ending: str, content: bytes) -> tuple[list[str], Any]:
    """Labels of P01, and all that is said, as ``segtcn init`` has it."""
    annotations = folder / "annotations"
    for path in annotations.iterdir():
        path.unlink()
    (annotations / "P02.csv").write_text("label,start_s,stop_s\ncut,0,5\npour milk,5,6\nstir,6,7\n")
    (annotations / f"P01{ending}").write_bytes(content)
    project = init_project(folder, Sources(fps=FPS), LabelRules(background="none"), dry_run=True, progress=False)
    printed = [*project.notes, *(each.kind for each in project.findings["P01"] if each.kind in ("outside", "overlap"))]
    return project.labels["P01"].names(), printed


def read_labels_of(folder: Path, ending: str, content: bytes) -> tuple[list[str], Any]:
    """Labels of a file, and all that is said, as ``segtcn evaluate`` has it beside the unchanged file."""
    (folder / f"pred{ending}").write_bytes(content)
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        pairs = pair_files(folder / f"pred{ending}", folder / "truth")
    return pairs.preds["pred"].names(), sorted(str(note.message) for note in notes) + pairs.only_predicted()


def outcome(read: Callable[[bytes], tuple[list[str], Any]], before: tuple[list[str], Any], content: bytes) -> str:
    try:
        names, notes = read(content)
    except (ValueError, FileNotFoundError):
        return "refused"
    return "as before" if names == before[0] else "as stated" if notes != before[1] else "another"


def count_outcomes(tmp_path: Path, seeds: range, formats: list[str]) -> tuple[Counter[str], dict[tuple[str, str], str]]:
    """How many changes had each outcome, and an example of every kind that is read as another annotation."""
    for part in ("features", "annotations"):
        (tmp_path / part).mkdir()
    for name in ("P01", "P02"):
        np.save(tmp_path / "features" / f"{name}.npy", np.zeros((3, NUM_FRAMES), np.float32))
    outcomes: Counter[str] = Counter()
    others: dict[tuple[str, str], str] = {}
    for form in formats:
        ending, text = (ANNOTATIONS | LABELS)[form]
        function = read_annotations_of if form in ANNOTATIONS else read_labels_of
        (tmp_path / "truth").write_text(text)
        before = function(tmp_path, ending, text.encode())
        for kind, mutate in MUTATIONS.items():
            for seed in seeds:
                changed = mutate(text, random.Random(f"{form} {kind} {seed}"))
                content = changed.encode("latin-1" if kind == "byte flipped" else "utf-8")
                if content == text.encode():
                    continue
                result = outcome(lambda content: function(tmp_path, ending, content), before, content)  # noqa: B023
                outcomes[result] += 1
                if result == "another":
                    others.setdefault((kind, form), changed)
    return outcomes, others


def unlisted(others: dict[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    return {
        (kind, form): text[:500] for (kind, form), text in others.items() if form not in ACCEPTED.get(kind, ("", ()))[1]
    }


def test_a_sample_of_changed_files_is_not_read_as_something_else(tmp_path: Path) -> None:
    _, others = count_outcomes(tmp_path, range(1), ["boris", "frame table", "segments"])
    assert unlisted(others) == {}


@pytest.mark.slow
def test_changed_files_are_not_read_as_something_else(tmp_path: Path, capsys: Any) -> None:
    outcomes, others = count_outcomes(tmp_path, range(SEEDS), [*ANNOTATIONS, *LABELS])
    with capsys.disabled():
        print(f"\n{sum(outcomes.values())} changed files: {dict(outcomes)}")
    assert sum(outcomes.values()) >= 1000
    assert unlisted(others) == {}
    assert {*ACCEPTED} == {kind for kind, _ in others}, "a line of the table is no longer needed"
