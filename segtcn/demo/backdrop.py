"""Everything in the kitchen that never moves: wall, counter, jar, plant, board and bowl."""

from __future__ import annotations

import math

import numpy as np

from segtcn.demo.shapes import HEIGHT, MARGIN, WHITE, WIDTH, WOOD, Drawing, Image, dark, light, mix, rgb, turn
from segtcn.demo.worktop import Bench

_EDGE = 50
"""Where the wall ends and the counter begins."""


def draw_backdrop(bench: Bench) -> Image:
    """The picture on which all others are drawn, ``(HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN, 3)``."""
    drawing = Drawing(np.full((HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN, 3), bench.wall, dtype=np.uint8))
    _draw_wall(drawing, bench)
    _draw_counter(drawing, bench)
    _draw_jar_and_plant(drawing, bench)
    _draw_board(drawing, bench)
    _draw_bowl(drawing, bench)
    return _lit(drawing.image)


def _draw_wall(drawing: Drawing, bench: Bench) -> None:
    for row in range(-1, 5):
        for column in range(-1, 14):
            x, y = column * 27 + (13 if row % 2 else 0) - 8, row * 13 - 8
            tone = mix(bench.wall, WHITE, float(bench.rng.uniform(0.0, 0.3)))
            drawing.fill((x + y * 1j, x + 25 + y * 1j, x + 25 + (y + 11) * 1j, x + (y + 11) * 1j), tone)


def _draw_counter(drawing: Drawing, bench: Bench) -> None:
    import cv2

    drawing.fill((-20 + _EDGE * 1j, 340 + _EDGE * 1j, 340 + 260j, -20 + 260j), bench.counter)
    area = drawing.image[_EDGE + MARGIN :]
    noise = bench.rng.normal(size=area.shape[:2]).astype(np.float32)
    veins = np.asarray(cv2.GaussianBlur(noise, (0, 0), sigmaX=14, sigmaY=0.8))
    # wood: noise that is drawn out sideways
    veins = veins * (0.05 / veins.std())
    area[:] = np.clip(area * (1 + veins[..., None]), 0, 255).astype(np.uint8)
    drawing.fill((-20 + 50j, 340 + 50j, 340 + 54j, -20 + 54j), dark(bench.counter, 0.3))
    drawing.fill((-20 + 54j, 340 + 54j, 340 + 56j, -20 + 56j), light(bench.counter, 0.3))


def _draw_jar_and_plant(drawing: Drawing, bench: Bench) -> None:
    drawing.shadow(133 + 82j, 20 + 6j)
    for degrees, length in ((-112, 36), (-94, 42), (-72, 38)):
        tip = 131 + 60j + length * turn(degrees)
        drawing.line((131 + 66j, tip), WOOD, 3)
        drawing.ellipse(tip, 6 + 4j, WOOD, degrees)
    jar = mix(bench.bowl_colour, bench.jug_colour, 0.5)
    drawing.fill((121 + 58j, 143 + 58j, 141 + 80j, 123 + 80j), dark(jar, 0.12), 3)
    drawing.fill((121 + 58j, 128 + 58j, 128 + 80j, 123 + 80j), jar, 2)
    drawing.shadow(306 + 86j, 22 + 6j)
    for degrees in (-150, -120, -95, -70, -40):
        tip = 303 + 62j + 24 * turn(degrees)
        drawing.ellipse(tip, 14 + 6j, mix(rgb("#5F8F5B"), WHITE, (degrees + 150) / 500), degrees)
    drawing.fill((288 + 64j, 318 + 64j, 314 + 84j, 292 + 84j), rgb("#C4714F"), 3)


def _draw_board(drawing: Drawing, bench: Bench) -> None:
    drawing.shadow(bench.board + 3 + 36j, 66 + 8j)
    outline = (-60 - 34j, 60 - 34j, 68 + 34j, -68 + 34j)
    board = drawing.at(bench.board)
    drawing.at(bench.board + 5j).fill(outline, dark(bench.board_colour, 0.3), 6)
    board.fill(outline, bench.board_colour, 6)
    for share in (0.16, 0.34, 0.55, 0.78):
        across = complex(62 + 6 * share, -34 + 68 * share)
        board.line((complex(-across.real, across.imag), across), dark(bench.board_colour, 0.07), 1)
    board.ellipse(-54 - 27j, 5 + 3j, dark(bench.counter, 0.15))


def _draw_bowl(drawing: Drawing, bench: Bench) -> None:
    drawing.shadow(bench.bowl + 5 + 38j, 42 + 10j, 0.3)
    bowl, colour = drawing.at(bench.bowl), bench.bowl_colour
    angles = np.linspace(0, math.pi, 30)
    bowl.fill(46 * np.cos(angles) + 1j * (44 * np.sin(angles) ** 0.8), dark(colour, 0.14))
    bowl.fill(-6 + 34 * np.cos(angles) + 1j * (38 * np.sin(angles) ** 0.8), colour)
    for centre, axes, tone in (
        (0, 46 + 21j, light(colour, 0.35)),
        (1j, 42 + 17.5j, dark(colour, 0.3)),
        (3j, 38 + 14j, dark(colour, 0.18)),
    ):
        bowl.ellipse(centre, axes, tone)


def _lit(image: Image) -> Image:
    """Light falls in from the upper left."""
    import cv2

    height, width = image.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    glow = 1.06 - 0.2 * np.hypot(x / width - 0.35, y / height - 0.35)
    lit: Image = np.clip(image * glow[..., None], 0, 255).astype(np.uint8)
    return np.asarray(cv2.GaussianBlur(lit, (0, 0), 0.5), dtype=np.uint8)
