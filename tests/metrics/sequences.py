"""Random videos: long runs and single frames, predictions near the truth and far from it."""

from __future__ import annotations

import torch
from hypothesis import strategies as st
from torchmetrics import Metric

NUM_CLASSES = 5
IGNORE = -100


def draw_video(draw, label, max_frames):
    """Predictions and labels in long runs and single frames; some stretches of the truth are ignored."""
    run = st.tuples(label, st.one_of(st.integers(1, 4), st.integers(1, 60)))

    def sequence():
        return [value for value, length in draw(st.lists(run, min_size=1, max_size=25)) for _ in range(length)]

    def overwrite(frames, stretches):
        for value, length in draw(st.lists(stretches, max_size=8)):
            start = draw(st.integers(0, len(frames) - 1))
            frames = [*frames[:start], *[value] * len(frames[start : start + length]), *frames[start + length :]]
        return frames

    labels = sequence()[:max_frames]
    # Truth with some stretches overwritten has overlaps to find; an independent sequence has few
    preds = (labels if draw(st.booleans()) else sequence())[: len(labels)]
    labels = labels[: len(preds)]
    ignored = overwrite(labels, st.tuples(st.just(IGNORE), st.integers(1, 20))) if draw(st.booleans()) else labels
    return overwrite(preds, run), labels if set(ignored) == {IGNORE} else ignored


@st.composite
def videos(draw, max_frames=300, max_classes=8):
    """Predictions, labels, background classes and number of classes of one video."""
    num_classes = draw(st.integers(1, max_classes))
    background = draw(st.one_of(st.just([]), st.lists(st.integers(0, num_classes - 1), max_size=2, unique=True)))
    return *draw_video(draw, st.integers(0, num_classes - 1), max_frames), background, num_classes


def random_videos(num_videos: int = 7, seed: int = 0) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Labels of 1 to about 80 frames in runs, every third run ignored; predictions are right about half the time."""
    generator = torch.Generator().manual_seed(seed)
    pairs = []
    for number in range(num_videos):
        runs = torch.randint(NUM_CLASSES, (1 + 3 * number,), generator=generator)
        lengths = torch.randint(1, 8, runs.shape, generator=generator)
        labels = runs.repeat_interleave(lengths)
        other = torch.randint(NUM_CLASSES, runs.shape, generator=generator).repeat_interleave(lengths)
        preds = torch.where(torch.rand(labels.shape, generator=generator) < 0.5, labels, other)
        runs = runs.where(torch.arange(len(runs)) % 3 < 2, IGNORE)
        pairs.append((preds, runs.repeat_interleave(lengths)))
    return pairs


def pad(sequences, fill: int = -100):
    """A batch ``(B, T)`` with something on padding, and its mask."""
    preds, labels = (torch.nn.utils.rnn.pad_sequence(list(v), True, fill) for v in zip(*sequences, strict=True))
    lengths = torch.tensor([len(y) for _, y in sequences])
    return preds, labels, torch.arange(labels.shape[1]) < lengths[:, None]


def after(metric: Metric, *updates) -> Metric:
    for update in updates:
        metric.update(*update)
    return metric
