"""Numbers, regions and error probabilities in words that claim no more than was proved."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from gsmooth_core.common.guarantee import Guarantee
from gsmooth_core.transformations.regions import Region


def number(value: float) -> str:
    """A number in full, for names of files and calls that must give it again.

    >>> number(5.0), number(2.9999996)
    ('5', '2.9999996')
    """
    return f"{value:g}" if float(f"{value:g}") == value else repr(value)


def rounded_down(value: float) -> str:
    """A number with at most six significant digits, so that no sentence says more than was proved up to it.

    >>> rounded_down(5.0), rounded_down(3.6055512754639896)
    ('5', '3.60555')
    """
    return shortened(value, 6, ROUND_FLOOR)


def rounded_up(value: float) -> str:
    """A number with at most six significant digits, for what is at most so much, or happens from there on.

    >>> rounded_up(0.001), rounded_up(3.6055512754639896)
    ('0.001', '3.60556')
    """
    return shortened(value, 6, ROUND_CEILING)


def counted(count: int, noun: str) -> str:
    """A number of things.

    >>> counted(1, "image"), counted(1_000, "image")
    ('1 image', '1,000 images')
    """
    return f"{count:,} {noun}{'s' * (count != 1)}"


def seconds_words(seconds: float) -> str:
    """A time in seconds, short, and never 0 for a time that is not.

    >>> seconds_words(0.00431), seconds_words(26.94), seconds_words(3605.2), seconds_words(0)
    ('0.0043', '26.9', '3,605', '0')
    """
    if seconds < 1:
        return f"{seconds:.2g}"
    return f"{seconds:,.1f}" if seconds < 1_000 else f"{seconds:,.0f}"


def spans(region: Region, names: tuple[str, ...], units: tuple[str, ...]) -> list[str]:
    """The intervals of a region in words, one per parameter, rounded inwards to six digits.

    >>> from gsmooth_core import Box
    >>> spans(Box(-0.6931471805599453, 8), ("contrast",), ("log gain",))
    ['contrast from -0.693147 to 8 log gain']
    """
    ends = zip(names, region.lower, region.upper, units, strict=True)
    return [
        f"{name} from {shortened(low, 6, ROUND_CEILING)} to {shortened(high, 6, ROUND_FLOOR)} {unit}"
        for name, low, high, unit in ends
    ]


def region_words(region: Region, names: tuple[str, ...], units: tuple[str, ...], between: str = ", ") -> str:
    """A region in words: its intervals as :func:`spans` gives them, and its kind if it is not a box.

    >>> from gsmooth_core import Ellipsoid
    >>> region_words(Ellipsoid((-3, -3), (3, 3)), ("dx", "dy"), ("px", "px"))
    'dx from -3 to 3 px, dy from -3 to 3 px (ℓ2 ball)'
    """
    return between.join(spans(region, names, units)) + (f" ({region.words})" if region.words else "")


def error_probability_words(guarantee: Guarantee, alpha: float) -> str:
    """The error probability of a certificate with that guarantee, in words.

    >>> error_probability_words(Guarantee.ESTIMATE, 0.001)
    'error probability at most 0.001 if the estimate holds'
    """
    if guarantee is Guarantee.EXACT:
        return "no error probability"
    return f"error probability at most {rounded_up(alpha)}" + " if the estimate holds" * (
        guarantee is Guarantee.ESTIMATE
    )


def shortened(value: float, digits: int, rounding: str) -> str:
    """The number with ``digits`` significant digits, rounded by ``rounding`` (unchanged if it has no more digits).

    >>> shortened(2.34567, 3, ROUND_FLOOR)
    '2.34'
    """
    exact = Decimal(repr(float(value)))
    if exact.is_zero() or not exact.is_finite():
        return f"{value:g}"
    step = Decimal(1).scaleb(exact.adjusted() + 1 - digits)
    return f"{float(exact.quantize(step, rounding=rounding)):.{digits}g}"
