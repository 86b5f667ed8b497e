"""The first certificate
=====================

A certificate of the bundled example model, the sentence that it proves, and the report around it.

    python examples/first_certificate.py --limit 20
"""

from __future__ import annotations

import argparse

from gsmooth_core import Report, certify, load_example_model


def main(limit: int, corruption: str = "zoomblur:discrete") -> Report:
    """Certify ``limit`` bundled test images, and print the first claim and the report."""
    report = certify(load_example_model(), corruption, limit=limit)
    print(report.certificates[0].claim)
    report.summary()
    return report


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, default=20)
    parser.add_argument("--corruption", default="zoomblur:discrete")
    options = parser.parse_args()
    main(options.limit, options.corruption)
