"""``segtcn export``: a file, a folder, and what does not go together."""

from __future__ import annotations

import json

import torch

import segtcn
from segtcn.cli import main
from segtcn.models import FrameClassifier
from segtcn.segmenter import Segmenter


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
