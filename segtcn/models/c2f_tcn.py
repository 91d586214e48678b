"""Coarse-to-fine temporal convolutional network, C2F-TCN (Singhania et al., 2021)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segtcn.layers.conv import TemporalConv1d
from segtcn.layers.norm import MaskedBatchNorm1d
from segtcn.layers.pooling import interpolate, max_pool, upsample
from segtcn.models.base import SegmentationModel, check_sizes
from segtcn.structures import Output


class C2FTCN(SegmentationModel):
    r"""C2F-TCN: a U-Net over time whose decoder levels all classify; their average, coarse to fine, predicts.

    ::

        encoder   block → (max-pool 2 → block), once for every further width
        pyramid   max-pool 2, 3, 5, 6 → 1x1 to one channel → interpolate back; four more channels
        decoder   interpolate x 2 → beside the encoder's output of that rate → block → 1x1 to the classes
        block     twice: convolution → batch normalisation → ReLU

    Interpolated to all T frames, the level u of the decoder says :math:`p_u`; the last stage is the logarithm of

    .. math:: p = \sum_u w_u\, p_u \Big/ \sum_u w_u

    *Resolutions.* Before all this the features are max-pooled over windows of frames, and the outcome is repeated for
    the frames of each window. In evaluation the probabilities of several windows are averaged. In training each step
    draws one: with probability 1/2 it is ``window``, otherwise its logarithm is uniform between those of ``window / 2``
    and ``window * 2``, rounded down.

    Args:
        in_channels: feature width D.
        num_classes: C.
        encoder_channels: width of every encoder block; each but the first works at half the rate of the one before.
        decoder_channels: width of every decoder block.
        kernel_size: taps of every convolution of the blocks.
        pyramid_windows: frames of each pooling of the pyramid, at the lowest rate.
        ensemble_weights: weight :math:`w_u` of every decoder level in the prediction, finest level first.
        window: frames that one frame of the network covers; 1 keeps the rate of the features. The code's are 4 (GTEA,
            15 frames a second), 10 (Breakfast, 15) and 20 (50Salads, 30).
        zoom: the 2 above: by how much a window of training is shorter or longer; 1 always takes ``window``.
        eval_windows: the windows of evaluation; one that is named twice weighs twice. None takes ``window`` alone. The
            code's are 3, 4, 4, 4, 5 (GTEA), 7 to 15 (Breakfast), 20 to 39 (50Salads).

    Shape:
        features ``(B, D, T)``, mask ``(B, T)`` or None to log-probabilities ``(S, B, C, T)``; any ``T >= 1``.
        The stages are the decoder's levels, coarsest first, and their average.

    Raises:
        ValueError: if there are fewer than two ``encoder_channels``; if ``ensemble_weights`` are not one for every
            decoder level, none negative and not all zero; if a window or ``zoom`` is below 1.

    Example:
        >>> net = C2FTCN(in_channels=128, num_classes=11, window=4, eval_windows=[3, 4, 4, 4, 5])
        >>> net.eval()(torch.zeros(2, 128, 333)).logits.shape
        torch.Size([7, 2, 11, 333])

    Reference:
        Singhania, Rahaman, Yao: "Coarse to Fine Multi-Resolution Temporal Convolutional Network", arXiv 2105.10859,
        2021; with the same network "C2F-TCN: A Framework for Semi- and Fully-Supervised Temporal Action Segmentation",
        TPAMI 2023. Widths, weights and windows are those of the authors' code.

        Differs from the authors' code:

        - Any number of frames: the code cuts long videos and fills short ones with zeros to one length (600 frames of 4
          on GTEA), which convolutions, batch statistics and pyramid see. Here the end of a video is the end, and the
          last window of a pooling takes the frames that are left, which the code drops.
        - Every level is a stage, so a loss that adds up the stages trains each of them. The code trains the ensemble
          alone, and the heads of the two coarsest levels, which weigh nothing, never.
        - The resolution is drawn for a batch instead of a video. Losses see the outcome repeated and the labels of all
          frames, instead of the most frequent label of a window: the cross-entropy is that of the mixture of labels,
          and smoothing losses, which look at neighbouring frames, are divided by more frames.
        - The code's six parameters ``weights``, which it never uses, do not exist. Its logarithms are those of
          probabilities plus 1e-10; these are exact.
    """

    receptive_field = (None, None)
    """Unbounded: where in time a video is interpolated depends on how long it is as a whole."""

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        encoder_channels: Sequence[int] = (256, 256, 256, 128, 128, 128, 128),
        decoder_channels: int = 128,
        kernel_size: int = 5,
        pyramid_windows: Sequence[int] = (2, 3, 5, 6),
        ensemble_weights: Sequence[float] = (1, 1, 1, 1, 0, 0),
        window: int = 1,
        zoom: float = 2.0,
        eval_windows: Sequence[int] | None = None,
    ) -> None:
        super().__init__(in_channels, num_classes)
        num_levels = len(encoder_channels) - 1
        if num_levels < 1:
            raise ValueError(f"`encoder_channels` must hold at least two widths, got {list(encoder_channels)}")
        if len(ensemble_weights) != num_levels or min(ensemble_weights) < 0 or sum(ensemble_weights) == 0:
            raise ValueError(
                f"`ensemble_weights` must weigh the {num_levels} decoder levels, none below zero and one above, "
                f"got {list(ensemble_weights)}"
            )
        eval_windows = [window] if eval_windows is None else eval_windows
        smallest = {"eval_windows": min(eval_windows, default=0), "pyramid_windows": min(pyramid_windows, default=1)}
        check_sizes(window=window, zoom=zoom, **smallest)
        self.encoder = nn.ModuleList(
            _DoubleConv(before, after, kernel_size) for before, after in pairwise([in_channels, *encoder_channels])
        )
        *skips, bottleneck = encoder_channels
        below = [bottleneck + len(pyramid_windows)] + [decoder_channels] * (num_levels - 1)
        self.decoder = nn.ModuleList(
            _DoubleConv(skip + channels, decoder_channels, kernel_size)
            for skip, channels in zip(reversed(skips), below, strict=True)
        )
        self.heads = nn.ModuleList(
            TemporalConv1d(decoder_channels, num_classes, kernel_size=1) for _ in range(num_levels)
        )
        self.pyramid = _PyramidPooling(bottleneck, pyramid_windows)
        self._weights = list(reversed(ensemble_weights))  # coarsest first, as the decoder computes
        self._eval_windows = dict(Counter(eval_windows))
        self._window, self._zoom = window, zoom

    def forward(self, features: Tensor, mask: Tensor | None = None) -> Output:  # noqa: D102
        windows = _draw(_window_distribution(self._window, self._zoom)) if self.training else self._eval_windows
        log_probs = [
            upsample(self._classify(*max_pool(features, mask, window)), features.shape[-1], window)
            for window in windows
        ]
        return Output(_log_average(log_probs, windows.values()))

    def _classify(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Log-probabilities of every decoder level, coarsest first, and of their average, ``(S, B, C, T)``."""
        x = self.encoder[0](x, mask)
        num_frames, finest_mask, skips = x.shape[-1], mask, []
        for block in self.encoder[1:]:
            skips.append((x, mask))
            x, mask = max_pool(x, mask)
            x = block(x, mask)
        x, levels = self.pyramid(x, mask), []
        for block, head, (skip, skip_mask) in zip(self.decoder, self.heads, reversed(skips), strict=True):
            x = torch.cat([skip, interpolate(x, skip.shape[-1], mask, skip_mask)], dim=1)
            x, mask = block(x, skip_mask), skip_mask
            levels.append(interpolate(head(x), num_frames, mask, finest_mask).log_softmax(dim=1))
        return torch.stack([*levels, _log_average(levels, self._weights)])


class _DoubleConv(nn.Module):
    """Convolution, batch normalisation, ReLU, twice."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int) -> None:
        super().__init__()
        self.conv_1 = TemporalConv1d(in_channels, out_channels, kernel_size)
        self.norm_1 = MaskedBatchNorm1d(out_channels)
        self.conv_2 = TemporalConv1d(out_channels, out_channels, kernel_size)
        self.norm_2 = MaskedBatchNorm1d(out_channels)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        x = F.relu(self.norm_1(self.conv_1(x, mask), mask))
        return F.relu(self.norm_2(self.conv_2(x, mask), mask))


class _PyramidPooling(nn.Module):
    """One more channel for every window: the maxima over such windows, mapped to a number and interpolated back."""

    def __init__(self, channels: int, windows: Sequence[int]) -> None:
        super().__init__()
        self.windows = list(windows)
        self.conv = TemporalConv1d(channels, 1, kernel_size=1)  # the same for all windows

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        pooled = [max_pool(x, mask, window) for window in self.windows]
        stretched = [interpolate(self.conv(y), x.shape[-1], y_mask, mask) for y, y_mask in pooled]
        return torch.cat([*stretched, x], dim=1)


def _log_average(log_probs: Sequence[Tensor], weights: Iterable[float]) -> Tensor:
    """Logarithm of the weighted mean of probabilities."""
    weights = list(weights)
    terms = [x + math.log(w / sum(weights)) for x, w in zip(log_probs, weights, strict=True) if w > 0]
    return torch.stack(terms).logsumexp(dim=0)


def _window_distribution(window: int, zoom: float) -> dict[int, float]:
    """Probability of every window of training: half for ``window``, half log-uniform around it, rounded down."""
    lowest, highest = max(1, int(window / zoom)), int(window * zoom)
    distribution = {window: 0.5 if highest > lowest else 1.0}
    for size in range(lowest, highest):
        share = math.log((size + 1) / size) / math.log(highest / lowest)
        distribution[size] = distribution.get(size, 0) + share / 2
    return distribution


def _draw(distribution: dict[int, float]) -> dict[int, float]:
    """One of the windows, by their probabilities, with weight 1."""
    if len(distribution) == 1:
        return distribution
    index = torch.multinomial(torch.tensor(list(distribution.values())), 1)
    return {list(distribution)[int(index)]: 1.0}
