"""``segtcn export``: a file, a folder, and what does not go together."""

from __future__ import annotations

import json

import numpy as np
import torch

import segtcn
from segtcn.cli import main
from segtcn.models import FrameClassifier
from segtcn.segmenter import Segmenter
from segtcn.segmenter.export import save_folder


def test_a_checkpoint_becomes_a_file_or_a_folder(tmp_path, capsys):
    segmenter = Segmenter(FrameClassifier(4, 2), ["rest", "work"], fps=15).eval()
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    (run / "run.json").write_text(json.dumps({"split": 3}))
    segmenter.save(run / "checkpoints" / "last.ckpt")
    features = torch.randn(4, 9)
    for words, name in (
        (["--streaming", "--opset", "18"], "net.onnx"),
        (["--format", "pt2"], "net.pt2"),
        (["--format", "folder"], "net"),
    ):
        assert main(["export", str(run), "-o", str(tmp_path / name), *words]) == 0
        assert str(tmp_path / name) in capsys.readouterr().out
    for name in ("net.onnx", "net"):
        labels = segtcn.load(tmp_path / name).predict(features)
        assert labels.indexes.tolist() == segmenter.predict(features).indexes.tolist()
    assert '"split": 3' in (tmp_path / "net" / "README.md").read_text()


def test_commands_take_a_repository_of_the_hub_for_a_checkpoint(tmp_path, monkeypatch, capsys):
    import huggingface_hub

    segmenter = Segmenter(FrameClassifier(4, 2), ["rest", "work"], fps=15).eval()
    folder = save_folder(segmenter, tmp_path / "net")
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda name, **_: {"user/name": str(folder)}[name])
    np.save(tmp_path / "video.npy", np.zeros((4, 9), np.float32))
    assert main(["predict", "hf:user/name", str(tmp_path / "video.npy"), "--out", str(tmp_path / "labels")]) == 0
    assert main(["export", "hf:user/name", "-o", str(tmp_path / "net.pt2"), "--format", "pt2"]) == 0
    assert main(["live", "hf:user/name", str(tmp_path / "clip.mp4")]) == 1
    assert "the checkpoint does not say how its features were made" in capsys.readouterr().err


def test_options_that_do_not_go_together_are_refused(tmp_path, capsys):
    for words, message in (
        (["--format", "pt2", "--opset", "18"], "is for the format onnx"),
        (["--format", "folder", "--streaming"], "is for the format onnx"),
        ([], "the name of the output must end in .onnx, got"),
    ):
        try:
            status = main(["export", "net.ckpt", "-o", str(tmp_path / "net"), *words])
        except SystemExit as error:
            status = error.code
        assert status == 2
        assert message in capsys.readouterr().err
