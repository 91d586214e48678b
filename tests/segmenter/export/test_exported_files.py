"""Exported files: what they compute, what they say of themselves, and what is refused."""

from __future__ import annotations

import functools
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import segtcn
from segtcn.models import EDTCN
from segtcn.segmenter import Segmenter
from segtcn.segmenter.export import OnnxSegmenter, certificate, export_onnx, export_pt2, programs, save_folder
from segtcn.segmenter.export.rewriting import folded
from tests.models.networks import NETWORKS, UNTRACEABLE

ROOT = Path(__file__).resolve().parents[3]
FAST = ["causal MSTCN", "causal EDTCN", "causal RecurrentNetwork, GRU", "ASRF", "FrameClassifier"]


def segmenter_of(name: str = "causal MSTCN") -> Segmenter:
    torch.manual_seed(0)
    segmenter = Segmenter(NETWORKS[name](), ["rest", "cut", "pour"], fps=15, sample_rate=2).eval()
    segmenter.standardization.set(torch.arange(5.0), torch.full((5,), 1.5))
    return segmenter


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> Callable[[str, bool], tuple[Path, certificate.Certificate]]:
    """Function of a network and whether it streams: its file, written once, and what the export reports."""

    @functools.cache
    def export(name: str, streaming: bool) -> tuple[Path, certificate.Certificate]:
        path = tmp_path_factory.mktemp("files") / "net.onnx"
        return path, export_onnx(segmenter_of(name), path, streaming)

    return export


@pytest.fixture(scope="module")
def files(exported) -> dict[bool, Path]:
    """The same network for whole videos and, at True, for streams."""
    return {streaming: exported("causal MSTCN", streaming)[0] for streaming in (False, True)}


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[] if n in FAST else pytest.mark.slow) for n in NETWORKS if n not in UNTRACEABLE],
)
def test_an_onnx_file_predicts_and_streams_as_the_network(name, exported):
    segmenter, features = segmenter_of(name), torch.randn(5, 61) + 1
    expected = segmenter.predict(features)
    for streaming in [False, True][: 1 + segmenter.net.causal]:
        path, report = exported(name, streaming)
        assert report.max_difference < 1e-5
        assert re.fullmatch(r"onnxruntime [\d.]+", report.runtime)
        loaded = segtcn.load(path)
        assert (loaded.facts(), loaded.certificate.max_difference) == (segmenter.facts(), report.max_difference)
        assert loaded.digest() == segmenter.digest()
        labels = loaded.predict(features)
        assert labels.indexes.tolist() == expected.indexes.tolist()
        assert labels.scores == pytest.approx(expected.scores, abs=1e-4)
        if streaming:
            stream = loaded.stream()
            parts = [stream.push(chunk).indexes for chunk in features.split([1, 2, 17, 41], dim=1)]
            assert np.concatenate(parts).tolist() == expected.indexes.tolist()


@pytest.mark.parametrize(
    ("name", "streaming"),
    [("causal MSTCN", True), ("ASRF", False), pytest.param("causal EDTCN", False, marks=pytest.mark.slow)],
)
def test_a_pt2_file_computes_the_same_and_carries_the_facts(name, streaming, tmp_path):
    report = export_pt2(segmenter_of(name), tmp_path / "net.pt2", streaming)
    assert report.max_difference < 1e-5
    extra = {programs.PT2_METADATA: ""}
    torch.export.load(tmp_path / "net.pt2", extra_files=extra)
    stored = json.loads(extra[programs.PT2_METADATA])
    assert (stored["class_names"], stored["certificate"]["format"]) == (["rest", "cut", "pour"], "pt2")


def test_whole_videos_stream_by_windows_of_context(files):
    features = torch.randn(5, 50)
    stream = segtcn.load(files[False]).stream()
    parts = [stream.push(features[:, :20]), stream.push(features[:, 20:]), stream.finish()]
    labels = np.concatenate([part.indexes for part in parts if part is not None])
    assert labels.tolist() == segmenter_of().predict(features).indexes.tolist()


def test_the_examples_of_the_docs_need_onnxruntime_and_numpy_alone(files, tmp_path, monkeypatch):
    whole, live = re.findall(r"```python\n(.*?)```", (ROOT / "docs/howto/export.md").read_text(), re.DOTALL)
    features = np.random.default_rng(0).normal(size=(5, 40)).astype(np.float32)
    np.save(tmp_path / "features.npy", features)
    for streaming, name in ((False, "model.onnx"), (True, "live.onnx")):
        (tmp_path / name).write_bytes(files[streaming].read_bytes())
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(whole, names)
    labels = segmenter_of().predict(features)
    assert names["labels"] == labels.names()[::2]
    exec(live, names)
    assert names["scores"][0, :, -1] == pytest.approx(labels.scores[:, -1], abs=1e-5)
    assert not re.search(r"import (?!json|numpy|onnxruntime)", whole + live)


def test_what_is_not_causal_or_not_traceable_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"EDTCN cannot stream: it needs .* build it with `causal=True`"):
        export_onnx(segmenter_of("EDTCN, one layer"), tmp_path / "net.onnx", streaming=True)
    with pytest.raises(ValueError, match="RecurrentNetwork cannot be exported as pt2 for any number of frames"):
        export_pt2(segmenter_of("causal RecurrentNetwork, GRU"), tmp_path / "net.pt2")
    assert [*tmp_path.iterdir()] == []


def test_an_opset_that_lacks_an_operator_is_refused(tmp_path):
    with pytest.raises(ValueError, match="opset 7 "):
        export_onnx(segmenter_of("FrameClassifier"), tmp_path / "net.onnx", opset=7)
    assert export_onnx(segmenter_of("FrameClassifier"), tmp_path / "net.onnx", opset=18).opset == 18


@pytest.mark.parametrize("export", [export_onnx, export_pt2])
def test_a_file_that_computes_something_else_gets_no_name(export, tmp_path, monkeypatch):
    (tmp_path / "net").write_text("before")
    monkeypatch.setattr(certificate, "TOLERANCE", -1)
    with pytest.raises(ValueError, match="was not written: exported, FrameClassifier gives other scores"):
        export(segmenter_of("FrameClassifier"), tmp_path / "net")
    assert (tmp_path / "net").read_text() == "before"
    assert len([*tmp_path.iterdir()]) == 1


def test_weights_that_are_not_finite_are_refused(tmp_path):
    segmenter = Segmenter(EDTCN(5, 3, (4,), 3))
    segmenter.net.head.bias.data[1] = torch.nan
    with pytest.raises(ValueError, match=r"the segmenter holds NaN or infinity in net\.head\.bias"):
        export_onnx(segmenter, tmp_path / "net.onnx")
    segmenter.save(tmp_path / "net.ckpt")
    with pytest.raises(ValueError, match=r"net.ckpt holds NaN or infinity in segmenter\.net\.head\.bias"):
        Segmenter.load(tmp_path / "net.ckpt")


@pytest.mark.parametrize(
    ("name", "is_folded"), [("MSTCN", True), ("ASRF", True), ("TCNN", False), ("CausalTCN", False)]
)
def test_standardisation_is_folded_where_nothing_but_1x1_convolutions_sees_the_features(name, is_folded):
    segmenter, features = segmenter_of(name), torch.randn(2, 5, 30)
    other = folded(segmenter)
    assert isinstance(other.standardization, torch.nn.Identity) == is_folded
    torch.testing.assert_close(other(features).logits, segmenter(features).logits, atol=1e-5, rtol=0)


def test_unwritable_outputs_are_refused_before_the_work(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        export_onnx(segmenter_of(), tmp_path / "no" / "net.onnx")
    with pytest.raises(PermissionError, match="it is a folder"):
        export_pt2(segmenter_of(), tmp_path)


def test_a_missing_extra_is_named(files, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ImportError, match=r'pip install "segtcn\[export\]"'):
        OnnxSegmenter(files[False])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r'need onnx, onnxscript, onnxruntime: pip install "segtcn\[export\]"'):
        export_onnx(segmenter_of(), tmp_path / "net.onnx")


def test_damaged_altered_and_foreign_files_are_refused(files, tmp_path):
    import onnx

    path, content = tmp_path / "net.onnx", files[False].read_bytes()
    with pytest.raises(FileNotFoundError, match="no ONNX file"):
        segtcn.load(path)
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="cannot be read as ONNX"):
        segtcn.load(path)
    path.write_bytes(content.replace(b'"pour"', b'"pout"'))
    with pytest.raises(ValueError, match="was altered after its export"):
        segtcn.load(path)
    foreign = onnx.load(files[False])
    del foreign.metadata_props[:]
    onnx.save(foreign, path)
    with pytest.raises(ValueError, match="was not exported by segtcn"):
        segtcn.load(path)


def test_an_onnx_file_is_not_exported_or_saved_again(files, tmp_path):
    loaded = segtcn.load(files[False])
    for write in (export_onnx, export_pt2, save_folder, lambda segmenter, path: segmenter.save(path)):
        with pytest.raises(ValueError, match="an ONNX file is an export already"):
            write(loaded, tmp_path / "again")
    assert not [*tmp_path.iterdir()]
