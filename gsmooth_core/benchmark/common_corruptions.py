"""The corruptions of CIFAR-10-C and ImageNet-C (Hendrycks & Dietterich 2019), as that benchmark defines them.

They are for comparison with published figures: fixed strengths, truncated to 8 bits. What is certified are the plugins'
corruptions, over a whole region.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from PIL import Image
from scipy.ndimage import correlate, correlate1d, gaussian_filter, zoom
from torch import Tensor

from gsmooth_core.benchmark.severities import CONSTANTS, LEVELS, check_names
from gsmooth_core.common.validators import check_whole
from gsmooth_core.datasets.checks import check_images

SMALLEST = 4
"""Smaller images (px) would have no pixel left at the strongest pixelation."""


def apply_severity(
    images: Tensor, name: str, severity: int, *, constants: str = "cifar10c", seed: int | np.random.Generator = 0
) -> Tensor:
    """Images as the benchmark corrupts them at one severity: float32, whole multiples of 1/255, on the images' device.

    Args:
        images: float in [0, 1], (batch, channel, height, width), grey or in colour; rounded to 8 bits first, as the
            benchmark's are.
        name: ``defocus_blur``, ``zoom_blur``, ``motion_blur``, ``pixelate``, ``gaussian_blur``, ``brightness`` or
            ``contrast``.
        severity: from 1 to 5.
        constants: ``cifar10c`` (for 32 px) or ``imagenetc`` (for 224 px).
        seed: motion blur moves along angles ``numpy.random.default_rng(seed).uniform(-45, 45, batch)`` degrees; if a
            generator is passed, it continues from batch to batch, so all batches together get the angles of the whole.

    Raises:
        ValueError: an argument does not fit; the sentence names the next step.

    >>> apply_severity(torch.full((1, 1, 4, 4), 0.2), "brightness", 5)[0, 0, 0] * 255
    tensor([127., 127., 127., 127.])
    """
    check_names([name], constants)
    check_severity(severity)
    images = check_pictures(images)
    generator = np.random.default_rng(seed if isinstance(seed, np.random.Generator) else check_whole("seed", seed, 0))
    levels = (images.cpu().double() * 255).round().to(torch.uint8).numpy()
    values = CONSTANTS[constants][name][severity - 1]
    if name == "motion_blur":
        changed = motion_blur(levels, generator.uniform(-45, 45, len(levels)), *values)
    else:
        changed = _MAPS[name](levels, *values)
    return torch.from_numpy(changed).to(images.device).float() / 255


def check_pictures(images: Tensor) -> Tensor:
    """The images (batch, channel, height, width); ``ValueError`` unless all corruptions can be applied to them."""
    images = check_images(images)
    channels, height, width = images.shape[1:]
    if channels not in (1, 3):
        raise ValueError(f"the benchmark has grey or colour images, not {channels} channels; give 1 or 3")
    if min(height, width) < SMALLEST:
        raise ValueError(f"images of {height} × {width} px are too small; give at least {SMALLEST} × {SMALLEST}")
    return images


def check_severity(severity: int) -> int:
    """The severity, a whole number from 1 to 5; otherwise ``ValueError``."""
    if check_whole("severity", severity, least=1) > LEVELS:
        raise ValueError(f"severities go from 1 to {LEVELS}, not to {severity}; give one of them")
    return int(severity)


def defocus_blur(levels: np.ndarray, radius: float, alias_blur: float) -> np.ndarray:
    """uint8 images (batch, channel, height, width) filtered with a disk; borders are reflected about their pixels."""
    return _truncated(correlate(levels / 255, smoothed_disk(radius, alias_blur)[None, None], mode="mirror"))


def smoothed_disk(radius: float, alias_blur: float) -> np.ndarray:
    """A disk of ``radius`` px whose edge is smoothed by a Gaussian of ``alias_blur`` px: float32 (size, size).

    A pixel is in the disk if its centre is. The Gaussian has 3 × 3 weights, above 8 px 5 × 5, and at the border of the
    kernel it reflects about the pixels. So disks that reach the border (8 and 10 px) sum to 1.01, and brighten. The
    kernel is float32 as in the benchmark, because its sum decides how flat parts are rounded.
    """
    half, reach = (8, 1) if radius <= 8 else (int(radius), 2)
    positions = np.arange(-half, half + 1)
    disk = (positions[:, None] ** 2 + positions**2 <= radius**2).astype(np.float32)
    disk /= disk.sum()
    weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * alias_blur**2))
    for axis in (1, 0):
        disk = correlate1d(disk, weights / weights.sum(), axis=axis, mode="mirror")
    return disk


def zoom_blur(levels: np.ndarray, stop: float, step: float) -> np.ndarray:
    """The mean of uint8 images (batch, channel, height, width) and their zooms by ``numpy.arange(1, stop, step)``.

    In float32, as in the benchmark. A zoom enlarges a centred crop linearly, to at most one pixel more than the images,
    which is cut at the right and at the bottom.
    """
    images = (levels / 255).astype(np.float32)
    height, width = images.shape[-2:]
    planes, zooms = images.reshape(-1, height, width), np.arange(1, stop, step)
    total = np.zeros_like(planes)
    for factor in zooms:
        rows, columns = (int(np.ceil(size / factor)) for size in (height, width))
        top, left = (height - rows) // 2, (width - columns) // 2
        crop = planes[:, top : top + rows, left : left + columns]
        total += zoom(crop, (1, factor, factor), order=1)[:, :height, :width]
    return _truncated(((planes + total) / (len(zooms) + 1)).reshape(images.shape))


def motion_blur(levels: np.ndarray, angles: np.ndarray, radius: float, sigma: float) -> np.ndarray:
    """uint8 images (batch, channel, height, width) moved along ``angles`` (batch,), degrees, as ImageMagick moves them.

    The mean over ``2 · radius + 1`` points from each pixel onwards, 1 px apart and rounded to whole pixels, under the
    falling half of a Gaussian of ``sigma`` px. The border pixels are repeated beyond the border. ImageMagick rounds to
    16 bits, and cuts those to 8 when it writes the PNG that the benchmark reads.
    """
    steps = np.arange(2 * int(radius) + 1)
    weights = np.exp(-(steps**2) / (2 * sigma**2))
    turns = np.radians(angles).reshape(-1, 1, 1, 1)
    batch, channels, rows, columns = np.ogrid[tuple(slice(size) for size in levels.shape)]
    total = np.zeros(levels.shape)
    for step, weight in zip(steps, weights / weights.sum(), strict=True):
        down, right = (np.ceil(step * slope - 0.5).astype(int) for slope in (np.sin(turns), np.cos(turns)))
        below, beside = (rows + down).clip(0, rows.max()), (columns + right).clip(0, columns.max())
        total += weight * levels[batch, channels, below, beside]
    return ((total * 257 + 0.5).astype(np.uint16) // 257).astype(np.uint8)


def pixelate(levels: np.ndarray, resolution: float) -> np.ndarray:
    """uint8 images (batch, channel, height, width) reduced to the share ``resolution`` of their size, and enlarged."""
    height, width = levels.shape[-2:]
    reduced = int(width * resolution), int(height * resolution)
    box = Image.Resampling.BOX
    planes = [
        np.asarray(Image.fromarray(plane).resize(reduced, box).resize((width, height), box))
        for plane in levels.reshape(-1, height, width)
    ]
    return np.stack(planes).reshape(levels.shape)


def gaussian_blur(levels: np.ndarray, sigma: float) -> np.ndarray:
    """uint8 images (batch, channel, height, width) under a Gaussian of ``sigma`` px, cut off at 4 ``sigma``.

    The border pixels are repeated beyond the border.
    """
    return _truncated(gaussian_filter(levels / 255, (0, 0, sigma, sigma), mode="nearest", truncate=4))


def brightness(levels: np.ndarray, more: float) -> np.ndarray:
    """uint8 images (batch, channel, height, width) with ``more`` added to V, the largest channel, in HSV.

    Hue and saturation are ratios of the channels, so all channels grow by one factor; black becomes grey.
    """
    images = levels / 255
    value = images.max(axis=1, keepdims=True)
    shares = np.divide(images, value, out=np.ones_like(images), where=value > 0)
    return _truncated(shares * (value + more).clip(max=1))


def contrast(levels: np.ndarray, gain: float) -> np.ndarray:
    """uint8 images (batch, channel, height, width) drawn towards the mean of each channel."""
    images = levels / 255
    means = images.mean(axis=(2, 3), keepdims=True)
    return _truncated((images - means) * gain + means)


def _truncated(images: np.ndarray) -> np.ndarray:
    """Images in [0, 1] as uint8, by cutting off what is beyond the whole number, as the benchmark does."""
    return (images.clip(0, 1) * 255).astype(np.uint8)


_MAPS: dict[str, Callable[..., np.ndarray]] = {
    "defocus_blur": defocus_blur,
    "zoom_blur": zoom_blur,
    "pixelate": pixelate,
    "gaussian_blur": gaussian_blur,
    "brightness": brightness,
    "contrast": contrast,
}
