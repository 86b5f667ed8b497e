"""The names of the package: those of every version so far go on working."""

import inspect
import re
from importlib.metadata import version
from pathlib import Path

import pytest

import gsmooth_core

FIRST = """
    AdditiveTransformation Answer Ask AskPlain AttackBudget AttackReport AttackRun Attacked Budget Certificate
    Certifier Comparison Corruption CorruptionRun CorruptionScore CorruptionTable Difference DiscreteTransformation
    EnclosedTransformation EnumerationCertifier Exponential Finding FoldedGaussian Gaussian GridNoise Guarantee
    IdentitySurrogate Imitation Laplace LatentCertifier LatentSmoothing NoSmoothing NoiseComparison
    NoiseDistribution OneSidedNoise OneSidedUniform ParameterSmoothing ParameterSpace PluginError PluginInfo Rate
    Region Report ResolvableCertifier ResolvableTransformation Run SampledTransformation ScaledTransformation
    SmallConvNet SmoothedClassifier Smoothing StepTransformation Steps Surrogate SurrogateCertifier Task
    Transformation UNetSurrogate Uniform VarianceTable Verification Verified accelerate apply_severity attack
    certify certify_noises certify_variances cifar circle_mask cohen_tsv compare corruption_accuracy cosine_filter
    cosine_frequencies download_weights enclose_by_slope enclose_growing_mean examine_surrogate extend_border
    fashion_mnist fit_classifier fit_surrogate get_certifier get_corruption get_noise hookimpl idx_images
    image_folder latex_table list_corruptions load_cifar10c load_classifier load_example_model load_images
    load_weights make_classifier markdown_table match_noises mean_slope noisy_images plot_curves plot_images
    plot_radii read_card report_page rotation_slope save_classifier save_imitations save_page save_weights
    scaling_slope smooth upload_weights verify warp_on_black with_surrogate
"""
"""Every name of ``gsmooth_core`` before some were given verbs."""
VERBS = """
    accelerate apply ask attack bound certify compare download draw enclose examine export extend filter fit format get
    list load make mask match measure plot read render save smooth upload use verify warp
"""


@pytest.mark.parametrize("name", FIRST.split())
def test_every_name_so_far_still_imports(name):
    thing = getattr(gsmooth_core, name)
    now = gsmooth_core._OLD_NAMES.get(name, name)
    assert now in gsmooth_core.__all__
    assert thing is getattr(gsmooth_core, now)


def test_old_names_lead_to_new_ones_and_are_no_longer_listed():
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    for old, new in gsmooth_core._OLD_NAMES.items():
        assert old in FIRST.split()
        assert old not in dir(gsmooth_core)
        assert f"| `{old}` | [`{new}`]" in page


def test_the_guide_has_about_fifty_names():
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    guide = page[: page.index("## Rows of results")]
    assert 40 <= len(re.findall(r"^\.\. auto\w+::", guide, flags=re.MULTILINE)) <= 60


def test_every_function_is_called_by_a_verb():
    nouns = {"hookimpl", "normalized"}  # a marker, which pluggy names so; and a module around a model, as adapters are
    functions = {name for name in gsmooth_core.__all__ if inspect.isfunction(getattr(gsmooth_core, name))}
    assert {name for name in functions - nouns if name.partition("_")[0] not in VERBS.split()} == set()


def test_the_version_is_that_of_the_distribution():
    assert gsmooth_core.__version__ == version("gsmooth-core")
    assert "__version__" in dir(gsmooth_core)
