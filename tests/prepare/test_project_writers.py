"""Writers of annotation tools' files: the same frames come back, and what a format cannot hold is refused."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from segtcn.prepare.annotations import (
    LabelRules,
    frame_labels,
    read_annotations,
    write_audacity,
    write_boris,
    write_elan,
    write_label_studio,
    write_via,
)
from segtcn.structures import IGNORE, Segment, frames_to_segments

CLASSES = ["background", "pour milk", 'a "b", c; d', "gießen & <取る>"]
LABELS = [0] * 3 + [1] * 20 + [3] + [IGNORE] * 7 + [2] * 5 + [1] * 4 + [IGNORE] * 2
WRITERS: dict[str, tuple[Callable[..., None], str]] = {
    "audacity": (write_audacity, ".txt"),
    "elan": (write_elan, ".eaf"),
    "boris": (write_boris, ".boris"),
    "via": (write_via, ".json"),
    "label_studio": (write_label_studio, ".json"),
}
every_writer = pytest.mark.parametrize("form", WRITERS)


def written(folder: Path, form: str, labels: list[int], fps: float) -> Path:
    write, ending = WRITERS[form]
    path = folder / f"P01{ending}"
    write(path, frames_to_segments(labels), CLASSES, fps)
    return path


@every_writer
@pytest.mark.parametrize("fps", [1, 14.985, 30000 / 1001, 240])
def test_the_same_frames_come_back(tmp_path: Path, form: str, fps: float) -> None:
    path = written(tmp_path, form, LABELS, fps)
    (annotations,) = read_annotations(path, fps=fps)
    back, _ = frame_labels(annotations.intervals, len(LABELS), fps, LabelRules(gaps="ignore"))
    assert back.names() == ["__ignore__" if label == IGNORE else CLASSES[label] for label in LABELS]
    assert annotations.names[0] == "P01"


@every_writer
@pytest.mark.parametrize(
    ("segments", "names", "fps", "message"),
    [
        ([Segment(0, 2, 0)], ["cut"], 0, "`fps` must be positive, got 0"),
        ([Segment(0, 2, 1)], ["cut"], 10, "class 1 has no name; give it one in `class_names`"),
        ([Segment(0, 2, -1)], ["cut"], 10, "class -1 has no name"),
        ([Segment(0, 2, 0)], [" "], 10, "class 0 has no name"),
        ([Segment(0, 2, 0)], ["cut\n"], 10, "a label must be one line without tabs"),
        ([Segment(0, 2, 0)], ["pour  milk"], 10, "a label must be one line without tabs and with single blanks"),
        ([Segment(0, 2, 0)], ["cut", "cut"], 10, "two classes are named 'cut'"),
        ([Segment(0, 2, 0)], ["__ignore__"], 10, "a class cannot be named '__ignore__'"),
        ([Segment(0, 2, 0)], ["\ud800"], 10, "the name of a class must be one line of text"),
        (
            [Segment(9, 5, 0)],
            ["cut"],
            10,
            "a segment must start at frame 0 or later and stop behind that, got frames 9",
        ),
        ([Segment(-5, 5, 0)], ["cut"], 10, "a segment must start at frame 0 or later"),
        ([Segment(2, 5, 1), Segment(0, 3, 0)], ["cut", "pour"], 10, "'cut' to frame 3 and 'pour' from frame 2 overlap"),
    ],
)
def test_what_a_format_cannot_hold_is_refused(
    tmp_path: Path, form: str, segments: list[Segment], names: list[str], fps: float, message: str
) -> None:
    path = tmp_path / "P01.x"
    with pytest.raises(ValueError, match=message) as error:
        WRITERS[form][0](path, segments, names, fps)
    assert "fps" in message or str(path) in str(error.value)
    assert list(tmp_path.iterdir()) == []


def bouts(events: list[list[Any]]) -> list[tuple[str, float, float]]:
    """Starts and stops of BORIS's events in pairs."""
    return [(a[2], float(a[0]), float(b[0])) for a, b in zip(events[::2], events[1::2], strict=True)]


def seconds(labels: list[int], fps: float) -> list[tuple[str, float, float]]:
    return [
        (CLASSES[label], start / fps, stop / fps) for start, stop, label in frames_to_segments(labels) if label >= 0
    ]


def test_label_studio_counts_frames_from_one(tmp_path: Path) -> None:
    (task,) = json.loads(written(tmp_path, "label_studio", [0, 0, 0, 1], 10).read_text())
    values = [region["value"] for region in task["annotations"][0]["result"]]
    assert [value["ranges"] for value in values] == [[{"start": 1, "end": 3}], [{"start": 4, "end": 4}]]
    assert task["data"] == {"video": "P01", "fps": 10}


def test_pympi_reads_what_is_written_for_elan(tmp_path: Path) -> None:
    pympi = pytest.importorskip("pympi", reason="pympi-ling is not installed: it reads ELAN's files")
    file = pympi.Elan.Eaf(str(written(tmp_path, "elan", LABELS, 10)))
    read = sorted((start, stop, label) for start, stop, label, *_ in file.get_annotation_data_for_tier("segments"))
    assert [(label, start / 1000, stop / 1000) for start, stop, label in read] == seconds(LABELS, 10)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # BORIS leaves the file open
def test_boris_opens_what_is_written_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["boris"])  # it reads the arguments of the process that imports it
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    boris = pytest.importorskip(
        "boris.project_functions", reason="boris-behav-obs is not installed: it needs Qt, and reads BORIS's projects"
    )
    path = written(tmp_path, "boris", LABELS, 10)
    _, _, project, _ = boris.open_project_json(str(path))
    assert "error" not in project
    assert boris.check_project_integrity(project, "hh:mm:ss", str(path), media_file_available=False) == ""
    observation = project["observations"]["P01"]
    assert bouts(observation["events"]) == seconds(LABELS, 10)
    assert boris.check_state_events_obs("P01", project["behaviors_conf"], observation, "s")[0]
