"""What an attack achieved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import torch
from attrs.validators import optional
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from torch import Tensor

from gsmooth_core.attacks.budget import AttackBudget
from gsmooth_core.common.console import new_console
from gsmooth_core.common.json_records import load_record, save_record
from gsmooth_core.common.picture_files import save_picture
from gsmooth_core.common.validators import finite, is_a, points, whole
from gsmooth_core.corruption import Corruption
from gsmooth_core.datasets.checks import check_images
from gsmooth_core.results.agreement import check_distinct
from gsmooth_core.results.identity import identified, identified_map, used_versions
from gsmooth_core.results.rates import Rate
from gsmooth_core.results.run import check_axes
from gsmooth_core.results.wording import counted, region_words
from gsmooth_core.transformations.region import holds_all
from gsmooth_core.transformations.regions import Region

if TYPE_CHECKING:
    from gsmooth_core.classifiers.target import Target

FORMAT = "gsmooth attack 2"


@attrs.frozen
class Attacked:
    """The worst parameter that was found for one image.

    ``clean`` and ``predicted`` are the answers on the unchanged image and at ``parameter``, the worst one found, to be
    applied in float64 (``None``: the smoothed classifier abstains); ``margin`` is the label's lead at ``parameter``, in
    the classifier's own measure (logits, or shares of votes); ``calls`` is the number of model calls in the search.
    """

    index: int = attrs.field(validator=whole())
    label: int = attrs.field(validator=whole())
    clean: int | None = attrs.field(validator=optional(whole()))
    predicted: int | None = attrs.field(validator=optional(whole()))
    parameter: tuple[float, ...] = attrs.field(validator=points())
    margin: float = attrs.field(validator=finite())
    calls: int = attrs.field(validator=whole())
    image_hash: str

    @property
    def survives(self) -> bool:
        """Whether the label is answered on the unchanged image and at the worst parameter."""
        return self.clean == self.label == self.predicted


@attrs.frozen
class AttackRun:
    """Everything that decides what an attack finds about an image, so that it can be reproduced or resumed.

    ``classifier`` says in words what was attacked; ``plugin``, ``transformation``, ``model_hash`` and ``smoothing`` are
    as in :class:`Run`.
    """

    corruption: str
    plugin: str | None
    names: tuple[str, ...]
    units: tuple[str, ...]
    transformation: str
    region: Region
    method: str
    budget: AttackBudget
    classifier: str
    model_hash: str
    smoothing: str
    seed: int = attrs.field(validator=whole())
    device: str
    versions: dict[str, str]

    def __attrs_post_init__(self) -> None:
        check_axes(self.names, self.units, self.region)


def describe_run(
    recipe: Corruption,
    plugin: str | None,
    target: Target,
    model_hash: str,
    region: Region,
    method: str,
    budget: AttackBudget,
    seed: int,
) -> AttackRun:
    """Everything that decides what an attack finds."""
    return AttackRun(
        corruption=recipe.name,
        plugin=plugin,
        names=recipe.transformation.space.names,
        units=recipe.transformation.space.units,
        transformation=identified_map(recipe.transformation),
        region=region,
        method=method,
        budget=budget,
        classifier=target.name,
        model_hash=model_hash,
        smoothing=identified(target.smoothing),
        seed=seed,
        device=target.device.type,
        versions=used_versions(),
    )


@attrs.frozen
class AttackReport:
    """An attack on a set of images: how accurate the classifier is on the worst corruptions that were found.

    ``accuracy`` is the share of right answers. The accuracy in the true worst case is at most ``bound``, except for
    misleading votes, with an error probability of at most 0.001 per image, which the unchanged image and all finalists
    share equally. (A plain model does not vote.) ``exact`` says that every distinct output of the corruption was
    tried, on a plain model, so that ``accuracy`` is that of the true worst case. No image occurs twice, and all
    parameters lie in the run's region (otherwise ``ValueError``).
    """

    run: AttackRun
    exact: bool = attrs.field(validator=is_a(bool))
    images: tuple[Attacked, ...]

    def __attrs_post_init__(self) -> None:
        check_distinct(one.index for one in self.images)
        if not holds_all(self.run.region, [one.parameter for one in self.images]):
            raise ValueError(f"a parameter at which an image was attacked does not lie in {self.run.region}")

    @property
    def accuracy(self) -> Rate:
        """The share of images that are right on the unchanged image and at the worst parameter found."""
        return Rate.of(sum(one.survives for one in self.images), len(self.images))

    @property
    def bound(self) -> Rate:
        """The share of images for which no wrong answer was found: the answer is right, or the classifier abstains."""
        held = sum({one.clean, one.predicted} <= {None, one.label} for one in self.images)
        return Rate.of(held, len(self.images))

    @property
    def clean_accuracy(self) -> Rate:
        """The share of unchanged images that are right."""
        return Rate.of(sum(one.clean == one.label for one in self.images), len(self.images))

    @property
    def abstained(self) -> Rate:
        """The share of images that are right when unchanged, and on which the classifier abstains at the worst."""
        held = [one for one in self.images if one.clean == one.label]
        return Rate.of(sum(one.predicted is None for one in held), len(self.images))

    def summary(self, console: Console | None = None) -> None:
        """Print the table, to ``console`` or to standard output."""
        (console or new_console()).print(self)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        asked = region_words(self.run.region, self.run.names, self.run.units)
        title = f"{self.run.corruption}, attacked by {self.run.method}: {asked}; {counted(len(self.images), 'image')}"
        table = Table(title=title, show_header=False)
        table.add_column(style="bold")
        table.add_column(justify="right", overflow="fold")
        table.add_row("classifier", self.run.classifier)
        table.add_row("right as they are", str(self.clean_accuracy))
        table.add_row("right at the worst found" if not self.exact else "right at the worst", str(self.accuracy))
        table.add_row("abstained at the worst", str(self.abstained))
        table.add_row("not wrong at the worst: right, or abstained", str(self.bound))
        table.add_row(
            "calls of the model in the search, per image",
            f"{sum(one.calls for one in self.images) / len(self.images):,.0f}",
        )
        yield table

    def save(self, path: str | Path) -> None:
        """Write the report as JSON, in one step."""
        save_record(path, self, FORMAT)

    @staticmethod
    def load(path: str | Path) -> AttackReport:
        """The report that :meth:`save` wrote; ``ValueError`` for anything else, and for one that was edited."""
        return load_record(path, AttackReport, FORMAT, "attack report")

    def save_pictures(self, path: str | Path, recipe: Corruption, images: Tensor, most: int = 16) -> None:
        """Write a picture of the first ``most`` misclassified images: unchanged, and below at the worst parameter.

        ``path`` ends in .png or .jpg; ``images`` are those of the attack. ``ValueError`` if the attack made none
        misclassified, or if a misclassified one is not among ``images``.
        """
        fallen = [one for one in self.images if one.clean == one.label != one.predicted][:most]
        if not fallen:
            raise ValueError("no image was misclassified, so there is nothing to show; attack a larger region")
        images = check_images(images).float()
        if (last := max(one.index for one in fallen)) >= len(images):
            raise ValueError(
                f"image {last} was misclassified, but only {counted(len(images), 'image')} were given; pass all "
                "images of the attack, in order"
            )
        before = images[[one.index for one in fallen]]
        parameters = torch.tensor([one.parameter for one in fallen], dtype=torch.float64, device=images.device)
        after = recipe.transformation.apply(before, parameters)
        save_picture(path, torch.cat([before, after]).clamp(0, 1), columns=len(fallen))
