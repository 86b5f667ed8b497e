"""The U-Net surrogate: its bound, its linear part, its noise and its file, each against an answer found another way."""

import copy
import sys

import pytest
import torch

from gsmooth_core import IdentitySurrogate, LatentSmoothing, UNetSurrogate


def made(seed=0, **settings):
    """A surrogate whose weights, also those that start at 0, are random."""
    torch.manual_seed(seed)
    surrogate = UNetSurrogate(**{"width": 4, "depth": 1, **settings})
    with torch.no_grad():
        surrogate.rows.add_(0.3 * torch.randn_like(surrogate.rows))
    return surrogate.eval().requires_grad_(False)


@pytest.mark.parametrize(("channels", "latents"), [(1, 1), (1, 4), (3, 2), (3, 6)])
def test_the_encoders_bound_is_above_its_norm_and_near_it(channels, latents):
    """The norm is the largest singular value of the convolution, written out as a matrix."""
    surrogate = made(channels=channels, latents=latents, planes=0).double()
    size = (7, 8)
    pixels = channels * size[0] * size[1]
    matrix = surrogate.encode_image(torch.eye(pixels, dtype=torch.float64).view(pixels, channels, *size)).flatten(1)
    norm = float(torch.linalg.matrix_norm(matrix, 2))
    assert norm <= surrogate.lipschitz <= 3 * norm


def test_an_image_that_is_its_own_latent_keeps_its_distances():
    surrogate, (first, second) = made(channels=3), torch.rand(2, 1, 3, 9, 9)
    assert surrogate.lipschitz == 1.0
    latents = surrogate.encode_image(first), surrogate.encode_image(second)
    assert float((latents[0] - latents[1]).norm()) == pytest.approx(float((first - second).norm()))
    assert latents[0].shape == (1, 4, 9, 9)


def test_parameters_enter_linearly_in_units_of_their_scale():
    surrogate = made(dimension=2, scale=[5.0, 0.1], latents=3)
    first, second = torch.randn(2, 4, 2)
    mixed = surrogate.encode_parameters(2 * first - 3 * second)
    parts = 2 * surrogate.encode_parameters(first) - 3 * surrogate.encode_parameters(second)
    torch.testing.assert_close(mixed, parts)
    rows, offset = surrogate.affine_parameters(torch.device("cpu"))
    assert not bool(offset.any())
    torch.testing.assert_close(rows[:, :, 0, 0], surrogate.rows / torch.tensor([[5.0], [0.1]]))
    ignored = made(dimension=2, planes=0)
    assert not bool(UNetSurrogate(dimension=2, planes=0).encode_parameters(first).any())
    assert ignored.encode_image(torch.rand(1, 1, 8, 8)).shape == (1, 1, 8, 8)


@pytest.mark.parametrize("size", [(28, 28), (17, 23), (9, 30)])
def test_images_of_any_size_and_colour_keep_their_shape(size):
    surrogate = made(channels=3, dimension=2, latents=5, depth=3, width=8)
    images, parameters = torch.rand(2, 3, *size), torch.randn(2, 2)
    shown = surrogate(images, parameters)
    assert shown.shape == images.shape
    torch.testing.assert_close(surrogate(images[1:], parameters[1:])[0], shown[1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("parameter_std", [0.0, 0.7])
def test_distances_are_those_of_the_covariance_matrix(parameter_std):
    surrogate = made(channels=1, dimension=2, latents=2, scale=[2.0, 0.5])
    smoothing = LatentSmoothing(surrogate, parameter_std, 0.3)
    differences = torch.randn(5, 4, 4, 4, dtype=torch.float64)
    rows = (surrogate.rows / surrogate.scale[:, None]).double()
    along = torch.stack([row.view(-1, 1, 1).expand(-1, 4, 4).flatten() for row in rows], dim=1)
    covariance = parameter_std**2 * along @ along.T + 0.3**2 * torch.eye(64, dtype=torch.float64)
    flat = differences.flatten(1)
    expected = (flat @ torch.linalg.inv(covariance) * flat).sum(dim=1).sqrt()
    torch.testing.assert_close(smoothing.distance(differences), expected, rtol=1e-5, atol=0)


def test_draws_have_that_covariance():
    surrogate = made(channels=1, dimension=1, planes=1)
    smoothing = LatentSmoothing(surrogate, 1.5, 0.2)
    noise = smoothing.draw(40_000, (2, 2, 2), torch.Generator().manual_seed(0), torch.device("cpu")).flatten(1)
    along = surrogate.rows.view(2, 1).expand(2, 4).flatten()
    expected = 1.5**2 * torch.outer(along, along) + 0.2**2 * torch.eye(8)
    torch.testing.assert_close(noise.T @ noise / len(noise), expected, rtol=0.1, atol=0.01)


def test_slopes_are_finite_differences():
    surrogate = made(dimension=2, latents=2, scale=[1.0, 0.5])
    smoothing = LatentSmoothing(surrogate, 0.4, 0.25)
    code, at = surrogate.encode_image(torch.rand(1, 1, 8, 8)), torch.tensor([[0.3, -0.2], [0.0, 0.4]])
    exact, step, columns = copy.deepcopy(surrogate).double(), 1e-5, []

    def latents(parameters):
        codes = code.double().expand(len(parameters), -1, -1, -1)
        return exact.encode_image(exact.decode(exact.encode_parameters(parameters) + codes)).flatten(1)

    for axis in torch.eye(2, dtype=torch.float64):
        change = (latents(at + step * axis) - latents(at - step * axis)) / (2 * step)
        columns.append(change - exact.encode_parameters(axis[None]).expand(1, -1, 8, 8).flatten(1))
    d = torch.stack(columns, dim=2)
    squared = torch.eye(2) / 0.4**2 + d.mT @ d / 0.25**2
    expected = torch.stack([torch.linalg.matrix_norm(matrix, 2) for matrix in squared]).sqrt()
    torch.testing.assert_close(smoothing.slopes(code, at), expected, rtol=1e-3, atol=0)


def test_a_saved_surrogate_comes_back(tmp_path):
    surrogate = made(channels=3, dimension=2, scale=[2, 3], latents=4, depth=2)
    surrogate.card = {"aim": "imitate", "parameter_std": 0.5}
    surrogate.save(tmp_path / "surrogate.safetensors")
    again = UNetSurrogate.load(tmp_path / "surrogate.safetensors")
    images, parameters = torch.rand(2, 3, 12, 12), torch.randn(2, 2)
    assert torch.equal(again(images, parameters), surrogate(images, parameters))
    assert (again.settings, again.lipschitz) == (surrogate.settings, surrogate.lipschitz)
    assert again.card["parameter_std"] == 0.5
    assert str(again) == (
        "UNetSurrogate(channels=3, dimension=2, scale=[2.0, 3.0], planes=2, latents=4, width=4, depth=2)"
    )
    assert not again.training
    assert not any(weight.requires_grad for weight in again.parameters())
    with pytest.raises(ValueError, match="holds a UNetSurrogate, not a IdentitySurrogate"):
        IdentitySurrogate.load(tmp_path / "surrogate.safetensors")
    IdentitySurrogate(2).save(tmp_path / "identity.safetensors")
    with pytest.raises(ValueError, match="load it by its class"):
        UNetSurrogate.load(tmp_path / "identity.safetensors")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scale": 0.0}, "one positive number for each of 1"),
        ({"scale": [1.0, float("inf")], "dimension": 2}, "one positive number for each of 2"),
        ({"scale": [1.0, 2.0]}, "one positive number for each of 1"),
        ({"dimension": 2, "planes": 1}, "planes must be 0 or the number of parameters, 2, not 1"),
        ({"width": 6}, "a multiple of 4"),
        ({"width": 0}, "a multiple of 4"),
        ({"depth": 0}, "at least 1"),
        ({"channels": 0}, "at least 1"),
        ({"latents": 0}, "at least 1"),
    ],
)
def test_impossible_networks_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        UNetSurrogate(**settings)


@pytest.mark.parametrize("shape", [(1, 3, 28, 28), (1, 1, 28, 3)])
def test_images_that_it_is_not_for_are_refused(shape):
    with pytest.raises(ValueError, match="takes images of 1 channels and at least 4 px"):
        UNetSurrogate().encode_image(torch.rand(shape))


def test_without_monai_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "monai.networks.nets", None)
    with pytest.raises(ValueError, match=r"pip install 'gsmooth-core\[surrogate\]'"):
        UNetSurrogate()


def test_codes_are_exact_whatever_autocast_and_tf32_say():
    surrogate, images = made(latents=4), torch.rand(2, 1, 9, 9)
    smoothing = LatentSmoothing(surrogate, 0.0, 0.5)
    weight, padding = surrogate.encoder.weight.double(), surrogate.encoder.padding
    exact = torch.nn.functional.conv2d(images.double(), weight, padding=padding)
    with torch.autocast("cpu", torch.bfloat16):
        codes = smoothing.encode(images)
    step = smoothing.grid.step
    assert float((codes[:, :4].double() - exact).abs().max()) <= step / 2 + 1e-6
    assert bool((codes.double() % step == 0).all())


def test_loading_leaves_the_global_generator_alone(tmp_path):
    made().save(tmp_path / "surrogate.safetensors")
    state = torch.random.get_rng_state()
    UNetSurrogate.load(tmp_path / "surrogate.safetensors")
    assert torch.equal(state, torch.random.get_rng_state())
