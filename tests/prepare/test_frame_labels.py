"""From intervals to labels of frames by the rules, and from labels to files and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from segtcn.labels.classes import Classes
from segtcn.labels.files import write_labels
from segtcn.labels.labels import Labels
from segtcn.prepare.annotations import (
    Annotations,
    Finding,
    Interval,
    LabelRules,
    frame_labels,
    read_annotations,
    write_audacity,
    write_elan,
)
from segtcn.prepare.project.units import check_times
from segtcn.structures import frames_to_segments


def labelled(intervals: list[Interval], num_frames: int, fps: float, **rules: Any) -> tuple[list[str], list[Finding]]:
    labels, findings = frame_labels(intervals, num_frames, fps, LabelRules(**rules))
    return labels.names(), findings


# cases worked out by hand at 10 frames a second: frame t has its middle at t / 10 + 0.05
TOGETHER = [(0, 0.2, "short"), (0, 0.3, "long")]
SHORT = [(0.0, 0.3, "a"), (0.11, 0.14, "blink"), (0.2, 0.2, "look")]
GAPS = [(0.1, 0.2, "a"), (0.4, 0.5, "b")]
BETWEEN, OUTER = (0.2, 0.4, 2), ((0.0, 0.1, 1), (0.5, 0.6, 1))


@pytest.mark.parametrize(
    ("intervals", "rules", "labels", "findings"),
    [
        # a frame belongs to the annotation that contains its middle, 0.05, 0.15, 0.25, ...
        ([(0.06, 0.35, "cut")], {}, "- cut cut -", [("gap", t, t + 0.1, 1, "labelled background") for t in (0.0, 0.3)]),
        ([(0.05, 0.25, "cut")], {}, "cut cut -", [("gap", 0.2, 0.3, 1, "labelled background")]),
        # the later start wins
        (
            [(0.2, 0.4, "pour"), (0.0, 0.6, "cut"), (0.3, 0.5, "stir")],
            {},
            "cut cut pour stir stir cut",
            [
                ("overlap", 0.2, 0.3, 1, "pour over cut"),
                ("overlap", 0.3, 0.4, 1, "stir over cut, pour"),
                ("overlap", 0.4, 0.5, 1, "stir over cut"),
            ],
        ),
        # of two that start together the shorter, then the later in the list
        (TOGETHER, {}, "short short long", [("overlap", 0.0, 0.2, 2, "short over long")]),
        (TOGETHER[::-1], {}, "short short long", [("overlap", 0.0, 0.2, 2, "short over long")]),
        ([(0, 0.2, "a"), (0, 0.2, "b")], {}, "b b", [("overlap", 0.0, 0.2, 2, "b over a")]),
        # an overlap of one label with itself is none
        ([(0, 0.2, "a"), (0.1, 0.3, "a")], {}, "a a a", []),
        # time outside of the video is cut off
        (
            [(-0.2, 0.1, "a"), (0.1, 0.5, "b"), (0.7, 0.9, "c"), (-5, -4, "d")],
            {},
            "a b b",
            [
                ("outside", -5, -4, 10, "d"),
                ("outside", -0.2, 0.1, 2, "a"),
                ("outside", 0.1, 0.5, 2, "b"),
                ("outside", 0.7, 0.9, 2, "c"),
            ],
        ),
        # short annotations and points
        (SHORT, {}, "a a a", [("short", 0.11, 0.14, 0, "blink"), ("point", 0.2, 0.2, 0, "look")]),
        (
            SHORT,
            {"points": True},
            "a a look",
            [
                ("short", 0.11, 0.14, 0, "blink"),
                ("point", 0.2, 0.2, 1, "look"),
                ("overlap", 0.2, 0.3, 1, "look over a"),
            ],
        ),
        # short gaps take the label before
        (
            GAPS,
            {"close_gaps_s": 0.1},
            "a a - - b b",
            [
                ("closed gap", *OUTER[0], "labelled a"),
                ("gap", *BETWEEN, "labelled background"),
                ("closed gap", *OUTER[1], "labelled b"),
            ],
        ),
        (
            GAPS,
            {"close_gaps_s": 0.2},
            "a a a a b b",
            [
                ("closed gap", *where, f"labelled {x}")
                for where, x in ((OUTER[0], "a"), (BETWEEN, "a"), (OUTER[1], "b"))
            ],
        ),
        ([], {"close_gaps_s": 9}, "- -", [("gap", 0.0, 0.2, 2, "labelled background")]),
        # gaps are of another class, or nobody annotated them
        ([(0.0, 0.1, "a")], {"gaps": "idle"}, "a idle", [("gap", 0.1, 0.2, 1, "labelled idle")]),
        ([(0.0, 0.1, "a")], {"background": "a", "gaps": "background"}, "a a", [("gap", 0.1, 0.2, 1, "labelled a")]),
        ([(0.0, 0.1, "a")], {"gaps": "ignore"}, "a __ignore__", [("gap", 0.1, 0.2, 1, "ignored")]),
        (
            GAPS,
            {"close_gaps_s": 0.1, "gaps": "ignore"},
            "a a __ignore__ __ignore__ b b",
            [
                ("closed gap", *OUTER[0], "labelled a"),
                ("gap", *BETWEEN, "ignored"),
                ("closed gap", *OUTER[1], "labelled b"),
            ],
        ),
        # the reserved word stands in annotations, too
        ([(0.0, 0.1, "a"), (0.1, 0.2, "__ignore__")], {}, "a __ignore__", []),
    ],
)
def test_rules_worked_out_by_hand(intervals: Any, rules: dict[str, Any], labels: str, findings: Any) -> None:
    expected = ["background" if label == "-" else label for label in labels.split()]
    made = labelled([Interval(*interval) for interval in intervals], len(expected), fps=10, **rules)
    assert made == (expected, [Finding(*finding) for finding in findings])


def test_at_half_the_rate_the_frame_begins_with_what_starts_at_its_middle() -> None:
    for k in range(1, 200, 2):  # k / 30 s is the middle of frame (k - 1) / 2 at 15 frames a second
        labels = labelled([Interval(0, round(k / 30, 6), "a"), Interval(round(k / 30, 6), 20, "b")], 200, fps=15)[0]
        assert labels.index("b") == (k - 1) // 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fps": 0}, "`fps` must be positive"),
        ({"fps": float("nan")}, "`fps` must be positive"),
        ({"num_frames": 0}, "`num_frames` must be at least 1"),
        ({"close_gaps_s": -1}, "`close_gaps_s` must not be negative"),
        ({"gaps": "__ignore__"}, "a class cannot be named '__ignore__'"),
        ({"gaps": " "}, "must be one line of text"),
    ],
)
def test_arguments_out_of_range(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        labelled([], **{"num_frames": 3, "fps": 10, **arguments})


def painted(intervals: list[Interval], num_frames: int, fps: float) -> list[str]:
    """The rules, slowly: every frame asks every annotation."""
    labels = []
    for frame in range(num_frames):
        middle = (frame + 0.5) / fps
        at = [
            (start, -stop, place, label)
            for place, (start, stop, label) in enumerate(intervals)
            if start <= middle < stop
        ]
        labels.append(max(at)[-1] if at else "background")
    return labels


@settings(deadline=None, max_examples=200)
@given(
    times=st.lists(
        st.tuples(st.integers(-10, 60), st.integers(0, 40), st.sampled_from(["cut", "pour", "stir"])), max_size=12
    ),
    num_frames=st.integers(1, 40),
)
def test_labels_equal_those_of_asking_every_annotation(times: list[tuple[int, int, str]], num_frames: int) -> None:
    intervals = [Interval(start / 20, (start + length) / 20, label) for start, length, label in times]
    assert labelled(intervals, num_frames, fps=7)[0] == painted(intervals, num_frames, fps=7)


def test_many_long_annotations_take_no_quadratic_time() -> None:
    intervals = [Interval(i / 1000, 1000 - i / 1000, f"label {i % 50}") for i in range(20_000)]
    labels, _ = labelled(intervals, 100_000, fps=100)
    assert len(labels) == 100_000


CLASSES = ["background", "pour milk", 'a "b", c; d', "gießen & <取る>"]


@settings(deadline=None, max_examples=60)
@given(
    labels=st.lists(st.integers(0, 3), min_size=1, max_size=60),
    fps=st.sampled_from([1.0, 3.0, 14.985, 15.0, 30000 / 1001, 60.0, 240.0]),
    form=st.sampled_from(["segments", "labels", "audacity", "elan", "json"]),
)
def test_segments_to_a_file_to_frames_to_segments(
    tmp_path_factory: pytest.TempPathFactory, labels: list[int], fps: float, form: str
) -> None:
    assume(form != "labels" or len({*labels}) < max(3, len(labels)))  # three lines that differ are a list of classes
    path = tmp_path_factory.getbasetemp() / "P01.csv"
    segments = frames_to_segments(torch.tensor(labels))
    if form in ("segments", "labels"):
        path = path.with_suffix(".csv" if form == "segments" else ".txt")
        write_labels(path, Labels(np.array(labels), Classes(tuple(CLASSES)), fps))
    elif form == "audacity":
        write_audacity(path, segments, CLASSES, fps)
    elif form == "elan":
        write_elan(path, segments, CLASSES, fps, media="clips/P01 & co.mp4")
    else:
        rows = [{"label": CLASSES[label], "start": start, "stop": stop} for start, stop, label in segments]
        path.write_text(json.dumps(rows))
    (track,) = read_annotations(path, fps=fps)
    back, findings = labelled(track.intervals, len(labels), fps)
    assert findings == []
    assert frames_to_segments(torch.tensor([CLASSES.index(label) for label in back])) == segments


def test_elan_holds_no_control_characters(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="XML holds no control characters"):
        write_elan(tmp_path / "x", frames_to_segments(torch.tensor([0, 0])), ["cut\x01"], 10)
    assert list(tmp_path.iterdir()) == []


def test_gaps_that_are_nearly_ignored_are_asked_about() -> None:
    with pytest.raises(ValueError, match="is ignore meant by 'IGNORE'"):
        LabelRules(gaps="IGNORE")


def test_frame_lists_of_another_rate_and_annotations_shorter_than_frames_do_not_fit() -> None:
    frames = Annotations(("a",), [Interval(0, 4, "cut")], "a.txt", is_complete=True)
    minutes = Annotations(("b",), [Interval(0.01, 0.03, "cut"), Interval(0.03, 0.07, "pour")], "b.csv")
    with pytest.raises(ValueError, match=r"(?s)a.txt: its labels of frames end at 4 s.*b.csv: most"):
        check_times({"a": frames, "b": minutes}, {"a": 200, "b": 200}, 10, 10)
    check_times({"a": frames}, {"a": 42}, 10, 10)
    with pytest.raises(ValueError, match="its labels of frames end at 4 s, the video a at 2 s: another rate"):
        check_times({"a": frames}, {"a": 20}, 10, 10)
