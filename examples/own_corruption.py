"""Your own corruption
===================

Certify under a corruption that is passed as an object: no packaging, no entry point.

    python examples/own_corruption.py --limit 20
"""

from __future__ import annotations

import argparse
import math

import attrs
from torch import Tensor

from gsmooth_core import (
    AdditiveTransformation,
    Box,
    Corruption,
    Gaussian,
    ParameterNoise,
    ParameterSpace,
    Region,
    Report,
    ResolvableCertifier,
    certify,
    load_example_model,
)


@attrs.frozen
class Gamma(AdditiveTransformation):
    """``x^(e^g)``: a gamma correction by the log exponent g. Powers of powers multiply, so log exponents add up."""

    space = ParameterSpace(lower=-math.inf, upper=math.inf, identity=0, names="gamma", units="log exponent")

    def region(self, radius: float) -> Region:
        """Exponents from ``e^−radius`` to ``e^radius``."""
        return Box(-radius, radius)

    def transform(self, images: Tensor, parameters: Tensor) -> Tensor:
        """Images in [0, 1] (batch, channel, height, width), by log exponents (batch, 1)."""
        return images ** parameters.view(-1, 1, 1, 1).exp()


GAMMA = Corruption(
    name="gamma",
    transformation=Gamma(),
    smoothing=ParameterNoise(Gaussian(std=0.3)),
    certifier=ResolvableCertifier(),
    radius={(1, 28, 28): 0.2},
)


def main(limit: int) -> Report:
    """Certify the example model, which was never trained for this, on ``limit`` bundled images."""
    report = certify(load_example_model(), GAMMA, limit=limit)
    report.summary()
    return report


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, default=20)
    main(parser.parse_args().limit)
