"""What users met in their first hours, and the sentences that they get now."""

import re

import attrs
import pytest
import torch

from gsmooth_core import (
    Box,
    Budget,
    Corruption,
    EnumerationCertifier,
    Gaussian,
    LatentCertifier,
    NoSmoothing,
    ParameterSpace,
    Report,
    StepTransformation,
    certify,
    get_corruption,
    load_example_model,
    load_fashion_mnist,
    normalized,
    save_classifier,
    verify,
)
from gsmooth_core.cli.app import main

DEFOCUS = get_corruption("defocus")
QUICK = Budget(samples=200, select=50, anchors=2)


class Steps(StepTransformation):
    """Darker by whole steps of a tenth; a map without noise or bounds."""

    space = ParameterSpace(lower=0, upper=9, identity=0, names="darkness", units="tenths")

    def region(self, radius):
        return Box(0, radius)

    def transform(self, images, parameters):
        return images * (1 - self.level(parameters, 0, 0).view(-1, 1, 1, 1) / 10)

    def level(self, parameters, height, width):
        return parameters.view(-1).floor().long()


def dark():
    return Corruption("dark", Steps(), NoSmoothing(), EnumerationCertifier(), {(1, 28, 28): 3.0})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"transformation": Steps}, "transformation must be a Transformation, not the class Steps; write Steps()"),
        ({"certifier": LatentCertifier}, "certifier must be a Certifier, not the class LatentCertifier"),
        ({"certifier": "latent"}, "certifier must be a Certifier, not 'latent'"),
        ({"smoothing": None}, "smoothing must be a Smoothing, not None"),
        ({"radius": 0.5}, "radius gives radii by (channel, height, width), as {(1, 28, 28): 0.5}, not 0.5"),
        ({"radius": {(28, 28): 0.5}}, "radius gives radii by (channel, height, width)"),
        ({"radius": {(1, 28, 28): -1}}, "radii must be finite and at least 0, not [-1]"),
    ],
)
def test_wrong_parts_of_a_recipe_are_refused_where_it_is_made(change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        attrs.evolve(DEFOCUS, **change)


@pytest.mark.parametrize(("certifier", "fits"), [("latent", "enumeration"), ("resolvable", "enumeration")])
def test_a_certifier_that_does_not_fit_names_one_that_does(certifier, fits):
    with pytest.raises(ValueError, match=f"not Steps; use certifier='{fits}'$"):
        certify(load_example_model(), dark(), "fashion-mnist", certifier=certifier)
    with pytest.raises(ValueError, match="not Defocus; use certifier='latent'$"):
        certify(load_example_model(), "defocus", "fashion-mnist", certifier="enumeration")


def test_a_report_of_an_object_says_how_to_go_on(tmp_path, capsys):
    report = certify(load_example_model(), dark(), "fashion-mnist", limit=1, out=tmp_path / "dark.json")
    with pytest.raises(ValueError, match=r"'dark' was certified as an object .*corruption=your_recipe"):
        verify(report, load_example_model())
    with pytest.raises(SystemExit) as stop:
        main(["verify", str(tmp_path / "dark.json")])
    assert stop.value.code == 2
    assert "was certified as an object" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stop:
        main(["page", str(tmp_path / "dark.json"), "--out", str(tmp_path / "page.html")])
    assert stop.value.code == 0
    assert "the page has no pictures: 'dark' was certified as an object" in " ".join(capsys.readouterr().err.split())
    assert Report.load(tmp_path / "dark.json") == report


def test_noise_alone_is_no_smoothing():
    with pytest.raises(ValueError, match=r"write ParameterNoise\(Gaussian\(std=0.3\)\)"):
        certify(load_example_model(), "brightness", "fashion-mnist", smoothing=Gaussian(0.3))


def test_another_number_of_classes_is_pointed_out():
    class Named(torch.utils.data.TensorDataset):
        classes = ("cat", "dog", "cow", "hen")

    images, labels = load_fashion_mnist("test")
    data = Named(images[:4], labels[:4] % 4)
    with pytest.warns(UserWarning, match=r"returns 10 logits, but there are 4 classes \(cat, dog, cow, …\).*--names"):
        certify(load_example_model(), "defocus:discrete", dataset=data, limit=1)


def test_a_mean_of_images_from_0_to_255_is_pointed_out():
    with pytest.warns(UserWarning, match="a mean of 127 is not that of images in .* divide mean and std by 255"):
        normalized(load_example_model(), 127, 128)


def test_a_network_that_cannot_be_made_again_names_the_way(tmp_path):
    class Hungry(torch.nn.Module):
        def __init__(self, blocks=None):
            super().__init__()
            assert isinstance(blocks, list), "blocks should be a list"

    with pytest.raises(ValueError, match=r"maker='package.module:maker' with arguments"):
        save_classifier(Hungry([1]), tmp_path / "net.safetensors")


def test_a_shortfall_of_votes_has_a_next_step():
    """The answer survives the noise, and the votes do not reach the whole region: neither failure nor silence."""
    report = certify(load_example_model(), "gaussianblur", "fashion-mnist", limit=6, budget=QUICK, radius=50.0)
    short = [one for one in report.certificates if one.predicted == one.base_predicted and not one.certified]
    assert len(short) > 3
    [note] = [note for note in report.notes if "could not be certified on the whole region" in note]
    assert note.startswith(f"{len(short)} of ")
    assert "--maximize" in note
