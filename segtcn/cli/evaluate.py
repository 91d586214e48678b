"""``segtcn evaluate``: the scores of prediction files."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from segtcn.cli.evaluate_online import HEADER, Online, mean_rows, score_runs
from segtcn.cli.notes import warnings_as_notes
from segtcn.cli.parser import File, Json, Names, Rate, UsageError, output_record
from segtcn.text_table import TABLES, counted, scores_table

if TYPE_CHECKING:
    from segtcn.evaluation import LabelPairs, RunScores
    from segtcn.evaluation.online import OnlineScores
    from segtcn.labels import Classes


_TRACK = "track "
"""Before the name of a track, whose videos are scored as those of a split are."""


@dataclass(frozen=True)
class Lengths:
    """Predictions and truth of different length.

    Args:
        length_policy: stop with an error, or trim both to the shorter.
        length_tolerance: frames that trim may cut off.
    """

    length_policy: Literal["error", "trim"] = "error"
    length_tolerance: int = 10


@dataclass(frozen=True)
class OutputOptions:
    """What is printed.

    Args:
        per_video: also the scores of every video.
        json: write JSON there, or print it alone.
        latex: print LaTeX.
        csv: print values with commas between them.
    """

    per_video: bool = False
    json: Json | None = None
    latex: bool = False
    csv: bool = False


@dataclass(frozen=True)
class Files:
    """The files.

    Args:
        background: classes to leave out, names or indexes with commas.
        ignore: true classes whose frames do not count, as if nobody had annotated them.
        fps: labels per second, for protocols with a rate.
        mapping: mapping.txt: `ID NAME` of every class, a line each.
        videos: these videos only: their names, or a file with one name a line.
    """

    background: Names | None = None
    ignore: Names | None = None
    fps: Rate | None = None
    mapping: File | None = None
    videos: Annotated[list[str], "NAME"] | None = None


def evaluate(
    paths: Annotated[list[Path], "PREDICTIONS TRUTH | FILE.mat | RUN"],
    *,
    protocol: str | None = None,
    files: Files,
    lengths: Lengths,
    output: OutputOptions,
    online: Online,
    overrides: Annotated[Sequence[str], "--data."] = (),
) -> None:
    """Score predictions against the truth, both given as a file or as a folder with one file a video.

    Files are matched by name without ending. Formats: .txt with one label a line, MS-TCN's recognition files, .csv
    tables of segments in frames, .npz archives of `segtcn test`, .npy with class indexes (T,). Frames labelled
    __ignore__ do not count. Files of several tracks, as `segtcn predict` writes them, are scored track by track. The
    .mat files of Lea et al. hold predictions P and truth Y of one split each: give them alone.

    With --online, give runs: their networks label the test videos as if these were running.

    Args:
        paths: predictions and truth, .mat files, or runs.
        protocol: lea (default), mstcn, ... or all, side by side; with --online one, that of the run by default.
        files: what describes the files.
        lengths: predictions and truth of different length.
        output: what is printed.
        online: labels while a video runs.
        overrides: options of ``segtcn fit``, for the data of runs.

    Examples:
      segtcn evaluate RUN/predictions DATA/groundTruth --videos DATA/splits/test.split1.bundle --background background
      segtcn evaluate predictions/ truth/ --protocol mstcn --mapping mapping.txt --background background,SIL
      segtcn evaluate predictions/ truth/ --protocol all --fps 30
      segtcn evaluate labels/ tracks/ --background background        # several tracks a video
      segtcn evaluate 1.mat 2.mat 3.mat --protocol lea --background 0 --json scores.json
      segtcn evaluate RUN_OF_SPLIT_1 RUN_OF_SPLIT_2 --online --lookahead 0,1,inf

    Background: a protocol leaves out the classes it knows by name (mstcn: background; c2f: SIL and others, too) and
    those given by --background. Scores are percent; several .mat files: the mean over a split's videos, then over the
    splits.
    """
    if output.latex + output.csv + (output.json == "-") > 1:
        raise UsageError("choose one form: --latex, --csv or --json without a file")
    if online.online and (files != Files() or lengths != Lengths() or output.per_video):
        raise UsageError(
            "--online scores networks on the data of their runs: leave --per-video and options of files out"
        )
    if not online.online and (overrides or online != Online()):
        raise UsageError("--lookahead, --module and --data. go with --online, which scores networks: add it")
    if online.online:
        _print_online(score_runs(paths, online, protocol, overrides), output)
        return

    from segtcn.evaluation import ignore_classes, score_splits
    from segtcn.labels.classes import listed
    from segtcn.metrics import PROTOCOLS

    with warnings_as_notes():
        splits = _read(paths, files, lengths)
    if files.ignore is not None:
        splits = {name: ignore_classes(pairs, files.ignore) for name, pairs in splits.items()}
    pairs = next(iter(splits.values()))
    for split in splits.values():
        if unknown := split.only_predicted():
            print(f"note: predicted labels that never occur in the truth: {listed(unknown)}", file=sys.stderr)
    left_out = pairs.classes.indexes_named(files.background or "")
    names = PROTOCOLS if protocol == "all" else [protocol or "lea"]
    results = [score_splits(splits, name, left_out, files.fps) for name in names]
    records = {result.protocol: _record(result, pairs.classes) for result in results}
    output_record(output.json, records if protocol == "all" else records[protocol or "lea"])
    if output.json != "-":
        _print_tables(results, output)
        if not output.csv:
            comment = "% " if output.latex else ""
            print("", *(comment + note for note in _notes(results, pairs.classes, files.fps or pairs.fps)), sep="\n")


def _print_online(runs: list[list[OnlineScores]], output: OutputOptions) -> None:
    output_record(output.json, [[row._asdict() for row in rows] for rows in runs])
    if output.json != "-":
        table = TABLES["latex" if output.latex else "csv" if output.csv else "markdown"]
        print(table(HEADER, mean_rows(runs)))


def _read(paths: Sequence[Path], files: Files, lengths: Lengths) -> dict[str, LabelPairs]:
    from segtcn.evaluation import chosen_videos, pair_files, pair_matlab_files
    from segtcn.labels import Classes

    classes = None if files.mapping is None else Classes.read(files.mapping)
    matlab = [path for path in paths if path.suffix == ".mat"]
    if matlab == [*paths] or (len(paths) == 1 and not paths[0].is_file()):
        return pair_matlab_files(paths, classes)
    if matlab or len(paths) != 2:
        text = ", ".join(map(str, paths))
        raise ValueError(f"expected PREDICTIONS and TRUTH, or .mat files alone, which hold both; got {text}")
    names = None if files.videos is None else chosen_videos(files.videos)
    predictions, truth = paths
    pairs = pair_files(predictions, truth, classes, names, **vars(lengths))
    return {f"{_TRACK}{track}": of_track for track, of_track in pairs.by_track().items()} or {"all": pairs}


def _print_tables(results: Sequence[RunScores], output: OutputOptions) -> None:
    table = TABLES["latex" if output.latex else "csv" if output.csv else "markdown"]
    rows = {result.protocol: result.scores for result in results}
    videos = {f"{result.protocol}, {name}": row for result in results for name, row in result.videos.items()}
    if len(results) == 1:
        videos = results[0].videos
        splits = results[0].splits
        endings = {split: "" if split.startswith(_TRACK) else ".mat" for split in splits if len(splits) > 1}
        rows = {f"{split}{ending}": results[0].split_scores(split) for split, ending in endings.items()} | rows
    print(scores_table(rows, "protocol", table))
    if output.per_video:
        print(f"\n{scores_table(videos, 'video' if len(results) == 1 else 'protocol, video', table)}")


def background_note(result: RunScores, classes: Classes) -> tuple[str, str]:
    """Which classes scores leave out, and what to do if none is left out that may be background.

    Args:
        result: the scores.
        classes: of the labels.
    """
    if left_out := _background(result, classes):
        return ", ".join(left_out), ""
    if classes.background is None:
        return "none", ""
    name = classes.names[classes.background]
    return "none", f" The class {name!r} counts: --background {name} leaves it out."


def _background(result: RunScores, classes: Classes) -> list[str]:
    (evaluation, *_), *_ = result.splits.values()
    return [classes.names[index] for index in evaluation.background]


def _record(result: RunScores, classes: Classes) -> dict[str, Any]:
    record: dict[str, Any] = {**result.scores, "protocol": result.protocol, "background": _background(result, classes)}
    if len(result.splits) > 1:
        record["splits"] = {split: result.split_scores(split) for split in result.splits}
    return {**record, "num_videos": len(result.videos), "videos": result.videos}


def _notes(results: Sequence[RunScores], classes: Classes, fps: float | None) -> list[str]:
    from segtcn.metrics import PROTOCOLS

    first = results[0]
    num_videos, num_splits = len(first.videos), len(first.splits)
    parts = "tracks" if all(split.startswith(_TRACK) for split in first.splits) else "splits"
    notes = [
        f"{counted(num_videos, 'video')}"
        f"{f' in {num_splits} {parts}, mean over the {parts}' if num_splits > 1 else ''}, percent."
    ]
    for result in results:
        protocol = PROTOCOLS[result.protocol]
        at = "" if protocol.fps is None else f"at {protocol.fps:g} frames a second" if fps else "at the files' rate"
        left_out, remedy = background_note(result, classes)
        notes.append(f"{result.protocol}: {protocol.used_by}; background: {left_out}{at and '; '}{at}.{remedy}")
    return notes
