"""Record what the parts of a public CIFAR-10-C implementation give, for the tests of the discrete corruptions.

    python3 -m venv recording && recording/bin/pip install imagecorruptions-imaug
    recording/bin/python scripts/record_fixtures.py

The package needs an environment of its own, and the tests do not need the package. Of it are taken the disk and the
clipped zoom, and of the libraries that it calls the filter of OpenCV and the resizing of Pillow, with the constants of
CIFAR-10-C (Hendrycks and Dietterich 2019). Three files are written, the same bit for bit on every run with the same
versions (the committed ones: imagecorruptions-imaug 1.1.5, opencv-python 5.0.0, scipy 1.17.1, pillow 13.0.0):

- ``plugins/defocus/tests/fixtures.npz``: disks whose smoothing is negligible, and images filtered with them;
- ``plugins/zoomblur/tests/fixtures.npz``: the mean of an image and its clipped zooms, for the five severities;
- ``plugins/pixelate/tests/fixtures.npz``: images reduced and enlarged again, for the five severities.

Images are uint8, (height, width) and (height, width, 3); what is computed in floats is float32, for images / 255.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2  # type: ignore[import-not-found]
import numpy as np
from imagecorruptions.corruptions import clipped_zoom, disk  # type: ignore[import-not-found]
from PIL import Image

PLUGINS = Path(__file__).parents[1] / "plugins"
SIZE = 32
RADII = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 8.0, 10.0)
ZOOM_ENDS = (1.06, 1.11, 1.16, 1.21, 1.26)
ZOOM_STEP = 0.01
RESOLUTIONS = (0.95, 0.9, 0.85, 0.75, 0.65)


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


def save(plugin: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Write one compressed file beside the plugin's tests."""
    target = PLUGINS / plugin / "tests" / "fixtures.npz"
    np.savez_compressed(target, **arrays)  # type: ignore[arg-type]
    print(f"{target}: {target.stat().st_size:,} bytes")


def main() -> None:
    """Record all three."""
    images = sample_images()
    kernels = np.zeros((len(RADII), 21, 21), dtype=np.float32)
    for kernel, radius in zip(kernels, RADII, strict=True):
        recorded = _disk(radius)
        margin = (21 - len(recorded)) // 2
        kernel[margin : 21 - margin, margin : 21 - margin] = recorded
    results = {f"blurred_{kind}": defocus(image) for kind, image in images.items()}
    save("defocus", {**images, **results, "radii": np.array(RADII, dtype=np.float32), "kernels": kernels})

    series = [np.arange(1, end, ZOOM_STEP) for end in ZOOM_ENDS]  # not all end where the decimals say: count them
    results = {f"blurred_{kind}": np.stack([zoomblur(image, z) for z in series]) for kind, image in images.items()}
    counts = np.array([len(zooms) for zooms in series], dtype=np.uint8)
    save("zoomblur", {**images, **results, "zooms": series[-1].astype(np.float32), "counts": counts})

    results = {
        f"pixelated_{kind}": np.stack([pixelate(image, share) for share in RESOLUTIONS])
        for kind, image in images.items()
    }
    save("pixelate", {**images, **results, "resolutions": np.array(RESOLUTIONS, dtype=np.float32)})


if __name__ == "__main__":
    main()
