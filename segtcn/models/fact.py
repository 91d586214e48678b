"""FACT, frames and actions that look at each other (Lu, Elhamifar, CVPR 2024)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from segtcn.layers.conv import TemporalConv1d
from segtcn.layers.residual import SingleStageTCN, dilated_residual_layers
from segtcn.layers.sequential import TemporalSequential
from segtcn.layers.tokens import CrossAttention, TokenLayer
from segtcn.models.base import SegmentationModel, check_sizes
from segtcn.models.recurrent import RecurrentLayer
from segtcn.structures import Output, Tokens


class FACT(SegmentationModel):
    r"""FACT: a branch of frames and a branch of tokens, one for each segment, inform each other in every block.

    ::

        first block:    x = stage of MS-TCN (features);  tokens = layers of attention to each other and to x
        next blocks:    tokens = cross-attention to x → self-attention
                        x = cross-attention to tokens → stage of MS-TCN
        "segments":     in such a block x is first averaged over runs of frames of one predicted class, goes through a
                        GRU, and is joined with x again after it has seen the tokens
        each:           the last channels of x are the logits of C classes, those of a token of C classes and "none";
                        they continue as probabilities

    The last stage is the logarithm of

    .. math:: p_t = w\, p_t^\text{frame} + (1 - w)\, p_{m(t)}^\text{token}

    where :math:`m(t)` is the token, among those that are not "none", that frame t attends to most. Without one,
    the frame decides alone.

    Args:
        in_channels: feature width D.
        num_classes: C.
        hidden_channels: width of what the branches exchange.
        frame_channels: width of the frame branch.
        token_channels: width of the token branch.
        num_tokens: segments that a video can have at most.
        updates: what the tokens see in each block after the first: ``"frames"`` or ``"segments"``.
        num_layers: dilated layers of the frame branch in each block.
        num_token_layers: layers of the token branch in the first block; the next blocks have one.
        num_heads: of the attention between tokens.
        feedforward: width of the MLP of the token branch.
        dropout: probability of dropping a value or an attention weight.
        channel_dropout: probability of dropping a whole feature.
        frame_weight: w.
        num_masks: runs of frames whose features are hidden in training.
        mask_frames: every such run is shorter.
        mask_share: largest share of the video in one run.

    Shape:
        features ``(B, D, T)``, mask ``(B, T)`` or None to logits ``(2 + len(updates), B, C, T)``, and tokens of each
        block; any ``T >= 1``.

    Raises:
        ValueError: if a size is below 1, ``hidden_channels`` does not exceed the classes, is less than
            ``token_channels`` or odd (with segments), ``num_heads`` does not divide ``token_channels``, an update is
            unknown, or ``frame_weight`` or ``mask_share`` is not from 0 to 1.

    Example:
        >>> output = FACT(in_channels=128, num_classes=11, num_layers=3).eval()(torch.zeros(2, 128, 333))
        >>> output.logits.shape, output.tokens[-1].logits.shape
        (torch.Size([4, 2, 11, 333]), torch.Size([2, 60, 12]))

    Reference:
        Lu, Elhamifar: "FACT: Frame-Action Cross-Attention Temporal Modeling for Efficient Action
        Segmentation", CVPR 2024, section 3.

        Differs from the authors' code:

        - Videos come in batches, and padded frames change nothing.
        - Without what the released configs for GTEA and Breakfast leave out: positions of frames, layer normalisation
          in the frame branch, groups, transcripts. Breakfast's frame branch is that of MS-TCN++; here it is MS-TCN's.
        - A run of hidden features starts at any frame; the code never hides the last one.
    """

    receptive_field = (None, None)
    """The whole video, to which the tokens attend."""

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        hidden_channels: int = 512,
        frame_channels: int = 128,
        token_channels: int = 128,
        num_tokens: int = 60,
        updates: Sequence[Literal["frames", "segments"]] = ("frames", "segments"),
        num_layers: int = 10,
        num_token_layers: int = 6,
        num_heads: int = 8,
        feedforward: int = 512,
        dropout: float = 0.2,
        channel_dropout: float = 0.5,
        frame_weight: float = 0.1,
        num_masks: int = 5,
        mask_frames: int = 60,
        mask_share: float = 0.1,
    ) -> None:
        super().__init__(in_channels, num_classes)
        check_sizes(num_tokens=num_tokens, num_layers=num_layers, num_token_layers=num_token_layers)
        check_sizes(feedforward=feedforward, mask_frames=mask_frames)
        check_sizes(0, num_masks=num_masks)
        if hidden_channels < num_classes + 2:
            raise ValueError(
                f"`hidden_channels` must be at least {num_classes + 2}, as it holds {num_classes} classes, 'none' and "
                f"something more, got {hidden_channels}"
            )
        if hidden_channels < token_channels:
            raise ValueError(
                f"`hidden_channels` must be at least `token_channels` ({token_channels}), got {hidden_channels}"
            )
        if "segments" in updates and hidden_channels % 2:
            raise ValueError(f"`hidden_channels` must be even, as a GRU has two directions, got {hidden_channels}")
        if num_heads < 1 or token_channels % num_heads:
            raise ValueError(f"`num_heads` must divide `token_channels` ({token_channels}), got {num_heads}")
        if not updates or not {*updates} <= {"frames", "segments"}:
            raise ValueError(f"`updates` must be some of frames, segments, got {list(updates)}")
        for name, share in (("frame_weight", frame_weight), ("mask_share", mask_share)):
            if not 0 <= share <= 1:
                raise ValueError(f"`{name}` must be from 0 to 1, got {share}")
        self.frame_weight = frame_weight
        self.masking = _FrameMasking(num_masks, mask_frames, mask_share)
        self.channel_dropout = nn.Dropout1d(channel_dropout)
        self.positions = nn.Parameter(torch.randn(num_tokens, token_channels))
        layers = dilated_residual_layers(frame_channels, num_layers, 3, dropout=dropout)
        self.frame_branch = SingleStageTCN(in_channels, frame_channels, hidden_channels, layers)
        self.token_layers = nn.ModuleList(
            TokenLayer(token_channels, hidden_channels, num_heads, feedforward, dropout)
            for _ in range(num_token_layers)
        )
        self.token_norm = nn.LayerNorm(token_channels)
        self.token_out = nn.Linear(token_channels, hidden_channels)
        self.updates = nn.ModuleList(
            _Update(
                kind == "segments",
                (hidden_channels, frame_channels, token_channels),
                num_classes,
                num_layers,
                TokenLayer(token_channels, None, num_heads, feedforward, dropout),
                dropout,
            )
            for kind in updates
        )

    def forward(self, features: Tensor, mask: Tensor | None = None) -> Output:  # noqa: D102
        if torch.compiler.is_compiling() and any(update.of_segments for update in self.updates):  # exporters, too
            raise ValueError("FACT cannot be exported or compiled: the number of its segments depends on the video")
        x = self.frame_branch(self.masking(self.channel_dropout(features), mask), mask)
        x, frame_logits = _split(x.mT, self.num_classes)
        tokens = torch.zeros_like(self.positions).expand(features.shape[0], -1, -1)
        for layer in self.token_layers:
            tokens = layer(tokens, self.positions, x, mask)
        tokens, logits = _split(self.token_out(self.token_norm(tokens)), self.num_classes + 1)
        stages, outputs = [frame_logits.mT], [Tokens(logits)]
        for update in self.updates:
            x, tokens, frame_logits, output = update(x, tokens, self.positions, mask)
            stages.append(frame_logits.mT)
            outputs.append(output)
        return Output(torch.stack([*stages, _merge(stages[-1], outputs[-1], self.frame_weight)]), tokens=outputs)


class _Update(nn.Module):
    """A block in which tokens read the frames (or runs of them), and frames read the tokens.

    Args:
        of_segments: whether tokens see runs of frames.
        widths: of what is exchanged, of frames and of tokens.
        num_classes: C.
        num_layers: of the frame branch.
        token_layer: of the token branch.
        dropout: probability of dropping a value.
    """

    def __init__(
        self,
        of_segments: bool,
        widths: tuple[int, int, int],
        num_classes: int,
        num_layers: int,
        token_layer: TokenLayer,
        dropout: float,
    ) -> None:
        super().__init__()
        hidden, frames, tokens = widths
        self.num_classes, self.of_segments = num_classes, of_segments
        layers = dilated_residual_layers(frames, num_layers, 3, dropout=dropout)
        self.frame_branch = TemporalSequential(*layers, TemporalConv1d(frames, hidden, kernel_size=1))
        if of_segments:
            self.segment_rnn = RecurrentLayer("gru", hidden, hidden // 2, dropout=0.0, causal=False)
            self.segment_out = nn.Linear(hidden, hidden)
        self.read = CrossAttention(hidden, tokens, dropout)
        self.token_layer, self.token_out = token_layer, nn.Linear(tokens, hidden)
        self.write = CrossAttention(hidden, frames, dropout)
        if of_segments:
            self.merge = nn.Sequential(nn.Linear(hidden + frames, frames), nn.ReLU())

    def forward(
        self, x: Tensor, tokens: Tensor, positions: Tensor, mask: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor, Tokens]:
        seen, seen_mask, places, place_logits = x, mask, None, None
        if self.of_segments:
            places = _runs(x[..., -self.num_classes :].argmax(dim=-1), mask)
            seen, seen_mask = _means(x, places, mask)
            seen = self.segment_out(self.segment_rnn(seen.mT, seen_mask).mT.relu())
            seen, place_logits = _split(seen, self.num_classes)
        tokens, reads = self.read(tokens, seen, seen_mask, query_positions=positions)
        tokens = self.token_out(self.token_layer(tokens, positions))
        tokens, logits = _split(tokens, self.num_classes + 1)
        written, writes = self.write(seen, tokens, key_positions=positions)
        if places is not None:
            written = self.merge(torch.cat([_at(written, places), x], dim=-1))
        x, frame_logits = _split(self.frame_branch(written.mT, mask).mT, self.num_classes)
        return x, tokens, frame_logits, Tokens(logits, reads, writes, places, place_logits)


class _FrameMasking(nn.Module):
    """Hides the features of some runs of frames in training."""

    def __init__(self, num_masks: int, num_frames: int, share: float) -> None:
        super().__init__()
        self.num_masks, self.num_frames, self.share = num_masks, num_frames, share

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        if not self.training:
            return x
        lengths = x.new_full((x.shape[0],), x.shape[-1]) if mask is None else mask.sum(dim=1)
        sizes = (torch.rand(x.shape[0], self.num_masks, device=x.device) * self.num_frames).floor()
        sizes = torch.minimum(sizes, (self.share * lengths[:, None]).floor())
        starts = (torch.rand_like(sizes) * (lengths[:, None] - sizes + 1)).floor()
        after = torch.arange(x.shape[-1], device=x.device) - starts[..., None]
        return x.masked_fill(((after >= 0) & (after < sizes[..., None])).any(dim=1)[:, None], 0.0)


def _split(x: Tensor, num_classes: int) -> tuple[Tensor, Tensor]:
    """Take the last channels of ``(B, N, H)`` as logits, and put their probabilities in their place."""
    logits = x[..., -num_classes:]
    return torch.cat([x[..., :-num_classes], logits.softmax(dim=-1)], dim=-1), logits


def _merge(frame_logits: Tensor, tokens: Tokens, frame_weight: float) -> Tensor:
    """Logarithms of the probabilities of frames and of the tokens that they attend to, ``(B, C, T)``."""
    frames, none = frame_logits.mT.softmax(dim=-1), tokens.logits.argmax(dim=-1) == frame_logits.shape[1]
    writes = tokens.writes if tokens.places is None else _at(tokens.writes, tokens.places)  # type: ignore[arg-type]
    chosen = writes.masked_fill(none[:, None], -torch.inf).argmax(dim=-1)  # type: ignore[union-attr]
    actions = _at(tokens.logits[..., :-1].softmax(dim=-1), chosen)
    merged = frame_weight * frames + (1 - frame_weight) * actions
    return torch.where(none.all(dim=1)[:, None, None], frames, merged).clamp_min(1e-30).log().mT


def _runs(labels: Tensor, mask: Tensor | None) -> Tensor:
    """Number of the run of equal labels that a frame is in, ``(B, T)``; padding belongs to the last."""
    changes = labels[:, 1:] != labels[:, :-1]
    if mask is not None:
        changes = changes & mask[:, 1:]
    return torch.nn.functional.pad(changes, (1, 0)).cumsum(dim=1)


def _means(x: Tensor, places: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """Means of ``(B, T, H)`` over the frames of each place, ``(B, P, H)``, and which of them exist, ``(B, P)``."""
    weights = torch.ones_like(x[..., :1]) if mask is None else mask[..., None].to(x.dtype)
    size = (x.shape[0], int(places.max()) + 1)
    sums = x.new_zeros(*size, x.shape[-1]).scatter_add(1, places[..., None].expand_as(x), x * weights)
    counts = x.new_zeros(*size, 1).scatter_add(1, places[..., None], weights)
    return sums / counts.clamp_min(1), counts[..., 0] > 0


def _at(values: Tensor, places: Tensor) -> Tensor:
    """The values ``(B, P, H)`` of each frame's place ``(B, T)``, ``(B, T, H)``."""
    return values.gather(1, places[..., None].expand(-1, -1, values.shape[-1]))
