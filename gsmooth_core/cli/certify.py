"""``gsmooth certify``. Importing this file imports no torch."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import attrs
from cyclopts import Parameter

from gsmooth_core.cli.exit_codes import EXIT_BELOW
from gsmooth_core.cli.printing import say, say_where, warn
from gsmooth_core.cli.shared_options import (
    CorruptionName,
    FirstImageOptions,
    ModelOptions,
    NoiseOrPlainOptions,
    RunOptions,
    words_of,
)

if TYPE_CHECKING:
    from gsmooth_core import Report, Smoothing


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class BudgetOptions:
    """The work for each image.

    Attributes:
        select: Draws that choose the class.
        samples: The most draws per anchor.
        stopping: Stop drawing once the votes decide, or draw all.
        alpha: The probability that the whole certificate of one image may be wrong.
        anchors: The most points of the region to sample.
        cells: The most boxes to cut the region into.
        batch: Images per call of the model; default: by the image's size.
    """

    select: int = 100
    samples: int = 10_000
    stopping: Literal["sequential", "fixed"] = "sequential"
    alpha: float = 0.001
    anchors: int = 256
    cells: int = 4_096
    batch: int | None = None


def certify(
    corruption: CorruptionName,
    /,
    *,
    model: ModelOptions = ModelOptions(),
    images: FirstImageOptions = FirstImageOptions(),
    radius: float | None = None,
    maximize: Annotated[bool, Parameter(negative="")] = False,
    certifier: str | None = None,
    noise: NoiseOrPlainOptions = NoiseOrPlainOptions(),
    budget: BudgetOptions = BudgetOptions(),
    run: RunOptions = RunOptions(),
    at_least: float | None = None,
) -> int:
    """Certify a model under a corruption, and print a summary.

    Args:
        corruption: Name, or name:variant, of an installed corruption; see 'gsmooth plugins'.
        model: See ModelOptions.
        images: See FirstImageOptions.
        radius: The attack radius in the corruption's own unit; default: the recipe's.
        maximize: Look for the largest certified radius up to --radius.
        certifier: In place of the recipe's, by name.
        noise: See NoiseOrPlainOptions.
        budget: See BudgetOptions.
        run: See RunOptions.
        at_least: Exit with 3 if the certified accuracy is below this share, such as 0.3.
    """
    if at_least is not None and not 0 <= at_least <= 1:
        raise ValueError(f"--at-least is a share from 0 to 1, not {at_least}; 0.3 means 30 %")
    from gsmooth_core import Budget, get_corruption
    from gsmooth_core import certify as certify_model
    from gsmooth_core.cli.named_inputs import choose_images, choose_smoothing
    from gsmooth_core.cli.named_models import choose_model

    smoothing = choose_smoothing(corruption, noise.surrogate, noise.parameter_std, noise.latent_std, noise.plain)
    if noise.plain and certifier is None and get_corruption(corruption).certifier.name != "enumeration":
        raise ValueError(
            f"--plain certifies the model without noise, which {corruption!r} does not allow; leave it out, or name a "
            "corruption that 'gsmooth plugins' lists under enumeration"
        )
    given = choose_images(images, model.model)
    if at_least is not None and "dataset" in given and not given["dataset"].targets:
        raise ValueError("--at-least is a share of right answers, but the images have no labels; leave it out")
    network = choose_model(model)
    _warn_of_mismatch(model.weights or model.model, smoothing)
    report = certify_model(
        network,
        corruption,
        **given,
        limit=images.limit,
        radius=radius,
        maximize=maximize,
        certifier=certifier,
        smoothing=smoothing,
        budget=Budget(**attrs.asdict(budget)),
        seed=run.seed,
        device=run.device,
        out=run.out,
    )
    report.summary()
    say_where("report", run.out)
    _say_next(report, model, images)
    if at_least is not None and report.certified_accuracy().value < at_least:
        warn(f"certified accuracy is below {at_least:.1%}, as --at-least asks")
        return EXIT_BELOW
    return 0


def _say_next(report: Report, model: ModelOptions, images: FirstImageOptions) -> None:
    """Print the command that trains a classifier for what was certified, if this one fails under the noise."""
    from gsmooth_core.results.summary import failure_advice

    untrainable = model.model.startswith("hf:") or Path(model.model).suffix in (".onnx", ".pt2")
    if failure_advice(report) is None or not report.training[1:] or untrainable:
        return
    given = [] if model.model == "example" else words_of(model)
    given += words_of(images)
    say(f"next: {report.training[1]} {shlex.join(given)}".rstrip())


def _warn_of_mismatch(weights: str | Path, smoothing: Smoothing) -> None:
    """Say on standard error where a saved classifier was trained under another smoothing."""
    from gsmooth_core import read_card
    from gsmooth_core.cli.named_inputs import mismatch
    from gsmooth_core.common.weights import has_card

    if Path(weights).suffix == ".safetensors" and has_card(weights):
        sentence = mismatch(read_card(weights), smoothing)
        if sentence is not None:
            warn(sentence)
