"""Zoom blur against scipy's affine maps and zooms, and a public implementation of CIFAR-10-C."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from gsmooth_plugin_zoomblur import DiscreteZoomBlur, ZoomBlur
from scipy.ndimage import affine_transform, zoom
from scipy.spatial.distance import cdist

from gsmooth_core import get_corruption

CONTINUOUS, DISCRETE = ZoomBlur(), DiscreteZoomBlur()
REGION = get_corruption("zoomblur:discrete").region(None, (1, 28, 28))
TYPES = [(torch.float32, 1e-6), (torch.float64, 1e-11)]


def enlarged(image: np.ndarray, factor: float) -> np.ndarray:
    """One channel enlarged about its centre, bilinear: each pixel looks up where it came from."""
    centre = (np.array(image.shape) - 1) / 2
    return affine_transform(image, np.eye(2) / factor, offset=centre - centre / factor, order=1, mode="nearest")


def clipped_zoom(image: np.ndarray, factor: float) -> np.ndarray:
    """One channel cut to its middle, enlarged by scipy, and trimmed evenly."""
    cut = [math.ceil(size / factor) for size in image.shape]
    top, left = ((size - kept) // 2 for size, kept in zip(image.shape, cut, strict=True))
    larger = zoom(image[top : top + cut[0], left : left + cut[1]], factor, order=1)
    top, left = ((new - size) // 2 for size, new in zip(image.shape, larger.shape, strict=True))
    return larger[top : top + image.shape[0], left : left + image.shape[1]]


def check(transformation, expected, shape, largest, dtype, tolerance):
    """Compare ``apply`` on a batch with a function of one channel and its parameter."""
    images = torch.rand(len(largest), *shape, generator=torch.Generator().manual_seed(1), dtype=dtype)
    parameters = torch.tensor(largest, dtype=dtype).view(-1, 1)
    blurred = transformation.apply(images, parameters)
    for image, result, (s,) in zip(images.double().numpy(), blurred.double().numpy(), parameters.tolist(), strict=True):
        for before, after in zip(image, result, strict=True):
            assert np.abs(after - expected(before, s)).max() < tolerance


@pytest.mark.parametrize(("dtype", "tolerance"), TYPES)
@pytest.mark.parametrize("shape", [(1, 12, 9), (3, 20, 31), (1, 1, 9), (3, 9, 1), (1, 2, 2)])
def test_equals_the_mean_of_eleven_affine_maps_by_scipy(shape, dtype, tolerance):
    def expected(image, s):
        return np.mean([enlarged(image, 1 + s * node / 10) for node in range(11)], axis=0)

    check(CONTINUOUS, expected, shape, [0.03, 0.2, 0.5, 2.0], dtype, tolerance)


@pytest.mark.parametrize(("dtype", "tolerance"), TYPES)
@pytest.mark.parametrize("step", [0.01, 0.02, 0.07])
@pytest.mark.parametrize("shape", [(1, 12, 9), (3, 20, 31), (1, 32, 28)])
def test_equals_the_mean_of_clipped_zooms_by_scipy(shape, step, dtype, tolerance):
    def expected(image, s):
        return np.mean([image, *(clipped_zoom(image, factor) for factor in np.arange(1, 1 + s, step))], axis=0)

    largest = [0.003, 3.5 * step, 9.5 * step, 14.5 * step]
    check(DiscreteZoomBlur(step=step), expected, shape, largest, dtype, tolerance)


def test_large_zooms_are_trimmed_evenly():
    def expected(image, s):
        return np.mean([image, image, *(clipped_zoom(image, factor) for factor in (1.8, 2.6))], axis=0)

    assert zoom(np.ones((math.ceil(24 / 2.6), math.ceil(23 / 2.6))), 2.6).shape == (26, 23)  # a row from each side
    check(DiscreteZoomBlur(step=0.8), expected, (1, 24, 23), [1.9], torch.float64, 1e-11)
    check(DiscreteZoomBlur(step=0.8), expected, (3, 23, 24), [1.9], torch.float64, 1e-11)


@pytest.mark.parametrize("step", [0.01, 0.02, 0.03])
def test_level_rises_as_the_zoom_exceeds_a_multiple_of_the_step(step):
    discrete, multiples = DiscreteZoomBlur(step=step), step * torch.arange(1, 31, dtype=torch.float64)[:, None]
    assert discrete.level(multiples + 1e-9, 28, 28).tolist() == list(range(1, 31))
    assert discrete.level(multiples - 1e-9, 28, 28).tolist() == list(range(30))
    assert discrete.level(torch.zeros(1, 1), 28, 28).tolist() == [0]


@pytest.mark.parametrize(("step", "count"), [(0.01, 50), (0.02, 25)])
def test_a_half_holds_as_many_images_as_steps(step, count):
    representatives = DiscreteZoomBlur(step=step).representatives(REGION, 28, 28)
    assert representatives.shape == (count, 1)
    assert np.abs(representatives[:, 0].numpy() - step * np.arange(count)).max() < 1e-12


@pytest.mark.parametrize("step", [0.01, 0.02])
def test_ten_thousand_zooms_give_the_images_of_the_representatives(step):
    discrete = DiscreteZoomBlur(step=step)
    image = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    representatives = discrete.representatives(REGION, 16, 16)
    known = discrete.apply(image.expand(len(representatives), -1, -1, -1), representatives).flatten(1)
    zooms = torch.linspace(REGION.lower[0], REGION.upper[0], 10_000, dtype=torch.float64)[:, None]
    scan = torch.cat([discrete.apply(image.expand(len(part), -1, -1, -1), part) for part in zooms.split(1_000)])
    apart = cdist(scan.flatten(1), known, "chebyshev")
    assert apart.min(axis=1).max() < 1e-12  # every scanned image is known
    assert apart.min(axis=0).max() < 1e-12  # every known image was scanned
    assert cdist(known[:1], known).max() > 1  # and they are not all alike


@pytest.fixture(scope="module")
def recorded():
    """Written by scripts/record_fixtures.py."""
    with np.load(Path(__file__).with_name("fixtures.npz")) as archive:
        return dict(archive)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 2e-6), (torch.float64, 1e-7)])
@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("kind", ["grey", "colour"])
def test_images_equal_the_recorded_severities(recorded, kind, severity, dtype, tolerance):
    """The recorded result is float32. Severity 1 has 7 zooms and so on, for that is what numpy makes of 1.06."""
    assert recorded["counts"].tolist() == [7, 12, 16, 21, 26]
    largest = float(recorded["counts"][severity - 1]) * 0.01 - 0.005
    image = torch.from_numpy(recorded[kind]).to(dtype).div(255).view(1, 32, 32, -1).permute(0, 3, 1, 2)
    blurred = DISCRETE.apply(image, torch.tensor([[largest]], dtype=dtype))[0]
    expected = recorded[f"blurred_{kind}"][severity - 1].reshape(32, 32, -1).transpose(2, 0, 1)
    assert np.abs(blurred.numpy() - expected).max() < tolerance


def test_recipes():
    for name, transformation in (("zoomblur", CONTINUOUS), ("zoomblur:discrete", DISCRETE)):
        recipe = get_corruption(name)
        assert recipe.transformation == transformation
        assert recipe.default_radius((1, 28, 28)) == recipe.default_radius((3, 32, 32)) == 0.5
