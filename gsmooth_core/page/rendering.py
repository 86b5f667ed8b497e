"""From reports to one HTML file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_FLOOR
from importlib.resources import files
from pathlib import Path
from typing import Any

from torch import Tensor

from gsmooth_core.attacks.report import AttackReport
from gsmooth_core.common.files import check_writable, write_text
from gsmooth_core.common.guarantee import Guarantee
from gsmooth_core.corruption import Corruption
from gsmooth_core.datasets.checks import check_images
from gsmooth_core.page import pictures
from gsmooth_core.page.contents import MEANINGS, OUTCOMES, Entry, Section, arrange
from gsmooth_core.plugins.registry import recipe_of
from gsmooth_core.results.certificate import Certificate
from gsmooth_core.results.drawing import thinned
from gsmooth_core.results.report import Report
from gsmooth_core.results.summary import classes_words, failure_advice, occurring
from gsmooth_core.results.wording import (
    counted,
    error_probability_words,
    region_words,
    rounded_down,
    rounded_up,
    seconds_words,
    shortened,
)

IMAGES = 1_000
"""The largest number of images whose ends a curve can show."""

Reports = Report | Sequence[Report] | Mapping[str, Report | Sequence[Report]]


def save_page(path: str | Path, reports: Reports, **settings: Any) -> None:
    """Write the page of :func:`render_page` to an .html file, in one step."""
    if Path(path).suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"the page is written to an .html file, not to {str(path)!r}; name one")
    check_writable(path, "page")
    write_text(path, render_page(reports, **settings))


def render_page(
    reports: Reports,
    *,
    images: Tensor | None = None,
    attacks: AttackReport | Iterable[AttackReport] = (),
    recipes: Corruption | Iterable[Corruption] = (),
    title: str = "Certified robustness",
) -> str:
    """One HTML page about reports, which needs no other file and no network: tables, curves, histograms, pictures.

    It can be read without scripts. With scripts, tables can be sorted, a corruption chosen, and a curve shows its
    images.

    Args:
        reports: a report, several, or several for each model by name; those about one corruption share a section.
        images: all images that were certified (count, channel, height, width), to draw strips of; default: none.
        attacks: what :func:`attack` found, on the same model, region and images; each must be about a report.
        recipes: of corruptions that no installed plugin offers.
        title: the page's heading.

    Raises:
        ValueError: matplotlib or jinja2 is missing; there is no report; images or attacks do not belong to the reports;
            a corruption is not the one that was certified.
    """
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as error:
        raise ValueError("a page needs jinja2, which is not installed; pip install 'gsmooth-core[report]'") from error
    named = by_model(reports)
    sections = arrange(named, [attacks] if isinstance(attacks, AttackReport) else attacks)
    everything = [entry.report for section in sections for entry in section.entries]
    guarantees = {report.guarantee for report in everything}
    strips: dict[str, list[pictures.Strip]] = {}
    thumbs = None
    if images is not None:
        images = check_images(images).cpu().float()
        pictures.check_images_of(everything, images)
        recipes = [recipes] if isinstance(recipes, Corruption) else recipes
        own = {str(recipe.name): recipe for recipe in recipes}
        for section in sections:
            recipe = own.get(section.corruption) or recipe_of(section.corruption)
            strips[section.corruption] = pictures.strips(section, recipe, images)
        thumbs = pictures.thumbs(everything, images)
    environment = Environment(
        loader=PackageLoader("gsmooth_core", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = (rounded_down, rounded_up, seconds_words, counted)
    environment.filters.update({one.__name__: one for one in filters})
    folder = files("gsmooth_core") / "page"
    return environment.get_template("page.html").render(
        title=title,
        style=(folder / "page.css").read_text(encoding="utf-8"),
        script=(folder / "page.js").read_text(encoding="utf-8"),
        sections=sections,
        curves={section.corruption: pictures.curves(section) for section in sections if section.charted},
        histograms={section.corruption: pictures.histogram(section) for section in sections if section.charted},
        strips=strips,
        thumbs=thumbs,
        models=_models(named),
        meanings={kind: MEANINGS[kind] for kind in Guarantee if kind in guarantees},
        estimated=Guarantee.ESTIMATE in guarantees,
        labelled=all(entry.labelled for section in sections for entry in section.entries),
        data=list(dict.fromkeys(f"{report.images}." for report in everything)),
        outcomes=OUTCOMES,
        attacked=any(entry.attacks for section in sections for entry in section.entries),
        classes=list(
            dict.fromkeys(
                classes_words(report.class_names, occurring(report)) for report in everything if report.class_names
            )
        ),
        failure_advice=failure_advice,
        certificate_words=_certificate_words,
        region_words=region_words,
        error_probability_words=error_probability_words,
        series=[_series(section) for section in sections if section.charted],
        tiles=pictures.TILES,
        thumb=pictures.THUMB,
    )


def by_model(reports: Reports) -> dict[str, Sequence[Report]]:
    """Reports by their models' names; without names, models of the same class are distinguished by their hash."""
    if isinstance(reports, Mapping):
        return {name: _several(one) for name, one in reports.items()}
    several = _several(reports)
    hashes: dict[str, set[str]] = {}
    for report in several:
        hashes.setdefault(report.run.model, set()).add(report.run.model_hash)
    named: dict[str, list[Report]] = {}
    for report in several:
        name, alike = report.run.model, hashes[report.run.model]
        short = report.run.model_hash[: 6 if len({one[:6] for one in alike}) == len(alike) else None]
        named.setdefault(name if len(alike) == 1 else f"{name} {short}", []).append(report)
    return dict(named)


def _several(reports: Report | Sequence[Report]) -> Sequence[Report]:
    several = [reports] if isinstance(reports, Report) else list(reports)
    for report in several:
        if not isinstance(report, Report):
            raise ValueError(f"a page is made of Report objects, not of {report!r}; read a file with Report.load")
    return several


def _models(named: Mapping[str, Sequence[Report]]) -> list[tuple[str, str]]:
    """Each model's name, and what distinguishes it from others: its class and the hash of its weights."""
    return [
        (name, ", ".join(dict.fromkeys(f"{report.run.model}, weights {report.run.model_hash}" for report in several)))
        for name, several in named.items()
    ]


def _series(section: Section) -> dict[str, Any]:
    """The data of a section's curves for the script."""
    return {"slug": section.slug, "entries": [_points(entry) for entry in section.charted]}


def _reach(certificate: Certificate) -> str:
    """How far a certificate reaches, rounded down."""
    if certificate.predicted is None:
        return "abstained"
    end = "not certified"
    if certificate.radius is not None:
        end = f"certified up to radius {shortened(certificate.radius, 3, ROUND_FLOOR)}"
    return f"{end}, wrong" if certificate.correct is False else end


def _certificate_words(report: Report, certificate: Certificate) -> str:
    """The answer, and the region for which it was certified."""
    if certificate.predicted is None:
        return "abstains, nothing certified"
    answer = f"answers {report.class_words(certificate.predicted)}{', wrong' * (certificate.correct is False)}"
    if certificate.region is None:
        return f"{answer}, not certified"
    verb = "estimated, not proved," if certificate.guarantee is Guarantee.ESTIMATE else "certified"
    return f"{answer}, {verb} for {region_words(certificate.region, report.run.names, report.run.units, ' and ')}"


def _points(entry: Entry) -> dict[str, Any]:
    curve = thinned(entry.report.curve())
    return {
        "label": entry.label,
        "colour": entry.style.colour,
        "most": entry.report.run.radius,
        "radii": [radius for radius, _ in curve],
        "rates": [str(rate) for _, rate in curve],
        "images": [
            [one.index, one.image_hash, one.radius or 0, f"image {one.index}, {entry.label}: {_reach(one)}"]
            for one in entry.report.certificates[:IMAGES]
        ],
    }
