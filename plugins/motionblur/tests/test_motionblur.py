"""Motion blur against lines cut into pieces and lines sampled densely, with scipy's correlation."""

import numpy as np
import pytest
import torch
from gsmooth_plugin_motionblur import MotionBlur
from scipy.ndimage import correlate

from gsmooth_core import Region, get_corruption

ANGLES = [0.0, 17.0, 45.0, 90.0, 120.0, -45.0, 180.0]


def direction(angle: float) -> np.ndarray:
    """One px along the line, as (rows downward, columns)."""
    return np.array([-np.sin(np.deg2rad(angle)), np.cos(np.deg2rad(angle))])


def line(length: float, angle: float, reach: int) -> np.ndarray:
    """The line's share in each pixel: cut where it crosses the pixels' edges, each piece put where its middle lies."""
    step, edges = direction(angle), np.arange(-reach - 0.5, reach + 1)
    crossings = np.concatenate([edges / part for part in step if abs(part) > 1e-9])
    cuts = np.unique(np.concatenate([[-length / 2, length / 2], crossings[abs(crossings) < length / 2]]))
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    middles = np.outer(step, (cuts[1:] + cuts[:-1]) / 2)
    np.add.at(kernel, tuple(np.rint(middles).astype(int) + reach), np.diff(cuts) / length)
    return kernel


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-7), (torch.float64, 1e-12)])
@pytest.mark.parametrize("shape", [(1, 12, 9), (3, 20, 31)])
@pytest.mark.parametrize("angle", ANGLES)
def test_equals_scipy_with_half_sample_reflection(angle, shape, dtype, tolerance):
    lengths = torch.tensor([1.01, 1.6, 3.0, 7.9, 25.0], dtype=dtype)[:, None]  # the last is longer than the image
    images = torch.rand(len(lengths), *shape, generator=torch.Generator().manual_seed(1), dtype=dtype)
    blurred = MotionBlur(angle=angle).apply(images, lengths).double().numpy()
    for image, result, length in zip(images.double().numpy(), blurred, lengths[:, 0].tolist(), strict=True):
        kernel = line(length, angle, 14)
        for before, after in zip(image, result, strict=True):
            assert np.abs(after - correlate(before, kernel, mode="reflect")).max() < tolerance


@pytest.mark.parametrize("length", [1.3, 2.0, 5.5, 8.0])
@pytest.mark.parametrize("angle", [*ANGLES, 31.7, -80.0])
def test_a_bright_point_becomes_the_sampled_line(angle, length, count=100_000):
    """Each border of a piece of the line can be off by one sample."""
    image = torch.zeros(1, 1, 15, 15, dtype=torch.float64)
    image[0, 0, 7, 7] = 1
    spread = MotionBlur(angle=angle).apply(image, torch.tensor([[length]], dtype=torch.float64))[0, 0].numpy()
    samples = ((np.arange(count) + 0.5) / count - 0.5) * length
    rows, columns = np.rint(np.outer(direction(angle), samples)).astype(int) + 7
    expected = np.zeros((15, 15))
    np.add.at(expected, (rows, columns), 1 / count)
    assert np.abs(spread - expected).max() < 2.5 / count
    assert spread.sum() == pytest.approx(1, abs=1e-12)


def test_the_image_stays_while_the_line_is_within_one_pixel():
    images = torch.rand(3, 1, 12, 9, generator=torch.Generator().manual_seed(2))
    assert torch.equal(MotionBlur().apply(images, torch.tensor([[0.3], [0.9], [1.0]])), images)


def test_positive_angles_rise_to_the_right():
    image = torch.zeros(1, 1, 9, 9)
    image[0, 0, 4, 4] = 1
    rising = MotionBlur(angle=45).apply(image, torch.tensor([[5.0]]))[0, 0]
    assert float(rising[3, 5]) > 0.2  # one up and one to the right
    assert float(rising[3, 3]) == 0


def test_recipe():
    recipe = get_corruption("motionblur")
    assert recipe.transformation == MotionBlur(angle=45.0)
    assert recipe.default_radius((1, 28, 28)) == recipe.default_radius((3, 32, 32)) == 8
    assert recipe.region(7.0, (1, 28, 28)) == Region(0, 7)
    with pytest.raises(ValueError, match=r"length 0\.\.64 px"):
        recipe.region(65.0, (1, 28, 28))
