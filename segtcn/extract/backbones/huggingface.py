"""Any vision or video model in the format of Hugging Face ``transformers``."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from segtcn.extract.backbones.backbone import NetworkBackbone, Pooling, first_words, pool
from segtcn.extract.preprocessing import Preprocessing, assumed, read_preprocessing, usual_preprocessing

PREPROCESSING_FILES = ("video_preprocessor_config.json", "preprocessor_config.json", "processor_config.json")
"""Where models keep what is done with pictures, the more special first."""

Precision = Literal["auto", "float32", "bfloat16"]


class HuggingFaceBackbone(NetworkBackbone):
    """A model of the Hub, or of a folder with ``config.json``, ``model.safetensors`` and ``preprocessor_config.json``.

    No code of the model's repository is run and no pickled weights are read: safetensors only. Features are the model's
    own pooled output if its weights are in the file (a head that is missing there would be random numbers), the mean
    over tokens or places otherwise. Models of pictures describe single frames; models of clips, those whose config says
    how many frames they take, describe windows.

    Args:
        name: name on the Hub, such as ``facebook/dinov2-base``, or a local folder.
        device: where it runs.
        precision: ``bfloat16`` computes matrix products so; ``auto`` does on a GPU.
        pooling: ``mean`` over tokens or places, ``cls``, the first token, or ``auto``.
        preprocessing: a ``preprocessor_config.json`` to use instead of the model's own.
        progress: show bars while it is downloaded and read.

    Raises:
        ImportError: if ``transformers`` is not installed.
        FileNotFoundError: if the model is neither a folder nor can be downloaded.
        ValueError: if it cannot describe pictures or clips.
    """

    packages = ("torch", "transformers")

    def __init__(
        self,
        name: str,
        device: torch.device,
        precision: Precision = "auto",
        pooling: Pooling = "auto",
        preprocessing: str | Path | None = None,
        progress: bool = False,
    ) -> None:
        self._name = name
        self._precision = precision
        if precision == "auto":
            self._precision = "bfloat16" if device.type == "cuda" else "float32"
        try:
            import transformers  # noqa: F401 - before `_quiet`: the import sets the levels of its loggers
        except ImportError as error:
            raise ImportError('Hugging Face models need transformers: pip install "segtcn[extract]"') from error
        with _quiet(progress):
            self._model, missing = _load(name)
            super().__init__(self._find_preprocessing(preprocessing), device)
        self._model.to(device).eval()
        config = self._model.config
        self.clip_frames = int(getattr(config, "num_frames", None) or getattr(config, "frames_per_clip", None) or 1)
        self._pooling: Pooling = pooling
        if pooling == "auto" and any(key.startswith("pooler.") for key in missing):
            self._pooling = "mean"
        self.settings = {
            "name": Path(name).resolve().name if Path(name).is_dir() else name,  # a folder may be moved
            "weights": _fingerprint(name, self._model),
            "model": type(self._model).__name__,
            "pooling": self._pooling,
            "precision": self._precision,
            "preprocessing": self.preprocessing.settings(),
        }
        height, width = self.preprocessing.output_size or (224, 224)
        try:
            features = self.forward(torch.zeros(1, self.clip_frames, 3, height, width, device=device))
        except (RuntimeError, TypeError, ValueError, AttributeError) as error:  # torch.OutOfMemoryError is one, too
            raise ValueError(
                f"{name} ({type(self._model).__name__}) cannot describe {self.clip_frames} pictures of "
                f"{height} x {width}: {first_words(error)}"
            ) from error
        if features.ndim != 2 or len(features) != 1:
            raise ValueError(f"{name} must give one vector for every clip, got {tuple(features.shape)} for one")
        self.feature_dim = features.shape[1]

    def _find_preprocessing(self, path: str | Path | None) -> Preprocessing:
        file = path or _preprocessing_file(self._name)
        if file is not None:
            return read_preprocessing(file)
        preprocessing = usual_preprocessing(*_image_size(self._model.config))
        self.notes = (assumed(self._name, preprocessing),)
        return preprocessing

    @torch.inference_mode()
    def forward(self, clips: Tensor) -> Tensor:  # noqa: D102
        pixels = clips[:, 0] if self.clip_frames == 1 else clips
        model = self._model
        with torch.autocast(pixels.device.type, torch.bfloat16, enabled=self._precision == "bfloat16"):
            if model.main_input_name not in ("pixel_values", "pixel_values_videos"):  # CLIP, SigLIP and their like
                output = model.get_image_features(pixel_values=pixels)
            else:
                output = model(**{model.main_input_name: pixels})
        if isinstance(output, Tensor):
            return output
        pooled = getattr(output, "pooler_output", None)
        if pooled is not None and self._pooling == "auto":
            return pooled.flatten(1)
        return pool(output.last_hidden_state, self._pooling)


def _load(name: str) -> tuple[Any, set[str]]:
    """The model, and the names of its weights that are not in the file."""
    import transformers

    folder = Path(name)
    if not folder.is_dir() and (folder.is_absolute() or name.startswith((".", "~")) or name.count("/") > 1):
        raise FileNotFoundError(
            f"no folder {name}: give a model's folder, an ONNX file, `builtin` or a name on the Hub"
        )
    if folder.is_dir() and not (folder / "config.json").is_file():
        raise FileNotFoundError(f"no config.json in {name}: expected a model saved by `save_pretrained`")
    try:
        model, report = transformers.AutoModel.from_pretrained(
            name, use_safetensors=True, trust_remote_code=False, output_loading_info=True
        )
    except Exception as error:  # of transformers, huggingface_hub, safetensors and httpx
        if folder.is_dir():
            raise ValueError(
                f"{name} cannot be loaded ({first_words(error)}): expected a model of transformers with its weights in "
                "model.safetensors; code and pickled weights are not loaded"
            ) from error
        raise FileNotFoundError(
            f"cannot load the backbone {name!r}: there is no such folder, and it did not come from the Hub of "
            f"Hugging Face ({first_words(error)}); check name and connection, or download the model and give its folder"
        ) from error
    missing = {key for key in report["missing_keys"] if "mask_token" not in key}  # used in pretraining only
    lost = sorted(key for key in missing if not key.startswith("pooler."))
    if lost:
        raise ValueError(
            f"the file of {name} lacks {len(lost)} weights of {type(model).__name__}, such as {lost[0]}: they would be "
            "random numbers; choose a complete model"
        )
    known = model.main_input_name in ("pixel_values", "pixel_values_videos") or hasattr(model, "get_image_features")
    if not known:
        raise ValueError(
            f"{name} ({type(model).__name__}) takes {model.main_input_name}: expected a model of pictures or clips"
        )
    return model, missing


def _image_size(config: Any) -> tuple[int | None, int | None]:
    """Height and width of the pictures that a model takes, as far as its config says."""
    size = getattr(getattr(config, "vision_config", config), "image_size", None)
    height, width = size if isinstance(size, list | tuple) and len(size) == 2 else (size, size)
    return (height, width) if isinstance(height, int) and isinstance(width, int) else (None, None)


def _preprocessing_file(name: str) -> str | None:
    """The file of a model; None for a folder without one, as ``model.save_pretrained`` alone leaves it.

    Raises:
        FileNotFoundError: if a model of the Hub has none, or it did not come.
    """
    from transformers.utils.hub import cached_file

    for file in PREPROCESSING_FILES:
        found = cached_file(
            name,
            file,
            _raise_exceptions_for_gated_repo=False,
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_connection_errors=False,
        )
        if found is not None:
            return found
    if Path(name).is_dir():
        return None
    raise FileNotFoundError(
        f"{name} has no preprocessor_config.json, which says how pictures are prepared: give one as `preprocessing`"
    )


def _fingerprint(name: str, model: Any) -> str:
    """What distinguishes two versions of a model: its commit on the Hub, or a hash of the folder's weights."""
    files = sorted(Path(name).glob("*.safetensors")) if Path(name).is_dir() else []
    if not files:
        return str(getattr(model.config, "_commit_hash", None) or "unknown")
    digest = hashlib.sha256()
    for file in [Path(name) / "config.json", *files]:
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


@contextmanager
def _quiet(progress: bool) -> Iterator[None]:
    """Without the warnings of every attempt to connect and the reports of weights: what matters becomes an error."""
    from transformers.utils import logging as bars

    hide = bars.is_progress_bar_enabled() and not progress
    loggers = [logging.getLogger(name) for name in ("transformers", "huggingface_hub")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        if hide:
            bars.disable_progress_bar()
        yield
    finally:
        if hide:
            bars.enable_progress_bar()
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
