"""The drawn world of the embedded data set: a cook at a kitchen bench, filmed from above.

Everything is drawn with OpenCV into small pictures. Points are complex numbers ``x + iy`` in pixels, so that
``shape * scale * turn + position`` places a shape.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Colour = tuple[float, float, float]
Points = npt.NDArray[np.complex128]

WIDTH, HEIGHT = 320, 240
MARGIN = 8
"""Pixels drawn around the visible picture, so that a shaking camera never sees an edge."""

ACTIONS = ("background", "take", "peel", "cut", "add", "pour", "shake", "stir", "put")
"""What the cook does; ``take`` and ``put`` differ in order, ``peel`` and ``cut`` in direction of motion only."""

NUM_COOKS = 4


class Step(NamedTuple):
    """One action of a clip.

    Args:
        action: one of :data:`ACTIONS`.
        num_frames: its duration in frames.
        item: what it is done with: ``"vegetable0"``, ``"vegetable1"``, ``"jug"`` or ``"shaker"``; "" where it is clear.
    """

    action: str
    num_frames: int
    item: str = ""


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
    kitchen = _Kitchen(cook, fps, rng)
    camera = _Camera(fps, rng)
    for index, step in enumerate(steps):
        for picture in kitchen.play(step, steps[index + 1 :]):
            yield camera.take(picture)


# The sizes below are pixels of the visible picture, found by looking at it.

BOARD, BOWL = 98 + 156j, 222 + 152j
HOMES = {"jug": 196 + 76j, "shaker": 244 + 74j, "knife": 164 + 150j, "spoon": 240 + 128j}
SPOTS = {"jug": 288 + 136j, "shaker": 282 + 186j}
CRATE = 72 + 70j
REST = {"left": 92 + 226j, "right": 232 + 230j}
SHOULDERS = {"left": 30 + 330j, "right": 292 + 330j}
VEGETABLE_LENGTH = 62.0


class _Vegetable(NamedTuple):
    skin: str
    flesh: str
    taper: float
    """Width of the thin end as a share of the thick end."""
    width: float


VEGETABLES = (
    _Vegetable("#E8772E", "#F7A55B", 0.35, 17),  # carrot
    _Vegetable("#4E8F3A", "#C9DF9B", 0.9, 16),  # cucumber
    _Vegetable("#5B2F5F", "#E9DDB8", 0.6, 19),  # aubergine
    _Vegetable("#D9B02F", "#F6E9A9", 0.8, 16),  # yellow courgette
    _Vegetable("#B5392F", "#F1B59A", 0.55, 17),  # pointed pepper
)
SLEEVES = ("#3F6C8F", "#B4534B", "#5C7A55", "#D8A23F")
SKINS = ("#E8B48F", "#8A5A3C", "#F0C7A6", "#B97F58")
WALLS = ("#CFE0DC", "#F0DDC8", "#D5DBEA", "#E6E3D3", "#E9D3D0", "#C9D8C4")
COUNTERS = ("#C79A6B", "#B58356", "#D9C3A5", "#A9ADB0", "#8F6A4D", "#C8B9AE")
BOARDS = ("#E3BE8A", "#D2A86F", "#EAD2A8", "#F1EEE6", "#B98A55")
BOWLS = ("#F4F1EA", "#6FA3B8", "#D98B73", "#8FAE8B", "#E4C25F", "#5F6F86")
JUGS = ("#DDEBEE", "#E9B9A5", "#F2EDE2", "#9FC3CC")
LIQUIDS = ("#8CC7E8", "#F5F0E1", "#E5B93C", "#C45B6A")
SHAKERS = ("#F6F4EF", "#C9CED2", "#D9745B", "#7C9A92")


def _rgb(code: str) -> Colour:
    """OpenCV's blue, green, red from ``#RRGGBB``."""
    return (float(int(code[5:7], 16)), float(int(code[3:5], 16)), float(int(code[1:3], 16)))


def _mix(a: Colour, b: Colour, share: float) -> Colour:
    return (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share)


BLACK, WHITE = _rgb("#20242B"), _rgb("#FFFFFF")
STEEL, HANDLE, WOOD = _rgb("#D5DBE0"), _rgb("#3A3F47"), _rgb("#B07E4C")


def _dark(colour: Colour, share: float = 0.2) -> Colour:
    return _mix(colour, BLACK, share)


def _light(colour: Colour, share: float = 0.3) -> Colour:
    return _mix(colour, WHITE, share)


def _ease(share: float) -> float:
    """From 0 to 1 with rest at both ends, as hands move."""
    share = min(max(share, 0.0), 1.0)
    return share * share * (3 - 2 * share)


def _along(share: float, *stops: tuple[float, complex]) -> complex:
    """Walk from stop to stop, ``(share, point)``, resting at each."""
    for (begin, a), (end, b) in pairwise(stops):
        if share < end:
            return a + (b - a) * _ease((share - begin) / (end - begin))
    return stops[-1][1]


def _turn(degrees: float) -> complex:
    return cmath.exp(1j * math.radians(degrees))


def _shape(*points: complex) -> Points:
    return np.array(points, dtype=np.complex128)


class _Canvas:
    """A picture to draw on, anti-aliased and at fractions of a pixel."""

    SHIFT = 4  # binary digits after the point in OpenCV's coordinates

    def __init__(self, image: Image) -> None:
        import cv2

        self.cv2: Any = cv2
        self.image = image

    def _fixed(self, points: Points) -> npt.NDArray[np.int32]:
        scaled = (points + (MARGIN + MARGIN * 1j)) * (1 << self.SHIFT)
        return np.rint(scaled.view(np.float64)).astype(np.int32).reshape(-1, 2)

    def fill(self, points: Points, colour: Colour, rounding: int = 0) -> None:
        """A polygon; ``rounding`` pixels of outline in the same colour make its corners round."""
        fixed = self._fixed(points)
        self.cv2.fillPoly(self.image, [fixed], colour, self.cv2.LINE_AA, self.SHIFT)
        if rounding:
            self.cv2.polylines(self.image, [fixed], True, colour, rounding, self.cv2.LINE_AA, self.SHIFT)

    def line(self, points: Points, colour: Colour, width: float) -> None:
        fixed = self._fixed(points)
        self.cv2.polylines(self.image, [fixed], False, colour, max(1, round(width)), self.cv2.LINE_AA, self.SHIFT)

    def ellipse(self, centre: complex, axes: complex, colour: Colour, degrees: float = 0.0, width: int = -1) -> None:
        """Half axes ``a + ib``; filled unless ``width`` is given."""
        x, y = self._fixed(np.array([centre]))[0].tolist()
        half = (round(axes.real * (1 << self.SHIFT)), round(axes.imag * (1 << self.SHIFT)))
        self.cv2.ellipse(
            self.image, (x, y), half, degrees, 0, 360, colour, width, lineType=self.cv2.LINE_AA, shift=self.SHIFT
        )

    def shadow(self, centre: complex, axes: complex, strength: float = 0.25) -> None:
        """Darken an ellipse of whatever lies there."""
        left, top = int(centre.real - axes.real) + MARGIN - 2, int(centre.imag - axes.imag) + MARGIN - 2
        right, bottom = int(centre.real + axes.real) + MARGIN + 3, int(centre.imag + axes.imag) + MARGIN + 3
        rows, columns = slice(max(top, 0), max(bottom, 0)), slice(max(left, 0), max(right, 0))
        before = self.image[rows, columns].copy()
        self.ellipse(centre, axes, BLACK)
        after = self.image[rows, columns]
        if after.size:
            after[:] = self.cv2.addWeighted(after, strength, before, 1 - strength, 0)


@dataclass
class _Hand:
    side: str
    position: complex
    closed: bool = False
    tool: str = ""


class _Slice(NamedTuple):
    offset: complex
    kind: _Vegetable
    degrees: float


class _Kitchen:
    """The bench, what lies on it, and the cook's two hands."""

    def __init__(self, cook: int, fps: float, rng: np.random.Generator) -> None:
        self.fps, self.rng = fps, rng
        self.pace = 0.88 + 0.08 * cook + rng.uniform(-0.06, 0.06)
        self.skin, self.sleeve = _rgb(SKINS[cook % NUM_COOKS]), _rgb(SLEEVES[cook % NUM_COOKS])
        self.counter, self.board_colour = self._pick(COUNTERS), self._pick(BOARDS)
        self.bowl_colour, self.jug_colour = self._pick(BOWLS), self._pick(JUGS)
        self.liquid, self.shaker_colour = self._pick(LIQUIDS), self._pick(SHAKERS)
        self.grains = _rgb("#FFFFFF") if rng.random() < 0.6 else _rgb("#4A4038")

        self.board, self.bowl = BOARD + self._scatter(3), BOWL + self._scatter(3)
        kinds = [VEGETABLES[i] for i in rng.permutation(len(VEGETABLES))]
        self.kinds = {f"vegetable{i}": kinds[i] for i in range(2)}
        self.homes = {name: place + self._scatter(3) for name, place in HOMES.items()}
        self.crate = CRATE + self._scatter(3)
        self.homes["knife"] = HOMES["knife"] + (self.board - BOARD)
        self.homes["spoon"] = HOMES["spoon"] + (self.bowl - BOWL)
        self.homes |= {name: self.crate - 12 + 22 * i + 10j for i, name in enumerate(self.kinds)}
        self.spots = {name: place + self._scatter(3) for name, place in SPOTS.items()}
        self.spots |= dict.fromkeys(self.kinds, self.board - 36 + 4j)

        self.places = dict(self.homes)
        self.degrees = dict.fromkeys(self.places, 0.0) | dict.fromkeys(self.kinds, -78.0)
        self.degrees |= {"knife": 0.0, "spoon": 0.0}
        self.lengths = dict.fromkeys(self.kinds, 1.0)
        self.peeled = dict.fromkeys(self.kinds, 0.0)
        self.slices: list[_Slice] = []
        self.contents: list[_Slice] = []
        self.carried: list[_Slice] = []
        self.level = 0.0
        self.stream = False
        self.falling: list[complex] = []
        self.hands = {side: _Hand(side, place + self._scatter(6)) for side, place in REST.items()}
        self.backdrop = self._draw_backdrop(self._pick(WALLS))

    def _pick(self, codes: Sequence[str]) -> Colour:
        """One of the colours, a little lighter or darker, warmer or colder."""
        blue, green, red = _rgb(codes[int(self.rng.integers(len(codes)))])
        gains = self.rng.normal(1.0, 0.03) * self.rng.normal(1.0, 0.02, 3)
        return (min(blue * gains[0], 255.0), min(green * gains[1], 255.0), min(red * gains[2], 255.0))

    def _scatter(self, size: float) -> complex:
        x, y = self.rng.uniform(-size, size, 2)
        return complex(x, y)

    # What happens in a step. Each action is a function of the share of the step that has passed and of its seconds.

    def play(self, step: Step, later: Sequence[Step]) -> Iterator[Image]:
        """Act and draw one step."""
        act: Callable[[float, float], None] = getattr(self, f"_{step.action}")(step, later)
        for index in range(step.num_frames):
            self.stream, self.falling = False, []
            act((index + 0.5) / step.num_frames, index / self.fps)
            yield self._draw()

    def _background(self, step: Step, later: Sequence[Step]) -> Callable[[float, float], None]:
        """Idle hands: at rest, out of sight, or wandering over the bench."""
        manner = self.rng.choice(["rest", "away", "wander"], p=[0.55, 0.2, 0.25])
        begin = {side: hand.position for side, hand in self.hands.items()}
        goal = {side: place + self._scatter(8) + (70j if manner == "away" else 0) for side, place in REST.items()}
        if manner == "wander":
            side = str(self.rng.choice(["left", "right"]))
            goal[side] = (self.board if side == "left" else self.bowl) + self._scatter(24) + 22j
        phase = self.rng.uniform(0, 6.28)

        def act(share: float, time_s: float) -> None:
            for side, hand in self.hands.items():
                sway = 2.0 * cmath.exp(1j * (2.1 * time_s + phase)) * min(time_s, 1.0)
                hand.position = _along(time_s / 0.6, (0, begin[side]), (1, goal[side])) + sway
                hand.closed, hand.tool = False, ""

        return act

    def _side(self, item: str) -> str:
        return "left" if item in self.kinds else "right"

    def _grip(self, item: str) -> complex:
        """Where a hand holds an item, from the item's place."""
        return {"jug": 17 - 18j, "shaker": 2 - 1j}.get(item, 2 + 0j)

    def _carry(self, step: Step, begin: complex, end: complex, leave: float, arrive: float) -> Callable[[float], bool]:
        """Move the step's item from ``begin`` to ``end`` with a hand; returns a function that says if it is held."""
        hand, item = self.hands[self._side(step.item)], step.item
        turn = (-78.0, 0.0) if end == self.spots[item] else (0.0, -78.0)
        if item not in self.kinds:
            turn = (0.0, 0.0)
        arc = -14j

        def move(share: float) -> bool:
            through = (share - leave) / (arrive - leave)
            held = 0 <= through <= 1
            if through >= 0:
                lift = arc * math.sin(math.pi * min(through, 1.0))
                self.places[item] = _along(through, (0, begin), (1, end)) + lift
                self.degrees[item] = turn[0] + (turn[1] - turn[0]) * _ease(through)
            if held:
                hand.position = self.places[item] + self._grip(item)
            hand.closed, hand.tool = held, item if held else ""
            return held

        return move

    def _rest(self, side: str, time_s: float, begin: complex) -> None:
        """The hand that has nothing to do moves to its resting place."""
        hand = self.hands[side]
        hand.closed, hand.tool = False, ""
        hand.position = _along(time_s / 0.6, (0, begin), (1, REST[side])) + cmath.exp(2j * time_s)

    def _take(self, step: Step, later: Sequence[Step]) -> Callable[[float, float], None]:
        item, side = step.item, self._side(step.item)
        home, spot = self.homes[item], self.spots[item]
        other_side = "left" if side == "right" else "right"
        begin, idle = self.hands[side].position, self.hands[other_side].position
        move = self._carry(step, home, spot, 0.46, 0.94)

        def act(share: float, time_s: float) -> None:
            self._rest(other_side, time_s, idle)
            if not move(share) and share < 0.5:
                self.hands[side].position = _along(share, (0, begin), (0.42, home + self._grip(item)))

        return act

    def _put(self, step: Step, later: Sequence[Step]) -> Callable[[float, float], None]:
        item, side = step.item, self._side(step.item)
        home, place = self.homes[item], self.places[item]
        other_side = "left" if side == "right" else "right"
        begin, idle = self.hands[side].position, self.hands[other_side].position
        back = REST[side] + self._scatter(6)
        move = self._carry(step, place, home, 0.18, 0.62)

        def act(share: float, time_s: float) -> None:
            self._rest(other_side, time_s, idle)
            if not move(share):
                start = (0.0, begin), (0.18, place + self._grip(item))
                end = (0.62, home + self._grip(item)), (1.0, back)
                self.hands[side].position = _along(share, *(start if share < 0.4 else end))

        return act

    def _blade(
        self, step: Step, later: Sequence[Step], stroke: Callable[[float, float], complex]
    ) -> Callable[[float, float], None]:
        """Peel or cut: the left hand holds the vegetable, the right hand moves the knife."""
        item, left, right = step.item, self.hands["left"], self.hands["right"]
        begin = {"left": left.position, "right": right.position}
        kept = right.tool == "knife"
        keeps = bool(later) and later[0].action in {"peel", "cut"}

        def act(share: float, time_s: float) -> None:
            hold = self.places[item] + 2 + 3j
            left.position = _along(time_s / 0.4, (0, begin["left"]), (1, hold))
            left.closed, left.tool = time_s > 0.3, ""
            remaining_s = time_s * (1 - share) / max(share, 1e-6)
            at = stroke(share, time_s)
            if not kept and time_s < 0.3:
                right.position = _along(time_s / 0.3, (0, begin["right"]), (1, self.homes["knife"]))
                return
            right.closed, right.tool = True, "knife"
            origin = begin["right"] if kept else self.homes["knife"]
            right.position = _along((time_s - 0.3 * (not kept)) / 0.3, (0, origin), (1, at))
            if not keeps and remaining_s < 0.3:
                right.position = _along(1 - remaining_s / 0.3, (0, at), (1, self.homes["knife"]))
            self.places["knife"] = right.position
            if not keeps and share > 0.97:
                self.places["knife"] = self.homes["knife"]
                right.closed, right.tool = False, ""

        return act

    def _peel(self, step: Step, later: Sequence[Step]) -> Callable[[float, float], None]:
        item, phase = step.item, self.rng.uniform(0, 6.28)
        rate = self.pace * self.rng.uniform(1.35, 1.75)

        def stroke(share: float, time_s: float) -> complex:
            self.peeled[item] = max(self.peeled[item], 0.75 * _ease((share - 0.1) / 0.8))
            swing = math.sin(2 * math.pi * rate * time_s + phase)
            return self.places[item] + 44 + 24j + 20 * swing + 1.5j * swing

        return self._blade(step, later, stroke)

    def _cut(self, step: Step, later: Sequence[Step]) -> Callable[[float, float], None]:
        item, phase = step.item, self.rng.uniform(0, 6.28)
        rate = self.pace * self.rng.uniform(1.7, 2.3)
        left_over = 0.42 if any(s.action == "put" and s.item == item for s in later) else 0.0
        fresh: list[_Slice] = []

        def stroke(share: float, time_s: float) -> complex:
            done = min(max((share - 0.12) / 0.76, 0.0), 1.0)
            self.lengths[item] = 1 - (1 - left_over) * done
            while len(fresh) < int(done * 9):
                offset = complex(self.rng.uniform(-6, 46), self.rng.uniform(6, 26))
                fresh.append(_Slice(offset, self.kinds[item], self.rng.uniform(0, 180)))
                self.slices.append(fresh[-1])
            edge = self.places[item] + 4 + VEGETABLE_LENGTH * max(self.lengths[item], 0.25)
            chop = abs(math.sin(math.pi * rate * time_s + phase))
            return edge + 8 + 28j - 15j * chop

        return self._blade(step, later, stroke)

    def _add(self, step: Step, later: Sequence[Step]) -> Callable[[float, float], None]:
        """Carry the slices to the bowl, in one go or two."""
        right, idle = self.hands["right"], self.hands["left"].position
        trips = 2 if step.num_frames > 2.2 * self.fps else 1
        pile, over = self.board + 16 + 22j, self.bowl - 4 - 18j
        begin = right.position
        portions = [self.slices[i::trips] for i in range(trips)]
        state = {"trip": -1, "dropped": -1}

        def act(share: float, time_s: float) -> None:
            self._rest("left", time_s, idle)
            trip, through = divmod(share * trips, 1.0)
            index = min(int(trip), trips - 1)
            start = begin if index == 0 else over
            right.tool = ""
            stops = (0.0, start), (0.35, pile), (0.45, pile), (0.78, over), (1.0, over + 6j)
            right.position = _along(through, *stops)
            if through > 0.4 and state["trip"] < index:
                state["trip"] = index
                self.carried = portions[index]
                self.slices = [piece for piece in self.slices if piece not in self.carried]
            right.closed = 0.4 < through < 0.8
            if through > 0.8 and state["dropped"] < index:
                state["dropped"] = index
                for piece in self.carried:
                    angle, radius = self.rng.uniform(0, 6.28), math.sqrt(self.rng.uniform(0, 1))
                    place = complex(26 * radius * math.cos(angle), 10 * radius * math.sin(angle) + 3)
                    self.contents.append(piece._replace(offset=place))
                self.carried = []

        return act

    def _lift(self, item: str, over: complex, tilt: float, step: Step) -> Callable[[float, float], bool]:
        """Fetch an item from its spot, hold it tilted over the bowl, bring it back; says if it is tilted."""
        right, begin, spot = self.hands["right"], self.hands["right"].position, self.places[item]
        idle = self.hands["left"].position

        def move(share: float, time_s: float) -> bool:
            self._rest("left", time_s, idle)
            grip = self._grip(item)
            if share < 0.12:
                right.position = _along(share / 0.12, (0, begin), (1, spot + grip))
                return False
            if share > 0.97:
                self.places[item], self.degrees[item] = spot, 0.0
                right.closed, right.tool = False, ""
                return False
            stops = (0.12, spot), (0.3, over), (0.84, over), (0.97, spot)
            self.places[item] = _along(share, *stops)
            tilted = _ease((share - 0.24) / 0.1) * (1 - _ease((share - 0.8) / 0.1))
            self.degrees[item] = tilt * tilted
            right.position = self.places[item] + grip * _turn(self.degrees[item])
            right.closed, right.tool = True, item
            return tilted > 0.9

        return move

    def _pour(self, step: Step, later: Sequence[Step]) -> Callable[[float, float], None]:
        move = self._lift("jug", self.bowl + 34 - 40j + self._scatter(3), -62.0, step)
        before = self.level

        def act(share: float, time_s: float) -> None:
            if move(share, time_s):
                self.stream = True
                self.level = min(1.0, max(self.level, before + 0.6 * (share - 0.34) / 0.46))

        return act

    def _shake(self, step: Step, later: Sequence[Step]) -> Callable[[float, float], None]:
        over = self.bowl + 2 - 62j + self._scatter(4)
        move = self._lift("shaker", over, -125.0, step)
        rate = self.pace * self.rng.uniform(2.9, 3.7)

        def act(share: float, time_s: float) -> None:
            if move(share, time_s):
                shift = 6 * math.sin(2 * math.pi * rate * time_s) * _turn(-35)
                self.places["shaker"] += shift
                self.hands["right"].position += shift
                tip = self.places["shaker"] - 20 + 14j
                self.falling = [tip + complex(x, y) for x, y in self.rng.uniform((-6, 0), (6, 46), (9, 2))]

        return act

    def _stir(self, step: Step, later: Sequence[Step]) -> Callable[[float, float], None]:
        right, left = self.hands["right"], self.hands["left"]
        begin, idle = right.position, left.position
        rate = self.pace * self.rng.uniform(0.9, 1.35) * self.rng.choice([-1, 1])
        phase = self.rng.uniform(0, 6.28)

        def act(share: float, time_s: float) -> None:
            left.position = _along(time_s / 0.5, (0, idle), (1, self.bowl - 42 + 12j))
            left.closed, left.tool = time_s > 0.4, ""
            remaining_s = time_s * (1 - share) / max(share, 1e-6)
            if time_s < 0.35:
                right.position = _along(time_s / 0.35, (0, begin), (1, self.homes["spoon"] + 18 - 12j))
                return
            if remaining_s < 0.15:
                right.closed, right.tool = False, ""
                self.places["spoon"] = self.homes["spoon"]
                return
            angle = 2 * math.pi * rate * time_s + phase
            swirl = self.bowl + 2 + 2j + complex(17 * math.cos(angle), 7 * math.sin(angle))
            grip = swirl + 24 - 26j
            origin = self.homes["spoon"] + 18 - 12j
            right.position = _along((time_s - 0.35) / 0.3, (0, origin), (1, grip))
            right.closed, right.tool = True, "spoon"
            self.places["spoon"] = swirl
            turn = math.copysign(2 * math.pi * abs(rate) * 0.5 / self.fps, rate)
            spin = cmath.exp(1j * turn)
            for i, piece in enumerate(self.contents):
                round_place = complex(piece.offset.real, (piece.offset.imag - 3) * 2.4) * spin
                self.contents[i] = piece._replace(offset=complex(round_place.real, round_place.imag / 2.4 + 3))

        return act

    # Drawing, from the back to the front.

    def _draw_backdrop(self, wall: Colour) -> Image:
        """Everything that never moves: wall, counter, crate, board, bowl."""
        import cv2

        height, width = HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN
        canvas = _Canvas(np.full((height, width, 3), wall, dtype=np.uint8))
        for row in range(-1, 5):
            for column in range(-1, 14):
                x, y = column * 27 + (13 if row % 2 else 0) - 8, row * 13 - 8
                tone = _mix(wall, WHITE, float(self.rng.uniform(0.0, 0.3)))
                canvas.fill(_shape(x + y * 1j, x + 25 + y * 1j, x + 25 + (y + 11) * 1j, x + (y + 11) * 1j), tone)
        edge = 50
        bench = _shape(-20 + edge * 1j, 340 + edge * 1j, 340 + 260j, -20 + 260j)
        canvas.fill(bench, self.counter)
        self._grain(canvas.image[edge + MARGIN :], 0.05)
        canvas.fill(_shape(-20 + 50j, 340 + 50j, 340 + 54j, -20 + 54j), _dark(self.counter, 0.3))
        canvas.fill(_shape(-20 + 54j, 340 + 54j, 340 + 56j, -20 + 56j), _light(self.counter, 0.3))

        # a plant and a jar of wooden spoons: something that is always there
        canvas.shadow(133 + 82j, 20 + 6j)
        for degrees, length in ((-112, 36), (-94, 42), (-72, 38)):
            tip = 131 + 60j + length * _turn(degrees)
            canvas.line(_shape(131 + 66j, tip), WOOD, 3)
            canvas.ellipse(tip, 6 + 4j, WOOD, degrees)
        jar = _mix(self.bowl_colour, self.jug_colour, 0.5)
        canvas.fill(_shape(121 + 58j, 143 + 58j, 141 + 80j, 123 + 80j), _dark(jar, 0.12), 3)
        canvas.fill(_shape(121 + 58j, 128 + 58j, 128 + 80j, 123 + 80j), jar, 2)
        leaf = _rgb("#5F8F5B")
        canvas.shadow(306 + 86j, 22 + 6j)
        for degrees in (-150, -120, -95, -70, -40):
            tip = 303 + 62j + 24 * _turn(degrees)
            canvas.ellipse(tip, 14 + 6j, _mix(leaf, WHITE, (degrees + 150) / 500), degrees)
        canvas.fill(_shape(288 + 64j, 318 + 64j, 314 + 84j, 292 + 84j), _rgb("#C4714F"), 3)

        centre = self.board
        canvas.shadow(centre + 3 + 36j, 66 + 8j)
        outline = centre + _shape(-60 - 34j, 60 - 34j, 68 + 34j, -68 + 34j)
        canvas.fill(outline + 5j, _dark(self.board_colour, 0.3), 6)
        canvas.fill(outline, self.board_colour, 6)
        for share in (0.16, 0.34, 0.55, 0.78):
            a, b = (
                centre + complex(-62 - 6 * share, -34 + 68 * share),
                centre + complex(62 + 6 * share, -34 + 68 * share),
            )
            canvas.line(_shape(a, b), _dark(self.board_colour, 0.07), 1)
        canvas.ellipse(centre - 54 - 27j, 5 + 3j, _dark(self.counter, 0.15))

        bowl, rim = self.bowl, 46 + 21j
        canvas.shadow(bowl + 5 + 38j, 42 + 10j, 0.3)
        angles = np.linspace(0, math.pi, 30)
        body = bowl + 46 * np.cos(angles) + 1j * (44 * np.sin(angles) ** 0.8)
        canvas.fill(body, _dark(self.bowl_colour, 0.14))
        shine = bowl - 6 + 34 * np.cos(angles) + 1j * (38 * np.sin(angles) ** 0.8)
        canvas.fill(shine, self.bowl_colour)
        canvas.ellipse(bowl, rim, _light(self.bowl_colour, 0.35))
        canvas.ellipse(bowl + 1j, 42 + 17.5j, _dark(self.bowl_colour, 0.3))
        canvas.ellipse(bowl + 3j, 38 + 14j, _dark(self.bowl_colour, 0.18))

        # light falls in from the upper left
        y, x = np.mgrid[:height, :width].astype(np.float32)
        glow = 1.06 - 0.2 * np.hypot(x / width - 0.35, y / height - 0.35)
        lit: Image = np.clip(canvas.image * glow[..., None], 0, 255).astype(np.uint8)
        return np.asarray(cv2.GaussianBlur(lit, (0, 0), 0.5), dtype=np.uint8)

    def _grain(self, area: Image, strength: float) -> None:
        import cv2

        noise = self.rng.normal(size=area.shape[:2]).astype(np.float32)
        veins = np.asarray(cv2.GaussianBlur(noise, (0, 0), sigmaX=14, sigmaY=0.8))
        veins = veins * (strength / veins.std())
        area[:] = np.clip(area * (1 + veins[..., None]), 0, 255).astype(np.uint8)

    def _draw(self) -> Image:
        canvas = _Canvas(self.backdrop.copy())
        held = {hand.tool for hand in self.hands.values()}
        at_home = [name for name in self.kinds if self.places[name] == self.homes[name]]
        for name in at_home:
            self._draw_vegetable(canvas, name)
        self._draw_crate(canvas)
        for name in ("jug", "shaker"):
            if name not in held:
                canvas.shadow(self.places[name] + 3 + 1j, 16 + 5j)
                self._draw_item(canvas, name)
        for name in self.kinds:
            if name not in held and name not in at_home:
                length = VEGETABLE_LENGTH * self.lengths[name]
                canvas.shadow(self.places[name] + length / 2 + 5j, length / 2 + 8j, 0.25 if length >= 3 else 0.0)
                self._draw_vegetable(canvas, name)
        for piece in self.slices:
            self._draw_slice(canvas, self.board + piece.offset, piece)
        if "knife" not in held:
            self._draw_item(canvas, "knife")
        self._draw_contents(canvas)
        if "spoon" not in held:
            self._draw_spoon(canvas, self.places["spoon"] - 14 + 20j, self.places["spoon"] + 18 - 12j)
        if self.stream:
            self._draw_stream(canvas)
        for hand in self.hands.values():
            self._draw_arm(canvas, hand)
        for point in self.falling:
            canvas.ellipse(point, 1.2 + 1.5j, self.grains)
        return canvas.image

    def _draw_contents(self, canvas: _Canvas) -> None:
        if self.level:
            size = 0.55 + 0.45 * self.level
            canvas.ellipse(self.bowl + 3j + 1j * (1 - self.level), complex(37 * size, 13.5 * size), self.liquid)
            canvas.ellipse(self.bowl - 8 + 1j, complex(14 * size, 3.5 * size), _light(self.liquid, 0.35), -8)
        for piece in sorted(self.contents, key=lambda piece: piece.offset.imag):
            self._draw_slice(canvas, self.bowl + piece.offset, piece)

    def _draw_stream(self, canvas: _Canvas) -> None:
        lip = self.places["jug"] + (-13 - 34j) * _turn(self.degrees["jug"])
        fall = lip + _shape(0, -5 + 3j, -8 + 12j, complex(-9, (self.bowl - lip).imag + 4))
        canvas.line(fall, _dark(self.liquid, 0.08), 5)
        canvas.line(fall, _light(self.liquid, 0.35), 2)

    def _draw_crate(self, canvas: _Canvas) -> None:
        centre = self.crate
        canvas.shadow(centre + 22j, 40 + 7j)
        for row in (0, 11):
            slat = centre + _shape(-34 - 2j, 34 - 2j, 33 + 6j, -33 + 6j) + row * 1j
            canvas.fill(slat + 1j, _dark(WOOD, 0.3), 2)
            canvas.fill(slat, _light(WOOD, 0.2), 2)
        for side in (-30, 30):
            canvas.fill(centre + side + _shape(-3 - 4j, 3 - 4j, 3 + 20j, -3 + 20j), WOOD, 1)

    def _draw_vegetable(self, canvas: _Canvas, name: str) -> None:
        length = VEGETABLE_LENGTH * self.lengths[name]
        if length < 3:
            return
        kind, origin, turn = self.kinds[name], self.places[name], _turn(self.degrees[name])
        skin, flesh = _rgb(kind.skin), _rgb(kind.flesh)
        # the stem is left: the far end of a half-cut vegetable is as wide as it was there
        ends = [kind.width / 2 * (1 - (1 - kind.taper) * share) for share in (0.0, self.lengths[name])]
        stem = _mix(_rgb("#5F8F3F"), skin, 0.2)
        canvas.line(origin + turn * _shape(-3, -9 - 1j), stem, 5)
        canvas.ellipse(origin, complex(ends[0] * 0.7, ends[0]), skin, self.degrees[name])
        outline = _shape(-1j * ends[0], length - 1j * ends[1], length + 1j * ends[1], 1j * ends[0])
        canvas.fill(origin + turn * outline, skin)
        cut = self.lengths[name] < 0.999
        canvas.ellipse(
            origin + turn * length,
            complex(ends[1] * (0.4 if cut else 0.8), ends[1]),
            flesh if cut else skin,
            self.degrees[name],
        )
        if self.peeled[name] > 0:
            stop = min(self.peeled[name] * VEGETABLE_LENGTH + 10, length)
            width = ends[0] + (ends[1] - ends[0]) * stop / length
            strip = _shape(6 - 0.75j * ends[0], stop - 0.75j * width, stop + 0.45j * width, 6 + 0.45j * ends[0])
            canvas.fill(origin + turn * strip, flesh, 2)
        else:
            tip = 0.9 * length
            shine = _shape(3 - 0.62j * ends[0], tip - 0.62j * ends[1], tip - 0.25j * ends[1], 3 - 0.25j * ends[0])
            canvas.fill(origin + turn * shine, _light(skin, 0.25))

    def _draw_slice(self, canvas: _Canvas, place: complex, piece: _Slice) -> None:
        skin, flesh = _rgb(piece.kind.skin), _rgb(piece.kind.flesh)
        canvas.ellipse(place + 1 + 1.5j, 6.5 + 5j, _dark(skin, 0.35), piece.degrees)
        canvas.ellipse(place, 6.5 + 5j, skin, piece.degrees)
        canvas.ellipse(place, 4.6 + 3.4j, flesh, piece.degrees)

    def _draw_item(self, canvas: _Canvas, name: str) -> None:
        place, turn = self.places[name], _turn(self.degrees[name])
        if name == "jug":
            colour = self.jug_colour
            handle = place + turn * _shape(11 - 29j, 19 - 28j, 21 - 18j, 18 - 10j, 10 - 8j)
            canvas.line(handle, _dark(colour, 0.25), 4)
            canvas.fill(place + turn * _shape(-11, 11, 12 - 34j, -12 - 34j), colour, 3)
            canvas.fill(place + turn * _shape(-10 - 32j, -17 - 36j, -8 - 37j), colour, 2)
            left = 22 * (1 - 0.5 * self.level)
            canvas.fill(place + turn * _shape(-9 - 1j, 9 - 1j, 10 - left * 1j, -10 - left * 1j), self.liquid, 2)
            canvas.fill(place + turn * _shape(-8 - 4j, -5 - 4j, -5 - 30j, -9 - 30j), _light(colour, 0.6))
            canvas.line(place + turn * _shape(-13 - 35j, 13 - 35j), _dark(colour, 0.12), 2)
        elif name == "shaker":
            canvas.fill(place + turn * _shape(-7, 7, 6 - 17j, -6 - 17j), self.shaker_colour, 3)
            canvas.fill(place + turn * _shape(-5 - 2j, -2 - 2j, -2 - 15j, -5 - 15j), _light(self.shaker_colour, 0.6))
            canvas.fill(place + turn * _shape(-6 - 18j, 6 - 18j, 4 - 24j, -4 - 24j), _rgb("#8D949B"), 3)
        else:
            # the origin of the knife is its handle; it points away from the cook
            turn = _turn(-118)
            canvas.fill(place + turn * _shape(10 - 4j, 40 - 4j, 46 + 1j, 40 + 4j, 10 + 4j), _dark(STEEL, 0.2))
            canvas.fill(place + turn * _shape(10 - 3.5j, 40 - 3.5j, 45 + 0.5j, 10 + 1j), STEEL)
            canvas.line(place + turn * _shape(-10, 9), HANDLE, 7)

    def _draw_spoon(self, canvas: _Canvas, bowl_end: complex, grip: complex) -> None:
        along = (grip - bowl_end) / max(abs(grip - bowl_end), 1e-6)
        canvas.line(_shape(bowl_end, grip + 12 * along), _dark(WOOD, 0.15), 5)
        canvas.line(_shape(bowl_end, grip + 12 * along), _light(WOOD, 0.12), 3)
        canvas.ellipse(bowl_end, 7 + 5j, _light(WOOD, 0.12), math.degrees(cmath.phase(along)))

    def _draw_arm(self, canvas: _Canvas, hand: _Hand) -> None:
        wrist_to = hand.position - SHOULDERS[hand.side]
        along = wrist_to / abs(wrist_to)
        across, mirror = along * 1j, 1 if hand.side == "right" else -1
        if hand.tool == "spoon":
            self._draw_spoon(canvas, self.places["spoon"], hand.position)
        elif hand.tool in self.kinds:
            self._draw_vegetable(canvas, hand.tool)
        elif hand.tool:
            self._draw_item(canvas, hand.tool)
        for i, piece in enumerate(self.carried if hand.side == "right" else ()):
            self._draw_slice(canvas, hand.position + 11 * along + 5 * (i % 3 - 1) * across + (i // 3) * 3j, piece)
        wrist = hand.position - 15 * along
        cuff = wrist - 16 * along
        root = SHOULDERS[hand.side]
        shade, tone = _dark(self.skin, 0.16), self.skin
        canvas.fill(_shape(cuff - 9 * across, wrist - 7 * across, wrist + 7 * across, cuff + 9 * across), tone, 3)
        canvas.fill(_shape(cuff + 3 * across, wrist + 3 * across, wrist + 7 * across, cuff + 9 * across), shade, 1)
        canvas.fill(
            _shape(root - 27 * across, cuff - 12 * across, cuff + 12 * across, root + 27 * across), self.sleeve, 3
        )
        canvas.fill(
            _shape(root + 12 * across, cuff + 5 * across, cuff + 12 * across, root + 27 * across),
            _dark(self.sleeve, 0.14),
            1,
        )
        canvas.line(_shape(cuff - 12 * across, cuff + 12 * across), _light(self.sleeve, 0.25), 6)
        reach = 11.0 if hand.closed else 19.0
        for i, (spread, size) in enumerate(((-7.5, 0.85), (-2.7, 1.0), (2.3, 0.98), (7.0, 0.8))):
            base = hand.position + spread * across
            fan = 0.0 if hand.closed else spread * 0.35
            tip = base + reach * size * along + fan * across
            canvas.line(_shape(base, tip), shade, 6)
            canvas.line(_shape(base - 0.6 * across, tip - 0.6 * across - 0.5 * along), tone, 4 if i else 5)
        palm = hand.position - 4 * along
        degrees = math.degrees(cmath.phase(along))
        canvas.ellipse(palm, 13 + 11.5j, shade, degrees)
        canvas.ellipse(palm - 0.8 * across, 12.5 + 10.5j, tone, degrees)
        thumb = hand.position - mirror * 9 * across - 4 * along
        tip = thumb + (9 if hand.closed else 13) * along - mirror * (1 if hand.closed else 5) * across
        canvas.line(_shape(thumb, tip), shade, 7)
        canvas.line(_shape(thumb - 0.5 * across, tip - 0.5 * across), tone, 5)


class _Camera:
    """A hand-held camera in changing light: shake, gain drift, sensor noise."""

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

        waves = np.sin(2 * math.pi * self.rates * self.time_s + self.phases[:3])
        x, y = 0.9 * waves[:2].sum(0) + self.rng.normal(0, 0.15, 2)
        angle = math.radians(0.35) * waves[2, 0]
        zoom = 1 + 0.006 * waves[2, 1]
        cos, sin = zoom * math.cos(angle), zoom * math.sin(angle)
        centre_x, centre_y = WIDTH / 2 + MARGIN, HEIGHT / 2 + MARGIN
        shift_x = WIDTH / 2 + x - cos * centre_x + sin * centre_y
        shift_y = HEIGHT / 2 + y - sin * centre_x - cos * centre_y
        warp = np.array([[cos, -sin, shift_x], [sin, cos, shift_y]])
        seen = cv2.warpAffine(picture, warp, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
        slow = np.sin(2 * math.pi * 0.06 * self.time_s + self.phases[3])
        gain = self.gain * (1 + self.drift * slow[0])
        warmth = self.warmth + 0.015 * slow[1]
        levels = np.arange(256)[:, None] * gain * np.array([1 - warmth, 1.0, 1 + warmth])
        table = np.clip(np.rint(levels), 0, 255).astype(np.uint8)[None]
        seen = cv2.LUT(seen, table)
        row, column = self.rng.integers(0, 64, 2)
        self.time_s += 1 / self.fps
        noise = self.noise[row : row + HEIGHT, column : column + WIDTH]
        return np.asarray(cv2.addWeighted(seen, 1.0, noise, 1.0, -128.0), dtype=np.uint8)
