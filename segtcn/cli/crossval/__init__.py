"""``segtcn crossval``: all splits times several seeds, one table; of one network or of several.

Several networks are one process each, so this module and :mod:`segtcn.cli.crossval.models`, which start them, import
nothing heavy.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from segtcn.cli.crossval.models import Grid, Launch, crossval_models, crossval_parallel
from segtcn.cli.parser import Configs, Dir, UsageError


def crossval(
    *,
    config: Configs | None = None,
    protocol: str | None = None,
    out: Dir | None = None,
    models: Annotated[list[str], "CONFIG"] | None = None,
    grid: Grid,
    launch: Launch,
    overrides: Annotated[Sequence[str], "--"] = (),
) -> None:
    r"""Train and test on all splits with several seeds, in one table.

    Each run trains on the training videos of a split and scores the test videos with the weights of the last epoch
    (with --checkpoint.monitor, of the best one). The mean over the splits, with mean and standard deviation over the
    seeds, is written as results.json and results.md. A run that is complete is not repeated and an interrupted one
    continues from its last checkpoint: give the same command. All options of `segtcn fit` are options here too.

    With --models, do so for each of several networks, and write models.json and models.md: one row a network with its
    scores, recipe, parameters, speed and memory. A network that fails does not stop the others.

    Args:
        config: config of the network, the data or the trainer; may be repeated.
        protocol: evaluation protocol, as --model.protocol (default: lea).
        out: folder (default: runs/crossval-NAMES-OF-THE-CONFIGS).
        models: a config for each network, or several joined by `+`; after those of -c and before all other options.
        grid: which runs there are.
        launch: how runs are started.
        overrides: options of ``segtcn fit``.

    Examples:
      segtcn crossval -c ed_tcn -c gtea_lea --data.reader.init_args.root DIR --seeds 0,1,2
      segtcn crossval -c ed_tcn -c gtea_lea --data.reader.init_args.root DIR --seeds 0,1,2 --jobs 4
      segtcn crossval -c RUN/config.yaml --splits 1,2 --out runs/two_splits
      segtcn crossval -c ed_tcn -c gtea_lea --data.reader.init_args.root DIR --launcher submitit \
          --launcher-options slurm_partition=gpu timeout_min=240 cpus_per_task=4
      segtcn crossval --models ed_tcn dilated_tcn c2f_tcn+c2f_tcn_gtea -c gtea_lea \
          --data.reader.init_args.root DIR --trainer.logger=false --out runs/gtea
      segtcn compare runs/gtea/ed_tcn runs/gtea/c2f_tcn
    """
    for option in (word.partition("=")[0] for word in overrides):
        if option in ("--seed", "--split", "--data.split", "--seed_everything"):
            raise UsageError(f"{option} is for one run: give --seeds and --splits")
    for name, least in (("jobs", 1), ("retries", 0)):
        if (value := getattr(launch, name)) is not None and value < least:
            raise UsageError(f"--{name} must be at least {least}, got {value}")
    if launch.launcher_options and not launch.launcher:
        raise UsageError("`launcher_options` are for a `launcher`")
    options = [*overrides, *([] if protocol is None else [f"--model.protocol={protocol}"])]
    paths = config or []
    names = ["crossval", *(["models"] if models else []), *(path.stem for path in paths)]
    out = out or Path("runs") / "-".join(names)
    fit_args = [*(f"-c={path}" for path in paths), *options]
    if models is not None:
        crossval_models([[*map(Path, text.split("+"))] for text in models], paths, options, grid, out, launch)
    elif launch == Launch() or launch == Launch(jobs=1):
        from segtcn.cli.crossval.split_runs import crossval_runs

        crossval_runs(fit_args, grid, out)
    else:
        crossval_parallel(fit_args, grid, out, launch)
