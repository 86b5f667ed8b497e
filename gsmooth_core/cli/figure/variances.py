"""``gsmooth figure variances``. Importing this file imports no torch."""

from __future__ import annotations

from gsmooth_core.cli.figure.shared import CertifyingOptions, Numbers, choose_models, options_of
from gsmooth_core.cli.printing import say_where
from gsmooth_core.cli.shared_options import CorruptionName, NewFile, SavedFile


def variances(
    corruption: CorruptionName = "rotationalblur",
    /,
    *,
    certifying: CertifyingOptions,
    parameter_stds: Numbers = None,
    latent_stds: Numbers = None,
    surrogate: SavedFile | None = None,
    radius: float | None = None,
    certifier: str | None = None,
    markdown: NewFile | None = None,
) -> int:
    """Print and draw certified accuracy over a grid of noise on the parameter (σ₁) and in the latent layer (σ₂).

    The same classifier is used for every cell, unless --model has {parameter_std} or {latent_std} in it.

    Args:
        corruption: One that is smoothed in a latent layer; with --surrogate, any that the certifier takes.
        certifying: See CertifyingOptions.
        parameter_stds: σ₁, in the parameter's unit; default: the surrogate's. Needs --surrogate.
        latent_stds: σ₂, in the latent's unit, or in intensity without --surrogate; default: 0.05 0.1 0.15 0.25.
        surrogate: Certify behind this surrogate, a .safetensors file of 'gsmooth fit surrogate'.
        radius: The attack radius in the corruption's own unit; default: the recipe's.
        certifier: In place of the recipe's, by name.
        markdown: Also write the table as Markdown.
    """
    from gsmooth_core import LatentSmoothing, certify_variances
    from gsmooth_core.cli.named_inputs import choose_smoothing
    from gsmooth_core.common.files import write_text
    from gsmooth_core.figures.shared import check_figure, save_figure
    from gsmooth_core.figures.variances import LATENT_STDS
    from gsmooth_core.results.wording import number

    check_figure(certifying.out)
    latent_stds = list(LATENT_STDS) if latent_stds is None else latent_stds
    first = None if parameter_stds is None or surrogate is None else parameter_stds[0]
    smoothing = choose_smoothing(corruption, surrogate, first, latent_stds[0])
    assert isinstance(smoothing, LatentSmoothing)
    own = [smoothing.parameter_std] if parameter_stds is None else parameter_stds
    cells = {(a, b): {"parameter_std": number(a), "latent_std": number(b)} for a in own for b in latent_stds}
    table = certify_variances(
        choose_models(certifying.model, cells),
        corruption,
        latent_stds=latent_stds,
        parameter_stds=parameter_stds,
        smoothing=smoothing,
        radius=radius,
        certifier=certifier,
        **options_of(certifying),
    )
    save_figure(table.plot(), certifying.out)
    if markdown is not None:
        write_text(markdown, table.markdown())
    table.summary()
    say_where("figure", certifying.out)
    say_where("table", markdown)
    return 0
