"""The certifiers of the core: each file a theorem and little else."""

from gsmooth_core.certifiers.enumeration import EnumerationCertifier
from gsmooth_core.certifiers.latent import LatentCertifier
from gsmooth_core.certifiers.resolvable import ResolvableCertifier
from gsmooth_core.certifiers.surrogate import SurrogateCertifier

__all__ = ["EnumerationCertifier", "LatentCertifier", "ResolvableCertifier", "SurrogateCertifier"]
