"""``segtcn bench gtea`` and others: networks on one data set, every score with its interval."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from segtcn.atomic import write_text
from segtcn.cli.crossval.models import Grid, Launch, crossval_models, numbers
from segtcn.cli.parser import UsageError
from segtcn.config_names import config_folder, find_config, read_config
from segtcn.text_table import SCORE_HEADINGS, TABLES, counted, interval_cell

if TYPE_CHECKING:
    from segtcn.evaluation import Difference, Resampling, Run, RunScores

DATA = {"gtea": "gtea_lea", "50salads_mid": "50salads_mid_lea", "50salads_eval": "50salads_eval_lea"}
"""Data sets, and the config of each."""

QUIET = ["--trainer.logger=false", "--trainer.enable_progress_bar=false"]

_MARKS = {"better": " +", "worse": " -", "better by its interval": " (+)", "worse by its interval": " (-)"}
"""What a verdict adds to the score of a network."""

_LEGEND = (
    "Mean over the splits of the mean over the seeds, and 95 % interval. The first network is the best by F1@50. + and "
    "- mark scores that differ from those of the first; in parentheses where the units are too few for a p-value, and "
    "the interval alone shows the difference, not corrected for several networks. P-values are corrected for all "
    "pairs, since these scores also choose the best."
)


class TableScore(NamedTuple):
    """What a table says of one score of a network.

    Args:
        mean: in percent.
        low: lower end of the interval.
        high: upper end.
        difference: from the best network.
        p_value: of this difference.
        verdict: on it; ``best`` for the best network itself.
    """

    mean: float
    low: float
    high: float
    difference: float = 0.0
    p_value: float = 1.0
    verdict: str = "best"

    @property
    def cell(self) -> str:
        """The score with its interval and the mark of the verdict.

        >>> TableScore(55.0, 50.0, 60.0, -3.0, 0.01, "worse").cell
        '55.0 (50.0 to 60.0) -'
        """
        return interval_cell(self.mean, self.low, self.high) + _MARKS.get(self.verdict, "")


@dataclass(frozen=True)
class Study:
    """Networks on a data set.

    Args:
        root: folder of the data set.
        models: a config for each network, or several joined by `+` (default: all, with recipes for this data set).
        seeds: trainings of each network on each split.
        splits: splits (default: all of the data set).
    """

    root: Annotated[Path, "DIR"] | None = None
    models: Annotated[list[str], "CONFIG"] | None = None
    seeds: int = 10
    splits: Annotated[Sequence[int], "1,2", ("type", numbers), ("nargs", None)] | None = None

    def words(self) -> list[str]:
        """The options that give it to ``segtcn bench``."""
        shipped = {str(path): path.stem for path in config_folder().glob("*/*.yaml")}
        names = ["+".join(shipped.get(part, part) for part in model.split("+")) for model in self.models or []]
        models = ["--models", *names] if names else []
        splits = [f"--splits={','.join(map(str, self.splits))}"] if self.splits else []
        return [f"--root={self.root}", f"--seeds={self.seeds}", *splits, *models]


def bench_networks(name: str, study: Study, out: Path, jobs: int, quick: bool) -> list[Path]:
    """Cross-validate networks, and write a report on them; what is complete is not trained again.

    Args:
        name: one of :data:`DATA`.
        study: what is trained.
        out: folder of the report; the runs lie in ``runs``.
        jobs: networks at a time.
        quick: one epoch only.

    Returns:
        The files of the report.

    Raises:
        ChildProcessError: if a network failed, once the others are in the report.
    """
    check_counts(seeds=study.seeds, jobs=jobs)
    options = [data_option(DATA[name], study.root), *QUIET, *(["--trainer.max_epochs=1"] if quick else [])]
    models = study.models or [str(path) for path in sorted((config_folder() / "model").glob("*.yaml"))]
    paths = [[*map(Path, with_recipe(model, name).split("+"))] for model in models]
    shared = [Path(find_config(config)) for config in ("trainer/default", f"data/{DATA[name]}")]
    if not quick:
        print(_plan(paths, shared, study.seeds), flush=True)
    runs, failure = out / "runs", None
    try:
        crossval_models(paths, shared, options, Grid(range(study.seeds), study.splits), runs, Launch(jobs=jobs))
    except ChildProcessError as error:
        failure = error
    results = json.loads((runs / "models.json").read_text(encoding="utf-8"))
    command = shlex.join(["segtcn", "bench", name, *study.words(), *(["--quick"] if quick else []), f"--out={out}"])
    warning = "**Quick: one epoch, the numbers mean nothing.**\n\n" if quick else ""
    introduction = f"```\n{command}\n```\n\n{warning}{_LEGEND}"
    files = _write_report(out, name, results, introduction, quick) if results["models"] else []
    named = {*results["models"], *results["failed"]}
    if others := sorted({path.parent.name for path in runs.glob("*/results.json")} - named):
        print(f"Not in the report, since this call does not name them: {', '.join(others)}.")
    if failure is not None:
        raise failure
    return files


def _plan(models: Sequence[Sequence[Path]], shared: Sequence[Path], num_seeds: int) -> str:
    """What is going to be trained; some networks take thousands of epochs."""
    epochs = []
    for paths in models:
        configs = [values for path in (*shared, *paths) if isinstance(values := read_config(path), dict)]
        trainers = [trainer for values in configs if isinstance(trainer := values.get("trainer"), dict)]
        of_run = [trainer["max_epochs"] for trainer in trainers if "max_epochs" in trainer]
        epochs.append(f"{paths[0].stem} {of_run[-1] if of_run else 'as the trainer has it'}")
    runs = f"{counted(len(models), 'network')}, {counted(num_seeds, 'seed')} on each split"
    return f"{runs}. Epochs of a run: {', '.join(epochs)}."


def check_counts(**counts: int) -> None:
    """Refuse options below 1.

    Args:
        counts: value of each option by its name.

    Raises:
        UsageError: naming the option.
    """
    for name, count in counts.items():
        if count < 1:
            raise UsageError(f"`{name}` must be at least 1, got {count}")


def with_recipe(model: str, data: str) -> str:
    """A network's config, joined with its recipe for a data set if the package has one.

    Example:
        >>> with_recipe("configs/model/asformer.yaml", "gtea").rpartition("/")[2]
        'asformer_gtea.yaml'
    """
    recipe = config_folder() / "experiment" / f"{Path(model).stem}_{data}.yaml"
    return f"{model}+{recipe}" if "+" not in model and recipe.is_file() else model


def data_option(data: str, root: Path | None) -> str:
    """The option that names the folder of a data set, once it holds what the config reads; imports nothing heavy.

    Args:
        data: name of a data config.
        root: the folder.

    Raises:
        UsageError: if no folder is given.
        FileNotFoundError: if something is missing.
    """
    config = read_config(Path(find_config(f"data/{data}")))["data"]
    arguments = config["reader"]["init_args"]
    parts = ["features", "groundTruth", "splits", "mapping.txt"]
    if "dataset" in arguments:
        parts = [f"features/{arguments['dataset']}/{arguments['feature_folder']}", f"splits/{arguments['dataset']}"]
    expected = f"the folder with {', '.join(parts)}, see {config['card']}"
    if root is None:
        raise UsageError(f"`root` is needed: {expected}")
    if missing := [part for part in parts if not (root / part).exists()]:
        raise FileNotFoundError(f"no {root / missing[0]}: `root` must be {expected}")
    return f"--data.reader.init_args.root={root}"


class _Table(NamedTuple):
    """All networks under one protocol, the best first, and what must be known about their scores."""

    protocol: str
    rows: dict[str, dict[str, TableScore]]
    notes: list[str]

    def as_text(self, style: Literal["markdown", "latex"]) -> str:
        cells = [[network, *(score.cell for score in row.values())] for network, row in self.rows.items()]
        return TABLES[style](["network", *SCORE_HEADINGS.values()], cells)


def _write_report(out: Path, name: str, results: dict[str, Any], introduction: str, quick: bool) -> list[Path]:
    """Score all predictions under every protocol, and write tables and a figure."""
    from segtcn.evaluation import comparable_runs

    runs = comparable_runs([_read_grid(out / "runs" / name, result) for name, result in results["models"].items()])
    tables, on_intervals = _score(runs)
    texts = {
        "md": _markdown(name, introduction, tables, on_intervals),
        "tex": _latex(introduction, tables, on_intervals),
        "csv": _csv(tables),
    }
    files = [out / f"{name}.{ending}" for ending in texts]
    for path, text in zip(files, texts.values(), strict=True):
        write_text(path, text + "\n")
    figure = out / f"{name}.png"
    _draw(tables[0], ", one epoch: the numbers mean nothing" if quick else "", figure)
    return [*files, figure]


def _score(runs: Sequence[Run]) -> tuple[list[_Table], list[str]]:
    """The table of each protocol, and notes on the intervals of all."""
    from segtcn.evaluation import Resampling, compare_runs, interval_notes, known_groups, score_notes, score_run
    from segtcn.metrics.protocols import PROTOCOLS

    scores_of = {
        protocol: sorted((score_run(run, protocol) for run in runs), key=lambda run: -run.scores["f1@50"])
        for protocol in PROTOCOLS
    }
    groups, note = known_groups(runs, next(iter(scores_of.values()))[0])
    how = Resampling(groups=groups, all_pairs=True)  # of all pairs, since the best is found by these scores
    tables = []
    for protocol, scores in scores_of.items():
        differences = compare_runs(scores, how) if len(scores) > 1 else []
        tables.append(_Table(protocol, network_rows(scores, differences, how), score_notes(scores)))
    notes = interval_notes(scores, differences, how)  # they hold for all protocols
    return tables, [*notes, f"Note: {note}."] if note else notes


def _markdown(name: str, introduction: str, tables: Sequence[_Table], on_intervals: Sequence[str]) -> str:
    parts = [f"# Networks on {name}", introduction]
    for table in tables:
        parts += [f"## Protocol `{table.protocol}`", table.as_text("markdown"), *table.notes]
    return "\n\n".join([*parts, "## Intervals under all protocols", *on_intervals])


def _latex(introduction: str, tables: Sequence[_Table], on_intervals: Sequence[str]) -> str:
    lines = [f"% {line}" for line in introduction.splitlines() if line.strip("`")]
    for table in tables:
        lines += [*(f"% {note}" for note in table.notes), table.as_text("latex")]
    return "\n".join([*lines, *(f"% {note}" for note in on_intervals)])


def _csv(tables: Sequence[_Table]) -> str:
    records = [
        [table.protocol, network, key, *(value if isinstance(value, str) else f"{value:.4f}" for value in score)]
        for table in tables
        for network, row in table.rows.items()
        for key, score in row.items()
    ]
    columns = ["protocol", "network", "score", "mean", "low", "high", "difference", "p", "verdict"]
    return TABLES["csv"](columns, records)


def _draw(table: _Table, warning: str, path: Path) -> None:
    from segtcn.visualization.charts import plot_intervals
    from segtcn.visualization.figures import save_figure

    shown = {"F1@50": "f1@50", "Edit": "edit", "Accuracy": "accuracy"}
    panels = {heading: {network: row[key][:3] for network, row in table.rows.items()} for heading, key in shown.items()}
    save_figure(plot_intervals(panels, f"percent, 95 % interval, protocol {table.protocol}{warning}"), path)


def _read_grid(folder: Path, results: dict[str, Any]) -> Run:
    """The runs that ``results`` names; the folder may hold others, of another call."""
    from segtcn.evaluation import read_run

    places = [folder / f"split{split}-seed{seed}" for split in results["splits"] for seed in results["seeds"]]
    first, *_ = runs = [read_run(place) for place in places]
    return replace(first, name=folder.name, parts=tuple(part for run in runs for part in run.parts))


def network_rows(
    scores: Sequence[RunScores], differences: Sequence[Difference], how: Resampling
) -> dict[str, dict[str, TableScore]]:
    """What a table says of networks.

    Args:
        scores: of the networks, the best first.
        differences: of pairs of them; those from the best are shown.
        how: what is drawn for the intervals.

    Returns:
        The scores of each network by key, in the order of tables.
    """
    from segtcn.evaluation.comparison import score_intervals

    found = {
        (each.run, each.score): (each.difference, each.p_value, each.verdict)
        for each in differences
        if each.against == scores[0].name
    }
    rows = {}
    for run in scores:
        ends = score_intervals(run, how)
        rows[run.name] = {
            key: TableScore(run.scores[key], *ends[key], *found.get((run.name, key), ())) for key in SCORE_HEADINGS
        }
    return rows
