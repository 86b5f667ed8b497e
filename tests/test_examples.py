import importlib.util
from pathlib import Path

import pytest

from gsmooth_core import Report

EXAMPLES = Path(__file__).parents[1] / "examples"


def load(name):
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_example_is_tested():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {"demo", "own_model"}


def test_demo_leaves_reports_and_pictures(tmp_path, capsys):
    load("demo").main(limit=1, out=tmp_path / "demo")
    names = {path.name for path in (tmp_path / "demo").iterdir()}
    assert {"defocus.json", "defocus.png", "gaussianblur.json", "gaussianblur.png"} <= names
    assert len(Report.load(tmp_path / "demo" / "defocus.json").certificates) == 1
    assert "certified accuracy" in capsys.readouterr().out


@pytest.mark.slow
def test_own_model_is_trained_and_certified(capsys):
    assert load("own_model").main(epochs=15, limit=10) > 0.2
    assert "predicted on blurred images" in capsys.readouterr().out
