"""Training step and inference of networks against their authors' code, with the same weights on the same video.

    SEGTCN_AUTHORS=DIR python -m benchmarks.authors_networks

DIR holds checkouts, as for ``tests/models/test_authors_code.py``. Both take turns in one process. A row gives the
median time of each and the ratios. A training step is the authors' loss, backward and Adam.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.networks import header, in_turns, inference, row, training_step
from segtcn.losses import BoundaryAlignment, LossSum, SetPrediction, SoftCrossEntropy, TruncatedMSE
from segtcn.structures import Batch
from tests.models.authors_code import DIFFACT, diffact, fact, load

WEIGHTS = {"encoder_ce": 0.5, "encoder_mse": 0.1, "decoder_ce": 0.5, "decoder_mse": 0.1, "decoder_boundary": 0.1}


def diffact_ways(num_frames: int) -> dict[str, dict[str, Callable[[], None]]]:
    """With the values for GTEA; theirs gets its boundaries, which it computes when it loads the data."""
    theirs, ours = diffact(load(DIFFACT))
    features, mask = torch.randn(1, theirs.encoder.conv_in.in_channels, num_frames), torch.ones(1, num_frames).bool()
    labels = torch.randint(7, (1, num_frames // 20 + 1)).repeat_interleave(20, 1)[:, :num_frames]
    batch, one_hot, boundaries = Batch(features, labels, mask), F.one_hot(labels, 7).mT, torch.rand(1, 1, num_frames)
    losses = [nn.CrossEntropyLoss(reduction="none"), nn.MSELoss(reduction="none"), nn.BCELoss(reduction="none")]
    loss = LossSum([SoftCrossEntropy(1.4), TruncatedMSE(), BoundaryAlignment()], weights=[0.5, 0.1, 0.1])

    def their_loss() -> torch.Tensor:
        terms = theirs.get_training_loss(features, one_hot, boundaries, *losses, *losses, 1.4)
        return sum(weight * terms[f"{name}_loss"] for name, weight in WEIGHTS.items())

    trained = copy.deepcopy(ours)
    return {
        "training": {
            "theirs": training_step(theirs, their_loss),
            "ours": training_step(trained, lambda: loss(trained.training_output(batch), batch)),
        },
        "inference, 25 steps": {
            "theirs": inference(theirs, partial(theirs.ddim_sample, features)),
            "ours": inference(ours, partial(ours, features)),
        },
    }


def fact_ways(num_frames: int) -> dict[str, dict[str, Callable[[], None]]]:
    """With the values for GTEA."""
    theirs, ours = fact()
    features, mask = torch.randn(1, 32, num_frames), torch.ones(1, num_frames).bool()
    labels = torch.randint(7, (1, num_frames // 20 + 1)).repeat_interleave(20, 1)[:, :num_frames]
    batch, loss, trained = Batch(features, labels, mask), SetPrediction(), copy.deepcopy(ours)
    arguments = [features[0].mT], [labels[0]]
    return {
        "training": {
            "theirs": training_step(theirs, lambda: theirs(*arguments, compute_loss=True)[0]),
            "ours": training_step(trained, lambda: loss(trained.training_output(batch), batch)),
        },
        "inference": {
            "theirs": inference(theirs, partial(theirs, *arguments)),
            "ours": inference(ours, partial(ours, features)),
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=7, help="default: 7")
    parser.add_argument("--threads", type=int, default=2, help="default: 2")
    parser.add_argument("--frames", type=int, nargs="+", default=[220, 1000], help="default: 220 and 1000")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    header("authors'", "segtcn")
    for name, make in (("DiffAct", diffact_ways), ("FACT", fact_ways)):
        for num_frames in arguments.frames:
            for label, ways in make(num_frames).items():
                row(f"{name}, {num_frames:,} frames, {label}", in_turns(ways, arguments.turns, 600))


if __name__ == "__main__":
    main()
