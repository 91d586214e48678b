"""Weights of unknown origin: looked at before a network of their size is made."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from segtcn.models.base import build_network


def check_finite(weights: Mapping[str, Tensor], source: str | os.PathLike[str]) -> None:
    """Refuse weights with NaN, infinity or complex numbers.

    Args:
        weights: by name.
        source: what messages call them.

    Raises:
        ValueError: with the name of the first.
    """
    for name, values in weights.items():
        if values.is_complex():  # PyTorch would drop the imaginary parts
            raise ValueError(f"{source} holds complex numbers in {name}: it was altered")
        if values.is_floating_point() and not values.isfinite().all():
            raise ValueError(f"{source} holds NaN or infinity in {name}: take an earlier checkpoint, or train again")


def check_num_weights(facts: Mapping[str, Any], num_values: int, source: str | os.PathLike[str]) -> None:
    """Refuse facts of a network with more weights than there are values, before any of them is allocated.

    Args:
        facts: of a segmenter.
        num_values: numbers that the file holds.
        source: what messages call it.

    Raises:
        ValueError: if the network claims more.

    Example:
        >>> spec = {"class_name": "FrameClassifier", "init_args": {"in_channels": 10**9, "num_classes": 10**9}}
        >>> check_num_weights({"net": spec}, 100, "config.json")
        Traceback (most recent call last):
        ValueError: config.json describes a network of more weights than the 100 numbers of the file: it is damaged
    """
    try:
        with _at_most(num_values, source), torch.device("meta"):
            build_network(facts["net"])
    except NotImplementedError:
        return  # a network of the user's that computes with its weights while it is made
    except (RuntimeError, OverflowError, TypeError, KeyError) as error:
        raise ValueError(f"{source} does not describe a network that can be built: {error}") from error


@contextmanager
def _at_most(num_values: int, source: str | os.PathLike[str]) -> Iterator[None]:
    left = 3 * num_values  # weight normalisation makes a weight, and replaces it by its length and direction

    def count(module: nn.Module, name: str, parameter: Tensor | None) -> None:
        nonlocal left
        left -= 0 if parameter is None else parameter.numel()
        if left < 0:
            raise ValueError(
                f"{source} describes a network of more weights than the {num_values} numbers of the file: it is damaged"
            )

    hook = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        hook.remove()
