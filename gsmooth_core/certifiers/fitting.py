"""Which certifiers fit a transformation, for those that do not."""

from __future__ import annotations

from gsmooth_core.certifier import Certifier, unfit
from gsmooth_core.transformations.base import EnclosedTransformation, ScaledTransformation, Transformation
from gsmooth_core.transformations.discrete import DiscreteTransformation


def unfit_for(certifier: Certifier, needed: str, transformation: Transformation) -> ValueError:
    """The error for a certifier that needs another kind of transformation, with the certifiers that fit this one."""
    kinds = {
        DiscreteTransformation: "enumeration",
        ScaledTransformation: "resolvable",
        EnclosedTransformation: "latent",
    }
    fitting = [f"certifier={name!r}" for kind, name in kinds.items() if isinstance(transformation, kind)]
    known = (
        f"use {' or '.join(fitting)}" if fitting else "derive it from one of these kinds, and write what that asks for"
    )
    return unfit(certifier, needed, transformation, known)
