"""Cut the bundled subset of Fashion-MNIST from Debian's package ``dataset-fashion-mnist``.

    apt-get install dataset-fashion-mnist && python scripts/cut_fashion_mnist.py

The result is the same bit for bit on every run.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

SOURCE = Path("/usr/share/datasets/fashion-mnist")
TARGET = Path(__file__).parents[1] / "gsmooth_core" / "data" / "fashion_mnist.npz"
PER_CLASS = {"train": 400, "test": 100}


def read_idx(path: Path, header: int) -> np.ndarray:
    """The bytes of an idx file after its header: uint8 (count · size,)."""
    return np.frombuffer(gzip.decompress(path.read_bytes()), dtype=np.uint8, offset=header)


def main() -> None:
    """Draw ``PER_CLASS`` images of each class from each split, shuffle them, and write one compressed file."""
    arrays = {}
    generator = np.random.default_rng(2022)
    for split, prefix in (("train", "train"), ("test", "t10k")):
        images = read_idx(SOURCE / f"{prefix}-images-idx3-ubyte.gz", header=16).reshape(-1, 28, 28)
        labels = read_idx(SOURCE / f"{prefix}-labels-idx1-ubyte.gz", header=8)
        chosen = [generator.permutation(np.flatnonzero(labels == label))[: PER_CLASS[split]] for label in range(10)]
        order = generator.permutation(np.concatenate(chosen))
        arrays[f"{split}_images"], arrays[f"{split}_labels"] = images[order], labels[order]
    TARGET.parent.mkdir(exist_ok=True)
    np.savez_compressed(TARGET, **arrays)
    print(f"{TARGET}: {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
