"""What can be moved in the kitchen, as it is drawn: vegetables, slices, tools, and what is in the bowl."""

from __future__ import annotations

import cmath
import math

from segtcn.demo.shapes import HANDLE, STEEL, WOOD, Canvas, dark, light, mix, rgb, turn
from segtcn.demo.worktop import VEGETABLE_LENGTH, Bench, Slice


def draw_thing(canvas: Canvas, bench: Bench, name: str) -> None:
    """Draw a vegetable, the jug, the shaker or the knife where it is; for the spoon see :func:`draw_spoon`."""
    if name in bench.kinds:
        _draw_vegetable(canvas, bench, name)
    else:
        # the origin of the knife is its handle; it points away from the cook
        degrees = -118 if name == "knife" else bench.degrees[name]
        {"jug": _draw_jug, "shaker": _draw_shaker, "knife": _draw_knife}[name](
            canvas.at(bench.places[name], degrees), bench
        )


def _draw_vegetable(canvas: Canvas, bench: Bench, name: str) -> None:
    share = bench.lengths[name]
    length = VEGETABLE_LENGTH * share
    if length < 3:
        return
    kind, degrees = bench.kinds[name], bench.degrees[name]
    skin, flesh = rgb(kind.skin), rgb(kind.flesh)
    lying = canvas.at(bench.places[name], degrees)
    # the stem is left: the far end of a half-cut vegetable is as wide as it was there
    near, far = (kind.width / 2 * (1 - (1 - kind.taper) * share) for share in (0.0, share))
    lying.line((-3, -9 - 1j), mix(rgb("#5F8F3F"), skin, 0.2), 5)
    lying.ellipse(0, complex(near * 0.7, near), skin, degrees)
    lying.fill((-1j * near, length - 1j * far, length + 1j * far, 1j * near), skin)
    is_cut = share < 0.999
    lying.ellipse(length, complex(far * (0.4 if is_cut else 0.8), far), flesh if is_cut else skin, degrees)
    if bench.peeled[name] > 0:
        stop = min(bench.peeled[name] * VEGETABLE_LENGTH + 10, length)
        width = near + (far - near) * stop / length
        lying.fill((6 - 0.75j * near, stop - 0.75j * width, stop + 0.45j * width, 6 + 0.45j * near), flesh, 2)
    else:
        tip = 0.9 * length
        shine = (3 - 0.62j * near, tip - 0.62j * far, tip - 0.25j * far, 3 - 0.25j * near)
        lying.fill(shine, light(skin, 0.25))


def draw_slice(canvas: Canvas, place: complex, piece: Slice) -> None:
    """Draw a slice of a vegetable."""
    skin, flesh = rgb(piece.kind.skin), rgb(piece.kind.flesh)
    canvas.ellipse(place + 1 + 1.5j, 6.5 + 5j, dark(skin, 0.35), piece.degrees)
    canvas.ellipse(place, 6.5 + 5j, skin, piece.degrees)
    canvas.ellipse(place, 4.6 + 3.4j, flesh, piece.degrees)


def _draw_jug(jug: Canvas, bench: Bench) -> None:
    colour, left = bench.jug_colour, 22 * (1 - 0.5 * bench.level)
    jug.line((11 - 29j, 19 - 28j, 21 - 18j, 18 - 10j, 10 - 8j), dark(colour, 0.25), 4)
    jug.fill((-11, 11, 12 - 34j, -12 - 34j), colour, 3)
    jug.fill((-10 - 32j, -17 - 36j, -8 - 37j), colour, 2)
    jug.fill((-9 - 1j, 9 - 1j, 10 - left * 1j, -10 - left * 1j), bench.liquid, 2)
    jug.fill((-8 - 4j, -5 - 4j, -5 - 30j, -9 - 30j), light(colour, 0.6))
    jug.line((-13 - 35j, 13 - 35j), dark(colour, 0.12), 2)


def _draw_shaker(shaker: Canvas, bench: Bench) -> None:
    shaker.fill((-7, 7, 6 - 17j, -6 - 17j), bench.shaker_colour, 3)
    shaker.fill((-5 - 2j, -2 - 2j, -2 - 15j, -5 - 15j), light(bench.shaker_colour, 0.6))
    shaker.fill((-6 - 18j, 6 - 18j, 4 - 24j, -4 - 24j), rgb("#8D949B"), 3)


def _draw_knife(knife: Canvas, bench: Bench) -> None:
    knife.fill((10 - 4j, 40 - 4j, 46 + 1j, 40 + 4j, 10 + 4j), dark(STEEL, 0.2))
    knife.fill((10 - 3.5j, 40 - 3.5j, 45 + 0.5j, 10 + 1j), STEEL)
    knife.line((-10, 9), HANDLE, 7)


def draw_spoon(canvas: Canvas, bowl_end: complex, grip: complex) -> None:
    """Draw the spoon between its bowl and a hand."""
    along = (grip - bowl_end) / max(abs(grip - bowl_end), 1e-6)
    canvas.line((bowl_end, grip + 12 * along), dark(WOOD, 0.15), 5)
    canvas.line((bowl_end, grip + 12 * along), light(WOOD, 0.12), 3)
    canvas.ellipse(bowl_end, 7 + 5j, light(WOOD, 0.12), math.degrees(cmath.phase(along)))


def draw_crate(canvas: Canvas, bench: Bench) -> None:
    """Draw the crate, in front of the vegetables in it."""
    canvas.shadow(bench.crate + 22j, 40 + 7j)
    for row in (0j, 11j):
        slat = (-34 - 2j, 34 - 2j, 33 + 6j, -33 + 6j)
        canvas.at(bench.crate + row + 1j).fill(slat, dark(WOOD, 0.3), 2)
        canvas.at(bench.crate + row).fill(slat, light(WOOD, 0.2), 2)
    for side in (-30, 30):
        canvas.at(bench.crate + side).fill((-3 - 4j, 3 - 4j, 3 + 20j, -3 + 20j), WOOD, 1)


def draw_contents(canvas: Canvas, bench: Bench) -> None:
    """Draw what is in the bowl."""
    bowl, level = canvas.at(bench.bowl), bench.level
    if level:
        size = 0.55 + 0.45 * level
        bowl.ellipse(3j + 1j * (1 - level), complex(37 * size, 13.5 * size), bench.liquid)
        bowl.ellipse(-8 + 1j, complex(14 * size, 3.5 * size), light(bench.liquid, 0.35), -8)
    for piece in sorted(bench.contents, key=lambda piece: piece.offset.imag):
        draw_slice(canvas, bench.bowl + piece.offset, piece)


def draw_stream(canvas: Canvas, bench: Bench) -> None:
    """Draw what flows from the jug into the bowl."""
    lip = bench.places["jug"] + (-13 - 34j) * turn(bench.degrees["jug"])
    fall = (0, -5 + 3j, -8 + 12j, complex(-9, (bench.bowl - lip).imag + 4))
    canvas.at(lip).line(fall, dark(bench.liquid, 0.08), 5)
    canvas.at(lip).line(fall, light(bench.liquid, 0.35), 2)
