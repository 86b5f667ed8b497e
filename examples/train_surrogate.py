"""A surrogate, and a classifier behind it
=======================================

A U-Net learns to imitate zoom blur, a classifier is trained behind it, and the two are certified together. The sizes
are tiny, to show the steps, so almost nothing is certified; examples/zoomblur.toml has useful sizes.

    python examples/train_surrogate.py --epochs 1
"""

from __future__ import annotations

import argparse

import torch

from gsmooth_core import (
    Budget,
    Report,
    SmallConvNet,
    certify,
    examine_surrogate,
    fit_classifier,
    fit_surrogate,
    load_fashion_mnist,
    use_surrogate,
)


def main(epochs: int = 1, count: int = 128, limit: int = 2) -> Report:
    """Train both on ``count`` bundled images for ``epochs``, and certify ``limit`` test images over zooms up to 1.1."""
    torch.manual_seed(0)
    images, labels = load_fashion_mnist("train")
    images, labels = images[:count], labels[:count]
    surrogate = fit_surrogate("zoomblur", images, radius=0.1, latent_std=0.25, epochs=epochs, batch=64)
    recipe = use_surrogate("zoomblur", surrogate)
    examine_surrogate(recipe, load_fashion_mnist("test")[0][:2], radius=0.1, points=11).summary()
    model = fit_classifier(SmallConvNet(), recipe, images, labels, radius=0.1, epochs=epochs)
    report = certify(model, recipe, "fashion-mnist", limit=limit, radius=0.1, budget=Budget(samples=200))
    report.summary()
    return report


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=1)
    main(parser.parse_args().epochs)
