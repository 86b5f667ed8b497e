"""Certify bundled images under every installed corruption, and show what the corruptions do to them.

    python examples/demo.py --limit 30 --out demo

Leaves a report (JSON) and a strip of pictures (PNG, from no corruption to the whole radius) per corruption.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torchvision.utils import save_image

from gsmooth_core import Corruption, certify, fashion_mnist, get_corruption, list_corruptions, load_example_model


def save_strip(corruption: Corruption, path: Path, images: int = 4, steps: int = 8) -> None:
    """A picture with a row per image and a column per step from the identity to the end of the region."""
    originals = fashion_mnist("test")[0][:images]
    space = corruption.transformation.space
    end = corruption.region(None, (1, 28, 28)).upper
    columns = [
        corruption.transformation.apply(originals, parameters.expand(images, -1))
        for parameters in (
            torch.lerp(torch.tensor(space.identity), torch.tensor(end), share)[None]
            for share in torch.linspace(0, 1, steps)
        )
    ]
    save_image(torch.stack(columns, dim=1).flatten(0, 1).clamp(0, 1), path, nrow=steps)


def main(limit: int, out: Path) -> None:
    """Certify the example model on ``limit`` bundled images under every installed corruption."""
    out.mkdir(parents=True, exist_ok=True)
    model = load_example_model()
    for plugin in list_corruptions():
        corruption = get_corruption(plugin.name)
        report = certify(model, plugin.name, limit=limit, out=out / f"{plugin.name}.json")
        report.summary()
        save_strip(corruption, out / f"{plugin.name}.png")
    print(f"reports and pictures: {out.resolve()}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, default=30)
    parser.add_argument("--out", type=Path, default=Path("demo"))
    options = parser.parse_args()
    main(options.limit, options.out)
