"""The front door: what ``import segtcn`` offers, how fast it opens, and training in one call."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import segtcn
from segtcn.data.readers import MSTCNReader
from segtcn.models import EDTCN

NAMES = {
    "Classes",
    "Labels",
    "Segmenter",
    "evaluate",
    "fit",
    "load",
    "overlay_video",
    "plot_timeline",
    "read_labels",
    "write_labels",
}


def test_every_promised_name_is_there_and_nothing_else():
    assert {*segtcn.__all__} == NAMES
    for name in NAMES:
        assert callable(getattr(segtcn, name))
    with pytest.raises(AttributeError, match="No segtcn attribute nothing"):
        segtcn.nothing  # noqa: B018


def test_the_import_is_light():
    code = "import sys, segtcn; print(sorted({'torch', 'numpy', 'matplotlib', 'cv2', 'av'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_network_is_trained_by_name_and_is_used_at_once(write_ms_tcn_tree, tmp_path, capsys):
    root = write_ms_tcn_tree()
    for name in ("ED-TCN", "ed_tcn"):
        assert isinstance(segtcn.fit(name, root, fps=10, max_epochs=1).net, EDTCN)
    model = segtcn.fit("EDTCN", root, fps=10, background="background", max_epochs=30)
    assert not model.training
    video = MSTCNReader(str(root), fps=10).read("P02_tea")
    labels = model.predict(video.features)
    scores = segtcn.evaluate(labels.indexes, video.labels, "lea", background=[0]).scores
    assert scores["accuracy"] > 60
    model.save(tmp_path / "model.ckpt")
    again = segtcn.load(tmp_path / "model.ckpt").predict(np.asarray(video.features))
    assert (again.scores == labels.scores).all()
    segtcn.write_labels(tmp_path / "tea.csv", labels)
    assert segtcn.read_labels(tmp_path / "tea.csv", labels.classes).indexes.tolist() == labels.indexes.tolist()


def test_the_same_seed_gives_the_same_network_and_a_reader_or_network_may_be_given(write_ms_tcn_tree):
    reader = MSTCNReader(str(write_ms_tcn_tree()), fps=10, background="background")
    features = np.random.default_rng(0).standard_normal((reader.feature_dim, 20)).astype(np.float32)
    scores = [segtcn.fit("ed_tcn", reader, max_epochs=2, seed=3).predict(features).scores for _ in range(2)]
    assert (scores[0] == scores[1]).all()
    net = EDTCN(reader.feature_dim, len(reader.class_names), (6,), 3)
    assert segtcn.fit(net, reader, max_epochs=1).net is net


def test_what_cannot_be_trained_says_why(write_ms_tcn_tree, tmp_path):
    root = write_ms_tcn_tree()
    with pytest.raises(ValueError, match=r"no recipe for the network 'EDTN': choose from .*ed_tcn"):
        segtcn.fit("EDTN", root, fps=10)
    with pytest.raises(ValueError, match="`fps` is needed, the frames per second of the features: nothing in"):
        segtcn.fit("ed_tcn", root)
    with pytest.raises(FileNotFoundError, match="no file or folder"):
        segtcn.fit("ed_tcn", tmp_path / "absent", fps=10)


def test_the_config_of_the_data_counts_as_in_the_shell(write_ms_tcn_tree):
    root = write_ms_tcn_tree()
    reader = f"{{class_path: segtcn.data.readers.MSTCNReader, init_args: {{root: {root}, fps: 10}}}}"
    augmentations = "[{class_path: segtcn.data.augmentation.GaussianNoise}]"
    (root / "data.yaml").write_text(
        f"data: {{reader: {reader}, sample_rate: 2, standardize: true, augmentations: {augmentations}}}\n"
    )
    model = segtcn.fit("ed_tcn", root, max_epochs=1)
    assert model.sample_rate == 2
    assert (model.standardization.std != 1).any()
