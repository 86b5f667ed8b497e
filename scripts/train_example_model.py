"""Train the example model on the bundled images, under the noise of the named corruptions, and write its card.

    python scripts/train_example_model.py                    train, then measure: about ten minutes on two cores
    python scripts/train_example_model.py --measure-only     measure the weights that are there again

The card holds the figures that this script measured, and nothing else.
"""

from __future__ import annotations

import argparse
import json
import time
from importlib.metadata import version
from pathlib import Path
from platform import python_version

import torch
from safetensors.torch import save_model

from gsmooth_core import SmallConvNet, certify, fit_classifier, get_corruption, load_example_model, load_fashion_mnist

DATA = Path(__file__).parents[1] / "gsmooth_core" / "data"
CORRUPTIONS = ("defocus", "gaussianblur")


def train(epochs: int) -> dict[str, object]:
    """Train, write the weights, and say how."""
    torch.manual_seed(0)
    model = SmallConvNet()
    images, labels = load_fashion_mnist("train")
    start = time.perf_counter()
    fit_classifier(model, CORRUPTIONS, images, labels, epochs=epochs, mirror=True, seed=0)
    minutes = (time.perf_counter() - start) / 60
    weights = DATA / "example_model.safetensors"
    save_model(model, str(weights))
    weights.chmod(0o644)
    return {
        "model": "gsmooth_core.SmallConvNet",
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "data": "the bundled Fashion-MNIST subset (MIT licence): 4,000 training images",
        "training": f"fit_classifier(SmallConvNet(), {list(CORRUPTIONS)}, epochs={epochs}, mirror=True, seed=0)",
        "smoothings": [str(get_corruption(name).smoothing) for name in CORRUPTIONS],
        "minutes": round(minutes, 1),
        "script": "scripts/train_example_model.py",
        "versions": {name: version(name) for name in ("gsmooth-core", "torch")} | {"python": python_version()},
    }


def measure(limit: int) -> dict[str, object]:
    """Base accuracy on all bundled test images, certified accuracy on the first ``limit``."""
    model = load_example_model()
    images, labels = load_fashion_mnist("test")
    with torch.inference_mode():
        base_accuracy = float((model(images).argmax(dim=1) == labels).float().mean())
    figures: dict[str, object] = {"base accuracy on the 1,000 test images": round(base_accuracy, 4)}
    for corruption in CORRUPTIONS:
        report = certify(model, corruption, "fashion-mnist", limit=limit)
        rate = report.certified_accuracy()
        figures[f"certified accuracy, {corruption}, first {limit} test images"] = {
            "value": round(rate.value, 4),
            "95 % interval": [round(rate.low, 4), round(rate.high, 4)],
            "radius": report.run.radius,
            "unit": report.run.units[0],
            "smoothing": report.run.smoothing,
            "draws an anchor, at most": report.run.budget.samples,
            "alpha": report.run.budget.alpha,
            "seconds": round(report.seconds, 1),
        }
    return figures


def main() -> None:
    """Train unless told otherwise, measure, and write the card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--limit", type=int, default=200, help="test images to certify for the card")
    parser.add_argument("--measure-only", action="store_true")
    options = parser.parse_args()
    card_path = DATA / "example_model.json"
    card = json.loads(card_path.read_text()) if options.measure_only else train(options.epochs)
    card["figures"] = measure(options.limit)
    card_path.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n")
    print(json.dumps(card["figures"], indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
