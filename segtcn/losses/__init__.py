"""Losses: pure functions, and the modules that training uses."""

from segtcn.losses.functional import (
    boundary_bce,
    boundary_targets,
    class_weights,
    cross_entropy,
    focal,
    gaussian_similarity,
    truncated_mse,
)
from segtcn.losses.modules import (
    BoundaryBCE,
    CrossEntropy,
    Focal,
    GaussianSimilarityTMSE,
    LastStage,
    Loss,
    LossSum,
    TruncatedMSE,
)

__all__ = [
    "BoundaryBCE",
    "CrossEntropy",
    "Focal",
    "GaussianSimilarityTMSE",
    "LastStage",
    "Loss",
    "LossSum",
    "TruncatedMSE",
    "boundary_bce",
    "boundary_targets",
    "class_weights",
    "cross_entropy",
    "focal",
    "gaussian_similarity",
    "truncated_mse",
]
