"""Shards of one run
=================

One shard of a long run, which continues where it was stopped; and all shards, merged into one report.

    python examples/shards.py --shards 2 --shard 0 --out shards
    python examples/shards.py --shards 2 --shard 1 --out shards
    python examples/shards.py --shards 2 --merge --out shards
"""

from __future__ import annotations

import argparse
from pathlib import Path

from gsmooth_core import Budget, Report, certify, load_example_model


def main(shard: int, shards: int, out: Path, limit: int = 20, samples: int = 10_000, device: str = "cpu") -> Report:
    """Certify every ``shards``-th of ``limit`` bundled images under Gaussian blur, from ``shard`` on, into ``out``."""
    out.mkdir(parents=True, exist_ok=True)
    report = certify(
        load_example_model(),
        "gaussianblur",
        limit=limit,
        indices=range(shard, limit, shards),
        budget=Budget(samples=samples),
        device=device,
        out=out / f"shard{shard}.json",
    )
    report.summary()
    return report


def merge(shards: int, out: Path) -> Report:
    """All ``shards`` reports of ``out`` as one, saved beside them; ``ValueError`` if one is missing."""
    whole = Report.merge(*(Report.load(out / f"shard{shard}.json") for shard in range(shards)))
    whole.save(out / "report.json")
    whole.summary()
    return whole


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shard", type=int, default=0)
    parser.add_argument("--shards", type=int, default=2)
    parser.add_argument("--merge", action="store_true")
    parser.add_argument("--limit", type=int, default=20)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, default=Path("shards"))
    options = parser.parse_args()
    if options.merge:
        merge(options.shards, options.out)
    else:
        main(options.shard, options.shards, options.out, options.limit, device=options.device)
