"""``gsmooth corrupt``: the corruption benchmark from the command line. Importing this file imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.console import Console


def corrupt(
    *,
    model: str = "example",
    data: str = "fashion-mnist",
    limit: int | None = None,
    constants: Literal["cifar10c", "imagenetc"] = "cifar10c",
    corruptions: Annotated[list[str] | None, Parameter(consume_multiple=True, negative="")] = None,
    severities: Annotated[list[int] | None, Parameter(consume_multiple=True, negative="")] = None,
    smooth: str | None = None,
    samples: int = 100,
    npy: Path | None = None,
    seed: int = 0,
    device: str | None = None,
    out: Path | None = None,
) -> int:
    """Measure accuracy under the common corruptions of CIFAR-10-C or ImageNet-C, and print the table.

    Args:
        model: As for 'gsmooth certify'.
        data: The test split of fashion-mnist, idx:folder, cifar10:folder, cifar100:folder, folder:path or
            greyfolder:path.
        limit: Use the first so many images.
        constants: Strengths for 32 px (cifar10c) or for 224 px (imagenetc).
        corruptions: Among defocus_blur zoom_blur motion_blur pixelate gaussian_blur brightness contrast; default: all.
        severities: From 1 to 5; default: all.
        smooth: Judge the smoothed classifier of this installed corruption's recipe, in place of the model alone.
        samples: Votes for each of its answers.
        npy: Take the corrupted images from the published .npy files of CIFAR-10-C in this folder, also those of other
            corruptions; needs --data cifar10:folder.
        seed: Of the angles of motion blur and of the noise.
        device: Such as cpu or cuda; default: where the model is.
        out: The table as JSON; if the file exists and is of the same run, it is continued.
    """
    from gsmooth_core import load_images, measure_corruption_accuracy
    from gsmooth_core import smooth as smooth_model
    from gsmooth_core.cli.by_name import choose_model
    from gsmooth_core.common.validators import check_whole

    if limit is not None:
        check_whole("limit", limit, least=1)
    network = choose_model(model)
    images, labels = load_images(data, "test")
    table = measure_corruption_accuracy(
        network if smooth is None else smooth_model(network, smooth),
        images[:limit],
        labels[:limit],
        constants=constants,
        corruptions=corruptions,
        severities=range(1, 6) if severities is None else severities,
        samples=samples,
        folder=npy,
        seed=seed,
        device=device,
        out=out,
    )
    table.summary()
    if out is not None:
        Console().print(f"table: {out}", soft_wrap=True, markup=False)
    return 0
