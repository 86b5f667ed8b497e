"""A model that expects other images than [0, 1] is noticed before the work; sound and merely weak ones are not."""

import warnings

import numpy as np
import pytest

from gsmooth_core import Budget, certify, load_fashion_mnist, smooth
from gsmooth_core.results.guessing import guessing

IMAGES, LABELS = load_fashion_mnist("test")
QUICK = Budget(select=20, samples=200, anchors=1)


@pytest.mark.parametrize("scale", [lambda images: images / 255, lambda images: images * 2 - 6])
@pytest.mark.parametrize("corruption", ["defocus:discrete", "gaussianblur"])
def test_a_model_that_expects_another_scale_is_noticed_before_the_work(scale, corruption, example_model):
    with pytest.warns(UserWarning, match="as if it guessed.* another scale .*gsmooth_core.normalized") as caught:
        report = certify(
            lambda images: example_model(scale(images)), corruption, IMAGES, LABELS, limit=20, budget=QUICK
        )
    assert [warning.filename for warning in caught] == [__file__]
    assert any("as if it guessed" in note for note in report.notes)


def test_without_labels_one_answer_for_all_is_noticed(example_model):
    with pytest.warns(UserWarning, match="answers class 5 on all of 20 unchanged images"):
        certify(lambda images: example_model(images / 255), "defocus:discrete", IMAGES[:20])


def test_a_sound_model_is_not_suspected(example_model):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for labels in (LABELS, None):
            report = certify(example_model, "defocus:discrete", IMAGES, labels, limit=20)
            assert not any("Usual reasons" in note for note in report.notes)


def test_at_most_32_images_are_looked_at(example_model):
    seen = []

    def model(images):
        seen.append(len(images))
        return example_model(images)

    certify(model, "gaussianblur", IMAGES, LABELS, limit=3, budget=QUICK)
    few = sum(seen)
    seen.clear()
    certify(model, "gaussianblur", IMAGES, LABELS, indices=range(3), budget=QUICK)
    assert sum(seen) == few
    assert 32 in [len(range(0, count, -(-count // 32))) for count in (32, 64, 1_000)]


@pytest.mark.parametrize("classes", [2, 10, 100, 1_000])
def test_models_are_suspected_as_rarely_and_as_often_as_promised(classes):
    random = np.random.default_rng(0)

    def suspected(accuracy):
        count = 0
        for _ in range(200):
            labels = random.integers(classes, size=32)
            others = (labels + random.integers(1, classes, size=32)) % classes
            answers = np.where(random.random(32) < accuracy, labels, others)
            count += guessing(answers.tolist(), labels.tolist(), classes) is not None
        return count / 200

    assert suspected(1 / classes) > 0.7
    assert suspected((1 + 1 / classes) / 2) < 0.05
    assert suspected(1) == 0


def test_few_images_tell_nothing():
    assert guessing([0, 0, 0], [1, 2, 3], 10) is None
    assert guessing([3] * 15, None, 10) is None
    assert guessing([3] * 30, [3] * 30, 10) is None


def test_the_deployed_classifier_refuses_bytes_and_warns_of_normalised_images(example_model):
    classifier = smooth(example_model, "gaussianblur")
    for call in (classifier.predict, classifier):
        with pytest.raises(ValueError, match=r"images must lie in \[0, 1\]"):
            call(IMAGES[:2] * 255, samples=20)
        with pytest.warns(UserWarning, match=r"the images lie in \[-2.86, 7.14\], as normalised ones do"):
            call((IMAGES[:2] - 0.286) / 0.1, samples=20)
    corrupted = classifier(IMAGES[:2] * 2.25 - 0.75, samples=20)  # as brightness with contrast may make them
    assert corrupted.shape == (2, 10)
