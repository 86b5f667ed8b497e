import re
import time

import attrs
import pytest
import torch
from helpers import QUICK, determined
from torch.utils.data import TensorDataset

from gsmooth_core import (
    Corruption,
    Exponential,
    Guarantee,
    IdentitySurrogate,
    LatentCertifier,
    LatentSmoothing,
    ParameterSmoothing,
    Region,
    Report,
    certify,
    get_corruption,
)


def test_the_bundled_images_stand_in_for_none(example_model):
    report = certify(example_model, "gaussianblur", budget=QUICK)
    assert [c.index for c in report.certificates] == list(range(50))
    assert "bundled Fashion-MNIST test images (the first 50 of 1,000)" in report.notes[0]
    assert report.run.region == Region(0, 36)
    assert report.certificates[0].guarantee is Guarantee.PROBABILISTIC
    assert report.certificates[0].alpha == 0.001
    assert min(c.samples for c in report.certificates) == 150  # 50 to select the class, and the first look
    assert next(c for c in report.certificates if c.predicted == 0 and c.certified).claim == (
        "Proved by Theorem 1 in floating-point arithmetic, with error probability at most 0.001: the smoothed "
        "classifier answers class 0 under every gaussianblur of variance from 0 to 36 px²."
    )


def test_a_certificate_is_certified_whatever_the_label(example_model, test_images):
    report = certify(example_model, "gaussianblur", test_images[:8], [9] * 8, budget=QUICK)
    wrong = [c for c in report.certificates if c.certified and not c.correct]
    assert wrong
    assert report.certified.value > report.certified_accuracy().value


def test_without_labels_nothing_is_said_about_accuracy(example_model, test_images):
    report = certify(example_model, "gaussianblur", test_images[:3], budget=QUICK)
    assert report.certificates[0].correct is None
    assert report.certified.value > 0
    with pytest.raises(ValueError, match="accuracy needs labels"):
        report.certified_accuracy()


@pytest.mark.parametrize("name", ["gaussianblur", "defocus"])
def test_the_same_seed_gives_the_same_certificates_whatever_the_batch(example_model, name):
    reports = [
        certify(example_model, name, limit=3, budget=attrs.evolve(QUICK, batch=batch), seed=4)
        for batch in (64, 500, None)
    ]
    assert determined(reports[0]) == determined(reports[1]) == determined(reports[2])
    other = certify(example_model, name, limit=3, budget=QUICK, seed=5)
    assert other.run != reports[0].run


def test_shards_give_the_certificates_of_the_whole(example_model):
    whole = certify(example_model, "defocus", limit=4, budget=QUICK)
    shards = [certify(example_model, "defocus", indices=places, budget=QUICK) for places in ([3, 1], [0, 2])]
    merged = Report.merge(*shards)
    assert determined(merged) == determined(whole)
    assert merged.certified_accuracy() == whole.certified_accuracy()
    with pytest.raises(ValueError, match="is in report 1 and in report 2 of the 2 to merge; leave one"):
        Report.merge(whole, shards[0])


def test_images_and_datasets_are_alike(example_model, test_images, test_labels):
    by_tensor = certify(example_model, "gaussianblur", test_images[:5], test_labels[:5], budget=QUICK)
    dataset = TensorDataset(test_images, test_labels)
    by_dataset = certify(example_model, "gaussianblur", dataset=dataset, limit=5, budget=QUICK)
    assert determined(by_tensor) == determined(by_dataset)


@pytest.mark.parametrize("name", ["gaussianblur", "defocus"])
def test_maximize_finds_radii_that_contain_the_yes_or_no_answer(example_model, name):
    asked = certify(example_model, name, limit=16, budget=QUICK)
    largest = certify(example_model, name, limit=16, budget=QUICK, maximize=True)
    radii = [c.radius for c in largest.certificates]
    assert any(0 < radius < asked.run.radius for radius in radii if radius is not None)
    rates = [largest.certified_accuracy(asked.run.radius * share).value for share in (0, 0.25, 0.5, 1)]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == largest.certified_accuracy().value
    for certificate in largest.certificates:
        assert (certificate.region is None) == (certificate.radius is None)
        assert certificate.certified == (certificate.radius == asked.run.radius)
        if certificate.region is not None and not certificate.certified:
            assert certificate.region.upper[0] == certificate.radius
            claimed = float(re.search(r" to (\S+) px", certificate.claim)[1])
            assert 0 <= certificate.radius - claimed <= 1e-5 * certificate.radius  # never more than was proved


def test_a_region_in_place_of_a_radius(example_model):
    report = certify(example_model, "defocus", limit=2, radius=Region(0, 1.5), budget=QUICK)
    assert report.run.radius == 1.5
    assert report.certificates[0].region == Region(0, 1.5)
    with pytest.raises(ValueError, match="reach from 0 to 1.5 px, not to 2"):
        report.certified_accuracy(2)


def test_smoothing_and_certifier_can_be_replaced(example_model):
    blur = get_corruption("gaussianblur").transformation
    smoothing = ParameterSmoothing(blur, Exponential(scale=30.0))
    report = certify(example_model, "gaussianblur", limit=2, smoothing=smoothing, certifier="resolvable", budget=QUICK)
    assert "scale=30.0" in report.run.smoothing
    identity = LatentSmoothing(IdentitySurrogate(), 0.0, 0.1)
    report = certify(example_model, "defocus", limit=2, smoothing=identity, certifier=LatentCertifier(), budget=QUICK)
    assert "latent_std=0.1" in report.run.smoothing


def test_a_corruption_passed_as_an_object(example_model):
    recipe = attrs.evolve(get_corruption("gaussianblur"), name="myblur", radius={})
    report = certify(example_model, recipe, limit=2, radius=4.0, budget=QUICK)
    assert report.run.corruption == "myblur"
    assert report.run.plugin is None
    assert isinstance(recipe, Corruption)


def test_a_colour_image_of_another_size():
    class Brightest(torch.nn.Module):
        def forward(self, images):
            return images.mean(dim=(2, 3))

    images = torch.rand(2, 3, 40, 24) * torch.tensor([1.0, 0.5, 0.5]).view(1, 3, 1, 1)
    for name, radius in (("gaussianblur", 20.0), ("defocus", 2.0)):
        report = certify(Brightest(), name, images, [0, 0], radius=radius, budget=QUICK)
        assert report.certified_accuracy().value == 1
        with pytest.warns(UserWarning, match=r"has no radius of its own for images of .* as for \(3, 32, 32\)"):
            report = certify(Brightest(), name, images, [0, 0], budget=QUICK)
        assert report.run.radius == get_corruption(name).radius[3, 32, 32]


def test_a_report_has_the_names_of_the_classes_and_the_wall_time(example_model, monkeypatch, tmp_path):
    """Continued calls add up their time; a report whose classes have other names is not continued."""
    from gsmooth_core import certification

    names = tuple("abcdefghij")
    gather = certification.gather
    monkeypatch.setattr(certification, "gather", lambda *given: attrs.evolve(gather(*given), class_names=names))
    start = time.monotonic()
    out = tmp_path / "report.json"
    first = certify(example_model, "defocus:discrete", limit=2, out=out)
    assert first.class_names == names
    assert 0 < first.seconds < first.wall_seconds < time.monotonic() - start
    assert Report.load(out) == first
    again = certify(example_model, "defocus:discrete", limit=2, out=out)  # nothing is left to do
    assert again == first
    more = certify(example_model, "defocus:discrete", limit=4, out=out)
    assert first.wall_seconds < more.wall_seconds < time.monotonic() - start
    assert Report.load(out) == more
    unknown = attrs.evolve(first, wall_seconds=None, class_names=())
    unknown.save(out)
    assert certify(example_model, "defocus:discrete", limit=3, out=out).wall_seconds is None
    attrs.evolve(first, class_names=("cat",)).save(out)
    with pytest.raises(ValueError, match="cannot be continued: its classes have other names"):
        certify(example_model, "defocus:discrete", limit=3, out=out)
