"""Every loss: against loops over single frames, and padding has neither weight nor gradient."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
import yaml
from jsonargparse import ArgumentParser
from torch import Tensor, nn

from segtcn.losses import (
    BoundaryAlignment,
    BoundaryBCE,
    CrossEntropy,
    Focal,
    GaussianSimilarityTMSE,
    LastStage,
    LossSum,
    SoftCrossEntropy,
    TruncatedMSE,
    class_weights,
)
from segtcn.structures import Batch, Output
from tests.reference import losses as reference

LENGTHS = [6, 9, 1]
WEIGHT = [0.5, 1.0, 2.0, 0.0]
LOSSES: dict[str, Callable[[], nn.Module]] = {
    "cross-entropy": CrossEntropy,
    "cross-entropy, weighted and smoothed": lambda: CrossEntropy(WEIGHT, label_smoothing=0.2),
    "focal": Focal,
    "focal, weighted, gamma 0.5": lambda: Focal(0.5, WEIGHT),
    "truncated MSE": lambda: TruncatedMSE(threshold=1.5),
    "similarity-weighted MSE": lambda: GaussianSimilarityTMSE(threshold=1.5, sigma=2.0),
    "similarity-weighted MSE of the authors": lambda: GaussianSimilarityTMSE(squared=False),
    "boundaries": BoundaryBCE,
    "boundaries, weighted": lambda: BoundaryBCE(pos_weight=7.0),
    "soft labels": lambda: SoftCrossEntropy(sigma=0.8),
    "boundary alignment": lambda: BoundaryAlignment(sigma=0.5),
    "sum": lambda: LossSum([CrossEntropy(), TruncatedMSE(), BoundaryBCE()], [1.0, 0.15, 0.1]),
    "last stage": lambda: LastStage(LossSum([CrossEntropy(), BoundaryBCE()])),
}
each_loss = pytest.mark.parametrize("make", LOSSES.values(), ids=LOSSES)


def arguments(num_stages: int = 2, dtype: torch.dtype = torch.float32) -> dict[str, Any]:
    """Arguments of a loss for three videos of 6, 9 and 1 frames and four classes; one frame is not annotated."""
    mask = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]
    labels = torch.randint(4, mask.shape)
    labels[1, 4] = -100
    return {
        "logits": 2 * torch.randn(num_stages, *mask.shape[:1], 4, mask.shape[1], dtype=dtype),
        "boundaries": 2 * torch.randn(num_stages, *mask.shape, dtype=dtype),
        "labels": labels.masked_fill(~mask, -100),
        "mask": mask,
        "features": torch.randn(mask.shape[0], 3, mask.shape[1], dtype=dtype),
    }


def call(loss: nn.Module, given: dict[str, Any]) -> Tensor:
    """The loss of what :func:`arguments` has."""
    output = Output(given["logits"], given["boundaries"])
    return loss(output, Batch(given["features"], given["labels"], given["mask"]))


def by_loops(loss: nn.Module, given: dict[str, Any]) -> float:
    """The sum over stages of the slow loss."""
    real = list(zip(given["mask"], given["labels"], strict=True))
    labels = [truth[mask].tolist() for mask, truth in real]
    total = 0.0
    if isinstance(loss, LastStage):
        last = {name: given[name][-1:] for name in ("logits", "boundaries")}
        return by_loops(loss.loss, {**given, **last})
    if isinstance(loss, LossSum):
        return sum(w * by_loops(part, given) for part, w in zip(loss.losses, loss.weights, strict=True))
    for stage in given["boundaries"] if isinstance(loss, BoundaryBCE) else given["logits"]:
        videos = [values[..., mask].movedim(-1, 0).tolist() for values, (mask, _) in zip(stage, real, strict=True)]
        if isinstance(loss, BoundaryBCE):
            weight = 1.0 if loss.pos_weight is None else float(loss.pos_weight)
            total += reference.boundary_bce(videos, labels, weight)
        elif isinstance(loss, SoftCrossEntropy):
            total += reference.soft_cross_entropy(videos, labels, loss.sigma)
        elif isinstance(loss, BoundaryAlignment):
            total = reference.boundary_alignment(videos, labels, loss.sigma)  # of the last stage
        elif isinstance(loss, TruncatedMSE):
            total += reference.truncated_mse(videos, loss.threshold)
        elif isinstance(loss, GaussianSimilarityTMSE):
            features = [x[:, mask].T.tolist() for x, (mask, _) in zip(given["features"], real, strict=True)]
            similarity = [reference.similarities(frames, loss.sigma, loss.squared) for frames in features]
            total += reference.truncated_mse(videos, loss.threshold, similarity)
        else:
            weights = [1.0] * 4 if loss.weight is None else loss.weight.tolist()
            smoothing, gamma = getattr(loss, "label_smoothing", 0.0), getattr(loss, "gamma", 0.0)
            total += reference.cross_entropy(videos, labels, weights, smoothing, gamma)
    return total


@each_loss
@pytest.mark.parametrize("seed", range(5))
def test_every_loss_equals_loops_over_the_real_frames_of_every_stage(make, seed):
    torch.manual_seed(seed)
    given = arguments(num_stages=1 + seed % 3)
    loss = make()
    assert call(loss, given).item() == pytest.approx(by_loops(loss, given), rel=1e-4)


@each_loss
@pytest.mark.parametrize("garbage", [1e4, math.inf, math.nan])
def test_padding_has_neither_weight_nor_gradient(make, garbage):
    given = arguments()
    expected = call(make(), given)
    padding = ~given["mask"]
    given["labels"][padding] = 77
    for name in ("logits", "features", "boundaries"):
        where = padding if name == "boundaries" else padding[:, None]
        given[name] = given[name].masked_fill(where, garbage).requires_grad_()
    loss = call(make(), given)
    assert torch.equal(loss, expected)
    loss.backward()
    for name in ("logits", "boundaries"):
        gradient = given[name].grad
        if gradient is not None:  # None: this loss does not use it
            frames = gradient.movedim(-1, 2)  # (S, B, T) or (S, B, T, C)
            assert (frames[:, padding] == 0).all()
            assert frames.isfinite().all()
            assert frames[:, ~padding].abs().sum() > 0
    assert given["features"].grad is None


@pytest.mark.parametrize("make", [LOSSES[name] for name in LOSSES if name != "sum"])
def test_a_batch_is_the_mean_of_its_videos_by_frames_pairs_or_class_weights(make):
    given = arguments()
    given["labels"] = torch.randint(4, given["labels"].shape)
    loss = make()
    total = count = 0.0
    for i, length in enumerate(LENGTHS):
        alone = {
            name: (value[:, [i]] if name in ("logits", "boundaries") else value[[i]])[..., :length]
            for name, value in given.items()
        }
        size = float(length)
        if isinstance(loss, TruncatedMSE | GaussianSimilarityTMSE | BoundaryAlignment):
            size = length - 1
        elif getattr(loss, "weight", None) is not None:
            size = float(loss.weight[alone["labels"]].sum())
        total, count = total + size * float(call(loss, alone)), count + size
    assert float(call(loss, given)) == pytest.approx(total / count, rel=1e-4)


@each_loss
def test_no_real_frame_scores_zero_and_has_no_gradient(make):
    given = arguments()
    given["mask"] = torch.zeros_like(given["mask"])
    for name in ("logits", "boundaries"):
        given[name].requires_grad_()
    loss = call(make(), given)
    loss.backward()
    assert loss == 0
    for name in ("logits", "boundaries"):
        assert given[name].grad is None or (given[name].grad == 0).all()


@each_loss
def test_videos_without_any_annotation_are_smoothed_and_score_zero_otherwise(make):
    given = arguments()
    smoothing = sum(by_loops(loss, given) for loss in make().modules() if type(loss).__name__.endswith("MSE"))
    given["labels"][:] = -100
    assert call(make(), given).item() == pytest.approx(
        smoothing * (0.15 if isinstance(make(), LossSum) else 1), rel=1e-4
    )


# these hold the earlier frame of a pair constant, which finite differences do not
@pytest.mark.parametrize(
    "make", [LOSSES[name] for name in LOSSES if name not in ("truncated MSE", "boundary alignment", "sum")]
)
def test_gradients_are_those_of_finite_differences(make):
    given = arguments(dtype=torch.float64)
    inputs = {name: given[name].requires_grad_() for name in ("logits", "boundaries")}

    def value(logits: Tensor, boundaries: Tensor) -> Tensor:
        loss = call(make(), given | {"logits": logits, "boundaries": boundaries})
        return loss + 0 * (logits.sum() + boundaries.sum())  # each loss uses one of the two

    assert torch.autograd.gradcheck(value, tuple(inputs.values()))


@each_loss
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_summed_in_single(make, dtype):
    given = {name: value.to(dtype) if value.is_floating_point() else value for name, value in arguments().items()}
    single = {name: value.float() if value.is_floating_point() else value for name, value in given.items()}
    with torch.autocast("cpu", dtype):
        loss = call(make(), given)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, call(make(), single))


@each_loss
def test_extreme_logits_stay_finite(make):
    given = arguments()
    for name in ("logits", "boundaries"):
        given[name] = (1e4 * given[name]).requires_grad_()
    loss = call(make(), given)
    loss.backward()
    assert loss.isfinite()
    assert all(given[name].grad is None or given[name].grad.isfinite().all() for name in ("logits", "boundaries"))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"labels": torch.zeros(3, 9)}, r"`labels` must be class indices of type int64, got torch.float32: .*`\.long"),
        ({"labels": torch.zeros(3, 9, dtype=torch.int32)}, "`labels` must be class indices of type int64"),
        ({"labels": torch.zeros(3, 8).long()}, r"`labels` must have the shape \(3, 9\) of the logits' frames, got"),
        ({"mask": torch.ones(3, 9)}, r"`mask` must be bool, True on real frames, got torch.float32: .*`\.bool"),
        ({"mask": torch.ones(1, 9).bool()}, r"`mask` must have the shape \(3, 9\) of the logits' frames, got \(1, 9\)"),
    ],
)
def test_wrong_types_and_shapes_are_named(wrong, message):
    for loss in (CrossEntropy(), Focal(), LossSum([TruncatedMSE(), CrossEntropy()])):
        with pytest.raises(ValueError, match=message):
            call(loss, arguments() | wrong)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CrossEntropy(label_smoothing=1.0), "`label_smoothing` must be from 0 to below 1, got 1.0"),
        (lambda: CrossEntropy([1.0, -1.0]), r"`weight` must be finite and not negative, got \[1.0, -1.0\]"),
        (lambda: Focal(weight=[math.inf]), "`weight` must be finite and not negative"),
        (lambda: CrossEntropy("median"), "class weights are 'median_frequency' or 'inverse_frequency', got 'median'"),
        (lambda: Focal(gamma=-1), "`gamma` must not be negative, got -1"),
        (lambda: TruncatedMSE(threshold=0), "`threshold` must be positive, got 0"),
        (lambda: GaussianSimilarityTMSE(sigma=0), "`sigma` must be positive, got 0"),
        (lambda: BoundaryBCE(pos_weight=math.inf), "`pos_weight` must be positive, got inf"),
        (lambda: BoundaryBCE(pos_weight="equal"), "`pos_weight` must be a number, 'balanced' or None, got 'equal'"),
        (lambda: LossSum([CrossEntropy()], [1.0, 2.0]), "one finite number for each loss, .* for 1 losses"),
        (lambda: LossSum([]), "there must be one, got .* for 0 losses"),
    ],
)
def test_wrong_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_what_a_network_does_not_give_is_an_error_that_says_what_to_use():
    given = arguments()
    with pytest.raises(ValueError, match=r"`BoundaryBCE` needs .* boundary branch, such as `segtcn.models.ASRF`"):
        call(BoundaryBCE(), given | {"boundaries": None})
    with pytest.raises(ValueError, match="no ground truth for tea: a loss of labels needs it"):
        CrossEntropy()(Output(given["logits"]), Batch(given["features"], None, given["mask"], ["tea"]))
    for loss, message in (
        (CrossEntropy([1.0, 1.0, 1.0]), "`weight` must have one number for each of 4 classes, got 3"),
        (CrossEntropy("median_frequency"), "`weight: median_frequency` comes from the training videos, .*or give num"),
        (BoundaryBCE("balanced"), "`pos_weight: balanced` comes from the training videos"),
    ):
        with pytest.raises(ValueError, match=message):
            call(loss, given)


class Counts:
    """Data whose training labels are counted."""

    def label_statistics(self) -> tuple[Tensor, int]:
        return torch.tensor([60, 0, 10, 20]), 9


class NoCounts:
    """Data that must not be counted: nobody asked."""

    def label_statistics(self) -> tuple[Tensor, int]:
        raise AssertionError


def test_losses_learn_their_weights_from_the_counts_of_the_training_labels():
    given = arguments()
    for make in (CrossEntropy, Focal):
        loss = make(weight="median_frequency")
        loss.fit_statistics(Counts())
        expected = make(weight=class_weights(torch.tensor([60, 0, 10, 20])).tolist())
        torch.testing.assert_close(call(loss, given), call(expected, given))
        numbers = make(weight=WEIGHT)
        numbers.fit_statistics(NoCounts())
        assert numbers.weight.tolist() == WEIGHT
    loss = LossSum([LastStage(BoundaryBCE(pos_weight="balanced"))])
    loss.fit_statistics(Counts())
    torch.testing.assert_close(call(loss, given), call(LastStage(BoundaryBCE(pos_weight=10.0)), given))
    assert "weight" in dict(CrossEntropy(WEIGHT).named_buffers())  # moves with the module


def test_learned_weights_survive_a_checkpoint():
    make = lambda: LossSum([CrossEntropy("inverse_frequency"), BoundaryBCE("balanced"), Focal(weight=WEIGHT)])  # noqa: E731
    trained, fresh = make(), make()
    trained.fit_statistics(Counts())
    fresh.load_state_dict(trained.state_dict())
    given = arguments()
    assert torch.equal(call(fresh, given), call(trained, given))
    assert [*trained.state_dict()] == ["losses.0.weight", "losses.1.pos_weight"]  # numbers are in the config


def test_a_config_builds_a_sum_of_losses():
    config = """
    loss:
      class_path: segtcn.losses.LossSum
      init_args:
        losses:
          - class_path: segtcn.losses.CrossEntropy
            init_args: {weight: median_frequency, label_smoothing: 0.1}
          - class_path: segtcn.losses.CrossEntropy
            init_args: {weight: [1, 2.5, 1]}
          - class_path: segtcn.losses.GaussianSimilarityTMSE
            init_args: {sigma: 3}
          - class_path: segtcn.losses.BoundaryBCE
            init_args: {pos_weight: balanced}
          - class_path: segtcn.losses.BoundaryBCE
            init_args: {pos_weight: 12}
        weights: [1, 1, 0.15, 0.1, 0.1]
    """
    parser = ArgumentParser()
    parser.add_argument("--loss", type=nn.Module)
    loss = parser.instantiate_classes(parser.parse_object(yaml.safe_load(config))).loss
    names = ["CrossEntropy", "CrossEntropy", "GaussianSimilarityTMSE", "BoundaryBCE", "BoundaryBCE"]
    assert [type(part).__name__ for part in loss.losses] == names
    assert loss.weights == [1, 1, 0.15, 0.1, 0.1]
    assert loss.losses[0].method == "median_frequency"
    assert loss.losses[3].method == "balanced"
    assert loss.losses[1].weight.tolist() == [1, 2.5, 1]
    assert loss.losses[4].pos_weight == 12
