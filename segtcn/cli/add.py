"""``segtcn add``: corrected labels into a data set."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

from segtcn.text_table import counted

if TYPE_CHECKING:
    from segtcn.prepare.corrected_labels import AddedLabels


def add(
    data: Annotated[Path, "DATA"],
    corrected: Annotated[Path, "CORRECTED"],
    *,
    new_classes: bool = False,
    dry_run: bool = False,
) -> None:
    """Replace the truth of videos by corrected labels, such as `segtcn view --save` writes.

    DATA is a folder with groundTruth/NAME.txt. The labels that are replaced are kept in DATA/groundTruth_before_1, _2
    and so on. Splits stay as they are. The command says which of the videos are test videos: scores on the corrected
    truth cannot be compared with earlier ones.

    Args:
        data: the data set.
        corrected: folder with one label file a video.
        new_classes: add classes that mapping.txt lacks, after the others.
        dry_run: write nothing.

    Examples:
      segtcn view RUN --clips DATA/videos --save corrected
      segtcn add DATA corrected --dry-run
      segtcn add DATA corrected --new-classes
    """
    from segtcn.prepare.corrected_labels import add_labels

    print(*_report(data, add_labels(data, corrected, new_classes, dry_run), dry_run), sep="\n")


def _report(data: Path, added: AddedLabels, dry_run: bool) -> list[str]:
    if not added.changed:
        return [f"nothing to write: {data} has the labels of {counted(len(added.unchanged), 'video')} already"]
    truth = f"the truth of {counted(len(added.changed), 'video')}"
    frames = counted(sum(added.changed.values()), "changed frame")
    names = ", ".join(f"{name} ({number})" for name, number in added.changed.items())
    lines = [f"{'would replace' if dry_run else 'replaced'} {truth}, {frames}: {names}"]
    if added.unchanged:
        lines.append(f"unchanged: {counted(len(added.unchanged), 'video')}")
    if added.new_classes:
        names = ", ".join(added.new_classes)
        lines.append(
            f"new classes: {names}; networks trained before do not know them and cannot be tested on this data"
        )
    tested = {split: names for split, names in added.tested.items() if names}
    lines += [f"test videos of split {split}: {', '.join(names)}" for split, names in tested.items()]
    if tested and not added.new_classes:
        lines.append("note: scores of earlier runs on these are of the old truth; test the runs again to compare")
    if added.unlisted:
        lines.append(f"note: no split lists {', '.join(added.unlisted)}: add them to a list to train on them")
    if added.backup is not None:
        lines.append(f"the replaced labels are in {added.backup}")
    return [*lines, f"next: segtcn check {quote(str(data))}"]
