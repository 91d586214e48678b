"""A folder for the Hub: complete, checked when it is read, and a card for people."""

from __future__ import annotations

import hashlib
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch

import segtcn
from segtcn.segmenter import Segmenter
from segtcn.segmenter.export import save_folder
from segtcn.segmenter.export.hub_folder import checksum
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


@pytest.fixture
def hub(folder, tmp_path, monkeypatch):
    """A server on loopback that answers as the Hub does, with one repository, user/name; yields what was asked for."""
    from huggingface_hub import constants

    (folder / "training.log").touch()  # of no use here
    sha, asked = "0123456789" * 4, []

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self):
            asked.append(self.path)
            name, path = self.path.rpartition("/")[2], self.path.partition("?")[0]
            if path == "/api/models/user/name/revision/main":
                siblings = [{"rfilename": file.name} for file in folder.iterdir()]
                body = json.dumps({"id": "user/name", "sha": sha, "siblings": siblings}).encode()
            elif path == f"/api/models/user/name/tree/{sha}":
                files = [
                    {"type": "file", "path": f.name, "oid": sha, "size": f.stat().st_size} for f in folder.iterdir()
                ]
                body = json.dumps(files).encode()
            elif path == f"/user/name/resolve/{sha}/{name}":
                body = (folder / name).read_bytes()
            else:
                self.send_error(404)
                return
            self.send_response(200)
            headers = {"Content-Length": len(body), "ETag": f'"{hashlib.sha1(body).hexdigest()}"'}
            for key, value in {**headers, "X-Repo-Commit": sha, "Content-Type": "application/json"}.items():
                self.send_header(key, str(value))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_GET = do_HEAD  # noqa: N815

        def log_message(self, *words):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        endpoint = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr(constants, "ENDPOINT", endpoint)
        template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        yield asked
        server.shutdown()


def test_a_repository_of_the_hub_is_downloaded_by_its_own_client(folder, hub, monkeypatch):
    features = torch.randn(5, 30)
    loaded = segtcn.load("hf:user/name")
    assert (loaded.predict(features).scores == segtcn.load(folder).predict(features).scores).all()
    assert {path.rpartition("/")[2] for path in hub if "/resolve/" in path} == {"config.json", "model.safetensors"}
    with pytest.raises(
        FileNotFoundError, match=r"hf:user/none cannot be downloaded \(.*404.*\): check name and network"
    ):
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


def forge(**changes):
    """A config of somebody who knows how it is sealed."""

    def write(folder):
        facts = json.loads((folder / "config.json").read_text()) | changes
        del facts["sha256"]
        sha256 = checksum(facts, (folder / "model.safetensors").read_bytes())
        (folder / "config.json").write_text(json.dumps(facts | {"sha256": sha256}))

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
        (flip, "config.json or model.safetensors was altered after the export: download or export"),
        (change(fps=30.0), "config.json or model.safetensors was altered .* to change facts, change the segmenter"),
        (change(class_names=["rest", "pour", "cut"]), "config.json or model.safetensors was altered"),
        (change(note="mine"), "config.json or model.safetensors was altered"),
        (change(version="2"), "was not written by segtcn, or is damaged"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"\xff" * 80), "model.safetensors was altered"),
        (lambda folder: (folder / "config.json").write_text("{"), "was not written by segtcn, or is damaged"),
        (lambda folder: (folder / "config.json").write_text("[]"), "was not written by segtcn, or is damaged"),
        (lambda folder: (folder / "config.json").write_text('{"sha256": "", "version": 2}'), "or is damaged"),
        (change(version=99), "was written by a newer segtcn"),
        (forge(fps="10"), "does not describe a segmenter"),
        (forge(net=HUGE), "describes a network of more weights than the"),
        (forge(net=DEEP), "describes a network of more weights than the"),
        (forge(net=DEEP | {"class_name": "CausalTCN"}), "describes a network of more weights than the"),
        (forge(net={"class_name": "MSTCN", "init_args": {"depth": 3}}), "does not describe a network"),
    ],
)
def test_damaged_and_absurd_folders_are_refused(folder, damage, message):
    damage(folder)
    with pytest.raises(ValueError, match=message):
        segtcn.load(folder)


def facts_or_error(folder):
    try:
        return segtcn.load(folder).facts()
    except ValueError as error:
        return str(error)


def test_a_flipped_bit_of_the_config_is_refused_or_without_effect(folder):
    path, facts = folder / "config.json", segmenter_of().facts()
    content, rng = path.read_bytes(), np.random.default_rng(0)
    for place in rng.integers(0, 8 * len(content), 100):
        damaged = bytearray(content)
        damaged[place // 8] ^= 1 << place % 8
        path.write_bytes(damaged)
        assert facts_or_error(folder) == facts or "config.json" in facts_or_error(folder)


def test_another_layout_of_the_config_is_the_same_config(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(dict(reversed(config.items())), indent=7))
    assert segtcn.load(folder).facts() == segmenter_of().facts()


def test_what_the_network_gives_is_kept(tmp_path):
    segmenter = Segmenter(segmenter_of().net, target="multi")
    assert segtcn.load(save_folder(segmenter, tmp_path / "net")).target == "multi"


@pytest.mark.parametrize("present", ["README.md", "model.safetensors", "config.json", "run.json", "checkpoints/"])
def test_files_of_somebody_else_stay(tmp_path, present):
    path = tmp_path / "net" / present
    path.parent.mkdir()
    path.mkdir() if present.endswith("/") else path.write_text('{"model_type": "dinov2"}')
    with pytest.raises(FileExistsError, match=f"{path.name} is there and was not exported: choose another"):
        save_folder(segmenter_of(), tmp_path / "net")
    assert [file.name for file in (tmp_path / "net").iterdir()] == [path.name]


def test_an_exported_folder_is_replaced(folder):
    save_folder(segmenter_of("causal EDTCN"), folder)
    assert type(segtcn.load(folder).net).__name__ == "EDTCN"


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
