"""Streams: the labels of any chunks are those of the whole video, and the state can be saved."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import segtcn
from segtcn.labels import Labels
from segtcn.models import MSTCN, CausalTCN
from segtcn.segmenter import Segmenter
from segtcn.segmenter.export import save_folder
from segtcn.segmenter.stream import Stream
from tests.models.networks import IN_CHANNELS, NETWORKS
from tests.segmenter.test_chunks import segmenter_of

STREAMING = {
    name: make
    for name, make in NETWORKS.items()
    if "ASRF" not in name and (make().causal or None not in make().receptive_field)
}


def pushed(stream: Stream, features: torch.Tensor, sizes: list[int]) -> list[list[Labels]]:
    """Labels of every push, and of the end; of each video, or none."""
    batch = features if features.ndim == 3 else features[None]
    answers, start = [], 0
    while start < batch.shape[-1]:
        size = sizes[len(answers) % len(sizes)]
        answers.append(stream.push_batch(batch[..., start : start + size]))
        start += size
    return [*answers, stream.finish_batch()]


def scores_of(answers: list[list[Labels]], video: int = 0) -> np.ndarray:
    return np.concatenate([labels[video].scores for labels in answers if labels], axis=1)


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(sorted(STREAMING)),
    sizes=st.lists(st.integers(1, 70), min_size=1, max_size=6),
    num_frames=st.integers(1, 90),
    sample_rate=st.sampled_from([1, 3]),
)
def test_a_stream_in_any_chunks_equals_the_whole_video(name, sizes, num_frames, sample_rate):
    segmenter = segmenter_of(STREAMING[name](), sample_rate)
    features = torch.randn(IN_CHANNELS, num_frames)
    whole = segmenter.predict(features)
    answers = pushed(segmenter.stream(), features, sizes)
    np.testing.assert_allclose(scores_of(answers), whole.scores, atol=2e-5)
    assert sum(len(labels[0]) for labels in answers if labels) == num_frames
    if segmenter.net.causal:
        assert answers[-1] == []


def test_a_network_that_looks_ahead_answers_so_much_later():
    segmenter = segmenter_of(MSTCN(IN_CHANNELS, 3, num_stages=2, num_layers=2, hidden_channels=4), sample_rate=2)
    future = segmenter.net.receptive_field[1]
    stream = segmenter.stream()
    assert stream.lookahead == 2 * future
    answered = 0
    for t in range(60):
        labels = stream.push(torch.randn(IN_CHANNELS, 1))
        answered += 0 if labels is None else len(labels)
        assert answered >= t + 1 - stream.lookahead - segmenter.sample_rate
    assert answered < 60
    assert segmenter_of(CausalTCN(IN_CHANNELS, 3, 4, num_layers=2)).stream().lookahead == 0


def test_several_videos_run_in_parallel():
    segmenter = segmenter_of(STREAMING["causal EDTCN"]())
    features = torch.randn(3, IN_CHANNELS, 41)
    answers = pushed(segmenter.stream(batch_size=3), features, [7, 1])
    for number, video in enumerate(features):
        np.testing.assert_allclose(scores_of(answers, number), segmenter.predict(video).scores, atol=2e-5)


@pytest.mark.parametrize("name", ["causal EDTCN", "MSTCN", "causal RecurrentNetwork, GRU"])
def test_a_saved_state_continues_elsewhere_and_a_reset_begins_anew(name, tmp_path):
    segmenter = segmenter_of(STREAMING[name](), sample_rate=2)
    features = torch.randn(IN_CHANNELS, 80)
    stream = segmenter.stream(on_nan="hold")
    before = pushed(stream, features[:, :37], [5])[:-1]
    stream = segmenter.stream(on_nan="hold")
    for start in range(0, 37, 5):
        stream.push(features[:, start : min(start + 5, 37)])
    torch.save(stream.state(), tmp_path / "state.pt")
    other = segmenter.stream(on_nan="hold")
    other.restore(torch.load(tmp_path / "state.pt", weights_only=True))
    after = pushed(other, features[:, 37:], [4])
    whole = segmenter.predict(features)
    np.testing.assert_allclose(scores_of([*before, *after]), whole.scores, atol=2e-5)
    other.reset()
    np.testing.assert_allclose(scores_of(pushed(other, features, [9])), whole.scores, atol=2e-5)
    with pytest.raises(ValueError, match=r"another network or (another )?batch size"):
        segmenter.stream(batch_size=2).restore(stream.state())


@pytest.mark.parametrize("name", sorted(STREAMING))
def test_a_state_of_another_segmenter_is_refused_and_the_stream_continues(name):
    segmenter = segmenter_of(STREAMING[name](), sample_rate=2)
    features = torch.randn(IN_CHANNELS, 40)
    answers = pushed(segmenter.stream(), features, [40])
    stream = segmenter.stream()
    before = stream.push_batch(features[None, :, :21])
    others = [segmenter_of(make(), sample_rate=2) for other, make in STREAMING.items() if other != name]
    altered = copy.deepcopy(segmenter)
    altered.standardization.mean += 1
    for other in (*others, altered, segmenter_of(STREAMING[name](), sample_rate=3)):
        state = other.stream().state()
        with pytest.raises(ValueError, match="another network"):
            stream.restore(state)
    for nothing in ({}, "state.pt", None):
        with pytest.raises(ValueError, match=r"expected what `state\(\)` of a stream gave"):
            stream.restore(nothing)
    rest = pushed(stream, features[:, 21:], [19])
    np.testing.assert_allclose(scores_of([before, *rest]), scores_of(answers), atol=2e-5)


def test_a_state_continues_in_a_copy_of_the_segmenter_in_another_format(tmp_path):
    segmenter = segmenter_of(STREAMING["causal EDTCN"](), sample_rate=2)
    stream = segmenter.stream()
    stream.push(torch.randn(IN_CHANNELS, 9))
    rest = torch.randn(IN_CHANNELS, 9)
    segmenter.save(tmp_path / "net.ckpt")
    save_folder(segmenter, tmp_path / "net")
    state = stream.state()
    expected = stream.push(rest).scores
    for path in (tmp_path / "net.ckpt", tmp_path / "net"):
        other = segtcn.load(path).stream()
        other.restore(state)
        np.testing.assert_array_equal(other.push(rest).scores, expected)


def stored_bytes(state: object) -> int:
    """Of all tensors in a state, with what their storage holds beside them."""
    if isinstance(state, torch.Tensor):
        return state.untyped_storage().nbytes()
    values = state.values() if isinstance(state, dict) else state if isinstance(state, list | tuple) else []
    return sum(map(stored_bytes, values))


@pytest.mark.parametrize(
    ("name", "num_frames"),
    [
        ("causal EDTCN", 600),
        ("MSTCN", 600),
        ("causal RecurrentNetwork, GRU", 600),
        pytest.param("causal EDTCN", 100_000, marks=pytest.mark.slow),
    ],
)
def test_the_memory_of_a_stream_does_not_grow(name, num_frames):
    stream = segmenter_of(STREAMING[name](), sample_rate=2).stream()
    frame, sizes = np.ones((IN_CHANNELS, 1), np.float32), []
    for number in range(num_frames):
        stream.push(frame)
        if number >= num_frames // 2:
            sizes.append(stored_bytes(stream.state()) if number % 97 == 0 else 0)
        elif 100 <= number < 300:
            sizes.append(-stored_bytes(stream.state()))
    assert max(sizes) <= -min(sizes)


def test_frames_that_are_not_finite_stop_the_stream_or_are_held():
    segmenter = segmenter_of(STREAMING["causal EDTCN"]())
    features = torch.randn(IN_CHANNELS, 30)
    broken = features.clone()
    broken[2, 0] = broken[1, 8:10] = broken[0, 19] = torch.nan
    held = features.clone()
    held[:, 0], held[:, 8:10], held[:, 19] = 0, features[:, 7:8], features[:, 18]
    with pytest.raises(ValueError, match="got NaN or infinity in frame 8"):
        pushed(segmenter.stream(), torch.cat([features[:, :1], broken[:, 1:]], dim=1), [3])
    answers = pushed(segmenter.stream(on_nan="hold"), broken, [4])
    np.testing.assert_allclose(scores_of(answers), segmenter.predict(held).scores, atol=2e-5)


@pytest.mark.parametrize("shape", [(IN_CHANNELS, 0), (4, 3), (2, IN_CHANNELS, 3), (IN_CHANNELS,)])
def test_frames_of_another_shape_are_refused(shape):
    stream = segmenter_of(STREAMING["causal EDTCN"]()).stream()
    with pytest.raises(ValueError, match=rf"must have the shape \(1, {IN_CHANNELS}, n\) with n >= 1, got"):
        stream.push_batch(torch.zeros(shape)) if len(shape) == 3 else stream.push(torch.zeros(shape))


def test_frames_are_read_however_their_numbers_are_stored(tmp_path):
    segmenter = segmenter_of(STREAMING["causal EDTCN"]())
    features = np.arange(IN_CHANNELS * 12, dtype=np.float32).reshape(IN_CHANNELS, 12)
    expected = segmenter.predict(features).scores
    np.save(tmp_path / "features.npy", features)
    mapped = np.load(tmp_path / "features.npy", mmap_mode="r")
    backwards = np.ascontiguousarray(features[:, ::-1])[:, ::-1]
    for stored in (mapped, backwards, features.astype(">f4"), features.astype(np.int16), torch.from_numpy(features)):
        np.testing.assert_allclose(segmenter.stream().push(stored).scores, expected, atol=2e-5)
    for wrong in (features * 1j, features > 0, np.full((IN_CHANNELS, 2), "a")):
        with pytest.raises(ValueError, match="`features` must be real numbers, got"):
            segmenter.stream().push(wrong)


@pytest.mark.parametrize("name", ["causal EDTCN", "MSTCN"])
def test_after_its_end_a_stream_begins_another_video(name):
    segmenter, features = segmenter_of(STREAMING[name]()), torch.randn(IN_CHANNELS, 30)
    stream = segmenter.stream()
    first, second = pushed(stream, features, [30]), pushed(stream, features, [30])
    assert (scores_of(first) == scores_of(second)).all()


def test_what_cannot_stream_says_so():
    for name in ("ASFormer", "RecurrentNetwork, LSTM"):
        with pytest.raises(ValueError, match="sees the whole video and cannot stream: train a causal network"):
            segmenter_of(NETWORKS[name]()).stream()
    with pytest.raises(ValueError, match="ASRF refines labels of a whole video"):
        segmenter_of(NETWORKS["ASRF"]()).stream()
    with pytest.raises(ValueError, match="`on_nan` must be 'error' or 'hold', got 'skip'"):
        segmenter_of(STREAMING["causal EDTCN"]()).stream(on_nan="skip")
    with pytest.raises(ValueError, match="`batch_size` must be at least 1, got 0"):
        segmenter_of(STREAMING["causal EDTCN"]()).stream(batch_size=0)


def test_a_stream_is_a_context_and_its_labels_have_names_and_seconds():
    segmenter = Segmenter(CausalTCN(IN_CHANNELS, 2, 4, num_layers=2), ["rest", "work"], fps=10).eval()
    with segmenter.stream() as stream:
        labels = stream.push(np.zeros((IN_CHANNELS, 5)))
        assert stream.finish() is None
        assert labels.fps == 10
        assert {*labels.names()} <= {"rest", "work"}
