"""Smoothings: how randomness enters between an image and the model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import final

import attrs
import torch
from torch import Tensor, nn

from gsmooth_core.common.described import ShowsSettings


class Smoothing(ShowsSettings, ABC):
    """Three steps from an image to what the model sees: encode once, draw noise, perturb by it."""

    @abstractmethod
    def encode(self, images: Tensor) -> Tensor:
        """Codes (batch, *code) of images (batch, channel, height, width); no randomness."""

    @abstractmethod
    def draw(self, count: int, code_shape: tuple[int, ...], generator: torch.Generator, device: torch.device) -> Tensor:
        """``count`` independent draws of the noise (count, …) for codes of shape (*code).

        Several threads may draw at once, each from a generator of its own.
        """

    @abstractmethod
    def perturb(self, codes: Tensor, noise: Tensor) -> Tensor:
        """Images for the model (count, channel, height, width), from codes (count, *code) and draws (count, …).

        The codes of one image come as one that is expanded; the noise may be overwritten.
        """

    @final
    def noisy(self, images: Tensor, generator: torch.Generator, draws: int = 1) -> Tensor:
        """What the model sees of images (batch, channel, height, width), each under ``draws`` draws of its own.

        All views of the first image come first: (batch · draws, channel, height, width). The generator is on the
        images' device.
        """
        codes = self.encode(images).repeat_interleave(draws, dim=0)
        return self.perturb(codes, self.draw(len(codes), tuple(codes.shape[1:]), generator, codes.device))

    @property
    def networks(self) -> nn.ModuleList:
        """The networks that the smoothing runs, to be moved and put into evaluation mode with the model."""
        return nn.ModuleList()


@attrs.frozen
class NoSmoothing(Smoothing):
    """The model as it is: no noise at all (for certifiers that try every distinct output)."""

    def encode(self, images: Tensor) -> Tensor:
        """The images themselves."""
        return images

    def draw(self, count: int, code_shape: tuple[int, ...], generator: torch.Generator, device: torch.device) -> Tensor:
        """Nothing: (count, 0)."""
        return torch.empty(count, 0, device=device)

    def perturb(self, codes: Tensor, noise: Tensor) -> Tensor:
        """The codes, in memory of their own."""
        return codes.clone()
