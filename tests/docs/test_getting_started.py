"""The six commands of *Getting started* lead from clips and annotations to a player."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys

import pytest

from tests.clips import write_clip
from tests.docs.test_pages import ROOT, blocks

MORE = {"fit": ["--trainer.max_epochs=2"], "view": ["--export=player"]}
"""What makes a command short, or end."""


@pytest.mark.slow
def test_the_six_commands_work(tmp_path):
    (tmp_path / "mydata" / "videos").mkdir(parents=True)
    (tmp_path / "mydata" / "annotations").mkdir()
    for number in range(1, 7):
        name = f"P0{number}_tea"
        write_clip(tmp_path / "mydata" / "videos" / f"{name}.mp4", num_frames=50 + number)
        text = "label,start_s,stop_s\ntake cup,0.0,0.9\npour water,0.9,1.6\n"
        (tmp_path / "mydata" / "annotations" / f"{name}.csv").write_text(text)
    commands = blocks(ROOT / "docs" / "getting_started.md", "bash")[0].strip().split("\n")
    assert len(commands) == 6
    assert commands[0] == "pip install segtcn"
    for command in commands[1:]:
        _, name, *words = shlex.split(command)
        result = subprocess.run(
            [sys.executable, "-m", "segtcn", name, *words, *MORE.get(name, [])],
            cwd=tmp_path,
            env={**os.environ, "WANDB_MODE": "offline", "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, f"{command}\n{result.stdout}{result.stderr}"
    names = re.findall(r"P0\d_tea", " ".join(path.name for path in (tmp_path / "runs/first/predictions").iterdir()))
    assert names
    assert (tmp_path / "player" / "index.html").is_file()
