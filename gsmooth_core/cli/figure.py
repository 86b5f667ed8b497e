"""``gsmooth figure``: figures about the noise from the command line. Importing this file imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import attrs
from cyclopts import App, Parameter
from rich.console import Console

Numbers = Annotated[list[float] | None, Parameter(consume_multiple=True, negative="")]
Words = Annotated[list[str] | None, Parameter(consume_multiple=True, negative="")]

figure = App(
    name="figure",
    help="Draw figures about the noise: laws compared, variances in a table, and what the classifier sees.\n\nPictures "
    "need matplotlib, which the extra 'report' brings.",
)


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Certifying:
    """What the figures of certificates take.

    Attributes:
        out: The picture, ending in .png, .svg or .pdf.
        model: As for 'gsmooth certify'. A name with {law}, or with {parameter_std} and {latent_std}, is a model of its
            own for each curve or cell.
        data: As for 'gsmooth certify'.
        grey: Read the folder's images as grey, one channel.
        limit: Certify the first so many images.
        samples: The most draws per anchor.
        alpha: The probability that the whole certificate of one image may be wrong.
        seed: Of all noise.
        device: Such as cpu or cuda; default: where the model is.
        work: A folder that keeps one report a curve or cell; the same command continues where it stopped.
    """

    out: Path
    model: str = "example"
    data: str | None = None
    grey: bool = False
    limit: int | None = None
    samples: int = 10_000
    alpha: float = 0.001
    seed: int = 0
    device: str | None = None
    work: Path | None = None


@figure.command
def noises(
    corruption: str = "gaussianblur",
    /,
    *,
    certifying: Certifying,
    std: float | None = None,
    laws: Words = None,
    radius: float | None = None,
) -> int:
    """Draw certified accuracy over the radius, a curve for each noise law on the parameter.

    The laws have one standard deviation.

    Args:
        corruption: One with a single parameter that adds up, such as gaussianblur or brightness.
        certifying: See there.
        std: The laws' standard deviation, in the parameter's unit; default: that of the recipe's noise.
        laws: By name, such as exponential foldedgaussian; default: every law that the corruption allows.
        radius: How far the curves go; default: as far as the draws can prove.
    """
    from gsmooth_core import certify_noises, match_noises
    from gsmooth_core.figures.shared import check_figure, save_figure

    check_figure(certifying.out)
    matched = match_noises(corruption, std, laws)
    models = _choose_models(certifying.model, {name: {"law": name} for name in matched})
    comparison = certify_noises(models, corruption, laws=matched, radius=radius, **_options(certifying))
    comparison.summary()
    save_figure(comparison.plot(), certifying.out)
    _say("figure", certifying.out)
    return 0


@figure.command
def variances(
    corruption: str = "rotationalblur",
    /,
    *,
    certifying: Certifying,
    parameter_stds: Numbers = None,
    latent_stds: Numbers = None,
    surrogate: Path | None = None,
    radius: float | None = None,
    certifier: str | None = None,
    markdown: Path | None = None,
) -> int:
    """Print and draw certified accuracy over a grid of noise on the parameter (σ₁) and in the latent layer (σ₂).

    The same classifier is used for every cell, unless --model has {parameter_std} or {latent_std} in it.

    Args:
        corruption: One that is smoothed in a latent layer; with --surrogate, any that the certifier takes.
        certifying: See there.
        parameter_stds: σ₁, in the parameter's unit; default: the surrogate's. Needs --surrogate.
        latent_stds: σ₂, in the latent's unit, or in intensity without --surrogate; default: 0.05 0.1 0.15 0.25.
        surrogate: Certify behind this surrogate, a .safetensors file of 'gsmooth fit surrogate'.
        radius: The attack radius in the corruption's own unit; default: the recipe's.
        certifier: In place of the recipe's, by name.
        markdown: Also write the table as Markdown.
    """
    from gsmooth_core import LatentSmoothing, certify_variances
    from gsmooth_core.cli.by_name import choose_smoothing
    from gsmooth_core.common.files import check_writable, write_text
    from gsmooth_core.figures.shared import check_figure, save_figure
    from gsmooth_core.figures.variances import LATENT_STDS
    from gsmooth_core.results.wording import number

    check_figure(certifying.out)
    if markdown is not None:
        check_writable(markdown, "table")
    latent_stds = list(LATENT_STDS) if latent_stds is None else latent_stds
    first = None if parameter_stds is None or surrogate is None else parameter_stds[0]
    smoothing = choose_smoothing(corruption, surrogate, first, latent_stds[0])
    assert isinstance(smoothing, LatentSmoothing)
    own = [smoothing.parameter_std] if parameter_stds is None else parameter_stds
    cells = {(a, b): {"parameter_std": number(a), "latent_std": number(b)} for a in own for b in latent_stds}
    table = certify_variances(
        _choose_models(certifying.model, cells),
        corruption,
        latent_stds=latent_stds,
        parameter_stds=parameter_stds,
        smoothing=smoothing,
        radius=radius,
        certifier=certifier,
        **_options(certifying),
    )
    table.summary()
    save_figure(table.plot(), certifying.out)
    _say("figure", certifying.out)
    if markdown is not None:
        write_text(markdown, table.markdown())
        _say("table", markdown)
    return 0


@figure.command
def augmented(
    corruption: str,
    /,
    *,
    out: Path,
    data: str | None = None,
    grey: bool = False,
    limit: int = 6,
    surrogate: Path | None = None,
    parameter_std: float | None = None,
    latent_std: float | None = None,
    seed: int = 0,
    device: str = "cpu",
) -> int:
    """Draw images as they are, under pixel noise, and as the noise of the corruption or the surrogate leaves them.

    Args:
        corruption: Name, or name:variant, of an installed corruption; see 'gsmooth plugins'.
        out: The picture, ending in .png, .svg or .pdf.
        data: As for 'gsmooth certify'.
        grey: Read the folder's images as grey, one channel.
        limit: Draw the first so many images.
        surrogate: Show what the decoder of this .safetensors file of 'gsmooth fit surrogate' gives under noise.
        parameter_std: Noise on the parameters, in their unit; default: the surrogate's. Without one, the corruption
            itself is shown under such noise.
        latent_std: Noise in the latent layer, or on the pixels; default: the surrogate's or the recipe's.
        seed: Of all noise.
        device: Such as cpu or cuda.
    """
    from gsmooth_core import draw_noisy_images, get_corruption, plot_images
    from gsmooth_core.cli.by_name import choose_images, choose_smoothing
    from gsmooth_core.datasets.inputs import gather
    from gsmooth_core.figures.shared import check_figure, save_figure
    from gsmooth_core.models.devices import check_device

    check_figure(out)
    place, recipe = check_device(device), get_corruption(corruption)
    if surrogate is not None:
        recipe = attrs.evolve(recipe, smoothing=choose_smoothing(corruption, surrogate, parameter_std, latent_std))
    given = choose_images(data, grey)
    images = gather(given.get("images"), None, given.get("dataset"), limit, None).images.to(place)
    rows = draw_noisy_images(recipe, images, parameter_std=parameter_std, latent_std=latent_std, seed=seed)
    save_figure(plot_images(rows), out)
    _say("figure", out)
    return 0


def _choose_models(name: str, words: dict[Any, dict[str, str]]) -> Any:
    """The model that ``--model`` names, or by key the models that it names with each key's words in its braces."""
    from gsmooth_core.cli.by_name import choose_model

    if "{" not in name:
        return choose_model(name)
    try:
        names = {key: name.format(**each) for key, each in words.items()}
    except (KeyError, IndexError, ValueError) as error:
        known = " and ".join(f"{{{word}}}" for word in next(iter(words.values())))
        raise ValueError(f"--model {name!r} has braces around something else than {known}; correct it") from error
    return {key: choose_model(each) for key, each in names.items()}


def _options(certifying: Certifying) -> dict[str, Any]:
    """What the figures' functions take of the options."""
    from gsmooth_core import Budget
    from gsmooth_core.cli.by_name import choose_images

    return {
        **choose_images(certifying.data, certifying.grey),
        "limit": certifying.limit,
        "budget": Budget(samples=certifying.samples, alpha=certifying.alpha),
        "seed": certifying.seed,
        "device": certifying.device,
        "work": certifying.work,
    }


def _say(what: str, path: Path) -> None:
    Console().print(f"{what}: {path}", soft_wrap=True, markup=False)
