"""Discrete defocus against numpy's disks, scipy's correlation, and a public implementation of CIFAR-10-C."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from gsmooth_plugin_defocus import DiscreteDefocus
from scipy.ndimage import correlate
from scipy.spatial.distance import cdist, pdist

from gsmooth_core import get_corruption

DISCRETE = DiscreteDefocus()
REGION = get_corruption("defocus:discrete").region(None, (1, 28, 28))


def disk(radius: float) -> np.ndarray:
    """The kernel pixel by pixel: 1/count where a centre lies at most ``radius`` px away."""
    reach = math.ceil(radius)
    inside = [[i * i + j * j <= radius**2 for j in range(-reach, reach + 1)] for i in range(-reach, reach + 1)]
    return np.array(inside) / np.sum(inside)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-13)])
@pytest.mark.parametrize("shape", [(1, 12, 9), (3, 20, 31), (1, 5, 3)])
def test_equals_scipy_with_reflection_about_the_border_pixels(shape, dtype, tolerance):
    radii = [0.9, 1.0, 2.3, 2.9, 5.0, 7.7]
    images = torch.rand(len(radii), *shape, generator=torch.Generator().manual_seed(1), dtype=dtype)
    blurred = DISCRETE.apply(images, torch.tensor(radii, dtype=dtype).view(-1, 1))
    for image, result, radius in zip(images.double().numpy(), blurred.double().numpy(), radii, strict=True):
        for before, after in zip(image, result, strict=True):
            assert np.abs(after - correlate(before, disk(radius), mode="mirror")).max() < tolerance


def test_a_bright_point_becomes_the_disk():
    image = torch.zeros(2, 1, 13, 13, dtype=torch.float64)
    image[..., 6, 6] = 1
    radii = torch.tensor([[8.0 + 1e-9], [8.0 - 1e-9]], dtype=torch.float64).sqrt()  # with the corners and without
    with_corners, without = DISCRETE.apply(image, radii)[:, 0, 4:9, 4:9]
    assert torch.allclose(with_corners, torch.full((5, 5), 1 / 25, dtype=torch.float64), atol=1e-15)
    assert float(without[2, 2]) == pytest.approx(1 / 21, abs=1e-15)
    assert (without == 0).nonzero().tolist() == [[0, 0], [0, 4], [4, 0], [4, 4]]


def test_level_rises_where_the_square_of_the_radius_reaches_a_sum_of_two_squares():
    sums = sorted({i * i + j * j for i in range(17) for j in range(17) if i * i + j * j <= 256})
    assert sums[:6] == [0, 1, 2, 4, 5, 8]
    roots = torch.tensor(sums, dtype=torch.float64).sqrt()[:, None]
    assert DISCRETE.level(roots + 1e-9, 28, 28).tolist() == list(range(len(sums)))
    assert DISCRETE.level(roots[1:] - 1e-9, 28, 28).tolist() == list(range(len(sums) - 1))


def test_five_pixels_hold_fourteen_different_images():
    representatives = DISCRETE.representatives(REGION, 28, 28)
    assert representatives.shape == (14, 1)
    expected = np.sqrt([0, 1, 2, 4, 5, 8, 9, 10, 13, 16, 17, 18, 20, 25])
    assert np.abs(representatives[:, 0].numpy() - expected).max() < 1e-12
    image = torch.rand(1, 1, 28, 28, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    assert pdist(DISCRETE.apply(image.expand(14, -1, -1, -1), representatives).flatten(1)).min() > 0.01


def test_ten_thousand_radii_give_the_images_of_the_representatives():
    image = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    representatives = DISCRETE.representatives(REGION, 16, 16)
    known = DISCRETE.apply(image.expand(len(representatives), -1, -1, -1), representatives).flatten(1)
    radii = torch.linspace(REGION.lower[0], REGION.upper[0], 10_000, dtype=torch.float64)[:, None]
    scan = torch.cat([DISCRETE.apply(image.expand(len(part), -1, -1, -1), part) for part in radii.split(500)])
    apart = cdist(scan.flatten(1), known, "chebyshev")
    assert apart.min(axis=1).max() < 1e-12  # every scanned image is known
    assert apart.min(axis=0).max() < 1e-12  # every known image was scanned


@pytest.fixture(scope="module")
def recorded():
    """Written by scripts/record_fixtures.py."""
    with np.load(Path(__file__).with_name("fixtures.npz")) as archive:
        return dict(archive)


def test_disks_equal_the_recorded_ones(recorded):
    for kernel, radius in zip(recorded["kernels"], recorded["radii"], strict=True):
        image = torch.zeros(1, 1, 41, 41, dtype=torch.float64)  # so large that the border has no part in it
        image[0, 0, 20, 20] = 1
        ours = DISCRETE.apply(image, torch.tensor([[radius]]))[0, 0, 10:31, 10:31].numpy()
        assert np.abs(ours - kernel).max() < 1e-7  # the kernels are float32
        assert ((ours > 0) == (kernel > 0)).all()


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 2e-6), (torch.float64, 5e-7)])
@pytest.mark.parametrize("kind", ["grey", "colour"])
def test_images_equal_the_recorded_ones(recorded, kind, dtype, tolerance):
    """In the recording the kernel and the result were float32."""
    radii = torch.from_numpy(recorded["radii"])[:, None]
    image = torch.from_numpy(recorded[kind]).to(dtype).div(255).view(32, 32, -1).permute(2, 0, 1)
    blurred = DISCRETE.apply(image.expand(len(radii), -1, -1, -1), radii)
    expected = recorded[f"blurred_{kind}"].reshape(len(radii), 32, 32, -1).transpose(0, 3, 1, 2)
    assert np.abs(blurred.numpy() - expected).max() < tolerance


def test_recipe():
    recipe = get_corruption("defocus:discrete")
    assert recipe.transformation == DISCRETE
    assert recipe.default_radius((1, 28, 28)) == recipe.default_radius((3, 32, 32)) == 5
