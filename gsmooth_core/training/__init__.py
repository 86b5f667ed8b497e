"""Training for certification: classifiers that live with the noise, and surrogates that imitate or restore."""

from __future__ import annotations

from gsmooth_core.training.classifier import fit_classifier
from gsmooth_core.training.surrogate import fit_surrogate, with_surrogate

__all__ = ["fit_classifier", "fit_surrogate", "with_surrogate"]
