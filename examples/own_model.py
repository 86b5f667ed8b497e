"""From an ordinary classifier to certificates
============================================

Train it for the noise, certify it, deploy what was certified.

    python examples/own_model.py

It takes about three minutes on two cores; the last lines use the smoothed classifier on blurred images.
"""

from __future__ import annotations

import torch

from gsmooth_core import SmallConvNet, certify, fit_classifier, get_corruption, load_fashion_mnist, smooth


def main(epochs: int = 60, limit: int = 20) -> float:
    """Train for ``epochs``, certify ``limit`` test images under Gaussian blur, and return the certified accuracy."""
    torch.manual_seed(0)
    images, labels = load_fashion_mnist("train")
    model = fit_classifier(SmallConvNet(), ["gaussianblur"], images, labels, epochs=epochs, mirror=True)

    report = certify(model, "gaussianblur", "fashion-mnist", limit=limit, maximize=True)
    report.summary()
    for radius in (4, 16, 36):
        print(f"certified accuracy up to variance {radius} px²: {report.certified_accuracy(radius)}")

    blurred = get_corruption("gaussianblur").transformation.apply(
        load_fashion_mnist("test")[0][:5], torch.full((5, 1), 20.0)
    )
    print("predicted on blurred images:", smooth(model, "gaussianblur").predict(blurred.clamp(0, 1)))
    return report.certified_accuracy().value


if __name__ == "__main__":
    main()
