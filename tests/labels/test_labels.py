"""The labels of one video: what they refuse, their slices, and how several tracks get one list of classes."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segtcn.labels import IGNORE_NAME, Classes, Labels, common_classes, common_length
from segtcn.structures import IGNORE

CLASSES = Classes(("take", "pour"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"indexes": []}, r"integers \(T,\) with T >= 1, got float64 \(0,\)"),
        ({"indexes": [[0, 1]]}, r"got int64 \(1, 2\)"),
        ({"indexes": [0.0, 1.0]}, "got float64"),
        ({"indexes": [0, 2, 1]}, "class 2 at frame 1 has no name, there are 2 classes: is it the right list"),
        ({"indexes": [0, -1, 1]}, "class -1 at frame 1 has no name"),
        ({"indexes": np.array([0, 2**64 - 100], np.uint64)}, "class 18446744073709551516 at frame 1 has no name"),
        ({"fps": 0.0}, "`fps` must be positive and finite, got 0"),
        ({"fps": float("nan")}, "`fps` must be positive and finite, got nan"),
        ({"fps": float("inf")}, "`fps` must be positive and finite, got inf"),
        ({"fps": 1e-320}, "`fps` must be positive and finite, got 1e-320"),
        ({"scores": np.ones((3, 2))}, r"`scores` must be probabilities of the shape \(2, 3\), got float64 \(3, 2\)"),
        ({"scores": np.ones((2, 3), int)}, r"`scores` must be probabilities .* got int64 \(2, 3\)"),
        ({"scores": np.full((2, 3), 1.2)}, "`scores` must lie between 0 and 1, got 1.2 to 1.2"),
        ({"scores": np.full((2, 3), np.nan)}, "`scores` must lie between 0 and 1, got nan"),
        ({"confidence": np.array([0.5])}, r"`confidence` must be probabilities of the shape \(3,\)"),
        ({"confidence": np.array([0.5, 1.5, 0.5])}, "`confidence` must lie between 0 and 1, got 0.5 to 1.5"),
        ({"confidence": np.array([0.5, np.nan, 0.5])}, "`confidence` must lie between 0 and 1"),
        (
            {"indexes": [IGNORE] * 3, "classes": Classes(()), "scores": np.zeros((0, 3))},
            r"`scores` must be .* got float64 \(0, 3\)",
        ),
    ],
)
def test_what_labels_refuse_names_their_source(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=f"^the run: .*{message}"):
        Labels(**{"indexes": [0, 1, 1], "classes": CLASSES, "source": "the run", **arguments})


def test_confidence_is_the_score_of_the_label_which_need_not_be_the_highest() -> None:
    scores = np.array([[0.9, 0.2, 0.5], [0.1, 0.8, 0.5]])
    labels = Labels([1, 1, IGNORE], CLASSES, scores=scores)
    np.testing.assert_array_equal(labels.confidence, np.array([0.1, 0.8, np.nan], np.float32))


def test_what_labels_are_made_of_stays_as_it_is() -> None:
    indexes, scores = np.array([0, IGNORE, 1]), np.array([[1.000001, 0.2, 0.5], [0.0, 0.8, 0.5]], np.float32)
    before = indexes.copy(), scores.copy()
    labels = Labels(indexes, CLASSES, scores=scores)
    assert labels.scores.max() == 1  # a softmax may exceed 1 by rounding
    labels.in_classes(Classes(("cut", "pour", "take")))
    np.testing.assert_array_equal(indexes, before[0])
    np.testing.assert_array_equal(scores, before[1])


def test_slices_keep_scores_and_time() -> None:
    scores = np.array([[0.9, 0.2, 0.5, 1.0], [0.1, 0.8, 0.5, 0.0]])
    labels = Labels([0, 1, IGNORE, 0], CLASSES, fps=30, scores=scores, source="a.npz")
    half = labels[::2]
    assert (half.names(), half.fps, half.duration_s, half.source) == (["take", IGNORE_NAME], 15, 2 / 15, "a.npz")
    np.testing.assert_allclose(half.scores, scores[:, ::2])
    np.testing.assert_allclose(half.confidence, [0.9, np.nan], rtol=1e-6)
    assert (len(labels[:3]), labels[:3].fps) == (3, 30)
    with pytest.raises(ValueError, match="with T >= 1"):
        labels[4:]


def test_ignored_frames_are_runs_of_their_own_and_no_class() -> None:
    labels = Labels.from_names(["take", IGNORE_NAME, IGNORE_NAME, "take"])
    assert labels.segments() == [(0, 1, 0), (1, 3, IGNORE), (3, 4, 0)]
    assert labels.runs().values.tolist() == [0, IGNORE, 0]
    assert (labels.present(), labels.classes.names) == ([0], ("take",))
    assert [labels.name_of(index) for index in (0, IGNORE)] == ["take", IGNORE_NAME]
    nobody = Labels.from_names([IGNORE_NAME])
    assert (nobody.names(), nobody.present()) == ([IGNORE_NAME], [])


def test_names_come_back_in_other_classes_with_their_scores() -> None:
    scores = np.array([[0.9, 0.2, 0.3], [0.1, 0.8, 0.7]], np.float32)
    labels = Labels([0, 1, IGNORE], CLASSES, 15, scores)
    other = labels.in_classes(Classes(("cut", "pour", "take"), 0))
    assert (other.names(), other.fps, other.classes.background) == (labels.names(), 15, 0)
    np.testing.assert_array_equal(other.scores, [[0, 0, 0], scores[1], scores[0]])
    np.testing.assert_array_equal(other.confidence, labels.confidence)
    assert Labels([1, 1], CLASSES).in_classes(Classes(("pour",))).names() == ["pour"] * 2  # `take` does not occur
    for known in (Labels([0, 1], CLASSES, source="a.txt"), Labels([1], CLASSES, None, scores[:, :1], "a.txt")):
        with pytest.raises(ValueError, match=r"a\.txt: 'take' is not a known class: .* which has pour"):
            known.in_classes(Classes(("pour",)))


@given(st.lists(st.sampled_from(["take", "pour", "cut", IGNORE_NAME]), min_size=1))
def test_names_survive_any_list_of_classes(names: list[str]) -> None:
    labels = Labels.from_names(names)
    assert labels.names() == names
    assert labels.in_classes(Classes(("x", "take", "cut", "pour"))).names() == names


@pytest.mark.parametrize(
    ("tracks", "classes", "names"),
    [
        ([["take", "pour"], ["cut"]], None, ("cut", "pour", "take")),
        ([["take", "pour"], ["cut"]], Classes(("take", "background")), ("take", "background", "cut", "pour")),
        ([["3"], ["1"]], None, ("0", "1", "2", "3")),
        ([["3"], ["cut"]], None, ("3", "cut")),  # no classes 0 to 2 that nothing mentions
        ([[IGNORE_NAME], ["cut"]], None, ("cut",)),
        ([["take"], Labels([0, 1], Classes(("pour", "cut", "idle")))], None, ("pour", "cut", "idle", "take")),
    ],
)
def test_common_classes(tracks: list, classes: Classes | None, names: tuple[str, ...]) -> None:
    labels = [track if isinstance(track, Labels) else Labels.from_names(track) for track in tracks]
    common = common_classes(labels, classes)
    assert common.names == names
    assert [track.in_classes(common).names() for track in labels] == [track.names() for track in labels]


def test_common_background_is_that_of_the_classes_or_of_a_track() -> None:
    quiet = Labels([0], Classes(("rest", "cut"), 0))
    assert common_classes([quiet]).background == 0
    assert common_classes([Labels.from_names(["cut"]), quiet], background="cut").background == 1
    assert common_classes([Labels.from_names(["SIL", "cut"])]).background == 0
    assert common_classes([quiet], Classes(("cut", "rest"), 0)).background == 0


@pytest.mark.parametrize(
    ("lengths", "policy", "length"),
    [
        ((10, 10), ("error", 0), 10),
        ((10, 9), ("error", 10), None),
        ((8, 10), ("trim", 2), 8),
        ((10, 7), ("trim", 2), None),
        ((0, 2), ("trim", 2), None),  # nothing would be left
    ],
)
def test_common_length(lengths: tuple[int, int], policy: tuple, length: int | None) -> None:
    assert common_length(*lengths, *policy) == length


def test_import_needs_no_torch() -> None:
    code = "import sys, segtcn.labels; print(*sorted({'torch', 'scipy', 'pytorch_lightning'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"
