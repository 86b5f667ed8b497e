"""``gsmooth attack``. Importing this file imports no torch."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from gsmooth_core.cli.printing import say, say_where
from gsmooth_core.cli.shared_options import (
    CorruptionName,
    FirstImageOptions,
    ModelOptions,
    NewFile,
    NoiseOptions,
    RunOptions,
    SearchOptions,
)


def attack(
    corruption: CorruptionName,
    /,
    *,
    model: ModelOptions = ModelOptions(),
    images: FirstImageOptions = FirstImageOptions(),
    radius: float | None = None,
    smoothed: Annotated[bool, Parameter(negative="")] = False,
    noise: NoiseOptions = NoiseOptions(),
    search: SearchOptions = SearchOptions(),
    run: RunOptions = RunOptions(),
    pictures: NewFile | None = None,
) -> int:
    """Attack a model, or its smoothed classifier, by the worst corruption that can be found; print a summary.

    Args:
        corruption: Name, or name:variant, of an installed corruption; see 'gsmooth plugins'.
        model: See ModelOptions.
        images: See FirstImageOptions.
        radius: The attack radius in the corruption's own unit; default: the recipe's.
        smoothed: Attack the smoothed classifier in place of the model alone; only then may --surrogate,
            --parameter-std and --latent-std be given.
        noise: See NoiseOptions.
        search: See SearchOptions.
        run: See RunOptions.
        pictures: A PNG file with misclassified images, unchanged and at the worst parameter.
    """
    from gsmooth_core import AttackBudget, SmoothedClassifier, get_corruption
    from gsmooth_core import attack as attack_classifier
    from gsmooth_core.cli.named_inputs import choose_images, choose_smoothing
    from gsmooth_core.cli.named_models import choose_model
    from gsmooth_core.common.picture_files import check_picture

    if pictures is not None:
        check_picture(pictures)
    if not smoothed and noise != NoiseOptions():
        raise ValueError("--surrogate, --parameter-std and --latent-std are for --smoothed; add it, or leave them out")
    network = choose_model(model)
    target = network
    if smoothed:
        smoothing = choose_smoothing(corruption, noise.surrogate, noise.parameter_std, noise.latent_std)
        target = SmoothedClassifier(network, smoothing)
    given = choose_images(images, model.model)
    report = attack_classifier(
        target,
        corruption,
        **given,
        limit=images.limit,
        radius=radius,
        method=search.method,
        budget=AttackBudget(calls=search.calls, draws=search.draws, confirm=search.confirm),
        seed=run.seed,
        device=run.device,
        out=run.out,
        batch=search.batch,
    )
    fell = any(one.clean == one.label != one.predicted for one in report.images)
    if pictures is not None and fell:
        from gsmooth_core.datasets.inputs import gather

        shown = gather(given.get("images"), None, given.get("dataset"), images.limit, None).images
        report.save_pictures(pictures, get_corruption(corruption), shown)
    report.summary()
    say_where("report", run.out)
    if fell:
        say_where("pictures", pictures)
    elif pictures is not None:
        say("no image was misclassified, so there are no pictures")
    return 0
