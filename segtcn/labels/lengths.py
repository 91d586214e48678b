"""What to do where two sequences of one video differ in length: features and labels, predictions and truth."""

from __future__ import annotations

from typing import Literal

LengthPolicy = Literal["error", "trim"]
"""``error``, or ``trim`` both at the end to the shorter."""


def check_length_policy(policy: LengthPolicy, tolerance: int) -> None:
    """Refuse wrong arguments before files are read.

    Args:
        policy: the argument ``length_policy``.
        tolerance: the argument ``length_tolerance``.

    Raises:
        ValueError: if ``policy`` is neither, or ``tolerance`` is negative.
    """
    if policy not in ("error", "trim"):
        raise ValueError(f"`length_policy` must be 'error' or 'trim', got {policy!r}")
    if tolerance < 0:
        raise ValueError(f"`length_tolerance` must not be negative, got {tolerance}")


def common_length(first: int, second: int, policy: LengthPolicy = "error", tolerance: int = 10) -> int | None:
    """The length to which two sequences of one video may be cut.

    Args:
        first: length of one in frames.
        second: length of the other.
        policy: whether they may differ.
        tolerance: by how many frames they may differ under ``trim``.

    Returns:
        The shorter length, or None where the policy does not allow the difference or nothing would be left.

    Example:
        >>> common_length(100, 98), common_length(100, 98, "trim"), common_length(100, 98, "trim", tolerance=1)
        (None, 98, None)
    """
    difference, shorter = abs(first - second), min(first, second)
    allowed = difference == 0 or (policy == "trim" and difference <= tolerance and shorter > 0)
    return shorter if allowed else None
