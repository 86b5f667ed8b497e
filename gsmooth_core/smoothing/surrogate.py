"""Surrogates: ``F(θ, x) = H(F₁(θ) + F₂(x))``, with a latent layer to which noise can be added."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, final
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from gsmooth_core.common.weights import load_weights, read_card, save_weights

_FILES: WeakKeyDictionary[nn.Module, str] = WeakKeyDictionary()
"""Where surrogates are saved, kept apart from them: what a network holds decides its hash."""


class Surrogate(nn.Module, ABC):
    """Encoders and a decoder with a shared latent layer (Hao et al. 2022, Eq. 5).

    The certificate holds for any accuracy of the surrogate; it assumes that ``encode_parameters`` is affine and that
    ``lipschitz`` is a true bound.
    """

    dimension: int
    """The number of parameters m."""
    settings: Mapping[str, Any] = {}
    """The arguments of the constructor, as JSON values, so that :meth:`load` can make the surrogate again."""
    card: Mapping[str, Any] = {}
    """How the surrogate was trained, and with which noise."""

    @property
    @abstractmethod
    def lipschitz(self) -> float:
        """A proved bound on ``‖F₂(x) − F₂(y)‖₂ / ‖x − y‖₂`` over all images."""

    @abstractmethod
    def encode_image(self, images: Tensor) -> Tensor:
        """``F₂``: latents (batch, *latent) of images (batch, channel, height, width)."""

    @abstractmethod
    def encode_parameters(self, parameters: Tensor) -> Tensor:
        """``F₁(θ) = A₁θ + b₁`` of parameters (batch, m): latents (batch, *latent), or what broadcasts to it; affine."""

    @abstractmethod
    def decode(self, latents: Tensor) -> Tensor:
        """``H``: images (batch, channel, height, width) of latents (batch, *latent)."""

    def forward(self, images: Tensor, parameters: Tensor) -> Tensor:
        """``F(θ, x)``: the imitated transformation of images (batch, channel, height, width)."""
        return self.decode(self.encode_parameters(parameters) + self.encode_image(images))

    @property
    def aim(self) -> str:
        """What the decoder was trained for, according to its card: ``imitate``, ``denoise`` or ``restore``."""
        return str(self.card.get("aim", "imitate"))

    @property
    def file(self) -> str | None:
        """The file that it was last saved to or loaded from; ``None`` if there is none."""
        return _FILES.get(self)

    def extra_repr(self) -> str:
        """The dimension, in addition to the layers that every module shows."""
        return f"dimension={self.dimension}"

    @final
    def affine_parameters(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """``(A₁ᵀ, b₁)``: the rows (m, *latent) and the offset (1, *latent) of :meth:`encode_parameters`."""
        axes = torch.eye(self.dimension, dtype=torch.float32, device=device)
        offset = self.encode_parameters(torch.zeros_like(axes[:1]))
        return self.encode_parameters(axes) - offset, offset

    @final
    def save(self, path: str | Path) -> None:
        """Write the weights to ``path`` (.safetensors) and settings and card beside it (.json)."""
        save_weights(self, path, {**self.card, "settings": dict(self.settings)})
        _FILES[self] = str(path)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The surrogate that :meth:`save` wrote, ready for use. ``ValueError`` if the file is of another class."""
        card = read_card(path)
        if card.get("kind") != cls.__name__:
            raise ValueError(f"{str(path)!r} holds a {card.get('kind')}, not a {cls.__name__}; load it by its class")
        with torch.random.fork_rng(devices=[]):
            surrogate = cls(**card["settings"]).float()  # whatever the default type
        load_weights(surrogate, path)
        surrogate.card = card
        _FILES[surrogate] = str(path)
        return surrogate.eval().requires_grad_(False)


class IdentitySurrogate(Surrogate):
    """The image is its own latent: ``F₂ = H = identity``, ``A₁ = 0``. Needs no training and imitates nothing.

    With it, latent noise is pixel noise, and the latent certificate is the differentially resolvable one of TSS
    (Li et al. 2021).
    """

    def __init__(self, dimension: int = 1) -> None:
        """A surrogate for a transformation of ``dimension`` parameters."""
        super().__init__()
        self.dimension = dimension
        self.settings = {"dimension": dimension}

    @property
    def lipschitz(self) -> float:
        """1."""
        return 1.0

    def encode_image(self, images: Tensor) -> Tensor:
        """The images themselves."""
        return images

    def encode_parameters(self, parameters: Tensor) -> Tensor:
        """Zeros (batch, 1, 1, 1), which broadcast over the images."""
        return parameters.new_zeros(len(parameters), 1, 1, 1)

    def decode(self, latents: Tensor) -> Tensor:
        """The latents themselves."""
        return latents
