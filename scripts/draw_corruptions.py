"""Draw what each corruption does over its default range, on bundled images.

    python scripts/draw_corruptions.py

Writes ``strip.png`` beside each plugin of this repository, a row per variant and image, and ``docs/contact_sheet.png``
with a row per variant. Left to right goes from one end of the default region (grey 28 × 28 images) to the other; the
unchanged image stands at the left, or in the middle where the region reaches to both sides.
"""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image, ImageDraw
from torch import Tensor
from torch.nn.functional import interpolate
from torchvision.transforms.functional import to_pil_image
from torchvision.utils import make_grid

from gsmooth_core import Corruption, load_fashion_mnist
from gsmooth_core.plugins.registry import corruptions_of

ROOT = Path(__file__).parents[1]
STEPS, ENLARGE, LABEL_HEIGHT = 9, 3, 16


def rows(corruption: Corruption, images: Tensor) -> Tensor:
    """A row of pictures for each image: (len(images) · STEPS, 1, height, width), enlarged."""
    parameters = corruption.transformation.space.walk(corruption.region(None, (1, 28, 28)), STEPS)
    pictures = [
        corruption.transformation.apply(image.expand(STEPS, -1, -1, -1), parameters).clamp(0, 1) for image in images
    ]
    return interpolate(torch.cat(pictures).float(), scale_factor=ENLARGE, mode="nearest")


def save(picture: Image.Image, path: Path) -> None:
    """Write a small PNG."""
    picture.convert("L").quantize(64).save(path, optimize=True)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1e3:.0f} kB")


def labelled(corruption: Corruption, image: Tensor) -> Image.Image:
    """A row of pictures under a line that says what it is and from where to where it goes."""
    region, space = corruption.region(None, (1, 28, 28)), corruption.transformation.space
    ends = zip(space.names, region.lower, region.upper, space.units, strict=True)
    spans = ", ".join(f"{name} {low:.3g} to {high:.3g} {unit}" for name, low, high, unit in ends)
    pictures = to_pil_image(make_grid(rows(corruption, image[None]), nrow=STEPS, padding=2, pad_value=1))
    row = Image.new("L", (pictures.width, pictures.height + LABEL_HEIGHT), 255)
    row.paste(pictures.convert("L"), (0, LABEL_HEIGHT))
    ImageDraw.Draw(row).text((2, 2), f"{corruption.name}: {spans}".translate({0x2212: "-", 0xB2: "^2"}), fill=0)
    return row


def main() -> None:
    """Draw all strips and the contact sheet."""
    images = load_fashion_mnist("test")[0][[0, 5]]
    sheet = []
    for folder in sorted(path.parent for path in (ROOT / "plugins").glob("*/pyproject.toml")):
        corruptions = corruptions_of(folder.name)
        strips = torch.cat([rows(corruption, images) for corruption in corruptions])
        save(to_pil_image(make_grid(strips, nrow=STEPS, padding=2, pad_value=1)), folder / "strip.png")
        sheet += [labelled(corruption, images[1]) for corruption in corruptions]
    whole = Image.new("L", (sheet[0].width, sum(row.height for row in sheet)), 255)
    for index, row in enumerate(sheet):
        whole.paste(row, (0, sum(above.height for above in sheet[:index])))
    save(whole, ROOT / "docs" / "contact_sheet.png")


if __name__ == "__main__":
    main()
