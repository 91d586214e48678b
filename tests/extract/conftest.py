from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clips import write_clip


@pytest.fixture(scope="module")
def offline() -> Iterator[None]:
    """No test may reach the Hub."""
    huggingface_hub = pytest.importorskip("huggingface_hub", reason='needs pip install "segtcn[extract]"')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
        yield


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", 11, 25)


@pytest.fixture
def write_onnx(tmp_path: Path) -> Callable[..., Path]:
    """Function that writes an ONNX file: the mean over places (and frames) of each colour, or the input as it is."""
    pytest.importorskip("onnxruntime", reason='needs pip install "segtcn[extract]"')
    onnx = pytest.importorskip("onnx", reason="writes ONNX files")

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
