"""The drawn world of the embedded data set: a cook at a kitchen bench, filmed from above."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from segtcn.demo.actions import ACTIONS, ACTS, Step
from segtcn.demo.arms import draw_arm
from segtcn.demo.backdrop import draw_backdrop
from segtcn.demo.camera import Camera
from segtcn.demo.shapes import HEIGHT, WIDTH, Canvas, Image
from segtcn.demo.things import draw_contents, draw_crate, draw_slice, draw_spoon, draw_stream, draw_thing
from segtcn.demo.worktop import NUM_COOKS, VEGETABLE_LENGTH, Bench

__all__ = ["ACTIONS", "HEIGHT", "NUM_COOKS", "WIDTH", "Image", "Step", "film"]


def film(steps: Sequence[Step], cook: int, fps: float, rng: np.random.Generator) -> Iterator[Image]:
    """Draw a clip frame by frame.

    Args:
        steps: what happens, in order; a vegetable must be taken before it is peeled or cut.
        cook: which of the :data:`NUM_COOKS` cooks: skin, sleeves and pace of the hands.
        fps: frames per second.
        rng: chooses the kitchen's colours, the places of things, light, camera shake and noise.

    Returns:
        One picture ``(HEIGHT, WIDTH, 3)`` uint8 in the order blue, green, red for every frame of every step.
    """
    bench = Bench(cook, fps, rng)
    backdrop = draw_backdrop(bench)
    camera = Camera(fps, rng)
    for number, step in enumerate(steps):
        act = ACTS[step.action](bench, step, steps[number + 1 :])
        for frame in range(step.num_frames):
            bench.is_pouring, bench.falling = False, []
            act((frame + 0.5) / step.num_frames, frame / fps)
            yield camera.take(_draw(bench, backdrop))


def _draw(bench: Bench, backdrop: Image) -> Image:
    """Everything, from the back to the front."""
    canvas = Canvas(backdrop.copy())
    held = {hand.tool for hand in bench.hands.values()}
    in_crate = [name for name in bench.kinds if bench.places[name] == bench.homes[name]]
    for name in in_crate:
        draw_thing(canvas, bench, name)
    draw_crate(canvas, bench)
    for name in [name for name in ("jug", "shaker") if name not in held]:
        canvas.shadow(bench.places[name] + 3 + 1j, 16 + 5j)
        draw_thing(canvas, bench, name)
    for name in bench.kinds:
        if name not in held and name not in in_crate:
            length = VEGETABLE_LENGTH * bench.lengths[name]
            canvas.shadow(bench.places[name] + length / 2 + 5j, length / 2 + 8j, 0.25 if length >= 3 else 0.0)
            draw_thing(canvas, bench, name)
    for piece in bench.slices:
        draw_slice(canvas, bench.board + piece.offset, piece)
    if "knife" not in held:
        draw_thing(canvas, bench, "knife")
    draw_contents(canvas, bench)
    if "spoon" not in held:
        draw_spoon(canvas, bench.places["spoon"] - 14 + 20j, bench.places["spoon"] + 18 - 12j)
    if bench.is_pouring:
        draw_stream(canvas, bench)
    for hand in bench.hands.values():
        draw_arm(canvas, bench, hand)
    for point in bench.falling:
        canvas.ellipse(point, 1.2 + 1.5j, bench.grains)
    return canvas.image
