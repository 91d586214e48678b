"""Training from time stamps: cases worked out by hand, slow references, and what cannot be learned."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from segtcn.losses import CrossEntropy, LossSum, Timestamps, confidence_loss, labels_between_stamps
from segtcn.structures import IGNORE, Batch, Output

_ = IGNORE


def test_pseudo_labels_of_a_case_worked_by_hand():
    """Stamps at frames 1 and 5, features 0 0 1 5 5 6: what a change before frame b costs in each direction.

    Forward the first part starts at frame 0, and the second ends at frame 5:
      b = 2: |0 0| 0, |1 5 5 6| mean 4.25: 3.25 + 0.75 + 0.75 + 1.75 = 6.5
      b = 3: |0 0 1| mean 1/3: 4/3, |5 5 6| mean 16/3: 4/3; together 8/3, the least
      b = 4: |0 0 1 5| mean 1.5: 7, |5 6|: 1; together 8
      b = 5: |0 0 1 5 5| mean 2.2: 11.2
    Backward the second part has frames 5 and 6 (0), the first begins at frame 1:
      b = 2: |0| 0, |1 5 5 6 0| mean 3.4: 2.4 + 1.6 + 1.6 + 2.6 + 3.4 = 11.6
      b = 3: |0 1| 1, |5 5 6 0| mean 4: 1 + 1 + 2 + 4 = 8; together 9
      b = 4: |0 1 5| mean 2: 6, |5 6 0| mean 11/3: 22/3; together 13.3
      b = 5: |0 1 5 5| mean 2.75: 9, |6 0| 6; together 15
    Both say 3.
    """
    features = torch.tensor([[0.0, 0, 1, 5, 5, 6, 0]])
    stamps = torch.tensor([_, 7, _, _, _, 2, _])
    assert labels_between_stamps(features, stamps).tolist() == [7, 7, 7, 2, 2, 2, 2]


def test_the_change_lies_in_the_middle_of_both_directions():
    """Features 0 0 0 4 8 8 8 8 with stamps at 0 and 4: frame 3 lies between both, and each direction has more of one.

    Forward |0 0 0| |4 8|: 4, |0 0 0 4| |8|: 6: b = 3. Backward |0 0 0 4| |8 8 8 8|: 6, |0 0 0| |4 8 8 8 8|: 6.4: b = 4.
    The middle, 3.5, is rounded down.
    """
    features, stamps = torch.tensor([[0.0, 0, 0, 4, 8, 8, 8, 8]]), torch.tensor([0, _, _, _, 1, _, _, _])
    assert labels_between_stamps(features, stamps).tolist() == [0, 0, 0, 1, 1, 1, 1, 1]
    features, stamps = torch.tensor([[0.0, 0, 0, 4, 4, 8, 8, 8, 8]]), torch.tensor([0, _, _, _, _, 1, _, _, _])
    assert labels_between_stamps(features, stamps).tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 1]


def slow_changes(features: np.ndarray, stamps: list[tuple[int, int]]) -> list[int]:
    """The equation, one candidate after the other, from the first stamp to the last."""
    starts = [0]
    for (before, _label), (after, _next) in pairwise(stamps):
        costs = {}
        for change in range(before + 1, after + 1):
            parts = features[starts[-1] : change], features[change : after + 1]
            costs[change] = sum(np.linalg.norm(part - part.mean(0), axis=1).sum() for part in parts)
        starts.append(min(costs, key=costs.__getitem__))
    return starts[1:]


@pytest.mark.parametrize("seed", range(5))
def test_pseudo_labels_equal_the_equations(seed):
    rng = np.random.default_rng(seed)
    truth = np.repeat([0, 1, 2, 0, 3], rng.integers(2, 12, 5))
    features = rng.standard_normal((4, 3))[truth] * 2 + rng.standard_normal((len(truth), 3))
    segments = [*np.split(np.arange(len(truth)), np.flatnonzero(np.diff(truth)) + 1)]
    stamps = [(int(rng.choice(segment)), int(truth[segment[0]])) for segment in segments]
    mirrored = [(len(truth) - 1 - frame, label) for frame, label in reversed(stamps)]
    forward = slow_changes(features, stamps)
    backward = [len(truth) - change for change in reversed(slow_changes(features[::-1], mirrored))]
    starts = [0, *((a + b) // 2 for a, b in zip(forward, backward, strict=True)), len(truth)]
    expected = np.repeat([label for _frame, label in stamps], np.diff(starts))
    given = torch.full((len(truth),), IGNORE)
    for frame, label in stamps:
        given[frame] = label
    assert labels_between_stamps(torch.tensor(features.T), given).tolist() == expected.tolist()


def test_labelled_frames_keep_their_labels():
    full = torch.tensor([0, 0, 2, 1, 1, 1, 0])
    assert torch.equal(labels_between_stamps(torch.randn(3, 7), full), full)
    part = torch.tensor([_, 0, _, 0, 2, _, 1])  # two of one class next to each other belong to one segment
    labels = labels_between_stamps(torch.randn(3, 7), part)
    assert labels[:5].tolist() == [0, 0, 0, 0, 2]
    assert labels[6] == 1
    assert (labels_between_stamps(torch.randn(3, 4), torch.full((4,), _)) == _).all()
    assert labels_between_stamps(torch.randn(3, 4), torch.tensor([_, _, 5, _])).tolist() == [5] * 4


def slow_confidence(log_p: np.ndarray, stamps: np.ndarray) -> tuple[float, int]:
    frames = np.flatnonzero(stamps != IGNORE)
    total = 0.0
    for place, frame in enumerate(frames):
        row = log_p[stamps[frame]]
        if place:
            total += sum(max(0, row[t] - row[t + 1]) for t in range(frames[place - 1], frame))
        if place + 1 < len(frames):
            total += sum(max(0, row[t + 1] - row[t]) for t in range(frame, frames[place + 1]))
    return total, 2 * (frames[-1] - frames[0])


def test_confidence_equals_the_equations_and_padding_has_no_effect():
    logits = torch.randn(2, 4, 9, generator=torch.Generator().manual_seed(0))
    stamps = torch.full((2, 9), IGNORE)
    stamps[0, [1, 4, 7]] = torch.tensor([0, 3, 1])
    stamps[1, [0, 3]] = torch.tensor([2, 0])
    mask = torch.arange(9) < torch.tensor([[9], [5]])
    totals = [slow_confidence(logits[video].log_softmax(0).numpy(), stamps[video].numpy()) for video in range(2)]
    expected = sum(total for total, _number in totals) / sum(number for _total, number in totals)
    assert float(confidence_loss(logits, stamps, mask)) == pytest.approx(expected, rel=1e-5)
    logits[1, :, 5:] = torch.nan
    stamps[1, 5:] = 1
    assert float(confidence_loss(logits, stamps, mask)) == pytest.approx(expected, rel=1e-5)
    assert confidence_loss(logits[:, :, :1], stamps[:, :1], mask[:, :1]) == 0


def test_the_loss_is_that_of_the_pseudo_labels_after_the_warm_up():
    logits = torch.randn(2, 1, 3, 6, generator=torch.Generator().manual_seed(1))
    stamps, mask = torch.tensor([[_, 0, _, _, 2, _]]), torch.tensor([[True] * 5 + [False]])
    batch = Batch(torch.zeros(1, 2, 6), stamps, mask)
    loss = Timestamps(CrossEntropy(), confidence=0, warm_up=3)
    assert torch.equal(loss(Output(logits), batch), CrossEntropy()(Output(logits), batch))
    loss.set_epoch(3)
    labels = torch.cat([labels_between_stamps(logits[-1, 0, :, :5], stamps[0, :5]), torch.tensor([IGNORE])])[None]
    assert torch.equal(loss(Output(logits), batch), CrossEntropy()(Output(logits), batch._replace(labels=labels)))
    with_confidence = Timestamps(CrossEntropy(), confidence=0.5, warm_up=0)
    both = sum(confidence_loss(stage, stamps, mask) for stage in logits)
    assert torch.allclose(with_confidence(Output(logits), batch), loss(Output(logits), batch) + 0.5 * both)


class Counts:
    def __init__(self, *frames: int) -> None:
        self.frames = torch.tensor(frames)

    def label_statistics(self) -> tuple[torch.Tensor, int]:
        return self.frames, 3


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"no training video has a time stamp of 2 classes, with the indexes \[1, 3\]"):
        LossSum([Timestamps()]).fit_statistics(Counts(4, 0, 2, 0))
    Timestamps(CrossEntropy("median_frequency")).fit_statistics(Counts(4, 1))
    with pytest.raises(ValueError, match="`confidence` and `warm_up` must not be negative, got -1 and 3"):
        Timestamps(confidence=-1, warm_up=3)
