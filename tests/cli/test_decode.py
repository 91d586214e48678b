"""``segtcn decode``: fit on held-out videos, decode others, and refuse to choose on test videos."""

from __future__ import annotations

import numpy as np
import pytest

from segtcn.cli import main
from segtcn.labels import Classes, Labels, read_archive_labels, read_labels, write_labels

CLASSES = Classes(("rest", "cut"))


@pytest.fixture
def folders(tmp_path):
    """Predictions with a spurious cut of 0.2 s, and the truth."""
    for folder in ("heldout", "truth"):
        (tmp_path / folder).mkdir()
    for name, start in (("a", 20), ("b", 40)):
        truth = np.repeat([0, 1, 0], [start, 20, 30])
        scores = np.stack([np.where(truth == 0, 0.9, 0.2), np.where(truth == 0, 0.1, 0.8)]).astype(np.float32)
        scores[:, 5:7] = [[0.4], [0.6]]
        labels = Labels(scores.argmax(0), CLASSES, 10, scores)
        write_labels(tmp_path / "heldout" / f"{name}.npz", labels)
        write_labels(tmp_path / "truth" / f"{name}.txt", Labels(truth, CLASSES, 10))
    (tmp_path / "train.txt").write_text("a\n")
    return tmp_path


@pytest.mark.parametrize("method", ["minimum_duration", "viterbi"])
def test_fit_and_decode(folders, capsys, method):
    fit = ["decode", str(folders / "heldout"), "--fit", method, "-o", str(folders / "decoder.json")]
    training = ["--training", str(folders / "truth"), "--videos", str(folders / "train.txt")]
    assert main([*fit, "--truth", str(folders / "truth"), *training]) == 0
    assert "F1@50 100.0" in capsys.readouterr().out
    out = folders / "decoded"
    words = ["decode", str(folders / "heldout"), "--decoder", str(folders / "decoder.json"), "-o", str(out)]
    assert main(words) == 0
    assert "4 segments fewer" in capsys.readouterr().out
    for name in "ab":
        truth = read_labels(folders / "truth" / f"{name}.txt", CLASSES)
        assert read_archive_labels(out / f"{name}.npz")[0].indexes.tolist() == truth.indexes.tolist()
        assert read_labels(out / f"{name}.csv", CLASSES).indexes.tolist() == truth.indexes.tolist()


def test_what_cannot_be_fitted_or_decoded_is_refused(folders, capsys):
    fit = ["decode", str(folders / "heldout"), "--fit", "median", "-o", str(folders / "decoder.json")]

    def error_of(words: list[str], status: int = 1) -> str:
        try:
            code: object = main(words)
        except SystemExit as error:
            code = error.code
        assert code == status
        return capsys.readouterr().err

    assert "no true labels of a (2 of 2 videos)" in error_of(fit)
    assert "give one of --fit and --decoder" in error_of([*fit, "--decoder", "x.json"], status=2)
    listed = ["--videos", str(folders / "train.txt")]
    unused = ["decode", str(folders / "heldout"), "--decoder", "median=1", "-o", str(folders / "out"), *listed]
    assert "--videos and --fps are for --fit" in error_of(unused, status=2)
    assert "--videos chooses among --training" in error_of([*fit, *listed], status=2)
    (folders / "train.txt").write_text("a\nc\n")
    training = ["--training", str(folders / "truth"), "--truth", str(folders / "truth")]
    assert "has no labels of c, which" in error_of([*fit, *listed, *training])
    assert "no .npz files in" in error_of(["decode", str(folders / "truth"), *fit[2:]])
    (folders / "run.json").write_text("{}")
    assert "fit a decoder on held-out training videos" in error_of(fit)
    (folders / "run.json").unlink()
    truth = ["--truth", str(folders / "truth")]
    assert main([*fit, *truth]) == 0
    words = ["decode", str(folders / "heldout"), "--decoder", str(folders / "decoder.json"), "-o"]
    assert "holds the predictions themselves" in error_of([*words, str(folders / "heldout")])
    write_labels(folders / "truth" / "a.txt", Labels([0] * 5, CLASSES))
    assert "and 70 labels, got 5 of rest" in error_of([*fit, *truth])
