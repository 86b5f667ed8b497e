"""``gsmooth attack`` and ``gsmooth verify``. Importing this file imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.console import Console

from gsmooth_core.cli.exit_codes import EXIT_BROKEN
from gsmooth_core.common.files import check_writable

Method = Literal["grid", "random", "pgd", "evolution", "all"]


def attack(
    corruption: str,
    /,
    *,
    model: str = "example",
    data: str | None = None,
    grey: bool = False,
    limit: int | None = None,
    radius: float | None = None,
    smoothed: Annotated[bool, Parameter(negative="")] = False,
    surrogate: Path | None = None,
    parameter_std: float | None = None,
    latent_std: float | None = None,
    method: Method = "all",
    calls: int = 1_000,
    draws: int = 20,
    confirm: int = 1_000,
    seed: int = 0,
    device: str | None = None,
    out: Path | None = None,
    pictures: Path | None = None,
) -> int:
    """Attack a model, or its smoothed classifier, by the worst corruption that can be found; print a summary.

    Args:
        corruption: Name, or name:variant, of an installed corruption; see 'gsmooth plugins'.
        model: As for 'gsmooth certify'.
        data: As for 'gsmooth certify'.
        grey: Read the folder's images as grey, one channel.
        limit: Attack the first so many images.
        radius: The attack radius in the corruption's own unit; default: the recipe's.
        smoothed: Attack the smoothed classifier in place of the model alone.
        surrogate: With --smoothed, smooth behind this saved surrogate.
        parameter_std: With --smoothed, noise on the parameters in place of the recipe's or the surrogate's.
        latent_std: With --smoothed, noise in the latent layer in place of the recipe's or the surrogate's.
        method: How to search.
        calls: Of the model, an image.
        draws: Of these, how many a point takes under --smoothed.
        confirm: Votes for the answer at the worst points under --smoothed.
        seed: Of starts and noise.
        device: Such as cpu or cuda; default: where the model is.
        out: A JSON report; if it exists and is of the same run, it is continued.
        pictures: A PNG file with images that fell, as they are and at the worst.
    """
    from gsmooth_core import AttackBudget, SmoothedClassifier, get_corruption
    from gsmooth_core import attack as attack_classifier
    from gsmooth_core.cli.by_name import choose_images, choose_model, choose_smoothing

    for path, what in ((out, "report"), (pictures, "pictures")):
        if path is not None:
            check_writable(path, what)
    if pictures is not None and pictures.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise ValueError(f"--pictures names a .png or .jpg file, not {str(pictures)!r}")
    if not smoothed and (surrogate, parameter_std, latent_std) != (None, None, None):
        raise ValueError("--surrogate, --parameter-std and --latent-std are for --smoothed; add it, or leave them out")
    network = choose_model(model)
    target = network
    if smoothed:
        smoothing = choose_smoothing(corruption, surrogate, parameter_std, latent_std)
        target = SmoothedClassifier(network, smoothing)
    given = choose_images(data, grey)
    report = attack_classifier(
        target,
        corruption,
        **given,
        limit=limit,
        radius=radius,
        method=method,
        budget=AttackBudget(calls=calls, draws=draws, confirm=confirm),
        seed=seed,
        device=device,
        out=out,
    )
    report.summary()
    if out is not None:
        Console().print(f"report: {out}", soft_wrap=True, markup=False)
    fell = any(one.clean == one.label != one.predicted for one in report.images)
    if pictures is not None and not fell:
        Console().print("no image fell, so there are no pictures", markup=False)
    elif pictures is not None:
        from gsmooth_core.datasets.inputs import gather

        images = gather(given.get("images"), None, given.get("dataset"), limit, None).images
        report.save_pictures(pictures, get_corruption(corruption), images)
        Console().print(f"pictures: {pictures}", soft_wrap=True, markup=False)
    return 0


def verify(
    report: Path,
    /,
    *,
    model: str = "example",
    data: str | None = None,
    grey: bool = False,
    surrogate: Path | None = None,
    parameter_std: float | None = None,
    latent_std: float | None = None,
    plain: Annotated[bool, Parameter(negative="")] = False,
    method: Method = "all",
    calls: int = 5_000,
    draws: int = 20,
    confirm: int = 10_000,
    seed: int = 0,
    device: str | None = None,
    out: Path | None = None,
) -> int:
    """Try to break every certificate of a report; exit with 3 where one breaks.

    The model, the images and the noise must be those of the report.

    Args:
        report: A JSON file that 'gsmooth certify --out' or Report.save wrote.
        model: As it was certified.
        data: As it was certified; default: the bundled test images.
        grey: As it was certified.
        surrogate: As it was certified.
        parameter_std: As it was certified.
        latent_std: As it was certified.
        plain: As it was certified.
        method: How to search.
        calls: Of the model, a certificate.
        draws: Of these, how many a point takes.
        confirm: Votes for the answer at the worst points.
        seed: Of starts and noise.
        device: Such as cpu or cuda; default: where the model is.
        out: What was found, as JSON; if the file exists and is of the same run, it is continued.
    """
    import attrs

    from gsmooth_core import AttackBudget, Report, get_corruption
    from gsmooth_core import verify as verify_report
    from gsmooth_core.cli.by_name import choose_model, choose_smoothing, images_of

    certified = Report.load(report)
    name = certified.run.corruption
    smoothing = choose_smoothing(name, surrogate, parameter_std, latent_std, plain)
    verification = verify_report(
        certified,
        choose_model(model),
        images_of([certified], data, grey),
        corruption=attrs.evolve(get_corruption(name), smoothing=smoothing),
        method=method,
        budget=AttackBudget(calls=calls, draws=draws, confirm=confirm),
        seed=seed,
        device=device,
        out=out,
    )
    verification.summary()
    if out is not None:
        Console().print(f"verification: {out}", soft_wrap=True, markup=False)
    return 0 if verification.holds else EXIT_BROKEN
