"""Attack a model, then its certificates
=====================================

The worst Gaussian blur that a search finds for the plain model, certificates of the smoothed one, and an attempt to
break each of them.

    python examples/attack_and_verify.py --limit 5
"""

from __future__ import annotations

import argparse

from gsmooth_core import (
    AttackBudget,
    AttackReport,
    Budget,
    Verification,
    attack,
    certify,
    load_example_model,
    load_fashion_mnist,
    verify,
)


def main(limit: int, calls: int = 300) -> tuple[AttackReport, Verification]:
    """Attack ``limit`` bundled images with ``calls`` calls each, certify them, and attack the certificates."""
    model, (images, labels) = load_example_model(), load_fashion_mnist("test")
    attacked = attack(model, "gaussianblur", images, labels, limit=limit, budget=AttackBudget(calls=calls))
    attacked.summary()
    report = certify(model, "gaussianblur", images, labels, limit=limit, budget=Budget(samples=1_000))
    report.summary()
    verification = verify(report, model, images, budget=AttackBudget(calls=calls, confirm=1_000))
    verification.summary()
    return attacked, verification


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, default=5)
    parser.add_argument("--calls", type=int, default=300)
    options = parser.parse_args()
    main(options.limit, options.calls)
