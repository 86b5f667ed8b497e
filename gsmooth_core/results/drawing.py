"""How curves are drawn with matplotlib (extra ``report``), in colours that survive colour-blindness."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Literal

import attrs

from gsmooth_core.common.guarantee import Guarantee
from gsmooth_core.results.rates import Rate
from gsmooth_core.results.run import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Dashes = Literal["solid", "dashed", "dashdot", "dotted"]

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
"""Okabe and Ito (2008), the lightest ones last: everybody can distinguish them."""
DASHES: tuple[Dashes, ...] = ("solid", "dashed", "dashdot", "dotted")
"""Lines differ in these too, so that they can be distinguished in black-and-white print."""
STEPS = 500
"""The largest number of steps, roughly, with which a curve is drawn."""
FLAT = "flat: certified without maximize=True"
"""What a picture says about a curve that may lie too low."""

Curve = tuple[tuple[float, Rate], ...]


@attrs.frozen
class Style:
    """How the curve of one report looks."""

    colour: str
    dashes: Dashes

    @staticmethod
    def of(number: int) -> Style:
        """The style of report number ``number``; the first 28 styles are all different."""
        return Style(COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)])


def new_axes(width: float = 6.4, height: float = 3.6) -> Axes:
    """Axes on a new figure of that size in inches, outside pyplot: no window opens, and nothing needs closing.

    ``ValueError``, if matplotlib is missing.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ValueError("pictures need matplotlib, which is not installed; pip install 'gsmooth-core[report]'") from (
            error
        )
    axes = Figure(figsize=(width, height), layout="constrained").add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def picture_of(axes: Axes, kind: str, dpi: float | Literal["figure"] = "figure") -> bytes:
    """The figure of these axes as a "png", "svg" or "pdf", the same bytes for the same figure."""
    import matplotlib as mpl

    figure, content = axes.get_figure(root=True), BytesIO()
    assert figure is not None
    dates: dict[str, dict[str, None]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    with mpl.rc_context({"svg.hashsalt": "gsmooth"}):
        figure.savefig(content, format=kind, dpi=dpi, metadata=dates.get(kind))
    return content.getvalue()


def radius_words(run: Run) -> str:
    """The radius with its units, each once; without units if a region does not go from 0 or −radius to the radius.

    For example, a contrast of radius 0.5 is a log gain from ln 0.5 to ln 1.5.
    """
    plain = all(
        high == run.radius and low in (0, -high) for low, high in zip(run.region.lower, run.region.upper, strict=True)
    )
    return f"radius ({', '.join(dict.fromkeys(run.units))})" if plain else "radius"


def marked(name: str, guarantee: Guarantee) -> str:
    """The name of certificates, with a mark if they are estimates, so that unproved results are always marked."""
    mark = " (estimate)"
    return name if guarantee is not Guarantee.ESTIMATE or name.endswith(mark) else name + mark


def thinned(curve: Curve) -> Curve:
    """A curve of about ``STEPS`` steps at most, nowhere above the given one: the later of two kept steps counts."""
    every = -(-len(curve) // STEPS)
    return (*curve[: len(curve) - 1 : every], curve[-1])


def draw_curves(
    run: Run,
    curves: Sequence[tuple[str, Curve]],
    axes: Axes | None = None,
    styles: Sequence[Style] | None = None,
    *,
    flat: bool = False,
) -> Axes:
    """Curves of that run's corruption by name, with pointwise 95 % bands; ``flat``: one of them may lie too low."""
    axes = new_axes() if axes is None else axes
    styles = styles_of(len(curves)) if styles is None else styles
    curves = [(name, thinned(curve)) for name, curve in curves]
    for style, (_, curve) in zip(styles, curves, strict=True):
        radii = [radius for radius, _ in curve]
        rates = [[100 * value for value in (rate.value, rate.low, rate.high)] for _, rate in curve]
        values, lows, highs = (list(column) for column in zip(*rates, strict=True))
        axes.step(radii, values, where="pre", color=style.colour, linestyle=style.dashes)
        axes.fill_between(radii, lows, highs, step="pre", color=style.colour, alpha=0.15, linewidth=0)
    axes.set(xlabel=radius_words(run), ylabel="certified accuracy (%)", ylim=(0, 100))
    axes.set_xlim(0, max(curve[-1][0] for _, curve in curves) or 1)
    if flat:
        axes.text(0.01, 0.02, FLAT, transform=axes.transAxes, fontsize="small", color="0.4")
    add_names(axes, run.corruption, [name for name, _ in curves], styles)
    return axes


def styles_of(count: int) -> list[Style]:
    """A style for each of ``count`` curves."""
    return [Style.of(number) for number in range(count)]


def add_names(axes: Axes, title: str, names: list[str], styles: Sequence[Style]) -> None:
    """Write title and legend; names are shown literally, not as mathematics, and also if they begin with "_"."""
    from matplotlib.lines import Line2D

    axes.set_title(title, loc="left", parse_math=False)
    lines = [Line2D([], [], color=style.colour, linestyle=style.dashes) for style in styles]
    shown = [f"\u200b{name}" if name.startswith("_") else name or " " for name in names]
    legend = axes.legend(lines, shown, frameon=False)
    for text in legend.get_texts():
        text.set_parse_math(False)
