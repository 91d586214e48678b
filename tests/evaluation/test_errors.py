"""What a run gets wrong: counts worked out by hand or by plain loops, and the text of the report."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segtcn.evaluation import analyze_run, error_report
from segtcn.metrics import evaluate_videos
from segtcn.structures import IGNORE
from tests.run_folders import PREDS, TRUTH, run_of


def test_an_analysis_worked_out_by_hand():
    analysis = analyze_run(run_of((PREDS, TRUTH)))
    assert analysis.confusion.tolist() == [[1, 0, 0, 0], [1, 4, 1, 0], [1, 2, 3, 0], [1, 0, 0, 0]]
    assert [pair[:3] for pair in analysis.confused] == [
        ("pour", "take", 2),
        ("pour", "background", 1),
        ("stir", "background", 1),
        ("take", "background", 1),
        ("take", "pour", 1),
    ]
    assert analysis.confused[0].share == pytest.approx(100 * 2 / 6)
    # a: take is 1 late and stops 1 early; pour is broken, its longer piece 1 early and stops 2 early; stir is missed.
    # b: take stops 2 late, and its start is that of the video; pour is missed
    assert analysis.start_offsets.tolist() == [1, -1]
    assert analysis.stop_offsets.tolist() == [-1, -2, 2]
    assert (analysis.num_true, analysis.num_missed, analysis.num_predicted) == (5, 2, 4)
    assert (analysis.num_broken, analysis.num_merged) == (1, 0)
    assert [(errors.name, errors.frames, errors.segments) for errors in analysis.classes] == [
        ("background", 1, 1),
        ("stir", 1, 1),
        ("pour", 6, 2),
        ("take", 6, 2),
    ]
    background, stir, _, take = analysis.classes
    assert (stir.recall, stir.f1) == (0, 0)
    assert np.isnan(stir.precision)  # never predicted
    assert np.isnan(background.f1)  # is not scored
    assert (take.recall, take.precision) == pytest.approx((100 * 4 / 6, 100 * 4 / 6))


def test_merged_segments_are_counted():
    analysis = analyze_run(run_of(({"a": [1, 1, 1, 1]}, {"a": [1, 0, 1, 2]})))
    assert (analysis.num_merged, analysis.num_broken, analysis.num_missed) == (1, 0, 1)


def slow_offsets(preds: list[int], labels: list[int]) -> tuple[list[set[int]], list[set[int]], int]:
    """Possible offsets of each found segment, by plain loops; several where the best overlap is shared."""

    def runs(frames: list[int]) -> list[tuple[int, int, int]]:
        starts = [t for t in range(len(frames)) if t == 0 or frames[t] != frames[t - 1]]
        return [(a, b, frames[a]) for a, b in zip(starts, [*starts[1:], len(frames)], strict=True)]

    starts, stops, missed = [], [], 0
    for start, stop, label in runs(labels):
        if label == 0:
            continue
        overlaps = [(min(stop, b) - max(start, a), a, b) for a, b, own in runs(preds) if own == label]
        best = max((overlap for overlap, _, _ in overlaps), default=0)
        if best <= 0:
            missed += 1
            continue
        if start > 0:
            starts.append({a - start for overlap, a, _ in overlaps if overlap == best})
        if stop < len(labels):
            stops.append({b - stop for overlap, _, b in overlaps if overlap == best})
    return starts, stops, missed


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 12)), min_size=1, max_size=12), st.integers(0, 999))
def test_offsets_equal_those_of_plain_loops(segments, seed):
    labels = [label for label, length in segments for _ in range(length)]
    rng = np.random.default_rng(seed)
    preds = [int(rng.integers(0, 3)) if rng.random() < 0.3 else label for label in labels]
    analysis = analyze_run(run_of(({"a": preds}, {"a": labels})))
    starts, stops, missed = slow_offsets(preds, labels)
    assert analysis.num_missed == missed
    for found, possible in ((analysis.start_offsets, starts), (analysis.stop_offsets, stops)):
        assert len(found) == len(possible)
        assert all(offset in any_of for offset, any_of in zip(found.tolist(), possible, strict=True))
    assert analysis.confusion.sum() == len(labels)
    assert analysis.confusion.diagonal().sum() == sum(pred == label for pred, label in zip(preds, labels, strict=True))


def test_worst_videos_come_first_with_the_mean_of_their_seeds():
    poor, better = {"a": PREDS["a"], "b": [3, 3, 3, 3]}, {"a": TRUTH["a"], "b": PREDS["b"]}
    analysis = analyze_run(run_of((poor, TRUTH), (better, TRUTH)))
    assert [video.name for video in analysis.videos] == ["b", "a"]
    worst = analysis.videos[0]
    assert [*worst.tracks] == ["truth", "seed 0", "seed 1"]
    each = [evaluate_videos(preds, TRUTH, "lea", background=0).videos for preds in (poor, better)]
    for video in analysis.videos:
        for key, score in video.scores.items():
            assert score == pytest.approx((each[0][video.name][key] + each[1][video.name][key]) / 2)
    assert analysis.num_true == 10  # summed over the seeds


def test_text_states_every_part_in_seconds():
    text = error_report(analyze_run(run_of((PREDS, TRUTH))))
    for heading in ("Confused actions", "Boundaries", "Over-segmentation", "Rare classes", "Worst videos"):
        assert f"\n## {heading}\n" in text
    assert "| pour → take" in text
    assert "in seconds" in text
    assert "within 0.5 s, %" in text
    assert "0.80 predicted segments for every true one" in text
    assert "Protocol `lea`" in text
    frames = error_report(analyze_run(run_of((PREDS, TRUTH), fps=None)))
    assert "in frames (the frame rate is not known)" in frames
    assert "within 0.5 s" not in frames


def test_frames_that_nobody_annotated_have_no_errors():
    ignored = {"a": [*TRUTH["a"], IGNORE, IGNORE], "b": TRUTH["b"]}
    preds = {"a": [*PREDS["a"], 1, 1], "b": PREDS["b"]}
    analysis, expected = analyze_run(run_of((preds, ignored))), analyze_run(run_of((PREDS, TRUTH)))
    assert analysis.confusion.tolist() == expected.confusion.tolist()
    assert (analysis.num_true, analysis.num_missed) == (expected.num_true, expected.num_missed)
    assert analysis.start_offsets.tolist() == expected.start_offsets.tolist()
    assert [errors.segments for errors in analysis.classes] == [errors.segments for errors in expected.classes]


def test_a_video_that_nobody_annotated_is_left_out():
    nobody = [IGNORE] * len(TRUTH["b"])
    run = run_of((PREDS, {**TRUTH, "b": nobody}))
    assert run.notes_on_truth() == ["mine: no truth of 1 of 2 videos: b"]
    assert [video.name for video in analyze_run(run).videos] == ["a"]
    with pytest.raises(ValueError, match="no truth of any video of mine"):
        analyze_run(run_of(({"b": PREDS["b"]}, {"b": nobody})))
