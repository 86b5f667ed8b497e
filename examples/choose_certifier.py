"""One corruption, certified in three ways
=======================================

Defocus blur on the same images: every output of its discrete variant on the plain model (exact), the recipe's noise,
and less noise, which is easier for a classifier but needs more anchors.

    python examples/choose_certifier.py --limit 3
"""

from __future__ import annotations

import argparse

from gsmooth_core import (
    Budget,
    Comparison,
    IdentitySurrogate,
    LatentSmoothing,
    certify,
    compare,
    load_example_model,
)


def main(limit: int, radius: float = 2.0, samples: int = 500) -> Comparison:
    """Certify ``limit`` bundled images up to ``radius`` px in each way, and print the reports side by side."""
    model, budget = load_example_model(), Budget(samples=samples)
    less_noise = LatentSmoothing(IdentitySurrogate(), parameter_std=0.0, latent_std=0.1)
    comparison = compare(
        {
            "plain model": certify(model, "defocus:discrete", limit=limit, radius=radius),
            "recipe's noise": certify(model, "defocus", limit=limit, radius=radius, budget=budget),
            "less noise": certify(model, "defocus", limit=limit, radius=radius, budget=budget, smoothing=less_noise),
        }
    )
    comparison.summary()
    return comparison


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, default=3)
    parser.add_argument("--radius", type=float, default=2.0)
    options = parser.parse_args()
    main(options.limit, options.radius)
