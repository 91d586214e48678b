"""The segmenter: what it predicts, that its files are enough by themselves, and that they run no code."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from segtcn.labels import Classes
from segtcn.models import C2FTCN, EDTCN
from segtcn.segmenter import Segmenter, find_checkpoint
from segtcn.segmenter.checkpoint import VERSION, write_checkpoint

CLASSES = Classes(("rest", "cut", "pour"), 0)
EXTRACTION = {"backbone": "builtin", "window": 21, "fps": 30.0}


def small(**kwargs) -> Segmenter:
    torch.manual_seed(0)
    segmenter = Segmenter(EDTCN(4, 3, (6,), 3), **{"classes": CLASSES} | kwargs).eval()
    segmenter.standardization.set(torch.arange(4.0), torch.full((4,), 2.0))
    return segmenter


@pytest.mark.parametrize("sample_rate", [1, 4])
def test_predictions_have_the_rate_of_the_stored_features(sample_rate):
    segmenter, features = small(fps=30, sample_rate=sample_rate), torch.randn(4, 30)
    labels = segmenter.predict(features)
    seen = (features[None, :, ::sample_rate] - torch.arange(4.0)[:, None]) / 2
    expected = segmenter.net(seen).logits[-1, 0].softmax(dim=0).detach()
    assert labels.indexes.tolist() == [int(expected[:, t // sample_rate].argmax()) for t in range(30)]
    assert labels.confidence.tolist() == pytest.approx([float(expected[:, t // sample_rate].max()) for t in range(30)])
    assert labels.scores.shape == (3, 30)
    assert (labels.fps, labels.duration_s, segmenter.network_fps) == (30, 1.0, 30 / sample_rate)
    first = labels.rows()[0]
    assert (first.start, first.start_s, first.stop_s) == (0, 0.0, first.stop / 30)


def test_arrays_and_tensors_of_any_type_of_number_are_segmented_alike():
    segmenter, features = small(), np.random.default_rng(0).integers(-3, 3, (4, 20))
    expected = segmenter.predict(torch.from_numpy(features)).indexes
    for given in (features, features.astype(np.float64), torch.from_numpy(features).half()):
        assert segmenter.predict(given).indexes.tolist() == expected.tolist()


def test_a_saved_segmenter_is_the_same_again(tmp_path):
    segmenter = small(fps=25, sample_rate=2, protocol="mstcn", extraction=EXTRACTION)
    segmenter.save(tmp_path / "net.ckpt")
    loaded = Segmenter.load(tmp_path / "net.ckpt")
    assert loaded.facts() == segmenter.facts()
    assert not loaded.training
    features = torch.randn(4, 31)
    assert (loaded.predict(features).scores == segmenter.predict(features).scores).all()


def test_a_checkpoint_of_the_first_format_loads(tmp_path):
    segmenter = small(fps=30, sample_rate=3)
    facts = {name: value for name, value in segmenter.facts().items() if name != "extraction"} | {"fps": 10.0}
    torch.save({"segtcn": facts, "state_dict": segmenter.state_dict() | {"loss.a": torch.ones(1)}}, tmp_path / "a.ckpt")
    assert Segmenter.load(tmp_path / "a.ckpt").facts() == segmenter.facts()


def test_a_run_folder_stands_for_its_best_or_last_checkpoint(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(FileNotFoundError, match=r"no checkpoint .*`segtcn fit` writes one as checkpoints/last.ckpt"):
        find_checkpoint(tmp_path)
    for name in ("last.ckpt", "best.ckpt"):
        small().save(tmp_path / "checkpoints" / name)
        assert find_checkpoint(tmp_path).name == name
        assert len(Segmenter.load(tmp_path).classes) == 3
    (tmp_path / "all" / "split1-seed0" / "checkpoints").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match="holds the runs split1-seed0, give one of them"):
        find_checkpoint(tmp_path / "all")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"classes": ["a", "b"]}, "the network has 3 classes, but 2 are named: a, b"),
        ({"classes": ["a", "b", "a"]}, "two classes are named 'a'"),
        ({"fps": 0}, "`fps` must be positive and finite, got 0"),
        ({"sample_rate": 0}, "`sample_rate` must be a whole number from 1 to 10000, got 0"),
        ({"sample_rate": 2.5}, "`sample_rate` must be a whole number from 1 to 10000, got 2.5"),
        ({"sample_rate": float("nan")}, "`sample_rate` must be a whole number from 1 to 10000, got nan"),
        ({"sample_rate": 10**9}, "`sample_rate` must be a whole number from 1 to 10000, got 1000000000"),
    ],
)
def test_facts_that_do_not_fit_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        small(**arguments)


@pytest.mark.parametrize("shape", [(4, 0), (5, 10), (10, 4), (1, 4, 10)])
def test_features_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"must have the shape \(4, T\) with T >= 1, got"):
        small().predict(torch.zeros(shape))


def test_features_of_another_width_are_told_from_those_that_lie_on_their_side():
    with pytest.raises(ValueError, match=r"got \(5, 10\): the network was trained with features 4 wide$"):
        small().predict(torch.zeros(5, 10))
    with pytest.raises(ValueError, match=r"features 4 wide; these are stored as \(T, D\), give their `\.T`$"):
        small().predict(torch.zeros(10, 4))


def test_features_that_are_not_finite_are_refused():
    features = np.zeros((4, 10))
    features[2, 7] = np.nan
    with pytest.raises(ValueError, match="`features` must be finite, got NaN or infinity in frame 7"):
        small().predict(features)


@pytest.mark.parametrize("features", [np.zeros((4, 10), complex), np.full((4, 10), "a"), torch.zeros(4, 10) * 1j])
def test_features_that_are_not_real_numbers_are_refused(features):
    with pytest.raises(ValueError, match="`features` must be real numbers, got"):
        small().predict(features)


def test_an_untrusted_checkpoint_runs_no_code(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "executed"), "w"))

    torch.save({"segtcn": Evil(), "state_dict": {}}, tmp_path / "evil.ckpt")
    with pytest.raises(ValueError, match="cannot be read as a checkpoint"):
        Segmenter.load(tmp_path / "evil.ckpt")
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        ({"weights": torch.zeros(3)}, "was not written by segtcn: it has no entry 'segtcn'"),
        ({"segtcn": {"version": VERSION + 1}, "state_dict": {}}, "written by a newer segtcn .*: update"),
    ],
)
def test_a_file_of_something_else_is_named(stored, message, tmp_path):
    torch.save(stored, tmp_path / "other.ckpt")
    with pytest.raises(ValueError, match=rf"other\.ckpt was {message}|other\.ckpt {message}"):
        Segmenter.load(tmp_path / "other.ckpt")


def test_a_checkpoint_cannot_name_a_class_that_is_not_a_network(tmp_path):
    facts = small().facts() | {"net": {"class_name": "Popen", "init_args": {"args": "true"}}, "version": VERSION}
    torch.save({"segtcn": facts, "state_dict": {}}, tmp_path / "popen.ckpt")
    with pytest.raises(ValueError, match=r"no network is named 'Popen'; known are .*EDTCN.*: import the `module`"):
        Segmenter.load(tmp_path / "popen.ckpt")


def test_an_altered_checkpoint_is_refused_before_it_predicts(tmp_path):
    facts, weights = small().facts(), small().state_dict()
    first = next(name for name in weights if name.startswith("net."))
    causal = facts["net"] | {"init_args": facts["net"]["init_args"] | {"causal": "no"}}
    for altered_facts, altered_weights, message in [
        ({"net": causal}, {}, "`causal` must be True or False, got 'no'"),
        ({}, {first: weights[first] * 1j}, rf"complex numbers in .*{first}"),
        ({}, {"standardization.std": -weights["standardization.std"]}, "is not positive"),
    ]:
        write_checkpoint(tmp_path / "altered.ckpt", facts | altered_facts, {**weights, **altered_weights})
        with pytest.raises(ValueError, match=message):
            Segmenter.load(tmp_path / "altered.ckpt")


def test_sizes_that_no_tensor_can_have_are_refused():
    with pytest.raises(ValueError, match=r"`window` must be less than 2\^62, got 9223372036854775808"):
        C2FTCN(4, 3, window=2**63)
