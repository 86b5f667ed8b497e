"""A surrogate with a linear encoder and a U-Net as its decoder."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from gsmooth_core.smoothing.surrogate import Surrogate

KERNEL = 5
GROUPS = 4
PLANE = 0.1
"""The value that a parameter at its ``scale`` adds to its plane before training."""


class UNetSurrogate(Surrogate):
    """``F₂(x) = (W ∗ x, 0)`` and ``F₁(θ) = A₁θ``, decoded by a U-Net with group normalisation; any image size.

    The latent holds the image, unchanged or after a learned convolution W with zero padding, and in addition ``planes``
    planes of zeros, to which parameters can be added. ``A₁θ`` is constant over the image: a learned number for each
    latent channel and parameter. The U-Net is built of monai's blocks (extra ``surrogate``; Ronneberger et al. 2015).
    """

    def __init__(
        self,
        channels: int = 1,
        dimension: int = 1,
        *,
        scale: float | Iterable[float] = 1.0,
        planes: int | None = None,
        latents: int | None = None,
        width: int = 8,
        depth: int = 2,
    ) -> None:
        """A surrogate with random weights.

        Args:
            channels: of the images.
            dimension: the number of parameters.
            scale: the size of each parameter, in its unit, that counts as 1.
            planes: default: one per parameter. With none, the parameters are ignored, as for a decoder that only
                denoises.
            latents: the channels of a learned convolution of 5 × 5 px; default: none, the image is its own latent.
            width: the channels of the U-Net's first level, a multiple of 4; they double at each of ``depth`` halvings.
            depth: how often the U-Net halves the image; ``2**depth`` px are the smallest image.
        """
        super().__init__()
        self.dimension = dimension
        scales = tuple(float(each) for each in scale) if isinstance(scale, Iterable) else (float(scale),) * dimension
        planes = dimension if planes is None else planes
        if len(scales) != dimension or not all(math.isfinite(each) and each > 0 for each in scales):
            raise ValueError(f"scale needs one positive number for each of {dimension} parameters, not {scale}")
        if planes not in (0, dimension):
            raise ValueError(f"planes must be 0 or the number of parameters, {dimension}, not {planes}")
        if width < GROUPS or width % GROUPS or depth < 1 or channels < 1 or (latents is not None and latents < 1):
            raise ValueError(
                f"a U-Net needs channels, latents and depth of at least 1 and a width that is a multiple of {GROUPS}, "
                f"not channels={channels}, latents={latents}, depth={depth}, width={width}"
            )
        self.settings = {
            "channels": channels,
            "dimension": dimension,
            "scale": list(scales),
            "planes": planes,
            "latents": latents,
            "width": width,
            "depth": depth,
        }
        self.planes = planes
        self.scale: Tensor
        self.encoder: nn.Conv2d | None = None
        if latents is not None:
            self.encoder = nn.Conv2d(channels, latents, KERNEL, padding=KERNEL // 2, bias=False)
            with torch.no_grad():
                self.encoder.weight.mul_(0.1)
                nn.init.dirac_(seen := torch.empty_like(self.encoder.weight))
                self.encoder.weight.add_(seen)
        image_channels = channels if latents is None else latents
        rows = torch.zeros(dimension, image_channels + planes)
        rows[:, image_channels:] = PLANE * torch.eye(dimension)[:, :planes]
        self.rows = nn.Parameter(rows, requires_grad=planes > 0)
        self.register_buffer("scale", torch.tensor(scales))
        blocks = _monai_blocks()
        common: dict[str, Any] = {
            "spatial_dims": 2,
            "act": ("LeakyReLU", {"negative_slope": 0.1, "inplace": True}),
            "norm": ("group", {"num_groups": GROUPS}),
            "bias": True,
        }
        widths = [width * 2**level for level in range(depth + 1)]
        self.first = blocks.TwoConv(in_chns=image_channels + planes, out_chns=width, **common)
        self.downs = nn.ModuleList(
            blocks.Down(in_chns=outer, out_chns=inner, **common) for outer, inner in itertools.pairwise(widths)
        )
        self.ups = nn.ModuleList(
            blocks.UpCat(in_chns=inner, cat_chns=outer, out_chns=outer, **common)
            for outer, inner in reversed(list(itertools.pairwise(widths)))
        )
        self.last = nn.Conv2d(width + image_channels + planes, channels, 1)

    def __repr__(self) -> str:
        """The settings in one line, for reports; a surrogate with the same settings has the same layers."""
        return f"UNetSurrogate({', '.join(f'{name}={value!r}' for name, value in self.settings.items())})"

    @property
    def lipschitz(self) -> float:
        """1 if the image is its own latent; otherwise ``√(‖W‖₁ ‖W‖_∞)``, with the convolution as a matrix.

        A matrix's spectral norm is at most the root of the product of its largest absolute row and column sums
        (Schur's test), and those of a convolution with zero padding are at most the sums of its kernel's absolute
        entries for one output and for one input channel.
        """
        if self.encoder is None:
            return 1.0
        sizes = self.encoder.weight.detach().double().abs()
        rounding = 1 + 1e-6  # of these sums
        return math.sqrt(float(sizes.sum(dim=(1, 2, 3)).max()) * float(sizes.sum(dim=(0, 2, 3)).max())) * rounding

    def encode_image(self, images: Tensor) -> Tensor:
        """``(W ∗ x, 0)``: (batch, latent channels, height, width).

        In evaluation mode W is applied in float64 and rounded once, since a GPU's float32 convolutions are coarser than
        the margin that certificates allow for.
        """
        channels, smallest = self.settings["channels"], 2 ** self.settings["depth"]
        if images.shape[1] != channels or min(images.shape[2:]) < smallest:
            raise ValueError(
                f"the surrogate takes images of {channels} channels and at least {smallest} px, not of (channel, "
                f"height, width) {tuple(images.shape[1:])}; train one for such images"
            )
        inside = images if self.encoder is None else self._convolved(images, self.encoder)
        if self.planes == 0:
            return inside
        empty = inside.new_zeros(len(inside), self.planes, *inside.shape[2:])
        return torch.cat([inside, empty], dim=1)

    def _convolved(self, images: Tensor, encoder: nn.Conv2d) -> Tensor:
        working = images.dtype if self.training else torch.float64
        return nn.functional.conv2d(images.to(working), encoder.weight.to(working), padding=KERNEL // 2).to(
            images.dtype
        )

    def encode_parameters(self, parameters: Tensor) -> Tensor:
        """``A₁θ``: (batch, latent channels, 1, 1), which broadcasts over the image."""
        latents: Tensor = (parameters / self.scale) @ self.rows
        return latents[:, :, None, None]

    def decode(self, latents: Tensor) -> Tensor:
        """The U-Net's images (batch, channel, height, width)."""
        levels = [self.first(latents)]
        for down in self.downs:
            levels.append(down(levels[-1]))
        features = levels.pop()
        for up in self.ups:
            features = up(features, levels.pop())
        images: Tensor = self.last(torch.cat([features, latents], dim=1))
        return images


def _monai_blocks() -> Any:
    """The module with monai's U-Net blocks, which takes seconds to import."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from monai.networks.nets import basic_unet
    except ImportError as error:
        raise ValueError("a UNetSurrogate needs monai: pip install 'gsmooth-core[surrogate]'") from error
    return basic_unet
