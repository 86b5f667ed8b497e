"""``gsmooth figure augmented``. Importing this file imports no torch."""

from __future__ import annotations

import attrs
from cyclopts import Parameter

from gsmooth_core.cli.printing import say_where
from gsmooth_core.cli.shared_options import CorruptionName, FirstImageOptions, ImagesName, NewFile, SavedFile


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class ShownImageOptions(FirstImageOptions):
    """Which images are drawn.

    Attributes:
        data: As for 'gsmooth certify'; default: the bundled Fashion-MNIST test images.
        limit: How many images to draw, from the first on.
    """

    data: ImagesName | None = None
    limit: int | None = 6


def augmented(
    corruption: CorruptionName,
    /,
    *,
    out: NewFile,
    shown: ShownImageOptions = ShownImageOptions(),
    surrogate: SavedFile | None = None,
    parameter_std: float | None = None,
    latent_std: float | None = None,
    seed: int = 0,
    device: str = "cpu",
) -> int:
    """Draw unchanged images, the same under pixel noise, and under the noise of the corruption or the surrogate.

    Args:
        corruption: Name, or name:variant, of an installed corruption; see 'gsmooth plugins'.
        out: The picture, ending in .png, .svg or .pdf.
        shown: See ShownImageOptions.
        surrogate: Show what the decoder of this .safetensors file of 'gsmooth fit surrogate' gives under noise.
        parameter_std: Noise on the parameters, in their unit; default: the surrogate's. Without one, the corruption
            itself is shown under such noise.
        latent_std: Noise in the latent layer, or on the pixels; default: the surrogate's or the recipe's.
        seed: Of all noise.
        device: Such as cpu or cuda.
    """
    from gsmooth_core import draw_noisy_images, get_corruption, plot_images
    from gsmooth_core.cli.named_inputs import choose_images, choose_smoothing
    from gsmooth_core.datasets.inputs import gather
    from gsmooth_core.figures.shared import check_figure, save_figure
    from gsmooth_core.models.devices import check_device

    check_figure(out)
    place, recipe = check_device(device), get_corruption(corruption)
    if surrogate is not None:
        recipe = attrs.evolve(recipe, smoothing=choose_smoothing(corruption, surrogate, parameter_std, latent_std))
    given = choose_images(shown)
    images = gather(given.get("images"), None, given.get("dataset"), shown.limit, None).images.to(place)
    rows = draw_noisy_images(recipe, images, parameter_std=parameter_std, latent_std=latent_std, seed=seed)
    save_figure(plot_images(rows), out)
    say_where("figure", out)
    return 0
