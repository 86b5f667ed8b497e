"""The core's own noise distributions and certifiers, offered through the hooks that plugins use."""

from __future__ import annotations

from collections.abc import Iterable

from gsmooth_core.certifier import Certifier
from gsmooth_core.certifiers.enumeration import EnumerationCertifier
from gsmooth_core.certifiers.latent import LatentCertifier
from gsmooth_core.certifiers.resolvable import ResolvableCertifier
from gsmooth_core.certifiers.surrogate import SurrogateCertifier
from gsmooth_core.plugins.hookspecs import hookimpl
from gsmooth_core.smoothing.distribution import NoiseDistribution
from gsmooth_core.smoothing.distributions import (
    Exponential,
    FoldedGaussian,
    Gaussian,
    Laplace,
    OneSidedUniform,
    Uniform,
)


@hookimpl
def gsmooth_noises() -> Iterable[type[NoiseDistribution]]:
    """The six distributions with a closed-form shift."""
    return [Gaussian, FoldedGaussian, Exponential, Uniform, OneSidedUniform, Laplace]


@hookimpl
def gsmooth_certifiers() -> Iterable[Certifier]:
    """Theorem 1, the latent certificate, the paper's Corollary 1 and enumeration."""
    return [ResolvableCertifier(), LatentCertifier(), SurrogateCertifier(), EnumerationCertifier()]
