"""The severities of CIFAR-10-C and ImageNet-C, as numbers. Importing this file imports no torch."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

LEVELS = 5
"""Severities go from 1 to this."""
CONSTANTS: dict[str, dict[str, tuple[tuple[float, ...], ...]]] = {
    "cifar10c": {
        "defocus_blur": ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1)),
        "zoom_blur": ((1.06, 0.01), (1.11, 0.01), (1.16, 0.01), (1.21, 0.01), (1.26, 0.01)),
        "motion_blur": ((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5)),
        "pixelate": ((0.95,), (0.9,), (0.85,), (0.75,), (0.65,)),
        "gaussian_blur": ((0.4,), (0.6,), (0.7,), (0.8,), (1,)),
        "brightness": ((0.05,), (0.1,), (0.15,), (0.2,), (0.3,)),
        "contrast": ((0.75,), (0.5,), (0.4,), (0.3,), (0.15,)),
    },
    "imagenetc": {
        "defocus_blur": ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5)),
        "zoom_blur": ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03)),
        "motion_blur": ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15)),
        "pixelate": ((0.6,), (0.5,), (0.4,), (0.3,), (0.25,)),
        "gaussian_blur": ((1,), (2,), (3,), (4,), (6,)),
        "brightness": ((0.1,), (0.2,), (0.3,), (0.4,), (0.5,)),
        "contrast": ((0.4,), (0.3,), (0.2,), (0.1,), (0.05,)),
    },
}
"""By benchmark, corruption and severity: the arguments, after the images, of its function in ``common_corruptions``."""


def check_names(names: Iterable[str], constants: str) -> None:
    """Raise ``ValueError`` unless every corruption is one of the benchmark, and the constants are."""
    if constants not in CONSTANTS:
        raise ValueError(f"there are no constants {constants!r}; use {' or '.join(CONSTANTS)}")
    known = CONSTANTS[constants]
    for name in names:
        if name not in known:
            alike = get_close_matches(str(name).lower(), known, n=1, cutoff=0.7)
            meant = f"did you mean {alike[0]!r}? U" if alike else "u"
            raise ValueError(f"the benchmark here has no corruption {name!r}; {meant}se {', '.join(known)}")
