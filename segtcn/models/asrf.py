"""Action segment refinement framework (Ishikawa et al., WACV 2021)."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segtcn.layers.conv import TemporalConv1d
from segtcn.layers.residual import RefinementStages, SingleStageTCN, dilated_residual_layers
from segtcn.models.base import SegmentationModel, check_sizes
from segtcn.structures import Output


def segment_starts(boundaries: Tensor, mask: Tensor | None = None, threshold: float = 0.5) -> Tensor:
    """Frames at which a new segment starts: the first one, and each peak of the boundary probability.

    A peak is a frame whose probability is at least ``threshold`` and larger than those of the frame before and the
    frame after it; the last frame of a video has none after it and is not a peak.

    Args:
        boundaries: logit of "a segment starts here", ``(B, T)``.
        mask: True on real frames, ``(B, T)`` bool; None if there is no padding.
        threshold: probability, between 0 and 1.

    Returns:
        ``(B, T)`` bool; False on padding.

    Example:
        >>> segment_starts(torch.tensor([[-9.0, -9.0, 2.0, 3.0, -9.0, -1.0, -9.0]])).int()
        tensor([[1, 0, 0, 1, 0, 0, 0]], dtype=torch.int32)
    """
    outside = math.inf  # no frame is a peak beside it
    if mask is not None:
        boundaries = boundaries.masked_fill(~mask, outside)
    before, after = F.pad(boundaries, (1, -1), value=outside), F.pad(boundaries, (-1, 1), value=outside)
    # of logits, not of their sigmoid, which is 1 for all large ones, so that peaks among them would vanish
    likely = boundaries >= math.log(threshold / (1 - threshold))
    first = torch.arange(boundaries.shape[1], device=boundaries.device) == 0
    return first | (likely & (boundaries > before) & (boundaries > after))


def vote(logits: Tensor, starts: Tensor, mask: Tensor | None = None) -> Tensor:
    """Give every segment the label that most of its frames have; of equally frequent ones the most probable.

    Args:
        logits: ``(B, C, T)``.
        starts: True where a segment starts, ``(B, T)`` bool, the first frame among them.
        mask: True on real frames, ``(B, T)`` bool; None if there is no padding.

    Returns:
        Class indexes, ``(B, T)`` int64; undefined on padding.

    Example:
        >>> logits = F.one_hot(torch.tensor([[0, 1, 0, 2, 1, 2, 2]])).mT.float()
        >>> vote(logits, starts=torch.tensor([[True, False, False, True, False, False, False]]))
        tensor([[0, 0, 0, 2, 2, 2, 2]])
    """
    segments = starts.cumsum(dim=1) - 1  # number of every frame's segment
    probabilities = logits.float().softmax(dim=1)
    ballots = F.one_hot(logits.argmax(dim=1), logits.shape[1]).mT.to(probabilities)
    if mask is not None:
        ballots, probabilities = (x.masked_fill(~mask[:, None], 0) for x in (ballots, probabilities))
    place = segments[:, None].expand_as(ballots)
    votes = torch.zeros_like(ballots).scatter_add(2, place, ballots)  # of segment n in column n
    support = torch.zeros_like(ballots).scatter_add(2, place, probabilities)
    winners = support.masked_fill(votes < votes.amax(dim=1, keepdim=True), -1).argmax(dim=1)
    return winners.gather(1, segments)


class ASRF(SegmentationModel):
    """ASRF: one branch labels the frames, another finds where segments start; frames between two starts vote.

    ::

        x = backbone of the features
        logits[0]     = 1x1 of x;   logits[s]     = stage of MS-TCN of softmax(logits[s - 1])
        boundaries[0] = 1x1 of x;   boundaries[s] = stage of MS-TCN of sigmoid(boundaries[s - 1])
        labels: majority of argmax(logits[-1]) between neighbouring peaks of boundaries[-1]

    Args:
        in_channels: feature width D.
        num_classes: C.
        num_stages: S of the branch of the labels.
        num_boundary_stages: S of the branch of the boundaries.
        num_layers: residual layers of the backbone and of every stage, whose dilation doubles from 1.
        hidden_channels: width of every layer and of the backbone's output.
        kernel_size: taps of the dilated convolutions.
        dropout: probability of dropping a value.
        boundary_threshold: probability from which on a peak is a boundary.
        backbone: makes a network of ``in_channels`` and ``hidden_channels``, whose last logits are x; None is the
            paper's, a stage of MS-TCN without its last 1x1. The other layers do not change with it. In a config::

                backbone:
                  class_path: segtcn.models.EDTCN
                  init_args: {kernel_size: 15}

    Shape:
        features ``(B, D, T)``, mask ``(B, T)`` or None to logits ``(S, B, C, T)`` and boundaries ``(S, B, T)``, logits
        too; any ``T >= 1``.

    Raises:
        ValueError: if ``num_stages``, ``num_boundary_stages`` or ``num_layers`` is below 1, or ``boundary_threshold``
            not between 0 and 1.

    Example:
        >>> net = ASRF(in_channels=2048, num_classes=11)
        >>> output = net(torch.zeros(2, 2048, 333))
        >>> output.logits.shape, output.boundaries.shape, net.decode(output).shape
        (torch.Size([4, 2, 11, 333]), torch.Size([4, 2, 333]), torch.Size([2, 333]))

    Reference:
        Ishikawa, Kasai, Aoki, Kataoka: "Alleviating Over-segmentation Errors by Detecting Action Boundaries", WACV
        2021, section 3.

        Differs from the authors' code:

        - Padding has no effect: the code's network gets no mask; here every dilated convolution masks its input.
        - Peaks are found among logits, not probabilities: a sigmoid of 1 has no peaks left.
        - Of labels with equally many frames in a segment, the one with the largest sum of probabilities wins. The code
          adds logits and starts from 0, so that where all sums are negative the segment gets the label of the one
          before.
        - Any ``backbone``; the code has the paper's only.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        num_stages: int = 4,
        num_boundary_stages: int = 4,
        num_layers: int = 10,
        hidden_channels: int = 64,
        kernel_size: int = 3,
        dropout: float = 0.5,
        boundary_threshold: float = 0.5,
        backbone: Callable[[int, int], SegmentationModel] | None = None,
    ) -> None:
        super().__init__(in_channels, num_classes)
        check_sizes(num_stages=num_stages, num_boundary_stages=num_boundary_stages, num_layers=num_layers)
        if not 0 < boundary_threshold < 1:
            raise ValueError(f"`boundary_threshold` must be between 0 and 1, got {boundary_threshold}")
        self.boundary_threshold = boundary_threshold
        self.backbone = None if backbone is None else backbone(in_channels, hidden_channels)

        def stage(before: int, after: int | None, activation: nn.Module | None = None) -> SingleStageTCN:
            layers = dilated_residual_layers(hidden_channels, num_layers, kernel_size, dropout=dropout)
            return SingleStageTCN(before, hidden_channels, after, layers, activation)

        if self.backbone is None:
            self.shared = stage(in_channels, None)
        self.head = TemporalConv1d(hidden_channels, num_classes, kernel_size=1)
        self.boundary_head = TemporalConv1d(hidden_channels, 1, kernel_size=1)
        self.refine = RefinementStages(
            stage(num_classes, num_classes, nn.Softmax(dim=1)) for _ in range(num_stages - 1)
        )
        self.refine_boundaries = RefinementStages(stage(1, 1, nn.Sigmoid()) for _ in range(num_boundary_stages - 1))

    @property
    def receptive_field(self) -> tuple[int | None, int | None]:
        """Frames that the logits of both branches see to the left and to the right; a label may depend on all."""
        shared = self.shared.reach if self.backbone is None else self.backbone.receptive_field
        branches = zip(self.refine.reach, self.refine_boundaries.reach, strict=True)
        left, right = (
            None if reach is None else reach + max(reaches)  # type: ignore[operator, type-var]  # convolutions see an end
            for reach, reaches in zip(shared, branches, strict=True)
        )
        return left, right

    @property
    def period(self) -> int:
        """That of the backbone."""
        return 1 if self.backbone is None else self.backbone.period

    def forward(self, features: Tensor, mask: Tensor | None = None) -> Output:  # noqa: D102
        x = self.shared(features, mask) if self.backbone is None else self.backbone(features, mask).logits[-1]
        logits = self.refine(self.head(x), mask)
        boundaries = self.refine_boundaries(self.boundary_head(x), mask)
        return Output(logits, boundaries.squeeze(2))

    def decode(self, output: Output, mask: Tensor | None = None) -> Tensor:
        """The label that most frames between two boundaries have, see :func:`segment_starts` and :func:`vote`."""
        starts = segment_starts(output.boundaries[-1], mask, self.boundary_threshold)  # type: ignore[index]
        return vote(output.logits[-1], starts, mask)
