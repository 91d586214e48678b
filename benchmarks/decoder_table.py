r"""What each decoder brings to networks that were cross-validated (docs/results/decoders.md).

    segtcn crossval -c ed_tcn -c gtea_lea --data.reader.init_args.root DIR --seeds 0,1,2 --out runs/ed_tcn   # and so on
    python -m benchmarks.decoder_table runs/ed_tcn runs/ms_tcn
    python -m benchmarks.decoder_table runs/asformer+ runs/ed_tcn+runs/asformer   # means of the scores of all seeds
    python -m benchmarks.decoder_table DIR/predictions/GTEA/video_ED-TCN_L2_C25=3   # of Lea et al., 3 labels a second
    python -m benchmarks.decoder_table runs/ed_tcn+@DIR/predictions/50Salads/mid/mid_video_ED-TCN_L2_C15=0.6

For each seed, the parameter of a decoder for split k is chosen on the test videos of the other splits, as the
networks of those splits predicted them; in the column `any` the decoder is chosen, too. They are training videos of
split k that these networks were not trained on, with features that were learned without them. Durations and
transitions are counted on the other training videos of split k. Test videos of split k take no part. A run of one
split takes the other splits from released predictions: RUN@RELEASED. Its labels are decoded at the rate of the
network. Intervals and p-values are those of `segtcn compare` with the same videos drawn for both; seeds are not
drawn, because both have the same networks. A cell is the difference with its interval, in bold where `segtcn compare`
finds it better or worse.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import softmax

from benchmarks.bench_table import difference_cell
from segtcn.decoding import METHODS, Decoder, SegmentPrior, fit_decoder
from segtcn.evaluation import Resampling, Run, RunPart, RunScores, compare_runs, read_run, score_run
from segtcn.labels import Classes, Labels, read_archive_labels
from segtcn.labels.matlab import load_matlab
from segtcn.text_table import SCORE_HEADINGS, markdown_table

CHOICES = {f"`{method}`": [method] for method in METHODS} | {"any": [*METHODS]}
"""Among which decoders each column chooses."""

SHOWN = ("f1@50", "edit", "accuracy", "f1@25", "f1@10")


def with_scores(run: Run) -> Run:
    """The run, whose predictions have the scores of all classes."""
    parts = []
    for part in run.parts:
        preds = {name: read_archive_labels(part.files[name])[0] for name in part.preds}
        preds = {name: replace(labels, classes=part.truths[name].classes) for name, labels in preds.items()}
        parts.append(part._replace(preds=preds))
    return replace(run, parts=tuple(parts))


def released_run(folder: Path, fps: float) -> Run:
    """Released predictions: a MATLAB file for each split, with scores S. The decision values of an SVM are scaled."""
    files = {path.stem.removeprefix("Split_"): load_matlab(path) for path in sorted(folder.glob("*.mat"))}
    classes = Classes.numbered(max(int(truth.max()) for cells in files.values() for truth in cells["Y"].flat) + 1)
    classes, parts = classes.with_background("0"), []
    for split, cells in files.items():
        preds, truths = {}, {}
        for number, (pred, truth, scores) in enumerate(
            zip(cells["P"].flat, cells["Y"].flat, cells["S"].flat, strict=True)
        ):
            values = scores.T if scores.min() >= 0 else softmax(scores.T, axis=0)
            name = f"{split}/{number}"
            preds[name] = Labels(pred.ravel().astype(np.int64), classes, fps, values.astype(np.float32), name)
            truths[name] = Labels(truth.ravel().astype(np.int64), classes, fps, source=name)
        parts.append(RunPart(split, 0, preds, truths, {}))
    return Run(f"{folder.name} (released)", tuple(parts), classes, (0,), "lea", fps)


def ensemble(runs: list[Run]) -> Run:
    """One run, whose scores are the mean of those of all seeds of some runs on the same videos."""
    parts = []
    for split in dict.fromkeys(part.split for part in runs[0].parts):
        members = [part for run in runs for part in run.parts if part.split == split]
        preds = {}
        for name, labels in members[0].preds.items():
            scores = np.mean([member.preds[name].scores for member in members], axis=0, dtype=np.float32)
            preds[name] = replace(labels, scores=scores, indexes=scores.argmax(axis=0))
        parts.append(members[0]._replace(preds=preds))
    return replace(runs[0], name=f"mean of {' + '.join(run.name for run in runs)}", parts=tuple(parts))


def chosen_decoder(
    methods: Sequence[str], part: RunPart, others: list[RunPart], scores: dict[Any, dict[float, float]]
) -> Decoder:
    """The decoder for a split, chosen on the test videos of the other splits; `scores` keeps those of every value."""
    totals: Counter[tuple[str, float]] = Counter()
    for method, held_out in product(methods, others):
        counted = [other.split for other in others if other is not held_out] if METHODS[method].needs_prior else []
        key = method, id(held_out), *counted
        if key not in scores:
            training = [truth for other in others if other.split in counted for truth in other.truths.values()]
            truth = [held_out.truths[name] for name in held_out.preds]
            scores[key] = fit_decoder(method, [*held_out.preds.values()], truth, training).scores
        totals.update({(method, value): score for value, score in scores[key].items()})
    method, value = max(totals, key=totals.__getitem__)  # of equal ones the first
    training = [truth for other in others for truth in other.truths.values()]
    classes = next(iter(part.preds.values())).classes
    return Decoder(method, value, classes, SegmentPrior.count(training) if METHODS[method].needs_prior else None)


def decoded(run: Run, methods: Sequence[str], chosen_on: Run | None = None) -> tuple[Run, list[str]]:
    """The run after one of some decoders, and what was chosen, on its own other splits or on those of another run."""
    parts, chosen = [], []
    scores: dict[Any, dict[float, float]] = {}
    for part in run.parts:
        others = [other for other in (chosen_on or run).parts if other.split != part.split]
        others = others if chosen_on else [other for other in others if other.seed == part.seed]
        decoder = chosen_decoder(methods, part, others, scores)
        chosen.append(f"{decoder.value:g}" if len(methods) == 1 else f"{decoder.method} {decoder.value:g}")
        parts.append(part._replace(preds={name: decoder(labels) for name, labels in part.preds.items()}))
    return replace(run, name=" or ".join(methods), parts=tuple(parts)), chosen


def rows_of(source: str) -> dict[str, list[str]]:
    """The row of a network in the table of each score, and of the chosen values."""
    source, _, released = source.partition("@")
    folder, _, fps = source.partition("=")
    if fps:
        run = released_run(Path(folder), float(fps))
    else:
        runs = [with_scores(read_run(Path(name))) for name in source.split("+") if name]
        run = ensemble(runs) if "+" in source else runs[0]
    chosen_on = None
    if released:
        folder, _, fps = released.partition("=")
        rate = run.sample_rate
        run = replace(run.map_labels(lambda labels: labels[::rate]), sample_rate=1)
        classes = next(iter(run.parts[0].preds.values())).classes  # the released ones are numbered
        chosen_on = released_run(Path(folder), float(fps)).map_labels(lambda labels: replace(labels, classes=classes))
    before: RunScores = score_run(replace(run, name="as predicted"))
    rows = {key: [run.name, f"{before.scores[key]:.1f}"] for key in SHOWN} | {"chosen": [run.name, ""]}
    for methods in CHOICES.values():
        after, chosen = decoded(run, methods, chosen_on)
        for difference in compare_runs([before, score_run(after)], Resampling(draw_seeds=False)):
            rows[difference.score].append(difference_cell(difference))
        rows["chosen"].append(", ".join(sorted({*chosen}, key=lambda text: float(text.split()[-1]))))
    return rows


def main() -> None:
    """Print a table for each score, and one of the chosen values."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", help="folders of cross-validations, or FOLDER=LABELS_PER_SECOND")
    networks = [rows_of(source) for source in parser.parse_args().runs]
    for key in (*SHOWN, "chosen"):
        header = [f"{SCORE_HEADINGS.get(key, 'Value')} of", "as predicted", *CHOICES]
        print(f"\n{markdown_table(header, [network[key] for network in networks])}", flush=True)


if __name__ == "__main__":
    main()
