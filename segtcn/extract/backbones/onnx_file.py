"""Any ONNX file that takes pictures or clips, through onnxruntime."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from segtcn.extract.backbones.backbone import DEFAULT_WINDOW, NetworkBackbone, Pooling, first_words, pool
from segtcn.extract.preprocessing import DEFAULT_SIZE, Preprocessing, assumed, read_preprocessing, usual_preprocessing

DTYPES: dict[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(uint8)": np.uint8,
}
"""Input types; uint8 gets the pixels as they are."""


class OnnxBackbone(NetworkBackbone):
    """An ONNX file with one input of pictures ``(N, 3, H, W)`` or clips ``(N, 3, T, H, W)`` or ``(N, T, 3, H, W)``.

    Sizes and number type are read from the file. What the numbers mean is not in it: ``preprocessor_config.json``
    beside it says, or the usual recipe is taken: shorter side to the size, middle, mean and deviation of ImageNet.
    Features are the first output with two axes or, where there is none, the mean of the first over its places.

    Args:
        path: the file.
        device: ``cpu`` or ``cuda``.
        pooling: ``mean`` and ``cls`` (the first token) take the first output with more than two axes instead.
        preprocessing: a ``preprocessor_config.json`` to use instead of the one beside the file.

    Raises:
        FileNotFoundError: if there is no such file.
        ImportError: if onnxruntime is not installed.
        ValueError: if it is not an ONNX file, or its input is not as described.
    """

    packages = ("onnxruntime",)

    def __init__(
        self,
        path: str | Path,
        device: torch.device,
        pooling: Pooling = "auto",
        preprocessing: str | Path | None = None,
    ) -> None:
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"no ONNX file {path}: check the path")
        self._path = path
        self._session = _open(path, device)
        inputs = self._session.get_inputs()
        layout = ", ".join(f"{each.name} {each.shape} {each.type}" for each in inputs)
        if len(inputs) != 1 or inputs[0].type not in DTYPES:
            raise ValueError(f"{path} must have one input of pictures, one of {', '.join(DTYPES)}, got {layout}")
        self._input = inputs[0].name
        self._dtype = DTYPES[inputs[0].type]
        shape = [size if isinstance(size, int) and size > 0 else None for size in inputs[0].shape]
        self.clip_frames, self._axes = _layout(shape, f"{path}: {layout}")
        self.batch_size = shape[0]
        super().__init__(self._find_preprocessing(shape[-2:], preprocessing), device)
        self.pooling = pooling
        self.settings = {
            "name": path.name,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "pooling": pooling,
            "preprocessing": self.preprocessing.settings(),
        }
        height, width = self.preprocessing.output_size or (DEFAULT_SIZE, DEFAULT_SIZE)
        probe = torch.zeros(self.batch_size or 1, self.clip_frames or DEFAULT_WINDOW, 3, height, width, device=device)
        features = self.forward(probe)
        if features.ndim != 2 or len(features) != len(probe):
            raise ValueError(
                f"{path} must give one vector for every clip, got {tuple(features.shape)} for {len(probe)}"
            )
        self.feature_dim = features.shape[1]

    def values(self, pictures: Tensor) -> Tensor:  # noqa: D102
        return pictures if self._dtype is np.uint8 else super().values(pictures)

    def forward(self, clips: Tensor) -> Tensor:  # noqa: D102
        num_clips = len(clips)
        if self.batch_size is not None and num_clips < self.batch_size:
            clips = F.pad(clips, (0, 0) * (clips.ndim - 1) + (0, self.batch_size - num_clips))
        array = clips[:, 0] if self._axes is None else clips.permute(self._axes)
        try:
            outputs = self._session.run(None, {self._input: array.cpu().numpy().astype(self._dtype)})
        except Exception as error:  # onnxruntime has nine kinds of its own
            raise ValueError(f"{self._path} cannot be run on {tuple(array.shape)}: {first_words(error)}") from error
        arrays = [torch.from_numpy(np.asarray(output)) for output in outputs if isinstance(output, np.ndarray)]
        arrays = [each for each in arrays if each.is_floating_point() and each.ndim >= 2]
        if not arrays:
            raise ValueError(f"{self._path} must have an output of numbers for every clip, got none")
        array = next((each for each in arrays if (each.ndim == 2) == (self.pooling == "auto")), arrays[0])
        return pool(array.float(), self.pooling)[:num_clips]

    def _find_preprocessing(self, size: list[int | None], path: str | Path | None) -> Preprocessing:
        beside = self._path.with_name("preprocessor_config.json")
        if path is not None or beside.is_file():
            preprocessing = read_preprocessing(beside if path is None else path)
        else:
            preprocessing = usual_preprocessing(*size)
            if self._dtype is not np.uint8:
                self.notes = (assumed(str(self._path), preprocessing),)
        made = preprocessing.output_size or (None, None)
        if any(want is not None and want != got for want, got in zip(size, made, strict=True)):
            raise ValueError(
                f"{self._path} takes pictures of {size[0]} x {size[1]} (height x width), and the preprocessing makes "
                f"{made[0]} x {made[1]}: correct {path or beside}"
            )
        return preprocessing


def _open(path: Path, device: torch.device) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError('ONNX files need onnxruntime: pip install "segtcn[extract]"') from error
    provider = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}.get(device.type, device.type)
    if provider not in onnxruntime.get_available_providers():
        raise ValueError(
            f"this onnxruntime cannot run on {device.type}, it has {', '.join(onnxruntime.get_available_providers())}: "
            "choose `device` cpu, or install onnxruntime-gpu"
        )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors; they come as exceptions, too
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=[provider])
    except Exception as error:  # onnxruntime has nine kinds of its own
        raise ValueError(f"{path} cannot be read as ONNX ({first_words(error)}): export it again") from error


def _layout(shape: list[int | None], where: str) -> tuple[int | None, tuple[int, ...] | None]:
    """Frames that the file takes at once, and the axes of ``(N, T, 3, H, W)`` in its order; None for pictures."""
    if len(shape) == 4 and shape[1] in (3, None):
        return 1, None
    if len(shape) == 5 and shape[1] == 3:
        return shape[2], (0, 2, 1, 3, 4)
    if len(shape) == 5 and shape[2] == 3:
        return shape[1], (0, 1, 2, 3, 4)
    raise ValueError(f"{where}: expected pictures (N, 3, H, W), or clips (N, 3, T, H, W) or (N, T, 3, H, W)")
