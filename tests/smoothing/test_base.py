import pytest
import torch

from gsmooth_core import (
    Gaussian,
    IdentitySurrogate,
    LatentSmoothing,
    NoSmoothing,
    ParameterSmoothing,
    Surrogate,
    get_corruption,
)


class LinearSurrogate(Surrogate):
    """A matrix for each part: everything about it has a closed form."""

    def __init__(self, size=12, dimension=2):
        super().__init__()
        self.dimension = dimension
        self.parameter_map = torch.nn.Linear(dimension, size)
        self.image_map = torch.nn.Linear(size, size)

    @property
    def lipschitz(self):
        return float(torch.linalg.matrix_norm(self.image_map.weight, 2))

    def encode_image(self, images):
        return self.image_map(images.flatten(1))

    def encode_parameters(self, parameters):
        return self.parameter_map(parameters)

    def decode(self, latents):
        return latents.view(len(latents), 1, 3, 4)


@pytest.fixture
def linear():
    torch.manual_seed(0)
    return LinearSurrogate().requires_grad_(False)


def test_distance_equals_the_norm_of_the_inverse_covariance(linear):
    smoothing = LatentSmoothing(linear, parameter_std=0.7, latent_std=0.3)
    weights = linear.parameter_map.weight.double()
    covariance = 0.7**2 * weights @ weights.T + 0.3**2 * torch.eye(12, dtype=torch.float64)
    differences = torch.randn(50, 12, dtype=torch.float64)
    expected = torch.einsum("bi,ij,bj->b", differences, torch.linalg.inv(covariance), differences).sqrt()
    assert torch.allclose(smoothing.distance(differences), expected, rtol=1e-5)


def test_distance_is_right_when_the_parameter_noise_is_enormous(linear):
    """Two nearly equal rows and σ₁/σ₂ = 10⁷: what lies along them costs nothing, the rest is counted in full."""
    linear.parameter_map.weight[:, 1] = linear.parameter_map.weight[:, 0] * (1 + 1e-6)
    smoothing = LatentSmoothing(linear, parameter_std=3e6, latent_std=0.3)
    along = linear.parameter_map.weight[:, 0].double()
    across = torch.randn(12, dtype=torch.float64)
    across -= (across @ along) / (along @ along) * along
    expected = across.norm() / 0.3
    assert float(smoothing.distance((1_000 * along + across)[None])) == pytest.approx(float(expected), rel=0.2)
    assert float(smoothing.distance(across[None])) <= float(expected) * (1 + 1e-9)


def test_distance_of_the_identity_is_in_units_of_the_noise():
    smoothing = LatentSmoothing(IdentitySurrogate(), parameter_std=0.0, latent_std=0.25)
    assert smoothing.distance(torch.full((2, 1, 4, 4), 0.25)).tolist() == [4.0, 4.0]


def test_distance_follows_new_weights(linear):
    smoothing = LatentSmoothing(linear, parameter_std=1.0, latent_std=0.3)
    difference = torch.ones(1, 12)
    before = smoothing.distance(difference)
    linear.parameter_map.weight.mul_(3)
    assert not torch.allclose(before, smoothing.distance(difference))


def test_latent_noise_has_the_stated_covariance(linear):
    smoothing = LatentSmoothing(linear, parameter_std=0.7, latent_std=0.3)
    noise = smoothing.draw(200_000, (12,), torch.Generator().manual_seed(0), torch.device("cpu"))
    weights = linear.parameter_map.weight
    expected = 0.49 * weights @ weights.T + 0.09 * torch.eye(12)
    assert torch.allclose(noise.T.cov(), expected, atol=0.01)
    assert torch.allclose(noise.mean(0), linear.parameter_map.bias, atol=0.01)


def test_surrogate_imitates_by_the_sum_of_its_codes(linear):
    images, parameters = torch.rand(3, 1, 3, 4), torch.rand(3, 2)
    expected = linear.image_map(images.flatten(1)) + linear.parameter_map(parameters)
    assert torch.allclose(linear(images, parameters).flatten(1), expected)


def test_parameter_noise_transforms():
    blur = get_corruption("gaussianblur").transformation
    smoothing = ParameterSmoothing(blur, Gaussian(1.0))
    images, noise = torch.rand(2, 1, 8, 8), torch.tensor([[0.0], [3.0]])
    seen = smoothing.perturb(smoothing.encode(images), noise)
    assert torch.equal(seen[0], images[0])
    assert torch.equal(seen, blur.apply(images, noise))


def test_no_smoothing_changes_nothing():
    smoothing, images = NoSmoothing(), torch.rand(2, 1, 8, 8)
    noise = smoothing.draw(2, (1, 8, 8), torch.Generator(), images.device)
    assert noise.numel() == 0
    assert torch.equal(smoothing.perturb(smoothing.encode(images), noise), images)


@pytest.mark.parametrize(("parameter_std", "latent_std"), [(-1, 0.1), (0, 0), (0, float("nan")), (float("inf"), 1)])
def test_impossible_noise_is_refused(parameter_std, latent_std):
    with pytest.raises(ValueError, match="_std"):
        LatentSmoothing(IdentitySurrogate(), parameter_std, latent_std)
