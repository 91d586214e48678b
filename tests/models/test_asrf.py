"""ASRF: equations of both branches, boundaries and votes by hand, any network as its backbone."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
import yaml
from torch import Tensor

from segtcn.cli.lightning import SegmentationCLI
from segtcn.models import ASRF, EDTCN, MSTCN
from segtcn.models.asrf import segment_starts, vote
from segtcn.models.base import build_network
from tests.models.equations import convolutions_of

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


def starts(*boundaries: float, threshold: float = 0.5) -> list[int]:
    """Frames that start a segment, from the logits of one video."""
    return segment_starts(Tensor([boundaries]), threshold=threshold)[0].nonzero()[:, 0].tolist()


def votes(labels: list[int], first_frames: list[int]) -> list[int]:
    """Labels of one video after the vote, from its labels before."""
    logits = F.one_hot(torch.tensor([labels]), 5).mT.float()
    first = torch.zeros(1, len(labels), dtype=torch.bool)
    first[0, first_frames] = True
    return vote(logits, first)[0].tolist()


def test_the_equations_of_the_paper():
    net = ASRF(6, 4, num_stages=3, num_boundary_stages=2, num_layers=3, hidden_channels=5).eval()
    conv = convolutions_of(net)  # in the order of the authors' network, so that its weights can be copied over

    def layers(x: Tensor) -> Tensor:
        x = conv(x)
        for dilation in (1, 2, 4):
            x = x + conv(F.relu(conv(x, dilation)))
        return x

    features = torch.randn(2, 6, 30)
    x = layers(features)
    logits, boundaries = [conv(x)], [conv(x)]
    for _ in range(2):
        logits.append(conv(layers(logits[-1].softmax(dim=1))))
    boundaries.append(conv(layers(boundaries[-1].sigmoid())))
    output = net(features)
    torch.testing.assert_close(output.logits, torch.stack(logits))
    torch.testing.assert_close(output.boundaries, torch.stack(boundaries)[:, :, 0])


def test_boundaries_are_the_first_frame_and_the_peaks():
    assert starts(-9, 1, 2, 1, -9, 3, -9) == [0, 2, 5]
    assert starts(5, 4, 3, 2, 1) == [0]
    assert starts(5, 4, 5, 4, 5) == [0, 2]  # the last frame has no frame after it
    assert starts(-9, -1, -9) == [0]  # below one half
    assert starts(-9, 0, -9) == [0, 1]  # exactly one half
    assert starts(-9, 2, 2, -9) == [0]  # equal frames are not a peak
    assert starts(-9) == starts(9) == [0]
    assert starts(-9, 30, 40, 30, -9) == [0, 2]  # all three have the probability 1
    peak = torch.tensor(0.8).logit().item()
    assert starts(-9, peak, -9, threshold=0.79) == [0, 1]
    assert starts(-9, peak, -9, threshold=0.81) == [0]


def test_majority_between_two_boundaries_wins():
    assert votes([1, 2, 1, 3, 3, 3], first_frames=[0]) == [3] * 6
    assert votes([1, 2, 1, 3, 3, 4], first_frames=[0, 3]) == [1, 1, 1, 3, 3, 3]
    assert votes([1, 2, 1, 3, 3, 4], first_frames=[0, 1, 5]) == [1, 3, 3, 3, 3, 4]
    assert votes([2], first_frames=[0]) == [2]


def test_of_equally_frequent_labels_the_more_probable_wins():
    probabilities = torch.tensor([[0.6, 0.4, 0.0], [0.1, 0.9, 0.0], [0.6, 0.0, 0.4], [0.1, 0.9, 0.0]])
    first = torch.tensor([[True, False, False, False]])
    # two frames each; class 0 sums to 1.4, class 1 to 2.2
    assert vote(probabilities.log().clamp_min(-99).T[None], first).tolist() == [[1, 1, 1, 1]]


def test_padding_neither_votes_nor_bounds():
    boundaries = torch.tensor([[-9.0, -9.0, 5.0, 9.0, -9.0]])
    logits = F.one_hot(torch.tensor([[1, 1, 2, 2, 2]]), 3).mT.float()
    mask = torch.tensor([[True, True, True, False, False]])
    first = segment_starts(boundaries, mask)
    assert first.tolist() == [[True, False, False, False, False]]
    assert vote(logits, first, mask)[0, :3].tolist() == [1, 1, 1]
    logits[..., 3:] = float("nan")
    assert vote(logits, first, mask)[0, :3].tolist() == [1, 1, 1]


def test_refinement_equals_a_loop_over_segments():
    for _ in range(50):
        lengths = torch.randint(1, 40, (3,)).tolist()
        logits, boundaries = torch.randn(3, 4, 40), 2 * torch.randn(3, 40)
        mask = torch.arange(40) < torch.tensor(lengths)[:, None]
        refined = vote(logits, segment_starts(boundaries, mask), mask)
        for b, length in enumerate(lengths):
            expected = refined_by_loop(logits[b, :, :length], boundaries[b, :length].sigmoid())
            assert refined[b, :length].tolist() == expected


def refined_by_loop(logits: Tensor, boundaries: Tensor) -> list[int]:
    probabilities, labels, num_frames = logits.softmax(dim=0), logits.argmax(dim=0).tolist(), logits.shape[1]
    firsts = [0]
    firsts += [
        t
        for t in range(1, num_frames - 1)
        if boundaries[t] >= 0.5 and boundaries[t - 1] < boundaries[t] > boundaries[t + 1]
    ]
    refined = []
    for first, stop in zip(firsts, [*firsts[1:], num_frames], strict=True):
        frequency = Counter(labels[first:stop])
        winner = max(frequency, key=lambda c: (frequency[c], probabilities[c, first:stop].sum().item()))
        refined += [winner] * (stop - first)
    return refined


def test_decoding_uses_the_last_stages_and_the_threshold():
    net = ASRF(6, 3, num_stages=2, num_boundary_stages=2, num_layers=2, hidden_channels=5, boundary_threshold=0.9)
    output = net.eval()(torch.randn(2, 6, 50))
    expected = vote(output.logits[-1], segment_starts(output.boundaries[-1], threshold=0.9))
    assert torch.equal(net.decode(output), expected)


def test_a_backbone_gives_the_shared_features():
    net = ASRF(6, 3, 2, 2, 2, hidden_channels=5, backbone=partial(MSTCN, num_stages=2, num_layers=2)).eval()
    assert (net.backbone.in_channels, net.backbone.num_classes) == (6, 5)
    x = torch.randn(1, 6, 20)
    shared = net.backbone(x).logits[-1]
    output = net(x)
    torch.testing.assert_close(output.logits[0], net.head(shared))
    torch.testing.assert_close(output.boundaries[0], net.boundary_head(shared)[:, 0])
    assert net.receptive_field == (2 * 3 + 3, 2 * 3 + 3)


def test_a_config_names_the_backbone(write_ms_tcn_tree, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    backbone = {"class_path": "segtcn.models.EDTCN", "init_args": {"kernel_size": 15, "hidden_channels": [6, 8]}}
    config = tmp_path / "backbone.yaml"
    config.write_text(yaml.safe_dump({"model": {"net": {"init_args": {"backbone": backbone}}}}))
    cli = SegmentationCLI(
        [
            f"-c={CONFIGS}/data/ms_tcn_tree.yaml",
            f"--data.reader.init_args.root={write_ms_tcn_tree()}",
            f"-c={CONFIGS}/model/asrf.yaml",
            f"-c={config}",
            "--trainer.logger=false",
            "--trainer.accelerator=cpu",
        ],
        run=False,
    )
    net = cli.model.segmenter.net
    assert isinstance(net.backbone, EDTCN)
    assert net.backbone.init_args["kernel_size"] == 15
    assert (net.in_channels, net.num_classes) == (4, 3)
    assert (net.backbone.in_channels, net.backbone.num_classes) == (4, 64)
    assert build_network(net.spec).spec == net.spec
