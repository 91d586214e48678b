"""FACT: what frames and tokens decide together, averages over runs, hidden frames, and what refuses an export."""

from __future__ import annotations

import pytest
import torch

from segtcn.models import FACT, fact
from segtcn.segmenter import Segmenter
from segtcn.segmenter.export import export_onnx
from segtcn.structures import Tokens

NONE = [0.0, 0.0, 9.0]  # logits of two classes and of "no segment"


def merged(token_logits: list[list[float]], frame_weight: float = 0.1) -> torch.Tensor:
    """Probabilities of two frames: the first attends to the first token, the second to the last."""
    frames = torch.tensor([[[0.0, 0.0], [1.0, 1.0]]])  # (1, C, T)
    writes = torch.full((1, 2, len(token_logits)), -5.0)
    writes[0, 0, 0] = writes[0, 1, -1] = 5.0
    return fact._merge(frames, Tokens(torch.tensor([token_logits]), writes=writes), frame_weight).exp()[0].T


def test_a_frame_is_what_its_token_says_unless_no_token_is_a_segment():
    of_frames = torch.tensor([0.0, 1.0]).softmax(dim=0)
    first, last = torch.tensor([3.0, 0.0]).softmax(dim=0), torch.tensor([0.0, 2.0]).softmax(dim=0)
    tokens = [[3.0, 0.0, -9.0], NONE, [0.0, 2.0, -9.0]]
    expected = torch.stack([0.1 * of_frames + 0.9 * first, 0.1 * of_frames + 0.9 * last])
    torch.testing.assert_close(merged(tokens), expected)
    torch.testing.assert_close(merged([tokens[0], NONE, NONE])[1], expected[0])  # the only token left
    torch.testing.assert_close(merged([NONE, NONE]), torch.stack([of_frames, of_frames]))


def test_runs_of_frames_are_averaged_without_padding():
    labels = torch.tensor([[1, 1, 2, 2, 2, 0], [0, 1, 1, 1, 0, 0]])
    mask = torch.tensor([[True] * 6, [True] * 3 + [False] * 3])
    x = torch.arange(12.0).view(2, 6, 1)
    places = fact._runs(labels, mask)
    assert places.tolist() == [[0, 0, 1, 1, 1, 2], [0, 1, 1, 1, 1, 1]]
    means, real = fact._means(x, places, mask)
    assert means[..., 0].tolist() == [[0.5, 3, 5], [6, 7.5, 0]]
    assert real.tolist() == [[True, True, True], [True, True, False]]


def test_training_hides_runs_of_frames_of_any_place():
    masking, x = fact._FrameMasking(num_masks=1, num_frames=30, share=0.2), torch.ones(500, 2, 50)
    torch.manual_seed(0)
    hidden = masking(x, None)[:, 0] == 0
    sizes = hidden.sum(dim=1)
    assert sizes.unique().tolist() == list(range(11))  # at most a fifth of 50 frames
    assert (hidden.int().diff(dim=1).abs().sum(dim=1) <= 2).all()  # in one run
    assert hidden.any(dim=0).all()
    assert torch.equal(masking.eval()(x, None), x)


def test_an_export_is_refused(tmp_path):
    net = FACT(5, 3, 16, 12, 8, 6, num_layers=1, num_token_layers=1, num_heads=2, feedforward=9)
    with pytest.raises(ValueError, match=r"FACT cannot be exported as onnx .*the number of its segments depends"):
        export_onnx(Segmenter(net, fps=15), tmp_path / "net.onnx")
    assert not [*tmp_path.iterdir()]
