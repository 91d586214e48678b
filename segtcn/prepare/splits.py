"""Which videos to train on and which to test on: k folds, groups left out, balanced by class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from segtcn.labels.video_lists import group_of


class Split(NamedTuple):
    """The videos of one split, each list in alphabetical order.

    Args:
        train: names of the training videos.
        test: names of the test videos.
        held_out: the group that is left out; empty where a fold has no group of its own.
    """

    train: list[str]
    test: list[str]
    held_out: str = ""


def make_splits(
    names: Sequence[str],
    folds: int | None = None,
    group: str | None = None,
    frames_per_class: Mapping[str, npt.ArrayLike] | None = None,
    seed: int = 0,
) -> list[Split]:
    """Divide videos into folds; split k tests on fold k and trains on the others.

    Videos of a group stay together. Folds hold as many groups as each other, or one more. Without
    ``frames_per_class`` the order in which groups are dealt out is random; with it, each group goes, rarest classes
    first, to the fold in which it raises the sum over classes of the squared shares of that class least.

    Args:
        names: of the videos, each once.
        folds: number of folds; None: one for every group, or without groups 5, or fewer if there are fewer videos.
        group: regular expression that is searched in a name; its first parenthesis, or all that it matches, is the
            video's group. None: every video is a group of its own.
        frames_per_class: of every video, ``(C,)`` each, to balance the folds by class.
        seed: of the random order.

    Returns:
        The splits. The same arguments give the same splits, in whatever order the names come.

    Raises:
        ValueError: if an argument is out of range, a name has no group, or there are fewer groups than folds.

    Example:
        >>> [split.test for split in make_splits(["S1_tea", "S2_tea", "S1_soup"], group="^S[0-9]+")]
        [['S1_soup', 'S1_tea'], ['S2_tea']]
    """
    groups = _groups(sorted(names), group)
    keys = sorted(groups)
    if folds is None:
        folds = min(5, len(keys)) if group is None else len(keys)
    if folds < 2:
        raise ValueError(f"expected at least 2 folds, to train on one and test on the other, got {folds}")
    if len(keys) < folds:
        what = "videos" if group is None else f"groups ({', '.join(keys)})"
        raise ValueError(f"{folds} folds need as many {what}, got {len(keys)}: ask for fewer `folds`")
    if group is not None and folds == len(keys):
        fold_of = {key: index for index, key in enumerate(keys)}
    elif frames_per_class is None:
        order = np.random.default_rng(seed).permutation(len(keys))
        fold_of = {keys[place]: index % folds for index, place in enumerate(order)}
    else:
        counts = {
            key: np.asarray([frames_per_class[name] for name in groups[key]], dtype=np.float64).sum(axis=0)
            for key in keys
        }
        fold_of = _balanced(counts, folds)
    splits = []
    for fold in range(folds):
        held_out = [key for key in keys if fold_of[key] == fold]
        test = sorted(name for key in held_out for name in groups[key])
        train = sorted(set(names) - set(test))
        splits.append(Split(train, test, held_out[0] if group is not None and len(held_out) == 1 else ""))
    return splits


def _groups(names: Sequence[str], pattern: str | None) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(name if pattern is None else group_of(name, pattern, "group"), []).append(name)
    return groups


def _balanced(counts: Mapping[str, np.ndarray], folds: int) -> dict[str, int]:
    """Fold of every group, chosen greedily; ties go to the fold with fewer frames, then to the first."""
    total = np.sum(list(counts.values()), axis=0)
    shares = {key: count / np.maximum(total, 1) for key, count in counts.items()}
    held = np.zeros((folds, len(total)))
    sizes = [0] * folds
    least, larger = divmod(len(counts), folds)
    fold_of = {}
    for key in sorted(counts, key=lambda key: (-shares[key].max(), -counts[key].sum(), key)):
        full = sum(size > least for size in sizes) >= larger
        free = [fold for fold in range(folds) if sizes[fold] < least or (sizes[fold] == least and not full)]
        cost = {
            fold: (
                round(float(((held[fold] + shares[key]) ** 2 - held[fold] ** 2).sum()), 12),
                float((held[fold] * total).sum()),
                fold,
            )
            for fold in free
        }
        fold = fold_of[key] = min(free, key=cost.__getitem__)
        held[fold] += shares[key]
        sizes[fold] += 1
    return fold_of
