"""Runs as jobs of a cluster, through submitit."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

POLL_S = 2.0
"""How often the state of a job is asked for."""


class Cluster:
    """Jobs of SLURM, or processes of this machine where there is no SLURM.

    Args:
        folder: where submitit keeps the jobs.
        options: of submitit, such as ``slurm_partition=gpu`` and ``timeout_min=240``.

    Raises:
        ImportError: if submitit is not installed.
        ValueError: if an option is not one of submitit.
    """

    def __init__(self, folder: Path, options: Sequence[str] = ()) -> None:
        try:
            import submitit
        except ImportError as error:
            raise ImportError('`launcher` needs submitit: pip install "segtcn[cluster]"') from error
        parts = [option.partition("=") for option in options]
        values: dict[str, Any] = {name: yaml.safe_load(value) for name, _, value in parts}
        self._executor = submitit.AutoExecutor(folder=folder)
        try:
            self._executor.update_parameters(**{"timeout_min": 24 * 60, "name": "segtcn", **values})
        except (TypeError, NameError, AttributeError) as error:
            raise ValueError(f"submitit does not know these options ({error}): {', '.join(options)}") from error

    @property
    def is_local(self) -> bool:
        """Whether jobs are processes of this machine."""
        return bool(self._executor.cluster == "local")

    async def run(self, words: Sequence[str], log: Path, environment: Mapping[str, str]) -> int:
        """Run a command as a job, and wait for it; a cancelled wait cancels the job.

        Args:
            words: program and arguments.
            log: what it prints is appended there.
            environment: variables to add to those of the job.

        Returns:
            Its exit status; 1 if the cluster ended it.
        """
        job = self._executor.submit(run_command, [*words], str(log), dict(environment))
        try:
            while not job.done():
                await asyncio.sleep(POLL_S)
        except asyncio.CancelledError:
            job.cancel(check=False)
            raise
        error = job.exception()
        if error is None:
            return int(job.result())
        with log.open("a", encoding="utf-8") as file:
            file.write(f"job {job.job_id}: {error}\n")
        return 1


def run_command(words: list[str], log: str, environment: dict[str, str]) -> int:
    """Run a command in a job; what it prints is appended to ``log``."""
    with open(log, "ab") as file:
        environment = {**os.environ, **environment}
        return subprocess.run(words, env=environment, stdout=file, stderr=file, check=False).returncode
