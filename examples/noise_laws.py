"""Noise distributions compared
============================

The certified accuracy over the variance of a Gaussian blur, a curve for each noise distribution of one standard
deviation.

    python examples/noise_laws.py --out laws.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

from gsmooth_core import Budget, NoiseComparison, certify_noises, load_example_model


def main(out: Path, limit: int = 20, samples: int = 1_000, device: str = "cpu") -> NoiseComparison:
    """Certify the example model on ``limit`` bundled images under each distribution, and draw the curves to ``out``."""
    budget = Budget(samples=samples)
    comparison = certify_noises(load_example_model(), "gaussianblur", limit=limit, budget=budget, device=device)
    comparison.summary()
    figure = comparison.plot().get_figure(root=True)
    assert figure is not None
    figure.savefig(out)
    return comparison


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, default=20)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, default=Path("laws.png"))
    options = parser.parse_args()
    main(options.out, options.limit, device=options.device)
