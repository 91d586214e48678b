"""``segtcn plan``: how deep a network must be to see a part of the past."""

from __future__ import annotations

import math
from typing import Annotated

from segtcn.cli.parser import Rate, UsageError
from segtcn.text_table import markdown_table


def plan(
    *,
    receptive_field: Annotated[int, "FRAMES"] | None = None,
    seconds: Annotated[float, "SECONDS"] | None = None,
    fps: Rate | None = None,
    kernel: list[int] | None = None,
    width: int = 64,
    features: int = 2048,
    classes: int = 10,
) -> None:
    """List the smallest causal networks that see a given number of frames.

    The networks double their dilation from layer to layer. The one of the fewest multiplications a frame comes first.

    Args:
        receptive_field: frames that an output must see, the present one included.
        seconds: the same as a time; needs --fps.
        fps: frames per second that the network sees.
        kernel: taps of the convolutions to consider (default: 2 3 5 7 9).
        width: channels of every layer.
        features: width of the features.
        classes: number of classes.

    Examples:
      segtcn plan --receptive-field 512 --kernel 3
      segtcn plan --seconds 60 --fps 15
    """
    from segtcn.sequences.stacks import KINDS, smallest_stacks

    frames = _frames(receptive_field, seconds, fps)
    stacks = smallest_stacks(frames, kernel or [2, 3, 5, 7, 9], width, features, classes)
    times = ["seconds"] if fps else []
    header = ["network", "kernel", "layers", "frames seen", *times, "parameters", "products/frame"]
    rows = []
    for stack in stacks:
        time = [f"{stack.receptive_field / fps:.1f}"] if fps else []
        sizes = (stack.kernel_size, stack.layers, stack.receptive_field)
        costs = (f"{stack.parameters:,}", f"{stack.products:,}")
        rows.append([stack.network, *map(str, sizes), *time, *costs])
    print(f"causal networks of {width} channels that see {frames} frames or more:\n")
    print(markdown_table(header, rows))
    best = stacks[0]
    words = f"--model.net.init_args.num_layers {best.layers} --model.net.init_args.kernel_size {best.kernel_size}"
    once = {"Dilated TCN": "num_stacks 1", "ByteNet": "num_cycles 1"}.get(best.network)
    words += f" --model.net.init_args.{once}" if once else ""
    print(f"\nsegtcn fit -c {KINDS[best.network]} {words} --model.net.init_args.causal true -c DATA")


def _frames(receptive_field: int | None, seconds: float | None, fps: float | None) -> int:
    if fps is not None and not 0 < fps < math.inf:
        raise ValueError(f"`fps` must be positive, got {fps:g}")
    if (receptive_field is None) == (seconds is None):
        raise UsageError("give either `receptive_field` or `seconds`")
    if seconds is None:
        return receptive_field or 0
    if fps is None:
        raise UsageError("`seconds` needs `fps`, the frames per second that the network sees")
    if not 0 < seconds < math.inf:
        raise ValueError(f"`seconds` must be positive, got {seconds:g}")
    return max(1, math.ceil(round(seconds * fps, 6)))
