"""Smoothings: how noise enters between an image and the model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import final

import attrs
import torch
from torch import Tensor, nn

from gsmooth_core.common.described import ShowsSettings


class Smoothing(ShowsSettings, ABC):
    """Three steps from an image to what the model sees: encode the image once, draw noise, perturb the code by it."""

    @abstractmethod
    def encode(self, images: Tensor) -> Tensor:
        """Codes (batch, *code) of images (batch, channel, height, width); no randomness."""

    @abstractmethod
    def draw(self, count: int, code_shape: tuple[int, ...], generator: torch.Generator, device: torch.device) -> Tensor:
        """``count`` independent draws of the noise (count, …) for codes of shape (*code).

        Several threads may draw at the same time, each from its own generator.
        """

    def draw_in_parts(
        self, count: int, code_shape: tuple[int, ...], generator: torch.Generator, device: torch.device
    ) -> Iterator[Tensor]:
        """The draws of :meth:`draw`, bit for bit and in the same order, a few at a time, for large codes.

        The default gives all of them at once. The generator moves on with each part.
        """
        yield self.draw(count, code_shape, generator, device)

    @abstractmethod
    def perturb(self, codes: Tensor, noise: Tensor) -> Tensor:
        """Images for the model (count, channel, height, width), from codes (count, *code) and draws (count, …).

        The codes of one image are one code, expanded; the method may overwrite the noise.
        """

    @final
    def noisy(self, images: Tensor, generator: torch.Generator, draws: int = 1) -> Tensor:
        """What the model sees of images (batch, channel, height, width), each under its own ``draws`` draws.

        All views of the first image come first: (batch · draws, channel, height, width). The generator is on the
        images' device.
        """
        codes = self.encode(images).repeat_interleave(draws, dim=0)
        return self.perturb(codes, self.draw(len(codes), tuple(codes.shape[1:]), generator, codes.device))

    @property
    def networks(self) -> nn.ModuleList:
        """The networks that the smoothing runs; they are moved and put into evaluation mode together with the model."""
        return nn.ModuleList()


@attrs.frozen
class NoSmoothing(Smoothing):
    """The plain model, without noise (for certifiers that try every distinct output, or read the network)."""

    def encode(self, images: Tensor) -> Tensor:
        """The images themselves."""
        return images

    def draw(self, count: int, code_shape: tuple[int, ...], generator: torch.Generator, device: torch.device) -> Tensor:
        """Nothing: (count, 0)."""
        return torch.empty(count, 0, dtype=torch.float32, device=device)

    def perturb(self, codes: Tensor, noise: Tensor) -> Tensor:
        """A copy of the codes."""
        return codes.clone()
