"""Pictures as a model gets them, and descriptions of it that are not followed."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from segtcn.extract.preprocessing import Preprocessing, parse_preprocessing, read_preprocessing


def test_picture_is_resized_cut_and_scaled():
    frame = np.zeros((40, 80, 3), np.uint8)
    frame[:, 26:54] = (0, 0, 255)  # red, in the order blue, green, red
    steps = Preprocessing(shortest_edge=20, crop=(10, 10), mean=(0.5, 0.5, 0.5), std=(0.5, 0.25, 1.0))
    picture = steps.picture(frame)
    assert (picture.shape, picture.dtype) == ((3, 10, 10), torch.uint8)
    values = steps.values(picture[None])[0]
    assert values.mean((1, 2)).tolist() == pytest.approx([1, -2, -0.5], abs=0.02)


def test_small_pictures_are_put_on_black():
    picture = Preprocessing(crop=(6, 6)).picture(np.full((4, 5, 3), 9, np.uint8))
    assert int((picture > 0).sum()) == 3 * 4 * 5


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"size": {"longest_edge": 3}}, "a size must be `shortest_edge` or `height` and `width`"),
        ({"size": {"shortest_edge": 10**9}}, "a size must be 1 to 4096 pixels, got 1000000000"),
        ({"size": {"shortest_edge": 0}}, "a size must be 1 to 4096 pixels, got 0"),
        ({"do_resize": True}, "a size must be .*, got None"),
        ({"do_center_crop": True, "crop_size": {"shortest_edge": 3}}, "`crop_size` must be a height and a width"),
        ({"resample": 1}, "`resample` must be 0"),
        ({"do_pad": True}, "the step 'do_pad' is not supported"),
        ({"image_mean": [1, 2], "image_std": [1, 1, 1]}, "`image_mean` must be three numbers"),
        ({"image_mean": [1, 2, "a"], "image_std": [1, 1, 1]}, "`image_mean` must be a number, got 'a'"),
        ({"image_mean": [0, 0, 0], "image_std": [1, 0, 1]}, "`image_std` must be positive"),
        ({"rescale_factor": float("nan")}, "`rescale_factor` must be a number, got nan"),
        ([1], r"must hold an object with .*, got list"),
    ],
)
def test_preprocessing_that_is_not_done_is_refused(tmp_path, config, message):
    path = tmp_path / "preprocessor_config.json"
    path.write_text(json.dumps(config))
    with pytest.raises(ValueError, match=rf"preprocessor_config\.json.*{message}"):
        read_preprocessing(path)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[" * 100_000])
def test_broken_preprocessing_is_named(tmp_path, content):
    path = tmp_path / "preprocessor_config.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"preprocessor_config\.json is not JSON"):
        read_preprocessing(path)


def test_one_number_is_the_shorter_side_where_a_crop_follows():
    steps = parse_preprocessing({"size": 256, "crop_size": 224, "do_center_crop": True, "resample": 2})
    assert (steps.shortest_edge, steps.size, steps.crop) == (256, None, (224, 224))
    assert parse_preprocessing({"size": 224, "resample": 2}).size == (224, 224)
