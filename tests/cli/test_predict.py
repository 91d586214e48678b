"""`segtcn predict`: the whole way from clips to labels of a new clip, and the command's own promises."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from segtcn.cli import main
from segtcn.data.readers import HDF5Reader, MSTCNReader
from segtcn.decoding import hysteresis
from segtcn.evaluation.run_facts import RunFacts
from segtcn.extract import load_backbone
from segtcn.labels import read_labels
from segtcn.models import EDTCN
from segtcn.segmenter import Segmenter, load
from segtcn.video_io import probe
from tests.clips import write_clip

SETTINGS = {"window": 1, "stride": 2, "padding": None, "fps": 20.0, "dtype": "float32"}


@pytest.fixture
def checkpoint(tmp_path) -> Path:
    """A network with new weights that knows how its features were made."""
    torch.manual_seed(0)
    extraction = {"backbone": load_backbone("builtin").settings} | SETTINGS
    Segmenter(EDTCN(278, 2, (6,), 3), ["pour", "stir"], fps=10, extraction=extraction).save(tmp_path / "net.ckpt")
    return tmp_path / "net.ckpt"


def predict(*words: object) -> int:
    return main(["predict", *map(str, words), "--quiet"])


def test_from_two_clips_to_the_labels_of_a_third(tmp_path, monkeypatch, capsys):
    """extract -> records -> init -> card -> fit -> checkpoint and run.json -> predict; convert carries it both ways."""
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "data"
    (data / "videos").mkdir(parents=True)
    (data / "annotations").mkdir()
    for name, length in (("a", 40), ("b", 44)):
        write_clip(data / "videos" / f"{name}.mp4", length, 20)
        table = f"label,start_s,stop_s\npour,0,1\nstir,1,{length / 20}\n"
        (data / "annotations" / f"{name}.csv").write_text(table)
    extract = ["--backbone=builtin", "--stride=2", "--quiet"]
    assert main(["extract", "data/videos", "--out=data/features", *extract]) == 0
    assert main(["init", "data", "--fps=10", "--folds=2", "--quiet"]) == 0
    extraction = {"backbone": load_backbone("builtin").settings} | SETTINGS | {"fps": None}
    assert yaml.safe_load((data / "README.md").read_text().split("---")[1])["extraction"] == extraction
    assert main(["convert", "data", "data.h5", "--fps=10", "--quiet"]) == 0
    assert main(["convert", "data.h5", "again", "--quiet"]) == 0
    assert HDF5Reader("data.h5").extraction == MSTCNReader("again").extraction == extraction
    fit = ["fit", "-c=ed_tcn", "-c=data/data.yaml", "--trainer.max_epochs=1", "--trainer.logger=false"]
    options = ["--trainer.accelerator=cpu", "--model.net.init_args.kernel_size=5", "--trainer.default_root_dir=run"]
    assert main([*fit, *options]) == 0
    assert main(["test", "-c=run/config.yaml"]) == 0
    assert load("run").extraction == RunFacts.read(Path("run")).extraction == extraction
    clip = write_clip(tmp_path / "new.mp4", 50, 20)
    assert predict("run", clip, "--out", "labels") == 0
    assert main(["extract", "new.mp4", "--out=by_hand", *extract]) == 0
    expected = load("run").predict("by_hand/new.npy")
    labels = read_labels("labels/new.npz")
    assert labels.names() == expected.names() == load("run").predict_video(clip).names()
    assert (len(labels), labels.fps) == (25, 10)


def test_neither_lightning_nor_wandb_is_imported(checkpoint, tmp_path):
    np.save(tmp_path / "tea.npy", np.zeros((278, 20), np.float32))
    words = ["predict", str(checkpoint), str(tmp_path / "tea.npy"), "--out", str(tmp_path / "out")]
    code = (
        f"import sys; from segtcn.cli import main; status = main({words}); "
        "print(status, *sorted({'pytorch_lightning', 'wandb', 'torchmetrics', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].split() == ["0"]
    assert "predict: 1 of 1 videos (100 %)" in done.stderr


def test_overlay_draws_clips_and_only_these(checkpoint, tmp_path, capsys):
    (tmp_path / "in").mkdir()
    write_clip(tmp_path / "in" / "tea.mp4", 20, 20)
    np.save(tmp_path / "in" / "soup.npy", np.zeros((278, 20), np.float32))
    (tmp_path / "in" / "notes.md").touch()
    assert predict(checkpoint, tmp_path / "in", "--out", tmp_path / "out", "--overlay") == 0
    assert f"passed over: {tmp_path / 'in' / 'notes.md'}" in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "out").glob("*.mp4")] == ["tea.mp4"]
    assert probe(tmp_path / "out" / "tea.mp4").fps == 20
    (tmp_path / "out" / "tea.mp4").unlink()
    assert predict(checkpoint, tmp_path / "in", "--out", tmp_path / "out", "--overlay") == 0
    assert "0 videos labelled, 2 were there already" in capsys.readouterr().out
    assert (tmp_path / "out" / "tea.mp4").exists()


def test_clips_that_lie_in_the_folder_of_the_labels_stay(checkpoint, tmp_path, capsys):
    (tmp_path / "in").mkdir()
    clip = write_clip(tmp_path / "in" / "tea.mp4", 20, 20)
    before = clip.read_bytes()
    assert predict(checkpoint, clip, "--out", clip.parent) == 0
    for options in ([], ["--overwrite"]):
        assert predict(checkpoint, clip, "--out", clip.parent, "--overlay", *options) == 1
        assert f"{clip} would be replaced by its drawing: choose another `out` (--out)" in capsys.readouterr().err
    (tmp_path / "out").mkdir()
    write_clip(tmp_path / "out" / "tea.mp4", 10, 20)
    assert predict(checkpoint, clip, "--out", tmp_path / "out", "--overlay") == 1
    assert "tea.mp4 is there and was not made here: choose another `out` (--out)" in capsys.readouterr().err
    assert clip.read_bytes() == before


def test_failures_are_listed_at_the_end_with_status_1(checkpoint, tmp_path, capsys):
    np.save(tmp_path / "tea.npy", np.zeros((278, 20), np.float32))
    np.save(tmp_path / "soup.npy", np.zeros((12, 20), np.float32))
    (tmp_path / "silent.mp4").write_text("not a clip")
    files = [tmp_path / name for name in ("tea.npy", "soup.npy", "silent.mp4")]
    assert predict(checkpoint, *files, "--out", tmp_path / "out") == 1
    out, err = capsys.readouterr()
    assert "1 video labelled" in out
    assert "2 of 3 videos failed, the others are done:\n" in err
    assert "soup.npy: `features` must have the shape (278, T) with T >= 1, got (12, 20)" in err
    assert "silent.mp4" in err


def test_a_decoder_makes_the_labels(checkpoint, tmp_path, capsys):
    np.save(tmp_path / "tea.npy", np.random.default_rng(0).standard_normal((278, 60)).astype(np.float32))
    for folder, words in (("plain", []), ("held", ["--decoder", "hysteresis=0.5"])):
        assert predict(checkpoint, tmp_path / "tea.npy", "--out", tmp_path / folder, *words) == 0
    plain, held = (read_labels(tmp_path / folder / "tea.npz") for folder in ("plain", "held"))
    assert held.indexes.tolist() == hysteresis(plain, 0.5).indexes.tolist() != plain.indexes.tolist()
    assert predict(checkpoint, tmp_path / "tea.npy", "--out", tmp_path / "held") == 1
    assert "options decoder" in capsys.readouterr().err
    assert predict(checkpoint, tmp_path / "tea.npy", "--out", tmp_path / "other", "--decoder", "median") == 1
    assert "no decoder 'median'" in capsys.readouterr().err


def test_a_wrong_option_is_named_by_its_option(checkpoint, tmp_path, capsys):
    np.save(tmp_path / "tea.npy", np.zeros((278, 20), np.float32))
    assert predict(checkpoint, tmp_path / "tea.npy", "--out", tmp_path / "out", "--min-duration=-1") == 1
    assert "`min_duration_s` (--min-duration) must be a number of seconds" in capsys.readouterr().err
    assert predict(tmp_path / "none.ckpt", tmp_path / "tea.npy", "--out", tmp_path / "out") == 1
    assert "no checkpoint" in capsys.readouterr().err


def test_a_network_of_the_users_is_loaded_only_from_the_module_that_is_named(tmp_path, monkeypatch, capsys):
    (tmp_path / "own_net.py").write_text(
        "from segtcn.models import FrameClassifier\n\n\nclass OwnNet(FrameClassifier):\n    pass\n"
    )
    code = "import own_net; from segtcn.segmenter import Segmenter; Segmenter(own_net.OwnNet(4, 2)).save('net.ckpt')"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    np.save(tmp_path / "tea.npy", np.zeros((4, 20), np.float32))
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    assert predict("net.ckpt", "tea.npy", "--out", "out") == 1
    error = capsys.readouterr().err
    assert "no network is named 'OwnNet'" in error
    assert "import the `module` (--module) that defines it first" in error
    assert predict("net.ckpt", "tea.npy", "--out", "out", "--module", "own_net.py") == 1
    assert "cannot import `module` own_net.py" in capsys.readouterr().err
    assert predict("net.ckpt", "tea.npy", "--out", "out", "--module", "own_net") == 0
    assert (tmp_path / "out" / "tea.npz").exists()
