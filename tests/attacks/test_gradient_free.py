"""Attacks on models that have no gradients."""

import pytest
import torch
from helpers import dynamically_quantised

from gsmooth_core import AttackBudget, AttackReport, attack, certify, load_fashion_mnist, smooth, verify

IMAGES, LABELS = load_fashion_mnist("test")
BUDGET = AttackBudget(calls=60, draws=2, confirm=50)


def without_gradients(model):
    def of_arrays(images):
        return torch.from_numpy(model(torch.from_numpy(images.numpy())).detach().numpy())

    def in_no_grad(images):
        with torch.no_grad():
            return model(images)

    def by_answer(images):
        return torch.nn.functional.one_hot(model(images).argmax(dim=1), 10).float()

    return {
        "arrays": of_arrays,
        "no_grad": in_no_grad,
        "detached": lambda images: model(images).detach(),
        "inference mode": torch.inference_mode()(model.forward),
        "by answer": by_answer,
        "quantised": dynamically_quantised(model),
    }


KINDS = ["arrays", "no_grad", "detached", "inference mode", "by answer", "quantised"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_other_methods_take_over_and_the_report_says_so(kind, example_model, tmp_path):
    model = without_gradients(example_model)[kind]
    out = tmp_path / "attack.json"
    with pytest.warns(UserWarning, match="no gradients, so the attack is 'gradient-free'") as caught:
        report = attack(model, "rotation", IMAGES, LABELS, limit=1, budget=BUDGET, out=out, batch=1)
    assert [warning.filename for warning in caught] == [__file__]
    assert report.run.method == AttackReport.load(out).run.method == "gradient-free"
    assert report.images[0].calls == BUDGET.calls
    asked = attack(model, "rotation", IMAGES, LABELS, limit=1, method="gradient-free", budget=BUDGET, batch=1)
    assert asked.images == report.images
    with pytest.raises(ValueError, match="'pgd' needs gradients, .* use 'gradient-free'"):
        attack(model, "rotation", IMAGES, LABELS, limit=1, method="pgd", budget=BUDGET, batch=1)


def test_smoothed_ones_and_certificates_are_attacked_too(example_model):
    model = without_gradients(example_model)["arrays"]
    with pytest.warns(UserWarning, match="no gradients"):
        report = attack(smooth(model, "defocus"), "defocus", IMAGES, LABELS, limit=1, budget=BUDGET)
    assert report.run.method == "gradient-free"
    certified = certify(model, "gaussianblur", IMAGES, LABELS, limit=1)
    with pytest.warns(UserWarning, match="no gradients"):
        assert verify(certified, model, IMAGES, budget=BUDGET).holds


def test_gradients_that_are_there_or_are_not_needed_are_used_as_before(example_model):
    assert attack(example_model, "rotation", IMAGES, LABELS, limit=1, budget=BUDGET).run.method == "all"
    model = without_gradients(example_model)["arrays"]
    for corruption in ("defocus:discrete", "translation"):  # every output is tried; whole numbers have no gradient
        assert attack(model, corruption, IMAGES, LABELS, limit=1, budget=BUDGET).run.method == "all"
