"""``segtcn evaluate``: the scores of prediction files."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segtcn.atomic import atomic_path
from segtcn.text_table import SCORES, csv_table, latex_table, markdown_table

if TYPE_CHECKING:
    from segtcn.evaluation import LabelPairs, SetScores
    from segtcn.labels import Classes

DESCRIPTION = """\
Score predictions against the truth, both given as a file or as a folder with one file a video. Files are matched by
name without ending. Formats: .txt with one label a line, MS-TCN's recognition files, .csv tables of segments, .npz
archives of `segtcn test`, .npy with class indexes (T,). Frames labelled __ignore__ do not count. The .mat files of Lea
et al. hold predictions P and truth Y of one split each: give them alone.
"""

EXAMPLES = """\
examples:
  segtcn evaluate RUN/predictions DATA/groundTruth --videos DATA/splits/test.split1.bundle --background background
  segtcn evaluate predictions/ truth/ --protocol mstcn --mapping mapping.txt --background background,SIL
  segtcn evaluate predictions/ truth/ --protocol all --fps 30
  segtcn evaluate 1.mat 2.mat 3.mat --protocol lea --background 0 --json scores.json
  segtcn evaluate RUN --online    # how right and how late a network is while a video runs; --online --help says more

Background: a protocol leaves out the classes it knows by name (mstcn: background; c2f: SIL and others, too) and those
given by --background. Scores are percent; several .mat files: the mean over a split's videos, then over the splits.
"""


def main(argv: Sequence[str]) -> None:
    """Run the command; ``argv`` begins with its name."""
    if "--online" in argv:
        from segtcn.cli.online import main as evaluate_online

        evaluate_online(argv)
        return
    parser = argparse.ArgumentParser(
        "segtcn evaluate",
        usage="segtcn evaluate PREDICTIONS TRUTH [OPTIONS]\n       segtcn evaluate FILE.mat ... [OPTIONS]\n"
        "       segtcn evaluate RUN ... --online [OPTIONS]",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="predictions and truth, or .mat files")
    parser.add_argument(
        "--protocol", default="lea", metavar="NAME", help="lea (default), mstcn, ... or all, side by side"
    )
    parser.add_argument("--background", metavar="NAMES", help="classes to leave out, names or indexes with commas")
    parser.add_argument(
        "--mapping", type=Path, metavar="FILE", help="mapping.txt: `ID NAME` of every class, a line each"
    )
    parser.add_argument(
        "--fps", type=float, metavar="RATE", help="labels per second, for protocols with their own rate"
    )
    parser.add_argument("--videos", type=Path, metavar="LIST", help="score the videos that this file names, one a line")
    add_length_options(parser)
    parser.add_argument("--per-video", action="store_true", help="also the scores of every video")
    parser.add_argument("--json", nargs="?", const="-", metavar="FILE.json", help="write JSON there, or print it alone")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--latex", action="store_true", help="print LaTeX")
    form.add_argument("--csv", action="store_true", help="print values with commas between them")
    options = parser.parse_args(argv[1:])
    if options.json == "-" and (options.latex or options.csv):
        parser.error("--json without a file prints JSON alone: name a file, or leave --latex and --csv out")
    check_json_name(options.json)

    from segtcn.evaluation import score_all_protocols, score_splits

    splits = _read(options)
    pairs = next(iter(splits.values()))
    background = pairs.classes.indexes_named(options.background or "")
    if options.protocol == "all":
        results = score_all_protocols(splits, background, options.fps)
    else:
        results = [score_splits(splits, options.protocol, background, options.fps)]
    records = {result.protocol: _record(result) for result in results}
    write_json(options.json, records if options.protocol == "all" else records[options.protocol])
    if options.json != "-":
        table = latex_table if options.latex else csv_table if options.csv else markdown_table
        print(table(["protocol", *SCORES.values()], _rows(results)))
        if options.per_video:
            heading = ["video", *SCORES.values()] if len(results) == 1 else ["protocol, video", *SCORES.values()]
            print(f"\n{table(heading, _video_rows(results))}")
        if not options.csv:
            comment = "% " if options.latex else ""
            print("", *(comment + note for note in _notes(results, pairs.classes, options.fps or pairs.fps)), sep="\n")


def add_length_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for predictions and truth of different length."""
    parser.add_argument(
        "--length-policy",
        choices=("error", "trim"),
        default="error",
        help="where predictions and truth differ in length: error (default), or trim both to the shorter",
    )
    parser.add_argument(
        "--length-tolerance", type=int, default=10, metavar="N", help="frames that trim may cut off (default: 10)"
    )


def check_json_name(name: str | None) -> None:
    """Refuse a name that is probably the next argument; overwriting that would lose predictions.

    Raises:
        ValueError: if the name does not end with ``.json``.
    """
    if name not in (None, "-") and not str(name).endswith(".json"):
        raise ValueError(f"--json writes to a file whose name ends with .json, got {name}: put a bare --json last")


def write_json(name: str | None, record: object) -> None:
    """Write or print a record; None does nothing, ``-`` prints."""
    text = json.dumps(record, indent=2, ensure_ascii=False)
    if name == "-":
        print(text)
    elif name is not None:
        with atomic_path(name) as path:
            path.write_text(text + "\n", encoding="utf-8")


def _read(options: argparse.Namespace) -> dict[str, LabelPairs]:
    from segtcn.evaluation import pair_files, pair_matlab_files, read_video_list
    from segtcn.labels import Classes

    paths: list[Path] = options.paths
    classes = None if options.mapping is None else Classes.read(options.mapping)
    if len(paths) == 1 or all(path.suffix == ".mat" for path in paths):
        if paths[0].is_file() and paths[0].suffix != ".mat":
            raise ValueError(f"{paths[0]} needs the truth beside it: segtcn evaluate PREDICTIONS TRUTH")
        return pair_matlab_files(paths, classes)
    if mat := next((path for path in paths if path.suffix == ".mat"), None):
        raise ValueError(f"{mat} holds predictions and truth together: give .mat files alone, without other paths")
    if len(paths) != 2:
        raise ValueError(f"expected PREDICTIONS and TRUTH, or .mat files only, got {len(paths)} paths")
    names = None if options.videos is None else read_video_list(options.videos)
    predictions, truth = paths
    return {"all": pair_files(predictions, truth, classes, names, options.length_policy, options.length_tolerance)}


def _record(result: SetScores) -> dict[str, Any]:
    record: dict[str, Any] = {**result.scores, "protocol": result.protocol, "background": [*result.background]}
    if len(result.splits) > 1:
        record["splits"] = {split: evaluation.scores for split, evaluation in result.splits.items()}
    return {**record, "num_videos": len(result.videos), "videos": result.videos}


def _rows(results: Sequence[SetScores]) -> list[list[str]]:
    rows = []
    for result in results:
        if len(results) == 1 and len(result.splits) > 1:
            rows += [[f"{split}.mat", *_cells(evaluation.scores)] for split, evaluation in result.splits.items()]
        rows.append([result.protocol, *_cells(result.scores)])
    return rows


def _video_rows(results: Sequence[SetScores]) -> list[list[str]]:
    return [
        [name if len(results) == 1 else f"{result.protocol}, {name}", *_cells(scores)]
        for result in results
        for name, scores in result.videos.items()
    ]


def _cells(scores: dict[str, float]) -> list[str]:
    return [f"{scores[key]:.1f}" for key in SCORES]


def _notes(results: Sequence[SetScores], classes: Classes, fps: float | None) -> list[str]:
    from segtcn.metrics import PROTOCOLS

    first = results[0]
    num_videos, num_splits = len(first.videos), len(first.splits)
    notes = [
        f"{num_videos} videos{f' in {num_splits} splits, mean over the splits' if num_splits > 1 else ''}, percent."
    ]
    for result in results:
        protocol = PROTOCOLS[result.protocol]
        at = "" if protocol.fps is None else f"at {protocol.fps:g} frames a second" if fps else "at the files' rate"
        background = ", ".join(result.background) or "none"
        notes.append(f"{result.protocol}: {protocol.used_by}; background: {background}{at and '; '}{at}.")
        if classes.background is not None and not result.background:
            name = classes.names[classes.background]
            notes[-1] += f" The class {name!r} counts: --background {name} leaves it out."
    return notes
