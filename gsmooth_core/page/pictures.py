"""The pictures of a page, each as a ``data:`` address: curves, histograms, strips of corrupted images."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR
from io import BytesIO
from typing import TYPE_CHECKING

import attrs
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate
from torchvision.transforms.functional import to_pil_image
from torchvision.utils import make_grid

from gsmooth_core.common.fingerprints import image_hash
from gsmooth_core.corruption import Corruption
from gsmooth_core.page.contents import OUTCOMES, Entry, Section, outcome
from gsmooth_core.results.certificate import Certificate
from gsmooth_core.results.drawing import Style, new_axes, picture_of
from gsmooth_core.results.identity import identified_map
from gsmooth_core.results.plots import plot_curves, plot_radii
from gsmooth_core.results.report import Report
from gsmooth_core.results.wording import shortened
from gsmooth_core.transformations.parameter_space import ParameterSpace

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TILES, STRIPS, PER_ROUND = 9, 8, 2
"""Pictures in a strip; strips of a corruption; and how many strips of each outcome are taken in turn."""
LARGEST, EXACT_UP_TO = 96, 64
"""Sizes in px: larger images are shown with the first width, in JPEG; up to the second size unchanged, in PNG."""
THUMB, THUMBS = 28, 200
"""The side of the small pictures beside a curve, in px, and their largest number."""
POINTS = 401


@attrs.frozen
class Chart:
    """A picture of axes that end at these shares of its width and height; ``most`` is the radius at the right end."""

    address: str
    left: float
    right: float
    top: float
    bottom: float
    most: float


@attrs.frozen
class Bar:
    """How far one certificate reaches along a strip.

    ``start`` and ``end`` are shares of the way from the strip's first picture to its last, ``None`` if nothing is
    certified. ``breaks`` are parameters, in words, at which the answer is known to differ, and ``marks`` their places
    on the way, if there is only one parameter.
    """

    entry: Entry
    certificate: Certificate
    start: float | None
    end: float | None
    breaks: tuple[str, ...]
    marks: tuple[float, ...]


@attrs.frozen
class Strip:
    """An image over the whole region, from ``first`` to ``last`` in words, and a bar for each report about it."""

    index: int
    label: str | None
    address: str
    exact: bool
    first: str
    last: str
    worst: str
    bars: tuple[Bar, ...]


@attrs.frozen
class Thumbs:
    """Small pictures side by side in one; ``places`` has the place of each image hash in it."""

    address: str
    places: dict[str, int]


def curves(section: Section) -> Chart:
    """Certified accuracy over the radius."""
    return _chart(section, plot_curves)


def histogram(section: Section) -> Chart:
    """Certified radii."""
    return _chart(section, plot_radii)


def _chart(section: Section, plot: Callable[[Mapping[str, Report], Axes, Sequence[Style]], Axes]) -> Chart:
    """What ``plot`` draws of the section's reports, as an SVG: the same bytes for the same data."""
    import matplotlib as mpl

    reports = {entry.label: entry.report for entry in section.charted}
    axes = plot(reports, new_axes(4.8, 3.3), [entry.style for entry in section.charted])
    axes.set_title("", loc="left")  # the section's heading has the title
    with mpl.rc_context({"svg.fonttype": "none", "font.family": "sans-serif"}):
        content = picture_of(axes, "svg")
    box = axes.get_position()
    return Chart(
        _address("svg+xml", content),
        float(box.x0),
        float(box.x1),
        1 - float(box.y1),
        1 - float(box.y0),
        float(axes.get_xlim()[1]),
    )


def check_images_of(reports: Sequence[Report], images: Tensor) -> None:
    """Raise ``ValueError`` unless the images (count, channel, height, width) are those of all reports."""
    if images.shape[1] not in (1, 3):
        raise ValueError(f"pictures have one channel or three, not {images.shape[1]}; leave the images out")
    for report in reports:
        for one in report.certificates:
            if one.index >= len(images) or image_hash(images[one.index]) != one.image_hash:
                raise ValueError(
                    f"image {one.index} is not the one of the report on {report.run.corruption}; give all images that "
                    "were certified, in order, or none"
                )


def strips(section: Section, recipe: Corruption, images: Tensor) -> list[Strip]:
    """The images with the worst outcomes, over the region asked for; ``ValueError`` if the corruption has changed."""
    transformation, named = recipe.transformation, identified_map(recipe.transformation)
    for entry in section.entries:
        if entry.report.run.transformation != named:
            raise ValueError(
                f"{recipe.name!r} is now {named}, but {entry.report.run.transformation} was certified; leave the "
                "images out, or certify again"
            )
    region = max(
        (entry.report.run.region for entry in section.entries), key=lambda one: sum(one.upper) - sum(one.lower)
    )
    space = transformation.space
    steps, walk = space.walk(region, TILES), space.walk(region, POINTS)
    made = []
    for index in _chosen(section):
        image = images[index]
        pictures = transformation.apply(image.expand(TILES, -1, -1, -1).float(), steps).clamp(0, 1)
        address, exact = _picture(pictures)
        bars = tuple(
            _bar(entry, one, space, walk)
            for entry in section.entries
            for one in entry.report.certificates
            if one.index == index
        )
        worst = min((outcome(bar.certificate) for bar in bars), key=OUTCOMES.index)
        label = next(
            (bar.entry.report.class_words(bar.certificate.label) for bar in bars if bar.certificate.label is not None),
            None,
        )
        ends = (space.words(steps[0].tolist()), space.words(steps[-1].tolist()))
        made.append(Strip(index, label, address, exact, *ends, worst, bars))
    return made


def thumbs(reports: Sequence[Report], images: Tensor) -> Thumbs:
    """The first images of the reports, small."""
    places: dict[str, int] = {}
    for report in reports:
        for one in report.certificates:
            if len(places) < THUMBS:
                places.setdefault(one.image_hash, one.index)
    small = interpolate(images[list(places.values())].float(), size=(THUMB, THUMB), mode="bilinear", antialias=True)
    row = make_grid(small.clamp(0, 1), nrow=len(small), padding=0)
    return Thumbs(_jpeg(to_pil_image(row.cpu())), {hash_: place for place, hash_ in enumerate(places)})


def _chosen(section: Section) -> list[int]:
    """Places of images, by their worst outcome: a few of each outcome, then the rest."""
    worst: dict[int, str] = {}
    for entry in section.entries:
        for one in entry.report.certificates:
            found = outcome(one)
            if OUTCOMES.index(found) < OUTCOMES.index(worst.setdefault(one.index, found)):
                worst[one.index] = found
    by_outcome = [[index for index, found in worst.items() if found == name] for name in OUTCOMES]
    rounds = (several[start : start + PER_ROUND] for start in range(0, len(worst), PER_ROUND) for several in by_outcome)
    chosen = [index for several in rounds for index in several][:STRIPS]
    return sorted(chosen, key=lambda index: (OUTCOMES.index(worst[index]), index))


def _bar(entry: Entry, certificate: Certificate, space: ParameterSpace, walk: Tensor) -> Bar:
    """Where along a walk of ``POINTS`` parameters (POINTS, dimension) the certificate's region begins and ends."""
    start = end = None
    if certificate.region is not None and certificate.predicted is not None:
        inside = certificate.region.contains(walk).nonzero().flatten().tolist()
        start, end = inside[0] / (POINTS - 1), inside[-1] / (POINTS - 1)
    found = [] if certificate.witness is None else [certificate.witness]
    for attack in entry.attacks:
        one = next(one for one in attack.images if one.index == certificate.index)
        if attack.run.smoothing == entry.report.run.smoothing and one.predicted not in (None, certificate.predicted):
            found.append(one.parameter)
    if certificate.predicted is None:
        found = []
    breaks = dict.fromkeys(_words(parameter, space) for parameter in found)
    marks = [(walk[:, 0] - parameter[0]).abs().argmin().item() / (POINTS - 1) for parameter in found]
    return Bar(entry, certificate, start, end, tuple(breaks), tuple(sorted(set(marks))) if space.dimension == 1 else ())


def _words(parameter: Sequence[float], space: ParameterSpace) -> str:
    """A parameter with six digits, rounded away from the identity: outwards, as what is certified is inwards."""
    values = zip(space.names, parameter, space.identity, space.units, strict=True)
    return ", ".join(
        f"{name} {shortened(value, 6, ROUND_CEILING if value >= identity else ROUND_FLOOR)} {unit}"
        for name, value, identity, unit in values
    )


def _picture(pictures: Tensor) -> tuple[str, bool]:
    """A row of pictures (count, channel, height, width), and whether its pixels are the images' own."""
    exact = pictures.shape[-1] <= EXACT_UP_TO
    if not exact:
        height = max(1, round(pictures.shape[-2] * LARGEST / pictures.shape[-1]))
        pictures = interpolate(pictures, size=(height, LARGEST), mode="bilinear", antialias=True)
    row = to_pil_image(torch.cat(list(pictures), dim=-1).cpu())
    if not exact:
        return _jpeg(row), exact
    content = BytesIO()
    row.save(content, format="PNG", optimize=True)
    return _address("png", content.getvalue()), exact


def _jpeg(picture: Image.Image) -> str:
    content = BytesIO()
    picture.save(content, format="JPEG", quality=85, optimize=True)
    return _address("jpeg", content.getvalue())


def _address(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{b64encode(content).decode('ascii')}"
