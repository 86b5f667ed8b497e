"""What several test files use."""

import math

import attrs

from gsmooth_core import (
    AdditiveTransformation,
    Budget,
    ParameterSpace,
    Region,
)

QUICK = Budget(select=50, samples=200)
DETERMINED = (
    "index",
    "label",
    "predicted",
    "certified",
    "region",
    "radius",
    "claim",
    "samples",
    "anchors",
    "image_hash",
)


def determined(report):
    """All of the certificates but the seconds."""
    return [[getattr(certificate, name) for name in DETERMINED] for certificate in report.certificates]


@attrs.frozen
class Strengthened(AdditiveTransformation):
    """Brightness with a setting of its own."""

    strength: float
    space = ParameterSpace(-math.inf, math.inf, 0, "brightness", "intensity")

    def region(self, radius):
        return Region(-radius, radius)

    def apply(self, images, parameters):
        return images + self.strength * parameters.view(-1, 1, 1, 1)
