"""Drawings of the networks for their pages, all in one style: boxes from the features to the classes.

A box is ``(column, row, title, what it does, kind, frames)``. The ticks below it show how many of 16 frames it keeps.
The SVG stands in the page, so that its lines follow the light and the dark theme.
"""

from __future__ import annotations

from html import escape
from typing import NamedTuple

WIDTH, HEIGHT, GAP_X, GAP_Y = 118, 56, 30, 44
COLOURS = {"data": "#d9d9d9", "conv": "#8dd3c7", "stage": "#b8e0a2", "attention": "#80b1d3", "class": "#fdb462"}


class Box(NamedTuple):
    """A part of a network; ``column`` and ``row`` count from 0 at the top left."""

    column: float
    row: float
    title: str
    text: str = ""
    kind: str = "conv"
    frames: int = 16


class Drawing(NamedTuple):
    """The boxes of a network by a letter, and its arrows: ``"ab"`` leads from box a to box b."""

    boxes: dict[str, Box]
    arrows: str


def _features(row: float = 0) -> Box:
    return Box(0, row, "features", "D values a frame", "data")


def _row(*boxes: Box) -> Drawing:
    """Boxes in one row, each with an arrow to the next."""
    named = {chr(ord("a") + n): box._replace(column=n) for n, box in enumerate([_features(), *boxes])}
    letters = "".join(named)
    return Drawing(named, " ".join(letters[n : n + 2] for n in range(len(letters) - 1)))


_HEAD = Box(0, 0, "classes", "1x1 convolution", "class")
_REFINE = Box(0, 0, "stage", "10 dilated layers", "stage")

DRAWINGS = {
    "ed_tcn": _row(
        Box(0, 0, "encoder 1", "long conv., pool", frames=8),
        Box(0, 0, "encoder 2", "long conv., pool", frames=4),
        Box(0, 0, "decoder 1", "repeat, long conv.", frames=8),
        Box(0, 0, "decoder 2", "repeat, long conv."),
        _HEAD,
    ),
    "dilated_tcn": Drawing(
        {
            "a": _features(),
            "b": Box(1, 0, "dilation 1", "tanh x sigmoid"),
            "c": Box(2, 0, "dilation 2", "tanh x sigmoid"),
            "d": Box(3, 0, "dilation 4, 8, ...", "and the next stack"),
            "e": Box(2, 1, "sum", "skip connections", "stage"),
            "f": Box(3, 1, "classes", "two 1x1 conv.", "class"),
        },
        "ab bc cd be ce de ef",
    ),
    "tcnn": _row(Box(0, 0, "convolution", "30 frames, ReLU"), _HEAD),
    "tdnn": _row(
        Box(0, 0, "convolution", "25 frames, dilation 1"), Box(0, 0, "convolution", "25 frames, dilation 2"), _HEAD
    ),
    "recurrent": Drawing(
        {
            "a": _features(0.5),
            "b": Box(1, 0, "forward cell", "state of the past"),
            "c": Box(1, 1, "backward cell", "not if causal"),
            "d": _HEAD._replace(column=2, row=0.5),
        },
        "ab ac bd cd",
    ),
    "frame_classifier": _row(Box(0, 0, "classes", "linear, or an MLP", "class")),
    "causal_tcn": _row(
        Box(0, 0, "dilation 1", "2 causal conv. + x"),
        Box(0, 0, "dilation 2", "2 causal conv. + x"),
        Box(0, 0, "dilation 4, 8, ...", "2 causal conv. + x"),
        _HEAD,
    ),
    "bytenet": _row(
        Box(0, 0, "1x1 convolution", "to 2d channels", "stage"),
        Box(0, 0, "dilation 1", "narrow, conv., wide"),
        Box(0, 0, "dilation 2, 4, 8, 16", "narrow, conv., wide"),
        Box(0, 0, "5 more cycles", "again from 1 to 16"),
        _HEAD,
    ),
    "ms_tcn": _row(
        Box(0, 0, "stage 1", "10 dilated layers"),
        Box(0, 0, "probabilities", "softmax", "class"),
        _REFINE._replace(title="stage 2"),
        _REFINE._replace(title="stages 3, 4", text="each after a softmax"),
        _HEAD._replace(text="of the last stage"),
    ),
    "ms_tcn_plus_plus": _row(
        Box(0, 0, "stage 1", "11 layers, 2 dilations"),
        Box(0, 0, "probabilities", "softmax", "class"),
        _REFINE._replace(title="refinement 1"),
        _REFINE._replace(title="refinements 2, 3", text="may share weights"),
        _HEAD._replace(text="of the last stage"),
    ),
    "asrf": Drawing(
        {
            "a": _features(0.5),
            "b": Box(1, 0.5, "shared layers", "or any backbone"),
            "c": Box(2, 0, "class branch", "4 stages", "stage"),
            "d": Box(2, 1, "boundary branch", "4 stages", "attention"),
            "e": Box(3, 0.5, "vote", "between boundaries", "class"),
        },
        "ab bc bd ce de",
    ),
    "c2f_tcn": Drawing(
        {
            "a": _features(),
            "b": Box(1, 0, "encoder", "2 convolutions"),
            "c": Box(2, 0, "encoder", "pool, 2 conv.", frames=8),
            "d": Box(3, 0, "encoder", "pool, 2 conv.", frames=4),
            "e": Box(4, 0, "pyramid", "pools of 2, 3, 5, 6", "stage", frames=2),
            "f": Box(3, 1, "coarse classes", "decoder", "class", frames=4),
            "g": Box(2, 1, "finer classes", "decoder", "class", frames=8),
            "h": Box(1, 1, "finest classes", "decoder", "class"),
            "i": Box(2, 2, "mean", "over the levels", "class"),
        },
        "ab bc cd de ef bh cg df fg gh fi gi hi",
    ),
    "asformer": _row(
        Box(0, 0, "encoder", "10 layers: dilated conv.", "conv"),
        Box(0, 0, "attention", "in growing windows", "attention"),
        Box(0, 0, "probabilities", "softmax", "class"),
        Box(0, 0, "decoder 1", "attends to the encoder", "attention"),
        Box(0, 0, "decoders 2, 3", "with less influence", "attention"),
        _HEAD._replace(text="of the last stage"),
    ),
    "diffact": Drawing(
        {
            "a": _features(),
            "b": Box(1, 0, "encoder", "dilated conv. + attention", "attention"),
            "c": Box(2, 0, "condition", "of 3 layers, masked", "stage"),
            "d": Box(1, 1, "noisy labels", "C values a frame", "data"),
            "e": Box(2, 1, "decoder", "sees the condition", "attention"),
            "f": Box(3, 1, "classes", "less noise; 25 times", "class"),
        },
        "ab bc ce de ef",
    ),
    "fact": Drawing(
        {
            "a": _features(),
            "b": Box(1, 0, "frames", "10 dilated layers", "stage"),
            "c": Box(2, 0, "frames", "read the tokens", "attention"),
            "d": Box(3, 0, "runs of frames", "GRU, read the tokens", "attention", frames=4),
            "e": Box(1, 1, "tokens", "read the frames", "attention"),
            "f": Box(2, 1, "tokens", "read the frames", "attention"),
            "g": Box(3, 1, "tokens", "read the runs", "attention"),
            "h": Box(4, 0.5, "classes", "of frames and tokens", "class"),
        },
        "ab bc cd be ef fg cf dg dh gh",
    ),
    "ltcontext": _row(
        Box(0, 0, "dilated conv.", "in each of 9 layers"),
        Box(0, 0, "near attention", "windows of 64 frames", "attention"),
        Box(0, 0, "far attention", "every 64th frame", "attention"),
        Box(0, 0, "probabilities", "softmax", "class"),
        Box(0, 0, "stages 2, 3, 4", "fewer channels", "stage"),
        _HEAD._replace(text="of the last stage"),
    ),
}
"""By the name of the page."""


def drawing(name: str) -> str:
    """The drawing of a network as SVG in a box that scrolls on narrow screens.

    Args:
        name: a key of :data:`DRAWINGS`.

    Returns:
        HTML without empty lines, so that Markdown takes it as one block.

    Example:
        >>> drawing("tcnn").count("<rect")
        3
    """
    boxes, arrows = DRAWINGS[name]
    width = max(box.column for box in boxes.values()) * (WIDTH + GAP_X) + WIDTH + 4
    height = max(box.row for box in boxes.values()) * (HEIGHT + GAP_Y) + HEIGHT + 24
    words = ", then ".join(f"{box.title} ({box.text})" for box in boxes.values())
    parts = [_arrow(boxes[arrow[0]], boxes[arrow[1]]) for arrow in arrows.split()] + [
        _box(box) for box in boxes.values()
    ]
    return (
        f'<div class="drawing" tabindex="0"><svg viewBox="0 0 {width:g} {height:g}" width="{width:g}" role="img" '
        f'aria-label="{escape(words)}"><defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="currentColor"/></marker></defs>'
        f"{''.join(parts)}</svg></div>"
    )


def _corner(box: Box) -> tuple[float, float]:
    return box.column * (WIDTH + GAP_X) + 2, box.row * (HEIGHT + GAP_Y) + 2


def _box(box: Box) -> str:
    x, y = _corner(box)
    middle, step = x + WIDTH / 2, WIDTH / 16
    ticks = "".join(
        f'<path d="M{x + step * (n + 0.5) * 16 / box.frames:.1f} {y + HEIGHT + 5}v7"/>' for n in range(box.frames)
    )
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" rx="5" fill="{COLOURS[box.kind]}"/>'
        f'<text x="{middle:g}" y="{y + 24:g}" class="title">{escape(box.title)}</text>'
        f'<text x="{middle:g}" y="{y + 42:g}">{escape(box.text)}</text><g class="ticks">{ticks}</g>'
    )


def _arrow(start: Box, stop: Box) -> str:
    """A line between the sides that face each other."""
    (x, y), (to_x, to_y) = _corner(start), _corner(stop)
    if start.column == stop.column or stop.row - start.row >= 1:  # from below the ticks to the top
        x, y, to_x = x + WIDTH / 2, y + HEIGHT + 14, to_x + WIDTH / 2
    else:
        forward = stop.column > start.column
        x, to_x = (x + WIDTH, to_x) if forward else (x, to_x + WIDTH)
        y, to_y = y + HEIGHT / 2, to_y + HEIGHT / 2
    return f'<path class="arrow" d="M{x:g} {y:g}L{to_x:g} {to_y:g}" marker-end="url(#tip)"/>'
