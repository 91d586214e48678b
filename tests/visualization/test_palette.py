from __future__ import annotations

import numpy as np
import pytest

from segtcn.visualization.palette import BACKGROUND, class_color, class_colors, text_color

# Machado, Oliveira and Fernandes 2009, severity 1, in linear RGB
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
D65 = np.array([0.95047, 1.0, 1.08883])


def linear(colors: list[tuple[int, int, int]]) -> np.ndarray:
    values = np.array(colors) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def seen_lab(colors: list[tuple[int, int, int]], vision: str) -> np.ndarray:
    """CIELAB of what a person with this vision sees, ``(N, 3)``."""
    xyz = np.clip(linear(colors) @ VISION[vision].T, 0, 1) @ TO_XYZ.T / D65
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=-1)


def smallest_difference(colors: list[tuple[int, int, int]], vision: str) -> float:
    lab = seen_lab(colors, vision)
    distances = np.linalg.norm(lab[:, None] - lab, axis=-1)
    return float(distances[np.triu_indices(len(colors), 1)].min())


@pytest.mark.parametrize("vision", VISION)
def test_colours_are_told_apart_by_colour_blind_readers(vision: str) -> None:
    # a difference of about 2.3 is just noticeable
    assert smallest_difference([*class_colors(7), BACKGROUND], vision) > 16
    assert smallest_difference([*class_colors(12), BACKGROUND], vision) > 15
    assert smallest_difference([*class_colors(24), BACKGROUND], vision) > 9


def test_every_class_of_a_large_data_set_has_its_own_colour() -> None:
    colors = class_colors(202)  # Assembly101
    assert len({*colors, BACKGROUND}) == 203
    assert np.array(class_colors(1000)).min() >= 0
    assert np.array(class_colors(1000)).max() <= 255


def test_a_class_keeps_its_colour_when_classes_are_added_or_the_background_moves() -> None:
    assert class_colors(30)[:7] == class_colors(7)
    assert class_colors(7, background=0)[1:] == class_colors(7)[1:]
    assert [class_color(label, background=5) for label in (4, 5, 6)] == [class_color(4), BACKGROUND, class_color(6)]


def test_text_has_the_contrast_that_wcag_asks_of_normal_text() -> None:
    weights = [0.2126, 0.7152, 0.0722]
    for color in [*class_colors(216), BACKGROUND]:
        ground, ink = (float(linear([c])[0] @ weights) for c in (color, text_color(color)))
        assert (max(ground, ink) + 0.05) / (min(ground, ink) + 0.05) >= 4.5


def test_negative_class_is_refused() -> None:
    with pytest.raises(ValueError, match="a class index must be at least 0, got -100"):
        class_color(-100)
