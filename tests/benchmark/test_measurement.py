import json
import re

import numpy as np
import pytest
import torch
from torch import nn

from gsmooth_core import (
    CorruptionRun,
    CorruptionScore,
    CorruptionTable,
    Gaussian,
    ParameterSmoothing,
    SmoothedClassifier,
    apply_severity,
    get_corruption,
    load_cifar10c,
    measure_corruption_accuracy,
    smooth,
)
from gsmooth_core.benchmark.severities import CONSTANTS

NAMES = tuple(CONSTANTS["cifar10c"])


class Bright(nn.Module):
    """Class 1 where the mean exceeds a threshold, class 0 elsewhere."""

    def __init__(self, threshold=0.5):
        super().__init__()
        self.threshold = threshold

    def forward(self, images):
        mean = images.mean(dim=(1, 2, 3))
        return torch.stack([torch.full_like(mean, self.threshold), mean], dim=1)


def greys(count, channels=1, size=8):
    """Flat images from black to white, and whether each is brighter than a half."""
    values = torch.arange(count) / (count - 1)
    return values.view(-1, 1, 1, 1).expand(-1, channels, size, size), (values > 0.5).long()


def table(errors, constants="cifar10c", severities=(1, 2)):
    """A table with so many wrong answers of 10, by corruption."""
    run = CorruptionRun(
        classifier="a model",
        model_hash="",
        smoothing="",
        data_hash="",
        source="made up",
        constants=constants,
        severities=severities,
        samples=None,
        seed=0,
        device="cpu",
        versions={},
    )
    return CorruptionTable(
        run,
        clean=CorruptionScore(9, 0, 10),
        scores={name: tuple(CorruptionScore(10 - wrong, 0, 10) for wrong in row) for name, row in errors.items()},
    )


def test_a_threshold_errs_where_brightness_carries_greys_over_it():
    images, labels = greys(256)
    found = measure_corruption_accuracy(
        Bright(), images, labels, corruptions=["brightness", "contrast"], progress=False
    )
    for severity, (more,) in enumerate(CONSTANTS["cifar10c"]["brightness"], start=1):
        carried = 1 - found.accuracy("brightness", severity).value
        assert carried == pytest.approx(more, abs=1.5 / 256)
    assert found.clean_accuracy.value == 1
    assert found.score("contrast", 5).correct >= 255
    assert found.mean_accuracy("brightness") == pytest.approx(1 - 0.16, abs=1.5 / 256)
    assert found.run.samples is None


def test_every_chunk_is_corrupted_as_the_whole(monkeypatch, example_model, test_images, test_labels):
    images, labels = test_images[:30], test_labels[:30]
    whole = measure_corruption_accuracy(example_model, images, labels, severities=[5], seed=3)
    for name in NAMES:
        answers = example_model(apply_severity(images, name, 5, seed=3)).argmax(dim=1)
        assert whole.score(name, 5) == CorruptionScore(int((answers == labels).sum()), 0, 30)
    monkeypatch.setattr("gsmooth_core.benchmark.measurement.CHUNK", 7)
    assert measure_corruption_accuracy(example_model, images, labels, severities=[5], seed=3) == whole


def test_a_smoothed_classifier_answers_by_votes_and_abstains_near_its_threshold():
    images, labels = greys(41)
    noise = Gaussian(0.1)
    classifier = SmoothedClassifier(Bright(), ParameterSmoothing(get_corruption("brightness").transformation, noise))
    found = measure_corruption_accuracy(
        classifier, images, labels, corruptions=["brightness"], severities=[1], samples=200
    )
    assert found.run.samples == 200
    for score in (found.clean, found.score("brightness", 1)):
        assert 1 <= score.abstained <= 6
        assert score.correct <= 41 - score.abstained
    assert found.clean.correct == 41 - found.clean.abstained
    assert found == measure_corruption_accuracy(
        classifier, images, labels, corruptions=["brightness"], severities=[1], samples=200
    )


def test_the_model_comes_back_as_it_was():
    model = Bright().train()
    measure_corruption_accuracy(model, *greys(3), corruptions=["contrast"], severities=[1])
    assert model.training


def test_mean_corruption_error_is_the_papers():
    ours, baseline = table({"contrast": (1, 3), "pixelate": (4, 6)}), table({"contrast": (4, 4), "pixelate": (5, 5)})
    assert ours.mean_corruption_error() == pytest.approx((0.2 + 0.5) / 2)
    assert ours.mean_corruption_error(baseline) == pytest.approx((0.2 / 0.4 + 0.5 / 0.5) / 2)
    assert baseline.mean_corruption_error(baseline) == 1


@pytest.mark.parametrize(
    ("baseline", "message"),
    [
        (table({"contrast": (0, 0), "pixelate": (1, 1)}), "makes no error under contrast; take a weaker one"),
        (table({"contrast": (1, 1)}), "measure it with the same corruptions"),
        (table({"contrast": (1, 1), "pixelate": (1, 1)}, severities=(1, 3)), "[1, 3], 'cifar10c'), not"),
        (table({"contrast": (1, 1), "pixelate": (1, 1)}, "imagenetc"), "'imagenetc'), not"),
    ],
)
def test_a_baseline_that_does_not_fit_is_refused(baseline, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        table({"contrast": (1, 3), "pixelate": (4, 6)}).mean_corruption_error(baseline)


def test_the_table_is_shown_and_written(capsys):
    made = table({"contrast": (1, 3), "pixelate": (4, 6)})
    made.summary()
    shown = capsys.readouterr().out
    for part in ("contrast", "90.0", "70.0", "80.0", "Mean corruption error: 35.0 %", "No corruption: 90.0 % [55.5"):
        assert part in shown
    assert "abstained" not in shown
    markdown = made.to_markdown()
    assert "| corruption | 1 | 2 | mean |\n| --- | ---: | ---: | ---: |\n| contrast | 90.0 | 70.0 | 80.0 |" in markdown
    assert "\n\na model, 10 images; made up.\n\n" in markdown


def test_abstentions_are_given_apart(example_model, test_images, test_labels, capsys):
    classifier = smooth(example_model, "gaussianblur")
    found = measure_corruption_accuracy(
        classifier, test_images[:6], test_labels[:6], corruptions=["contrast"], samples=20
    )
    found.summary()
    shown = " ".join(capsys.readouterr().out.split())
    assert "abstained" in shown
    assert "Answers are by 20 votes; abstentions, " in shown
    mean = sum(score.abstained for score in found.scores["contrast"]) / 30
    assert found.to_markdown().splitlines()[2].endswith(f"| {100 * mean:.1f} |")


def test_tables_are_saved_and_loaded(tmp_path, example_model, test_images, test_labels):
    made = measure_corruption_accuracy(example_model, test_images[:4], test_labels[:4], severities=[2, 4])
    made.save(tmp_path / "table.json")
    assert CorruptionTable.load(tmp_path / "table.json") == made
    content = json.loads((tmp_path / "table.json").read_text())
    for wrong in ({}, {**content, "format": "another"}, {**content, "colour": "red"}, [1]):
        (tmp_path / "wrong.json").write_text(json.dumps(wrong))
        with pytest.raises(ValueError, match="is no corruption table: .*; give a file that CorruptionTable.save wrote"):
            CorruptionTable.load(tmp_path / "wrong.json")


def test_what_is_not_in_the_table_is_answered_with_what_is():
    made = table({"contrast": (1, 3)})
    for corruption, severity in (("fog", 1), ("contrast", 3)):
        with pytest.raises(ValueError, match=f"no severity {severity} of '{corruption}'; it has contrast at 1, 2"):
            made.accuracy(corruption, severity)
    with pytest.raises(ValueError, match="it has contrast at 1, 2"):
        made.mean_accuracy("fog")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"corruptions": ["fog"]}, "no corruption 'fog'"),
        ({"corruptions": []}, "name at least one corruption, and none twice, not []"),
        ({"corruptions": ["contrast", "contrast"]}, "name at least one corruption, and none twice"),
        ({"severities": []}, "name at least one severity, and none twice, not []"),
        ({"severities": [2, 2]}, "name at least one severity, and none twice"),
        ({"severities": [6]}, "severities go from 1 to 5"),
        ({"constants": "mnistc"}, "no constants 'mnistc'"),
        ({"samples": 0}, "samples must be a whole number of at least 1"),
        ({"seed": -1}, "seed must be a whole number of at least 0"),
        ({"labels": [0, 1]}, "there are 4 images but 2 labels"),
        ({"labels": [0, 1, 2, 0]}, "there are labels [2]"),
        ({"images": torch.full((4, 1, 8, 8), 7.0)}, "must lie in [0, 1]"),
        ({"images": torch.zeros(4, 2, 8, 8)}, "not 2 channels; give 1 or 3"),
        ({"classifier": "resnet"}, "the model must be a module or a function"),
        ({"device": "gpu"}, "the device 'gpu' cannot be used"),
    ],
)
def test_errors_say_what_to_do(arguments, message):
    images, labels = greys(4)
    given = {"classifier": Bright(), "images": images, "labels": labels} | arguments
    with pytest.raises(ValueError, match=re.escape(message)):
        measure_corruption_accuracy(given.pop("classifier"), given.pop("images"), given.pop("labels"), **given)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Files in the shape of CIFAR-10-C, sparse on the disk, of which the first 300 images of each severity are flat.

    Under ``fog`` image i of severity s is grey of level ``i % 256`` plus 10 s; labels say whether ``i % 256`` exceeds
    127.
    """
    folder = tmp_path_factory.mktemp("CIFAR-10-C")
    for name in ("fog", "contrast"):
        images = np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.uint8, (50_000, 32, 32, 3))
        for severity in range(1, 6):
            levels = np.minimum(np.arange(300) % 256 + 10 * severity, 255)
            images[(severity - 1) * 10_000 :][:300] = levels.reshape(-1, 1, 1, 1)
        images[20_000, 5, 7] = (10, 20, 30)
        images.flush()
    np.save(folder / "labels.npy", np.tile(np.arange(10_000) % 256 > 127, 5).astype(np.uint8))
    return folder


def clean(count):
    """The images that the published ones were made from, and their labels."""
    levels = torch.arange(count) % 256
    return levels.view(-1, 1, 1, 1).expand(-1, 3, 32, 32) / 255, (levels > 127).long()


def test_published_images_are_read_by_severity(published):
    images, labels = load_cifar10c(published, "fog", 3)
    assert images.shape == (10_000, 3, 32, 32)
    assert images.dtype == torch.float32
    assert labels.dtype == torch.int64
    assert torch.equal(images[0, :, 5, 7] * 255, torch.tensor([10.0, 20.0, 30.0]))
    assert torch.equal(images[1:4, 0, 0, 0], torch.tensor([31.0, 32.0, 33.0]) / 255)
    assert labels[126:130].tolist() == [0, 0, 1, 1]


def test_published_images_take_the_place_of_generated_ones(published):
    images, labels = clean(300)
    found = measure_corruption_accuracy(Bright(), images, labels, corruptions=["fog", "contrast"], folder=published)
    assert found.clean_accuracy.value == 1
    for severity in range(1, 6):
        assert found.score("fog", severity) == CorruptionScore(300 - 10 * severity, 0, 300)
    assert "from the files of CIFAR-10-C" in found.notes[0]


def test_published_files_that_do_not_fit_are_refused(published, tmp_path):
    np.save(tmp_path / "short.npy", np.zeros((10, 32, 32, 3), dtype=np.uint8))
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "labels.npy", np.zeros(50_000))
    (tmp_path / "text.npy").write_text("not an array")
    (tmp_path / "empty.npy").touch()
    (tmp_path / "fog.npy").symlink_to(published / "fog.npy")
    for name, message in (
        ("snow", "snow.npy'; unpack CIFAR-10-C.tar"),
        ("short", "holds uint8 of shape (10, 32, 32, 3), not uint8 of shape (50000, 32, 32, 3)"),
        ("objects", "is no file of numbers"),
        ("text", "is no file of numbers"),
        ("empty", "is no file of numbers"),
        ("fog", "holds float64 of shape (50000,), not 50,000 whole numbers; take the file of CIFAR-10-C"),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            load_cifar10c(tmp_path, name, 1)
    with pytest.raises(ValueError, match="severities go from 1 to 5"):
        load_cifar10c(published, "fog", 6)


def test_published_files_must_belong_to_the_images(published):
    images, labels = clean(20)
    for arguments, message in (
        ((images, 1 - labels, {}), "the labels are not the first ones"),
        ((images, labels, {"constants": "imagenetc"}), "leave out constants"),
        ((images[..., :28], labels, {}), "load them with gsmooth_core.load_cifar"),
        ((images, labels, {"corruptions": ["contrast", "snow"]}), "unpack CIFAR-10-C.tar"),
    ):
        given, truth, options = arguments
        with pytest.raises(ValueError, match=re.escape(message)):
            measure_corruption_accuracy(Bright(), given, truth, folder=published, **{"corruptions": ["fog"], **options})


def test_a_table_of_other_published_files_is_not_continued(published, tmp_path):
    given = {"severities": [1], "out": tmp_path / "table.json"}
    first = measure_corruption_accuracy(Bright(), *clean(20), corruptions=["fog"], folder=published, **given)
    assert measure_corruption_accuracy(Bright(), *clean(20), corruptions=["fog"], folder=published, **given) == first
    other = tmp_path / "other"
    other.mkdir()
    (other / "labels.npy").symlink_to(published / "labels.npy")
    images = np.lib.format.open_memmap(other / "fog.npy", "w+", np.uint8, (50_000, 32, 32, 3))
    images.flush()
    with pytest.raises(ValueError, match="cannot be continued: the runs differ: data_hash"):
        measure_corruption_accuracy(Bright(), *clean(20), corruptions=["fog"], folder=other, **given)
