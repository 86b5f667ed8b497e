"""Scaling against numpy's repetition and scipy's affine maps."""

import numpy as np
import pytest
import torch
from gsmooth_plugin_scaling import Scaling
from scipy.ndimage import affine_transform

from gsmooth_core import Region, get_corruption

SCALING = Scaling()


def enlarged(image: np.ndarray, factor: float) -> np.ndarray:
    """One channel enlarged about its centre: each pixel looks up, bilinearly, where it came from in a black frame."""
    frame = 3
    padded = np.pad(image, frame)
    centre = (np.array(padded.shape) - 1) / 2
    result = affine_transform(padded, np.eye(2) / factor, offset=centre - centre / factor, order=1, mode="constant")
    return result[frame:-frame, frame:-frame]


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-7), (torch.float64, 1e-11)])
@pytest.mark.parametrize("shape", [(1, 12, 9), (3, 20, 31), (1, 28, 28), (1, 1, 9), (3, 9, 1), (1, 2, 2), (1, 1, 1)])
def test_equals_scipys_affine_map_in_black(shape, dtype, tolerance):
    parameters = torch.tensor([-0.9, -0.3, -0.02, 0.001, 0.3, 1.0, 9.0], dtype=dtype)[:, None]
    images = torch.rand(len(parameters), *shape, generator=torch.Generator().manual_seed(1), dtype=dtype)
    scaled = SCALING.apply(images, parameters).double().numpy()
    for image, result, s in zip(images.double().numpy(), scaled, parameters[:, 0].tolist(), strict=True):
        for before, after in zip(image, result, strict=True):
            assert np.abs(after - enlarged(before, 1 + s)).max() < tolerance


def test_three_times_as_large_shows_the_middle_with_the_pixels_between_on_lines():
    image = torch.rand(1, 1, 13, 13, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    scaled = SCALING.apply(image, torch.tensor([[2.0]]))
    assert np.abs((scaled[..., ::3, ::3] - image[..., 4:9, 4:9]).numpy()).max() < 1e-12
    assert (
        np.abs((scaled[..., 1::3, ::3] - (2 * image[..., 4:8, 4:9] + image[..., 5:9, 4:9]) / 3).numpy()).max() < 1e-12
    )


def test_half_as_large_takes_every_other_pixel_and_black():
    image = torch.rand(1, 1, 13, 9, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    expected = np.pad(image[0, 0, ::2, ::2].numpy(), ((3, 3), (2, 2)))
    assert np.abs(SCALING.apply(image, torch.tensor([[-0.5]]))[0, 0].numpy() - expected).max() < 1e-12


def test_recipe():
    recipe = get_corruption("scaling")
    assert recipe.transformation == SCALING
    assert recipe.default_radius((1, 28, 28)) == recipe.default_radius((3, 32, 32)) == 0.3
    assert recipe.region(0.2, (1, 28, 28)) == Region(-0.2, 0.2)
    with pytest.raises(ValueError, match=r"-0\.9\.\.9 ratio"):
        recipe.region(0.95, (1, 28, 28))
