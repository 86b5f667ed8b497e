"""Record the outputs of a public implementation of CIFAR-10-C and ImageNet-C, for the tests of the corruptions.

    apt-get install libmagickwand-6.q16-6
    python3 -m venv recording && recording/bin/pip install imagecorruptions-imaug wand
    recording/bin/python scripts/record_fixtures.py

The packages need their own environment, and the tests do not need the packages. The script uses from imagecorruptions
the disk, the clipped zoom, and whole corruptions with the constants of ImageNet-C; for those of CIFAR-10-C (Hendrycks
and Dietterich 2019), the functions of OpenCV, scikit-image and Pillow that it calls; and the motion blur of
ImageMagick, with which the benchmark was made. Four files are written, the same bit for bit on every run with the same
versions (the committed ones: imagecorruptions-imaug 1.1.5, opencv-python 5.0.0, scikit-image 0.26.0, scipy 1.17.1,
pillow 13.0.0, ImageMagick 6.9.11-60 with 16 bits):

- ``tests/benchmark/severities.npz``: images under seven corruptions at five severities with the constants of both
  benchmarks, uint8, ``{constants}_{corruption}_{grey or colour}``, and the seeds and angles (degrees) of the motion
  blur;
- ``plugins/defocus/tests/fixtures.npz``: disks whose smoothing is negligible, and images filtered with them;
- ``plugins/zoomblur/tests/fixtures.npz``: the mean of an image and its clipped zooms, for the five severities;
- ``plugins/pixelate/tests/fixtures.npz``: images reduced and enlarged again, for the five severities.

Images are uint8, (height, width) and (height, width, 3); what is computed in floats is float32, for images / 255.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import cv2  # type: ignore[import-not-found]
import numpy as np
from imagecorruptions import corruptions  # type: ignore[import-not-found]
from imagecorruptions.corruptions import clipped_zoom, disk  # type: ignore[import-not-found]
from PIL import Image
from skimage.color import hsv2rgb, rgb2hsv  # type: ignore[import-not-found]
from skimage.filters import gaussian  # type: ignore[import-not-found]
from wand.image import Image as Magick  # type: ignore[import-not-found]

ROOT = Path(__file__).parents[1]
SIZE = 32
RADII = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 8.0, 10.0)
ZOOM_ENDS = (1.06, 1.11, 1.16, 1.21, 1.26)
ZOOM_STEP = 0.01
RESOLUTIONS = (0.95, 0.9, 0.85, 0.75, 0.65)
SEVERITIES = (1, 2, 3, 4, 5)
CIFAR10C_DISKS = ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1))
CIFAR10C_SIGMAS = (0.4, 0.6, 0.7, 0.8, 1)
CIFAR10C_BRIGHTNESS = (0.05, 0.1, 0.15, 0.2, 0.3)
CIFAR10C_CONTRAST = (0.75, 0.5, 0.4, 0.3, 0.15)
CIFAR10C_MOTION = ((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5))
IMAGENETC_MOTION = ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15))
IMAGENETC_RESOLUTIONS = (0.6, 0.5, 0.4, 0.3, 0.25)


def sample_images() -> dict[str, np.ndarray]:
    """A grey image of noise, and a colour one of a slope, a chequerboard and a bright frame with a little noise."""
    generator = np.random.default_rng(10)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    edge = np.maximum(abs(rows - 15.5), abs(columns - 15.5))
    structured = np.stack([4 * rows + 3 * columns, 200 * ((rows // 3 + columns // 5) % 2), 230 * (edge > 13)], axis=2)
    return {
        "grey": generator.integers(0, 256, (SIZE, SIZE), dtype=np.uint8),
        "colour": (structured + generator.integers(0, 25, structured.shape)).astype(np.uint8),
    }


def defocus(image: np.ndarray) -> np.ndarray:
    """Images / 255 filtered with each disk, beyond the border whatever OpenCV takes by default: (radius, …)."""
    return np.stack([cv2.filter2D(image / 255, -1, _disk(radius)) for radius in RADII]).astype(np.float32)


def _disk(radius: float) -> np.ndarray:
    """The package's kernel (size, size); a smoothing of 1/1000 px moves nothing to the neighbours in float32."""
    return np.asarray(disk(radius if radius <= 8 else int(radius), alias_blur=1e-3))


def zoomblur(image: np.ndarray, zooms: np.ndarray) -> np.ndarray:
    """The mean of the image / 255 and its zooms, which are cut at the right and at the bottom to its size."""
    exact = image.reshape(SIZE, SIZE, -1) / 255
    layers = [exact, *(clipped_zoom(exact, zoom)[:SIZE, :SIZE] for zoom in zooms)]
    return np.asarray(np.mean(layers, axis=0), dtype=np.float32).reshape(image.shape)


def pixelate(image: np.ndarray, resolution: float) -> np.ndarray:
    """The image reduced to that share of its size and enlarged again, both with Pillow's box filter, in 8 bits."""
    reduced = int(SIZE * resolution)
    small = Image.fromarray(image).resize((reduced, reduced), Image.Resampling.BOX)
    return np.asarray(small.resize((SIZE, SIZE), Image.Resampling.BOX))


def motion_blur(image: np.ndarray, radius: float, sigma: float, angle: float) -> np.ndarray:
    """ImageMagick's motion blur of a colour image, from PNG to PNG as in the benchmark."""
    written = io.BytesIO()
    Image.fromarray(image).save(written, format="PNG")
    with Magick(blob=written.getvalue()) as moved:
        moved.motion_blur(radius=radius, sigma=sigma, angle=angle)
        return np.asarray(Image.open(io.BytesIO(moved.make_blob("png"))).convert("RGB"))


def cifar10c(image: np.ndarray, angles: np.ndarray) -> dict[str, list[np.ndarray]]:
    """A colour image under each corruption at each severity of CIFAR-10-C, in [0, 255]."""
    exact = image / 255
    hsv = [rgb2hsv(exact) for _ in SEVERITIES]
    for image_hsv, more in zip(hsv, CIFAR10C_BRIGHTNESS, strict=True):
        image_hsv[..., 2] = np.clip(image_hsv[..., 2] + more, 0, 1)
    means = exact.mean(axis=(0, 1), keepdims=True)
    moves = zip(CIFAR10C_MOTION, angles, strict=True)
    return {
        "defocus_blur": [255 * cv2.filter2D(exact, -1, disk(radius, alias)) for radius, alias in CIFAR10C_DISKS],
        "zoom_blur": [255 * summed_zooms(image, np.arange(1, end, ZOOM_STEP)) for end in ZOOM_ENDS],
        "motion_blur": [motion_blur(image, *values, angle) for values, angle in moves],
        "pixelate": [pixelate(image, share) for share in RESOLUTIONS],
        "gaussian_blur": [255 * np.clip(gaussian(exact, sigma, channel_axis=-1), 0, 1) for sigma in CIFAR10C_SIGMAS],
        "brightness": [255 * np.clip(hsv2rgb(image_hsv), 0, 1) for image_hsv in hsv],
        "contrast": [255 * np.clip((exact - means) * gain + means, 0, 1) for gain in CIFAR10C_CONTRAST],
    }


def summed_zooms(image: np.ndarray, zooms: np.ndarray) -> np.ndarray:
    """The mean of :func:`zoomblur`, summed in float32 layer by layer, because truncation depends on this rounding."""
    exact = (image / 255).astype(np.float32)
    total = np.zeros_like(exact)
    for zoom in zooms:
        total += clipped_zoom(exact, zoom)[:SIZE, :SIZE]
    return np.clip((exact + total) / (len(zooms) + 1), 0, 1)


def imagenetc(image: np.ndarray, angles: np.ndarray) -> dict[str, list[np.ndarray]]:
    """A colour image under each corruption at each severity of ImageNet-C, in [0, 255]."""
    names = ("defocus_blur", "zoom_blur", "gaussian_blur", "brightness", "contrast")
    moves = zip(IMAGENETC_MOTION, angles, strict=True)
    return {
        **{name: [getattr(corruptions, name)(image, severity) for severity in SEVERITIES] for name in names},
        "motion_blur": [motion_blur(image, *values, angle) for values, angle in moves],
        "pixelate": [pixelate(image, share) for share in IMAGENETC_RESOLUTIONS],
    }


def severities(images: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """All corruptions at all severities, truncated to uint8; grey images are made and taken from equal channels."""
    seeds = np.array(SEVERITIES, dtype=np.uint8)
    angles = np.array([np.random.default_rng(seed).uniform(-45, 45) for seed in SEVERITIES])
    recorded = {"seeds": seeds, "angles": angles}
    for kind, image in images.items():
        colour = np.ascontiguousarray(np.broadcast_to(image.reshape(SIZE, SIZE, -1), (SIZE, SIZE, 3)))
        for benchmark in (cifar10c, imagenetc):
            for name, results in benchmark(colour, angles).items():
                stack = np.stack(results).astype(np.uint8)
                recorded[f"{benchmark.__name__}_{name}_{kind}"] = stack[..., 0] if kind == "grey" else stack
    return recorded


def save(file: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Write one compressed file beside the tests that read it."""
    target = ROOT / file
    np.savez_compressed(target, **arrays)  # type: ignore[arg-type]
    print(f"{target}: {target.stat().st_size:,} bytes")


def main() -> None:
    """Record all four."""
    images = sample_images()
    save("tests/benchmark/severities.npz", {**images, **severities(images)})

    kernels = np.zeros((len(RADII), 21, 21), dtype=np.float32)
    for kernel, radius in zip(kernels, RADII, strict=True):
        recorded = _disk(radius)
        margin = (21 - len(recorded)) // 2
        kernel[margin : 21 - margin, margin : 21 - margin] = recorded
    results = {f"blurred_{kind}": defocus(image) for kind, image in images.items()}
    save(
        "plugins/defocus/tests/fixtures.npz",
        {**images, **results, "radii": np.array(RADII, dtype=np.float32), "kernels": kernels},
    )

    series = [np.arange(1, end, ZOOM_STEP) for end in ZOOM_ENDS]  # lengths may differ from what the decimals suggest
    results = {f"blurred_{kind}": np.stack([zoomblur(image, z) for z in series]) for kind, image in images.items()}
    counts = np.array([len(zooms) for zooms in series], dtype=np.uint8)
    save(
        "plugins/zoomblur/tests/fixtures.npz",
        {**images, **results, "zooms": series[-1].astype(np.float32), "counts": counts},
    )

    results = {
        f"pixelated_{kind}": np.stack([pixelate(image, share) for share in RESOLUTIONS])
        for kind, image in images.items()
    }
    save(
        "plugins/pixelate/tests/fixtures.npz",
        {**images, **results, "resolutions": np.array(RESOLUTIONS, dtype=np.float32)},
    )


if __name__ == "__main__":
    main()
