"""The cook's arms, as they are drawn, with what the hands hold."""

from __future__ import annotations

import cmath
import math

from segtcn.demo.shapes import Canvas, dark, light
from segtcn.demo.things import draw_slice, draw_spoon, draw_thing
from segtcn.demo.worktop import Bench, Hand

_SHOULDERS = {"left": 30 + 330j, "right": 292 + 330j}


def draw_arm(canvas: Canvas, bench: Bench, hand: Hand) -> None:
    """Draw what a hand holds, and above it sleeve, wrist, fingers and thumb."""
    reach = hand.position - _SHOULDERS[hand.side]
    along = reach / abs(reach)
    if hand.tool == "spoon":
        draw_spoon(canvas, bench.places["spoon"], hand.position)
    elif hand.tool:
        draw_thing(canvas, bench, hand.tool)
    # a heap on the palm, three slices wide
    for i, piece in enumerate(bench.carried if hand.side == "right" else ()):
        place = hand.position + 11 * along + 5 * (i % 3 - 1) * (along * 1j) + (i // 3) * 3j
        draw_slice(canvas, place, piece)
    _draw_sleeve(canvas, bench, hand, along)
    _draw_hand(canvas, bench, hand, along)


def _draw_sleeve(canvas: Canvas, bench: Bench, hand: Hand, along: complex) -> None:
    across, root = along * 1j, _SHOULDERS[hand.side]
    wrist = hand.position - 15 * along
    cuff = wrist - 16 * along
    skin, sleeve = bench.skin, bench.sleeve
    canvas.fill((cuff - 9 * across, wrist - 7 * across, wrist + 7 * across, cuff + 9 * across), skin, 3)
    shade = (cuff + 3 * across, wrist + 3 * across, wrist + 7 * across, cuff + 9 * across)
    canvas.fill(shade, dark(skin, 0.16), 1)
    canvas.fill((root - 27 * across, cuff - 12 * across, cuff + 12 * across, root + 27 * across), sleeve, 3)
    shade = (root + 12 * across, cuff + 5 * across, cuff + 12 * across, root + 27 * across)
    canvas.fill(shade, dark(sleeve, 0.14), 1)
    canvas.line((cuff - 12 * across, cuff + 12 * across), light(sleeve, 0.25), 6)


def _draw_hand(canvas: Canvas, bench: Bench, hand: Hand, along: complex) -> None:
    across, mirror = along * 1j, 1 if hand.side == "right" else -1
    shade, tone = dark(bench.skin, 0.16), bench.skin
    reach = 11.0 if hand.closed else 19.0
    for i, (spread, size) in enumerate(((-7.5, 0.85), (-2.7, 1.0), (2.3, 0.98), (7.0, 0.8))):
        base = hand.position + spread * across
        # the fingers of an open hand spread
        fan = 0.0 if hand.closed else spread * 0.35
        tip = base + reach * size * along + fan * across
        canvas.line((base, tip), shade, 6)
        canvas.line((base - 0.6 * across, tip - 0.6 * across - 0.5 * along), tone, 4 if i else 5)
    palm = hand.position - 4 * along
    degrees = math.degrees(cmath.phase(along))
    canvas.ellipse(palm, 13 + 11.5j, shade, degrees)
    canvas.ellipse(palm - 0.8 * across, 12.5 + 10.5j, tone, degrees)
    thumb = hand.position - mirror * 9 * across - 4 * along
    tip = thumb + (9 if hand.closed else 13) * along - mirror * (1 if hand.closed else 5) * across
    canvas.line((thumb, tip), shade, 7)
    canvas.line((thumb - 0.5 * across, tip - 0.5 * across), tone, 5)
