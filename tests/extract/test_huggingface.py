"""Models of Hugging Face as backbones: tiny random ones, written on the spot; nothing is downloaded."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from segtcn.extract import Windows, extract_videos, load_backbone
from segtcn.extract.preprocessing import parse_preprocessing
from tests.extract.tiny_models import SIZE, STEPS, features_of, inputs

transformers = pytest.importorskip("transformers", reason='needs pip install "segtcn[extract]"')
pytestmark = pytest.mark.usefixtures("offline")


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
