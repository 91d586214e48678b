"""What moves in the kitchen, as it is drawn: vegetables, tools, what is in the bowl, the cook's arms."""

from __future__ import annotations

import cmath
import math

from segtcn.demo.shapes import HANDLE, STEEL, WOOD, Drawing, dark, light, mix, rgb, turn
from segtcn.demo.worktop import VEGETABLE_LENGTH, Bench, Hand, Slice


def draw_thing(drawing: Drawing, bench: Bench, name: str) -> None:
    """Draw a vegetable, the jug, the shaker or the knife where it is; for the spoon see :func:`draw_spoon`."""
    if name in bench.kinds:
        _draw_vegetable(drawing, bench, name)
    else:
        # the origin of the knife is its handle; it points away from the cook
        degrees = -118 if name == "knife" else bench.degrees[name]
        {"jug": _draw_jug, "shaker": _draw_shaker, "knife": _draw_knife}[name](
            drawing.at(bench.places[name], degrees), bench
        )


def _draw_vegetable(drawing: Drawing, bench: Bench, name: str) -> None:
    share = bench.lengths[name]
    length = VEGETABLE_LENGTH * share
    if length < 3:
        return
    kind, degrees = bench.kinds[name], bench.degrees[name]
    skin, flesh = rgb(kind.skin), rgb(kind.flesh)
    lying = drawing.at(bench.places[name], degrees)
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


def draw_slice(drawing: Drawing, place: complex, piece: Slice) -> None:
    """Draw a slice of a vegetable."""
    skin, flesh = rgb(piece.kind.skin), rgb(piece.kind.flesh)
    drawing.ellipse(place + 1 + 1.5j, 6.5 + 5j, dark(skin, 0.35), piece.degrees)
    drawing.ellipse(place, 6.5 + 5j, skin, piece.degrees)
    drawing.ellipse(place, 4.6 + 3.4j, flesh, piece.degrees)


def _draw_jug(jug: Drawing, bench: Bench) -> None:
    colour, left = bench.jug_colour, 22 * (1 - 0.5 * bench.level)
    jug.line((11 - 29j, 19 - 28j, 21 - 18j, 18 - 10j, 10 - 8j), dark(colour, 0.25), 4)
    jug.fill((-11, 11, 12 - 34j, -12 - 34j), colour, 3)
    jug.fill((-10 - 32j, -17 - 36j, -8 - 37j), colour, 2)
    jug.fill((-9 - 1j, 9 - 1j, 10 - left * 1j, -10 - left * 1j), bench.liquid, 2)
    jug.fill((-8 - 4j, -5 - 4j, -5 - 30j, -9 - 30j), light(colour, 0.6))
    jug.line((-13 - 35j, 13 - 35j), dark(colour, 0.12), 2)


def _draw_shaker(shaker: Drawing, bench: Bench) -> None:
    shaker.fill((-7, 7, 6 - 17j, -6 - 17j), bench.shaker_colour, 3)
    shaker.fill((-5 - 2j, -2 - 2j, -2 - 15j, -5 - 15j), light(bench.shaker_colour, 0.6))
    shaker.fill((-6 - 18j, 6 - 18j, 4 - 24j, -4 - 24j), rgb("#8D949B"), 3)


def _draw_knife(knife: Drawing, bench: Bench) -> None:
    knife.fill((10 - 4j, 40 - 4j, 46 + 1j, 40 + 4j, 10 + 4j), dark(STEEL, 0.2))
    knife.fill((10 - 3.5j, 40 - 3.5j, 45 + 0.5j, 10 + 1j), STEEL)
    knife.line((-10, 9), HANDLE, 7)


def draw_spoon(drawing: Drawing, bowl_end: complex, grip: complex) -> None:
    """Draw the spoon between its bowl and a hand."""
    along = (grip - bowl_end) / max(abs(grip - bowl_end), 1e-6)
    drawing.line((bowl_end, grip + 12 * along), dark(WOOD, 0.15), 5)
    drawing.line((bowl_end, grip + 12 * along), light(WOOD, 0.12), 3)
    drawing.ellipse(bowl_end, 7 + 5j, light(WOOD, 0.12), math.degrees(cmath.phase(along)))


def draw_crate(drawing: Drawing, bench: Bench) -> None:
    """Draw the crate, in front of the vegetables in it."""
    drawing.shadow(bench.crate + 22j, 40 + 7j)
    for row in (0j, 11j):
        slat = (-34 - 2j, 34 - 2j, 33 + 6j, -33 + 6j)
        drawing.at(bench.crate + row + 1j).fill(slat, dark(WOOD, 0.3), 2)
        drawing.at(bench.crate + row).fill(slat, light(WOOD, 0.2), 2)
    for side in (-30, 30):
        drawing.at(bench.crate + side).fill((-3 - 4j, 3 - 4j, 3 + 20j, -3 + 20j), WOOD, 1)


def draw_contents(drawing: Drawing, bench: Bench) -> None:
    """Draw what is in the bowl."""
    bowl, level = drawing.at(bench.bowl), bench.level
    if level:
        size = 0.55 + 0.45 * level
        bowl.ellipse(3j + 1j * (1 - level), complex(37 * size, 13.5 * size), bench.liquid)
        bowl.ellipse(-8 + 1j, complex(14 * size, 3.5 * size), light(bench.liquid, 0.35), -8)
    for piece in sorted(bench.contents, key=lambda piece: piece.offset.imag):
        draw_slice(drawing, bench.bowl + piece.offset, piece)


def draw_stream(drawing: Drawing, bench: Bench) -> None:
    """Draw what flows from the jug into the bowl."""
    lip = bench.places["jug"] + (-13 - 34j) * turn(bench.degrees["jug"])
    fall = (0, -5 + 3j, -8 + 12j, complex(-9, (bench.bowl - lip).imag + 4))
    drawing.at(lip).line(fall, dark(bench.liquid, 0.08), 5)
    drawing.at(lip).line(fall, light(bench.liquid, 0.35), 2)


_SHOULDERS = {"left": 30 + 330j, "right": 292 + 330j}


def draw_arm(drawing: Drawing, bench: Bench, hand: Hand) -> None:
    """Draw what a hand holds, and above it sleeve, wrist, fingers and thumb."""
    reach = hand.position - _SHOULDERS[hand.side]
    along = reach / abs(reach)
    if hand.tool == "spoon":
        draw_spoon(drawing, bench.places["spoon"], hand.position)
    elif hand.tool:
        draw_thing(drawing, bench, hand.tool)
    # a heap on the palm, three slices wide
    for i, piece in enumerate(bench.carried if hand.side == "right" else ()):
        place = hand.position + 11 * along + 5 * (i % 3 - 1) * (along * 1j) + (i // 3) * 3j
        draw_slice(drawing, place, piece)
    _draw_sleeve(drawing, bench, hand, along)
    _draw_hand(drawing, bench, hand, along)


def _draw_sleeve(drawing: Drawing, bench: Bench, hand: Hand, along: complex) -> None:
    across, root = along * 1j, _SHOULDERS[hand.side]
    wrist = hand.position - 15 * along
    cuff = wrist - 16 * along
    skin, sleeve = bench.skin, bench.sleeve
    drawing.fill((cuff - 9 * across, wrist - 7 * across, wrist + 7 * across, cuff + 9 * across), skin, 3)
    shade = (cuff + 3 * across, wrist + 3 * across, wrist + 7 * across, cuff + 9 * across)
    drawing.fill(shade, dark(skin, 0.16), 1)
    drawing.fill((root - 27 * across, cuff - 12 * across, cuff + 12 * across, root + 27 * across), sleeve, 3)
    shade = (root + 12 * across, cuff + 5 * across, cuff + 12 * across, root + 27 * across)
    drawing.fill(shade, dark(sleeve, 0.14), 1)
    drawing.line((cuff - 12 * across, cuff + 12 * across), light(sleeve, 0.25), 6)


def _draw_hand(drawing: Drawing, bench: Bench, hand: Hand, along: complex) -> None:
    across, mirror = along * 1j, 1 if hand.side == "right" else -1
    shade, tone = dark(bench.skin, 0.16), bench.skin
    reach = 11.0 if hand.closed else 19.0
    for i, (spread, size) in enumerate(((-7.5, 0.85), (-2.7, 1.0), (2.3, 0.98), (7.0, 0.8))):
        base = hand.position + spread * across
        # the fingers of an open hand spread
        fan = 0.0 if hand.closed else spread * 0.35
        tip = base + reach * size * along + fan * across
        drawing.line((base, tip), shade, 6)
        drawing.line((base - 0.6 * across, tip - 0.6 * across - 0.5 * along), tone, 4 if i else 5)
    palm = hand.position - 4 * along
    degrees = math.degrees(cmath.phase(along))
    drawing.ellipse(palm, 13 + 11.5j, shade, degrees)
    drawing.ellipse(palm - 0.8 * across, 12.5 + 10.5j, tone, degrees)
    thumb = hand.position - mirror * 9 * across - 4 * along
    tip = thumb + (9 if hand.closed else 13) * along - mirror * (1 if hand.closed else 5) * across
    drawing.line((thumb, tip), shade, 7)
    drawing.line((thumb - 0.5 * across, tip - 0.5 * across), tone, 5)
