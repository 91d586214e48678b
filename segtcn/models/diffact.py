"""DiffAct, segmentation by denoising the labels (Liu, Li, Dinh, Jiang, Shah, Xu, ICCV 2023)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segtcn.layers.attention import AttentionStage, dilated_attention
from segtcn.layers.conv import TemporalConv1d
from segtcn.layers.dropout import Dropout
from segtcn.layers.gaussian_curves import boundary_curve
from segtcn.layers.noise import frame_noise
from segtcn.layers.norm import MaskedInstanceNorm1d
from segtcn.models.base import SegmentationModel, check_sizes
from segtcn.structures import IGNORE, Batch, Output

Masking = Literal["none", "all", "boundary", "relation"]
"""Frames whose features the decoder does not see in training: none, all, those near a boundary, those of a class."""


LARGEST_SCHEDULE = 100_000
"""Timesteps of a schedule, which is a list of this length."""

LARGEST_SEED = 10**12
"""Its product with a number must fit into 64 bits."""


class DiffAct(SegmentationModel):
    r"""DiffAct: an encoder looks at the video, and a decoder turns noise into labels, step by step.

    ::

        encoder:   x = 1x1 (features);  num_layers times with dilation 2^i:  x = layer (x);  logits[0] = 1x1 (x)
        condition: x after the layers 5, 7 and 9, side by side
        decoder:   y = 1x1 (noisy labels) + embedding of the step;  the same layers, in which queries and keys also
                   see the condition;  logits[1] = 1x1 (y)
        layer:     x + MLP (instance normalisation (convolution (x) + attention to the same frames (x)))

    In training the one-hot labels :math:`Y_0`, stretched to :math:`[-b, b]`, become

    .. math:: Y_s = \sqrt{\gamma_s}\, Y_0 + \sqrt{1 - \gamma_s}\, \epsilon

    for a random step s of each video, and the decoder learns to find :math:`Y_0` again. In prediction it starts from
    noise, and DDIM moves from step to step towards what the decoder finds. The noise is always the same: it depends on
    ``seed``, step, class and frame.

    *Condition masking.* In training each video draws one of ``masking``: the decoder sees all features, none, those
    of frames that are not near a boundary, or those of frames that are not of a random class.

    Args:
        in_channels: feature width D.
        num_classes: C.
        hidden_channels: width of the encoder.
        num_layers: layers of the encoder.
        kernel_size: taps of the encoder's convolutions, an odd number.
        dropout: probability of dropping a value in the encoder.
        channel_dropout: probability of dropping a whole feature.
        frame_dropout: probability of dropping all features of a frame.
        condition_layers: layers of the encoder that the decoder sees, counted from 0.
        decoder_channels: width of the decoder.
        num_decoder_layers: layers of the decoder.
        decoder_kernel_size: taps of the decoder's convolutions, an odd number.
        decoder_dropout: probability of dropping a value in the decoder.
        time_channels: width of the embedding of the step, an even number.
        num_timesteps: steps of the noise, with the cosine schedule of Nichol and Dhariwal.
        num_steps: steps of a prediction, see :meth:`sample`.
        scale: b, how loud labels are beside the noise; 1 on 50Salads.
        eta: new noise in each step of a prediction: 0 for no noise, 1 for that of DDPM.
        masking: what a video of training draws from; a name that stands twice is twice as likely.
        masked_classes: classes that ``relation`` hides, drawn one by one; 2 on 50Salads.
        boundary_sigma: width of a boundary in frames, see :func:`~segtcn.layers.gaussian_curves.boundary_curve`.
        boundary_threshold: height from which on a frame is near a boundary; 0.5 on 50Salads.
        seed: of the noise in prediction.

    Shape:
        features ``(B, D, T)``, mask ``(B, T)`` or None to logits ``(2, B, C, T)``; any ``T >= 1``.

    Raises:
        ValueError: if a size is below 1, a kernel even, ``num_steps`` above ``num_timesteps``, a number of
            ``condition_layers`` not that of a layer, a name in ``masking`` unknown, ``eta`` or
            ``boundary_threshold`` not from 0 to 1, ``scale`` or ``boundary_sigma`` not positive, ``num_timesteps`` too
            large, or ``seed`` too large or not a whole number.

    Example:
        >>> net = DiffAct(in_channels=128, num_classes=11, num_steps=4).eval()
        >>> net(torch.zeros(2, 128, 333)).logits.shape
        torch.Size([2, 2, 11, 333])

    Reference:
        Liu, Li, Dinh, Jiang, Shah, Xu: "Diffusion Action Segmentation", ICCV 2023, section 3. Sampling: Song, Meng,
        Ermon: "Denoising Diffusion Implicit Models", ICLR 2021, equation 12.

        Differs from the authors' code:

        - All videos get the noise of one ``seed``, a function of step, class and frame, so that batch, padding and
          device do not matter. The code seeds PyTorch with the number of the video in the test list.
        - Frames outside the video have no weight in the attention. In the code they keep 1e-6 of it in the softmax's
          sum.
        - Videos come in batches, each with its own step, noise and masking. Padded frames change nothing.
        - A hill at a boundary sees the end of the video as the end; the code mirrors the labels there. It is as wide in
          frames that the network sees; the code computes it before it leaves frames out.
        - A frame without a label is noise around "no class"; the code cannot train with one.
        - The code then removes short segments (up to 3 frames on GTEA), or takes a median (50Salads, Breakfast), and
          averages over the offsets of ``sample_rate``. For the former see :mod:`segtcn.decoding`.
    """

    receptive_field = (None, None)
    """The whole video, whose statistics the instance normalisation takes."""

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        hidden_channels: int = 64,
        num_layers: int = 10,
        kernel_size: int = 5,
        dropout: float = 0.5,
        channel_dropout: float = 0.5,
        frame_dropout: float = 0.5,
        condition_layers: Sequence[int] = (5, 7, 9),
        decoder_channels: int = 24,
        num_decoder_layers: int = 8,
        decoder_kernel_size: int = 5,
        decoder_dropout: float = 0.1,
        time_channels: int = 512,
        num_timesteps: int = 1000,
        num_steps: int = 25,
        scale: float = 0.5,
        eta: float = 1.0,
        masking: Sequence[Masking] = ("none", "all", "boundary", "relation", "relation"),
        masked_classes: int = 1,
        boundary_sigma: float = 1.0,
        boundary_threshold: float = 0.3,
        seed: int = 0,
    ) -> None:
        super().__init__(in_channels, num_classes)
        check_sizes(num_layers=num_layers, num_decoder_layers=num_decoder_layers, masked_classes=masked_classes)
        if kernel_size % 2 == 0 or decoder_kernel_size % 2 == 0:
            raise ValueError(f"kernels must be odd, got {kernel_size} and {decoder_kernel_size}")
        if not condition_layers or not all(0 <= layer < num_layers for layer in condition_layers):
            raise ValueError(
                f"`condition_layers` must be some of the layers 0 to {num_layers - 1}, got {list(condition_layers)}"
            )
        if not masking or not {*masking} <= {*get_args(Masking)}:
            raise ValueError(f"`masking` must be some of {', '.join(get_args(Masking))}, got {list(masking)}")
        if num_timesteps > LARGEST_SCHEDULE:
            raise ValueError(f"`num_timesteps` must be at most {LARGEST_SCHEDULE}, got {num_timesteps}")
        for name, share in (("eta", eta), ("boundary_threshold", boundary_threshold)):
            if not 0 <= share <= 1:
                raise ValueError(f"`{name}` must be from 0 to 1, got {share}")
        _check_seed(seed)
        if not (0 < scale < math.inf and 0 < boundary_sigma < math.inf):
            raise ValueError(f"`scale` and `boundary_sigma` must be positive, got {scale} and {boundary_sigma}")
        self.num_steps, self.scale, self.eta, self.seed = num_steps, scale, eta, seed
        self.masking, self.masked_classes = list(masking), masked_classes
        self.boundary_sigma, self.boundary_threshold = boundary_sigma, boundary_threshold
        self._gammas = _cosine_schedule(num_timesteps)
        self._times(num_steps)  # refuses a number that is too large
        encoder_layers = [_Layer(hidden_channels, 0, kernel_size, 2**i, dropout) for i in range(num_layers)]
        self.encoder = _Encoder(
            in_channels, num_classes, encoder_layers, condition_layers, channel_dropout, frame_dropout
        )
        condition = len(set(condition_layers)) * hidden_channels
        decoder_layers = [
            _Layer(decoder_channels, condition, decoder_kernel_size, 2**i, decoder_dropout)
            for i in range(num_decoder_layers)
        ]
        self.decoder = _Decoder(num_classes, decoder_layers, time_channels)

    def forward(self, features: Tensor, mask: Tensor | None = None) -> Output:  # noqa: D102
        return self.sample(features, mask)

    def sample(
        self, features: Tensor, mask: Tensor | None = None, num_steps: int | None = None, seed: int | None = None
    ) -> Output:
        """Denoise; :meth:`forward` does so with the network's own number of steps and seed.

        Args:
            features: ``(B, D, T)``.
            mask: True on real frames, ``(B, T)``; None if all are.
            num_steps: of the decoder. Time grows with it.
            seed: of the noise.

        Returns:
            Logits ``(2, B, C, T)`` of the encoder and of the last step.

        Raises:
            ValueError: if ``num_steps`` is not a whole number from 1 to ``num_timesteps``, or ``seed`` is too large.
        """
        seed = self.seed if seed is None else seed
        _check_seed(seed)
        times = self._times(self.num_steps if num_steps is None else num_steps)
        encoded, condition = self.encoder(features, None, mask)
        noisy = self._noise(seed, times[0], features)
        for now, later in pairwise(times):
            time = torch.full((1,), now, device=features.device)
            logits = self.decoder(self._as_probabilities(noisy), time, condition, mask)
            if later >= 0:
                clean = self.scale * (2 * logits.to(noisy).softmax(dim=1) - 1)
                noisy = self._denoise(noisy, clean, (now, later), self._noise(seed, later, features))
        return Output(torch.stack([encoded, logits]))

    def training_output(self, batch: Batch) -> Output:
        """Logits of the encoder, and of the decoder that denoises the noisy labels of the batch."""
        if batch.labels is None:
            raise ValueError(f"DiffAct learns from one label a frame, and {', '.join(batch.names)} has none")
        device, num_videos = batch.features.device, len(batch.features)
        encoded, condition = self.encoder(batch.features, None, batch.mask)
        known = batch.mask & (batch.labels != IGNORE)
        one_hot = F.one_hot(batch.labels.masked_fill(~known, 0), self.num_classes).mT * known[:, None]
        time = torch.randint(len(self._gammas), (num_videos,), device=device)
        gamma = torch.tensor(self._gammas, device=device, dtype=self._dtype)[time, None, None]
        noise = frame_noise(torch.randint(2**32, (num_videos,), device=device), *one_hot.shape[1:]).to(gamma)
        noisy = gamma.sqrt() * self.scale * (2 * one_hot - 1) + (1 - gamma).sqrt() * noise
        visible = self._visible(batch.labels, known)[:, None]
        return Output(
            torch.stack([encoded, self.decoder(self._as_probabilities(noisy), time, condition * visible, batch.mask)])
        )

    def _visible(self, labels: Tensor, known: Tensor) -> Tensor:
        """Frames whose condition the decoder sees, ``(B, T)``, by one of the maskings for each video."""
        everything = torch.ones_like(known)
        keep = {"none": everything, "all": ~everything, "relation": everything}
        keep["boundary"] = boundary_curve(labels, known, self.boundary_sigma) < self.boundary_threshold
        present = F.one_hot(labels.masked_fill(~known, self.num_classes), self.num_classes + 1)[..., :-1].any(dim=1)
        for _ in range(self.masked_classes):
            hidden = (torch.rand_like(present, dtype=torch.float32) * present).argmax(dim=1)
            keep["relation"] = keep["relation"] & (labels != hidden[:, None])
        drawn = torch.randint(len(self.masking), (len(labels),), device=labels.device)
        choices = torch.stack([keep[name] for name in self.masking])
        return choices[drawn, torch.arange(len(labels), device=labels.device)]

    def _times(self, num_steps: int) -> list[int]:
        """Steps of the noise that a prediction visits, from the noisiest to -1, which has no noise."""
        total = len(self._gammas)
        if not 1 <= num_steps <= total or num_steps % 1:
            raise ValueError(
                f"`num_steps` must be a whole number from 1 to the {total} of `num_timesteps`, got {num_steps}"
            )
        return [total * i // num_steps - 1 for i in range(num_steps, -1, -1)]

    def _denoise(self, noisy: Tensor, clean: Tensor, times: tuple[int, int], fresh: Tensor) -> Tensor:
        """One step of DDIM: from the noisy labels of the first time to those of the second."""
        gamma, later = (self._gammas[time] for time in times)
        noise = (noisy - math.sqrt(gamma) * clean) / math.sqrt(1 - gamma)
        sigma = self.eta * math.sqrt((1 - gamma / later) * (1 - later) / (1 - gamma))
        return math.sqrt(later) * clean + math.sqrt(1 - later - sigma**2) * noise + sigma * fresh

    def _noise(self, seed: int, time: int, features: Tensor) -> Tensor:
        seeds = torch.full((1,), seed * 1_000_003 + time, device=features.device)
        noise = frame_noise(seeds, self.num_classes, features.shape[-1]).to(self._dtype)
        return noise.expand(features.shape[0], -1, -1)

    @property
    def _dtype(self) -> torch.dtype:
        """Of the noisy labels: that of the weights, which autocasting does not change."""
        return self.decoder.conv_in.weight.dtype

    def _as_probabilities(self, noisy: Tensor) -> Tensor:
        return (noisy / self.scale).clamp(-1, 1) / 2 + 0.5


def _check_seed(seed: int) -> None:
    if not abs(seed) <= LARGEST_SEED or seed % 1:
        raise ValueError(f"`seed` must be a whole number of at most {LARGEST_SEED} on either side of 0, got {seed}")


class _Layer(nn.Module):
    """Dilated convolution and attention to the frames it sees, instance normalisation, two 1x1, residual."""

    def __init__(self, channels: int, condition_channels: int, kernel_size: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.kernel_size, self.dilation = kernel_size, dilation
        self.conv = TemporalConv1d(channels, channels, kernel_size, dilation=dilation)
        self.query = TemporalConv1d(channels + condition_channels, channels, kernel_size=1)
        self.key = TemporalConv1d(channels + condition_channels, channels, kernel_size=1)
        self.value = TemporalConv1d(channels, channels, kernel_size=1)
        self.mlp = nn.Sequential(
            TemporalConv1d(channels, channels, kernel_size=1),
            nn.ReLU(),
            TemporalConv1d(channels, channels, kernel_size=1),
        )
        self.dropout = Dropout(dropout)
        self.norm = MaskedInstanceNorm1d(channels)

    def forward(self, x: Tensor, condition: Tensor | None, mask: Tensor | None) -> Tensor:
        y = self.dropout(x)
        asking = y if condition is None else torch.cat([y, self.dropout(condition)], dim=1)
        attended = dilated_attention(
            self.query(asking),
            self.key(asking),
            self.value(y),
            mask,
            kernel_size=self.kernel_size,
            dilation=self.dilation,
        )
        return x + self.mlp(self.norm(self.conv(y, mask) + attended, mask))


class _Encoder(AttentionStage):
    """Features to logits, and to what the decoder sees of the video."""

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        layers: list[_Layer],
        condition_layers: Sequence[int],
        channel_dropout: float,
        frame_dropout: float,
    ) -> None:
        super().__init__(in_channels, layers[0].conv.out_channels, num_classes, layers, channel_dropout)
        self.condition_layers, self.frame_dropout = {*condition_layers}, nn.Dropout1d(frame_dropout)

    def forward(self, x: Tensor, values: Tensor | None, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        x = self.conv_in(self.frame_dropout(self.channel_dropout(x).mT).mT)
        condition = []
        for number, layer in enumerate(self.layers):
            x = layer(x, values, mask)
            if number in self.condition_layers:
                condition.append(x)
        return self.head(x), torch.cat(condition, dim=1)


class _Decoder(nn.Module):
    """Noisy labels, the step of the noise and the condition to logits."""

    def __init__(self, num_classes: int, layers: list[_Layer], time_channels: int) -> None:
        super().__init__()
        channels = layers[0].conv.out_channels
        self.time_mlp = nn.Sequential(
            _TimeEmbedding(time_channels),
            nn.Linear(time_channels, time_channels),
            nn.SiLU(),
            nn.Linear(time_channels, time_channels),
            nn.SiLU(),
        )
        self.conv_in = TemporalConv1d(num_classes, channels, kernel_size=1)
        self.time_proj = nn.Linear(time_channels, channels)
        self.layers = nn.ModuleList(layers)
        self.head = TemporalConv1d(channels, num_classes, kernel_size=1)

    def forward(self, noisy: Tensor, time: Tensor, condition: Tensor, mask: Tensor | None) -> Tensor:
        x = self.conv_in(noisy) + self.time_proj(self.time_mlp(time.to(self.conv_in.weight)))[..., None]
        for layer in self.layers:
            x = layer(x, condition, mask)
        logits: Tensor = self.head(x)
        return logits


class _TimeEmbedding(nn.Module):
    """Sines and cosines of the number of a step, ``(B,)`` to ``(B, channels)``."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        if channels < 4 or channels % 2:
            raise ValueError(f"`time_channels` must be even and at least 4, got {channels}")
        self.num_waves = channels // 2

    def forward(self, time: Tensor) -> Tensor:
        exponents = torch.arange(self.num_waves, device=time.device) / (self.num_waves - 1)
        angles = time[:, None] * 10_000**-exponents
        return torch.cat([angles.sin(), angles.cos()], dim=1)


def _cosine_schedule(num_timesteps: int) -> list[float]:
    """The share of the signal after each step; a step leaves at least 1/1000 of the one before."""

    def curve(step: int) -> float:
        return math.cos((step / num_timesteps + 0.008) / 1.008 * math.pi / 2) ** 2

    gammas = [1.0]
    for step in range(num_timesteps):
        gammas.append(gammas[-1] * max(curve(step + 1) / curve(step), 0.001))
    return gammas[1:]
