"""What the camera makes of the drawn picture: shake, changing light and noise."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from segtcn.demo.shapes import HEIGHT, MARGIN, WIDTH, Image


class Camera:
    """A hand-held camera in changing light: shake, gain drift, sensor noise.

    Args:
        fps: frames per second.
        rng: chooses how it shakes, and the light.
    """

    def __init__(self, fps: float, rng: np.random.Generator) -> None:
        self.fps, self.rng, self.time_s = fps, rng, 0.0
        self.phases = rng.uniform(0, 2 * math.pi, (5, 2))
        self.rates = rng.uniform(0.15, 1.1, (3, 2))
        self.gain = rng.normal(1.0, 0.04)
        self.drift = rng.uniform(0.02, 0.06)
        self.warmth = rng.normal(0.0, 0.025)
        # one large field of noise, a different window of it in every frame
        sigma = rng.uniform(1.5, 3.0)
        noise = 128 + sigma * rng.standard_normal((HEIGHT + 64, WIDTH + 64, 3))
        self.noise: Image = np.clip(np.rint(noise), 0, 255).astype(np.uint8)

    def take(self, picture: Image) -> Image:
        """Film the drawn picture ``(HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN, 3)``."""
        import cv2

        image = cv2.warpAffine(picture, self._shake(), (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
        slow = np.sin(2 * math.pi * 0.06 * self.time_s + self.phases[3])
        gain = self.gain * (1 + self.drift * slow[0])
        warmth = self.warmth + 0.015 * slow[1]
        levels = np.arange(256)[:, None] * gain * np.array([1 - warmth, 1.0, 1 + warmth])
        image = cv2.LUT(image, np.clip(np.rint(levels), 0, 255).astype(np.uint8)[None])
        row, column = self.rng.integers(0, 64, 2)
        self.time_s += 1 / self.fps
        noise = self.noise[row : row + HEIGHT, column : column + WIDTH]
        return np.asarray(cv2.addWeighted(image, 1.0, noise, 1.0, -128.0), dtype=np.uint8)

    def _shake(self) -> npt.NDArray[np.float64]:
        """Turn, zoom and shift around the middle, as an affine map ``(2, 3)``."""
        waves = np.sin(2 * math.pi * self.rates * self.time_s + self.phases[:3])
        x, y = 0.9 * waves[:2].sum(0) + self.rng.normal(0, 0.15, 2)
        angle = math.radians(0.35) * waves[2, 0]
        zoom = 1 + 0.006 * waves[2, 1]
        cos, sin = zoom * math.cos(angle), zoom * math.sin(angle)
        centre_x, centre_y = WIDTH / 2 + MARGIN, HEIGHT / 2 + MARGIN
        shift_x = WIDTH / 2 + x - cos * centre_x + sin * centre_y
        shift_y = HEIGHT / 2 + y - sin * centre_x - cos * centre_y
        return np.array([[cos, -sin, shift_x], [sin, cos, shift_y]])
