"""The kitchen bench: what lies on it, where, in which colours, and the cook's two hands.

The sizes are pixels of the visible picture, found by looking at it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from segtcn.demo.shapes import Colour, rgb

NUM_COOKS = 4
VEGETABLE_LENGTH = 62.0

_BOARD, _BOWL = 98 + 156j, 222 + 152j
_HOMES = {"jug": 196 + 76j, "shaker": 244 + 74j, "knife": 164 + 150j, "spoon": 240 + 128j}
_SPOTS = {"jug": 288 + 136j, "shaker": 282 + 186j}
_CRATE = 72 + 70j
REST = {"left": 92 + 226j, "right": 232 + 230j}
"""Where hands rest."""

UPRIGHT = -78.0
"""Degrees of a vegetable in the crate."""


class Vegetable(NamedTuple):
    """A kind of vegetable.

    Args:
        skin: its colour.
        flesh: its colour.
        taper: width of the thin end as a share of the thick end.
        width: of the thick end.
    """

    skin: str
    flesh: str
    taper: float
    width: float


_VEGETABLES = (
    Vegetable("#E8772E", "#F7A55B", 0.35, 17),  # carrot
    Vegetable("#4E8F3A", "#C9DF9B", 0.9, 16),  # cucumber
    Vegetable("#5B2F5F", "#E9DDB8", 0.6, 19),  # aubergine
    Vegetable("#D9B02F", "#F6E9A9", 0.8, 16),  # yellow courgette
    Vegetable("#B5392F", "#F1B59A", 0.55, 17),  # pointed pepper
)
_SLEEVES = ("#3F6C8F", "#B4534B", "#5C7A55", "#D8A23F")
_SKINS = ("#E8B48F", "#8A5A3C", "#F0C7A6", "#B97F58")
_WALLS = ("#CFE0DC", "#F0DDC8", "#D5DBEA", "#E6E3D3", "#E9D3D0", "#C9D8C4")
_COUNTERS = ("#C79A6B", "#B58356", "#D9C3A5", "#A9ADB0", "#8F6A4D", "#C8B9AE")
_BOARDS = ("#E3BE8A", "#D2A86F", "#EAD2A8", "#F1EEE6", "#B98A55")
_BOWLS = ("#F4F1EA", "#6FA3B8", "#D98B73", "#8FAE8B", "#E4C25F", "#5F6F86")
_JUGS = ("#DDEBEE", "#E9B9A5", "#F2EDE2", "#9FC3CC")
_LIQUIDS = ("#8CC7E8", "#F5F0E1", "#E5B93C", "#C45B6A")
_SHAKERS = ("#F6F4EF", "#C9CED2", "#D9745B", "#7C9A92")


@dataclass
class Hand:
    """A hand, and the tool in it, or ""."""

    side: str
    position: complex
    closed: bool = False
    tool: str = ""


class Slice(NamedTuple):
    """A slice of a vegetable, ``offset`` from the centre of board or bowl."""

    offset: complex
    kind: Vegetable
    degrees: float


class Bench:
    """Everything that can be seen, as it is at one moment.

    Args:
        cook: skin, sleeves and pace of the hands.
        fps: frames per second.
        rng: chooses colours and places. The order of the draws decides what a seed looks like.
    """

    def __init__(self, cook: int, fps: float, rng: np.random.Generator) -> None:
        self.fps, self.rng = fps, rng
        self.pace = 0.88 + 0.08 * cook + rng.uniform(-0.06, 0.06)
        self.skin, self.sleeve = rgb(_SKINS[cook % NUM_COOKS]), rgb(_SLEEVES[cook % NUM_COOKS])
        self.counter, self.board_colour = self._pick(_COUNTERS), self._pick(_BOARDS)
        self.bowl_colour, self.jug_colour = self._pick(_BOWLS), self._pick(_JUGS)
        self.liquid, self.shaker_colour = self._pick(_LIQUIDS), self._pick(_SHAKERS)
        self.grains = rgb("#FFFFFF") if rng.random() < 0.6 else rgb("#4A4038")

        self.board, self.bowl = _BOARD + self.scatter(3), _BOWL + self.scatter(3)
        kinds = [_VEGETABLES[i] for i in rng.permutation(len(_VEGETABLES))]
        self.kinds = {f"vegetable{i}": kinds[i] for i in range(2)}
        self.homes = {name: place + self.scatter(3) for name, place in _HOMES.items()}
        self.crate = _CRATE + self.scatter(3)
        self.homes["knife"] = _HOMES["knife"] + (self.board - _BOARD)
        self.homes["spoon"] = _HOMES["spoon"] + (self.bowl - _BOWL)
        self.homes |= {name: self.crate - 12 + 22 * i + 10j for i, name in enumerate(self.kinds)}
        self.spots = {name: place + self.scatter(3) for name, place in _SPOTS.items()}
        self.spots |= dict.fromkeys(self.kinds, self.board - 36 + 4j)

        self.places = dict(self.homes)
        self.degrees = dict.fromkeys(self.places, 0.0) | dict.fromkeys(self.kinds, UPRIGHT)
        self.lengths = dict.fromkeys(self.kinds, 1.0)  # as a share of what it was
        self.peeled = dict.fromkeys(self.kinds, 0.0)
        self.slices: list[Slice] = []  # on the board
        self.contents: list[Slice] = []  # of the bowl
        self.carried: list[Slice] = []
        self.level = 0.0  # of liquid in the bowl
        self.is_pouring = False
        self.falling: list[complex] = []  # grains in the air
        self.hands = {side: Hand(side, place + self.scatter(6)) for side, place in REST.items()}
        self.wall = self._pick(_WALLS)

    def _pick(self, codes: Sequence[str]) -> Colour:
        """One of the colours, a little lighter or darker, warmer or colder."""
        blue, green, red = rgb(codes[int(self.rng.integers(len(codes)))])
        gains = self.rng.normal(1.0, 0.03) * self.rng.normal(1.0, 0.02, 3)
        return (min(blue * gains[0], 255.0), min(green * gains[1], 255.0), min(red * gains[2], 255.0))

    def scatter(self, size: float) -> complex:
        """A random offset of at most ``size`` pixels to each side."""
        x, y = self.rng.uniform(-size, size, 2)
        return complex(x, y)

    def side(self, item: str) -> str:
        """Which hand takes an item."""
        return "left" if item in self.kinds else "right"

    def grip(self, item: str) -> complex:
        """Where a hand holds an item, from the item's place."""
        return {"jug": 17 - 18j, "shaker": 2 - 1j}.get(item, 2 + 0j)
