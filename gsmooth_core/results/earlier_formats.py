"""Reports of earlier formats, converted to today's."""

from __future__ import annotations

from typing import Any

TRAINING = ("fit_classifier(model, your_recipe, images, labels)",)
"""The call that trains, as :mod:`gsmooth_core.results.next_step` writes it for a recipe that it does not know."""


def from_first_format(content: dict[str, Any]) -> dict[str, Any]:
    """Content of format 1, converted; it had no ``theorem`` and ``tries``, and ``tried`` was called ``anchors``."""
    try:
        run, certificates = content["run"], content["certificates"]
        theorem = run["certifier"].partition("(")[0].removesuffix("Certifier").lower()
        tries = "outputs" if theorem == "enumeration" else "anchors"
        renamed = [
            {"tried": one["anchors"], **{name: value for name, value in one.items() if name != "anchors"}}
            for one in certificates
        ]
        return from_second_format(
            {**content, "run": {**run, "theorem": theorem, "tries": tries}, "certificates": renamed}
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("its values are not those of a report") from error


def from_second_format(content: dict[str, Any]) -> dict[str, Any]:
    """Content of format 2, converted; it had no names of classes, no wall time, and no calls that train."""
    added = {"class_names": [], "wall_seconds": None, "training": [*TRAINING]}
    if known := sorted(added.keys() & content.keys()):
        raise ValueError(f"must not hold {', '.join(known)}")
    return {**content, **added}
