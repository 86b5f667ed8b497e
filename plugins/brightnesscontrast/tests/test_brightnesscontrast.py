"""Brightness and contrast together against numpy, and the law by which two of them are one."""

import math

import numpy as np
import pytest
import torch
from gsmooth_plugin_brightnesscontrast import BrightnessContrast

from gsmooth_core import get_corruption

BOTH = BrightnessContrast()


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 2e-6), (torch.float64, 1e-14)])
@pytest.mark.parametrize("shape", [(1, 12, 9), (3, 20, 31)])
def test_equals_numpys_sum_and_product_in_this_order(shape, dtype, tolerance):
    """Gains are given as plain numbers; the tolerance is for their logarithms' rounding."""
    images = torch.rand(4, *shape, generator=torch.Generator().manual_seed(1), dtype=dtype)
    gains, brightness = np.array([0.5, 0.8, 1.5, 3.0]), np.array([-0.4, 0.9, 0.1, -0.7])
    parameters = torch.from_numpy(np.stack([np.log(gains), brightness], axis=1)).to(dtype)
    results = BOTH.apply(images, parameters).double().numpy()
    for image, result, gain, b in zip(images.double().numpy(), results, gains, brightness, strict=True):
        assert np.abs(result - gain * (image + b)).max() < tolerance
    assert results.min() < -1  # the results reach beyond 0 and 1, so clipped ones would differ
    assert results.max() > 1.2


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-13)])
def test_two_are_one(dtype, tolerance, compose=BOTH.compose):
    generator = torch.Generator().manual_seed(2)
    images = torch.rand(50, 3, 12, 9, generator=generator, dtype=dtype)
    outer, inner = (torch.rand(50, 2, generator=generator, dtype=dtype) - 0.5 for _ in range(2))
    twice, once = BOTH.apply(BOTH.apply(images, inner), outer), BOTH.apply(images, compose(outer, inner))
    assert float((twice - once).abs().max()) < tolerance


@pytest.mark.parametrize(
    "wrong",
    [
        lambda outer, inner: outer + inner,
        lambda outer, inner: BOTH.compose(inner, outer),
        lambda outer, inner: inner + outer / BOTH.scale(inner),
    ],
    ids=["without the stretch", "in the other order", "stretched the other way"],
)
def test_another_composition_is_caught(wrong):
    with pytest.raises(AssertionError):
        test_two_are_one(torch.float64, 1e-3, compose=wrong)


def test_composition_of_plain_numbers():
    """First + 0.1, then times 2; next + 0.3, then times 5: in all 10 (x + 0.1 + 0.3/2)."""
    inner, outer = torch.tensor([[math.log(2), 0.1]]), torch.tensor([[math.log(5), 0.3]])
    assert torch.allclose(BOTH.compose(outer, inner), torch.tensor([[math.log(10), 0.25]]))


def test_scale_stretches_the_brightness_alone():
    parameters = torch.tensor([[0.0, 7.0], [math.log(4), -1.0], [-math.log(2), 0.0]], dtype=torch.float64)
    expected = torch.tensor([[1.0, 1.0], [1.0, 0.25], [1.0, 2.0]], dtype=torch.float64)
    assert torch.allclose(BOTH.scale(parameters), expected, rtol=1e-14)


def test_region_holds_the_gains_around_one_and_both_signs_of_brightness():
    region = BOTH.region(0.4)
    assert np.exp(region.lower[0]) == pytest.approx(0.6, rel=1e-12)
    assert np.exp(region.upper[0]) == pytest.approx(1.4, rel=1e-12)
    assert (region.lower[1], region.upper[1], region.kind) == (-0.4, 0.4, "box")
    with pytest.raises(ValueError, match="below 1"):
        BOTH.region(1.0)


def test_recipe():
    recipe = get_corruption("brightnesscontrast")
    assert recipe.transformation == BOTH
    assert recipe.default_radius((1, 28, 28)) == 0.5
    assert recipe.default_radius((3, 32, 32)) == 0.4
