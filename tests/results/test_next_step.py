"""The call that a report prints trains a classifier for what was certified: it is executed here."""

import shlex

import attrs
import pytest
import torch

import gsmooth_core
from gsmooth_core import (
    Box,
    Budget,
    Exponential,
    Gaussian,
    IdentitySurrogate,
    LatentSmoothing,
    ParameterNoise,
    Report,
    SmallConvNet,
    UNetSurrogate,
    certify,
    fit_classifier,
    get_corruption,
    load_fashion_mnist,
    read_card,
    use_surrogate,
)
from gsmooth_core.cli.app import main

QUICK = Budget(select=50, samples=100)
NOISY = LatentSmoothing(IdentitySurrogate(), 0.0, 9.0)


def surrogate(path):
    torch.manual_seed(0)
    made = UNetSurrogate(width=4, depth=1)
    made.card = {"parameter_std": 0.5, "latent_std": 0.25}
    made.save(path / "a surrogate.safetensors")
    return UNetSurrogate.load(path / "a surrogate.safetensors")


def own_recipe():
    return attrs.evolve(get_corruption("defocus"), name="lens")


CASES = {
    "the recipe's": lambda path: ("defocus", {}),
    "a radius": lambda path: ("defocus", {"radius": 3.0}),
    "a region": lambda path: ("rotation", {"radius": Box(-3.0, 1.5)}),
    "other pixel noise": lambda path: ("defocus", {"smoothing": NOISY}),
    "other noise on the parameter": lambda path: (
        "gaussianblur",
        {"smoothing": ParameterNoise(Exponential(3.0), pixel_std=0.01), "radius": 4.0},
    ),
    "noise of two laws": lambda path: (
        "brightnesscontrast",
        {"smoothing": ParameterNoise((Gaussian(2.0), Gaussian(0.3)), pixel_std=0.01), "radius": 0.2},
    ),
    "a recipe with other noise": lambda path: (attrs.evolve(get_corruption("defocus"), smoothing=NOISY), {}),
    "a recipe with another radius": lambda path: (attrs.evolve(get_corruption("defocus"), radius={(1, 28, 28): 2}), {}),
    "a surrogate": lambda path: (use_surrogate("defocus", surrogate(path)), {"radius": 2.0}),
    "a surrogate with other noise": lambda path: (
        "defocus",
        {"smoothing": use_surrogate("defocus", surrogate(path), latent_std=0.7).smoothing},
    ),
    "a surrogate in memory": lambda path: (use_surrogate("defocus", UNetSurrogate(width=4, depth=1), 0.0, 0.5), {}),
    "a recipe of one's own": lambda path: (own_recipe(), {}),
    "a recipe of one's own with other noise": lambda path: (own_recipe(), {"smoothing": NOISY}),
    "no noise": lambda path: ("defocus:discrete", {}),
}


@pytest.mark.parametrize("case", CASES)
def test_the_printed_call_trains_what_was_certified(case, tmp_path, monkeypatch):
    """The recipe that the call hands to ``fit_classifier`` has the smoothing and the region of the report."""
    monkeypatch.chdir(tmp_path)
    images, labels = load_fashion_mnist("test")
    images, labels = images[:8], labels[:8]
    model, (corruption, given) = SmallConvNet(width=4), CASES[case](tmp_path)
    report = certify(model, corruption, images, limit=1, budget=QUICK, **given)
    called = []

    def fit(model, recipe, images, labels, radius=None):
        called.append((recipe, radius))
        return fit_classifier(model, recipe, images, labels, radius=radius, epochs=1, progress=False)

    scope = {name: getattr(gsmooth_core, name) for name in gsmooth_core.__all__} | {
        "attrs": attrs,
        "fit_classifier": fit,
        "model": model,
        "images": images,
        "labels": labels,
    }
    if not isinstance(corruption, str):
        scope["your_recipe"] = corruption
        scope["your_surrogate"] = getattr(corruption.smoothing, "surrogate", None)
    eval(report.training[0], scope)
    [(recipe, radius)] = called
    again = certify(model, recipe, images, limit=1, budget=QUICK, radius=radius)
    assert (again.run.smoothing, again.run.region) == (report.run.smoothing, report.run.region)
    assert "your_" not in report.training[0] or "own" in case or "memory" in case


def test_noise_of_a_plugin_and_a_smoothing_of_ones_own_are_not_made_up():
    class Mine(Gaussian):
        """A noise distribution that no plugin offers."""

    report = certify(
        SmallConvNet(width=4),
        "brightness",
        "fashion-mnist",
        limit=1,
        budget=QUICK,
        smoothing=ParameterNoise(Mine(0.5), 0.004),
    )
    assert report.training == (
        "fit_classifier(model, attrs.evolve(get_corruption('brightness'), smoothing=your_smoothing), images, labels)",
    )


@pytest.mark.parametrize("case", ["the recipe's", "a radius", "other pixel noise", "a surrogate with other noise"])
def test_the_printed_command_trains_what_was_certified(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    corruption, given = CASES[case](tmp_path)
    report = certify(SmallConvNet(width=4), corruption, "fashion-mnist", limit=1, budget=QUICK, **given)
    words = shlex.split(report.training[1])
    assert words[:4] == ["gsmooth", "fit", "classifier", "defocus"]
    with pytest.raises(SystemExit) as stop:
        main([*words[1:], "--limit", "32", "--epochs", "1"])
    assert stop.value.code == 0
    card = read_card("classifier.safetensors")
    assert report.run.smoothing.startswith(card["smoothing"])
    assert card["options"]["radius"] == given.get("radius")
    assert card["surrogate"] == (read_card("a surrogate.safetensors")["sha256"] if "surrogate" in case else None)


def test_where_there_is_no_command_none_is_printed(tmp_path):
    for case in ("a region", "other noise on the parameter", "a recipe of one's own", "a surrogate in memory"):
        corruption, given = CASES[case](tmp_path)
        report = certify(SmallConvNet(width=4), corruption, "fashion-mnist", limit=1, budget=QUICK, **given)
        assert len(report.training) == 1, case


def test_the_command_line_ends_with_the_command_that_trains(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    surrogate(tmp_path)
    quick = ["--samples", "100", "--select", "50", "--limit", "2"]
    shown = []
    for given in (["--surrogate", "a surrogate.safetensors", "--latent-std", "9"], ["--latent-std", "9"], []):
        with pytest.raises(SystemExit) as stop:
            main(["certify", "defocus", *given, *quick, "--data", "fashion-mnist", "--out", f"{len(shown)}.json"])
        assert stop.value.code == 0
        shown.append(capsys.readouterr().out.splitlines()[-1])
    assert shown[0] == (
        "next: gsmooth fit classifier defocus --surrogate 'a surrogate.safetensors' --parameter-std 0.5 --latent-std "
        "9.0 --out classifier.safetensors --data fashion-mnist"
    )
    assert shown[1].startswith("next: gsmooth fit classifier defocus --parameter-std 0.0 --latent-std 9.0")
    assert not shown[2].startswith("next")  # the example model was trained for defocus
    assert "--latent-std 9.0" in Report.load("1.json").notes[-1]


def test_a_surrogate_knows_its_file_and_is_the_same_model_in_each(tmp_path):
    made = surrogate(tmp_path)
    loaded = UNetSurrogate.load(tmp_path / "a surrogate.safetensors")
    (tmp_path / "copy").mkdir()
    loaded.save(tmp_path / "copy" / "moved.safetensors")
    assert (made.file, loaded.file) == (
        str(tmp_path / "a surrogate.safetensors"),
        str(tmp_path / "copy" / "moved.safetensors"),
    )
    assert UNetSurrogate().file is None
    runs = [
        certify(
            SmallConvNet(width=4), use_surrogate("defocus", one), "fashion-mnist", limit=1, budget=QUICK
        ).run.smoothing
        for one in (loaded, UNetSurrogate.load(tmp_path / "copy" / "moved.safetensors"))
    ]
    assert runs[0] == runs[1]
