"""Rotational blur against scipy's affine maps."""

import numpy as np
import pytest
import torch
from gsmooth_plugin_rotationalblur import RotationalBlur
from scipy.ndimage import affine_transform

from gsmooth_core import Region, get_corruption

BLUR = RotationalBlur()


def turned(image: np.ndarray, degrees: float) -> np.ndarray:
    """One channel turned anticlockwise: each pixel looks up, bilinearly, where it came from in a black frame."""
    radians, frame = np.deg2rad(degrees), 3
    back = np.array([[np.cos(radians), np.sin(radians)], [-np.sin(radians), np.cos(radians)]])  # rows downward, columns
    padded = np.pad(image, frame)
    centre = (np.array(padded.shape) - 1) / 2
    result = affine_transform(padded, back, offset=centre - back @ centre, order=1, mode="constant")
    return result[frame:-frame, frame:-frame]


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-7), (torch.float64, 1e-11)])
@pytest.mark.parametrize("shape", [(1, 12, 9), (3, 20, 31), (1, 28, 28), (1, 1, 9), (3, 9, 1), (1, 2, 2), (1, 1, 1)])
def test_equals_the_mean_of_eleven_affine_maps_by_scipy(shape, dtype, tolerance):
    angles = torch.tensor([0.01, 3.7, 10.0, 77.0, 180.0], dtype=dtype)[:, None]
    images = torch.rand(len(angles), *shape, generator=torch.Generator().manual_seed(1), dtype=dtype)
    blurred = BLUR.apply(images, angles).double().numpy()
    for image, result, degrees in zip(images.double().numpy(), blurred, angles[:, 0].tolist(), strict=True):
        for before, after in zip(image, result, strict=True):
            expected = np.mean([turned(before, part) for part in np.linspace(0, degrees, 11)], axis=0)
            assert np.abs(after - expected).max() < tolerance


def test_a_bright_point_smears_anticlockwise():
    """Turned by 90° in steps of 9°, the point on the right goes up to the top, and nowhere below the middle."""
    image = torch.zeros(1, 1, 21, 21, dtype=torch.float64)
    image[0, 0, 10, 18] = 11
    smeared = BLUR.apply(image, torch.tensor([[90.0]]))[0, 0]
    assert float(smeared[10, 18]) == pytest.approx(1, abs=1e-12)
    assert float(smeared[2, 10]) == pytest.approx(1, abs=1e-12)
    assert bool((smeared[12:] == 0).all())
    assert bool((smeared[:, :9] == 0).all())


def test_recipe():
    recipe = get_corruption("rotationalblur")
    assert recipe.transformation == BLUR
    assert recipe.default_radius((1, 28, 28)) == recipe.default_radius((3, 32, 32)) == 10
    assert recipe.region(7.0, (1, 28, 28)) == Region(0, 7)
    with pytest.raises(ValueError, match=r"angle 0\.\.180 degrees"):
        recipe.region(181.0, (1, 28, 28))
