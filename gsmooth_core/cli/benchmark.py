"""``gsmooth benchmark``: accuracy at fixed strengths. Importing this file imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import attrs
from cyclopts import Parameter

from gsmooth_core.benchmark.severities import check_names
from gsmooth_core.cli.printing import say_where, warn
from gsmooth_core.cli.shared_options import CorruptionName, FirstImageOptions, ImagesName, ModelOptions, RunOptions


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class MeasuredImageOptions(FirstImageOptions):
    """Which images are corrupted.

    Attributes:
        data: As for 'gsmooth certify'; default: fashion-mnist, all bundled test images.
    """

    data: ImagesName | None = None


def benchmark(
    *,
    model: ModelOptions = ModelOptions(),
    images: MeasuredImageOptions = MeasuredImageOptions(),
    constants: Literal["cifar10c", "imagenetc"] = "cifar10c",
    corruptions: Annotated[list[str] | None, Parameter(consume_multiple=True, negative="")] = None,
    severities: Annotated[list[int] | None, Parameter(consume_multiple=True, negative="")] = None,
    smooth: CorruptionName | None = None,
    samples: int = 100,
    batch: int | None = None,
    npy: Path | None = None,
    run: RunOptions = RunOptions(),
) -> int:
    """Measure accuracy under the common corruptions of CIFAR-10-C or ImageNet-C, and print the table.

    Args:
        model: See ModelOptions.
        images: See MeasuredImageOptions.
        constants: Strengths for 32 px (cifar10c) or for 224 px (imagenetc).
        corruptions: Among defocus_blur zoom_blur motion_blur pixelate gaussian_blur brightness contrast; default: all.
        severities: From 1 to 5; default: all.
        smooth: Measure the smoothed classifier of this installed corruption's recipe, in place of the model alone.
        samples: Votes for each of its answers.
        batch: Images per call of the model; default: by the image's size.
        npy: Take the corrupted images from the published .npy files of CIFAR-10-C in this folder, also those of other
            corruptions; needs --data cifar10:folder.
        run: See RunOptions.
    """
    if npy is None and corruptions is not None:
        check_names(corruptions, constants)
    from gsmooth_core import measure_corruption_accuracy
    from gsmooth_core import smooth as smooth_model
    from gsmooth_core.cli.named_inputs import named_images
    from gsmooth_core.cli.named_models import choose_model
    from gsmooth_core.common.validators import check_whole
    from gsmooth_core.datasets.inputs import BUNDLED_NAME

    if images.limit is not None:
        check_whole("limit", images.limit, least=1)
    network = choose_model(model)
    if images.data is None and model.model != "example":
        warn("no images were given, so the bundled Fashion-MNIST test images are used; name yours with --data")
    table = measure_corruption_accuracy(
        network if smooth is None else smooth_model(network, smooth),
        **named_images(images, images.data or BUNDLED_NAME),
        limit=images.limit,
        constants=constants,
        corruptions=corruptions,
        severities=range(1, 6) if severities is None else severities,
        samples=samples,
        folder=npy,
        seed=run.seed,
        device=run.device,
        out=run.out,
        batch=batch,
    )
    table.summary()
    say_where("table", run.out)
    return 0
