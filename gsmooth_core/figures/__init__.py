"""Figures about the noise: laws on a parameter, variances in a table, and what the classifier sees, as pictures.

They answer the questions of Hao et al. (2022), Figure 3, Table 3 and Figure 4, for any model and images. Pictures need
the extra ``report``.
"""

from __future__ import annotations

from gsmooth_core.figures.noises import NoiseComparison, certify_noises, match_noises
from gsmooth_core.figures.pictures import noisy_images, plot_images
from gsmooth_core.figures.variances import VarianceTable, certify_variances

__all__ = [
    "NoiseComparison",
    "VarianceTable",
    "certify_noises",
    "certify_variances",
    "match_noises",
    "noisy_images",
    "plot_images",
]
