"""Translation against numpy's roll and pad, and the list of all whole steps."""

import itertools
import math

import numpy as np
import pytest
import torch
from gsmooth_plugin_translation import BlackTranslation, Translation
from scipy.spatial.distance import cdist

from gsmooth_core import Region, get_corruption

CIRCULAR, BLACK = Translation(), BlackTranslation()
STEPS = [(0, 0), (1, 0), (0, 1), (-2, 3), (5, -4), (8, 11), (-9, -12), (40, -3), (-70, 70)]


def moved_in_black(image: np.ndarray, dx: int, dy: int) -> np.ndarray:
    """The window of the image's size, on the image in a wide black frame."""
    height, width = image.shape[-2:]
    frame = max(abs(dx), abs(dy))
    padded = np.pad(image, ((0, 0), (frame, frame), (frame, frame)))
    return padded[:, frame - dy : frame - dy + height, frame - dx : frame - dx + width]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(1, 12, 9), (3, 20, 31)])
def test_equals_numpys_roll_and_pad(shape, dtype):
    images = torch.rand(len(STEPS), *shape, generator=torch.Generator().manual_seed(1), dtype=dtype)
    parameters = torch.tensor(STEPS, dtype=dtype)
    circular, black = CIRCULAR.apply(images, parameters).numpy(), BLACK.apply(images, parameters).numpy()
    for index, (image, (dx, dy)) in enumerate(zip(images.numpy(), STEPS, strict=True)):
        assert np.array_equal(circular[index], np.roll(image, (dy, dx), axis=(1, 2)))
        assert np.array_equal(black[index], moved_in_black(image, dx, dy))


def test_a_point_moves_to_the_right_and_down():
    image = torch.zeros(1, 1, 7, 6)
    image[0, 0, 2, 1] = 1
    for translation in (CIRCULAR, BLACK):
        assert translation.apply(image, torch.tensor([[3.0, 1.0]])).nonzero().tolist() == [[0, 0, 3, 4]]


def whole_points(radius: float) -> set[tuple[int, int]]:
    """All (dx, dy) at most ``radius`` px away."""
    reach = range(-math.floor(radius), math.floor(radius) + 1)
    return {(dx, dy) for dx, dy in itertools.product(reach, reach) if dx * dx + dy * dy <= radius**2}


@pytest.mark.parametrize("translation", [CIRCULAR, BLACK])
@pytest.mark.parametrize(("radius", "count"), [(0, 1), (1, 5), (2.5, 21), (8, 197), (20, 1257)])
def test_representatives_are_the_whole_points_of_the_ball(translation, radius, count):
    points = translation.representatives(translation.region(radius), 28, 28)
    assert len(points) == count
    assert set(map(tuple, points.int().tolist())) == whole_points(radius)
    assert bool((points.square().sum(dim=1).diff() >= 0).all())  # the nearest first


def test_representatives_of_a_lopsided_box():
    points = BLACK.representatives(Region((-1.5, 0), (2.2, 0.9)), 28, 28)
    assert sorted(points.tolist()) == [[-1, 0], [0, 0], [1, 0], [2, 0]]


@pytest.mark.parametrize("name", ["translation", "translation:black"])
def test_ten_thousand_steps_give_the_images_of_the_representatives(name):
    """Drawn in the ball, rounded, and kept where the rounded one lies in the ball."""
    recipe = get_corruption(name)
    region, translation = recipe.region(None, (1, 28, 28)), recipe.transformation
    image = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    drawn = translation.space.snap(region.sample(10_000, torch.Generator().manual_seed(4)).double())
    drawn = drawn[(drawn.square().sum(dim=1) <= 64)]
    assert len(drawn) > 9_000
    points = translation.representatives(region, 16, 16)
    known = translation.apply(image.expand(len(points), -1, -1, -1), points).flatten(1)
    scan = translation.apply(image.expand(len(drawn), -1, -1, -1), drawn).flatten(1)
    apart = cdist(scan, known, "chebyshev")
    assert apart.min(axis=1).max() == 0  # every scanned image is known
    assert apart.min(axis=0).max() == 0  # every known image was scanned
    assert (cdist(known, known, "chebyshev") == 0).sum() == (197 if name == "translation:black" else 201)


def test_recipes():
    for name, transformation in (("translation", CIRCULAR), ("translation:black", BLACK)):
        recipe = get_corruption(name)
        assert recipe.transformation == transformation
        assert recipe.default_radius((1, 28, 28)) == 8
        assert recipe.default_radius((3, 32, 32)) == 20
        assert recipe.region(3.0, (1, 28, 28)) == Region((-3, -3), (3, 3), norm="l2")
