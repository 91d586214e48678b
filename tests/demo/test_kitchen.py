"""The drawn kitchen: what one sees of the actions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from segtcn.demo.actions import ACTIONS, Step
from segtcn.demo.kitchen import film
from segtcn.demo.shapes import HEIGHT, WIDTH
from segtcn.demo.worktop import NUM_COOKS
from segtcn.extract.descriptor import LAYOUT, FrameDescriptor

MEAL = [
    Step("background", 4),
    Step("take", 12, "vegetable0"),
    Step("peel", 24, "vegetable0"),
    Step("cut", 24, "vegetable0"),
    Step("add", 14),
    Step("put", 12, "vegetable0"),
    Step("take", 12, "jug"),
    Step("pour", 16, "jug"),
    Step("take", 12, "shaker"),
    Step("shake", 16, "shaker"),
    Step("stir", 16),
    Step("put", 12, "shaker"),
]


def frames(steps: list[Step], cook: int = 0, seed: int = 0) -> list[np.ndarray]:
    return list(film(steps, cook, fps=15, rng=np.random.default_rng(seed)))


def part(meal: list[np.ndarray], index: int) -> list[np.ndarray]:
    """The frames of one step of :data:`MEAL`."""
    start = sum(step.num_frames for step in MEAL[:index])
    return meal[start : start + MEAL[index].num_frames]


@pytest.fixture(scope="module")
def meal() -> list[np.ndarray]:
    return frames(MEAL)


def test_every_step_has_its_number_of_pictures(meal: list[np.ndarray]) -> None:
    assert {step.action for step in MEAL} == set(ACTIONS)
    assert len(meal) == sum(step.num_frames for step in MEAL)
    assert {(frame.shape, frame.dtype) for frame in meal} == {((HEIGHT, WIDTH, 3), np.dtype(np.uint8))}


@pytest.mark.parametrize("num_frames", [1, 2, 3])
@pytest.mark.parametrize("index", range(len(MEAL)))
def test_steps_may_be_as_short_as_a_frame(index: int, num_frames: int) -> None:
    assert len(frames([MEAL[index]._replace(num_frames=num_frames)])) == num_frames


@pytest.mark.parametrize(
    ("number", "means"),
    [
        (30, [168.348, 161.245, 173.765, 152.374, 140.594, 136.464, 134.428, 139.323]),  # peel
        (60, [166.048, 159.101, 171.161, 149.914, 137.39, 140.641, 128.06, 137.229]),  # cut
        (85, [166.077, 157.894, 169.339, 147.536, 117.766, 142.838, 133.7, 136.398]),  # put
        (110, [164.259, 157.641, 168.42, 149.399, 143.042, 143.911, 135.798, 116.281]),  # pour
        (138, [165.674, 158.83, 167.358, 148.775, 144.549, 145.303, 131.68, 123.606]),  # shake
        (160, [167.584, 160.908, 170.841, 152.094, 146.215, 132.238, 140.312, 130.571]),  # stir
    ],
)
def test_a_seed_draws_the_pictures_that_it_always_drew(meal: list[np.ndarray], number: int, means: list[float]) -> None:
    """Mean brightness of eight parts, halfway between OpenCV 4.10 and 5.0, which differ in single pixels."""
    parts = meal[number].reshape(2, HEIGHT // 2, 4, WIDTH // 4, 3).mean((1, 3, 4)).ravel()
    assert parts == pytest.approx(means, abs=0.015)


def test_another_seed_draws_other_pictures(meal: list[np.ndarray]) -> None:
    first, second = frames(MEAL[:2], seed=0), frames(MEAL[:2], seed=4)
    assert np.array_equal(first, meal[: len(first)])
    assert not np.array_equal(first, second)


def test_cooks_differ_in_colour() -> None:
    reaching = [frames(MEAL[:2], cook)[10].astype(float) for cook in range(NUM_COOKS)]
    for a in range(NUM_COOKS):
        for b in range(a):
            assert (np.abs(reaching[a] - reaching[b]).max(axis=2) > 40).mean() > 0.01


def test_no_two_neighbouring_pictures_are_equal(meal: list[np.ndarray]) -> None:
    assert all(np.any(before != after) for before, after in itertools.pairwise(meal))


def test_peeling_moves_sideways_and_cutting_up_and_down(meal: list[np.ndarray]) -> None:
    start = LAYOUT["colour"] + LAYOUT["histogram"] + LAYOUT["edges"]
    ratios = []
    for index in (2, 3):
        describe = FrameDescriptor()
        features = np.stack([describe(frame) for frame in part(meal, index)])[8:-5]  # without reaching for the knife
        flow = features[:, start : start + LAYOUT["flow"]].reshape(len(features), -1, 3)
        ratios.append(np.abs(flow[..., 0]).sum() / np.abs(flow[..., 1]).sum())
    peel, cut = ratios
    assert peel > 1.3 * cut


def test_single_frames_of_peeling_and_cutting_look_alike() -> None:
    begin = [Step("background", 1), Step("take", 12, "vegetable0")]
    peel, cut, idle = (
        frames([*begin, Step(action, 10, "vegetable0")])[-3].astype(float) for action in ("peel", "cut", "background")
    )

    def changed(a: np.ndarray, b: np.ndarray) -> float:
        return float((np.abs(a - b).max(axis=2) > 30).mean())  # above the noise

    assert changed(peel, cut) < 0.5 * changed(peel, idle)
