"""The built-in features: what each kind measures, one vector a frame, from nothing but pixels."""

from __future__ import annotations

import shutil
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch

from segtcn.extract.descriptor import (
    COLUMNS,
    FEATURE_DIM,
    LAYOUT,
    ROWS,
    WORKING_SIZE,
    FrameDescriptor,
    extract_features,
)
from tests.clips import write_clip

WIDTH, HEIGHT = WORKING_SIZE


def parts(vector: np.ndarray) -> dict[str, np.ndarray]:
    """A feature vector by kind; kinds that are measured in cells as ``(ROWS, COLUMNS, values)``."""
    stops = np.cumsum(list(LAYOUT.values()))
    found = dict(zip(LAYOUT, np.split(vector, stops[:-1]), strict=True))
    return {
        kind: values if kind in {"histogram", "camera"} else values.reshape(ROWS, COLUMNS, -1)
        for kind, values in found.items()
    }


def describe(*frames: np.ndarray) -> dict[str, np.ndarray]:
    """Features of the last of some frames."""
    descriptor = FrameDescriptor()
    return parts([descriptor(frame) for frame in frames][-1])


def plain(*colour: int) -> np.ndarray:
    return np.full((HEIGHT, WIDTH, 3), colour, dtype=np.uint8)


def cloth(seed: int = 0, size: tuple[int, int] = (HEIGHT + 40, WIDTH + 40)) -> np.ndarray:
    """A smooth random texture that optical flow can follow."""
    noise = np.random.default_rng(seed).uniform(0, 255, (*size, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3)
    return np.clip((smooth - smooth.mean()) * 6 + 128, 0, 255).astype(np.uint8)


def window(texture: np.ndarray, x: int, y: int) -> np.ndarray:
    return np.ascontiguousarray(texture[20 - y : 20 - y + HEIGHT, 20 - x : 20 - x + WIDTH])


def test_layout_adds_up_to_the_feature_width() -> None:
    assert sum(LAYOUT.values()) == FEATURE_DIM == len(FrameDescriptor()(plain(1, 2, 3)))


def test_first_frame_and_still_pictures_have_no_motion() -> None:
    still = window(cloth(), 0, 0)
    for frames in ([still], [still, still]):
        found = describe(*frames)
        for kind in ("flow", "camera", "difference"):
            assert np.abs(found[kind]).max() == 0


def test_motion_of_the_whole_picture_is_the_camera() -> None:
    found = describe(window(cloth(), 0, 0), window(cloth(), 3, -2))
    assert found["camera"] == pytest.approx([3, -2], abs=0.3)
    inner = found["flow"][1:-1, 1:-1]
    assert np.abs(inner).max() < 0.3
    assert found["difference"].min() > 0


def test_motion_of_a_part_is_found_in_its_cells() -> None:
    before = window(cloth(), 0, 0)
    after = before.copy()
    hand = cloth(1)
    before[30:90, 80:134], after[30:90, 80:134] = hand[30:90, 30:84], hand[30:90, 27:81]  # 3 pixels to the right
    flow = describe(before, after)["flow"]
    assert flow[1:3, 3:5, 0].min() > 1.5
    assert np.abs(flow[1:3, 3:5, 1]).max() < 0.7
    assert flow[1:3, 3:5, 2].min() > 1.5
    assert np.abs(flow[:, 0]).max() < 0.3


def test_colour_is_the_mean_of_each_cell() -> None:
    frame = window(cloth(2), 0, 0)
    lab = cv2.cvtColor(frame, cv2.COLOR_BGR2LAB) / 255
    # 120 rows are 4 cells of 30; of 160 columns, 80 are 3 cells
    expected = lab.reshape(ROWS, HEIGHT // ROWS, 2, WIDTH // 2, 3).mean(axis=(1, 3))
    found = describe(frame)["colour"].reshape(ROWS, 2, COLUMNS // 2, 3).mean(axis=2)
    assert found == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    ("colour", "hue"), [((0, 0, 255), 0), ((0, 255, 0), 2), ((255, 0, 0), 5), ((255, 0, 255), 6), ((40, 0, 255), 7)]
)
def test_histogram_counts_hues_and_lightnesses(colour: tuple[int, int, int], hue: int) -> None:
    found = describe(plain(*colour))["histogram"]
    expected = np.zeros(12)
    expected[[hue, 11]] = 1
    assert found == pytest.approx(expected)


def test_grey_has_no_hue_and_halves_share_the_histogram() -> None:
    frame = plain(255, 255, 255)
    frame[:, : WIDTH // 2] = 0
    assert describe(frame)["histogram"] == pytest.approx([0] * 8 + [0.5, 0, 0, 0.5])


@pytest.mark.parametrize(("axis", "orientation"), [(1, 0), (0, 2)])
def test_edges_have_a_direction_and_a_cell(axis: int, orientation: int) -> None:
    stripes = (127 + 127 * np.sin(np.arange(WIDTH) / 2)).astype(np.uint8)
    pattern = np.broadcast_to(stripes if axis == 1 else stripes[:, None], (WIDTH, WIDTH))
    frame = plain(0, 0, 0)
    frame[:30] = pattern[:30, :, None]  # the uppermost row of cells
    edges = describe(frame)["edges"]
    assert edges[0, 1:-1, orientation].min() > 0.2
    assert edges[2:].max() == 0
    assert edges[0].sum(axis=0).argmax() == orientation
    assert (edges**2).sum() == pytest.approx(1, abs=1e-2)


def test_an_even_picture_has_no_edges() -> None:
    assert describe(plain(90, 120, 200))["edges"].max() == 0


@pytest.mark.parametrize("size", [(1, 1), (7, 400), (121, 161), (480, 640)])
def test_any_size_is_described(size: tuple[int, int]) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    vector = FrameDescriptor()(frame)
    assert vector.shape == (FEATURE_DIM,)
    assert vector.dtype == np.float32
    assert np.isfinite(vector).all()


@pytest.mark.parametrize(
    "frame",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)],
    ids=["grey", "alpha", "float", "empty"],
)
def test_other_arrays_are_refused(frame: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"`frame` must be a picture \(H, W, 3\) of uint8, got"):
        FrameDescriptor()(frame)


@pytest.mark.parametrize("num_frames", [1, 2, 37])
def test_every_decoded_frame_has_one_vector(tmp_path: Path, num_frames: int) -> None:
    write_clip(tmp_path / "clip.mp4", num_frames)
    features = extract_features(tmp_path / "clip.mp4")
    with av.open(str(tmp_path / "clip.mp4")) as container:
        frames = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    assert features.shape == (FEATURE_DIM, len(frames))
    assert features.dtype == torch.float32
    descriptor = FrameDescriptor()
    assert np.array_equal(features.numpy().T, [descriptor(frame) for frame in frames])


def test_equal_pixels_have_equal_features_whatever_the_name(tmp_path: Path) -> None:
    write_clip(tmp_path / "pour.mp4", 12)
    (tmp_path / "elsewhere").mkdir()
    shutil.copy(tmp_path / "pour.mp4", tmp_path / "elsewhere" / "stir.mp4")
    first = extract_features(tmp_path / "pour.mp4")
    assert torch.equal(first, extract_features(tmp_path / "elsewhere" / "stir.mp4"))


def test_real_clips_have_finite_features(shared_data: Path) -> None:
    path = min((shared_data / "clips" / "intel_asl_gestures").glob("*.mkv"), key=lambda path: path.stat().st_size)
    features = extract_features(path)
    assert features.isfinite().all()
    assert (features[:, 1:] != features[:, :-1]).any(0).float().mean() > 0.5
