"""Names of corruptions that were asked for and are not installed: which one was meant, and how to get it."""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches

PUBLISHED = (
    "brightness",
    "brightnesscontrast",
    "contrast",
    "defocus",
    "gaussianblur",
    "motionblur",
    "pixelate",
    "rotation",
    "rotationalblur",
    "scaling",
    "translation",
    "zoomblur",
)
"""The corruptions that this project publishes as gsmooth-plugin-NAME. A test compares them with its folder plugins/."""

OTHER_NAMES = {
    "blur": "gaussianblur",
    "defocusblur": "defocus",
    "diskblur": "defocus",
    "radialblur": "rotationalblur",
    "resize": "scaling",
    "rotate": "rotation",
    "scale": "scaling",
    "shift": "translation",
    "spinblur": "rotationalblur",
    "translate": "translation",
    "zoom": "scaling",
}
"""What others call a corruption, in small letters only, and its name here."""

MISSING = (
    "elastictransform",
    "fog",
    "frost",
    "gaussiannoise",
    "glassblur",
    "impulsenoise",
    "jpegcompression",
    "saturate",
    "shotnoise",
    "snow",
    "spatter",
    "specklenoise",
)
"""The corruptions of CIFAR-10-C that have no counterpart here, in small letters only."""
AGAIN = ". If a plugin of yours has it, install that again: its entry points are read only then"
ALIKE = 0.75
"""How alike two names must be, from 0 to 1, for one to be a misspelling of the other."""


def advice_on(name: str, installed: Collection[str]) -> str:
    """The next step for somebody who asks for a corruption that no installed plugin provides.

    It names a package only for corruptions that this project publishes.

    >>> advice_on("defocus_blur:discrete", ["defocus"])
    "Did you mean 'defocus:discrete'?"
    >>> advice_on("zoom-blur", [])
    "Did you mean 'zoomblur'? Install it: pip install gsmooth-plugin-zoomblur, or in a clone of gsmooth pip install \
./plugins/zoomblur"
    >>> advice_on("jpeg_compression", ["defocus"])
    'gsmooth has no such corruption. To write it: gsmooth new jpegcompression'
    """
    entry, colon, variant = name.partition(":")
    word = re.sub(r"[\W_]+", "", entry.lower())
    known = {re.sub(r"[\W_]+", "", other.lower()): other for other in (*PUBLISHED, *installed)}
    meant = known.get(word) or OTHER_NAMES.get(word)
    if meant is None:
        begun = [key for key in known if known[key] in installed and min(len(key), len(word)) >= 4]
        begun = [key for key in begun if key.startswith(word) or word.startswith(key)]
        meant = known[begun[0]] if begun else None
    if meant is None and word not in MISSING:
        alike = get_close_matches(word, known, n=1, cutoff=ALIKE)
        meant = known[alike[0]] if alike else None
    if meant is None:
        none = "gsmooth has no such corruption." if word in MISSING else "Check the name."
        again = AGAIN * (word not in MISSING)
        return none + f" To write it: gsmooth new {word}{again}" * bool(re.fullmatch("[a-z][a-z0-9]*", word))
    question = f"Did you mean {meant + colon + variant!r}?" if meant != entry else ""
    if meant in installed:
        return question
    package = f"pip install gsmooth-plugin-{meant}, or in a clone of gsmooth pip install ./plugins/{meant}"
    return f"{question} Install it: {package}".strip()
