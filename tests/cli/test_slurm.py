"""Cross-validation as jobs of SLURM: Debian's `slurm-wlm`, started on loopback; `pytest -m slurm` as root."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from segtcn.cli import main
from tests.cli.test_cluster import command, jobs  # noqa: F401  # a fixture

pytest.importorskip("submitit")
pytestmark = [pytest.mark.slow, pytest.mark.slurm]

CONFIGURATION = """
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/none
CredType=cred/none
StateSaveLocation={folder}
SlurmdSpoolDir={folder}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores}
PartitionName=main Nodes={host} Default=YES
"""


@pytest.fixture
def slurm(tmp_path, monkeypatch) -> Iterator[None]:
    """A cluster of this machine alone."""
    if shutil.which("slurmctld") is None or os.geteuid():
        pytest.skip("needs slurm-wlm, and root to start it")
    folder, host = tmp_path / "slurm", socket.gethostname()
    folder.mkdir()
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    text = CONFIGURATION.format(host=host, folder=folder, ports=ports, cores=os.cpu_count())
    (folder / "slurm.conf").write_text(text)
    monkeypatch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
    with (folder / "log.txt").open("w") as log:
        daemons = [subprocess.Popen([name, "-D"], stdout=log, stderr=log) for name in ("slurmctld", "slurmd")]
        try:
            deadline = time.monotonic() + 60
            while "idle" not in subprocess.run(["sinfo"], capture_output=True, text=True, check=False).stdout:
                assert time.monotonic() < deadline, (folder / "log.txt").read_text()
                time.sleep(0.2)
            yield
        finally:
            subprocess.run(["scancel", "--user=root"], check=False)
            for daemon in reversed(daemons):
                daemon.terminate()
                daemon.wait(30)


def test_a_job_that_slurm_ends_is_queued_again_and_none_is_repeated(slurm, command):  # noqa: F811
    words = ["crossval", "-c=small.yaml", *command, "--trainer.max_epochs=30", "--checkpoint.every_n_epochs=1"]
    child = [sys.executable, "-m", "segtcn", *words]
    process = subprocess.Popen(child, stdout=subprocess.PIPE, text=True)
    while not [*Path("out").rglob("last.ckpt")]:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    running = subprocess.run(["squeue", "-h", "-o", "%i"], capture_output=True, text=True, check=True).stdout.split()
    subprocess.run(["scancel", running[-1]], check=True)
    out, _ = process.communicate(timeout=500)
    assert process.returncode == 0, out
    assert "is started again" in out
    assert jobs() == 3
    local = [word for word in words if not word.startswith(("--launcher", "--jobs", "--out"))]
    assert main([*local, "--out=local"]) == 0
    one, other = (json.loads(Path(name, "results.json").read_text())["scores"] for name in ("out", "local"))
    assert one == other
    assert main(words) == 0
    assert jobs() == 3
