"""``gsmooth verify``. Importing this file imports no torch."""

from __future__ import annotations

import attrs
from cyclopts import Parameter

from gsmooth_core.cli.exit_codes import EXIT_BROKEN
from gsmooth_core.cli.printing import say_where
from gsmooth_core.cli.shared_options import (
    ImageOptions,
    ImagesName,
    ModelOptions,
    NoiseOrPlainOptions,
    RunOptions,
    SavedFile,
    SearchOptions,
)


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class ThoroughSearchOptions(SearchOptions):
    """How an attack on a certificate searches.

    Attributes:
        calls: Calls of the model per certificate.
    """

    calls: int = 5_000
    confirm: int = 10_000


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class CertifiedImageOptions(ImageOptions):
    """Which images were certified.

    Attributes:
        data: The images that were certified, as for 'gsmooth certify'; default: the bundled Fashion-MNIST test images,
            if the report is about them.
    """

    data: ImagesName | None = None


def verify(
    report: SavedFile,
    /,
    *,
    model: ModelOptions = ModelOptions(),
    images: CertifiedImageOptions = CertifiedImageOptions(),
    noise: NoiseOrPlainOptions = NoiseOrPlainOptions(),
    search: ThoroughSearchOptions = ThoroughSearchOptions(),
    run: RunOptions = RunOptions(),
) -> int:
    """Try to break every certificate of a report; exit with 3 where one breaks.

    The model, the images and the noise must be those of the report.

    Args:
        report: A JSON file that 'gsmooth certify --out' or Report.save wrote.
        model: See ModelOptions.
        images: See CertifiedImageOptions.
        noise: See NoiseOrPlainOptions.
        search: See ThoroughSearchOptions.
        run: See RunOptions.
    """
    from gsmooth_core import AttackBudget, Report, get_corruption
    from gsmooth_core import verify as verify_report
    from gsmooth_core.cli.named_inputs import choose_smoothing, named_images
    from gsmooth_core.cli.named_models import choose_model
    from gsmooth_core.plugins.registry import check_offered

    certified = Report.load(report)
    name = certified.run.corruption
    check_offered(name, certified.run.plugin)
    smoothing = choose_smoothing(name, noise.surrogate, noise.parameter_std, noise.latent_std, noise.plain)
    given = {} if images.data is None else named_images(images, images.data)
    verification = verify_report(
        certified,
        choose_model(model),
        given.get("images"),
        dataset=given.get("dataset"),
        corruption=attrs.evolve(get_corruption(name), smoothing=smoothing),
        method=search.method,
        budget=AttackBudget(calls=search.calls, draws=search.draws, confirm=search.confirm),
        seed=run.seed,
        device=run.device,
        out=run.out,
        batch=search.batch,
    )
    verification.summary()
    say_where("verification", run.out)
    return 0 if verification.holds else EXIT_BROKEN
