"""What must hold between certificates and their run; a report that breaks it cannot be made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from gsmooth_core.common.guarantee import Guarantee
from gsmooth_core.results.certificate import Certificate
from gsmooth_core.results.run import Run
from gsmooth_core.transformations.region import holds_all
from gsmooth_core.transformations.regions import Region


def check_certified(run: Run, certificate: Certificate) -> None:
    """Raise ``ValueError`` if a certificate cannot be one of that run."""
    if certificate.region is not None:
        check_part(run.region, certificate.index, certificate.region)
    fault = _misfit(run, certificate)
    if fault is not None:
        raise ValueError(f"the certificate of image {certificate.index} {fault}")


def _ends(region: Region) -> str:
    more = f", {region.noun}" if region.words else ""
    return " × ".join(f"[{low}, {high}]" for low, high in zip(region.lower, region.upper, strict=True)) + more


def _misfit(run: Run, one: Certificate) -> str | None:
    for name, class_ in (("predicted", one.predicted), ("base_predicted", one.base_predicted), ("label", one.label)):
        if class_ is not None and class_ >= run.classes:
            return f"has the class {class_} as {name}, but the model has {run.classes} classes"
    if Guarantee.weakest(run.guarantee, one.guarantee) is not one.guarantee:
        return f"is called {one.guarantee.value}, but its run is {run.guarantee.value}"
    if one.guarantee is not Guarantee.EXACT and one.alpha != run.budget.alpha:
        return f"has the error probability {one.alpha:g}, but its run {run.budget.alpha:g}"
    if one.certified != (one.region is not None and run.region.inside(one.region)):
        proved = "nothing" if one.region is None else _ends(one.region)
        return f"says that it is {'' if one.certified else 'not '}certified, but proves {proved} of {_ends(run.region)}"
    if one.certified and one.radius != run.radius:
        return f"is certified, but has the radius {one.radius}, and its run {run.radius}"
    if one.radius is not None and (run.radius is None or one.radius > run.radius):
        return f"has the radius {one.radius:g}, but its run {run.radius}"
    if one.witness is not None and not holds_all(run.region, [one.witness]):
        return f"has a witness at {one.witness}, outside the run's {_ends(run.region)}"
    return None


def check_distinct(indices: Iterable[int]) -> None:
    """Raise ``ValueError`` if an image occurs twice."""
    twice = sorted(index for index, count in Counter(indices).items() if count > 1)
    if twice:
        raise ValueError(f"image {twice[0]} occurs in it more than once")


def check_part(whole: Region, index: int, region: Region) -> None:
    """Raise ``ValueError`` if the region proved for an image is not a part of the run's region ``whole``."""
    if region != whole and (region.dimension != whole.dimension or not region.inside(whole)):
        raise ValueError(
            f"the certificate of image {index} proves {_ends(region)}, which is no part of the run's {_ends(whole)}"
        )
