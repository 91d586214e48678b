"""Training from the weights of another run, and checkpoints of other data."""

from __future__ import annotations

import torch

from segtcn.cli import main
from segtcn.segmenter import Segmenter
from tests.cli.test_lightning import UNLOGGED, small_options
from tests.conftest import CLASSES, write_tree


def test_a_run_starts_from_another_one_with_other_classes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    options = [*small_options(write_tree(tmp_path / "ms_tcn")), *UNLOGGED]
    assert main(["fit", *options, "--trainer.default_root_dir=run"]) == 0
    write_tree(tmp_path / "more", classes=[*CLASSES, "stir"])
    more = [*options, f"--data.reader.init_args.root={tmp_path}/more", "--trainer.default_root_dir=tuned"]
    still = ["--model.optimizer.init_args.lr=1.0e-30", "--trainer.max_epochs=1"]
    assert main(["fit", *more, *still, "--init_from=run"]) == 0
    assert "new: head.weight, head.bias" in capsys.readouterr().out
    before, after = (Segmenter.load(folder).net.state_dict() for folder in ("run", "tuned"))
    kept = [name for name in before if not name.startswith("head")]
    assert all(torch.allclose(before[name], after[name], rtol=0, atol=1e-20) for name in kept)
    assert main(["test", "-c=tuned/config.yaml"]) == 0
    assert main(["test", "-c=tuned/config.yaml", "--ckpt_path=run/checkpoints/last.ckpt"]) == 1
    assert "its `num_classes` is 3, here 4; it lacks the classes stir" in capsys.readouterr().err
    write_tree(tmp_path / "ms_tcn", classes=[CLASSES[0], CLASSES[2], CLASSES[1]])
    assert main(["test", "-c=run/config.yaml"]) == 1
    assert "its classes have another order: number 1 is 'cut', here 'pour milk'" in capsys.readouterr().err
    assert main(["fit", *options, "--model.net.init_args.hidden_channels=[5,8]", "--init_from=run"]) == 1
    assert "do not fit: its `hidden_channels` is [6, 8], here [5, 8]" in capsys.readouterr().err
