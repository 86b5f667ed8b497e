"""The benchmark's corruptions against its own implementations: OpenCV, scikit-image, Pillow and ImageMagick."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage

from gsmooth_core import apply_severity
from gsmooth_core.benchmark import common_corruptions as severities
from gsmooth_core.benchmark.severities import CONSTANTS

NAMES = list(CONSTANTS["cifar10c"])
SEVERITIES = range(1, 6)
LEAST_EQUAL = 0.995
"""Brightness divides by V where the benchmark goes to HSV and back (up to 0.4 % of the pixels round otherwise), and the
smallest disk differs in the last bit of float32 (0.1 %). All others are equal, pixel by pixel."""


@pytest.fixture(scope="module")
def recorded():
    """Written by scripts/record_fixtures.py."""
    with np.load(Path(__file__).with_name("severities.npz")) as archive:
        return dict(archive)


def floats(image):
    """A recorded uint8 image as a batch of one."""
    return torch.from_numpy(image).float().div(255).view(32, 32, -1).permute(2, 0, 1)[None]


def levels(images):
    """Images in [0, 1] as whole numbers."""
    return (images * 255).round().to(torch.int64)


def agrees(recorded, constants, name, kind):
    """Whether a corruption equals the recorded one at every severity, within a step of 8 bits and almost everywhere."""
    apart = []
    for severity, expected in zip(SEVERITIES, recorded[f"{constants}_{name}_{kind}"], strict=True):
        seed = int(recorded["seeds"][severity - 1])
        result = apply_severity(floats(recorded[kind]), name, severity, constants=constants, seed=seed)
        apart.append((levels(result) - levels(floats(expected))).abs())
    apart = torch.stack(apart)
    return int(apart.max()) <= 1 and float((apart == 0).float().mean()) >= LEAST_EQUAL


@pytest.mark.parametrize("kind", ["grey", "colour"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("constants", list(CONSTANTS))
def test_images_equal_the_recorded_ones(recorded, constants, name, kind):
    assert agrees(recorded, constants, name, kind)


def bordered(levels, angles, radius, sigma):
    """Motion blur into which black comes from outside."""
    padded = np.pad(levels, ((0, 0), (0, 0), (64, 64), (64, 64)))
    return MOTION_BLUR(padded, angles, radius, sigma)[..., 64:-64, 64:-64]


MOTION_BLUR = severities.motion_blur
MUTANTS = {
    "a disk that reflects between the pixels": (
        "defocus_blur",
        "correlate",
        lambda images, kernel, mode: ndimage.correlate(images, kernel, mode="reflect"),
    ),
    "a disk that is smoothed beyond its kernel": (
        "defocus_blur",
        "correlate1d",
        lambda disk, weights, axis, mode: ndimage.correlate1d(disk, weights, axis=axis, mode="constant"),
    ),
    "a Gaussian that reflects": (
        "gaussian_blur",
        "gaussian_filter",
        lambda images, sigma, mode, truncate: ndimage.gaussian_filter(images, sigma, mode="reflect", truncate=truncate),
    ),
    "a Gaussian cut off at 3": (
        "gaussian_blur",
        "gaussian_filter",
        lambda images, sigma, mode, truncate: ndimage.gaussian_filter(images, sigma, mode=mode, truncate=3),
    ),
    "cubic zooms": (
        "zoom_blur",
        "zoom",
        lambda crop, factors, order: ndimage.zoom(crop, factors, order=3),
    ),
    "motion from black": ("motion_blur", "motion_blur", bordered),
    "motion the other way": (
        "motion_blur",
        "motion_blur",
        lambda levels, angles, radius, sigma: MOTION_BLUR(levels, angles + 180, radius, sigma),
    ),
    "motion upside down": (
        "motion_blur",
        "motion_blur",
        lambda levels, angles, radius, sigma: MOTION_BLUR(levels, -angles, radius, sigma),
    ),
    **{
        f"{name} rounded, not truncated": (
            name,
            "_truncated",
            lambda images: (images.clip(0, 1) * 255 + 0.5).astype(np.uint8),
        )
        for name in ("defocus_blur", "zoom_blur", "gaussian_blur", "brightness", "contrast")
    },
}


@pytest.mark.parametrize("mutant", list(MUTANTS))
def test_the_recorded_images_catch(recorded, monkeypatch, mutant):
    name, part, wrong = MUTANTS[mutant]
    monkeypatch.setattr(severities, part, wrong)
    held = [agrees(recorded, constants, name, kind) for constants in CONSTANTS for kind in ("grey", "colour")]
    assert not all(held)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("constants", list(CONSTANTS))
def test_severities_grow(test_images, constants, name):
    """At 32 px; at 28 px half the resolution, which divides it, loses less than three fifths."""
    images = torch.nn.functional.interpolate(test_images[:40], size=32, mode="bilinear")
    distances = [
        float((apply_severity(images, name, severity, constants=constants) - images).abs().mean())
        for severity in SEVERITIES
    ]
    assert distances[0] > 0
    assert distances == sorted(distances)
    assert distances[-1] > 1.5 * distances[0]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("constants", list(CONSTANTS))
def test_flat_images_stay_within_a_level_or_brighten_as_they_should(constants, name):
    flat = torch.arange(256).view(-1, 1, 1, 1).expand(-1, 1, 8, 8) / 255
    for severity, values in zip(SEVERITIES, CONSTANTS[constants][name], strict=True):
        expected = flat
        if name == "brightness":
            expected = flat + values[0]
        elif name == "defocus_blur":
            expected = flat * severities.smoothed_disk(*values).sum()
        result = apply_severity(flat, name, severity, constants=constants)
        assert (result - expected.clamp(max=1)).abs().max() <= 1.01 / 255


def test_disks_are_normalised_where_the_kernel_holds_them():
    sums = [float(severities.smoothed_disk(*values).sum()) for values in CONSTANTS["imagenetc"]["defocus_blur"]]
    assert sums[:3] == pytest.approx([1, 1, 1], abs=1e-6)
    assert all(1.001 < total < 1.015 for total in sums[3:])
    assert [len(severities.smoothed_disk(radius, 0.5)) for radius in (0.3, 8, 10)] == [17, 17, 21]


@pytest.mark.parametrize("name", NAMES)
def test_grey_is_colour_with_equal_channels(test_images, name):
    grey = test_images[:5]
    colour = apply_severity(grey.expand(-1, 3, -1, -1), name, 3)
    assert torch.equal(colour, apply_severity(grey, name, 3).expand(-1, 3, -1, -1))


def test_brightness_keeps_hue_and_saturation():
    pixels = torch.tensor([[255, 0, 0], [100, 50, 0], [0, 0, 0], [40, 40, 40]]) / 255
    images = pixels.view(-1, 3, 1, 1).expand(-1, -1, 4, 4)
    brighter = levels(apply_severity(images, "brightness", 4, constants="cifar10c"))[..., 0, 0]
    assert brighter.tolist() == [[255, 0, 0], [151, 75, 0], [51, 51, 51], [91, 91, 91]]


def test_a_point_moves_along_its_angle():
    angle = float(np.random.default_rng(7).uniform(-45, 45))
    image = torch.zeros(1, 1, 41, 41)
    image[..., 20, 20] = 1
    rows, columns = levels(apply_severity(image, "motion_blur", 5, seed=7))[0, 0].nonzero().T
    assert columns.max() == 20  # pixels look onwards, so the point trails behind itself
    assert columns.min() < 16
    assert (rows - 20 - (columns - 20) * np.tan(np.radians(angle))).abs().max() <= 1


def test_angles_come_from_the_seed_and_are_each_images_own(test_images):
    images = test_images[:1].expand(6, -1, -1, -1)
    blurred = apply_severity(images, "motion_blur", 5, seed=1)
    assert torch.equal(blurred, apply_severity(images, "motion_blur", 5, seed=1))
    assert not torch.equal(blurred, apply_severity(images, "motion_blur", 5, seed=2))
    assert all(not torch.equal(blurred[0], other) for other in blurred[1:])
    generator = np.random.default_rng(1)
    parts = [apply_severity(part, "motion_blur", 5, seed=generator) for part in images.split(4)]
    assert torch.equal(blurred, torch.cat(parts))


@pytest.mark.parametrize("name", NAMES)
def test_any_shape_and_type_of_float(name):
    for shape in ((1, 1, 4, 4), (2, 3, 5, 13), (1, 3, 31, 8)):
        images = torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        for constants in CONSTANTS:
            for severity in SEVERITIES:
                result = apply_severity(images, name, severity, constants=constants)
                assert result.shape == shape
                assert result.dtype == torch.float32
                assert torch.equal(result, levels(result).float() / 255)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "fog"}, "no corruption 'fog'; use defocus_blur, zoom_blur"),
        ({"constants": "cifar"}, "no constants 'cifar'; use cifar10c or imagenetc"),
        ({"severity": 0}, "severity must be a whole number of at least 1, not 0"),
        ({"severity": 2.5}, "severity must be a whole number"),
        ({"severity": 6}, "severities go from 1 to 5, not to 6; give one of them"),
        ({"images": torch.zeros(1, 2, 8, 8)}, "not 2 channels; give 1 or 3"),
        ({"images": torch.zeros(1, 3, 8, 3)}, "8 × 3 px are too small; give at least 4 × 4"),
        ({"images": torch.full((1, 3, 8, 8), 255.0)}, "must lie in [0, 1]"),
        ({"seed": -1}, "seed must be a whole number of at least 0, not -1"),
        ({"seed": "one"}, "seed must be a whole number"),
    ],
)
def test_errors_say_what_to_do(arguments, message):
    given = {"images": torch.zeros(1, 3, 8, 8), "name": "contrast", "severity": 1} | arguments
    with pytest.raises(ValueError, match=re.escape(message)):
        apply_severity(**given)
