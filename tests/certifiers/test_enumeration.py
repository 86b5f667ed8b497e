"""Enumeration against dense scans, and what its certificates say."""

import attrs
import pytest
import torch
from helpers import determined

from gsmooth_core import (
    Budget,
    EnumerationCertifier,
    Guarantee,
    NoSmoothing,
    ParameterSpace,
    Region,
    Report,
    StepTransformation,
    certify,
    get_corruption,
)
from gsmooth_core.certifiers import enumeration

DISCRETE = ["defocus:discrete", "pixelate:discrete", "translation:black", "zoomblur:discrete"]


@attrs.frozen
class Counter(StepTransformation):
    """Brighter by one at each of the given parameters, the parameter itself included or not."""

    rises: tuple[float, ...]
    included: bool = True
    space = ParameterSpace(0, 100, 0, "time", "s")

    def region(self, radius):
        return Region(0, radius)

    def level(self, parameters, height, width):
        rises = torch.tensor(self.rises, dtype=torch.float64)
        return torch.searchsorted(rises, parameters.double().view(-1), right=self.included)

    def apply(self, images, parameters):
        return images + self.level(parameters, *images.shape[-2:]).to(images.dtype).view(-1, 1, 1, 1)


@pytest.mark.parametrize("included", [True, False])
def test_representatives_are_the_first_floats_of_each_level(included):
    rises = (0.1, 1 / 3, 2.0, 2.0, 7.7)
    counter = Counter(rises, included)
    starts = counter.representatives(Region(0, 7.75), 4, 4)[:, 0].tolist()
    breaks = torch.tensor(sorted(set(rises)), dtype=torch.float64)
    expected = breaks if included else torch.nextafter(breaks, breaks + 1)
    assert starts == [0.0, *expected.tolist()]
    assert counter.representatives(Region(0, 0.05), 4, 4).tolist() == [[0.0]]


def steps_model(images):
    """Class 1 from a mean of 2.5 upwards."""
    level = images.mean(dim=(1, 2, 3))
    return torch.stack([2.5 - level, level - 2.5], dim=1)


def recipe(transformation):
    contrast = get_corruption("defocus:discrete")
    return attrs.evolve(contrast, name="counter", transformation=transformation, radius={})


def test_the_region_up_to_the_first_change_is_proved_and_the_witness_lies_beyond():
    images = torch.zeros(1, 1, 8, 8)
    counter = recipe(Counter((1.0, 2.0, 3.0)))
    held = certify(steps_model, counter, images, radius=2.9).certificates[0]
    assert (held.certified, held.region, held.witness) == (True, Region(0, 2.9), None)
    assert (held.alpha, held.samples, held.tried, held.guarantee) == (0.0, 0, 3, Guarantee.EXACT)
    assert held.claim == (
        "Proved by enumeration in floating-point arithmetic: the model answers class 0 under every counter of time "
        "from 0 to 2.9 s."
    )
    broken = certify(steps_model, counter, images, radius=9.0).certificates[0]
    assert (broken.certified, broken.region, broken.witness, broken.predicted) == (False, None, (3.0,), 0)
    assert "at time 3 s it answers differently" in broken.claim
    largest = certify(steps_model, counter, images, radius=9.0, maximize=True).certificates[0]
    assert largest.witness == (3.0,)
    assert largest.radius == torch.nextafter(torch.tensor(3.0), torch.tensor(0.0)).item()  # a float32 below it


@pytest.mark.parametrize("name", DISCRETE)
def test_certificates_agree_with_a_scan_of_every_parameter(name, example_model, test_images):
    transformation = get_corruption(name).transformation
    radius = {"defocus:discrete": 3.0, "translation:black": 2.0}.get(name, 0.25)
    report = certify(example_model, name, test_images[:12], radius=radius)
    region = transformation.region(radius)
    scan = transformation.space.snap(region.sample(2_000, torch.Generator().manual_seed(0)).double())
    scan = scan[region.contains(scan)]
    outcomes = set()
    for certificate, image in zip(report.certificates, test_images, strict=False):
        classes = torch.cat(
            [
                example_model(transformation.apply(image.expand(len(part), -1, -1, -1), part)).argmax(dim=1)
                for part in scan.split(500)
            ]
        )
        if certificate.certified:
            assert bool((classes == certificate.predicted).all())
        else:
            at = torch.tensor([certificate.witness], dtype=torch.float64)
            assert int(example_model(transformation.apply(image[None], at)).argmax()) != certificate.predicted
        outcomes.add(certificate.certified)
    assert True in outcomes


def test_certified_radii_are_sound_and_cannot_be_larger(example_model, test_images):
    """Below the radius no output differs; just above it one does."""
    name = "zoomblur:discrete"
    transformation = get_corruption(name).transformation
    report = certify(example_model, name, test_images[:16], radius=2.0, maximize=True)
    checked = 0
    for certificate, image in zip(report.certificates, test_images, strict=False):
        if certificate.witness is None:
            continue
        above = torch.tensor([[certificate.radius * (1 + 2e-7)]], dtype=torch.float64)
        at = torch.cat([above, torch.linspace(0, certificate.radius, 400, dtype=torch.float64)[:, None]])
        classes = example_model(transformation.apply(image.expand(len(at), -1, -1, -1), at)).argmax(dim=1)
        assert int(classes[0]) != certificate.predicted
        assert bool((classes[1:] == certificate.predicted).all())
        checked += 1
    assert checked > 0


def test_memory_stays_constant_and_results_equal(example_model, monkeypatch):
    whole = certify(example_model, "translation:black", limit=6, radius=3.0, maximize=True)
    monkeypatch.setattr(enumeration, "AT_ONCE", 28 * 28 * 3)
    parts = certify(example_model, "translation:black", limit=6, radius=3.0, maximize=True, budget=Budget(batch=2))
    assert [row[:-2] for row in determined(whole)] == [row[:-2] for row in determined(parts)]


def test_a_report_with_witnesses_is_saved_and_shown(example_model, tmp_path, capsys):
    report = certify(example_model, "translation:black", limit=4, radius=3.0, out=tmp_path / "report.json")
    assert Report.load(tmp_path / "report.json") == report
    report.summary()
    shown = capsys.readouterr().out
    assert "exact" in shown
    assert "error probability" not in shown


def test_what_does_not_fit_is_refused(example_model):
    with pytest.raises(ValueError, match="needs a DiscreteTransformation, not Defocus"):
        certify(example_model, "defocus", limit=1, certifier="enumeration", smoothing=NoSmoothing())
    with pytest.raises(ValueError, match=r"needs the plain model, not ParameterSmoothing; use smoothing=NoSm"):
        certify(example_model, "translation", limit=1, certifier="enumeration")
    report = certify(
        example_model, "translation", limit=2, radius=1.0, certifier="enumeration", smoothing=NoSmoothing()
    )
    assert report.run.guarantee is Guarantee.EXACT
    assert EnumerationCertifier().name == "enumeration"


def test_a_model_that_breaks_on_an_output_is_named():
    def fragile(images):
        logits = torch.stack([images.mean(dim=(1, 2, 3)), torch.zeros(len(images))], dim=1)
        return torch.where((images.mean(dim=(1, 2, 3))[:, None] - 2).abs() < 1e-6, torch.nan, logits)

    with pytest.raises(ValueError, match="NaN or infinite logits for a transformed image"):
        certify(fragile, recipe(Counter((1.0, 2.0))), torch.zeros(1, 1, 8, 8), radius=5.0)


def test_points_on_the_border_of_a_ball_are_tried():
    """(5, 12) lies at the distance 13 exactly, though (5/13)² + (12/13)² exceeds 1 in floats."""

    def corner(images):
        bright = images[:, 0, 16, 9]
        return torch.stack([0.5 - bright, bright - 0.5], dim=1)

    image = torch.zeros(1, 1, 32, 32)
    image[0, 0, 4, 4] = 1
    [certificate] = certify(corner, "translation:black", image, radius=13.0).certificates
    assert (certificate.certified, certificate.witness) == (False, (5.0, 12.0))
    assert certificate.claim.startswith(
        "Refuted by enumeration in floating-point arithmetic: the model answers class 0 on the unchanged image; at dx 5"
    )
    [largest] = certify(corner, "translation:black", image, radius=20.0, maximize=True).certificates
    assert largest.radius == torch.nextafter(torch.tensor(13.0), torch.tensor(0.0)).item()
    assert not largest.region.contains(torch.tensor([largest.witness]))[0]
    assert 12.9 < largest.radius < 13
    assert "every translation:black of whole dx from -12.99" in largest.claim


def test_a_certified_radius_survives_float32(test_images, example_model):
    for certificate in certify(example_model, "zoomblur:discrete", limit=20, radius=2.0, maximize=True).certificates:
        assert certificate.region.contains(torch.tensor([[certificate.radius]]))[0]


def test_a_list_that_leaves_out_outputs_is_refused(example_model):
    class Short(Counter):
        def representatives(self, region, height, width):
            return torch.zeros(1, 1, dtype=torch.float64)

    with pytest.raises(ValueError, match="Short has outputs that none of its representatives gives"):
        certify(example_model, recipe(Short((0.1, 0.2, 0.3))), limit=1, radius=1.0)
