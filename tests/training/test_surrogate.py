"""Surrogates learn what their aim says, go on after a stop, and shorten the path when asked to."""

import attrs
import pytest
import torch

from gsmooth_core import (
    LatentSmoothing,
    UNetSurrogate,
    examine_surrogate,
    fit_surrogate,
    get_corruption,
    load_fashion_mnist,
    use_surrogate,
)


@pytest.fixture(scope="module")
def images():
    return load_fashion_mnist("train")[0][:192]


class Stops(Exception):
    pass


class Interrupted(torch.utils.data.Dataset):
    """Images that stop the training when they have been looked at so often."""

    def __init__(self, images, looks=None):
        self.images, self.looks = images, looks

    def __len__(self):
        return len(self.images)

    def __getitem__(self, place):
        if self.looks is not None:
            self.looks -= 1
            if self.looks < 0:
                raise Stops
        return self.images[place], "no label"


def same(first, second):
    return all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def loss_of_the_identity(images, aim, latent_std=0.25):
    """What a decoder that changes nothing would lose, on average."""
    recipe, generator = get_corruption("zoomblur"), torch.Generator().manual_seed(0)
    transformed = recipe.transformation.apply(images, recipe.region(None, (1, 28, 28)).sample(len(images), generator))
    noise = latent_std * torch.randn(images.shape, generator=generator)
    if aim == "imitate":
        noise[: len(images) // 2] = 0
        return float((images + noise - transformed).abs().mean())
    return float((transformed + noise - (images if aim == "restore" else transformed)).abs().mean())


@pytest.mark.parametrize("aim", ["imitate", "denoise", "restore"])
def test_a_surrogate_learns_what_its_aim_says(images, aim):
    surrogate = fit_surrogate(
        "zoomblur", images, aim=aim, latent_std=0.25, width=4, epochs=20, batch=32, learning_rate=1e-2
    )
    assert surrogate.card["last mean loss"] < 0.8 * loss_of_the_identity(images, aim)
    assert surrogate.card["aim"] == aim
    assert surrogate.planes == (1 if aim == "imitate" else 0)
    assert not surrogate.training
    assert not any(weight.requires_grad for weight in surrogate.parameters())


def test_a_surrogate_learns_from_images_alone(images):
    settings = {"width": 4, "epochs": 1}
    by_tensor = fit_surrogate("zoomblur", images[:8], **settings)
    for dataset in (Interrupted(images[:8]), list(images[:8])):
        assert same(by_tensor, fit_surrogate("zoomblur", dataset=dataset, **settings))
    with pytest.raises(ValueError, match="no images were given; pass images and labels, or dataset="):
        fit_surrogate("zoomblur")


def test_noise_is_the_recipes_and_a_quarter_of_the_region_unless_named(images):
    def stds(**settings):
        card = fit_surrogate("zoomblur", images[:8], width=4, epochs=1, **settings).card
        return card["parameter_std"], card["latent_std"]

    assert stds() == (0.125, 0.5)
    assert stds(radius=0.2) == (0.05, 0.5)
    assert stds(aim="restore") == (0.0, 0.5)
    assert stds(parameter_std=0.3, latent_std=0.1) == (0.3, 0.1)


def test_the_recipe_takes_the_noise_of_the_card_or_other(images):
    surrogate = fit_surrogate("zoomblur", images[:8], width=4, epochs=1)
    for given, expected in (((), (0.125, 0.5)), ((0.2,), (0.2, 0.5)), ((None, 0.3), (0.125, 0.3))):
        smoothing = use_surrogate("zoomblur", surrogate, *given).smoothing
        assert isinstance(smoothing, LatentSmoothing)
        assert (smoothing.parameter_std, smoothing.latent_std) == expected
    with pytest.raises(ValueError, match="no card that names its noise; pass parameter_std"):
        use_surrogate("zoomblur", UNetSurrogate(), latent_std=0.5)


def test_a_penalty_shortens_the_path(images):
    def length(penalty):
        surrogate = fit_surrogate(
            "zoomblur",
            images[:128],
            aim="denoise",
            latents=2,
            width=4,
            epochs=6,
            batch=32,
            learning_rate=1e-2,
            penalty=penalty,
        )
        lengths = examine_surrogate(use_surrogate("zoomblur", surrogate), images[128:132], points=21).path_lengths
        return sum(lengths)

    assert length(0.1) < 0.8 * length(0.0)


def test_a_stopped_training_goes_on_to_the_same_weights(images, tmp_path):
    settings = {"width": 4, "epochs": 2, "batch": 8, "latents": 2, "penalty": 1e-3}
    whole = fit_surrogate("zoomblur", images[:32], **settings)
    stopped = Interrupted(images[:32], looks=32 + 20)
    with pytest.raises(Stops):
        fit_surrogate("zoomblur", stopped, **settings, out=tmp_path)
    resumed = fit_surrogate("zoomblur", Interrupted(images[:32]), **settings, out=tmp_path)
    assert same(whole, resumed)
    assert resumed.card == whole.card
    assert not same(whole, fit_surrogate("zoomblur", images[:32], **settings, seed=1))
    with pytest.raises(ValueError, match="of another training"):
        fit_surrogate("zoomblur", Interrupted(images[:32]), **{**settings, "latents": 3}, out=tmp_path)


def test_the_callers_random_numbers_stay_where_they_were(images):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    fit_surrogate("zoomblur", images[:8], width=4, epochs=1)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"corruption": "fog"}, "gsmooth new fog"),
        ({"aim": "blur"}, "the aim is 'imitate', 'denoise' or 'restore', not 'blur'"),
        ({"penalty": 0.1}, "pass latents=4, or penalty=0"),
        ({"penalty": -0.1, "latents": 2}, "penalty must be at least 0"),
        ({"penalty": float("nan"), "latents": 2}, "penalty must be at least 0"),
        ({"corruption": "gaussianblur"}, "is not smoothed in a latent layer; pass latent_std, such as 0.25"),
        ({"latent_std": 0.0}, "must be positive and finite, not 0.0"),
        ({"parameter_std": -1.0}, "parameter_std must be finite and not negative"),
        ({"radius": 99.0}, "leaves the parameter space"),
        ({"images": torch.rand(4, 1, 28, 28) * 255}, "divide by 255"),
        ({"corruption": attrs.evolve(get_corruption("defocus"), radius={})}, "no default radius"),
        ({"images": torch.rand(4, 1, 3, 3), "radius": 0.1}, "at least 4 px"),
        ({"width": 5}, "a multiple of 4"),
        ({"epochs": 0}, "epochs must be a whole number"),
        ({"device": "gpu"}, "the device 'gpu' cannot be used"),
    ],
)
def test_bad_input_is_refused(settings, message):
    given = {"corruption": "zoomblur", "images": torch.rand(4, 1, 28, 28), **settings}
    with pytest.raises(ValueError, match=message):
        fit_surrogate(**given)


def test_a_corruption_of_another_smoothing_is_imitated_under_noise_that_is_named(images):
    recipe = get_corruption("gaussianblur")
    surrogate = fit_surrogate(recipe, images[:8], latent_std=0.25, width=4, epochs=1)
    assert surrogate.card["parameter_std"] == 9.0
    assert isinstance(use_surrogate(recipe, surrogate).smoothing, LatentSmoothing)
    assert attrs.evolve(recipe).smoothing is recipe.smoothing
