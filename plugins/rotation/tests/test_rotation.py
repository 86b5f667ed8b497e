"""Rotation against numpy's quarter turns and scipy's affine maps."""

import numpy as np
import pytest
import torch
from gsmooth_plugin_rotation import Rotation
from scipy.ndimage import affine_transform

from gsmooth_core import Region, get_corruption

ROTATION = Rotation()


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
def test_equals_scipys_affine_map_in_black(shape, dtype, tolerance):
    angles = torch.tensor([-180.0, -50.0, -3.7, 0.01, 10.0, 90.0, 133.3], dtype=dtype)[:, None]
    images = torch.rand(len(angles), *shape, generator=torch.Generator().manual_seed(1), dtype=dtype)
    rotated = ROTATION.apply(images, angles).double().numpy()
    for image, result, degrees in zip(images.double().numpy(), rotated, angles[:, 0].tolist(), strict=True):
        for before, after in zip(image, result, strict=True):
            assert np.abs(after - turned(before, degrees)).max() < tolerance


@pytest.mark.parametrize("size", [9, 12])
def test_quarter_turns_are_numpys_anticlockwise_ones(size):
    image = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    for quarters in (-2, -1, 1, 2):
        rotated = ROTATION.apply(image, torch.tensor([[90.0 * quarters]], dtype=torch.float64))
        assert np.abs(rotated.numpy() - np.rot90(image.numpy(), quarters, axes=(2, 3))).max() < 1e-12


def test_a_white_image_fades_to_black_within_one_pixel():
    """In the corner of an image turned by 45° there is nothing, and no pixel is brighter or darker than the two."""
    rotated = ROTATION.apply(torch.ones(1, 1, 20, 20, dtype=torch.float64), torch.tensor([[45.0]]))[0, 0]
    assert float(rotated[0, 0]) == 0
    assert float(rotated[10, 10]) == pytest.approx(1, abs=1e-12)
    position = torch.arange(20, dtype=torch.float64) - 9.5
    beyond = (position[:, None].abs() + position.abs()) / 2**0.5 - 9.5  # the distance beyond the turned outer centres
    assert bool((rotated[beyond > 1] == 0).all())
    assert bool(((rotated > 0) & (rotated < 1 - 1e-9))[(beyond > 0.01) & (beyond < 0.99)].all())
    assert torch.allclose(rotated[beyond < 0], torch.ones(1, dtype=torch.float64), atol=1e-12)


def test_recipe():
    recipe = get_corruption("rotation")
    assert recipe.transformation == ROTATION
    assert recipe.default_radius((1, 28, 28)) == 50
    assert recipe.default_radius((3, 32, 32)) == 10
    assert recipe.region(7.0, (1, 28, 28)) == Region(-7, 7)
    with pytest.raises(ValueError, match=r"angle -180\.\.180 degrees"):
        recipe.region(181.0, (1, 28, 28))
