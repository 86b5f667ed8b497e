"""What must hold of the values of a record, and between a certificate and its run: no record can say otherwise."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import attrs
import torch

from gsmooth_core.guarantee import Guarantee
from gsmooth_core.region import Region

if TYPE_CHECKING:
    from gsmooth_core.report import Certificate, Run

Validator = Callable[[Any, "attrs.Attribute[Any]", Any], None]


def whole(least: int = 0) -> Validator:
    """The attrs validator of an int of at least ``least``."""
    return _each(lambda value: type(value) is int and value >= least, f"a whole number of at least {least}")


def finite() -> Validator:
    """The attrs validator of a finite number."""
    return _each(_is_finite, "a finite number")


def amount() -> Validator:
    """The attrs validator of a finite number of at least 0."""
    return _each(lambda value: _is_finite(value) and value >= 0, "a finite number of at least 0")


def points() -> Validator:
    """The attrs validator of a tuple of finite floats."""
    return _each(
        lambda value: isinstance(value, tuple) and all(map(_is_finite, value)),
        "a tuple of finite numbers",
    )


def is_a(kind: type) -> Validator:
    """The attrs validator of a value of that class."""
    return _each(lambda value: isinstance(value, kind), f"a {kind.__name__}")


def _is_finite(value: object) -> bool:
    return isinstance(value, float | int) and not isinstance(value, bool) and abs(value) < math.inf


def _each(holds: Callable[[Any], bool], words: str) -> Validator:
    def check(record: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not holds(value):
            raise ValueError(f"a {type(record).__name__}'s {attribute.name} must be {words}, not {value!r}")

    return check


def check_certificate(certificate: Certificate) -> None:
    """Raise ``ValueError`` where a certificate contradicts itself."""
    _refuse(certificate, _contradiction(certificate))


def check_certified(run: Run, certificate: Certificate) -> None:
    """Raise ``ValueError`` where a certificate cannot be one of that run."""
    if certificate.region is not None:
        check_part(run.region, certificate.index, certificate.region)
    _refuse(certificate, _misfit(run, certificate))


def _refuse(certificate: Certificate, fault: str | None) -> None:
    if fault is not None:
        raise ValueError(f"the certificate of image {certificate.index} {fault}")


def _ends(region: Region) -> str:
    ball = ", an ellipsoid" if region.norm == "l2" else ""
    return " × ".join(f"[{low}, {high}]" for low, high in zip(region.lower, region.upper, strict=True)) + ball


def _contradiction(one: Certificate) -> str | None:
    if one.region is None and one.certified:
        return "says that it is certified, but proves no region"
    if one.region is None and one.radius is not None:
        return f"has the radius {one.radius:g}, but proves no region"
    if one.region is not None and one.predicted is None:
        return "proves a region, but predicts no class"
    if one.region is not None and one.witness is not None and holds_all(one.region, [one.witness]):
        return f"proves a region in which it knows another answer, at {one.witness}"
    if (one.guarantee is Guarantee.EXACT) != (one.alpha == 0):
        return f"is called {one.guarantee.value}, but has the error probability {one.alpha:g}"
    return None


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
        return f"knows another answer at {one.witness}, outside the run's {_ends(run.region)}"
    return None


def check_axes(names: tuple[str, ...], units: tuple[str, ...], region: Region) -> None:
    """Raise ``ValueError`` unless there are as many names and units as the region has parameters."""
    if not len(names) == len(units) == region.dimension:
        raise ValueError(f"the names {names} and units {units} must be as many as {region} has parameters")


def check_distinct(indices: Iterable[int]) -> None:
    """Raise ``ValueError`` where an image stands twice."""
    twice = sorted(index for index, count in Counter(indices).items() if count > 1)
    if twice:
        raise ValueError(f"image {twice[0]} stands in it more than once")


def check_part(whole: Region, index: int, region: Region) -> None:
    """Raise ``ValueError`` where what is proved about an image is no part of the ``whole`` that its run is about."""
    if region != whole and (region.dimension != whole.dimension or not region.inside(whole)):
        raise ValueError(
            f"the certificate of image {index} proves {_ends(region)}, which is no part of the run's {_ends(whole)}"
        )


def holds_all(region: Region, parameters: list[tuple[float, ...]]) -> bool:
    """Whether all parameters are points of the region."""
    if any(len(parameter) != region.dimension for parameter in parameters):
        return False
    return not parameters or bool(region.contains(torch.tensor(parameters, dtype=torch.float64)).all())
