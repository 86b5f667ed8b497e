import itertools
import math

import attrs
import pytest
import torch
from torch.utils.data import Dataset, TensorDataset
from torchvision.utils import save_image

from gsmooth_core import (
    Budget,
    SmallConvNet,
    certify,
    fit_classifier,
    fit_surrogate,
    get_corruption,
    load_image_folder,
    use_surrogate,
)
from gsmooth_core.training.classifier import ENTROPY, _AsSeen
from gsmooth_core.training.plan import Plan


class Stops(Exception):
    pass


class Pairs(Dataset):
    """Any dataset of (image, label)."""

    def __init__(self, images, labels):
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.images)

    def __getitem__(self, place):
        return self.images[place], int(self.labels[place])


class Counting(SmallConvNet):
    """Counts the batches that it is trained on, and stops at one of them."""

    def __init__(self, stop=None):
        torch.manual_seed(0)
        super().__init__(width=8)
        self.batches, self.stop = 0, stop

    def forward(self, images):
        self.batches += self.training
        if self.stop is not None and self.batches == self.stop:
            raise Stops
        return super().forward(images)


def same(first, second):
    return all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def fit(test_images, test_labels, **settings):
    torch.manual_seed(0)
    model = SmallConvNet(width=8)
    return fit_classifier(model, ["gaussianblur"], test_images[:400], test_labels[:400], **settings)


@pytest.mark.filterwarnings("ignore:The plain model is right")  # the untrained one guesses
def test_training_makes_a_model_that_can_be_certified(test_images, test_labels):
    untrained = fit(test_images, test_labels, epochs=1, learning_rate=1e-9)
    trained = fit(test_images, test_labels, epochs=25)
    assert not trained.training
    before, after = (
        certify(model, "gaussianblur", "fashion-mnist", limit=40, radius=4.0, budget=Budget(samples=300))
        .certified_accuracy()
        .value
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


def test_any_dataset_trains_the_same_model(test_images, test_labels):
    by_tensors = fit(test_images, test_labels, epochs=1)
    torch.manual_seed(0)
    dataset = Pairs(test_images[:400], test_labels[:400])
    assert same(by_tensors, fit_classifier(SmallConvNet(width=8), ["gaussianblur"], dataset, epochs=1))
    torch.manual_seed(0)
    assert same(by_tensors, fit_classifier(SmallConvNet(width=8), ["gaussianblur"], dataset=dataset, epochs=1))


def test_a_damaged_file_is_named_and_the_training_goes_on_after_it_is_mended(test_images, tmp_path):
    """The file is read in the middle of the first epoch of two, after others."""
    for place in range(12):
        (tmp_path / "pictures" / str(place % 2)).mkdir(parents=True, exist_ok=True)
        save_image(test_images[place], tmp_path / "pictures" / str(place % 2) / f"{place:02}.png")
    damaged = tmp_path / "pictures" / "1" / "11.png"
    whole = damaged.read_bytes()

    def trained(out=None, size=None):
        torch.manual_seed(0)
        pictures = load_image_folder(tmp_path / "pictures", channels=1, size=size)
        model = SmallConvNet(classes=2, width=8)
        return fit_classifier(model, "gaussianblur", dataset=pictures, epochs=2, batch=4, out=out)

    uninterrupted = trained()
    damaged.write_bytes(whole[:100])
    with pytest.raises(ValueError, match="the image '.*1/11.png' cannot be read: .*; it may be incomplete: replace or"):
        trained(tmp_path / "checkpoints")
    damaged.write_bytes(whole)
    assert same(uninterrupted, trained(tmp_path / "checkpoints"))
    with pytest.raises(ValueError, match="is of another training"):
        trained(tmp_path / "checkpoints", size=(28, 28))


@pytest.mark.parametrize("processes", [1, 3])
def test_each_epoch_has_its_own_order_of_all_images(processes):
    plan = Plan(epochs=2, batch=8, learning_rate=0.1, seed=5)

    def order(plan, epoch):
        parts = [plan.order(90, epoch, process, processes) for process in range(processes)]
        assert all(len(part) == plan.steps(90, processes) for part in parts)
        return list(itertools.chain.from_iterable(itertools.chain.from_iterable(parts)))

    first = order(plan, 0)
    assert sorted(first) == list(range(90))
    assert first == order(Plan(epochs=9, batch=8, learning_rate=0.2, seed=5), 0)
    assert first != order(plan, 1)
    assert first != order(Plan(epochs=2, batch=8, learning_rate=0.1, seed=6), 0)


def test_every_process_and_step_draws_anew():
    plan, cpu = Plan(epochs=1, batch=8, learning_rate=0.1), torch.device("cpu")
    draws = {
        float(torch.rand((), generator=plan.generator(cpu, step, process)))
        for step, process in itertools.product(range(20), range(3))
    }
    assert len(draws) == 60


@pytest.mark.parametrize("stop", [1, 5, 8, 12])
def test_a_stopped_training_goes_on_to_the_same_weights(test_images, test_labels, tmp_path, stop):
    """Of three epochs of four batches."""
    data, settings = (test_images[:64], test_labels[:64]), {"epochs": 3, "batch": 16, "mirror": True}
    whole = fit_classifier(Counting(), "defocus", *data, **settings)
    with pytest.raises(Stops):
        fit_classifier(Counting(stop), "defocus", *data, **settings, out=tmp_path)
    resumed = fit_classifier(Counting(), "defocus", *data, **settings, out=tmp_path)
    assert same(whole, resumed)
    assert resumed.batches == 12 - (stop - 1) // 4 * 4
    again = fit_classifier(Counting(), "defocus", *data, **settings, out=tmp_path)
    assert same(whole, again)
    assert again.batches == 0


def test_another_training_is_not_gone_on_with(test_images, test_labels, tmp_path):
    data = test_images[:32], test_labels[:32]
    fit_classifier(Counting(), "defocus", *data, epochs=1, out=tmp_path)
    for settings in ({"seed": 1}, {"jitter": 0}, {"epochs": 2}, {"radius": 2.0}):
        with pytest.raises(ValueError, match="of another training .*; name another folder, or delete this one"):
            fit_classifier(Counting(), "defocus", *data, **{"epochs": 1, **settings}, out=tmp_path)
    with pytest.raises(ValueError, match="of another training"):
        fit_classifier(Counting(), "defocus", data[0].flip(0), data[1], epochs=1, out=tmp_path)


def test_patience_stops_a_training_that_does_not_improve(test_images, test_labels, tmp_path):
    settings = {"epochs": 40, "batch": 16, "learning_rate": 1e-9, "patience": 2}
    first = fit_classifier(Counting(), "defocus", test_images[:32], test_labels[:32], **settings, out=tmp_path)
    assert 3 * 2 <= first.batches < 40 * 2
    again = fit_classifier(Counting(), "defocus", test_images[:32], test_labels[:32], **settings, out=tmp_path)
    assert again.batches == 0
    assert same(first, again)


def test_gradients_may_be_accumulated_and_options_reach_the_trainer(test_images, test_labels):
    data = test_images[:64], test_labels[:64]
    trained = [
        fit_classifier(Counting(), "defocus", *data, epochs=1, batch=16, trainer=trainer)
        for trainer in ({}, {"accumulate_grad_batches": 2}, {"precision": "bf16-mixed"}, {"limit_train_batches": 1})
    ]
    assert [model.batches for model in trained] == [4, 4, 4, 1]
    assert not any(same(trained[0], other) for other in trained[1:])


def test_the_bar_counts_the_steps(test_images, test_labels, capsys):
    fit_classifier(Counting(), "defocus", test_images[:32], test_labels[:32], epochs=2, batch=16, progress=True)
    assert "fit classifier" in (shown := capsys.readouterr().err)
    assert "4/4" in shown
    fit_classifier(Counting(), "defocus", test_images[:32], test_labels[:32], epochs=1, progress=False)
    assert capsys.readouterr().err == ""


def test_consistency_is_the_published_sum(test_images):
    """Cross-entropy of both views, divergence of each from their mean, and the mean's entropy (Jeong & Shin 2020)."""
    images, labels, seen = test_images[:3], torch.tensor([4, 0, 7]), []
    torch.manual_seed(0)
    layer = torch.nn.Linear(784, 10).double()

    class Recording(torch.nn.Module):
        def forward(self, images):
            seen.append(images)
            return layer(images.double().flatten(1))

    recipe = get_corruption("defocus")
    region = recipe.region(3.0, (1, 28, 28))
    objective = _AsSeen(Recording(), [recipe], [region], 7.0, 0, False)
    loss = objective(images, labels, torch.Generator().manual_seed(3))
    views = seen[0].view(2, 3, 1, 28, 28)
    difference = views[0] - views[1]  # of two draws on one transformed image
    assert float(difference.std()) == pytest.approx(math.sqrt(2) * recipe.smoothing.latent_std, rel=0.05)
    assert abs(float(difference.mean())) < 0.1 * float(difference.std())
    expected = 0.0
    for image, label in enumerate(labels.tolist()):
        p, q = (layer(view[image].double().flatten()).softmax(dim=0).tolist() for view in views)
        mean = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
        for view in (p, q):
            expected -= math.log(view[label]) / 6
            expected += 7 * sum(m * math.log(m / v) for m, v in zip(mean, view, strict=True)) / 6
        expected += ENTROPY * sum(-m * math.log(m) for m in mean) / 3
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-6)


def test_consistency_makes_two_draws_agree(test_images, test_labels):
    def disagreement(model):
        noise = 0.5 * torch.randn(2, 100, 1, 28, 28, generator=torch.Generator().manual_seed(0))
        first, second = (model(test_images[:100] + each).softmax(dim=1) for each in noise)
        return float((first - second).detach().abs().sum(dim=1).mean())

    data = test_images[:320], test_labels[:320]
    without, with_it = (
        fit_classifier(Counting(), "zoomblur", *data, epochs=6, consistency=weight) for weight in (0.0, 10.0)
    )
    assert disagreement(with_it) < disagreement(without)


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
        ({"corruptions": ["nosuch"]}, "gsmooth new nosuch"),
        ({"corruptions": attrs.evolve(get_corruption("defocus"), radius={})}, "no default radius"),
        ({"batch": 0}, "batch must be a whole number of at least 1"),
        ({"patience": 0}, "patience must be a whole number of at least 1"),
        ({"seed": -1}, "seed must be a whole number of at least 0"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0 and below 1000, not 0.0; 1e-3 is a good start"),
        ({"learning_rate": float("nan")}, "learning_rate must be above 0 and below 1000"),
        ({"consistency": -1.0}, "consistency must be at least 0, not -1.0; 10 is usual"),
        ({"consistency": float("nan")}, "consistency must be at least 0"),
        ({"jitter": -1}, "jitter must be a whole number of at least 0"),
        ({"device": "gpu"}, "the device 'gpu' cannot be used"),
        ({"labels": None}, "pass one label per image"),
        ({"images": Pairs(torch.rand(2, 1, 28, 28), [0, 1])}, "labels were given beside a dataset"),
        ({"images": Pairs(torch.rand(2, 1, 28, 28), [0, 12]), "labels": None}, r"labels \[12\]"),
        (
            {"images": Pairs((*torch.rand(2, 1, 28, 28), torch.rand(1, 9, 9)), [0] * 3), "labels": None},
            "resize",
        ),
        ({"images": [(torch.rand(1, 28, 28), 0.5)] * 2, "labels": None}, "labels must be whole numbers"),
        ({"images": Pairs([], []), "labels": None}, "the dataset is empty"),
        ({"dataset": Pairs([], [])}, "both images and dataset were given; pass one of them"),
        ({"images": None, "labels": None}, "no images were given; pass images and labels, or dataset="),
        ({"labels": torch.eye(4)}, "if the rows are one-hot, use labels.argmax"),
        ({"images": [(torch.rand(1, 28, 28), torch.eye(10)[1])] * 2, "labels": None}, "if the rows are one-hot"),
        ({"images": [torch.rand(1, 28, 28)] * 2, "labels": None}, r"learns from labels, but .* pass pairs"),
        ({"images": iter([]), "labels": None}, "images or a dataset with a length, not list_iterator"),
        ({"trainer": {"presicion": 16}}, "trainer has presicion, which is no option of Lightning's Trainer"),
        ({"trainer": {"max_epochs": 3}}, "or one that is set here"),
        ({"trainer": {"precision": "bf17"}}, "correct trainer or device"),
        ({"trainer": {"accelerator": "tpu"}}, "correct trainer or device"),
    ],
)
def test_bad_input_is_refused(settings, message):
    given = {"corruptions": ["defocus"], "images": torch.rand(4, 1, 28, 28), "labels": [0, 1, 2, 3], **settings}
    model = Counting()
    with pytest.raises(ValueError, match=message):
        fit_classifier(model, **given)
    assert model.batches == 0


def test_a_loss_that_explodes_is_said(test_images, test_labels):
    with pytest.raises(ValueError, match=r"the loss became (nan|inf) in epoch \d; lower learning_rate"):
        fit_classifier(Counting(), "defocus", test_images[:64], test_labels[:64], learning_rate=900.0, epochs=30)


class Varied(Pairs):
    """Items with randomness of their own."""

    def __getitem__(self, place):
        image, label = super().__getitem__(place)
        return (image + 0.1 * torch.rand(image.shape)).clamp(0, 1), label


def test_a_datasets_own_randomness_is_keyed_too(test_images, test_labels, tmp_path):
    data, settings = Varied(test_images[:64], test_labels[:64]), {"epochs": 3, "batch": 16}
    whole = fit_classifier(Counting(), "defocus", data, **settings)
    torch.rand(7)
    with pytest.raises(Stops):
        fit_classifier(Counting(7), "defocus", data, **settings, out=tmp_path)
    torch.rand(5)
    assert same(whole, fit_classifier(Counting(), "defocus", data, **settings, out=tmp_path))


@pytest.mark.parametrize("steps", [1, 2, 18, 19, 20, 29, 30])
def test_any_number_of_steps_can_be_trained(steps):
    images, labels = torch.rand(2 * steps, 1, 28, 28), [0, 1] * steps
    fit_classifier(SmallConvNet(classes=2, width=4), "defocus", images, labels, epochs=1, batch=2)


def test_the_loss_is_the_mean_over_the_steps_that_were_taken(test_images):
    settings = {"epochs": 1, "batch": 8, "learning_rate": 1e-9, "width": 4, "depth": 1}
    whole, part = (
        fit_surrogate("defocus", test_images[:80], trainer=options, **settings).card["last mean loss"]
        for options in ({}, {"limit_train_batches": 2})
    )
    assert part == pytest.approx(whole, rel=0.3)


@pytest.mark.parametrize(
    ("place", "message"), [("image", "images hold NaN"), ("label", r"labels \[7\]"), ("range", "divide by 255")]
)
def test_bad_items_far_into_a_dataset_are_named(place, message):
    images, labels = torch.rand(24, 1, 28, 28), [0, 1] * 12
    if place == "label":
        labels[20] = 7
    else:
        images[20, 0, 3, 3] = math.nan if place == "image" else 200.0
    model = SmallConvNet(classes=2, width=4)
    for data in (Pairs(images, labels), TensorDataset(images, torch.tensor(labels))):
        with pytest.raises(ValueError, match=message):
            fit_classifier(model, "defocus", data, epochs=1, batch=8)
        assert all(bool(weight.isfinite().all()) for weight in model.parameters())


def test_a_surrogate_ignores_whatever_stands_beside_the_images(test_images):
    settings = {"epochs": 1, "batch": 8, "width": 4, "depth": 1}
    expected = fit_surrogate("defocus", test_images[:24], **settings)
    for beside in (None, torch.rand(4), "a word"):
        items = [(image.double(), beside) for image in test_images[:24]]
        assert same(expected, fit_surrogate("defocus", items, **settings))


def test_only_modules_are_trained():
    with pytest.raises(ValueError, match="only a torch Module can be trained"):
        fit_classifier(lambda images: images.flatten(1)[:, :2], "defocus", torch.rand(4, 1, 28, 28), [0, 1, 0, 1])


def test_the_recipes_networks_come_back_as_they_were(test_images, test_labels):
    surrogate = fit_surrogate("defocus", test_images[:16], epochs=1, width=4, depth=1).train()
    recipe = use_surrogate("defocus", surrogate)
    fit_classifier(SmallConvNet(width=4), recipe, test_images[:16], test_labels[:16], epochs=1)
    assert surrogate.training
