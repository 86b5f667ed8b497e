"""Gaussian blur against scipy's and kornia's, and the laws that Theorem 1 rests on."""

import kornia
import numpy as np
import pytest
import torch
from gsmooth_plugin_gaussianblur import GaussianBlur
from scipy.fft import dctn, idctn
from scipy.ndimage import gaussian_filter

from gsmooth_core import ResolvableCertifier, get_corruption, load_fashion_mnist

BLUR = GaussianBlur()


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
@pytest.mark.parametrize("size", [(8, 8), (28, 28), (31, 20), (224, 224)])
def test_blurs_add_up(dtype, tolerance, size, compose=BLUR.compose):
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(4, 3 if size[0] == 224 else 1, *size, generator=generator, dtype=dtype)
    outer, inner = (40 * torch.rand(4, 1, generator=generator).to(dtype) for _ in range(2))
    twice = BLUR.apply(BLUR.apply(images, inner), outer)
    assert float((twice - BLUR.apply(images, compose(outer, inner))).abs().max()) < tolerance


def test_blurs_add_up_under_autocast_and_reduced_precision():
    with torch.autocast("cpu", torch.bfloat16):
        test_blurs_add_up(torch.float32, 1e-5, (28, 28))
    torch.set_float32_matmul_precision("medium")
    try:
        test_blurs_add_up(torch.float32, 1e-5, (28, 28))
    finally:
        torch.set_float32_matmul_precision("highest")


def test_a_wrong_sign_in_the_composition_is_caught():
    with pytest.raises(AssertionError):
        test_blurs_add_up(torch.float64, 1e-10, (28, 28), compose=lambda outer, inner: (outer - inner).abs())


def test_a_truncated_kernel_would_not_add_up():
    images = torch.rand(2, 1, 28, 28, dtype=torch.float64)

    def blur(images, variance):
        sigma = variance**0.5
        return kornia.filters.gaussian_blur2d(images, (13, 13), (sigma, sigma), border_type="reflect")

    assert float((blur(blur(images, 4.0), 4.0) - blur(images, 8.0)).abs().max()) > 1e-3


def test_equals_the_cosine_spectrum_by_scipy():
    image = torch.rand(1, 1, 20, 14, dtype=torch.float64)
    rows, columns = (np.pi * np.arange(size) / size for size in (20, 14))
    gain = np.exp(-7.0 / 2 * (rows[:, None] ** 2 + columns**2))
    expected = idctn(gain * dctn(image[0, 0].numpy(), norm="ortho"), norm="ortho")
    assert np.abs(BLUR.apply(image, torch.tensor([[7.0]]))[0, 0].numpy() - expected).max() < 1e-12


def test_is_close_to_a_wide_spatial_kernel():
    image = load_fashion_mnist("test")[0][:1].double()
    expected = gaussian_filter(image[0, 0].numpy(), sigma=3.0, mode="reflect", truncate=12)
    assert np.abs(BLUR.apply(image, torch.tensor([[9.0]]))[0, 0].numpy() - expected).max() < 1e-6


def test_gradients_survive_an_earlier_call_in_inference_mode():
    with torch.inference_mode():
        BLUR.apply(torch.rand(1, 1, 11, 11), torch.ones(1, 1))
    variance = torch.ones(1, 1, requires_grad=True)
    BLUR.apply(torch.rand(1, 1, 11, 11), variance).square().sum().backward()
    assert float(variance.grad) != 0


def test_recipe():
    recipe = get_corruption("gaussianblur")
    assert recipe.transformation == BLUR
    assert isinstance(recipe.certifier, ResolvableCertifier)
    assert recipe.default_radius((1, 28, 28)) == 36
    assert recipe.default_radius((3, 32, 32)) == 16
