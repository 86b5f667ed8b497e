import importlib.util
import re
import shlex
import tomllib
from pathlib import Path

import pytest
from helpers import determined

from gsmooth_core import Budget, Guarantee, Report, certify, get_corruption, make_classifier
from gsmooth_core.testing import laws_of

EXAMPLES = Path(__file__).parents[2] / "examples"


def load(name):
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_example_is_tested():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {
        "attack_and_verify",
        "choose_certifier",
        "demo",
        "first_certificate",
        "noise_laws",
        "own_corruption",
        "own_data",
        "own_model",
        "shards",
        "show_reports",
        "train_surrogate",
    }


def test_demo_leaves_reports_and_pictures(tmp_path, capsys):
    load("demo").main(limit=1, out=tmp_path / "demo")
    names = {path.name for path in (tmp_path / "demo").iterdir()}
    assert {"defocus.json", "defocus.png", "translation-black.json", "translation-black.png"} <= names
    assert len(Report.load(tmp_path / "demo" / "defocus.json").certificates) == 1
    assert "certified accuracy" in capsys.readouterr().out


def test_first_certificate_prints_its_claim(capsys):
    report = load("first_certificate").main(limit=3)
    assert report.certificates[0].claim in capsys.readouterr().out


def test_choose_certifier_compares_three_ways(capsys):
    comparison = load("choose_certifier").main(limit=1, radius=1.0, samples=200)
    exact, proved, less = (report.run for report in comparison.reports.values())
    assert (exact.guarantee, proved.guarantee) == (Guarantee.EXACT, Guarantee.PROBABILISTIC)
    assert less.smoothing != proved.smoothing
    assert "1 image, the same for all" in capsys.readouterr().out


def test_own_data_is_certified_and_deployed(capsys):
    report = load("own_data").main(limit=4, epochs=2)
    assert report.accuracy.value > 0.1
    assert "deployed: [" in capsys.readouterr().out


def test_shards_are_merged_into_the_whole(tmp_path, example_model):
    example = load("shards")
    for shard in range(3):
        example.main(shard, 3, tmp_path, limit=5, samples=200)
    whole = certify(example_model, "gaussianblur", limit=5, budget=Budget(samples=200))
    merged = example.merge(3, tmp_path)
    assert determined(merged) == determined(whole)
    assert Report.load(tmp_path / "report.json") == merged


def test_a_page_shows_two_models(tmp_path, capsys):
    reports = load("show_reports").main(tmp_path / "page.html", limit=3, samples=200)
    page = (tmp_path / "page.html").read_text()
    for name, several in reports.items():
        assert f"<b>{name}</b>" in page
        assert all(f">{report.certified_accuracy()}</b>" in page for report in several)
    assert f"| {reports['example'][0].certified_accuracy(2.5)} |" in capsys.readouterr().out


def test_noise_laws_are_drawn(tmp_path):
    comparison = load("noise_laws").main(tmp_path / "laws.png", limit=2, samples=100)
    assert set(comparison.laws) == {"exponential", "foldedgaussian", "onesideduniform"}
    assert (tmp_path / "laws.png").read_bytes().startswith(b"\x89PNG")


def test_attack_and_verify_breaks_nothing():
    attacked, verification = load("attack_and_verify").main(limit=3, calls=100)
    assert attacked.bound.value <= attacked.clean_accuracy.value
    assert len(verification.certificates) > 0
    assert verification.holds


def test_train_surrogate_certifies_behind_it(capsys):
    report = load("train_surrogate").main(epochs=1, count=64, limit=1)
    assert "UNetSurrogate" in report.run.smoothing
    assert "surrogate of zoomblur (imitate)" in capsys.readouterr().out


def test_own_corruption_is_certified_without_packaging(capsys):
    example = load("own_corruption")
    assert example.main(limit=5).certified_accuracy().value > 0
    assert "log exponent" in capsys.readouterr().out
    # A class of a file that was not imported as a module cannot be pickled.
    for law in laws_of(example.GAMMA):
        if law.name != "equals_its_copy":
            law(example.GAMMA)


@pytest.fixture
def vignette(install_plugin):
    """The example plugin, found by its entry point."""
    source = EXAMPLES / "vignette"
    project = tomllib.loads((source / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["gsmooth"] == {"vignette": "gsmooth_plugin_vignette"}
    install_plugin("vignette", (source / "gsmooth_plugin_vignette.py").read_text(), distribution=project["name"])
    return get_corruption("vignette")


LONG = {"survives_an_attack", "withstands_hostile_classifiers"}
"""Laws that take seconds, each a test of its own."""


def test_the_example_plugin_keeps_the_quick_laws_and_is_certified(vignette, example_model):
    laws = {law.name: law for law in laws_of(vignette)}
    assert set(laws) >= LONG
    for name in set(laws) - LONG:
        laws[name](vignette)
    assert certify(example_model, "vignette", limit=2).certified.value > 0


@pytest.mark.parametrize("name", sorted(LONG))
def test_the_example_plugin_keeps_the_long_laws(vignette, name):
    [law] = [law for law in laws_of(vignette) if law.name == name]
    law(vignette)


PLANS = sorted(EXAMPLES.glob("*.toml"))


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_plans_and_the_commands_that_they_name_are_understood(path, parse):
    def parsed(command):
        return parse(shlex.split(command))[1].arguments

    surrogate, classifier = (parsed(f"fit {kind} --config {path}") for kind in ("surrogate", "classifier"))
    assert classifier["surrogate"] == surrogate["training"].out
    assert get_corruption(surrogate["corruption"]).name == classifier["corruption"]
    data = classifier["training"].data
    classes, channels = (100 if data.startswith("cifar100") else 10), (1 if data == "fashion-mnist" else 3)
    make_classifier(classifier["model"].model, classes=classes, channels=channels)
    text = path.read_text().replace(" \\\n#", "").replace("examples/", f"{EXAMPLES}/")
    commands = re.findall(r"^# +gsmooth (.*)$", text, flags=re.MULTILINE)
    assert len(commands) >= 3
    certified = [parsed(command) for command in commands if command.startswith("certify")]
    assert [certification["model"].model for certification in certified] == [str(classifier["training"].out)]
    assert [certification["noise"].surrogate for certification in certified] == [classifier["surrogate"]]
    assert all(parsed(command) for command in commands)


def test_the_published_radii_are_the_recipes():
    table = (EXAMPLES / "gsmooth_cifar100.toml").read_text()
    rows = re.findall(r"^#   ([a-z]+) +([\d.]+) +[\d.]+$", table, flags=re.MULTILINE)
    assert len(rows) == 9
    for name, radius in rows:
        assert get_corruption(name).radius[3, 32, 32] == float(radius)


@pytest.mark.slow
def test_own_model_is_trained_and_certified(capsys):
    assert load("own_model").main(epochs=15, limit=10) > 0.2
    assert "predicted on blurred images" in capsys.readouterr().out
