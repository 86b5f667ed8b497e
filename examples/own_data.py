"""Your own model and data
=======================

A network with its normalisation inside, a torch dataset, certificates, and the smoothed classifier to deploy. The
network is trained for seconds only.

    python examples/own_data.py --limit 10
"""

from __future__ import annotations

import argparse

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from gsmooth_core import Budget, Report, certify, fit_classifier, load_fashion_mnist, smooth


class Net(nn.Module):
    """From grey images (batch, 1, 28, 28) in [0, 1], or beyond under noise, to logits (batch, 10)."""

    def __init__(self) -> None:
        """Random weights."""
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, kernel_size=5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv2d(16, 32, kernel_size=3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(32 * 7 * 7, 10),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Logits; the normalisation is part of the model."""
        logits: Tensor = self.layers((images - 0.286) / 0.353)
        return logits


class Pictures(Dataset[tuple[Tensor, int]]):
    """Pairs of a float image (1, 28, 28) in [0, 1] and its class; here the bundled test images."""

    def __init__(self) -> None:
        """All of them."""
        self.images, self.labels = load_fashion_mnist("test")

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, place: int) -> tuple[Tensor, int]:
        return self.images[place], int(self.labels[place])


def main(limit: int, epochs: int = 4) -> Report:
    """Train for ``epochs``, certify ``limit`` pictures under Gaussian blur, and ask the smoothed classifier."""
    torch.manual_seed(0)
    images, labels = load_fashion_mnist("train")
    model = fit_classifier(Net(), "gaussianblur", images[:2000], labels[:2000], epochs=epochs)
    pictures = Pictures()
    report = certify(model, "gaussianblur", dataset=pictures, limit=limit, radius=9.0, budget=Budget(samples=500))
    report.summary()
    classifier = smooth(model, "gaussianblur")
    print("deployed:", classifier.predict(torch.stack([pictures[place][0] for place in range(3)])))
    return report


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, default=10)
    main(parser.parse_args().limit)
