"""Smoothed classifiers, saved and loaded: the same votes for the same seed."""

import json

import pytest
import torch
from torch import nn

from gsmooth_core import (
    Gaussian,
    IdentitySurrogate,
    Laplace,
    LatentSmoothing,
    NoSmoothing,
    ParameterNoise,
    SmallConvNet,
    SmoothedClassifier,
    Surrogate,
    UNetSurrogate,
    get_corruption,
    load_smoothed,
    normalized,
    save_classifier,
    save_smoothed,
    smooth,
    use_surrogate,
)

SMOOTHINGS = {
    "recipe": ("gaussianblur", None),
    "latent recipe": ("defocus", None),
    "none": ("translation:black", None),
    "several parameters": ("brightnesscontrast", None),
    "other noise": ("brightness", ParameterNoise(Laplace(0.25), pixel_std=0.01)),
    "one law for each": ("brightnesscontrast", ParameterNoise((Gaussian(0.25), Gaussian(0.5)), pixel_std=0.01)),
    "other stds": ("defocus", LatentSmoothing(IdentitySurrogate(1), 0.0, 0.125)),
    "plain": ("gaussianblur", NoSmoothing()),
}


@pytest.mark.parametrize("kind", SMOOTHINGS)
def test_a_loaded_classifier_votes_as_the_saved_one(tmp_path, example_model, test_images, kind):
    corruption, smoothing = SMOOTHINGS[kind]
    classifier = smooth(normalized(example_model, 0, 1), corruption, smoothing=smoothing)
    save_smoothed(classifier, tmp_path / "deployed")
    loaded = load_smoothed(tmp_path / "deployed")
    assert str(loaded.smoothing) == str(classifier.smoothing)
    seeds = [torch.Generator().manual_seed(7) for _ in range(2)]
    votes = [one.votes(test_images[:2], 150, seed) for one, seed in zip((loaded, classifier), seeds, strict=True)]
    assert torch.equal(*votes)
    save_smoothed(loaded, tmp_path / "again")
    assert (tmp_path / "again" / "smoothed.json").read_text() == (tmp_path / "deployed" / "smoothed.json").read_text()


def test_a_surrogates_weights_are_saved_too(tmp_path, example_model, test_images):
    pytest.importorskip("monai")
    torch.manual_seed(0)
    trained = UNetSurrogate(dimension=1, channels=1, depth=1, width=8)
    recipe = use_surrogate("defocus", trained.eval(), parameter_std=0.5, latent_std=0.25)
    classifier = SmoothedClassifier(example_model, recipe.smoothing, "defocus")
    save_smoothed(classifier, tmp_path)
    loaded = load_smoothed(tmp_path)
    assert torch.equal(loaded.votes(test_images[:2], 50), classifier.votes(test_images[:2], 50))
    UNetSurrogate(dimension=1, channels=1, depth=1, width=8).save(tmp_path / "surrogate.safetensors")
    with pytest.raises(
        ValueError, match="surrogate.safetensors' belongs to another smoothed classifier; save it again"
    ):
        load_smoothed(tmp_path)


class Mine(Surrogate):
    dimension = 1
    lipschitz = 1.0
    encode_image = encode_parameters = decode = None


def refused(*arguments):
    with pytest.raises(ValueError, match=".") as error:
        save_smoothed(SmoothedClassifier(*arguments[:3]), arguments[3])
    return str(error.value)


def test_what_could_not_be_loaded_is_not_saved(tmp_path, example_model):
    blur, grey = get_corruption("gaussianblur").smoothing, get_corruption("brightness").smoothing
    assert "smooth the model with the name of an installed corruption" in refused(example_model, blur, None, tmp_path)
    assert "no installed plugin provides 'fog'" in refused(example_model, blur, "fog", tmp_path)
    assert "with that of 'gaussianblur' it is ParameterSmoothing(" in refused(
        example_model, grey, "gaussianblur", tmp_path
    )
    mine = LatentSmoothing(Mine(), 0.0, 1.0)
    assert "only smoothings and surrogates of gsmooth itself are known" in refused(
        example_model, mine, "defocus", tmp_path
    )
    assert "only a torch module can be saved, not a function" in refused(
        lambda images: images, blur, "gaussianblur", tmp_path
    )
    assert not (tmp_path / "smoothed.json").exists()


def test_consent_is_needed_for_code_of_ones_own(tmp_path):
    save_smoothed(smooth(nn.Flatten(), "gaussianblur"), tmp_path)
    with pytest.raises(ValueError, match="says that 'torch.nn.modules.flatten:Flatten' makes the network"):
        load_smoothed(tmp_path)
    assert isinstance(load_smoothed(tmp_path, trust=True).model, nn.Flatten)
    assert isinstance(load_smoothed(tmp_path, maker=nn.Flatten).model, nn.Flatten)


def test_other_files_and_other_plugins_are_refused(tmp_path, example_model, monkeypatch):
    with pytest.raises(ValueError, match="there is no smoothed.json in .*; name a folder that save_smoothed wrote"):
        load_smoothed(tmp_path)
    save_smoothed(smooth(example_model, "gaussianblur"), tmp_path)
    with monkeypatch.context() as other:
        other.setattr("gsmooth_core.classifiers.records.code_hash", lambda kind: "other")
        with pytest.raises(ValueError, match="computes 'gaussianblur' by other code, .*; install that version"):
            load_smoothed(tmp_path)
    with monkeypatch.context() as other:
        other.setattr("gsmooth_core.classifiers.records.ParameterNoise", lambda *_: ParameterNoise(Gaussian(9)))
        with pytest.raises(
            ValueError, match="the saved smoothing was ParameterSmoothing.*, and is .* now; save it again"
        ):
            load_smoothed(tmp_path)
    save_classifier(SmallConvNet(), tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="model.safetensors' belongs to another smoothed classifier"):
        load_smoothed(tmp_path)
    record = json.loads((tmp_path / "smoothed.json").read_text())
    (tmp_path / "smoothed.json").write_text(json.dumps({**record, "corruption": "defocus"}))
    with pytest.raises(ValueError, match="is no smoothed classifier: it was edited after it was written"):
        load_smoothed(tmp_path)
