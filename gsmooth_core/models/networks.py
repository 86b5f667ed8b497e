"""Small classifiers that come with the package."""

from __future__ import annotations

from torch import Tensor, nn


class SmallConvNet(nn.Module):
    """A small classifier of grey 28 × 28 images: three convolutions with group normalisation, two linear layers.

    221,114 parameters and 1.8 million multiplications per image, so that a laptop counts thousands of votes a
    second. It has no batch statistics, so an image's logits depend on that image alone.
    """

    def __init__(self, classes: int = 10, width: int = 24) -> None:
        """A network with ``width`` channels in its first layer, with random weights."""
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, width, kernel_size=5, stride=2, padding=2),
            nn.GroupNorm(4, width),
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, kernel_size=3, stride=2, padding=1),
            nn.GroupNorm(4, 2 * width),
            nn.ReLU(),
            nn.Conv2d(2 * width, 2 * width, kernel_size=3, padding=1),
            nn.GroupNorm(4, 2 * width),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(2 * width * 7 * 7, 80),
            nn.ReLU(),
            nn.Linear(80, classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Logits (batch, classes) of images (batch, 1, 28, 28)."""
        logits: Tensor = self.layers(images)
        return logits


class ConvNet(nn.Module):
    """A small classifier of images of any number of channels and any size from 16 × 16: six convolutions, then a mean.

    279,882 parameters and 29 million multiplications for a colour image of 32 × 32 px and 10 classes. The convolutions
    have group normalisation, so an image's logits depend on that image alone.
    """

    def __init__(self, classes: int = 10, channels: int = 3) -> None:
        """A network with random weights."""
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs, stride in ((channels, 32, 1), (32, 64, 2), (64, 64, 1), (64, 128, 2), (128, 128, 1)):
            layers += [nn.Conv2d(inputs, outputs, 3, stride, padding=1), nn.GroupNorm(8, outputs), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Conv2d(128, classes, kernel_size=1))

    def forward(self, images: Tensor) -> Tensor:
        """Logits (batch, classes) of images (batch, channels, height, width)."""
        logits: Tensor = self.layers(images)
        return logits.mean(dim=(2, 3))
