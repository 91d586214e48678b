"""What the cook does: how hands and things move in each action.

Each action is a function of the bench and the step. It returns a function of the share of the step that has passed and
of its seconds, which moves everything to where it is then.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from segtcn.demo.shapes import turn
from segtcn.demo.worktop import REST, UPRIGHT, VEGETABLE_LENGTH, Bench, Slice

Act = Callable[[float, float], None]


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


def ease(share: float) -> float:
    """From 0 to 1 with rest at both ends, as hands move.

    Example:
        >>> ease(0.0), ease(0.5), ease(2.0)
        (0.0, 0.5, 1.0)
    """
    share = min(max(share, 0.0), 1.0)
    return share * share * (3 - 2 * share)


def walk(share: float, *stops: tuple[float, complex]) -> complex:
    """Go from stop to stop, ``(share, point)``, resting at each."""
    for (begin, a), (end, b) in pairwise(stops):
        if share < end:
            return a + (b - a) * ease((share - begin) / (end - begin))
    return stops[-1][1]


def background(bench: Bench, step: Step, later: Sequence[Step]) -> Act:
    """Idle hands: at rest, out of sight, or wandering over the bench."""
    manner = bench.rng.choice(["rest", "away", "wander"], p=[0.55, 0.2, 0.25])
    begin = {side: hand.position for side, hand in bench.hands.items()}
    goal = {side: place + bench.scatter(8) + (70j if manner == "away" else 0) for side, place in REST.items()}
    if manner == "wander":
        side = str(bench.rng.choice(["left", "right"]))
        goal[side] = (bench.board if side == "left" else bench.bowl) + bench.scatter(24) + 22j
    phase = bench.rng.uniform(0, 6.28)

    def act(share: float, time_s: float) -> None:
        for side, hand in bench.hands.items():
            sway = 2.0 * cmath.exp(1j * (2.1 * time_s + phase)) * min(time_s, 1.0)
            hand.position = walk(time_s / 0.6, (0, begin[side]), (1, goal[side])) + sway
            hand.closed, hand.tool = False, ""

    return act


def take(bench: Bench, step: Step, later: Sequence[Step]) -> Act:
    """Carry an item from where it belongs to where it is used."""
    return _carry(bench, step.item, bench.homes[step.item], bench.spots[step.item], (0.42, 0.46, 0.94), None)


def put(bench: Bench, step: Step, later: Sequence[Step]) -> Act:
    """Carry an item back to where it belongs."""
    back = REST[bench.side(step.item)] + bench.scatter(6)
    return _carry(bench, step.item, bench.places[step.item], bench.homes[step.item], (0.18, 0.18, 0.62), back)


def _carry(
    bench: Bench, item: str, begin: complex, end: complex, times: tuple[float, float, float], back: complex | None
) -> Act:
    """Reach for an item, carry it on an arc, and move the empty hand to ``back``, if that is given.

    ``times`` are the shares of the step at which the hand reaches the item, the item leaves, and it arrives.
    """
    side, grip = bench.side(item), bench.grip(item)
    reach, leave, arrive = times
    hand, start = bench.hands[side], bench.hands[side].position
    other = "left" if side == "right" else "right"
    idle = bench.hands[other].position
    degrees = ((UPRIGHT, 0.0) if end == bench.spots[item] else (0.0, UPRIGHT)) if item in bench.kinds else (0.0, 0.0)

    def act(share: float, time_s: float) -> None:
        _rest(bench, other, time_s, idle)
        through = (share - leave) / (arrive - leave)
        hand.closed = 0 <= through <= 1
        hand.tool = item if hand.closed else ""
        if through < 0:
            hand.position = walk(share, (0, start), (reach, begin + grip))
            return
        # an arc: things are lifted off the bench
        lift = -14j * math.sin(math.pi * min(through, 1.0))
        bench.places[item] = walk(through, (0, begin), (1, end)) + lift
        bench.degrees[item] = degrees[0] + (degrees[1] - degrees[0]) * ease(through)
        if hand.closed:
            hand.position = bench.places[item] + grip
        elif back is not None:
            hand.position = walk(share, (arrive, end + grip), (1, back))

    return act


def _rest(bench: Bench, side: str, time_s: float, begin: complex) -> None:
    """The hand that has nothing to do moves to its resting place."""
    hand = bench.hands[side]
    hand.closed, hand.tool = False, ""
    hand.position = walk(time_s / 0.6, (0, begin), (1, REST[side])) + cmath.exp(2j * time_s)


def _blade(bench: Bench, step: Step, later: Sequence[Step], stroke: Callable[[float, float], complex]) -> Act:
    """Peel or cut: the left hand holds the vegetable, the right hand moves the knife."""
    left, right = bench.hands["left"], bench.hands["right"]
    begin = {"left": left.position, "right": right.position}
    home = bench.homes["knife"]
    had_knife = right.tool == "knife"
    keeps_knife = bool(later) and later[0].action in {"peel", "cut"}

    def act(share: float, time_s: float) -> None:
        left.position = walk(time_s / 0.4, (0, begin["left"]), (1, bench.places[step.item] + 2 + 3j))
        left.closed, left.tool = time_s > 0.3, ""
        remaining_s = time_s * (1 - share) / max(share, 1e-6)
        at = stroke(share, time_s)
        if not had_knife and time_s < 0.3:  # fetch the knife; the last 0.3 s bring it back
            right.position = walk(time_s / 0.3, (0, begin["right"]), (1, home))
            return
        right.closed, right.tool = True, "knife"
        origin = begin["right"] if had_knife else home
        right.position = walk((time_s - 0.3 * (not had_knife)) / 0.3, (0, origin), (1, at))
        if not keeps_knife and remaining_s < 0.3:
            right.position = walk(1 - remaining_s / 0.3, (0, at), (1, home))
        bench.places["knife"] = right.position
        if not keeps_knife and share > 0.97:
            bench.places["knife"] = home
            right.closed, right.tool = False, ""

    return act


def peel(bench: Bench, step: Step, later: Sequence[Step]) -> Act:
    """Move the knife along the vegetable, to and fro."""
    item, phase = step.item, bench.rng.uniform(0, 6.28)
    rate = bench.pace * bench.rng.uniform(1.35, 1.75)

    def stroke(share: float, time_s: float) -> complex:
        bench.peeled[item] = max(bench.peeled[item], 0.75 * ease((share - 0.1) / 0.8))
        swing = math.sin(2 * math.pi * rate * time_s + phase)
        return bench.places[item] + 44 + 24j + 20 * swing + 1.5j * swing

    return _blade(bench, step, later, stroke)


def cut(bench: Bench, step: Step, later: Sequence[Step]) -> Act:
    """Move the knife up and down; slices fall, and the vegetable gets shorter."""
    item, phase = step.item, bench.rng.uniform(0, 6.28)
    rate = bench.pace * bench.rng.uniform(1.7, 2.3)
    # what is put back later must not be cut up completely
    left_over = 0.42 if any(s.action == "put" and s.item == item for s in later) else 0.0
    fresh: list[Slice] = []

    def stroke(share: float, time_s: float) -> complex:
        done = min(max((share - 0.12) / 0.76, 0.0), 1.0)
        bench.lengths[item] = 1 - (1 - left_over) * done
        while len(fresh) < int(done * 9):  # nine slices, one after the other
            offset = complex(bench.rng.uniform(-6, 46), bench.rng.uniform(6, 26))
            fresh.append(Slice(offset, bench.kinds[item], bench.rng.uniform(0, 180)))
            bench.slices.append(fresh[-1])
        edge = bench.places[item] + 4 + VEGETABLE_LENGTH * max(bench.lengths[item], 0.25)
        chop = abs(math.sin(math.pi * rate * time_s + phase))
        return edge + 8 + 28j - 15j * chop

    return _blade(bench, step, later, stroke)


def add(bench: Bench, step: Step, later: Sequence[Step]) -> Act:
    """Carry the slices to the bowl, in one go or two."""
    right, idle = bench.hands["right"], bench.hands["left"].position
    # a long step is two trips, each with every second slice
    num_trips = 2 if step.num_frames > 2.2 * bench.fps else 1
    pile, over = bench.board + 16 + 22j, bench.bowl - 4 - 18j
    begin = right.position
    portions = [bench.slices[i::num_trips] for i in range(num_trips)]
    num_picked = num_dropped = 0

    def act(share: float, time_s: float) -> None:
        nonlocal num_picked, num_dropped
        _rest(bench, "left", time_s, idle)
        trip, through = divmod(share * num_trips, 1.0)
        index = min(int(trip), num_trips - 1)
        right.tool = ""
        stops = (0.35, pile), (0.45, pile), (0.78, over), (1.0, over + 6j)
        right.position = walk(through, (0.0, over if index else begin), *stops)
        if through > 0.4 and num_picked <= index:
            num_picked = index + 1
            bench.carried = portions[index]
            bench.slices = [piece for piece in bench.slices if piece not in bench.carried]
        right.closed = 0.4 < through < 0.8
        if through > 0.8 and num_dropped <= index:
            num_dropped = index + 1
            _drop(bench)

    return act


def _drop(bench: Bench) -> None:
    """Let the carried slices fall into the bowl."""
    for piece in bench.carried:
        angle, radius = bench.rng.uniform(0, 6.28), math.sqrt(bench.rng.uniform(0, 1))
        place = complex(26 * radius * math.cos(angle), 10 * radius * math.sin(angle) + 3)
        bench.contents.append(piece._replace(offset=place))
    bench.carried = []


def _tilt(bench: Bench, item: str, over: complex, tilt: float) -> Callable[[float, float], bool]:
    """Fetch an item from its spot, hold it tilted over the bowl, bring it back; the result says if it is tilted."""
    right, begin, spot = bench.hands["right"], bench.hands["right"].position, bench.places[item]
    idle, grip = bench.hands["left"].position, bench.grip(item)

    def move(share: float, time_s: float) -> bool:
        _rest(bench, "left", time_s, idle)
        if share < 0.12:
            right.position = walk(share / 0.12, (0, begin), (1, spot + grip))
            return False
        if share > 0.97:
            bench.places[item], bench.degrees[item] = spot, 0.0
            right.closed, right.tool = False, ""
            return False
        bench.places[item] = walk(share, (0.12, spot), (0.3, over), (0.84, over), (0.97, spot))
        tilted = ease((share - 0.24) / 0.1) * (1 - ease((share - 0.8) / 0.1))
        bench.degrees[item] = tilt * tilted
        right.position = bench.places[item] + grip * turn(bench.degrees[item])
        right.closed, right.tool = True, item
        return tilted > 0.9

    return move


def pour(bench: Bench, step: Step, later: Sequence[Step]) -> Act:
    """Pour from the jug into the bowl."""
    move = _tilt(bench, "jug", bench.bowl + 34 - 40j + bench.scatter(3), -62.0)
    before = bench.level

    def act(share: float, time_s: float) -> None:
        if move(share, time_s):
            bench.is_pouring = True
            bench.level = min(1.0, max(bench.level, before + 0.6 * (share - 0.34) / 0.46))

    return act


def shake(bench: Bench, step: Step, later: Sequence[Step]) -> Act:
    """Shake the shaker over the bowl."""
    move = _tilt(bench, "shaker", bench.bowl + 2 - 62j + bench.scatter(4), -125.0)
    rate = bench.pace * bench.rng.uniform(2.9, 3.7)

    def act(share: float, time_s: float) -> None:
        if move(share, time_s):
            # along the shaker, which the hand holds askew
            shift = 6 * math.sin(2 * math.pi * rate * time_s) * turn(-35)
            bench.places["shaker"] += shift
            bench.hands["right"].position += shift
            # other grains in every frame: they fall faster than one can follow
            tip = bench.places["shaker"] - 20 + 14j
            bench.falling = [tip + complex(x, y) for x, y in bench.rng.uniform((-6, 0), (6, 46), (9, 2))]

    return act


def stir(bench: Bench, step: Step, later: Sequence[Step]) -> Act:
    """Move the spoon round the bowl, and with it what is in there."""
    right, left, home = bench.hands["right"], bench.hands["left"], bench.homes["spoon"]
    begin, idle, handle = right.position, left.position, home + 18 - 12j
    rate = bench.pace * bench.rng.uniform(0.9, 1.35) * bench.rng.choice([-1, 1])
    phase = bench.rng.uniform(0, 6.28)

    def act(share: float, time_s: float) -> None:
        left.position = walk(time_s / 0.5, (0, idle), (1, bench.bowl - 42 + 12j))
        left.closed, left.tool = time_s > 0.4, ""
        remaining_s = time_s * (1 - share) / max(share, 1e-6)
        if time_s < 0.35:
            right.position = walk(time_s / 0.35, (0, begin), (1, handle))
        elif remaining_s < 0.15:
            right.closed, right.tool = False, ""
            bench.places["spoon"] = home
        else:
            angle = 2 * math.pi * rate * time_s + phase
            swirl = bench.bowl + 2 + 2j + complex(17 * math.cos(angle), 7 * math.sin(angle))
            right.position = walk((time_s - 0.35) / 0.3, (0, handle), (1, swirl + 24 - 26j))
            right.closed, right.tool = True, "spoon"
            bench.places["spoon"] = swirl
            _swirl(bench, math.copysign(2 * math.pi * abs(rate) * 0.5 / bench.fps, rate))

    return act


def _swirl(bench: Bench, radians: float) -> None:
    """Turn what is in the bowl, whose opening is an ellipse."""
    for i, piece in enumerate(bench.contents):
        # 2.4: the opening is so many times as wide as it is high
        turned = complex(piece.offset.real, (piece.offset.imag - 3) * 2.4) * cmath.exp(1j * radians)
        bench.contents[i] = piece._replace(offset=complex(turned.real, turned.imag / 2.4 + 3))


ACTS: dict[str, Callable[[Bench, Step, Sequence[Step]], Act]] = {
    action.__name__: action for action in (background, take, peel, cut, add, pour, shake, stir, put)
}
"""The function of every action."""

ACTIONS = tuple(ACTS)
"""What the cook does; ``take`` and ``put`` differ in order, ``peel`` and ``cut`` in direction of motion only."""
