"""Every protocol against the evaluators written out in loops, and the quirks by which they differ."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from segtcn.metrics import (
    PROTOCOLS,
    FrameAccuracy,
    Protocol,
    SegmentalF1,
    SegmentationScores,
    combine_videos,
    evaluate_videos,
    mean_over_splits,
)
from segtcn.metrics.counts import score_sums, summands
from segtcn.metrics.protocols import SCORES
from tests.metrics.sequences import IGNORE, draw_video, pad
from tests.reference import protocols as reference

NAMES = ["background", "SIL", "action_start", "action_end", *(f"action {i}" for i in range(26))]
PERFECT = torch.tensor([0, 1, 1, 2, 2, 0])
POOR = torch.tensor([1, 1, 1, 1, 2, 0])
POOREST = torch.tensor([1, 0, 1, 0, 2, 1])
every_protocol = pytest.mark.parametrize("protocol", PROTOCOLS)


@st.composite
def data_sets(draw, max_frames=300, max_videos=3):
    """Class names in any order, background, frame rate, and videos as (predictions, labels)."""
    names = draw(st.permutations(NAMES))[: draw(st.integers(1, 30))]
    num_classes = len(names)
    background = draw(st.lists(st.integers(0, num_classes - 1), max_size=2, unique=True))
    label = st.one_of(st.integers(0, num_classes - 1), st.integers(0, min(2, num_classes - 1)))
    videos = [draw_video(draw, label, max_frames) for _ in range(draw(st.integers(1, max_videos)))]
    return names, background, draw(st.sampled_from([None, 10, 15, 30])), videos


def evaluate(videos, protocol, **kwargs):
    preds, labels = ({f"video {i}": video[side] for i, video in enumerate(videos)} for side in (0, 1))
    return evaluate_videos(preds, labels, protocol, **kwargs)


def check_against_loops(data_set):
    names, background, fps, videos = data_set
    named = [
        ([names[p] for p in preds], [IGNORE if y == IGNORE else names[y] for y in labels]) for preds, labels in videos
    ]
    for protocol, expected in reference.ALL.items():
        computed = evaluate(videos, protocol, class_names=names, background=background, fps=fps)
        scores = expected(named, [names[i] for i in background], fps)
        assert computed.scores == pytest.approx(scores, abs=1e-4), protocol
        for each, video in zip(computed.videos.values(), named, strict=True):
            assert each == pytest.approx(expected([video], [names[i] for i in background], fps), abs=1e-4), protocol


@settings(derandomize=True, deadline=None, max_examples=100)
@given(data_sets())
def test_all_protocols_equal_the_loops_over_frames_and_segments(data_set):
    check_against_loops(data_set)


@pytest.mark.slow
@settings(derandomize=True, deadline=None, max_examples=1500)
@given(data_sets(max_frames=2000, max_videos=4))
def test_all_protocols_equal_the_loops_on_long_videos(data_set):
    check_against_loops(data_set)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(data_sets())
def test_metric_batches_and_function_give_the_same_bits_from_0_to_100_for_the_truth(data_set):
    names, background, fps, videos = data_set
    for protocol in PROTOCOLS:
        kwargs = {"class_names": names, "background": background, "fps": fps}
        metric, batched = SegmentationScores(protocol, **kwargs), SegmentationScores(protocol, **kwargs)
        for preds, labels in videos:
            metric.update(torch.tensor(preds), torch.tensor(labels))
        batched.update(*pad([(torch.tensor(preds), torch.tensor(labels)) for preds, labels in videos]))
        scores = evaluate(videos, protocol, **kwargs)
        for each in (metric, batched):
            assert {name: score.item() for name, score in each.compute().items()} == scores.scores
        assert all(0 <= score <= 100 for each in (scores.scores, *scores.videos.values()) for score in each.values())
        perfect = evaluate([(labels, labels) for _, labels in videos], protocol, **kwargs).scores
        assert perfect["accuracy"] == perfect["edit"] == 100
        if not PROTOCOLS[protocol].drop_last_frame and not PROTOCOLS[protocol].epsilon:
            assert set(perfect.values()) == {100}


# The quirks, each by itself. Predictions and truth of one or two videos; class 0 is background unless it is named


def scores_of(protocol, *videos, **kwargs):
    return evaluate(videos, protocol, **{"background": 0, **kwargs}).scores


LONG = ([1] * 90 + [2] * 10, [1] * 100)  # frames 90 of 100, segments found 1 of 2
SHORT = ([2] * 10, [1] * 10)  # frames 0 of 10, segments found 0 of 1


T_MINUS_1 = ("mstcn_2019", "asrf")


@pytest.mark.parametrize(
    ("videos", "score", "usual", "exceptions"),
    [
        # pooled frames and segments, tp 1, fp 2, fn 1; or the mean over videos
        ([LONG, SHORT], "accuracy", 100 * 90 / 110, {"lea": 45, "ltcontext": 45}),
        ([LONG, SHORT], "f1@10", 100 * 2 / (2 + 2 + 1), {"lea": 100 / 3, "ltcontext": 100 / 3}),
        # the edit score is the mean over videos everywhere: 1 of 2 and 0 of 1
        ([LONG, SHORT], "edit", 25, {}),
        # background is out of edit and F1: 1 1 against 1; with it 1 0 1 0 against 0 1 0, three of four found
        ([([1, 1, 0, 1, 1, 1, 0, 0], [0, 1, 1, 1, 1, 1, 0, 0])], "edit", 50, {}),
        ([([1, 1, 0, 1, 1, 1, 0, 0], [0, 1, 1, 1, 1, 1, 0, 0])], "f1@10", 200 / 3, {}),
        # true background is out of the accuracy of two
        ([([1, 1, 1, 0], [0, 1, 1, 1])], "accuracy", 50, {"fact": 200 / 3, "ltcontext": 200 / 3}),
        # the truth 1 1 and 1 1 becomes one segment; what was predicted on the deleted frame is gone
        ([([1, 1, 2, 1, 1], [1, 1, 0, 1, 1])], "edit", 200 / 3, {"ltcontext": 100}),
        ([([1, 1, 2, 1, 1], [1, 1, 0, 1, 1])], "f1@50", 80, {"ltcontext": 100}),
        # an ignored frame is not deleted: it separates, as in every protocol
        ([([1, 1, 2, 1, 1], [1, 1, IGNORE, 0, 1]), SHORT], "edit", 50, {}),
        # predicted background stays in the glued video and is left out: 1 0 1 against 1 1 1
        ([([0, 1, 0, 0, 1], [0, 1, 1, 0, 1])], "edit", 100, {"ltcontext": 50}),
        ([([0, 1, 0, 0, 1], [0, 1, 1, 0, 1])], "f1@25", 100, {"ltcontext": 200 / 3} | dict.fromkeys(T_MINUS_1, 50)),
        # the last segment lacks a frame in two: 2 of 4 frames, or 1 of 3
        ([([1, 1, 0, 0, 0, 2, 2], [1, 1, 0, 2, 2, 2, 2])], "f1@50", 100, dict.fromkeys(T_MINUS_1, 50)),
        ([([1, 1, 0, 0, 0, 2, 2], [1, 1, 0, 2, 2, 2, 2])], "f1@25", 100, {}),
        # so does the last one before frames that nobody labelled
        ([([1, 1, 0, 0, 0, 2, 2, 3], [1, 1, 0, 2, 2, 2, 2, IGNORE])], "f1@50", 100, dict.fromkeys(T_MINUS_1, 50)),
        # one of a single frame is counted, but overlaps nothing there
        ([([1, 1, 2], [1, 1, 2])], "f1@10", 100, dict.fromkeys(T_MINUS_1, 50)),
        ([([1], [1])], "f1@50", 100, dict.fromkeys(T_MINUS_1, 0)),
        # an overlap equal to the threshold counts and nothing is added to lengths: 1 of 4, 1 of 10
        ([([1, 0, 0, 0, 0, 3, 3], [1, 1, 1, 1, 0, 3, 3])], "f1@25", 100, {}),
        ([([1, 0, 0, 0, 0, 3, 3], [1, 1, 1, 1, 0, 3, 3])], "f1@50", 50, {}),
        ([([1, *[0] * 10, 3, 3], [1] * 10 + [0, 3, 3])], "f1@10", 100, {}),
        ([([1, *[0] * 10, 3, 3], [1] * 10 + [0, 3, 3])], "f1@25", 50, {}),
        # only background on both sides; FACT's formula is defined there: nothing, over a hundred-thousandth
        *(([([0] * n, [0] * n)], score, 100, {}) for n in (1, 7) for score in ("accuracy", "edit")),
        *(([([0] * n, [0] * n)], "f1@50", 100, {"fact": 0}) for n in (1, 7)),
        # something found where there is only background: ltcontext deletes the whole video
        ([([0, 1, 1, 0], [0, 0, 0, 0])], "accuracy", 50, {"fact": 100, "ltcontext": 100}),
        ([([0, 1, 1, 0], [0, 0, 0, 0])], "edit", 0, {"ltcontext": 100}),
        ([([0, 1, 1, 0], [0, 0, 0, 0])], "f1@10", 0, {"ltcontext": 100}),
        # nothing found where there is something
        *(([([0, 0, 0], [1, 1, 1])], score, 0, {}) for score in SCORES),
        *(([([2], [1])], score, 0, {}) for score in SCORES),
    ],
)
def test_quirks_by_hand(videos, score, usual, exceptions):
    for protocol in PROTOCOLS:
        computed = scores_of(protocol, *videos)[score]
        assert computed == pytest.approx(exceptions.get(protocol, usual), abs=2e-3), protocol


@pytest.mark.parametrize(
    ("protocol", "left_out"),
    [
        *((protocol, {"pour"}) for protocol in ("lea", "asrf", "ltcontext", "fact")),
        *((protocol, {"background"}) for protocol in ("mstcn", "mstcn_2019")),
        ("c2f", {"background", "SIL", "action_start", "action_end"}),
    ],
)
def test_background_is_the_data_sets_or_goes_by_names(protocol, left_out):
    names = ["SIL", "cut", "background", "pour", "action_end", "action_start", "Background"]
    evaluation = evaluate([([1], [1])], protocol, class_names=names, background=3)
    assert {names[i] for i in evaluation.background} == left_out
    assert SegmentationScores(protocol, 3, names).background == evaluation.background
    # without names, or with mere numbers for names, the data set's counts
    for no_names in (None, list("0123456")):
        assert evaluate([([1], [1])], protocol, class_names=no_names, background=3).background == (3,)


@pytest.mark.parametrize(("fps", "step"), [(None, 1), (3, 1), (10, 1), (15, 1), (29.97, 2), (30, 2), (60, 4)])
def test_only_asrf_keeps_every_kth_frame_so_that_the_rate_is_nearest_to_15(fps, step):
    video = ([1 if i % step == 0 else 2 for i in range(12)], [1] * 12)
    for protocol in PROTOCOLS:
        expected = 100 if protocol == "asrf" else 100 / step
        assert scores_of(protocol, video, fps=fps)["accuracy"] == pytest.approx(expected), protocol
        assert SegmentationScores(protocol, fps=fps).step == (step if protocol == "asrf" else 1)


def test_fact_adds_a_hundred_thousandth_to_each_denominator():
    precision, recall = 1 / (2 + 1e-5), 1 / (1 + 1e-5)
    expected = 200 * precision * recall / (precision + recall + 1e-5)
    assert scores_of("fact", LONG)["f1@50"] == pytest.approx(expected, abs=1e-5)
    assert expected < scores_of("mstcn", LONG)["f1@50"] - 5e-4


# Sets of videos


def test_a_protocol_is_a_row_of_choices(monkeypatch):
    row = Protocol(accuracy="pooled", f1="pooled", accuracy_counts_background=False, used_by="a test")
    monkeypatch.setitem(PROTOCOLS, "other", row)
    scores = SegmentationScores("other", background=0)
    accuracy, f1 = FrameAccuracy("pooled", background=0), SegmentalF1(0.25, "pooled", background=0)
    for preds, labels in ((POOR, PERFECT), (POOREST[:3], PERFECT[:3])):
        for score in (scores, accuracy, f1):
            score.update(preds, labels)
    assert scores.compute()["accuracy"] == accuracy.compute()
    assert scores.compute()["f1@25"] == f1.compute()


@every_protocol
def test_a_selection_of_videos_scores_as_these_videos_evaluated(protocol):
    videos = [LONG, SHORT, (POOR.tolist(), PERFECT.tolist()), (POOREST.tolist(), PERFECT.tolist())]
    counts = evaluate(videos, protocol, background=0).counts
    chosen = [3, 0, 0, 2]
    assert combine_videos(counts, protocol, chosen) == scores_of(protocol, *(videos[i] for i in chosen))
    assert combine_videos(counts, protocol) == scores_of(protocol, *videos)
    times = torch.tensor([[2, 0, 1, 1], [1, 1, 1, 1], [0, 0, 4, 0], [0, 3, 0, 1], [1, 2, 1, 0]])
    samples = score_sums(times.double() @ summands(counts, protocol), protocol)
    for row, sample in zip(times, samples.tolist(), strict=True):
        selected = torch.repeat_interleave(torch.arange(4), row)
        assert sample == [*combine_videos(counts, protocol, selected).values()]
    with pytest.raises(ValueError, match="no video is selected: a score needs at least one"):
        combine_videos(counts, protocol, [])


def test_a_data_set_is_the_mean_over_its_splits_not_over_its_videos():
    splits = [evaluate([LONG, LONG, LONG], "lea"), evaluate([SHORT], "lea")]
    assert mean_over_splits(splits)["accuracy"] == 45
    with pytest.raises(ValueError, match=r"must have one protocol in common, got \['lea', 'mstcn'\]"):
        mean_over_splits([splits[0], evaluate([SHORT], "mstcn")])
    with pytest.raises(ValueError, match="must have one protocol in common, got no split"):
        mean_over_splits([])


def test_videos_keep_their_names_and_the_order_of_the_truth():
    evaluation = evaluate_videos({"b": [1], "a": [2]}, {"a": [1], "b": [1]}, "mstcn")
    assert {name: scores["accuracy"] for name, scores in evaluation.videos.items()} == {"a": 0, "b": 100}
    assert list(evaluation.videos) == ["a", "b"]


@pytest.mark.parametrize(
    ("preds", "labels", "kwargs", "message"),
    [
        ({}, {}, {}, "there is no video: a score needs at least one"),
        ({"a": [1]}, {"a": [1], "c": [1], "b": [1]}, {}, "there are no predictions for b, c"),
        ({"a": [1], "d": [1]}, {"a": [1]}, {}, "there is no truth for the predictions of d"),
        ({"a": [1, 1]}, {"a": [1]}, {}, "video 'a': `preds` has 2 frames and `labels` has 1"),
        ({"a": [0.5]}, {"a": [1]}, {}, "video 'a': `preds` must be class indexes"),
        ({"a": [3]}, {"a": [1]}, {"class_names": ["x", "y"]}, "video 'a': `preds` holds class 3, but `num_classes`"),
        ({"a": [1]}, {"a": [1]}, {"fps": 0}, "`fps` must be positive, got 0"),
        ({"a": [1]}, {"a": [1]}, {"protocol": "ms-tcn"}, "one of lea, mstcn, .*, fact, got 'ms-tcn'"),
        ({"a": [1]}, {"a": [1]}, {"background": "SIL"}, "`background` must be None, a class index or a collection"),
    ],
)
def test_malformed_sets_of_videos_are_refused(preds, labels, kwargs, message):
    with pytest.raises(ValueError, match=message):
        evaluate_videos(preds, labels, **kwargs)
