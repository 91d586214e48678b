"""Losses: pure functions, and the modules that training uses."""

from segtcn.losses.modules import (
    BoundaryBCE,
    CrossEntropy,
    Focal,
    GaussianSimilarityTMSE,
    LastStage,
    LossSum,
    TruncatedMSE,
    boundary_bce,
    boundary_targets,
    class_weights,
    cross_entropy,
    focal,
    gaussian_similarity,
    truncated_mse,
)

__all__ = [
    "BoundaryBCE",
    "CrossEntropy",
    "Focal",
    "GaussianSimilarityTMSE",
    "LastStage",
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
