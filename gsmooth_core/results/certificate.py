"""What was proved about one image."""

from __future__ import annotations

import attrs
from attrs.validators import optional

from gsmooth_core.common.guarantee import Guarantee
from gsmooth_core.common.validators import amount, is_a, points, whole
from gsmooth_core.transformations.region import holds_all
from gsmooth_core.transformations.regions import Region


@attrs.frozen
class Certificate:
    """What was proved about one image.

    A certificate that contradicts itself cannot be made (``ValueError``). ``index``: the image's place in the data.
    ``predicted``: the smoothed classifier's class on the unchanged image, ``None`` if it abstains;
    ``base_predicted``: the plain model's. ``correct``: whether ``predicted`` is the ``label`` (``None`` without a
    label). ``certified``: whether the prediction is constant on the whole region asked for, whatever the label.
    ``region``: the region that is proved (``None``: none), and ``radius`` the largest r whose
    ``transformation.region(r)`` lies inside it (``None``: none does, or it is not known). ``guarantee``: how much the
    certificate promises. ``claim``: the sentence that it proves. ``alpha``: an upper bound of the probability that the
    claim is wrong (for an estimate: if its assumption holds), 0 for an exact one. ``samples``: the number of draws.
    ``tried``: the number of anchors, outputs or whatever the run ``tries``. ``witness``: a parameter of the region at
    which the answer is known to differ. ``seconds``: time taken.
    """

    index: int = attrs.field(validator=whole())
    label: int | None = attrs.field(validator=optional(whole()))
    predicted: int | None = attrs.field(validator=optional(whole()))
    base_predicted: int = attrs.field(validator=whole())
    certified: bool = attrs.field(validator=is_a(bool))
    region: Region | None = attrs.field(validator=optional(is_a(Region)))
    radius: float | None = attrs.field(validator=optional(amount()))
    guarantee: Guarantee = attrs.field(validator=is_a(Guarantee))
    claim: str
    alpha: float = attrs.field(validator=amount())
    samples: int = attrs.field(validator=whole())
    tried: int = attrs.field(validator=whole())
    witness: tuple[float, ...] | None = attrs.field(validator=optional(points()))
    seconds: float = attrs.field(validator=amount())
    image_hash: str

    def __attrs_post_init__(self) -> None:
        fault = _contradiction(self)
        if fault is not None:
            raise ValueError(f"the certificate of image {self.index} {fault}")

    @property
    def correct(self) -> bool | None:
        """Whether the prediction is the label; ``None`` without a label."""
        return None if self.label is None else self.predicted == self.label


def _contradiction(one: Certificate) -> str | None:
    if one.region is None and one.certified:
        return "says that it is certified, but proves no region"
    if one.region is None and one.radius is not None:
        return f"has the radius {one.radius:g}, but proves no region"
    if one.region is not None and one.predicted is None:
        return "proves a region, but predicts no class"
    if one.region is not None and one.witness is not None and holds_all(one.region, [one.witness]):
        return f"proves a region that holds its witness, at {one.witness}"
    if (one.guarantee is Guarantee.EXACT) != (one.alpha == 0):
        return f"is called {one.guarantee.value}, but has the error probability {one.alpha:g}"
    if one.guarantee is Guarantee.EXACT and one.samples > 0:
        return f"is called exact, but rests on {one.samples:,} random draws"
    return None
