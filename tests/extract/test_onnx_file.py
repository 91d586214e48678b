"""ONNX files as backbones, written on the spot."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from segtcn.extract import Windows, load_backbone
from segtcn.extract.preprocessing import parse_preprocessing
from segtcn.video_io import read_frames
from tests.extract.tiny_models import SIZE, STEPS, features_of, inputs

pytestmark = pytest.mark.usefixtures("offline")


@pytest.mark.parametrize("batch", ["N", 1, 4])
@pytest.mark.parametrize("kind", ["FLOAT", "FLOAT16"])
def test_onnx_file_describes_pictures(write_onnx, clip, tmp_path, batch, kind):
    path = write_onnx([batch, 3, SIZE, SIZE], kind, steps=STEPS)
    found = features_of(clip, path, tmp_path)
    np.testing.assert_allclose(found, inputs(clip).mean((2, 3)).numpy(), atol=1e-5 if kind == "FLOAT" else 1e-2)


def test_onnx_file_of_bytes_gets_the_pixels(write_onnx, clip, tmp_path):
    path = write_onnx(["N", 3, "H", "W"], "UINT8", steps=STEPS)
    steps = parse_preprocessing(STEPS)
    pixels = torch.stack([steps.picture(frame) for _, frame in read_frames(clip)])
    np.testing.assert_allclose(features_of(clip, path, tmp_path), pixels.float().mean((2, 3)).numpy(), rtol=1e-5)


@pytest.mark.parametrize(("shape", "axes"), [(["N", 3, "T", 28, 28], (2, 3, 4)), (["N", "T", 3, 28, 28], (1, 3, 4))])
def test_onnx_file_gets_clips_in_its_own_order(write_onnx, clip, tmp_path, shape, axes):
    path = write_onnx(shape, axes=axes, steps=STEPS)
    found = features_of(clip, path, tmp_path, Windows(window=5))
    colours = np.pad(inputs(clip).mean((2, 3)).numpy(), ((2, 2), (0, 0)))
    windows = np.stack([colours[start : start + 5] for start in range(11)])
    np.testing.assert_allclose(found, windows.mean(1), atol=1e-3)


def test_onnx_file_says_how_many_frames_it_takes(write_onnx):
    backbone = load_backbone(str(write_onnx([1, 3, 16, 112, 112], axes=(2, 3, 4))))
    assert (backbone.clip_frames, backbone.feature_dim, backbone.batch_size) == (16, 3, 1)
    assert backbone.checked_window(None) == 16
    free = load_backbone(str(write_onnx(["N", 3, "T", 112, 112], axes=(2, 3, 4))))
    assert free.checked_window(None) == 21


def test_onnx_file_without_preprocessing_gets_the_usual_one(write_onnx, clip, tmp_path):
    backbone = load_backbone(str(write_onnx(["N", 3, 20, 30])))
    steps = backbone.settings["preprocessing"]
    assert (steps["shortest_edge"], steps["crop"], steps["mean"]) == (30, [20, 30], [0.485, 0.456, 0.406])


def test_map_of_an_onnx_file_is_averaged(write_onnx, clip, tmp_path):
    path = write_onnx(["N", 3, SIZE, SIZE], axes=(), steps=STEPS)
    np.testing.assert_allclose(features_of(clip, path, tmp_path), inputs(clip).mean((2, 3)).numpy(), atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "kind", "message"),
    [
        (["N", "L"], "FLOAT", r"pixels \['N', 'L'\] tensor\(float\): expected pictures \(N, 3, H, W\), or clips"),
        (["N", 28, 28, 3], "FLOAT", r"expected pictures \(N, 3, H, W\)"),
        (["N", 3, 28, 28], "INT64", r"must have one input of pictures, one of tensor\(float\).*got pixels .*int64"),
    ],
)
def test_other_onnx_files_are_refused(write_onnx, shape, kind, message):
    with pytest.raises(ValueError, match=rf"model\.onnx.*{message}"):
        load_backbone(str(write_onnx(shape, kind, axes=(1,))))


def test_onnx_file_and_preprocessing_of_other_sizes_are_refused(write_onnx):
    path = write_onnx(["N", 3, 30, 30], steps=STEPS)
    with pytest.raises(ValueError, match=r"takes pictures of 30 x 30 .* the preprocessing makes 28 x 28"):
        load_backbone(str(path))


def test_broken_onnx_files_are_named(tmp_path, write_onnx):
    with pytest.raises(FileNotFoundError, match=r"no ONNX file .*nothing\.onnx"):
        load_backbone(str(tmp_path / "nothing.onnx"))
    content = write_onnx(["N", 3, 28, 28]).read_bytes()
    for number, broken in enumerate((b"", b"no ONNX", content[: len(content) // 2])):
        path = tmp_path / f"broken{number}.onnx"
        path.write_bytes(broken)
        with pytest.raises(ValueError, match=rf"broken{number}\.onnx cannot be read as ONNX"):
            load_backbone(str(path))


@pytest.mark.parametrize(("package", "name"), [("transformers", "some/model"), ("onnxruntime", "model.onnx")])
def test_missing_package_names_the_extra(monkeypatch, write_onnx, tmp_path, package, name):
    import sys

    write_onnx(["N", 3, 28, 28])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=r'pip install "segtcn\[extract\]"'):
        load_backbone(name)
