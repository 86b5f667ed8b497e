"""What the figures of certificates have in common. Importing this file imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import attrs
from cyclopts import Parameter

from gsmooth_core.cli.shared_options import FirstImageOptions, ModelName, ModelOptions, NewFile

Numbers = Annotated[list[float] | None, Parameter(consume_multiple=True, negative="")]
Words = Annotated[list[str] | None, Parameter(consume_multiple=True, negative="")]


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class CertifyingOptions(FirstImageOptions):
    """What the figures of certificates take.

    Attributes:
        out: The picture, ending in .png, .svg or .pdf.
        model: As for 'gsmooth certify'. A name with {law}, or with {parameter_std} and {latent_std}, is a model of its
            own for each curve or cell.
        samples: The most draws per anchor.
        alpha: The probability that the whole certificate of one image may be wrong.
        seed: Of all noise.
        device: Such as cpu or cuda; default: where the model is.
        work: A folder that keeps one report a curve or cell; the same command continues where it stopped.
    """

    out: NewFile
    model: ModelName = "example"
    samples: int = 10_000
    alpha: float = 0.001
    seed: int = 0
    device: str | None = None
    work: Path | None = None


def choose_models(name: str, words: dict[Any, dict[str, str]]) -> Any:
    """The model that ``--model`` names; or, by key, the models that it names with each key's words in its braces."""
    from gsmooth_core.cli.named_models import choose_model

    if "{" not in name:
        return choose_model(ModelOptions(model=name))
    try:
        names = {key: name.format(**each) for key, each in words.items()}
    except (KeyError, IndexError, ValueError) as error:
        known = " and ".join(f"{{{word}}}" for word in next(iter(words.values())))
        raise ValueError(f"--model {name!r} may have braces only around {known}; correct it") from error
    return {key: choose_model(ModelOptions(model=each)) for key, each in names.items()}


def options_of(certifying: CertifyingOptions) -> dict[str, Any]:
    """What the figures' functions take of the options."""
    from gsmooth_core import Budget
    from gsmooth_core.cli.named_inputs import choose_images

    return {
        **choose_images(certifying, certifying.model),
        "limit": certifying.limit,
        "budget": Budget(samples=certifying.samples, alpha=certifying.alpha),
        "seed": certifying.seed,
        "device": certifying.device,
        "work": certifying.work,
    }
