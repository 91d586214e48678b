"""Cross-validation as jobs, started by submitit on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from segtcn.cli import main
from tests.cli.test_crossval_models import DILATED_TCN, ED_TCN, ROOT, status_of
from tests.conftest import write_tree

submitit = pytest.importorskip("submitit")

WITHOUT_SLURM = "from submitit import SlurmExecutor; SlurmExecutor.affinity = classmethod(lambda cls: -1); "


@pytest.fixture(autouse=True)
def this_machine(monkeypatch):
    """Start jobs here, although the machine may have SLURM."""
    monkeypatch.setattr(submitit.SlurmExecutor, "affinity", lambda: -1)


@pytest.fixture
def command(tmp_path, monkeypatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    Path("small.yaml").write_text(ED_TCN)
    Path("other.yaml").write_text(DILATED_TCN)
    return [
        *("-c", f"{ROOT}/configs/data/ms_tcn_tree.yaml", f"-c={ROOT}/configs/trainer/default.yaml"),
        f"--data.reader.init_args.root={write_tree(tmp_path / 'ms_tcn')}",
        *("--trainer.accelerator=cpu", "--trainer.logger=false", "--out=out", "--launcher=submitit", "--jobs=2"),
    ]


def jobs() -> int:
    """Jobs that were ever started."""
    return len([*Path("out/jobs").glob("*_submitted.pkl")])


@pytest.mark.slow
def test_each_split_seed_and_network_is_a_job_and_none_is_repeated(command, capsys):
    words = ["crossval", "--models", "small.yaml", "other.yaml", *command, "--seeds=0,1"]
    assert main([*words, "--retries=0"]) == 0
    assert jobs() == 8
    out = capsys.readouterr().out
    assert "other/split2-seed1: done" in out
    assert Path("out/models.md").read_text() in out
    local = [word for word in words if not word.startswith(("--launcher", "--jobs", "--out"))]
    assert main([*local, "--out=local"]) == 0
    one, other = (json.loads(Path(name, "models.json").read_text())["models"] for name in ("out", "local"))
    assert {name: result["scores"] for name, result in one.items()} == {
        name: result["scores"] for name, result in other.items()
    }
    assert main(words) == 0
    assert jobs() == 8
    Path("out/small/split1-seed0/scores.json").unlink()
    assert main(words) == 0
    assert jobs() == 9


@pytest.mark.slow
def test_a_job_that_fails_is_queued_again_within_the_limit(command, capsys, tmp_path):
    (tmp_path / "mine.py").write_text("""
from pathlib import Path
from segtcn.models import EDTCN
class Flaky(EDTCN):
    def forward(self, features, mask=None):
        file = Path(f"attempts{self.training}")
        file.write_text(file.read_text() + "x" if file.exists() else "x")
        if len(file.read_text()) == 3:
            raise MemoryError("no memory this time")
        return super().forward(features, mask)
""")
    net = ED_TCN.replace("segtcn.models.EDTCN", "mine.Flaky")
    Path("small.yaml").write_text(net)
    words = ["crossval", "-c=small.yaml", *command, "--splits=1"]
    assert main([*words, "--retries=0"]) == 1
    printed = capsys.readouterr()
    assert "1 of 1 runs failed: out/split1-seed0/log.txt" in printed.err
    assert "no memory this time" in Path("out/split1-seed0/log.txt").read_text()
    Path("attemptsTrue").unlink()
    Path("attemptsFalse").unlink(missing_ok=True)
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "split1-seed0: failed with status 1, is started again" in out
    assert "split1-seed0: done" in out


@pytest.mark.slow
def test_ctrl_c_cancels_the_jobs_which_the_same_command_continues(command):
    words = ["crossval", "-c=small.yaml", *command, "--splits=1", "--trainer.max_epochs=3000"]
    words.append("--checkpoint.every_n_epochs=5")
    child = WITHOUT_SLURM + "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    child += "from segtcn.cli import main; sys.exit(main(sys.argv[1:]))"
    process = subprocess.Popen([sys.executable, "-c", child, *words], stderr=subprocess.PIPE, text=True, env=os.environ)
    while not [*Path("out").rglob("last.ckpt")]:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command continues" in err
    size = Path("out/split1-seed0/log.txt").stat().st_size
    time.sleep(3)
    assert Path("out/split1-seed0/log.txt").stat().st_size == size
    assert not Path("out/split1-seed0/scores.json").exists()


@pytest.mark.parametrize(
    ("status", "options", "message"),
    [
        (1, ["--launcher-options", "partitions=gpu"], "submitit does not know these options"),
        (2, ["--retries=-1"], "--retries must be at least 0, got -1"),
    ],
)
def test_wrong_options_are_refused(command, capsys, status, options, message):
    assert status_of(["crossval", "-c=small.yaml", *command, *options, "--splits=1"]) == status
    assert message in capsys.readouterr().err
