"""Draw ``docs/first_certificate.png``, the first picture of the documentation, from certificates of the example model.

    python scripts/draw_first_certificate.py

Three bundled test images, from left to right out of focus by 0 to 5 px. The bar below an image ends at its certified
radius. Which images, and the radius of each, also stand in the file as text, with which the tests compare new
certificates.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import ROUND_FLOOR
from io import BytesIO
from pathlib import Path

import torch
from matplotlib.axes import Axes
from PIL import Image, PngImagePlugin

from gsmooth_core import Budget, Certificate, Report, certify, get_corruption, load_example_model, load_fashion_mnist
from gsmooth_core.results.drawing import COLOURS, new_axes
from gsmooth_core.results.wording import shortened

PICTURE = Path(__file__).parents[1] / "docs" / "first_certificate.png"
SHOWN = (14, 8, 12)
"""The places of the images among the bundled test images: one certified to the end, one halfway, one hardly."""
STEPS = 11
NAMES = ("T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")
"""The classes of Fashion-MNIST."""
PROVED, OPEN = COLOURS[2], "#dddddd"
KEY = "gsmooth"
"""The name of the text in the picture's file."""


def certificates(indices: Sequence[int] = SHOWN) -> Report:
    """The certificates that the picture shows, each with the largest radius that is proved."""
    model, budget = load_example_model(), Budget(samples=2_000)
    return certify(model, "defocus", "fashion-mnist", indices=indices, maximize=True, budget=budget)


def draw(report: Report, path: Path = PICTURE) -> None:
    """Draw the certificates of images whose answer is right, and write the picture."""
    defocus, most = get_corruption("defocus"), report.run.region.upper[0]
    images, radii = load_fashion_mnist("test")[0], torch.linspace(0, most, STEPS, dtype=torch.float64)[:, None]
    axes = new_axes(7.2, 3.1)
    found = {certificate.index: certificate for certificate in report.certificates}
    for row, index in enumerate(SHOWN):
        for column, view in enumerate(defocus.transformation.apply(images[index].expand(STEPS, -1, -1, -1), radii)):
            place = (column - 0.47, column + 0.47, -1.3 * row, -1.3 * row + 0.94)
            axes.imshow(view[0], cmap="gray", vmin=0, vmax=1, extent=place)
        _draw_bar(axes, found[index], most, -1.3 * row - 0.17)
    axes.set_xlim(-0.55, STEPS + 2.2)
    axes.set_ylim(-1.3 * len(SHOWN) + 0.95, 1.0)
    axes.set_xticks(range(0, STEPS, 2), [f"{radii[column].item():g} px" for column in range(0, STEPS, 2)])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set_title("Out of focus by up to 5 px: how far the answer is proved to stay the same", fontsize=10, loc="left")
    text = PngImagePlugin.PngInfo()
    text.add_text(KEY, json.dumps(radii_of(report)))
    figure, drawn = axes.get_figure(root=True), BytesIO()
    assert figure is not None
    figure.savefig(drawn, dpi=150, bbox_inches="tight", pad_inches=0.05)
    Image.open(drawn).convert("RGB").quantize(64).save(path, optimize=True, pnginfo=text)


def _draw_bar(axes: Axes, certificate: Certificate, most: float, height: float) -> None:
    """The bar below the image: as long as the certified radius, over one as long as the whole region."""
    radius, scale = certificate.radius or 0.0, (STEPS - 1) / most
    axes.barh(height, most * scale, 0.12, color=OPEN)
    axes.barh(height, radius * scale, 0.12, color=PROVED)
    assert certificate.predicted is not None
    words = f"{NAMES[certificate.predicted]}\nproved to {shortened(radius, 2, ROUND_FLOOR)} px"
    axes.text(STEPS - 0.3, height + 0.62, words, va="center", fontsize=9)


def radii_of(report: Report) -> dict[str, float | None]:
    """The certified radius of each image, by its index, as the picture's file keeps it under ``KEY``."""
    return {str(certificate.index): certificate.radius for certificate in report.certificates}


if __name__ == "__main__":
    draw(certificates())
