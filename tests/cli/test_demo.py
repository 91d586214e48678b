"""`segtcn demo`: everything it promises is there; the full one learns what it shows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from segtcn.cli import main
from segtcn.cli.demo import demo
from segtcn.labels import read_labels
from segtcn.segmenter import Segmenter
from segtcn.video_io import probe
from tests import wandb_file


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """A demo of four clips and two epochs."""
    out = tmp_path_factory.mktemp("demo") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANDB_MODE", "offline")
        patch.setenv("WANDB_SILENT", "true")
        assert main(["demo", "--out", str(out), "--videos", "4", "--epochs", "2"]) == 0
    return out


def test_every_promised_file_is_there(small):
    scores = json.loads((small / "scores.json").read_text())
    assert set(scores) == {"protocol", "accuracy", "edit", "f1@10", "f1@25", "f1@50"}
    assert f"{scores['accuracy']:.1f}" in (small / "scores.md").read_text()
    assert (small / "timeline.png").read_bytes().startswith(b"\x89PNG")
    model = Segmenter.load(small / "checkpoints" / "last.ckpt")
    assert model.classes.names[0] == "background"


def test_the_trained_network_labels_a_new_clip(small, tmp_path):
    name = next(path.stem for path in sorted((small / "predictions").glob("*.npz")))
    clip = shutil.copy(small / "data" / "videos" / f"{name}.mp4", tmp_path / "new.mp4")
    assert main(["predict", str(small), str(clip), "--out", str(tmp_path / "labels")]) == 0
    labels = read_labels(tmp_path / "labels" / "new.npz")
    assert (labels.indexes == read_labels(small / "predictions" / f"{name}.npz").indexes).all()


def test_the_player_has_all_held_out_clips_with_the_scores_of_the_table(small):
    text = (small / "player" / "data" / "index.js").read_text()
    index = json.loads(text[text.index("(") + 1 : text.rindex(")")])
    names = sorted(path.stem for path in (small / "predictions").glob("*.csv"))
    assert [video["name"] for video in index["videos"]] == names
    assert all((small / "player" / video["clip"]).is_file() for video in index["videos"])
    scores = json.loads((small / "scores.json").read_text())
    assert index["protocol"] == scores["protocol"]
    shown = [video["scores"]["ED-TCN"]["accuracy"] for video in index["videos"]]
    assert sum(shown) / len(shown) == pytest.approx(scores["accuracy"], abs=0.01)
    files = (small / "player").rglob("*")
    assert sum(path.stat().st_size for path in files if path.is_file() and path.parent.name != "clips") < 1_000_000


def test_predictions_and_overlay_cover_every_frame_of_the_held_out_clips(small):
    tables = sorted((small / "predictions").glob("*.csv"))
    assert tables
    for table in tables:
        clip = probe(small / "data" / "videos" / f"{table.stem}.mp4")
        labels = read_labels(table)
        assert len(labels) == clip.num_frames
        assert labels.fps == pytest.approx(float(clip.fps))
    overlay, clip = probe(small / "overlay.mp4"), probe(small / "data" / "videos" / f"{tables[0].stem}.mp4")
    assert (overlay.num_frames, overlay.fps) == (clip.num_frames, clip.fps)


def test_wandb_run_holds_training_test_and_timelines(small):
    (run,) = wandb_file.run_files(small)
    rows = wandb_file.history(run)
    assert any("train/f1@50" in row for row in rows)
    assert any("test/f1@50/stir" in row for row in rows)
    assert any("test/timelines.caption" in row for row in rows)
    assert wandb_file.config(run)["data_card"]["data/num_classes"] == 9


def test_an_output_folder_that_cannot_be_written_is_named(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["demo", "--out", str(tmp_path / "file" / "demo")]) == 1
    err = capsys.readouterr().err
    assert str(tmp_path / "file") in err
    assert "Traceback" not in err


@pytest.mark.slow
def test_the_full_demo_scores_well_on_clips_it_has_not_seen(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    scores = demo(out=tmp_path / "demo")
    assert scores["accuracy"] > 85
    assert scores["edit"] > 80
