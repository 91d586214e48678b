"""Online scores: a system that is right late is scored late."""

from __future__ import annotations

import math

import numpy as np
import pytest

from segtcn.evaluation.online import score_online
from segtcn.labels import Classes

CLASSES = Classes(("rest", "cut"), background=0)
TRUTH = {"tea": np.array([0, 0, 1, 1, 1, 1])}
# says `rest` until it knows one later frame; frame 5 is the last, and stays wrong
SAID = {"tea": np.array([[0, 0, 0], [0, 0, 0], [0, 1, 1], [0, 1, 1], [0, 1, 1], [0, 0, 0]])}


def test_waiting_helps_and_costs_time():
    now, later, everything, revised = score_online(SAID, TRUTH, [0, 0.1, math.inf], CLASSES, fps=10)
    assert now.recall == 0
    assert math.isnan(now.median_delay_s)
    assert now.agreement == pytest.approx(50)
    assert (later.recall, later.median_delay_s, later.agreement) == (100, pytest.approx(0.1), 100)
    assert everything.median_delay_s == pytest.approx(0.2)  # two later frames, though one would do
    assert revised.lookahead_s is None
    assert (revised.median_delay_s, revised.agreement) == (pytest.approx(0.1), pytest.approx(50))
    assert revised.scores == everything.scores
    assert later.scores["accuracy"] == pytest.approx(100 * 5 / 6)


def test_a_causal_system_has_one_row():
    (row,) = score_online({"tea": TRUTH["tea"][:, None]}, TRUTH, [0, 1], CLASSES, fps=10)
    assert (row.lookahead_s, row.recall, row.mean_delay_s, row.agreement) == (0.0, 100, 0.0, 100)


@pytest.mark.parametrize("wrong", [[], [-1.0], [math.nan]])
def test_wrong_lookaheads_are_refused(wrong):
    with pytest.raises(ValueError, match="`lookaheads_s` must be seconds, 0 or more"):
        score_online(SAID, TRUTH, wrong, CLASSES, fps=10)
