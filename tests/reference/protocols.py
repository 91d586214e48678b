"""Every evaluator of the field written out in loops over frames and segments, to compare the library's scores with.

Videos are pairs of lists of classes, IGNORE for a true label that nobody knows. Where the field's evaluators divide
by zero or fail, a score is 100 if there is nothing to find and nothing was found, and 0 if only one side has something.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.reference.segments import IGNORE, edit_distance

OVERLAPS = {"f1@10": 0.1, "f1@25": 0.25, "f1@50": 0.5}
NOTHING = 100.0


class Stretch(NamedTuple):
    label: str
    start: int
    end: int


def lea(videos, background, fps=None):
    """Every score is the mean over videos; the data set's background is out of edit and F1."""
    return {
        "accuracy": mean([accuracy([video], ()) for video in videos]),
        "edit": mean([edit(video, background) for video in videos]),
        **{
            key: mean([f1_of(counts(video, overlap, background)) for video in videos])
            for key, overlap in OVERLAPS.items()
        },
    }


def mstcn(videos, background, fps=None):
    """Frames and segments are pooled; only the class of the name "background" is background."""
    return pooled(videos, ("background",))


def mstcn_2019(videos, background, fps=None):
    """The last segment lacks the last frame."""
    return pooled(videos, ("background",), minus_last=True)


def asrf(videos, background, fps=None):
    """The last segment lacks the last frame, and videos of 30 frames a second are scored at 15."""
    every = 2 if fps == 30 else 1
    return pooled([(preds[::every], labels[::every]) for preds, labels in videos], background, minus_last=True)


def c2f(videos, background, fps=None):
    return pooled(videos, ("background", "SIL", "action_start", "action_end"))


def ltcontext(videos, background, fps=None):
    """Frames that are truly background are deleted before everything else; then every score is a mean over videos."""
    glued = []
    for preds, labels in videos:
        new_preds, new_labels = [], []
        for pred, label in zip(preds, labels, strict=True):
            if label not in background:
                new_preds.append(pred)
                new_labels.append(label)
        glued.append((new_preds, new_labels))
    return lea(glued, background)


def fact(videos, background, fps=None):
    """Accuracy leaves out true background; a hundred-thousandth is added to each denominator of F1."""
    scores = pooled(videos, background)
    scores["accuracy"] = accuracy(videos, background)
    for key, overlap in OVERLAPS.items():
        tp, fp, fn = pooled_counts(videos, overlap, background)
        precision, recall = tp / (tp + fp + 1e-5), tp / (tp + fn + 1e-5)
        scores[key] = 100 * 2 * precision * recall / (precision + recall + 1e-5)
    return scores


ALL = {evaluator.__name__: evaluator for evaluator in (lea, mstcn, mstcn_2019, asrf, c2f, ltcontext, fact)}


def pooled(videos, background, minus_last=False):
    return {
        "accuracy": accuracy(videos, ()),
        "edit": mean([edit(video, background) for video in videos]),
        **{key: f1_of(pooled_counts(videos, overlap, background, minus_last)) for key, overlap in OVERLAPS.items()},
    }


def accuracy(videos, left_out):
    right = frames = 0
    for preds, labels in videos:
        for pred, label in zip(preds, labels, strict=True):
            if label not in left_out and label != IGNORE:
                frames += 1
                right += pred == label
    return 100 * right / frames if frames else NOTHING


def stretches(labels, background, truth, minus_last=False):
    """Segments; none lies on frames whose truth is unknown, and none reaches over them."""
    segments = []
    start = None
    for t, label in enumerate(labels):
        if start is not None and (truth[t] == IGNORE or label != labels[start]):
            segments.append(Stretch(labels[start], start, t))
            start = None
        if start is None and truth[t] != IGNORE:
            start = t
    if start is not None:
        segments.append(Stretch(labels[start], start, len(labels)))
    if minus_last and segments:
        segments[-1] = segments[-1]._replace(end=segments[-1].end - 1)
    return [stretch for stretch in segments if stretch.label not in background]


def edit(video, background):
    preds, labels = ([stretch.label for stretch in stretches(side, background, video[1])] for side in video)
    longer = max(len(preds), len(labels))
    return 100 * (1 - edit_distance(preds, labels) / longer) if longer else NOTHING


def iou(a, b):
    both = min(a.end, b.end) - max(a.start, b.start)
    either = (a.end - a.start) + (b.end - b.start) - both
    return both / either if both > 0 else 0.0


def counts(video, overlap, background, minus_last=False):
    preds, labels = (stretches(side, background, video[1], minus_last) for side in video)
    used = set()
    tp = fp = 0
    for pred in preds:
        best, best_iou = None, 0.0
        for i, label in enumerate(labels):
            # times whether the classes are equal, of all pairs, as the evaluators do
            overlapping = iou(pred, label) * (label.label == pred.label)
            if overlapping > best_iou:
                best, best_iou = i, overlapping
        if best is not None and best_iou >= overlap and best not in used:
            used.add(best)
            tp += 1
        else:
            fp += 1
    return tp, fp, len(labels) - len(used)


def pooled_counts(videos, overlap, background, minus_last=False):
    tp = fp = fn = 0
    for video in videos:
        found, false, missed = counts(video, overlap, background, minus_last)
        tp, fp, fn = tp + found, fp + false, fn + missed
    return tp, fp, fn


def f1_of(tp_fp_fn):
    tp, fp, fn = tp_fp_fn
    if tp + fp + fn == 0:
        return NOTHING
    return 200 * tp / (2 * tp + fp + fn)


def mean(values):
    return sum(values) / len(values)
