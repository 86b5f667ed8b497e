"""Six corruptions of bundled images
=================================

Certify bundled images under several corruptions, and show what the corruptions do to them.

    python examples/demo.py --limit 30 --out demo

The first two are those whose noise the example model was trained for; the others are exact statements about the plain
model. It writes a report (JSON) and a strip of pictures (PNG, from no corruption to the whole radius) per corruption.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torchvision.utils import save_image

from gsmooth_core import Corruption, certify, get_corruption, load_example_model, load_fashion_mnist

CORRUPTIONS = (
    "defocus",
    "gaussianblur",
    "defocus:discrete",
    "zoomblur:discrete",
    "pixelate:discrete",
    "translation:black",
)


def save_strip(corruption: Corruption, path: Path, images: int = 4, steps: int = 8) -> None:
    """A picture with a row per image and a column per step from the identity to the end of the region."""
    originals = load_fashion_mnist("test")[0][:images]
    transformation = corruption.transformation
    columns = [
        transformation.apply(originals, parameters.expand(images, -1))
        for parameters in transformation.space.walk(corruption.region(None, (1, 28, 28)), steps)
    ]
    save_image(torch.stack(columns, dim=1).flatten(0, 1).clamp(0, 1), path, nrow=steps)


def main(limit: int, out: Path) -> None:
    """Certify the example model on ``limit`` bundled images under each of the corruptions."""
    out.mkdir(parents=True, exist_ok=True)
    model = load_example_model()
    for name in CORRUPTIONS:
        file = name.replace(":", "-")
        certify(model, name, limit=limit, out=out / f"{file}.json").summary()
        save_strip(get_corruption(name), out / f"{file}.png")
    print(f"reports and pictures: {out.resolve()}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, default=30)
    parser.add_argument("--out", type=Path, default=Path("demo"))
    options = parser.parse_args()
    main(options.limit, options.out)
