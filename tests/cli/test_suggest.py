"""`segtcn suggest`: a table, labels to correct, and the player in the order of the table."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import torch

from segtcn.cli import main
from segtcn.labels import read_labels
from segtcn.models import EDTCN
from segtcn.segmenter import Segmenter
from tests.clips import write_clip


@pytest.fixture
def network(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    Segmenter(EDTCN(8, 3, (6,), 3), ["rest", "cut", "pour"], fps=10).save("net.ckpt")
    (tmp_path / "features").mkdir()
    for number in range(2):
        features = np.random.default_rng(number).normal(size=(8, 60)).astype(np.float32)
        np.save(f"features/P{number}.npy", features if number else features.T)
    return tmp_path


def test_table_labels_and_player_agree(network, monkeypatch, capsys):
    shown = []
    monkeypatch.setattr("segtcn.cli.view.serve", lambda player, files, served: shown.append((player, files)))
    (network / "videos").mkdir()
    write_clip(network / "videos" / "P0.mp4", num_frames=60, fps=10)
    words = [
        "suggest",
        "net.ckpt",
        "features",
        "-o",
        "next",
        "--count=5",
        "--longest=1.5",
        "--shortest=0.3",
        "--clips=videos",
        "--quiet",
    ]
    assert main(words) == 0
    assert "5 stretches of" in capsys.readouterr().out
    rows = [*csv.DictReader((network / "next" / "suggestions.csv").read_text().splitlines())]
    assert [row["rank"] for row in rows] == ["1", "2", "3", "4", "5"]
    marked = {name: read_labels(network / "next" / "labels" / f"{name}.csv") for name in {row["video"] for row in rows}}
    for row in rows:
        start, stop = int(row["start"]), int(row["stop"])
        assert 3 <= stop - start <= 15
        assert float(row["start_s"]) == pytest.approx(start / 10)
        assert {*marked[row["video"]].names()[start:stop]} == {row["label"]}
    labelled = sum(name != "__ignore__" for labels in marked.values() for name in labels.names())
    assert labelled == sum(int(row["stop"]) - int(row["start"]) for row in rows)
    ((player, files),) = shown
    order = [*dict.fromkeys(row["video"] for row in rows)]
    assert [video.name for video in player.videos] == order == [*files]
    ranks = [video.scores["suggested"]["rank"] for video in player.videos]
    assert ranks == sorted(ranks)
    assert ranks[0] == 1
    assert {video.name: video.clip is not None for video in player.videos}.get("P0", True)
    assert main(words) == 1
    assert "has labels, which somebody may have corrected" in capsys.readouterr().err


def test_clips_and_networks_of_several_labels_are_refused(network, capsys):
    write_clip(network / "tea.mp4", num_frames=5, fps=10)
    assert main(["suggest", "net.ckpt", "tea.mp4", "-o", "next"]) == 1
    assert "is a clip: make features of it by `segtcn extract`" in capsys.readouterr().err
    Segmenter(EDTCN(8, 3, (6,), 3), target="multi").save("multi.ckpt")
    assert main(["suggest", "multi.ckpt", "features", "-o", "next"]) == 1
    assert "trained to give several labels a frame" in capsys.readouterr().err
