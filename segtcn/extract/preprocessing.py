"""From the pictures of a clip to the input of a network, as its ``preprocessor_config.json`` describes it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from segtcn.video_io import Image

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

INTERPOLATIONS = {0: "nearest-exact", 2: "bilinear", 3: "bicubic"}
"""Pillow's numbers, which the files hold: PyTorch's names."""

DEFAULT_SIZE = 224
"""Height and width in pixels where a model does not say what it takes."""

MAX_SIZE = 4096
"""Pixels of a side; a wrong file must not ask for all memory."""

UNSUPPORTED = ("do_pad", "do_flip_channel_order", "do_split_image", "do_thumbnail", "do_align_long_axis")
"""Steps that some models ask for and that are not made here."""


@dataclass(frozen=True)
class Preprocessing:
    """Resize, cut out the middle, scale and shift the values: what a network wants to be done with a picture.

    Done here with PyTorch, once a frame, and not by the model's own processor: that would make a float picture of every
    frame of every window, and needs torchvision for video models. Antialiased as in Pillow, with which the models were
    trained.

    Args:
        shortest_edge: pixels of the shorter side after the resize, which keeps the shape; None for ``size``.
        size: height and width after the resize, whatever the shape; None for no resize.
        crop: height and width of the middle part to keep, on black where the picture is smaller; None for all.
        interpolation: of the resize, one of PyTorch's names.
        scale: what pixels 0 to 255 are multiplied by.
        offset: what is then added.
        mean: of red, green and blue, subtracted after that.
        std: of red, green and blue, divided by.
    """

    shortest_edge: int | None = None
    size: tuple[int, int] | None = None
    crop: tuple[int, int] | None = None
    interpolation: str = "bilinear"
    scale: float = 1 / 255
    offset: float = 0.0
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)

    @property
    def output_size(self) -> tuple[int, int] | None:
        """Height and width of what comes out, or None if it depends on the clip."""
        return self.crop or self.size

    def picture(self, frame: Image) -> Tensor:
        """Resize and cut a frame.

        Args:
            frame: ``(H, W, 3)`` uint8 in the order blue, green, red.

        Returns:
            ``(3, h, w)`` uint8 in the order red, green, blue: a quarter of the memory of the network's input.
        """
        picture = torch.from_numpy(np.ascontiguousarray(frame[..., ::-1])).permute(2, 0, 1)
        size = self.size
        if self.shortest_edge is not None:
            short, long = sorted(picture.shape[1:])
            longer = int(self.shortest_edge * long / short)
            size = (
                (self.shortest_edge, longer) if picture.shape[1] <= picture.shape[2] else (longer, self.shortest_edge)
            )
        if size is not None and size != picture.shape[1:]:
            smooth = self.interpolation != "nearest-exact"
            picture = F.interpolate(picture[None], size, mode=self.interpolation, antialias=smooth)[0]
        return picture if self.crop is None else _middle(picture, self.crop)

    def values(self, pictures: Tensor) -> Tensor:
        """Turn pixels into the numbers that the network expects, on whichever device they are.

        Args:
            pictures: ``(N, 3, h, w)`` uint8.

        Returns:
            ``(N, 3, h, w)`` float32.
        """
        mean, std = (pictures.new_tensor(v, dtype=torch.float32)[:, None, None] for v in (self.mean, self.std))
        return (pictures.to(torch.float32) * self.scale + (self.offset - mean)) / std

    def settings(self) -> dict[str, Any]:
        """What is done, for the record beside the features."""
        return json.loads(json.dumps(asdict(self)))  # lists for tuples, as they are read back


def usual_preprocessing(height: int | None, width: int | None) -> Preprocessing:
    """The steps of most models, for one that comes without a file: shorter side, middle, values of ImageNet.

    Args:
        height: pixels that the model takes; None if it does not say.
        width: the same.
    """
    height, width = height or DEFAULT_SIZE, width or DEFAULT_SIZE
    return Preprocessing(shortest_edge=max(height, width), crop=(height, width), mean=IMAGENET_MEAN, std=IMAGENET_STD)


def assumed(name: str, preprocessing: Preprocessing) -> str:
    """The note that the usual steps were taken."""
    height, width = preprocessing.output_size or (DEFAULT_SIZE, DEFAULT_SIZE)
    return (
        f"{name} has no preprocessor_config.json: pictures become {height} x {width} with mean and deviation of "
        "ImageNet; if it was trained otherwise, give a file that says how as `preprocessing`"
    )


def read_preprocessing(path: str | Path) -> Preprocessing:
    """Read a ``preprocessor_config.json``.

    Args:
        path: the file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not JSON, or asks for something that is not done here.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no {path}: expected a preprocessor_config.json, as models on the Hub have it")
    try:
        config = json.loads(path.read_bytes().decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not JSON ({error}): download it again") from error
    # transformers 5 saves the parts of a processor together
    if isinstance(config, dict):
        config = next((config[part] for part in ("video_processor", "image_processor") if part in config), config)
    if not isinstance(config, dict):
        raise ValueError(f"{path} must hold an object with `size`, `image_mean` and so on, got {type(config).__name__}")
    try:
        return parse_preprocessing(config)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise ValueError(
            f"{path}: {error}; write the steps that come closest and give that file as `preprocessing`"
        ) from error


def parse_preprocessing(config: Mapping[str, Any]) -> Preprocessing:
    """Understand the content of a ``preprocessor_config.json``.

    Args:
        config: with ``do_resize``, ``size``, ``resample``, ``do_center_crop``, ``crop_size``, ``crop_pct``,
            ``do_rescale``, ``rescale_factor``, ``offset``, ``do_normalize``, ``image_mean`` and ``image_std``; what is
            missing is not done, except that values are divided by 255. A resize needs ``resample``: what classes of
            transformers take without it differs.

    Raises:
        ValueError: if a value is not as expected, or asks for something that is not done here.

    Example:
        >>> steps = parse_preprocessing({"size": {"shortest_edge": 256}, "crop_size": 224, "resample": 3})
        >>> steps.shortest_edge, steps.crop, steps.interpolation
        (256, (224, 224), 'bicubic')
    """
    for step in UNSUPPORTED:
        if config.get(step):
            raise ValueError(f"the step {step!r} is not supported")
    shortest_edge = size = crop = None
    if config.get("do_resize", "size" in config):
        shortest_edge, size = _sizes(config.get("size"))
        if isinstance(config["size"], int) and config.get("do_center_crop", "crop_size" in config):
            shortest_edge, size = config["size"], None  # files of old: one number is the shorter side if a crop follows
    if config.get("do_center_crop", "crop_size" in config):
        crop = _sizes(config.get("crop_size"))[1]
        if crop is None:
            raise ValueError(f"`crop_size` must be a height and a width, got {config.get('crop_size')!r}")
    share = config.get("crop_pct")
    if share is not None and shortest_edge is not None:  # ConvNeXt: large pictures are squeezed, small ones are cut
        square = (shortest_edge, shortest_edge)
        if shortest_edge >= 384:
            shortest_edge, size = None, square
        else:
            shortest_edge, crop = int(shortest_edge / share), square
    resample = config.get("resample")
    if resample is None and (shortest_edge, size) != (None, None):
        raise ValueError("`resample` is missing: add 2 (bilinear) or 3 (bicubic), whichever the model was trained with")
    if resample not in (None, *INTERPOLATIONS):
        raise ValueError(f"`resample` must be 0 (nearest), 2 (bilinear) or 3 (bicubic), got {resample!r}")
    normalize = config.get("do_normalize", "image_mean" in config)
    mean, std = (
        _three(config, key) if normalize else fill
        for key, fill in (("image_mean", (0.0,) * 3), ("image_std", (1.0,) * 3))
    )
    if not all(value > 0 for value in std):
        raise ValueError(f"`image_std` must be positive, got {list(std)}")
    return Preprocessing(
        shortest_edge,
        size,
        crop,
        INTERPOLATIONS[2 if resample is None else resample],
        scale=_number(config.get("rescale_factor", 1 / 255), "rescale_factor")
        if config.get("do_rescale", True)
        else 1.0,
        offset=-1.0 if config.get("offset") else 0.0,
        mean=mean,
        std=std,
    )


def _sizes(size: Any) -> tuple[int | None, tuple[int, int] | None]:
    """The shortest edge, or height and width; older files have a single number."""
    if isinstance(size, Mapping):
        # null: transformers 5 writes all keys
        given = {key: value for key, value in size.items() if value is not None}
        if set(given) == {"shortest_edge"}:
            return _pixels(given["shortest_edge"]), None
        if set(given) == {"height", "width"}:
            return None, (_pixels(given["height"]), _pixels(given["width"]))
    elif isinstance(size, int):
        return None, (_pixels(size), _pixels(size))
    raise ValueError(f"a size must be `shortest_edge` or `height` and `width`, got {size!r}")


def _pixels(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MAX_SIZE:
        raise ValueError(f"a size must be 1 to {MAX_SIZE} pixels, got {value!r}")
    return value


def _three(config: Mapping[str, Any], key: str) -> tuple[float, float, float]:
    values = config.get(key)
    if not isinstance(values, Sequence) or isinstance(values, str) or len(values) != 3:
        raise ValueError(f"`{key}` must be three numbers, for red, green and blue, got {values!r}")
    red, green, blue = (_number(value, key) for value in values)
    return red, green, blue


def _number(value: Any, key: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"`{key}` must be a number, got {value!r}")
    return float(value)


def _middle(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """The middle of a picture, with black around it where it is smaller."""
    (height, width), (rows, columns) = picture.shape[1:], size
    missing_rows, missing_columns = max(rows - height, 0), max(columns - width, 0)
    if missing_rows or missing_columns:
        left, top = -(-missing_columns // 2), -(-missing_rows // 2)
        picture = F.pad(picture, (left, missing_columns - left, top, missing_rows - top))
        height, width = picture.shape[1:]
    top, left = (height - rows) // 2, (width - columns) // 2
    return picture[:, top : top + rows, left : left + columns]
