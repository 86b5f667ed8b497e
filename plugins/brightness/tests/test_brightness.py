"""Brightness against numpy's sum."""

import numpy as np
import pytest
import torch
from gsmooth_plugin_brightness import Brightness

from gsmooth_core import Region, get_corruption

BRIGHTNESS = Brightness()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(1, 12, 9), (3, 20, 31)])
def test_equals_numpys_sum_without_clipping(shape, dtype):
    images = torch.rand(4, *shape, generator=torch.Generator().manual_seed(1), dtype=dtype)
    parameters = torch.tensor([[-1.7], [-0.2], [0.3], [2.5]], dtype=dtype)
    brighter = BRIGHTNESS.apply(images, parameters).numpy()
    expected = np.stack([image + b for image, b in zip(images.numpy(), parameters[:, 0].numpy(), strict=True)])
    assert np.array_equal(brighter, expected)
    assert brighter.min() < -0.5  # the parameters reach beyond 0 and 1, so a clipped sum would differ
    assert brighter.max() > 1.5


def test_region_is_symmetric():
    assert BRIGHTNESS.region(0.4) == Region(-0.4, 0.4)


def test_recipe():
    recipe = get_corruption("brightness")
    assert recipe.transformation == BRIGHTNESS
    assert recipe.default_radius((1, 28, 28)) == 0.5
    assert recipe.default_radius((3, 32, 32)) == 0.4
