"""``segtcn sweep``: search for good options of ``segtcn fit`` by validation videos, with Optuna."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from segtcn.atomic import write_text
from segtcn.cli.parser import Dir, File
from segtcn.config_names import read_config
from segtcn.text_table import markdown_table

if TYPE_CHECKING:
    import optuna

RUN = "run"
"""What Optuna keeps of a trial beside its parameters: the folder of its run."""

SWEEP = "sweep"
"""What Optuna keeps of a study: what all of its trials share."""


def sweep(
    file: File,
    *,
    trials: int = 20,
    out: Dir = Path("runs/sweep"),
    storage: Annotated[str, "FILE|URL"] | None = None,
    overrides: Annotated[Sequence[str], "--"] = (),
) -> None:
    """Try options of `segtcn fit`, and find those with the best score on validation videos.

    FILE describes the sweep as Weights & Biases does: `metric`, `parameters`, `method` (bayes or random),
    `early_terminate`, and `command`, the `segtcn fit` of each trial. Further options come after those of the command.
    Trials that fall behind on the validation videos end early. Test videos are never looked at: score the best run
    once, at the end.

    Several processes may work on one sweep: start the command again. The same command continues a sweep that was
    stopped; an interrupted trial continues from its last checkpoint.

    Args:
        file: the sweep, such as configs/sweep/optimizer.yaml.
        trials: of all processes and all starts together.
        out: folder of the table, with one run a trial.
        storage: FILE.db (SQLite), FILE.log (a journal, also on network file systems), or an address for Optuna
            (default: OUT/sweep.db).
        overrides: options of ``segtcn fit``.

    Examples:
      segtcn sweep configs/sweep/optimizer.yaml --trials 50 --data.reader.init_args.root DIR
      segtcn test runs/sweep/trial7
    """
    if trials < 1:
        raise ValueError(f"`trials` must be at least 1, got {trials}")
    try:
        import optuna
    except ImportError as error:
        raise ImportError('a sweep needs Optuna: pip install "segtcn[sweep]"') from error

    optuna.logging.set_verbosity(optuna.logging.ERROR)  # warnings repeat an error of a trial, with its traceback
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)  # of the heartbeat, for instance
    space = Space.read(file)
    out.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        study_name=file.stem,
        storage=_storage(storage or str(out / "sweep.db"), out),
        sampler=space.sampler(),
        pruner=space.pruner(),
        direction=space.goal,
        load_if_exists=True,
    )
    _check_same_sweep(study, space, overrides)
    ended = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
    enough = optuna.study.MaxTrialsCallback(trials, states=ended)
    if len(study.get_trials(states=ended)) < trials:
        study.optimize(lambda trial: _train(trial, space, overrides, out), callbacks=[enough, _show])
    table = _table(study, space)
    write_text(out / "sweep.md", f"{table}\n")
    print(f"{table}\n\ntable: {out / 'sweep.md'}")
    if not study.get_trials(states=ended[:1]):
        raise ValueError("all trials ended early, so that none is the best: ask for more `trials`")
    print(f"score the best: segtcn test {study.best_trial.user_attrs[RUN]}")


@dataclass(frozen=True)
class Space:
    """What a sweep tries.

    Args:
        command: options of ``segtcn fit``, among them ``${args}``.
        parameters: option to the values or the range that W&B would try.
        metric: a value that validation logs.
        goal: ``maximize`` or ``minimize``.
        method: ``bayes`` or ``random``.
        min_iter: epochs before a trial may end early; None ends none.
    """

    command: Sequence[str]
    parameters: Mapping[str, Mapping[str, Any]]
    metric: str
    goal: str
    method: str
    min_iter: int | None

    @classmethod
    def read(cls, path: Path) -> Space:
        """Read the file of a sweep.

        Raises:
            ValueError: if it does not describe a sweep that is judged by validation.
        """
        values = read_config(path)
        try:
            command, metric = [*map(str, values["command"])], values["metric"]
            name, goal, method = str(metric["name"]), metric["goal"], values["method"]
            parameters = {str(option): dict(words) for option, words in values["parameters"].items()}
            early = dict(values["early_terminate"]) if "early_terminate" in values else None
            min_iter = None if early is None else int(early["min_iter"])
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise ValueError(
                f"{path} is not a sweep ({type(error).__name__}: {error}): it needs `command`, `parameters`, `method`, "
                "and `metric` with `name` and `goal`"
            ) from error
        if not name.startswith("val/"):
            raise ValueError(f"{path} is judged by {name}: choose a value of the validation videos, such as val/f1@50")
        if goal not in ("maximize", "minimize") or method not in ("bayes", "random"):
            raise ValueError(f"{path}: `goal` must be maximize or minimize, `method` bayes or random: {goal}, {method}")
        if command[:2] != ["segtcn", "fit"] or "${args}" not in command:
            raise ValueError(f"{path}: `command` must begin with segtcn, fit and hold ${{args}}")
        if early is not None and (early.get("type", "hyperband") != "hyperband" or int(early["min_iter"]) < 1):
            raise ValueError(f"{path}: `early_terminate` must be of type hyperband, `min_iter` at least 1, got {early}")
        for option, words in parameters.items():
            if not _is_known(words):
                raise ValueError(
                    f"the parameter {option} needs `values`, or `min` and `max` of the distribution uniform, "
                    f"int_uniform or log_uniform_values, got {words}"
                )
        return cls(command[2:], parameters, name, goal, method, min_iter)

    def words(self, trial: optuna.Trial) -> list[str]:
        """The options of a trial."""
        args = [f"--{name}={_suggest(trial, name, words)}" for name, words in self.parameters.items()]
        return [word for option in self.command for word in (args if option == "${args}" else [option])]

    def sampler(self) -> optuna.samplers.BaseSampler:
        """How values are chosen."""
        from optuna.samplers import RandomSampler, TPESampler

        return RandomSampler() if self.method == "random" else TPESampler(constant_liar=True)  # several processes

    def pruner(self) -> optuna.pruners.BasePruner:
        """Which trials end early."""
        from optuna.pruners import HyperbandPruner, NopPruner

        return NopPruner() if self.min_iter is None else HyperbandPruner(min_resource=self.min_iter)


def _check_same_sweep(study: optuna.Study, space: Space, overrides: Sequence[str]) -> None:
    """Refuse to mix trials that are not comparable in one study."""
    sweep = {"metric": space.metric, "goal": space.goal, "command": [*space.command, *overrides]}
    stored = study.user_attrs.get(SWEEP)
    if stored is None:
        study.set_user_attr(SWEEP, sweep)
        return
    for key, value in sweep.items():
        if stored[key] == value:
            continue
        before, now = stored[key], value
        if isinstance(now, list):  # a command is long
            before, now = [word for word in before if word not in value], [word for word in now if word not in before]
        raise ValueError(
            f"the sweep {study.study_name} has trials of another `{key}` ({before!r}; now {now!r}): choose another "
            "folder with --out, or another storage"
        )


def _is_known(words: Mapping[str, Any]) -> bool:
    """Whether Optuna would try what W&B tries for a parameter."""
    kind, keys = words.get("distribution"), words.keys() - {"distribution"}
    if keys == {"value"}:
        return kind in (None, "constant")
    if keys == {"values"}:
        return kind in (None, "categorical") and isinstance(words["values"], list) and words["values"] != []
    if keys != {"min", "max"} or kind not in (None, "uniform", "int_uniform", "log_uniform_values"):
        return False
    try:
        low, high = float(words["min"]), float(words["max"])
    except (TypeError, ValueError):
        return False
    if kind == "int_uniform" and not (isinstance(words["min"], int) and isinstance(words["max"], int)):
        return False
    return math.isfinite(low) and math.isfinite(high) and low <= high and (low > 0 or kind != "log_uniform_values")


def _suggest(trial: optuna.Trial, name: str, words: Mapping[str, Any]) -> Any:
    """A value of a parameter as W&B describes it."""
    if "value" in words or "values" in words:
        return trial.suggest_categorical(name, [words["value"]] if "value" in words else words["values"])
    kind, low, high = words.get("distribution"), words["min"], words["max"]
    if kind == "int_uniform" or (kind is None and isinstance(low, int) and isinstance(high, int)):
        return trial.suggest_int(name, low, high)
    return trial.suggest_float(name, float(low), float(high), log=kind == "log_uniform_values")


def _storage(place: str, out: Path) -> optuna.storages.BaseStorage:
    from optuna.storages import JournalStorage, RDBStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    if place.endswith(".log"):
        return JournalStorage(JournalFileBackend(place))
    lock = JournalFileOpenLock(str(out / "sweep"))  # two processes that start at once must not both make the tables
    lock.acquire()
    try:
        return RDBStorage(
            place if "://" in place else f"sqlite:///{place}",
            # a process that was killed stops beating, and another one does its trial again
            heartbeat_interval=10,
            grace_period=60,
            heartbeat_stale_trial_callback=_repeat,
        )
    finally:
        lock.release()


def _repeat(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
    """Let a trial that was interrupted be continued."""
    study.enqueue_trial(trial.params, user_attrs=trial.user_attrs)


def _train(trial: optuna.Trial, space: Space, overrides: Sequence[str], out: Path) -> float:
    """Train one network; returns its best score on the validation videos."""
    from segtcn.callbacks.validation_report import ValidationReport
    from segtcn.callbacks.wandb import finish
    from segtcn.cli.config_words import resolve_configs
    from segtcn.cli.crossval.split_runs import last_checkpoint
    from segtcn.cli.lightning import SegmentationCLI
    from segtcn.cli.stopping import saved_by_signals

    folder = Path(trial.user_attrs.get(RUN, out / f"trial{trial.number}"))
    trial.set_user_attr(RUN, str(folder))
    words = [*space.words(trial), *overrides, f"--trainer.default_root_dir={folder}"]
    cli = SegmentationCLI(resolve_configs(["fit", *words])[1:], run=False)
    if not cli.datamodule.names("val"):
        raise ValueError("a sweep chooses by validation videos, and there are none: add --data.validation 0.2")
    report = ValidationReport(space.metric, partial(_report, trial))
    cli.trainer.callbacks.insert(0, report)  # type: ignore[attr-defined]
    print(f"trial {trial.number}: {trial.params}", flush=True)
    try:
        with saved_by_signals():
            cli.trainer.fit(cli.model, cli.datamodule, ckpt_path=last_checkpoint(folder), weights_only=True)
    except KeyboardInterrupt:
        _repeat(trial.study, trial.study.trials[trial.number])
        raise
    finally:
        finish()
    return (max if space.goal == "maximize" else min)(report.values)


def _report(trial: optuna.Trial, value: float, epoch: int) -> None:
    """Tell Optuna the score of an epoch, and end a trial that falls behind."""
    import optuna

    trial.report(value, epoch)
    if trial.should_prune():
        raise optuna.TrialPruned


def _show(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
    value = "no score" if trial.value is None else f"{trial.value:.4g}"
    print(f"trial {trial.number}: {trial.state.name.lower()}, {value}", flush=True)


def _table(study: optuna.Study, space: Space) -> str:
    """All trials that ended, the best first."""
    trials = [trial for trial in study.trials if trial.value is not None]
    trials.sort(key=lambda trial: trial.value or 0.0, reverse=space.goal == "maximize")
    rows = [
        [trial.user_attrs[RUN], f"{trial.value:.4g}", trial.state.name.lower()]
        + [str(trial.params.get(name, "")) for name in space.parameters]
        for trial in trials
    ]
    return markdown_table(["run", space.metric, "state", *space.parameters], rows)
