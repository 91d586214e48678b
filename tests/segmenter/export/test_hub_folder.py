"""A folder for the Hub: complete, checked when it is read, and a card for people."""

from __future__ import annotations

import json
import sys

import pytest
import torch

import segtcn
from segtcn.segmenter.export import save_folder
from tests.segmenter.export.test_exported_files import segmenter_of


@pytest.fixture
def folder(tmp_path):
    return save_folder(segmenter_of(), tmp_path / "net")


def test_a_folder_loads_as_the_same_segmenter(folder):
    segmenter, features = segmenter_of(), torch.randn(5, 30)
    loaded = segtcn.load(folder)
    assert loaded.facts() == segmenter.facts()
    assert (loaded.predict(features).scores == segmenter.predict(features).scores).all()
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "config.json", "model.safetensors"]


def test_a_repository_of_the_hub_is_downloaded(folder, monkeypatch):
    import huggingface_hub

    asked = []

    def download(name, allow_patterns):
        asked.append(name)
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert segtcn.load("hf:user/name").classes.names == ("rest", "cut", "pour")
    assert asked == ["user/name"]

    def fail(name, allow_patterns):
        raise OSError("404 Client Error\nmore")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(FileNotFoundError, match=r"hf:user/none cannot be downloaded \(404 Client Error\)"):
        segtcn.load("hf:user/none")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ImportError, match=r'the Hub needs huggingface_hub: pip install "segtcn\[export\]"'):
        segtcn.load("hf:user/name")


def test_the_card_says_data_and_scores_of_the_run(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "run.json").write_text(json.dumps({"data": {"name": "gtea"}, "split": 2}))
    (run / "test_scores.json").write_text(json.dumps({"protocol": "lea", "accuracy": 61.25, "edit": 50.0}))
    card = (save_folder(segmenter_of(), tmp_path / "net", run) / "README.md").read_text()
    for part in ("accuracy 61.2, edit 50.0", '"name": "gtea"', '"split": 2', "MSTCN", "rest, cut, pour", "license:"):
        assert part in card
    assert "Not stated." in (save_folder(segmenter_of(), tmp_path / "net") / "README.md").read_text()


def change(**changes):
    def write(folder):
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | changes))

    return write


def flip(folder):
    content = bytearray((folder / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "model.safetensors").write_bytes(content)


HUGE = {"class_name": "MSTCN", "init_args": {"in_channels": 10**9, "num_classes": 3, "hidden_channels": 10**5}}
DEEP = {"class_name": "MSTCN", "init_args": {"in_channels": 5, "num_classes": 3, "num_layers": 10**9}}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (flip, "model.safetensors was altered: its hash is not that of"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"\xff" * 80), "model.safetensors is damaged"),
        (lambda folder: (folder / "config.json").write_text("{"), "was not written by segtcn, or is damaged"),
        (lambda folder: (folder / "config.json").write_text("[]"), "was not written by segtcn, or is damaged"),
        (change(version=99), "was written by a newer segtcn"),
        (change(net=HUGE), "describes a network of more weights than the"),
        (change(net=DEEP), "describes a network of more weights than the"),
        (change(net={"class_name": "MSTCN", "init_args": {"depth": 3}}), "does not describe a network"),
    ],
)
def test_damaged_and_absurd_folders_are_refused(folder, damage, message):
    damage(folder)
    with pytest.raises(ValueError, match=message):
        segtcn.load(folder)


def test_missing_files_and_unwritable_folders_are_named(folder, tmp_path, monkeypatch):
    (folder / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"no .*model\.safetensors"):
        segtcn.load(folder)
    (tmp_path / "file").touch()
    with pytest.raises(PermissionError, match="it is a file"):
        save_folder(segmenter_of(), tmp_path / "file")
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(ImportError, match=r'need safetensors: pip install "segtcn\[export\]"'):
        save_folder(segmenter_of(), tmp_path / "net")
