"""Defocus against independent definitions: brute-force areas, scipy's correlation, dense scans of the enclosure."""

import math

import kornia
import numpy as np
import pytest
import torch
from gsmooth_plugin_defocus import Defocus, _disk_areas
from scipy.ndimage import correlate

from gsmooth_core import get_corruption, load_fashion_mnist

DEFOCUS = Defocus()


def areas_by_sampling(radius: float, reach: int, grid: int = 400) -> np.ndarray:
    """The share of each pixel's grid points that lie in the disk."""
    offsets = (np.arange(grid) + 0.5) / grid - 0.5
    position = (np.arange(-reach, reach + 1)[:, None] + offsets).ravel()
    inside = position[:, None] ** 2 + position**2 <= radius**2
    size = 2 * reach + 1
    return inside.reshape(size, grid, size, grid).mean(axis=(1, 3))


@pytest.mark.parametrize("radius", [0.5, 0.6, math.sqrt(0.5), 1.0, 1.5, 2.9, 5.0])
def test_areas_equal_sampling(radius):
    areas = _disk_areas(torch.tensor([radius], dtype=torch.float64), reach=6)[0]
    assert float(areas.sum()) == pytest.approx(math.pi * radius**2, rel=1e-12)
    assert np.abs(areas.numpy() - areas_by_sampling(radius, 6)).max() < 2e-3


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equals_scipy_with_half_sample_reflection(channels, dtype):
    images = torch.rand(3, channels, 12, 9, dtype=dtype)
    radii = [0.8, 2.3, 5.0]
    blurred = DEFOCUS.apply(images, torch.tensor(radii).view(-1, 1))
    assert blurred.dtype == dtype
    for image, result, radius in zip(images, blurred, radii, strict=True):
        kernel = areas_by_sampling(radius, 6, grid=200)
        for before, after in zip(image.double().numpy(), result.double().numpy(), strict=True):
            expected = correlate(before, kernel / kernel.sum(), mode="reflect")
            assert np.abs(after - expected).max() < 5e-4


def test_disks_larger_than_the_image_reflect_on():
    image = torch.rand(1, 1, 8, 8, dtype=torch.float64)
    kernel = areas_by_sampling(14.0, 14, grid=60)
    expected = correlate(image[0, 0].numpy(), kernel / kernel.sum(), mode="reflect")
    assert np.abs(DEFOCUS.apply(image, torch.tensor([[14.0]]))[0, 0].numpy() - expected).max() < 1e-3


def test_equals_kornias_filter_on_reflected_images():
    images = torch.rand(2, 3, 20, 24, dtype=torch.float64)
    kernel = _disk_areas(torch.tensor([3.7], dtype=torch.float64), reach=4)
    padded = torch.from_numpy(np.pad(images.numpy(), ((0, 0), (0, 0), (4, 4), (4, 4)), mode="symmetric"))
    expected = kornia.filters.filter2d(padded, kernel / kernel.sum(), padding="valid")
    assert torch.allclose(DEFOCUS.apply(images, torch.full((2, 1), 3.7, dtype=torch.float64)), expected, atol=1e-12)


def test_identity_is_exact_and_stays_to_half_a_pixel():
    images = torch.rand(3, 1, 28, 28)
    for radius in (0.0, 0.3, 0.5):
        assert torch.equal(DEFOCUS.apply(images, torch.full((3, 1), radius)), images)


def test_float32_stays_within_the_rounding_that_the_cover_allows():
    from gsmooth_core.certifiers.cover import ROUNDING

    images, radii = torch.rand(64, 1, 28, 28), 16 * torch.rand(64, 1)
    exact = DEFOCUS.apply(images.double(), radii.double())
    assert float((DEFOCUS.apply(images, radii).double() - exact).abs().max()) < ROUNDING / 5


def boxes(count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Boxes of every width, some of them across the half pixel where the disk begins to act."""
    width = 10 ** (-4 * torch.rand(count, 1, generator=generator).double()) * 5
    lower = torch.rand(count, 1, generator=generator).double() * (5 - width)
    return lower, lower + width


def test_enclosure_contains_dense_scans(enclose=DEFOCUS.enclose, scan=101):
    generator = torch.Generator().manual_seed(1)
    real, _ = load_fashion_mnist("test")
    images = torch.cat(
        [
            real[:80],
            torch.rand(20, 1, 28, 28, generator=generator),
            torch.rand(20, 1, 28, 28, generator=generator).round(),
            torch.randn(20, 1, 28, 28, generator=generator),
        ]
    ).double()
    lower, upper = boxes(len(images), generator)
    low, high = enclose(images, lower, upper)
    outside = 0
    for share in torch.linspace(0, 1, scan).tolist():
        blurred = DEFOCUS.apply(images, lower + share * (upper - lower))
        outside += int(((blurred < low - 1e-12) | (blurred > high + 1e-12)).sum())
    assert outside == 0


def test_a_halved_enclosure_is_caught():
    def halved(images, lower, upper):
        low, high = DEFOCUS.enclose(images, lower, upper)
        middle = (low + high) / 2
        return (low + middle) / 2, (high + middle) / 2

    with pytest.raises(AssertionError):
        test_enclosure_contains_dense_scans(enclose=halved, scan=5)


@pytest.mark.parametrize("share", [0.01, 0.001])
def test_enclosure_is_at_most_four_times_the_true_radius(share):
    images = load_fashion_mnist("test")[0][:100].double()
    lower = 0.5 + 4 * torch.rand(100, 1, dtype=torch.float64)
    width = 5 * share
    low, high = DEFOCUS.enclose(images, lower, lower + width)
    middle = DEFOCUS.apply(images, lower + width / 2)
    bound = torch.maximum(high - middle, middle - low).flatten(1).norm(dim=1)
    scan = [DEFOCUS.apply(images, lower + part * width) for part in torch.linspace(0, 1, 21).tolist()]
    true = torch.stack([(blurred - middle).flatten(1).norm(dim=1) for blurred in scan]).amax(dim=0)
    assert bool((bound >= true).all())
    assert float((bound / true).max()) < 4


def test_recipe():
    recipe = get_corruption("defocus")
    assert recipe.transformation == DEFOCUS
    assert recipe.default_radius((1, 28, 28)) == recipe.default_radius((3, 32, 32)) == 5
    with pytest.raises(ValueError, match="radius 0..16 px"):
        recipe.region(17.0, (1, 28, 28))
