"""``gsmooth figure noises``. Importing this file imports no torch."""

from __future__ import annotations

from gsmooth_core.cli.figure.shared import CertifyingOptions, Words, choose_models, options_of
from gsmooth_core.cli.printing import say_where
from gsmooth_core.cli.shared_options import CorruptionName


def noises(
    corruption: CorruptionName = "gaussianblur",
    /,
    *,
    certifying: CertifyingOptions,
    std: float | None = None,
    laws: Words = None,
    radius: float | None = None,
) -> int:
    """Draw certified accuracy over the radius, a curve for each noise distribution on the parameter.

    All distributions have the same standard deviation.

    Args:
        corruption: One with a single parameter that adds up, such as gaussianblur or brightness.
        certifying: See CertifyingOptions.
        std: The standard deviation, in the parameter's unit; default: that of the recipe's noise.
        laws: Distributions by name, such as exponential foldedgaussian; default: all that the corruption allows.
        radius: How far the curves go; default: as far as the draws can prove.
    """
    from gsmooth_core import certify_noises, match_noises
    from gsmooth_core.figures.shared import check_figure, save_figure

    check_figure(certifying.out)
    matched = match_noises(corruption, std, laws)
    models = choose_models(certifying.model, {name: {"law": name} for name in matched})
    comparison = certify_noises(models, corruption, laws=matched, radius=radius, **options_of(certifying))
    save_figure(comparison.plot(), certifying.out)
    comparison.summary()
    say_where("figure", certifying.out)
    return 0
