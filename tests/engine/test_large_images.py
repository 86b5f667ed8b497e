"""Images that fill the memory: drawn, listed and checked in parts, with the votes and noise of the whole."""

import numpy as np
import pytest
import torch

from gsmooth_core import Budget, IdentitySurrogate, LatentSmoothing, UNetSurrogate, certify, get_corruption
from gsmooth_core.common.seeds import generator_of
from gsmooth_core.engine import draws, spot_checks
from gsmooth_core.engine.draws import BLOCK, Poll, blocks
from gsmooth_core.smoothing.base import Smoothing

CPU = torch.device("cpu")


def trained_like():
    torch.manual_seed(0)
    surrogate = UNetSurrogate(width=4, depth=1).eval()
    return LatentSmoothing(surrogate, parameter_std=0.5, latent_std=0.2)


SMOOTHINGS = {
    "pixels": LatentSmoothing(IdentitySurrogate(), parameter_std=0.0, latent_std=0.3),
    "latent, with noise on parameters": trained_like(),
    "blur and pixels": get_corruption("gaussianblur").smoothing,
    "whole steps": get_corruption("translation").smoothing,
}


@pytest.mark.parametrize("name", SMOOTHINGS)
@pytest.mark.parametrize(("first", "count"), [(0, 20), (0, 250), (20, 30), (130, 100)])
def test_parts_are_the_draws_of_whole_blocks_bit_for_bit(name, first, count, monkeypatch):
    smoothing = SMOOTHINGS[name]
    code = smoothing.encode(torch.rand(1, 1, 40, 44))[0]
    poll = Poll(code, 3, ("votes", 0, 0), first, count)
    whole = torch.cat([noise for _, noise in blocks(smoothing, [poll])])
    monkeypatch.setattr(draws, "LARGEST_BLOCK", 1)
    parts = [noise for _, noise in blocks(smoothing, [poll])]
    assert len(whole) == count
    assert torch.equal(torch.cat(parts), whole)
    if name != "whole steps":
        assert max(map(len, parts)) < BLOCK


def test_several_images_get_their_own_parts(monkeypatch):
    smoothing = SMOOTHINGS["pixels"]
    polls = [Poll(torch.zeros(1, 30, 30), 0, ("votes", image, 0), 0, 130) for image in range(3)]
    whole = [(owner, noise.sum().item()) for owner, noise in blocks(smoothing, polls)]
    monkeypatch.setattr(draws, "LARGEST_BLOCK", 1)
    sums = np.zeros(3)
    for owner, noise in blocks(smoothing, polls):
        sums[owner] += noise.double().sum().item()
    assert sums == pytest.approx([sum(value for one, value in whole if one == owner) for owner in range(3)], abs=1e-2)


def test_a_smoothing_that_ends_early_is_blamed(monkeypatch):
    class Short(LatentSmoothing):
        def draw_in_parts(self, count, code_shape, generator, device):
            yield self.draw(count - 1, code_shape, generator, device)

    monkeypatch.setattr(draws, "LARGEST_BLOCK", 1)
    smoothing = Short(IdentitySurrogate(), parameter_std=0.0, latent_std=0.3)
    with pytest.raises(ValueError, match="Short.draw_in_parts gave 99 of 100 draws"):
        list(blocks(smoothing, [Poll(torch.zeros(1, 4, 4), 0, (0, 0), 0, 100)]))


def test_a_smoothing_without_parts_of_its_own_gives_one():
    smoothing = SMOOTHINGS["pixels"]
    [part] = Smoothing.draw_in_parts(smoothing, 5, (1, 4, 4), generator_of(0, (0,), CPU), CPU)
    assert torch.equal(part, smoothing.draw(5, (1, 4, 4), generator_of(0, (0,), CPU), CPU))


def mean_class(images):
    """Class 0 for nearly every image, by its mean."""
    mean = images.mean(dim=(1, 2, 3))
    return torch.stack([mean + 10, -mean], dim=1)


@pytest.mark.parametrize(("name", "size", "radius"), [("zoomblur:discrete", 384, 0.5), ("defocus:discrete", 1024, 2.9)])
def test_lists_of_more_than_2_to_the_24_values_are_tried(name, size, radius):
    images = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    transformation = get_corruption(name).transformation
    listed = len(transformation.representatives(transformation.region(radius), size, size))
    assert listed * images.numel() > spot_checks.LARGEST_LIST
    [one] = certify(mean_class, name, images, radius=radius, progress=False).certificates
    assert one.certified


def test_a_large_image_under_blur_draws_only_what_is_asked_for():
    images = torch.rand(1, 3, 640, 640, generator=torch.Generator().manual_seed(0))
    assert 4 * BLOCK * images.numel() > draws.LARGEST_BLOCK
    budget = Budget(select=2, samples=16, batch=2)
    [one] = certify(mean_class, "gaussianblur", images, radius=0.1, budget=budget, progress=False).certificates
    assert one.certified
    assert one.samples == 18


@pytest.mark.parametrize("at_once", [1, 2**12, 2**30])
@pytest.mark.parametrize("name", ["gaussianblur", "rotation", "brightnesscontrast", "defocus:discrete"])
def test_checks_in_parts_accept_sound_maps(name, at_once, monkeypatch):
    monkeypatch.setattr(spot_checks, "AT_ONCE", at_once)
    recipe = get_corruption(name)
    spot_checks.check_transformation(recipe.transformation, torch.rand(1, 28, 28), recipe.region(None, (1, 28, 28)))


@pytest.mark.parametrize("most", [(), spot_checks.MOST_PAIRS])
@pytest.mark.parametrize("fault", ["compose", "enclose", "own"])
def test_checks_in_parts_find_faults_in_large_images_too(fault, most, monkeypatch):
    from mutants import Shine, Veil

    class Wrong(Veil if fault == "enclose" else Shine):
        def transform(self, images, parameters):
            moved = super().transform(images, parameters[:1].expand_as(parameters) if fault == "own" else parameters)
            return moved.clamp(0, 1) if fault == "compose" else moved

        def enclose(self, images, lower, upper):
            return images, images

    monkeypatch.setattr(spot_checks, "AT_ONCE", 1)
    monkeypatch.setattr(spot_checks, "MOST_PAIRS", most)
    with pytest.raises(ValueError, match="or no certificate would hold"):
        spot_checks.check_transformation(Wrong(), torch.rand(1, 16, 16), Wrong().region(0.5))
