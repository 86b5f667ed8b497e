"""Models whose answer is not a function of the image alone: it depends on row, batch, neighbours or state.

No certificate can hold for them. ``certify`` has to refuse each with a sentence, or to prove nothing false. The
deployed classifier shows the difference once it is called in another way than during certification.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gsmooth_core.testing.adversaries.adversary import logits


class FirstRows(nn.Module):
    """Class 1 in the first 8 rows of each batch: large batches vote 0, a few draws vote 1."""

    def forward(self, images: Tensor) -> Tensor:
        """Logits (batch, 2)."""
        return logits(torch.arange(len(images), device=images.device) < 8)


class SmallBatches(nn.Module):
    """Class 1 in batches of fewer than 32 images, for any images."""

    def forward(self, images: Tensor) -> Tensor:
        """Logits (batch, 2)."""
        return logits(torch.full((len(images),), len(images) < 32, device=images.device))


class Neighbours(nn.Module):
    """Class 1 in batches of more than 8 that hold images of very different brightness."""

    def forward(self, images: Tensor) -> Tensor:
        """Logits (batch, 2)."""
        means = images.flatten(1).mean(dim=1)
        mixed = len(images) > 8 and bool(means.max() - means.min() > 0.3)
        return logits(torch.full((len(images),), mixed, device=images.device))


class Tiring(nn.Module):
    """Class 1 after ``calls`` calls."""

    def __init__(self, calls: int) -> None:
        """Answer 0 on the first ``calls`` calls."""
        super().__init__()
        self.left = calls

    def forward(self, images: Tensor) -> Tensor:
        """Logits (batch, 2)."""
        self.left -= 1
        return logits(torch.full((len(images),), self.left < 0, device=images.device))


class Remembering(nn.Module):
    """Class 1 on a batch of more than 8 that is darker than the one before: its answer depends on the last batch."""

    def __init__(self) -> None:
        """Nothing was seen yet."""
        super().__init__()
        self.last = -1.0

    def forward(self, images: Tensor) -> Tensor:
        """Logits (batch, 2)."""
        mean, large = float(images.mean()), len(images) > 8
        darker = large and mean < self.last - 0.1
        self.last = mean if large else self.last
        return logits(torch.full((len(images),), darker, device=images.device))


class Overwriting(nn.Module):
    """Class 1 if the image is brighter than grey; then it overwrites its input with black."""

    def forward(self, images: Tensor) -> Tensor:
        """Logits (batch, 2)."""
        answer = logits(images.flatten(1).mean(dim=1) > 0.5)
        images.zero_()
        return answer
