"""Every protocol against the evaluators written out in loops, and the quirks by which they differ."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from segtcn.metrics import (
    PROTOCOLS,
    EditScore,
    FrameAccuracy,
    Protocol,
    SegmentalF1,
    SegmentationScores,
    classes_named,
    combine_videos,
    evaluate_videos,
    mean_over_splits,
)
from segtcn.metrics.protocols import SCORES
from tests.metrics.sequences import IGNORE, ignore_some, pad
from tests.reference import protocols as reference

NAMES = ["background", "SIL", "action_start", "action_end", *(f"action {i}" for i in range(26))]
PERFECT = torch.tensor([0, 1, 1, 2, 2, 0])
POOR = torch.tensor([1, 1, 1, 1, 2, 0])
POOREST = torch.tensor([1, 0, 1, 0, 2, 1])
every_protocol = pytest.mark.parametrize("protocol", PROTOCOLS)


@st.composite
def data_sets(draw, max_frames=300, max_videos=3):
    """Class names in any order, background, frame rate, and videos as (predictions, labels): long runs and single
    frames, predictions near the truth and far from it.
    """
    names = draw(st.permutations(NAMES))[: draw(st.integers(1, 30))]
    num_classes = len(names)
    background = draw(st.lists(st.integers(0, num_classes - 1), max_size=2, unique=True))
    label = st.one_of(st.integers(0, num_classes - 1), st.integers(0, min(2, num_classes - 1)))
    runs = st.lists(st.tuples(label, st.one_of(st.integers(1, 4), st.integers(1, max_frames))), min_size=1, max_size=25)

    def sequence():
        return [label for label, length in draw(runs) for _ in range(length)][:max_frames]

    videos = []
    for _ in range(draw(st.integers(1, max_videos))):
        labels = sequence()
        preds = list(labels) if draw(st.booleans()) else sequence()
        preds, labels = preds[: len(labels)], labels[: len(preds)]
        for other, length in draw(st.lists(st.tuples(label, st.integers(1, 60)), max_size=8)):
            start = draw(st.integers(0, len(preds) - 1))
            preds[start : start + length] = [other] * len(preds[start : start + length])
        videos.append((preds, ignore_some(draw, labels)))
    return names, background, draw(st.sampled_from([None, 10, 15, 30])), videos


def evaluate(videos, protocol, **kwargs):
    preds, labels = ({f"video {i}": video[side] for i, video in enumerate(videos)} for side in (0, 1))
    return evaluate_videos(preds, labels, protocol, **kwargs)


def check_against_loops(data_set):
    names, background, fps, videos = data_set
    named = [
        ([names[p] for p in preds], [None if y == IGNORE else names[y] for y in labels]) for preds, labels in videos
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
def test_the_metric_alone_or_in_batches_and_the_function_give_the_same_bits(data_set):
    names, background, fps, videos = data_set
    for protocol in PROTOCOLS:
        kwargs = {"class_names": names, "background": background, "fps": fps}
        metric, batched = SegmentationScores(protocol, **kwargs), SegmentationScores(protocol, **kwargs)
        for preds, labels in videos:
            metric.update(torch.tensor(preds), torch.tensor(labels))
        batched.update(*pad([(torch.tensor(preds), torch.tensor(labels)) for preds, labels in videos]))
        expected = evaluate(videos, protocol, **kwargs).scores
        for each in (metric, batched):
            assert {name: score.item() for name, score in each.compute().items()} == expected


@settings(derandomize=True, deadline=None, max_examples=25)
@given(data_sets())
def test_truth_scores_100_and_no_score_leaves_its_range_or_is_nan(data_set):
    names, background, fps, videos = data_set
    for protocol in PROTOCOLS:
        kwargs = {"class_names": names, "background": background, "fps": fps}
        scores = evaluate(videos, protocol, **kwargs)
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


@pytest.mark.parametrize("protocol", ["lea", "ltcontext"])
def test_means_over_videos(protocol):
    scores = scores_of(protocol, LONG, SHORT)
    assert scores["accuracy"] == 45
    assert scores["f1@10"] == pytest.approx((100 * 2 / 3 + 0) / 2, abs=1e-4)


@pytest.mark.parametrize("protocol", ["mstcn", "mstcn_2019", "asrf", "c2f", "fact"])
def test_pooled_frames_and_segments(protocol):
    scores = scores_of(protocol, LONG, SHORT)
    assert scores["accuracy"] == pytest.approx(100 * 90 / 110, abs=1e-4)
    assert scores["f1@10"] == pytest.approx(100 * 2 / (2 + 2 + 1), abs=2e-3)  # tp 1, fp 2, fn 1


@every_protocol
def test_edit_is_the_mean_over_videos_everywhere(protocol):
    assert scores_of(protocol, LONG, SHORT)["edit"] == 25  # 1 of 2 and 0 of 1


@pytest.mark.parametrize(
    ("protocol", "left_out"),
    [
        ("lea", {"pour"}),
        ("asrf", {"pour"}),
        ("ltcontext", {"pour"}),
        ("fact", {"pour"}),
        ("mstcn", {"background"}),
        ("mstcn_2019", {"background"}),
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


@every_protocol
def test_background_is_out_of_edit_and_f1(protocol):
    # 1 1 against 1; with background 1 0 1 0 against 0 1 0, where three of four are found
    scores = scores_of(protocol, ([1, 1, 0, 1, 1, 1, 0, 0], [0, 1, 1, 1, 1, 1, 0, 0]))
    assert scores["edit"] == 50
    assert scores["f1@10"] == pytest.approx(200 / 3, abs=2e-3)


def test_only_fact_and_ltcontext_leave_true_background_out_of_the_accuracy():
    video = ([1, 1, 1, 0], [0, 1, 1, 1])
    for protocol in PROTOCOLS:
        expected = 200 / 3 if protocol in ("fact", "ltcontext") else 50
        assert scores_of(protocol, video)["accuracy"] == pytest.approx(expected, abs=1e-4), protocol


def test_only_ltcontext_deletes_true_background_and_glues_the_rest():
    # The truth 1 1 and 1 1 becomes one segment; what was predicted on the deleted frame is gone
    video = ([1, 1, 2, 1, 1], [1, 1, 0, 1, 1])
    for protocol in PROTOCOLS:
        scores = scores_of(protocol, video)
        assert (scores["edit"] == 100) == (protocol == "ltcontext"), protocol
        assert (scores["f1@50"] == 100) == (protocol == "ltcontext"), protocol


def test_predicted_background_stays_in_the_glued_video_and_is_left_out():
    # glued: 1 0 1 against 1 1 1
    scores = scores_of("ltcontext", ([0, 1, 0, 0, 1], [0, 1, 1, 0, 1]))
    assert scores == pytest.approx(
        {"accuracy": 200 / 3, "edit": 50, "f1@10": 200 / 3, "f1@25": 200 / 3, "f1@50": 0}, abs=1e-4
    )


def test_the_last_segment_lacks_a_frame_in_mstcn_2019_and_asrf_only():
    # 2 of 4 frames; without the last one 1 of 3
    video = ([1, 1, 0, 0, 0, 2, 2], [1, 1, 0, 2, 2, 2, 2])
    for protocol in PROTOCOLS:
        expected = 50 if protocol in ("mstcn_2019", "asrf") else 100
        assert scores_of(protocol, video)["f1@50"] == pytest.approx(expected, abs=2e-3), protocol
        assert scores_of(protocol, video)["f1@25"] == pytest.approx(100, abs=2e-3), protocol
        assert scores_of(protocol, video)["edit"] == 100, protocol


def test_a_last_segment_of_one_frame_is_counted_but_overlaps_nothing_where_it_lacks_a_frame():
    video = ([1, 1, 2], [1, 1, 2])
    for protocol in PROTOCOLS:
        expected = 50 if protocol in ("mstcn_2019", "asrf") else 100
        scores = scores_of(protocol, video)
        assert scores["f1@10"] == pytest.approx(expected, abs=2e-3), protocol
        assert scores["accuracy"] == scores["edit"] == 100


def test_only_asrf_scores_30_frames_a_second_at_15():
    # at every 2nd frame all is right
    video = ([1, 2, 1, 2], [1, 1, 1, 1])
    for protocol in PROTOCOLS:
        assert scores_of(protocol, video, fps=30)["accuracy"] == (100 if protocol == "asrf" else 50), protocol
        assert SegmentationScores(protocol, fps=30).step == (2 if protocol == "asrf" else 1)


@pytest.mark.parametrize(("fps", "step"), [(None, 1), (3, 1), (10, 1), (15, 1), (29.97, 2), (30, 2), (60, 4)])
def test_asrf_keeps_every_kth_frame_so_that_the_rate_is_nearest_to_15(fps, step):
    frames = list(range(1, 13))
    video = ([1 if i % step == 0 else 2 for i in range(12)], [1] * 12)
    assert scores_of("asrf", video, fps=fps)["accuracy"] == 100
    assert SegmentationScores("asrf", fps=fps).step == step
    assert len(frames[::step]) == 12 / step


def test_fact_adds_a_hundred_thousandth_to_each_denominator():
    precision, recall = 1 / (2 + 1e-5), 1 / (1 + 1e-5)
    expected = 200 * precision * recall / (precision + recall + 1e-5)
    assert scores_of("fact", LONG)["f1@50"] == pytest.approx(expected, abs=1e-5)
    assert expected < scores_of("mstcn", LONG)["f1@50"] - 5e-4


@every_protocol
def test_an_overlap_equal_to_the_threshold_counts_and_nothing_is_added_to_lengths(protocol):
    # 1 of 4 and 1 of 10; the last segments agree, so that T or T - 1 does not matter
    quarter = ([1, 0, 0, 0, 0, 3, 3], [1, 1, 1, 1, 0, 3, 3])
    tenth = ([1, *[0] * 10, 3, 3], [1] * 10 + [0, 3, 3])
    assert scores_of(protocol, quarter)["f1@25"] == pytest.approx(100, abs=2e-3)
    assert scores_of(protocol, quarter)["f1@50"] == pytest.approx(50, abs=2e-3)
    assert scores_of(protocol, tenth)["f1@10"] == pytest.approx(100, abs=2e-3)
    assert scores_of(protocol, tenth)["f1@25"] == pytest.approx(50, abs=2e-3)


# Nothing to find, nothing found


@every_protocol
@pytest.mark.parametrize("num_frames", [1, 2, 7])
def test_only_background_on_both_sides(protocol, num_frames):
    scores = scores_of(protocol, ([0] * num_frames, [0] * num_frames))
    # FACT's formula is defined there: nothing, over a hundred-thousandth
    assert scores == dict.fromkeys(SCORES, 100) | (
        {key: 0 for key in SCORES if key.startswith("f1")} if protocol == "fact" else {}
    )


@every_protocol
def test_something_found_where_there_is_only_background(protocol):
    scores = scores_of(protocol, ([0, 1, 1, 0], [0, 0, 0, 0]))
    if protocol == "ltcontext":  # the whole video is deleted
        assert set(scores.values()) == {100}
    else:
        assert [scores[key] for key in SCORES[1:]] == [0, 0, 0, 0]
        assert scores["accuracy"] == (100 if protocol == "fact" else 50)


@every_protocol
def test_nothing_found_where_there_is_something(protocol):
    scores = scores_of(protocol, ([0, 0, 0], [1, 1, 1]))
    assert set(scores.values()) == {0}


@every_protocol
def test_one_frame(protocol):
    right, wrong = scores_of(protocol, ([1], [1])), scores_of(protocol, ([2], [1]))
    assert right["accuracy"] == right["edit"] == 100
    # at T - 1 the only segment has no frame left
    assert right["f1@50"] == pytest.approx(0 if PROTOCOLS[protocol].drop_last_frame else 100, abs=2e-3)
    assert set(wrong.values()) == {0}


# Sets of videos


def test_lea_is_the_mean_over_videos_with_background_out_of_edit_and_f1_only():
    scores = SegmentationScores("lea", background=0)
    alone = {
        "accuracy": FrameAccuracy(),
        "edit": EditScore(background=0),
        "f1@10": SegmentalF1(0.1, background=0),
        "f1@25": SegmentalF1(0.25, background=0),
        "f1@50": SegmentalF1(0.5, background=0),
    }
    for preds in (PERFECT, POOR, POOREST):
        scores.update(preds, PERFECT)
        for score in alone.values():
            score.update(preds, PERFECT)
    assert scores.compute() == {name: score.compute() for name, score in alone.items()}
    assert list(scores.compute()) == ["accuracy", "edit", "f1@10", "f1@25", "f1@50"]


@every_protocol
def test_one_batch_with_a_mask_equals_its_videos(protocol):
    scores, batched = SegmentationScores(protocol, 0), SegmentationScores(protocol, 0).clone()
    scores.update(POOR, PERFECT)
    scores.update(POOREST[:4], PERFECT[:4])
    mask = torch.tensor([[True] * 6, [True] * 4 + [False] * 2])
    batched.update(torch.stack([POOR, POOREST]), torch.stack([PERFECT, PERFECT]), mask)
    assert batched.compute() == scores.compute()


def test_scores_before_the_first_video_are_nan_and_torchmetrics_warns():
    with pytest.warns(UserWarning, match="was called before the ``update`` method"):
        assert torch.stack(list(SegmentationScores("mstcn").compute().values())).isnan().all()


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
    assert evaluation.protocol == "mstcn"


@pytest.mark.parametrize(
    ("preds", "labels", "kwargs", "message"),
    [
        ({}, {}, {}, "there is no video: a score needs at least one"),
        ({"a": [1]}, {"a": [1], "c": [1], "b": [1]}, {}, "there are no predictions for b, c"),
        ({"a": [1], "d": [1]}, {"a": [1]}, {}, "there is no truth for the predictions of d"),
        ({"a": [1, 1]}, {"a": [1]}, {}, "video 'a': `preds` has 2 frames and `labels` has 1"),
        ({"a": [0.5]}, {"a": [1]}, {}, "video 'a': `preds` must be class indexes"),
        (
            {"a": [3]},
            {"a": [1]},
            {"class_names": ["x", "y"]},
            "video 'a': `preds` holds class 3, but `num_classes` is 2",
        ),
        ({"a": [1]}, {"a": [1]}, {"fps": 0}, "`fps` must be positive, got 0"),
        (
            {"a": [1]},
            {"a": [1]},
            {"protocol": "ms-tcn"},
            "`protocol` must be one of lea, mstcn, .*, fact, got 'ms-tcn'",
        ),
        ({"a": [1]}, {"a": [1]}, {"background": "SIL"}, "`background` must be None, a class index or a collection"),
    ],
)
def test_malformed_sets_of_videos_are_refused(preds, labels, kwargs, message):
    with pytest.raises(ValueError, match=message):
        evaluate_videos(preds, labels, **kwargs)


def test_names_of_background_become_indexes_and_an_unknown_one_is_refused_with_the_known_ones():
    assert classes_named(["SIL", "background"], ["background", "cut", "SIL"]) == (2, 0)
    with pytest.raises(ValueError, match="no class is named 'sil': the classes are background, cut, SIL"):
        classes_named(["cut", "sil"], ["background", "cut", "SIL"])
