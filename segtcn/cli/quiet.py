"""What Lightning and its companions say that no user of segtcn can act on."""

from __future__ import annotations

import logging
import os
import warnings


def quieten() -> None:
    """Keep warnings about the data and the run; drop advertisements and deprecations between other libraries."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", message=r"`isinstance\(treespec, LeafSpec\)` is deprecated")
    # meant: a run that continues; one that would overwrite another is refused before
    warnings.filterwarnings("ignore", message="Checkpoint directory .* exists and is not empty")
    # the samplers know the position in the epoch themselves
    warnings.filterwarnings("ignore", message="You're resuming from a checkpoint that ended before the epoch ended")
    # the checkpoint holds the averaged weights, which are those to test
    warnings.filterwarnings("ignore", message="You're using the WeightAveraging callback, but loading a checkpoint")
    # what the task logs was computed over all processes
    warnings.filterwarnings("ignore", message="It is recommended to use .*sync_dist=True")
    # schedules of PyTorch that are stepped every epoch, as documented
    warnings.filterwarnings("ignore", message=".*scheduler is using 'interval': 'epoch'")
    os.environ.setdefault("JSONARGPARSE_DEPRECATION_WARNINGS", "off")
