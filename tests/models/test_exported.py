"""Networks exported as programs and as ONNX."""

import sys

import pytest
import torch
from torch import nn

from gsmooth_core import adapters, export_classifier, normalized, smooth


def open_again(path):
    return adapters.from_onnx(path) if path.suffix == ".onnx" else adapters.from_exported(torch.export.load(path))


@pytest.mark.parametrize("ending", ["pt2", "onnx"])
@pytest.mark.parametrize("batch", [None, 16])
def test_the_votes_around_an_exported_file_are_those_of_the_model(tmp_path, example_model, test_images, ending, batch):
    if ending == "onnx":
        for library in ("onnx", "onnxscript", "onnxruntime"):
            pytest.importorskip(library)
    path, images = tmp_path / f"net.{ending}", test_images[:3]
    export_classifier(normalized(example_model.train(), 0, 1), path, images, batch=batch)
    assert example_model.training
    exported, model = smooth(open_again(path), "gaussianblur"), smooth(example_model.eval(), "gaussianblur")
    votes, wanted = exported.votes(images, 300), model.votes(images, 300)
    assert (votes - wanted).abs().max() <= 1
    assert open_again(path).batch == batch


class Branching(nn.Module):
    def forward(self, images):
        return images.flatten(1)[:, :2] * (2 if images.sum() > 0 else 3)


class Counting(nn.Module):
    calls = 0

    def forward(self, images):
        self.calls += 1
        return images.flatten(1)[:, :2] * self.calls


@pytest.mark.parametrize(
    ("model", "name", "images", "message"),
    [
        (nn.Flatten(), "net.pt", (2, 1, 2, 2), "is exported as .pt2 or .onnx, not as 'net.pt'"),
        (lambda images: images, "net.pt2", (2, 1, 2, 2), "only a torch module can be exported, not a function"),
        (nn.Flatten(), "net.pt2", (1, 1, 2, 2), r"an example is at least 2 images \(.*\), not \(1, 1, 2, 2\)"),
        (nn.Flatten(), "nowhere/net.pt2", (2, 1, 2, 2), "there is no folder"),
        (
            Branching(),
            "net.pt2",
            (2, 1, 2, 2),
            "Branching cannot be exported: .*; torch.export needs a forward without",
        ),
        (
            Counting(),
            "net.pt2",
            (2, 1, 2, 2),
            "Counting is exported to answers otherwise, by up to .*, so it was not kept",
        ),
    ],
)
def test_what_cannot_be_exported_is_a_sentence(tmp_path, model, name, images, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        export_classifier(model, tmp_path / name, torch.rand(images))
    assert not list(tmp_path.iterdir())


def test_onnx_without_its_libraries_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr("gsmooth_core.models.exported.find_spec", lambda name: None)
    with pytest.raises(
        ValueError, match=r"ONNX needs onnx, onnxscript, onnxruntime: pip install 'gsmooth-core\[onnx\]'"
    ):
        export_classifier(nn.Flatten(), tmp_path / "net.onnx", torch.rand(2, 1, 2, 2))
    (tmp_path / "net.onnx").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(
        ValueError, match=r"needs onnxruntime, which is not installed; pip install 'gsmooth-core\[onnx\]'"
    ):
        adapters.from_onnx(tmp_path / "net.onnx")
