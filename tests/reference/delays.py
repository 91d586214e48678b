"""Slow delays: segments as sets of frames, and what is known at every moment written out."""

from __future__ import annotations

from collections.abc import Collection

from tests.reference.segments import pieces


def slow_delays(
    preds: list[int], labels: list[int], spoken: list[int], threshold: float, background: Collection[int] = ()
) -> list[tuple[int, int]]:
    """Start and delay of every true segment that was found, in time order."""
    predicted, true = pieces(preds, background, labels), pieces(labels, background)
    found: dict[int, int] = {}
    for pred in predicted:
        ious = [
            len(pred.frames & other.frames) / len(pred.frames | other.frames) if pred.label == other.label else 0.0
            for other in true
        ]
        if ious and max(ious) >= threshold:
            start = min(true[ious.index(max(ious))].frames)
            if start not in found:
                found[start] = min(spoken[t] for t in pred.frames) - start
    return sorted(found.items())


def slow_settled(revisions: list[list[int]]) -> list[int]:
    """Watch the labels at every moment; the last moment at which the label of a frame was another one, plus one."""
    num_frames, waits = len(revisions), len(revisions[0])
    settled = []
    for t, row in enumerate(revisions):
        shown = {now: row[min(now - t, waits - 1)] for now in range(t, max(num_frames, t + waits))}
        other = [now for now, label in shown.items() if label != row[-1]]
        settled.append(min(num_frames - 1, max(other) + 1 if other else t))
    return settled
