"""What a network would have said of a video while it ran: labels from the frames up to a moment only."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from segtcn.models.base import SegmentationModel
from segtcn.segmenter.segmenter import Segmenter


@torch.inference_mode()
def spoken_labels(segmenter: Segmenter, features: Tensor) -> npt.NDArray[np.int64]:
    """The label of every frame that the network sees, when 0, 1, ... F frames after it are known.

    For every moment n, the network is run on the frames up to n, cut on the left where its receptive field ends: exact,
    at the price of one run for each frame. F is the network's look-ahead, or T - 1 if it sees all frames. Beyond the
    end of the video nothing changes any more.

    Args:
        segmenter: in evaluation mode.
        features: a whole video, as stored, ``(D, T)``.

    Returns:
        Class indexes, ``(T', F + 1)`` with ``T' = ceil(T / sample_rate)``. The last column is the label that
        ``predict`` gives.

    Example:
        >>> from segtcn.models import CausalTCN
        >>> segmenter = Segmenter(CausalTCN(in_channels=8, num_classes=2), fps=15, sample_rate=3).eval()
        >>> spoken_labels(segmenter, torch.zeros(8, 10)).shape
        (4, 1)
    """
    net = segmenter.net
    sampled = features[:, :: segmenter.sample_rate].to(segmenter.standardization.mean)
    frames = segmenter.standardization(sampled[None])
    num_frames = frames.shape[-1]
    past, future = net.receptive_field
    if net.causal:
        return net.decode(net(frames))[0, :, None].cpu().numpy()
    if type(net).decode is not SegmentationModel.decode:  # it looks at all frames
        past = future = None
    future = num_frames - 1 if future is None else min(future, num_frames - 1)
    answers = np.zeros((num_frames, future + 1), np.int64)
    for now in range(num_frames):
        first = 0 if past is None else max(0, now - future - past) // net.period * net.period
        labels = net.decode(net(frames[..., first : now + 1]))[0].cpu().numpy()
        oldest = max(0, now - future)
        # frame t is `now - t` frames old
        answers[np.arange(oldest, now + 1), now - np.arange(oldest, now + 1)] = labels[oldest - first :]
    for t in range(num_frames - future, num_frames):
        answers[t, num_frames - t :] = answers[t, num_frames - 1 - t]
    return answers
