import pytest
import torch
from helpers import QUICK

from gsmooth_core import accelerate, certify, smooth


def test_half_precision_is_a_model_of_its_own(example_model, test_images):
    fast = accelerate(example_model, autocast="bfloat16")
    logits, reference = fast(test_images[:50]), example_model(test_images[:50])
    assert logits.dtype == torch.float32
    assert not torch.equal(logits, reference)
    assert torch.allclose(logits, reference, atol=0.3, rtol=0.1)
    report = certify(fast, "gaussianblur", limit=3, budget=QUICK)
    assert report.run.model == "SmallConvNet (autocast=bfloat16, channels_last=False, compiled=False)"
    assert any(report.run.model in note for note in report.notes)
    plain = certify(example_model, "gaussianblur", limit=3, budget=QUICK)
    assert plain.run.model == "SmallConvNet"
    assert plain.run.model_hash != report.run.model_hash
    assert smooth(fast, "gaussianblur").predict(test_images[:3], samples=100)[0] is not None


def test_channels_last_gives_the_same_logits(example_model, test_images):
    expected = example_model(test_images[:20])
    assert torch.allclose(accelerate(example_model, channels_last=True)(test_images[:20]), expected, atol=1e-4)
    example_model.to(memory_format=torch.contiguous_format)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_compiled_model_is_certified(example_model):
    fast = accelerate(example_model, compile=True)
    report = certify(fast, "gaussianblur", limit=3, budget=QUICK)
    plain = certify(example_model, "gaussianblur", limit=3, budget=QUICK)
    assert "compiled=True" in report.run.model
    assert [c.certified for c in report.certificates] == [c.certified for c in plain.certificates]


def test_what_cannot_be_accelerated_is_refused(example_model):
    with pytest.raises(ValueError, match="'bfloat16' or 'float16' or None"):
        accelerate(example_model, autocast="int8")
    with pytest.raises(ValueError, match="wrap the function"):
        accelerate(lambda images: images)
