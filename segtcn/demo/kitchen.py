"""The drawn world of the embedded data set: a cook at a kitchen bench, filmed from above."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from segtcn.demo.actions import ACTS, Step
from segtcn.demo.backdrop import draw_backdrop
from segtcn.demo.shapes import HEIGHT, MARGIN, WIDTH, Drawing, Image
from segtcn.demo.things import draw_arm, draw_contents, draw_crate, draw_slice, draw_spoon, draw_stream, draw_thing
from segtcn.demo.worktop import VEGETABLE_LENGTH, Bench


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
    drawing = Drawing(backdrop.copy())
    held = {hand.tool for hand in bench.hands.values()}
    in_crate = [name for name in bench.kinds if bench.places[name] == bench.homes[name]]
    for name in in_crate:
        draw_thing(drawing, bench, name)
    draw_crate(drawing, bench)
    for name in [name for name in ("jug", "shaker") if name not in held]:
        drawing.shadow(bench.places[name] + 3 + 1j, 16 + 5j)
        draw_thing(drawing, bench, name)
    for name in bench.kinds:
        if name not in held and name not in in_crate:
            length = VEGETABLE_LENGTH * bench.lengths[name]
            drawing.shadow(bench.places[name] + length / 2 + 5j, length / 2 + 8j, 0.25 if length >= 3 else 0.0)
            draw_thing(drawing, bench, name)
    for piece in bench.slices:
        draw_slice(drawing, bench.board + piece.offset, piece)
    if "knife" not in held:
        draw_thing(drawing, bench, "knife")
    draw_contents(drawing, bench)
    if "spoon" not in held:
        draw_spoon(drawing, bench.places["spoon"] - 14 + 20j, bench.places["spoon"] + 18 - 12j)
    if bench.is_pouring:
        draw_stream(drawing, bench)
    for hand in bench.hands.values():
        draw_arm(drawing, bench, hand)
    for point in bench.falling:
        drawing.ellipse(point, 1.2 + 1.5j, bench.grains)
    return drawing.image


class Camera:
    """A hand-held camera in changing light: shake, gain drift, sensor noise.

    Args:
        fps: frames per second.
        rng: chooses how it shakes, and the light.
    """

    def __init__(self, fps: float, rng: np.random.Generator) -> None:
        self.fps, self.rng, self.time_s = fps, rng, 0.0
        self.phases = rng.uniform(0, 2 * math.pi, (5, 2))
        self.rates = rng.uniform(0.15, 1.1, (3, 2))
        self.gain = rng.normal(1.0, 0.04)
        self.drift = rng.uniform(0.02, 0.06)
        self.warmth = rng.normal(0.0, 0.025)
        # one large field of noise, a different window of it in every frame
        sigma = rng.uniform(1.5, 3.0)
        noise = 128 + sigma * rng.standard_normal((HEIGHT + 64, WIDTH + 64, 3))
        self.noise: Image = np.clip(np.rint(noise), 0, 255).astype(np.uint8)

    def take(self, picture: Image) -> Image:
        """Film the drawn picture ``(HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN, 3)``."""
        import cv2

        image = cv2.warpAffine(picture, self._shake(), (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
        slow = np.sin(2 * math.pi * 0.06 * self.time_s + self.phases[3])
        gain = self.gain * (1 + self.drift * slow[0])
        warmth = self.warmth + 0.015 * slow[1]
        levels = np.arange(256)[:, None] * gain * np.array([1 - warmth, 1.0, 1 + warmth])
        image = cv2.LUT(image, np.clip(np.rint(levels), 0, 255).astype(np.uint8)[None])
        row, column = self.rng.integers(0, 64, 2)
        self.time_s += 1 / self.fps
        noise = self.noise[row : row + HEIGHT, column : column + WIDTH]
        return np.asarray(cv2.addWeighted(image, 1.0, noise, 1.0, -128.0), dtype=np.uint8)

    def _shake(self) -> npt.NDArray[np.float64]:
        """Turn, zoom and shift around the middle, as an affine map ``(2, 3)``."""
        waves = np.sin(2 * math.pi * self.rates * self.time_s + self.phases[:3])
        x, y = 0.9 * waves[:2].sum(0) + self.rng.normal(0, 0.15, 2)
        angle = math.radians(0.35) * waves[2, 0]
        zoom = 1 + 0.006 * waves[2, 1]
        cos, sin = zoom * math.cos(angle), zoom * math.sin(angle)
        centre_x, centre_y = WIDTH / 2 + MARGIN, HEIGHT / 2 + MARGIN
        shift_x = WIDTH / 2 + x - cos * centre_x + sin * centre_y
        shift_y = HEIGHT / 2 + y - sin * centre_x - cos * centre_y
        return np.array([[cos, -sin, shift_x], [sin, cos, shift_y]])
