"""Where a run lies, what it is called, and which of its checkpoints counts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from segtcn.cli.config_words import join_configs
from segtcn.segmenter.checkpoint import find_checkpoint, is_trained_run, newest_intact

FOLDER_VARIABLE = "SEGTCN_RUN_FOLDER"
"""Environment variable by which the first process of a distributed run passes its folder to the others."""

BEST = "best"
"""Name of the checkpoint with the best monitored value, without its ending."""


def new_folder() -> str:
    """``runs/DATE-TIME``, or in a process that Lightning has started, the folder of the process that started it."""
    # Lightning sets LOCAL_RANK in the processes that it starts; without it the variable is of an earlier run
    folder = os.environ.get(FOLDER_VARIABLE) if "LOCAL_RANK" in os.environ else None
    return folder or f"runs/{datetime.now():%Y%m%d-%H%M%S-%f}"


def follow_configs(args: Sequence[str]) -> list[str]:
    """Options of ``segtcn fit`` in which a config from a run's folder means that folder, wherever it now lies.

    The config names the folder in which the run was made: the option that is put behind the config names the one in
    which it lies. An option further behind still overrides it.

    Example:
        >>> follow_configs(["-c", "configs/data/gtea_lea.yaml", "--data.split=2"])
        ['-c=configs/data/gtea_lea.yaml', '--data.split=2']
    """
    followed: list[str] = []
    for word in join_configs(args):
        followed.append(word)
        option, _, value = word.partition("=")
        is_config = option in ("-c", "--config") and Path(value).is_file()
        if is_config and is_trained_run(Path(value).parent):
            followed.append(f"--trainer.default_root_dir={Path(value).parent}")
    return followed


def resume_words(args: Sequence[str]) -> list[str]:
    """The words of ``fit RUN --resume`` as options: the config of the run, its folder, its newest intact checkpoint.

    A run that was ended before its first checkpoint starts anew.

    Raises:
        FileNotFoundError: if no run is named, or it was ended before it had a config.
    """
    words = [word for word in join_configs(args) if word != "--resume"]
    paths = (Path(word.partition("=")[2]) for word in words if word.startswith(("-c=", "--config=")))
    configs = [path for path in paths if path.name == "config.yaml"]
    folder = next((config.parent for config in configs if config.is_file()), None)
    if folder is None and configs:
        raise FileNotFoundError(
            f"no {configs[0]}: the run was ended before it trained, or is not a run; start it again with the options "
            f"of its first start and --trainer.default_root_dir {configs[0].parent}"
        )
    if folder is None:
        raise FileNotFoundError("`--resume` needs the folder of a run with its config.yaml: segtcn fit RUN --resume")
    words.append(f"--trainer.default_root_dir={folder}")
    try:
        return [*words, f"--ckpt_path={newest_intact(folder)}"]
    except FileNotFoundError:
        return words


def run_name(config: Any) -> str:
    """What a run is called in pictures and on W&B: its ``name``, or network, data, split and the folder's name.

    The folder's name is the time of the start, unless the user chose another.

    Args:
        config: of ``segtcn fit``.
    """
    if config.name:
        return str(config.name)
    network = config.model.net.class_path.rpartition(".")[2]
    reader = config.data.reader.get("init_args") or {}
    card = Path(config.data.card).parent.name if config.data.get("card") else ""
    # what says best which data these are: the name of the data set, or the folder of its card, or of its files
    places = (str(reader.get("dataset") or ""), card, Path(str(reader.get("root") or reader.get("path") or "")).stem)
    data = next(filter(None, places), config.data.reader.class_path.rpartition(".")[2])
    return f"{network} {data} split {config.data.split} {Path(config.trainer.default_root_dir).name}"


def choose_checkpoint(folder: Path, monitor: str | None) -> tuple[Path, str]:
    """The checkpoint of a run that counts, and why: the best one where a value was monitored, or else the last one.

    Args:
        folder: of the run, wherever it now lies.
        monitor: the value that was monitored, or None.

    Raises:
        FileNotFoundError: if the run has no checkpoint.
    """
    path = find_checkpoint(folder)
    if monitor is None:
        return path, "last epoch: nothing was monitored"
    if path.stem == BEST:
        return path, f"best {monitor}"
    return path, f"last epoch: {monitor} was monitored, but there is no {path.with_stem(BEST)}"
