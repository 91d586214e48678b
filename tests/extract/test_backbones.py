"""Models of Hugging Face and ONNX files as backbones: tiny random ones, written on the spot; nothing is downloaded."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from segtcn.extract import Windows, extract_videos, load_backbone
from segtcn.extract.preprocessing import parse_preprocessing
from segtcn.video_io import read_frames
from tests.clips import write_clip

transformers = pytest.importorskip("transformers", reason='needs pip install "segtcn[extract]"')
onnxruntime = pytest.importorskip("onnxruntime", reason='needs pip install "segtcn[extract]"')
onnx = pytest.importorskip("onnx", reason="writes ONNX files")

SIZE = 28
STEPS = {
    "size": {"shortest_edge": 32},
    "crop_size": {"height": SIZE, "width": SIZE},
    "resample": 3,
    "rescale_factor": 1 / 255,
    "image_mean": [0.4, 0.5, 0.6],
    "image_std": [0.2, 0.25, 0.3],
}


@pytest.fixture(scope="module", autouse=True)
def offline() -> Iterator[None]:
    """No test may reach the Hub."""
    import huggingface_hub

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
        yield


def save(model: Any, folder: Path) -> None:
    """Write a model with its preprocessing."""
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(STEPS))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a DINOv2 and a VideoMAE of a few hundred weights."""
    root = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": SIZE, "patch_size": 14}
    dino = transformers.Dinov2Model(transformers.Dinov2Config(mlp_ratio=2, **small))
    clips = transformers.VideoMAEConfig(intermediate_size=32, num_frames=4, **small)
    for name, model in {"dino": dino, "videomae": transformers.VideoMAEModel(clips)}.items():
        save(model, root / name)
    return root


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", 11, 25)


def inputs(clip: Path) -> torch.Tensor:
    """All frames of a clip as the networks get them, ``(T, 3, H, W)``."""
    steps = parse_preprocessing(STEPS)
    return steps.values(torch.stack([steps.picture(frame) for _, frame in read_frames(clip)]))


def features_of(clip: Path, name: Path, tmp_path: Path, windows: Windows | None = None, **options: Any) -> np.ndarray:
    """Features by the whole path, ``(T, D)``."""
    result = extract_videos({"x": clip}, tmp_path / "out", load_backbone(str(name), **options), windows, batch_size=3)
    assert result.failed == {}
    return np.load(tmp_path / "out" / "x.npy").T


@pytest.mark.parametrize(
    ("processor", "changes"),
    [
        ("BitImageProcessorPil", {}),
        ("VideoMAEImageProcessorPil", {}),
        ("ViTImageProcessorPil", {"size": {"height": 20, "width": 30}}),
        ("ConvNextImageProcessorPil", {"size": {"shortest_edge": 40}, "crop_pct": 0.8}),
        ("ConvNextImageProcessorPil", {"size": {"shortest_edge": 384}}),
        ("BitImageProcessorPil", {"crop_size": {"height": 51, "width": 60}, "size": {"shortest_edge": 30}}),
    ],
)
@pytest.mark.parametrize("size", [(48, 77), (90, 61), (30, 30)])
def test_pictures_are_prepared_as_by_the_models_own_processor(processor, changes, size):
    # in 5.0 the processors with Pillow have no ending of their own
    processor = getattr(transformers, processor, None) or getattr(transformers, processor.removesuffix("Pil"))
    processor = processor(**changes)
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8).repeat(size[0] // 6 + 1, 0).repeat(size[1] // 8 + 1, 1)
    frame = np.ascontiguousarray(frame[: size[0], : size[1]])
    expected = processor(np.ascontiguousarray(frame[..., ::-1]), return_tensors="pt")["pixel_values"].squeeze()
    steps = parse_preprocessing(processor.to_dict())
    found = steps.values(steps.picture(frame)[None])[0]
    assert found.shape == expected.shape
    levels = (found - expected).abs() * torch.tensor(steps.std)[:, None, None] * 255
    assert levels.max() < 2.01  # of 255: Pillow rounds between the two passes of a resize
    assert levels.mean() < 0.2


def test_resampling_that_is_not_said_is_asked_for(models, write_onnx, tmp_path):
    path = tmp_path / "preprocessor_config.json"
    path.write_text(json.dumps(STEPS | {"resample": None}))
    for backbone in (models / "dino", write_onnx(["N", 3, SIZE, SIZE])):
        with pytest.raises(ValueError, match=r"config\.json: `resample` is missing: add 2"):
            load_backbone(str(backbone), preprocessing=path)
    path.write_text(json.dumps(STEPS | {"resample": None, "do_resize": False}))
    assert load_backbone(str(models / "dino"), preprocessing=path).feature_dim == 16  # not needed


def test_reading_a_model_is_silent_unless_progress_is_asked_for(models, capfd):
    from transformers.utils.logging import is_progress_bar_enabled

    load_backbone(str(models / "dino"))
    assert capfd.readouterr().err == ""
    assert is_progress_bar_enabled()
    load_backbone(str(models / "dino"), progress=True)
    assert "Loading weights" in capfd.readouterr().err


def test_dino_describes_every_frame(models, clip, tmp_path):
    found = features_of(clip, models / "dino", tmp_path)
    model = transformers.AutoModel.from_pretrained(models / "dino").eval()
    with torch.no_grad():
        expected = model(pixel_values=inputs(clip)).pooler_output.numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert len(found) == 11


def test_pooling_by_choice(models, clip, tmp_path):
    model = transformers.AutoModel.from_pretrained(models / "dino").eval()
    with torch.no_grad():
        tokens = model(pixel_values=inputs(clip)).last_hidden_state.numpy()
    for pooling, expected in {"mean": tokens.mean(1), "cls": tokens[:, 0]}.items():
        found = features_of(clip, models / "dino", tmp_path / pooling, pooling=pooling)
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("padding", ["zero", "edge"])
def test_videomae_describes_the_window_around_every_frame(models, clip, tmp_path, padding):
    found = features_of(clip, models / "videomae", tmp_path, Windows(padding=padding))
    frames = inputs(clip)
    zero = torch.zeros_like(frames[:1])
    first, last = (zero, zero) if padding == "zero" else (frames[:1], frames[-1:])
    padded = torch.cat([first, first, frames, last])
    model = transformers.AutoModel.from_pretrained(models / "videomae").eval()
    with torch.no_grad():
        clips = torch.stack([padded[start : start + 4] for start in range(len(frames))])
        expected = model(pixel_values=clips).last_hidden_state.mean(1).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_longer_window_shows_the_model_evenly_spaced_frames(models, clip, tmp_path):
    found = features_of(clip, models / "videomae", tmp_path, Windows(window=8, padding="edge"))
    frames = inputs(clip)
    index = np.clip(np.arange(11)[:, None] - 4 + np.array([1, 3, 5, 7]), 0, 10)
    model = transformers.AutoModel.from_pretrained(models / "videomae").eval()
    with torch.no_grad():
        expected = model(pixel_values=frames[torch.from_numpy(index)]).last_hidden_state.mean(1).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_half_precision_is_near(models, clip, tmp_path):
    exact = features_of(clip, models / "dino", tmp_path / "float32")
    near = features_of(clip, models / "dino", tmp_path / "bfloat16", precision="bfloat16")
    assert 0 < np.abs(near - exact).max() < 0.1


def test_same_weights_elsewhere_are_the_same_backbone(models, clip, tmp_path):
    import shutil

    features_of(clip, models / "dino", tmp_path)
    shutil.copytree(models / "dino", tmp_path / "elsewhere" / "dino")
    again = extract_videos({"x": clip}, tmp_path / "out", load_backbone(str(tmp_path / "elsewhere" / "dino")))
    assert list(again.skipped) == ["x"]
    with pytest.raises(ValueError, match="backbone name 'dino', not 'videomae'"):
        extract_videos({"x": clip}, tmp_path / "out", load_backbone(str(models / "videomae")))


def test_other_weights_of_the_same_name_are_noticed(models, clip, tmp_path):
    features_of(clip, models / "dino", tmp_path)
    model = transformers.AutoModel.from_pretrained(models / "dino")
    with torch.no_grad():
        model.layernorm.weight += 1
    save(model, tmp_path / "dino")
    with pytest.raises(ValueError, match="backbone weights '"):
        extract_videos({"x": clip}, tmp_path / "out", load_backbone(str(tmp_path / "dino")))


def test_pooler_without_weights_is_not_used(clip, tmp_path):
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, image_size=SIZE, patch_size=14
    )
    model = transformers.ViTModel(config, add_pooling_layer=False).eval()
    save(model, tmp_path / "vit")
    found = features_of(clip, tmp_path / "vit", tmp_path)
    with torch.no_grad():
        expected = model(pixel_values=inputs(clip)).last_hidden_state.mean(1).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_features_of_a_map_are_its_pooled_output(clip, tmp_path):
    config = transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8, 12], depths=[1, 1], layer_type="basic")
    save(transformers.ResNetModel(config), tmp_path / "resnet")
    assert features_of(clip, tmp_path / "resnet", tmp_path).shape == (11, 12)


def test_clip_describes_pictures_without_words(clip, tmp_path):
    part = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.CLIPConfig(
        text_config={**part, "vocab_size": 9},
        vision_config={**part, "image_size": SIZE, "patch_size": 14},
        projection_dim=10,
    )
    save(transformers.CLIPModel(config), tmp_path / "clip")
    assert features_of(clip, tmp_path / "clip", tmp_path).shape[0] == 11


@pytest.mark.parametrize("harmless", [True, False])
def test_pickled_weights_are_not_read(models, tmp_path, harmless):
    folder = tmp_path / "pickled"
    folder.mkdir()
    for name in ("config.json", "preprocessor_config.json"):
        (folder / name).write_bytes((models / "dino" / name).read_bytes())

    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "executed",)

    weights = transformers.AutoModel.from_pretrained(models / "dino").state_dict()
    torch.save(weights if harmless else {"x": Bomb()}, folder / "pytorch_model.bin")
    with pytest.raises(ValueError, match=r"pickled cannot be loaded .*code and pickled weights are not loaded"):
        load_backbone(str(folder))
    assert not (tmp_path / "executed").exists()


def test_code_of_a_model_is_not_run(models, tmp_path):
    folder = tmp_path / "foreign"
    folder.mkdir()
    config = json.loads((models / "dino" / "config.json").read_text())
    config |= {"model_type": "foreign", "auto_map": {"AutoConfig": "code.C", "AutoModel": "code.M"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "code.py").write_text(f"import pathlib\npathlib.Path({str(tmp_path / 'executed')!r}).touch()\n")
    with pytest.raises(ValueError, match=r"foreign cannot be loaded .*code and pickled weights are not loaded"):
        load_backbone(str(folder))
    assert not (tmp_path / "executed").exists()


def test_lost_weights_are_an_error(models, tmp_path):
    from safetensors.torch import load_file, save_file

    for path in (models / "dino").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    weights = load_file(tmp_path / "model.safetensors")
    del weights["layernorm.weight"]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"lacks 1 weights of Dinov2Model, such as layernorm\.weight"):
        load_backbone(str(tmp_path))


def test_broken_weights_are_named(models, tmp_path):
    for path in (models / "dino").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes()[:900])
    with pytest.raises(ValueError, match=r"cannot be loaded \(.*expected a model of transformers"):
        load_backbone(str(tmp_path))


def test_models_of_text_are_refused(tmp_path):
    config = transformers.BertConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, vocab_size=9
    )
    save(transformers.BertModel(config), tmp_path)
    with pytest.raises(ValueError, match=r"\(BertModel\) takes input_ids: expected a model of pictures or clips"):
        load_backbone(str(tmp_path))


def test_folder_without_preprocessing_gets_the_usual_steps_and_a_note(models, tmp_path):
    for kind in ("dino", "videomae"):  # as `model.save_pretrained` alone leaves them
        folder = tmp_path / kind
        folder.mkdir()
        for name in ("config.json", "model.safetensors"):
            (folder / name).write_bytes((models / kind / name).read_bytes())
        bare = load_backbone(str(folder))
        steps = bare.settings["preprocessing"]
        assert (steps["shortest_edge"], steps["crop"], steps["mean"]) == (SIZE, [SIZE, SIZE], [0.485, 0.456, 0.406])
        (note,) = bare.notes
        assert re.search(
            rf"{kind} has no preprocessor_config\.json: pictures become {SIZE} x {SIZE} .* as `preprocessing`", note
        )
    given = load_backbone(str(folder), preprocessing=models / "dino" / "preprocessor_config.json")
    assert given.notes == ()
    assert given.settings["preprocessing"]["mean"] == STEPS["image_mean"]


def test_model_that_cannot_be_downloaded_is_one_clear_line():
    with pytest.raises(
        FileNotFoundError, match=r"cannot load the backbone 'nobody/nothing': there is no such folder"
    ) as e:
        load_backbone("nobody/nothing")
    assert "\n" not in str(e.value)


@pytest.mark.parametrize("name", ["./nothing", "/nothing/here", "a/b/c"])
def test_folder_that_is_not_there_is_not_looked_for_on_the_hub(name):
    with pytest.raises(FileNotFoundError, match=f"no folder {name}: give a model's folder"):
        load_backbone(name)


def test_device_that_is_not_here_is_named():
    with pytest.raises(ValueError, match=r"`device` 'nonsense' is not here"):
        load_backbone("any.onnx", device="nonsense")


@pytest.fixture
def write_onnx(tmp_path: Path) -> Callable[..., Path]:
    """Function that writes an ONNX file: the mean over places (and frames) of each colour, or the input as it is."""

    def write(shape: list[Any], kind: str = "FLOAT", axes: tuple[int, ...] = (2, 3), steps: Any = None) -> Path:
        helper, types = onnx.helper, onnx.TensorProto
        pixels = helper.make_tensor_value_info("pixels", getattr(types, kind), shape)
        output = helper.make_tensor_value_info("features", types.FLOAT, None)
        nodes = [helper.make_node("Cast", ["pixels"], ["numbers"], to=types.FLOAT)]
        if axes:
            nodes.append(helper.make_node("ReduceMean", ["numbers", "axes"], ["features"], keepdims=0))
        else:
            nodes.append(helper.make_node("Identity", ["numbers"], ["features"]))
        constants = [helper.make_tensor("axes", types.INT64, [len(axes)], axes)] if axes else []
        graph = helper.make_graph(nodes, "mean", [pixels], [output], constants)
        opset = [helper.make_opsetid("", 18)]
        onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), tmp_path / "model.onnx")
        if steps is not None:
            (tmp_path / "preprocessor_config.json").write_text(json.dumps(steps))
        return tmp_path / "model.onnx"

    return write


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
