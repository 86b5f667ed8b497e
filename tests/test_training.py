import pytest
import torch

from gsmooth_core import Budget, SmallConvNet, certify, fit_classifier


def fit(test_images, test_labels, **settings):
    torch.manual_seed(0)
    model = SmallConvNet(width=8)
    return fit_classifier(model, ["gaussianblur"], test_images[:400], test_labels[:400], **settings)


def test_training_makes_a_model_that_can_be_certified(test_images, test_labels):
    untrained = fit(test_images, test_labels, epochs=1, learning_rate=1e-9)
    trained = fit(test_images, test_labels, epochs=25)
    assert not trained.training
    before, after = (
        certify(model, "gaussianblur", limit=40, radius=4.0, budget=Budget(samples=300)).certified_accuracy().value
        for model in (untrained, trained)
    )
    assert before < 0.3
    assert after > 0.5


def test_the_same_seed_trains_the_same_model(test_images, test_labels):
    first, second, other = (fit(test_images, test_labels, epochs=1, seed=seed, mirror=True) for seed in (3, 3, 4))
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)
    assert any(not torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True))


def test_several_corruptions_share_each_batch(test_images, test_labels):
    model = SmallConvNet(width=8)
    fit_classifier(model, ["gaussianblur", "defocus"], test_images[:65], test_labels[:65], epochs=1, batch=64)
    assert all(bool(parameter.isfinite().all()) for parameter in model.parameters())


def test_batch_normalisation_and_other_sizes_can_be_trained():
    model = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3),
        torch.nn.BatchNorm2d(4),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(4, 3),
    )
    fit_classifier(model, "defocus", torch.rand(9, 1, 20, 20), [0, 1, 2] * 3, radius=2.0, epochs=2, batch=8)
    assert not model.training


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"corruptions": []}, "name at least one"),
        ({"images": torch.rand(4, 1, 28, 28) * 255}, "divide by 255"),
        ({"labels": [0, 1]}, "4 images but 2 labels"),
        ({"labels": [0, 1, 2, 12]}, r"labels \[12\]"),
        ({"labels": [0, 1, 2, -100]}, r"labels \[-100\]"),
        ({"epochs": 0}, "epochs must be a whole number"),
        ({"batch": 1.5}, "batch must be a whole number"),
        ({"radius": 2.0, "corruptions": ["defocus", "gaussianblur"]}, "one radius cannot suit several"),
        ({"corruptions": ["fog"]}, "pip install gsmooth-plugin-fog"),
        ({"images": torch.rand(4, 1, 20, 20)}, "no default radius"),
    ],
)
def test_bad_input_is_refused(settings, message):
    given = {"corruptions": ["defocus"], "images": torch.rand(4, 1, 28, 28), "labels": [0, 1, 2, 3], **settings}
    with pytest.raises(ValueError, match=message):
        fit_classifier(SmallConvNet(), **given)
