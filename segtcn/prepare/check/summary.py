"""What a data set holds, in tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from segtcn.labels.classes import listed
from segtcn.prepare.check.facts import Facts
from segtcn.prepare.check.problems import counted
from segtcn.text_table import markdown_table

_SHOWN_COLUMNS = 10


def contents_tables(name: str, facts: Facts) -> list[str]:
    """Markdown tables of what a data set holds: in all, by split, by class and, if they occur, differences of length.

    Args:
        name: of the data set.
        facts: what was measured.
    """
    totals = facts.totals
    splits = [[f"{value:,}" for value in count] for count in facts.splits]
    tables = [
        markdown_table([f"{name}: {facts.reader}", ""], list(_rows(facts, totals))),
        markdown_table(["split", "train videos", "frames", "test videos", "frames"], splits),
        markdown_table(["class", "frames", "%", "segments", "mean s", "videos"], list(_class_rows(facts))),
    ]
    differences = [
        [f"{frames:+d}" if frames else "0", f"{number:,}"] for frames, number in facts.length_differences.items()
    ]
    if set(facts.length_differences) - {0}:
        tables.append(markdown_table(["frames of features more than labels", "videos"], differences))
    return tables


def _rows(facts: Facts, totals: dict[str, Any]) -> Iterator[list[str]]:
    fps, assumed = totals["fps"], dict.fromkeys(totals["assumed"], ", assumed")
    rate = f"{totals['seconds'] / 60:,.1f} min at {fps:g} a second{assumed.get('fps', '')}"
    yield ["videos", f"{totals['videos']:,}"]
    yield ["frames", f"{totals['frames']:,} ({rate})"]
    for which, frames in (("shortest", totals["shortest_video"]), ("longest", totals["longest_video"])):
        yield [f"{which} video", f"{counted(frames, 'frame')} ({frames / fps:,.1f} s)"]
    if ignored := totals["ignored_frames"]:
        share = 100 * ignored / (ignored + sum(count.frames for count in facts.classes))
        yield ["not annotated", f"{counted(ignored, 'frame')} ({share:.1f} %)"]
    yield ["segments", f"{totals['all_segments']:,}, {totals['segments']:,} without background"]
    background = f"{totals['background'] or 'none'}{assumed.get('background', '')}"
    yield ["classes", f"{totals['num_classes']}, background: {background}"]
    widths = ", ".join(f"{width} ({counted(number, 'video')})" for width, number in totals["widths"].items())
    yield ["feature width", widths if len(totals["widths"]) > 1 else str(totals["feature_dim"])]
    if totals["feature_columns"] is not None:
        yield ["features", listed(totals["feature_columns"], _SHOWN_COLUMNS)]
    if totals["lowest_feature"] is not None:
        yield ["feature values", f"{totals['lowest_feature']:.4g} to {totals['highest_feature']:.4g}"]
    if totals["clips"] is not None:
        median = "" if totals["fps_of_clips"] is None else f", median {totals['fps_of_clips']:.3g} features a second"
        yield ["clips", f"{totals['clips']}{median}"]
    what = counted(len(facts.videos), "video") + (", features of every split" if facts.split_specific else "")
    yield ["read", f"{what}, {facts.bytes_read / 2**20:,.0f} MiB in {facts.seconds:,.1f} s"]


def _class_rows(facts: Facts) -> Iterator[list[str]]:
    total = max(1, sum(count.frames for count in facts.classes))
    for name, frames, segments, videos in facts.classes:
        mean_s = f"{frames / segments / facts.fps:.1f}" if segments else "-"
        yield [name, f"{frames:,}", f"{100 * frames / total:.1f}", f"{segments:,}", mean_s, f"{videos:,}"]
