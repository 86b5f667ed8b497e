"""A page of reports
=================

The example model and an untrained one, under two corruptions, on one page; and the same as a table.

    python examples/show_reports.py --out page.html
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from gsmooth_core import (
    Budget,
    Report,
    SmallConvNet,
    certify,
    format_markdown_table,
    load_example_model,
    load_fashion_mnist,
    save_page,
)


def main(out: Path, limit: int = 20, samples: int = 2_000, device: str = "cpu") -> dict[str, list[Report]]:
    """Certify both models on ``limit`` bundled images, each up to its largest radius, and write the page to ``out``."""
    torch.manual_seed(0)
    models, budget = {"example": load_example_model(), "untrained": SmallConvNet()}, Budget(samples=samples)
    reports = {
        name: [
            certify(model, corruption, "fashion-mnist", limit=limit, maximize=True, budget=budget, device=device)
            for corruption in ("defocus:discrete", "gaussianblur")
        ]
        for name, model in models.items()
    }
    save_page(out, reports, images=load_fashion_mnist("test")[0], title="Two models")
    print(format_markdown_table({name: several[0] for name, several in reports.items()}, radii=[1, 2.5, 5]))
    return reports


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, default=20)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, default=Path("page.html"))
    options = parser.parse_args()
    main(options.out, options.limit, device=options.device)
