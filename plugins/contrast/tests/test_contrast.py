"""Contrast against numpy's products."""

import math

import numpy as np
import pytest
import torch
from gsmooth_plugin_contrast import Contrast

from gsmooth_core import get_corruption

CONTRAST = Contrast()


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-14)])
@pytest.mark.parametrize("shape", [(1, 12, 9), (3, 20, 31)])
def test_equals_numpys_product_without_clipping(shape, dtype, tolerance):
    """Gains are given as the plain numbers ½, 0.8, 1.5 and 3; the tolerance is for their logarithms' rounding."""
    images = torch.rand(4, *shape, generator=torch.Generator().manual_seed(1), dtype=dtype) - 0.2
    gains = np.array([0.5, 0.8, 1.5, 3.0])
    results = CONTRAST.apply(images, torch.from_numpy(np.log(gains)[:, None]).to(dtype)).double().numpy()
    for image, result, gain in zip(images.double().numpy(), results, gains, strict=True):
        assert np.abs(result - image * gain).max() < tolerance
    assert results.min() < -0.5  # the results reach beyond 0 and 1, so a clipped product would differ
    assert results.max() > 2


@pytest.mark.parametrize("radius", [0.0, 0.4, 0.99])
def test_region_holds_the_gains_around_one(radius):
    region = CONTRAST.region(radius)
    assert math.exp(region.lower[0]) == pytest.approx(1 - radius, rel=1e-12)
    assert math.exp(region.upper[0]) == pytest.approx(1 + radius, rel=1e-12)


def test_no_region_holds_the_gain_zero():
    with pytest.raises(ValueError, match="below 1"):
        CONTRAST.region(1.0)


def test_recipe():
    recipe = get_corruption("contrast")
    assert recipe.transformation == CONTRAST
    assert recipe.default_radius((1, 28, 28)) == 0.5
    assert recipe.default_radius((3, 32, 32)) == 0.4
