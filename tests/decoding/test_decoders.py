"""Decoders: cases worked by hand, slow references, and what each of them promises for any scores."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from segtcn.decoding import (
    METHODS,
    Decoder,
    DecoderStream,
    HysteresisStream,
    MedianStream,
    SegmentPrior,
    fit_decoder,
    hysteresis,
    median_of_scores,
    optimal_transport,
    viterbi,
)
from segtcn.labels import Classes, Labels
from segtcn.structures import IGNORE

CLASSES = Classes(("rest", "cut", "pour"))
PRIOR = SegmentPrior.count([Labels(np.repeat([0, 1, 2, 0], [4, 3, 5, 2]), CLASSES, fps=2)])


def random_scores(num_frames: int, seed: int = 0, num_classes: int = 3) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal((num_classes, num_frames)) * 2
    return (np.exp(noise) / np.exp(noise).sum(0)).astype(np.float32)


def labels_of(scores: np.ndarray, fps: float | None = 2) -> Labels:
    classes = CLASSES if len(scores) == 3 else Classes.numbered(len(scores))
    return Labels(scores.argmax(0), classes, fps, scores)


@pytest.mark.parametrize("method", METHODS)
@given(num_frames=st.integers(1, 60), seed=st.integers(0, 2**32 - 1), data=st.data())
@settings(max_examples=40)
def test_a_decoder_keeps_the_length_and_invents_no_class(method, num_frames, seed, data):
    before = labels_of(random_scores(num_frames, seed))
    value = data.draw(st.sampled_from(METHODS[method].values))
    after = Decoder(method, value, CLASSES, PRIOR)(before)
    assert len(after) == len(before)
    assert (after.scores == before.scores).all()
    assert set(after.present()) <= set(before.present())
    assert after.indexes.tolist() == Decoder(method, value, CLASSES, PRIOR)(after).indexes.tolist()


@pytest.mark.parametrize("method", ["minimum_duration", "median", "hysteresis", "viterbi"])
def test_the_first_value_changes_nothing(method):
    before = labels_of(random_scores(200))
    assert METHODS[method].values[0] == 0
    assert Decoder(method, 0, CLASSES, PRIOR)(before).indexes.tolist() == before.indexes.tolist()


@pytest.mark.parametrize("method", METHODS)
def test_frames_that_nobody_annotated_stay_so(method):
    scores = random_scores(30)
    indexes = scores.argmax(0)
    indexes[10:14] = IGNORE
    after = Decoder(method, METHODS[method].values[-1], CLASSES, PRIOR)(Labels(indexes, CLASSES, 2, scores))
    assert np.flatnonzero(after.indexes == IGNORE).tolist() == [10, 11, 12, 13]


@pytest.mark.parametrize("method", sorted(set(METHODS) - {"minimum_duration"}))
def test_labels_without_scores_are_refused(method):
    with pytest.raises(ValueError, match="needs the probability of every class, but there are only labels"):
        Decoder(method, 0.5, CLASSES, PRIOR)(Labels([0, 1], CLASSES, fps=2))


def slow_viterbi(scores: np.ndarray, prior: SegmentPrior, weight: float, fps: float) -> float:
    """The highest score over every sequence of labels that changes only where the best class of a frame does."""
    top = scores.argmax(0)
    may_change = [True, *(top[1:] != top[:-1])]
    durations = prior.log_durations(len(top), fps)
    best = -np.inf
    for path in itertools.product(sorted(set(top.tolist())), repeat=len(top)):
        labels = Labels(np.array(path), prior.classes, fps)
        segments = labels.segments()
        if not all(may_change[segment.start] for segment in segments):
            continue
        value = np.log(scores[list(path), np.arange(len(top))].astype(np.float64)).sum()
        value += weight * np.log(prior.first[segments[0].label])
        value += weight * sum(durations[s.stop - s.start, s.label] for s in segments)
        value += weight * sum(np.log(prior.transitions[a.label, b.label]) for a, b in itertools.pairwise(segments))
        best = max(best, value)
    return best


def value_of(labels: Labels, scores: np.ndarray, prior: SegmentPrior, weight: float, fps: float) -> float:
    only = np.zeros_like(scores)
    only[labels.indexes, np.arange(len(labels))] = 1
    segments = labels.segments()
    durations = prior.log_durations(len(labels), fps)
    value = np.log(scores[labels.indexes, np.arange(len(labels))].astype(np.float64)).sum()
    value += weight * np.log(prior.first[segments[0].label])
    value += weight * sum(durations[s.stop - s.start, s.label] for s in segments)
    return value + weight * sum(np.log(prior.transitions[a.label, b.label]) for a, b in itertools.pairwise(segments))


@pytest.mark.parametrize("seed", range(12))
def test_viterbi_finds_the_best_of_all_paths(seed):
    scores, weight = random_scores(7, seed), (0.3, 1.0, 3.0)[seed % 3]
    decoded = viterbi(labels_of(scores), PRIOR, weight)
    assert value_of(decoded, scores, PRIOR, weight, 2) == pytest.approx(slow_viterbi(scores, PRIOR, weight, 2))


def test_counts_of_segments_worked_by_hand():
    first = Labels.from_names(["rest"] * 4 + ["cut"] * 2 + ["rest"] * 6, CLASSES, fps=2)
    second = Labels(np.array([1] * 4 + [2] * 2 + [IGNORE] * 3 + [0]), CLASSES, fps=2)
    prior = SegmentPrior.count([first, second])
    # rest: 2 s and 3 s; cut: 1 s and 2 s; pour borders on frames without a label: the mean of all
    assert prior.mean_s.tolist() == [2.5, 1.5, 2.0]
    assert prior.deviation_s[:2].tolist() == pytest.approx([0.5**0.5, 0.5**0.5])
    assert prior.deviation_s[2] == pytest.approx(np.std([2, 3, 1, 2]))
    assert prior.first.tolist() == pytest.approx([2 / 5, 2 / 5, 1 / 5])
    assert prior.transitions.tolist() == [[0, 2 / 3, 1 / 3], [1 / 2, 0, 1 / 2], [1 / 2, 1 / 2, 0]]


def test_durations_follow_the_negative_binomial_with_the_counted_moments():
    prior = SegmentPrior(CLASSES, PRIOR.transitions, PRIOR.first, np.array([5.0, 5, 5]), np.array([3.0, 0.5, 3]))
    logs = prior.log_durations(400, 2)
    lengths = np.arange(401)[:, None]
    mean = (np.exp(logs) * lengths).sum(0)
    assert mean == pytest.approx([10] * 3, abs=1e-3)
    assert (np.exp(logs) * (lengths - mean) ** 2).sum(0) == pytest.approx([36, 10, 36], rel=1e-3)  # 10: Poisson
    assert logs[:, 1] == pytest.approx(np.maximum(stats.poisson.logpmf(lengths[:, 0], 10), -1e4))
    assert logs[:, 0] == pytest.approx(stats.nbinom.logpmf(lengths[:, 0], 100 / 26, 10 / 36))


def test_the_rate_of_a_prior_may_differ_from_that_of_the_scores():
    slow, fast = PRIOR.log_durations(100, 1), PRIOR.log_durations(100, 10)
    assert abs(slow[:, 1].argmax() * 10 - fast[:, 1].argmax()) <= 10


def test_viterbi_refuses_other_classes_and_scores_without_a_rate():
    scores = random_scores(5)
    with pytest.raises(ValueError, match="has other classes than the videos that transitions were counted on"):
        viterbi(Labels(scores.argmax(0), Classes(("a", "b", "c")), 2, scores), PRIOR)
    with pytest.raises(ValueError, match="durations are seconds, but the rate of the labels is not known"):
        viterbi(labels_of(scores, fps=None), PRIOR)
    with pytest.raises(ValueError, match="`weight` must be 0 or more, got -1"):
        viterbi(labels_of(scores), PRIOR, -1)


@pytest.mark.parametrize(
    ("videos", "message"),
    [
        ([], "no training video"),
        ([Labels([0], CLASSES)], "the rate of the labels is not known"),
        ([Labels([0], CLASSES, 2), Labels([0], Classes(("a",)), 2)], "has other classes than"),
        ([Labels([IGNORE, 1, IGNORE], CLASSES, 2)], "no complete segment to count durations on"),
    ],
)
def test_what_cannot_be_counted_is_refused(videos, message):
    with pytest.raises(ValueError, match=message):
        SegmentPrior.count(videos)


def test_a_median_does_not_choose_a_class_that_is_never_first_in_its_window():
    """Class 2 is second in the first five frames, and has the highest median of the middle one."""
    scores = np.full((4, 12), 0.05, np.float32)
    scores[[0, 0, 1, 1, 3, 3, 3, 2, 2, 2, 2, 2], np.arange(12)] = 0.5
    scores[2, :5] = 0.4
    assert np.median(scores[:, :5], axis=1).argmax() == 2
    expected = [0, 0, 0, 0, 3, 3, 3, 2, 2, 2, 2, 2]
    assert median_of_scores(labels_of(scores), 2).indexes.tolist() == expected
    stream = MedianStream(2)
    assert [*stream.push(scores).tolist(), *stream.finish().tolist()] == expected


def test_a_median_worked_by_hand():
    scores = np.array([[0.9, 0.2, 0.7, 0.6, 0.1], [0.1, 0.8, 0.3, 0.4, 0.9]], np.float32)
    # windows of three: (.9 .9 .2) (.9 .2 .7) (.2 .7 .6) (.7 .6 .1) (.6 .1 .1)
    assert median_of_scores(labels_of(scores), 1).indexes.tolist() == [0, 0, 0, 0, 1]


@given(st.integers(1, 50), st.integers(0, 8), st.lists(st.integers(0, 9), max_size=12), st.integers(0, 2**32 - 1))
@settings(max_examples=50)
def test_streams_give_the_labels_of_the_whole_video(num_frames, reach, cuts, seed):
    scores = random_scores(num_frames, seed)
    places = sorted({0, num_frames, *(cut for cut in cuts if cut < num_frames)})
    median, hold = MedianStream(reach), HysteresisStream(0.3)
    late, now = [], []
    for start, stop in itertools.pairwise(places):
        late += median.push(scores[:, start:stop]).tolist()
        now += hold.push(scores[:, start:stop]).tolist()
        assert len(late) == max(0, stop - reach), "late by half of the window"
        assert len(now) == stop
    late += median.finish().tolist()
    if 2 * reach / 2 <= num_frames:
        assert late == median_of_scores(labels_of(scores), reach).indexes.tolist()  # at 2 frames a second
    assert now == hysteresis(labels_of(scores), 0.3).indexes.tolist()


@pytest.mark.parametrize(("method", "value", "delay"), [("median", 3.0, 3), ("hysteresis", 0.3, 0)])
@given(num_frames=st.integers(4, 50), cuts=st.lists(st.integers(1, 49), max_size=6), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_a_decoder_streams_with_its_delay_what_it_gives_for_the_whole_video(
    method, value, delay, num_frames, cuts, seed
):
    labels = labels_of(random_scores(num_frames, seed))
    decoder = Decoder(method, value, CLASSES)
    stream = DecoderStream(decoder, fps=2)
    assert stream.delay == delay
    for _repeated in range(2):  # after the end it begins anew
        parts, answered = [], 0
        for start, stop in itertools.pairwise(sorted({0, num_frames, *(cut for cut in cuts if cut < num_frames)})):
            parts.append(stream.push(labels[start:stop]))
            answered += len(parts[-1] or ())
            assert answered == max(0, stop - delay)
        assert stream.push(None) is None
        parts = [part for part in (*parts, stream.finish()) if part is not None]
        whole = decoder(labels)
        assert np.concatenate([part.indexes for part in parts]).tolist() == whole.indexes.tolist()
        assert (np.concatenate([part.scores for part in parts], axis=1) == whole.scores).all()


def test_what_cannot_stream_is_refused():
    with pytest.raises(ValueError, match="'viterbi' needs the whole video: median, hysteresis do not"):
        DecoderStream(Decoder("viterbi", 1, CLASSES, PRIOR), fps=2)
    with pytest.raises(ValueError, match="`window_s` counts seconds, but the rate of the labels is not known"):
        DecoderStream(Decoder("median", 1, CLASSES), fps=None)
    with pytest.raises(ValueError, match="has other classes than the decoder was fitted on"):
        DecoderStream(Decoder("hysteresis", 0.2, Classes(("a",))), fps=None).push(labels_of(random_scores(4)))


def test_hysteresis_worked_by_hand():
    scores = np.array([[0.5, 0.4, 0.3, 0.6, 0.45], [0.5, 0.6, 0.7, 0.4, 0.55]], np.float32)
    assert hysteresis(labels_of(scores), 0.35).indexes.tolist() == [0, 0, 1, 1, 1]


def slow_plan(cost: np.ndarray, structure: float, radius: float) -> np.ndarray:
    """The equations of ASOT with full matrices: Cv (T, T), Ck (K, K), gradient descent with multiplicative steps."""
    num_frames, num_classes = cost.shape
    distance = np.abs(np.arange(num_frames)[:, None] - np.arange(num_frames))
    near = ((distance > 0) & (distance <= max(1, int(num_frames * radius)))) / radius
    unlike = 1 - np.eye(num_classes)
    plan = np.full(cost.shape, 1 / cost.size)
    step = None
    for _ in range(25):
        gradient = structure * near @ plan @ unlike + (1 - structure) * cost + 0.07 * np.log(plan + 1e-12)
        gradient += 0.05 * (np.log(plan.sum(0) * num_classes + 1e-12) + 1)
        step = 4 / gradient.max() if step is None else step
        plan = plan * np.exp(-step * gradient)
        plan /= plan.sum(1, keepdims=True) * num_frames
    return plan


@pytest.mark.parametrize("structure", [0, 0.3, 0.6])
def test_optimal_transport_equals_the_equations(structure):
    scores = random_scores(80, 3)
    plan = slow_plan(1 - scores.T.astype(np.float64), structure, 0.1)
    assert optimal_transport(labels_of(scores), structure, 0.1).indexes.tolist() == plan.argmax(1).tolist()


def test_a_decoder_is_fitted_saved_and_loaded(tmp_path):
    truth = [Labels(np.repeat([0, 1, 2, 0], 20), CLASSES.with_background("rest"), fps=10, source="truth")]
    scores = np.full((3, 80), 0.1, np.float32)
    scores[truth[0].indexes, np.arange(80)] = 0.8
    scores[:, 30:33] = np.array([[0.1], [0.2], [0.7]])  # 0.3 s of another class
    predictions = [Labels(scores.argmax(0), truth[0].classes, 10, scores)]
    fitted = fit_decoder("minimum_duration", predictions, truth)
    assert fitted.decoder.value == 0.35  # the first that removes it, and not a longer one
    assert fitted.scores[0.35] == 100 > fitted.scores[0.2]
    for method in METHODS:
        decoder = fit_decoder(method, predictions, truth).decoder
        decoder.save(tmp_path / "decoder.json")
        again = Decoder.load(tmp_path / "decoder.json")
        assert (again.method, again.value, again.classes) == (method, decoder.value, decoder.classes)
        assert again(predictions[0]).indexes.tolist() == decoder(predictions[0]).indexes.tolist()


def test_errors_of_decoders_and_their_files(tmp_path):
    with pytest.raises(ValueError, match="no decoder is named 'crf': there are minimum_duration"):
        Decoder("crf", 1, CLASSES)
    with pytest.raises(ValueError, match="'viterbi' needs `prior`"):
        Decoder("viterbi", 1, CLASSES)
    with pytest.raises(ValueError, match="has other classes than the decoder was fitted on"):
        Decoder("median", 1, Classes(("a",)))(labels_of(random_scores(4)))
    with pytest.raises(ValueError, match="expected the truth of every prediction, got 0 and 0 videos"):
        fit_decoder("median", [], [])
    path = tmp_path / "decoder.json"
    Decoder("median", 1, Classes(("a",))).save(path)
    for text, message in {
        str(path): "the network has other classes than the decoder was fitted on",
        "hysteresis=2": "`margin` must be a difference of probabilities",
        "median=fast": "could not convert string to float: 'fast'; got the decoder 'median=fast'",
        "viterbi=2": "'viterbi' needs `prior`",
    }.items():
        with pytest.raises(ValueError, match=message):
            Decoder.named(text, CLASSES)
    with pytest.raises(FileNotFoundError, match="no decoder 'median': expected a file of `segtcn decode --fit`"):
        Decoder.named("median", CLASSES)
    for text in ("", "[]", "{}", '{"version": 2}'):
        path.write_text(text)
        with pytest.raises(ValueError, match="is not the file of a fitted decoder"):
            Decoder.load(path)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda labels: hysteresis(labels, 1.5), "`margin` must be a difference of probabilities"),
        (lambda labels: median_of_scores(labels, -1), "`window_s` must be a number of seconds"),
        (lambda labels: optimal_transport(labels, 1), "`structure` must be a weight"),
        (lambda labels: optimal_transport(labels, radius=0), "`radius` must be a share of the video"),
        (lambda labels: MedianStream(-1), "`reach` must be a number of frames"),
    ],
)
def test_arguments_out_of_range_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(labels_of(random_scores(4)))
