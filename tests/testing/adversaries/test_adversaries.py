"""Hostile classifiers: each breaks the program as it was, and none a certificate of the program as it is."""

import pytest
import torch
from old_program import old

from gsmooth_core import NoSmoothing, get_corruption, list_corruptions, load_fashion_mnist
from gsmooth_core.plugins.registry import corruptions_of
from gsmooth_core.testing.adversaries import ADVERSARIES, QUICK, Reader, attempt, images, views
from gsmooth_core.testing.adversaries.adversary import Reading, coin

BY_NAME = {adversary.name: adversary for adversary in ADVERSARIES}
QUARTER, CONSTANT, FLOATS = "below 1/4", "constant", "neighbouring floats"
BROKE = {
    "parity of 2**-24": [("zoomblur", "below 1")],
    "parity of 2**-25": [("defocus", "below 1/2")],
    "parity of 2**-26": [
        (name, QUARTER) for name in ("defocus", "motionblur", "pixelate", "rotation", "scaling", "zoomblur")
    ],
    "parity of 2**-28": [("zoomblur", "below 1/16")],
    "coarse pixels": [("defocus", QUARTER)],
    "digit variance": [("motionblur", QUARTER)],
    "digit entropy": [("defocus", QUARTER)],
    "finest bit": [("defocus", QUARTER)],
    "possible for the attacked image": [("defocus", "bundled 0"), ("rotationalblur", "bundled 0")],
    "impossible for the clean image": [("defocus", QUARTER)],
    "half-space": [("gaussianblur", CONSTANT)],
    "order of pixels": [("gaussianblur", CONSTANT)],
    "orbit": [(name, "bundled 0") for name in ("brightness", "contrast", "brightnesscontrast")]
    + [("gaussianblur", QUARTER)],
    "exact sum": [("gaussianblur", "bundled 0")],
    "sum above least": [("gaussianblur", CONSTANT)],
    "sum over largest": [("contrast", "bytes at random")],
    "sum of squares": [("gaussianblur", CONSTANT)],
    "least": [("gaussianblur", CONSTANT)],
    "largest": [("gaussianblur", CONSTANT)],
    "median": [("gaussianblur", CONSTANT)],
    "equal neighbours": [("contrast", FLOATS)],
    "distinct values": [("brightness", FLOATS)],
    "last digit of one pixel": [("gaussianblur", CONSTANT)],
    "xor of words": [("contrast", FLOATS)],
    "sum of bytes": [("contrast", FLOATS)],
    "polynomial of words": [("contrast", FLOATS)],
    "parity of odd pixels": [("pixelate", QUARTER)],
    "residue of the grid": [("gaussianblur", CONSTANT)],
}
"""What each broke before noise lay on a grid, and noise hid the rounding of two maps in a row: recipe and image."""
FOR_THE_GRID = {
    "parity of 2**-20",
    "parity of 2**-23",
    "exact zeros",
    "parity of the grid",
    "off the grid",
    "half steps of the grid",
}
"""Those that had nothing to read then: they are for the noise as it is."""
NOISY = [
    recipe
    for info in list_corruptions()
    for recipe in corruptions_of(info.name)
    if not isinstance(recipe.smoothing, NoSmoothing)
]


def image_of(kind):
    return images.IMAGES[kind](load_fashion_mnist("test")[0])


def test_every_adversary_broke_the_old_program_or_says_what_it_is_for():
    assert len(BY_NAME) == len(ADVERSARIES) >= 12
    assert set(BROKE) | set(FOR_THE_GRID) == set(BY_NAME)
    assert not set(BROKE) & set(FOR_THE_GRID)


@pytest.mark.parametrize(("name", "recipe", "kind"), [(name, *case) for name, cases in BROKE.items() for case in cases])
def test_it_breaks_the_old_program(name, recipe, kind):
    trial = attempt(BY_NAME[name], old(get_corruption(recipe)), image_of(kind), parameters=3, draws=1_000)
    assert trial.false


@pytest.mark.parametrize("recipe", ["defocus", "gaussianblur"])
@pytest.mark.parametrize("adversary", ADVERSARIES, ids=lambda adversary: adversary.name)
def test_it_breaks_no_certificate(adversary, recipe):
    trial = attempt(adversary, get_corruption(recipe), image_of("below 1/4"), parameters=6, draws=200)
    assert trial.false == ()


@pytest.mark.slow
@pytest.mark.parametrize("kind", [QUARTER, "colours of bundled 1"])
@pytest.mark.parametrize("recipe", NOISY, ids=lambda recipe: recipe.name)
def test_none_breaks_a_recipe(recipe, kind):
    """``benchmarks/adversaries.py`` tries all on more images, at more parameters, with more draws."""
    image, certificates = image_of(kind), 0
    for adversary in QUICK:
        trial = attempt(adversary, recipe, image, parameters=6, draws=200)
        certificates += trial.region is not None
        assert trial.false == (), adversary.name
    assert certificates >= 1


@pytest.mark.parametrize("adversary", ADVERSARIES, ids=lambda adversary: adversary.name)
def test_it_is_a_function_of_the_image(adversary):
    """Whatever the batch, and without a warning: else it would be refused, and tell nothing about the noise."""
    recipe = get_corruption("brightness")
    clean = image_of("bundled 0")
    attacked = recipe.transformation.apply(clean[None], torch.tensor([[0.1]]))[0]
    model = adversary.against(clean, attacked, recipe.smoothing).eval()
    batch = views(clean, recipe.smoothing, 64, seed=7)
    together = model(batch)
    assert together.shape == (64, 2)
    assert torch.equal(together, torch.cat([model(row[None]) for row in batch]))
    assert torch.equal(together.flip(0), model(batch.flip(0)))


class Share(Reader):
    """Sees the attacked image in a share of its views, by the first pixel's fraction."""

    name = "share"

    def __init__(self, share):
        self.share = share

    def reader(self, clean, attacked, smoothing):
        marked = attacked.mean() > clean.mean()
        return lambda images: ((images.mean((1, 2, 3)) > 0.5) & marked & (coin(2 * images) < self.share)).double()


@pytest.mark.parametrize("share", [0.2, 0.5, 0.95])
def test_a_leak_in_some_views_becomes_a_majority(share):
    """A share of 0.2 becomes frequencies of about 0.45 and 0.55; nearly all views are used as they are."""
    recipe = get_corruption("rotation")
    clean, attacked = torch.full((1, 28, 28), 0.25), torch.full((1, 28, 28), 0.75)
    model = Share(share).against(clean, attacked, recipe.smoothing)
    ones = [float(model(views(image, recipe.smoothing, 4_000, seed=8))[:, 1].mean()) for image in (clean, attacked)]
    print(share, ones)
    assert ones[0] < 0.48
    assert ones[1] > 0.52
    assert abs(ones[1] - ones[0]) > share / 3


def test_a_reading_that_tells_nothing_is_certified_and_tried():
    recipe = get_corruption("defocus")
    first_pixel = Reading(lambda images: images.flatten(1)[:, 0].double())
    trial = attempt(first_pixel, recipe, image_of("constant"), parameters=4, draws=100)
    assert trial.region is not None
    assert trial.tried == 4


def test_the_coin_is_fair_and_looks_at_every_bit():
    batch = torch.rand(4_000, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    tossed = coin(batch)
    assert abs(float(tossed.mean()) - 0.5) < 0.02
    assert abs(float((tossed < 0.1).double().mean()) - 0.1) < 0.02
    nudged = batch.clone()
    nudged[:, 0, 3, 3] = torch.nextafter(nudged[:, 0, 3, 3], torch.tensor(2.0))
    assert float((coin(nudged) != tossed).double().mean()) > 0.99
