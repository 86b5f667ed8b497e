"""Nothing is lost: stopped runs continue, and only their own."""

import importlib
import json
from pathlib import Path

import pytest
import torch
from helpers import QUICK, Strengthened, determined

from gsmooth_core import (
    Corruption,
    Gaussian,
    ParameterSmoothing,
    Report,
    ResolvableCertifier,
    certify,
    fashion_mnist,
)


class Stops(Exception):
    pass


def test_a_stopped_run_continues_where_it_stopped(example_model, tmp_path, monkeypatch):
    out = tmp_path / "report.json"
    whole = certify(example_model, "gaussianblur", limit=6, budget=QUICK)
    save, saved = Report.save, []

    def save_and_stop(report, path):
        save(report, path)
        saved.append(len(report.certificates))
        if len(saved) == 3:
            raise Stops

    monkeypatch.setattr(Report, "save", save_and_stop)
    with pytest.raises(Stops):
        certify(example_model, "gaussianblur", limit=6, budget=QUICK, out=out)
    resumed = certify(example_model, "gaussianblur", limit=6, budget=QUICK, out=out)
    assert saved == [1, 2, 3, 4, 5, 6]
    assert determined(resumed) == determined(whole) == determined(Report.load(out))
    certify(example_model, "gaussianblur", limit=6, budget=QUICK, out=out)
    assert len(saved) == 6  # nothing left to do


def test_another_run_is_not_continued(example_model, tmp_path):
    out = tmp_path / "report.json"
    certify(example_model, "gaussianblur", limit=1, budget=QUICK, out=out)
    with pytest.raises(ValueError, match=r"cannot be continued: .* seed \(0 against 1\)"):
        certify(example_model, "gaussianblur", limit=1, budget=QUICK, seed=1, out=out)
    with pytest.raises(ValueError, match="image 0 or the label has changed"):
        certify(example_model, "gaussianblur", torch.zeros(1, 1, 28, 28), budget=QUICK, out=out)
    with pytest.raises(ValueError, match="image 0 or the label has changed"):
        certify(example_model, "gaussianblur", fashion_mnist("test")[0][:1], [3], budget=QUICK, out=out)
    with pytest.raises(ValueError, match="image 0 is not among"):
        certify(example_model, "gaussianblur", indices=[2], budget=QUICK, out=out)
    out.write_text(json.dumps({"format": 1}))
    with pytest.raises(ValueError, match="is no report of gsmooth"):
        certify(example_model, "gaussianblur", limit=1, budget=QUICK, out=out)
    with pytest.raises(ValueError, match="there is no folder"):
        certify(example_model, "gaussianblur", limit=1, budget=QUICK, out=tmp_path / "missing" / "report.json")


def test_another_setting_or_model_is_not_continued(tmp_path, test_images):
    """Not only names, but all settings, the structure of a module, and the answers of a function must be the same."""

    def recipe(strength):
        transformation = Strengthened(strength)
        return Corruption(
            "brighter", transformation, ParameterSmoothing(transformation, Gaussian(0.1)), ResolvableCertifier()
        )

    def constant(answer):
        return lambda images: torch.nn.functional.one_hot(torch.full((len(images),), answer), 10).float()

    def layered(activation):
        torch.manual_seed(0)
        return torch.nn.Sequential(torch.nn.Flatten(), activation, torch.nn.Linear(784, 10))

    settings = {"radius": 0.1, "budget": QUICK, "out": tmp_path / "report.json"}
    certify(constant(3), recipe(1.0), test_images[:2], **settings)
    with pytest.raises(ValueError, match=r"transformation \('Strengthened\(strength=1.0\) "):
        certify(constant(3), recipe(10.0), test_images[:2], **settings)
    with pytest.raises(ValueError, match="the model now answers otherwise on image 0"):
        certify(constant(7), recipe(1.0), test_images[:2], **settings)
    settings["out"] = tmp_path / "layered.json"
    certify(layered(torch.nn.ReLU()), recipe(1.0), test_images[:2], **settings)
    with pytest.raises(ValueError, match="model_hash"):
        certify(layered(torch.nn.Sigmoid()), recipe(1.0), test_images[:2], **settings)
    model = layered(torch.nn.ReLU())
    model.temperature = 2.0
    with pytest.raises(ValueError, match="model_hash"):
        certify(model, recipe(1.0), test_images[:2], **settings)


def test_a_corruption_whose_code_changed_is_not_continued(install_plugin, example_model, tmp_path, monkeypatch):
    """The class and its version are the same; only what it computes is not."""
    code = (Path(__file__).parents[1] / "examples" / "vignette" / "gsmooth_plugin_vignette.py").read_text()
    (tmp_path / "ours.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    ours = importlib.import_module("ours")
    [recipe] = ours.gsmooth_corruptions()
    out = tmp_path / "report.json"
    certify(example_model, recipe, limit=1, radius=0.05, budget=QUICK, out=out)
    certify(example_model, recipe, limit=2, radius=0.05, budget=QUICK, out=out)
    (tmp_path / "ours.py").write_text(code.replace("/ 2\n", "/ 1.5\n"))
    with pytest.raises(ValueError, match=r"cannot be continued: .* transformation \('Vignette\(\)"):
        certify(example_model, recipe, limit=3, radius=0.05, budget=QUICK, out=out)
