import pytest
import torch

from gsmooth_core import SmoothedClassifier, smooth


def test_frequencies_are_votes(example_model, test_images):
    classifier = smooth(example_model, "defocus")
    frequencies = classifier(test_images[:3], samples=200)
    assert frequencies.shape == (3, 10)
    assert frequencies.sum(dim=1).tolist() == pytest.approx([1, 1, 1])
    torch.testing.assert_close(frequencies * 200, (frequencies * 200).round())


def test_predictions_are_right_and_repeatable(example_model, test_images, test_labels):
    classifier = smooth(example_model, "defocus")
    predicted = classifier.predict(test_images[:20], samples=200)
    assert predicted == classifier.predict(test_images[:20], samples=200)
    right = sum(a == b for a, b in zip(predicted, test_labels[:20].tolist(), strict=True))
    assert right >= 14


def test_a_generator_gives_other_noise_and_is_the_only_source(example_model, test_images):
    classifier = smooth(example_model, "gaussianblur")
    state = torch.random.get_rng_state()
    one, two, again = (
        classifier(test_images[:4], samples=300, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2, 1)
    )
    assert torch.equal(one, again)
    assert not torch.equal(one, two)
    assert torch.equal(state, torch.random.get_rng_state())


def test_a_tie_is_an_abstention():
    def coin(images):
        side = images.flatten(1)[:, 0] - 0.5
        return torch.stack([side, -side], dim=1)

    images = torch.full((3, 1, 28, 28), 0.5)
    images[1] = 1.0
    assert smooth(coin, "defocus").predict(images) == [None, 0, None]


def test_corrupted_images_may_leave_the_unit_interval_a_little(example_model):
    classifier = smooth(example_model, "gaussianblur")
    assert len(classifier.predict(torch.full((1, 1, 28, 28), -1e-4), samples=10)) == 1
    with pytest.raises(ValueError, match="divide by 255"):
        classifier.predict(torch.full((1, 1, 28, 28), 200.0), samples=10)


def test_it_is_a_module(example_model):
    classifier = smooth(example_model, "defocus")
    assert isinstance(classifier, SmoothedClassifier)
    assert len(list(classifier.parameters())) == len(list(example_model.parameters()))
    example_model.train()
    classifier.predict(torch.zeros(1, 1, 28, 28), samples=10)
    assert example_model.training
    example_model.eval()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["defocus", "gaussianblur"])
def test_certified_images_survive_the_real_corruption(example_model, name, test_images):
    """100 parameters in the region of each of 20 certified images: never another class, rarely an abstention."""
    from gsmooth_core import certify, get_corruption

    recipe = get_corruption(name)
    report = certify(example_model, name, limit=40)
    certified = [certificate for certificate in report.certificates if certificate.certified][:20]
    assert len(certified) == 20
    generator = torch.Generator().manual_seed(11)
    classifier = smooth(example_model, name)
    abstained = changed = 0
    for certificate in certified:
        parameters = certificate.region.sample(100, generator)
        image = test_images[certificate.index].expand(100, -1, -1, -1)
        corrupted = recipe.transformation.apply(image, parameters)
        predicted = classifier.predict(corrupted, samples=200, generator=generator)
        abstained += sum(answer is None for answer in predicted)
        changed += sum(answer not in (None, certificate.predicted) for answer in predicted)
    print(f"{name}: {changed} changed, {abstained} abstained of 2000")
    assert changed == 0
    assert abstained <= 100
