"""gsmooth: certified robustness of image classifiers against realistic corruptions.

Every public name has its one import path here. Names are imported when they are first used, so that
``gsmooth --help`` does not wait for torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gsmooth_core.attacks.budget import AttackBudget as AttackBudget
    from gsmooth_core.attacks.campaign import attack as attack
    from gsmooth_core.attacks.report import Attacked as Attacked
    from gsmooth_core.attacks.report import AttackReport as AttackReport
    from gsmooth_core.attacks.report import AttackRun as AttackRun
    from gsmooth_core.attacks.verification import verify as verify
    from gsmooth_core.attacks.verified import Verification as Verification
    from gsmooth_core.attacks.verified import Verified as Verified
    from gsmooth_core.benchmark.cifar10c import load_cifar10c as load_cifar10c
    from gsmooth_core.benchmark.common_corruptions import apply_severity as apply_severity
    from gsmooth_core.benchmark.measurement import corruption_accuracy as corruption_accuracy
    from gsmooth_core.benchmark.table import CorruptionRun as CorruptionRun
    from gsmooth_core.benchmark.table import CorruptionScore as CorruptionScore
    from gsmooth_core.benchmark.table import CorruptionTable as CorruptionTable
    from gsmooth_core.certification import certify as certify
    from gsmooth_core.certifier import Answer as Answer
    from gsmooth_core.certifier import Ask as Ask
    from gsmooth_core.certifier import AskBound as AskBound
    from gsmooth_core.certifier import AskClass as AskClass
    from gsmooth_core.certifier import AskPlain as AskPlain
    from gsmooth_core.certifier import Certifier as Certifier
    from gsmooth_core.certifier import Finding as Finding
    from gsmooth_core.certifier import Problem as Problem
    from gsmooth_core.certifier import Selection as Selection
    from gsmooth_core.certifier import Steps as Steps
    from gsmooth_core.certifier import Task as Task
    from gsmooth_core.certifier import ask_bound as ask_bound
    from gsmooth_core.certifier import ask_class as ask_class
    from gsmooth_core.certifier import ask_plain as ask_plain
    from gsmooth_core.certifiers.enumeration import EnumerationCertifier as EnumerationCertifier
    from gsmooth_core.certifiers.latent import LatentCertifier as LatentCertifier
    from gsmooth_core.certifiers.resolvable import ResolvableCertifier as ResolvableCertifier
    from gsmooth_core.certifiers.surrogate import SurrogateCertifier as SurrogateCertifier
    from gsmooth_core.classifiers.smoothed import SmoothedClassifier as SmoothedClassifier
    from gsmooth_core.classifiers.smoothed import smooth as smooth
    from gsmooth_core.common.guarantee import Guarantee as Guarantee
    from gsmooth_core.common.weights import load_weights as load_weights
    from gsmooth_core.common.weights import read_card as read_card
    from gsmooth_core.common.weights import save_weights as save_weights
    from gsmooth_core.corruption import Channels as Channels
    from gsmooth_core.corruption import Corruption as Corruption
    from gsmooth_core.corruption import CorruptionName as CorruptionName
    from gsmooth_core.datasets.readers import cifar as cifar
    from gsmooth_core.datasets.readers import circle_mask as circle_mask
    from gsmooth_core.datasets.readers import fashion_mnist as fashion_mnist
    from gsmooth_core.datasets.readers import idx_images as idx_images
    from gsmooth_core.datasets.readers import image_folder as image_folder
    from gsmooth_core.datasets.readers import load_images as load_images
    from gsmooth_core.figures.noises import NoiseComparison as NoiseComparison
    from gsmooth_core.figures.noises import certify_noises as certify_noises
    from gsmooth_core.figures.noises import match_noises as match_noises
    from gsmooth_core.figures.pictures import noisy_images as noisy_images
    from gsmooth_core.figures.pictures import plot_images as plot_images
    from gsmooth_core.figures.variances import VarianceTable as VarianceTable
    from gsmooth_core.figures.variances import certify_variances as certify_variances
    from gsmooth_core.models.acceleration import accelerate as accelerate
    from gsmooth_core.models.hub import download_weights as download_weights
    from gsmooth_core.models.hub import upload_weights as upload_weights
    from gsmooth_core.models.networks import SmallConvNet as SmallConvNet
    from gsmooth_core.models.saved import load_classifier as load_classifier
    from gsmooth_core.models.saved import load_example_model as load_example_model
    from gsmooth_core.models.saved import save_classifier as save_classifier
    from gsmooth_core.models.zoo import make_classifier as make_classifier
    from gsmooth_core.page.rendering import report_page as report_page
    from gsmooth_core.page.rendering import save_page as save_page
    from gsmooth_core.plugins.hookspecs import hookimpl as hookimpl
    from gsmooth_core.plugins.registry import PluginError as PluginError
    from gsmooth_core.plugins.registry import PluginInfo as PluginInfo
    from gsmooth_core.plugins.registry import get_certifier as get_certifier
    from gsmooth_core.plugins.registry import get_corruption as get_corruption
    from gsmooth_core.plugins.registry import get_noise as get_noise
    from gsmooth_core.plugins.registry import list_corruptions as list_corruptions
    from gsmooth_core.results.certificate import Certificate as Certificate
    from gsmooth_core.results.comparison import Comparison as Comparison
    from gsmooth_core.results.comparison import Difference as Difference
    from gsmooth_core.results.comparison import compare as compare
    from gsmooth_core.results.plots import plot_curves as plot_curves
    from gsmooth_core.results.plots import plot_radii as plot_radii
    from gsmooth_core.results.rates import Rate as Rate
    from gsmooth_core.results.report import Report as Report
    from gsmooth_core.results.run import Run as Run
    from gsmooth_core.results.tables import cohen_tsv as cohen_tsv
    from gsmooth_core.results.tables import latex_table as latex_table
    from gsmooth_core.results.tables import markdown_table as markdown_table
    from gsmooth_core.smoothing.base import NoSmoothing as NoSmoothing
    from gsmooth_core.smoothing.base import Smoothing as Smoothing
    from gsmooth_core.smoothing.distribution import NoiseDistribution as NoiseDistribution
    from gsmooth_core.smoothing.distribution import OneSidedNoise as OneSidedNoise
    from gsmooth_core.smoothing.distributions import Exponential as Exponential
    from gsmooth_core.smoothing.distributions import FoldedGaussian as FoldedGaussian
    from gsmooth_core.smoothing.distributions import Gaussian as Gaussian
    from gsmooth_core.smoothing.distributions import Laplace as Laplace
    from gsmooth_core.smoothing.distributions import OneSidedUniform as OneSidedUniform
    from gsmooth_core.smoothing.distributions import Uniform as Uniform
    from gsmooth_core.smoothing.grid import GridNoise as GridNoise
    from gsmooth_core.smoothing.latent import LatentSmoothing as LatentSmoothing
    from gsmooth_core.smoothing.parameter import ParameterNoise as ParameterNoise
    from gsmooth_core.smoothing.parameter import ParameterSmoothing as ParameterSmoothing
    from gsmooth_core.smoothing.surrogate import IdentitySurrogate as IdentitySurrogate
    from gsmooth_core.smoothing.surrogate import Surrogate as Surrogate
    from gsmooth_core.smoothing.unet import UNetSurrogate as UNetSurrogate
    from gsmooth_core.statistics.budget import Budget as Budget
    from gsmooth_core.training.classifier import fit_classifier as fit_classifier
    from gsmooth_core.training.examination import Imitation as Imitation
    from gsmooth_core.training.examination import examine_surrogate as examine_surrogate
    from gsmooth_core.training.examination import save_imitations as save_imitations
    from gsmooth_core.training.surrogate import fit_surrogate as fit_surrogate
    from gsmooth_core.training.surrogate import with_surrogate as with_surrogate
    from gsmooth_core.transformations.base import AdditiveTransformation as AdditiveTransformation
    from gsmooth_core.transformations.base import EnclosedTransformation as EnclosedTransformation
    from gsmooth_core.transformations.base import ResolvableTransformation as ResolvableTransformation
    from gsmooth_core.transformations.base import SampledTransformation as SampledTransformation
    from gsmooth_core.transformations.base import ScaledTransformation as ScaledTransformation
    from gsmooth_core.transformations.base import Transformation as Transformation
    from gsmooth_core.transformations.borders import extend_border as extend_border
    from gsmooth_core.transformations.borders import warp_on_black as warp_on_black
    from gsmooth_core.transformations.cosine_spectrum import cosine_filter as cosine_filter
    from gsmooth_core.transformations.cosine_spectrum import cosine_frequencies as cosine_frequencies
    from gsmooth_core.transformations.discrete import DiscreteTransformation as DiscreteTransformation
    from gsmooth_core.transformations.discrete import StepTransformation as StepTransformation
    from gsmooth_core.transformations.enclosures import enclose_by_slope as enclose_by_slope
    from gsmooth_core.transformations.enclosures import enclose_growing_mean as enclose_growing_mean
    from gsmooth_core.transformations.enclosures import mean_slope as mean_slope
    from gsmooth_core.transformations.enclosures import rotation_slope as rotation_slope
    from gsmooth_core.transformations.enclosures import scaling_slope as scaling_slope
    from gsmooth_core.transformations.regions import ParameterSpace as ParameterSpace
    from gsmooth_core.transformations.regions import Region as Region

_HOMES = {
    "attacks.budget": "AttackBudget",
    "attacks.campaign": "attack",
    "attacks.report": "AttackReport AttackRun Attacked",
    "attacks.verification": "verify",
    "attacks.verified": "Verification Verified",
    "benchmark.cifar10c": "load_cifar10c",
    "benchmark.common_corruptions": "apply_severity",
    "benchmark.measurement": "corruption_accuracy",
    "benchmark.table": "CorruptionRun CorruptionScore CorruptionTable",
    "certification": "certify",
    "certifier": (
        "Answer Ask AskBound AskClass AskPlain Certifier Finding Problem Selection Steps Task ask_bound "
        "ask_class ask_plain "
    ),
    "certifiers.enumeration": "EnumerationCertifier",
    "certifiers.latent": "LatentCertifier",
    "certifiers.resolvable": "ResolvableCertifier",
    "certifiers.surrogate": "SurrogateCertifier",
    "classifiers.smoothed": "SmoothedClassifier smooth",
    "common.guarantee": "Guarantee",
    "common.weights": "load_weights read_card save_weights",
    "corruption": "Channels Corruption CorruptionName",
    "datasets.readers": "cifar circle_mask fashion_mnist idx_images image_folder load_images",
    "figures.noises": "NoiseComparison certify_noises match_noises",
    "figures.pictures": "noisy_images plot_images",
    "figures.variances": "VarianceTable certify_variances",
    "models.acceleration": "accelerate",
    "models.hub": "download_weights upload_weights",
    "models.networks": "SmallConvNet",
    "models.saved": "load_classifier load_example_model save_classifier",
    "models.zoo": "make_classifier",
    "page.rendering": "report_page save_page",
    "plugins.hookspecs": "hookimpl",
    "plugins.registry": "PluginError PluginInfo get_certifier get_corruption get_noise list_corruptions",
    "results.certificate": "Certificate",
    "results.comparison": "Comparison Difference compare",
    "results.plots": "plot_curves plot_radii",
    "results.rates": "Rate",
    "results.report": "Report",
    "results.run": "Run",
    "results.tables": "cohen_tsv latex_table markdown_table",
    "smoothing.base": "NoSmoothing Smoothing",
    "smoothing.distribution": "NoiseDistribution OneSidedNoise",
    "smoothing.distributions": "Exponential FoldedGaussian Gaussian Laplace OneSidedUniform Uniform",
    "smoothing.grid": "GridNoise",
    "smoothing.latent": "LatentSmoothing",
    "smoothing.parameter": "ParameterNoise ParameterSmoothing",
    "smoothing.surrogate": "IdentitySurrogate Surrogate",
    "smoothing.unet": "UNetSurrogate",
    "statistics.budget": "Budget",
    "training.classifier": "fit_classifier",
    "training.examination": "Imitation examine_surrogate save_imitations",
    "training.surrogate": "fit_surrogate with_surrogate",
    "transformations.base": (
        "AdditiveTransformation EnclosedTransformation ResolvableTransformation SampledTransformation "
        "ScaledTransformation Transformation "
    ),
    "transformations.borders": "extend_border warp_on_black",
    "transformations.cosine_spectrum": "cosine_filter cosine_frequencies",
    "transformations.discrete": "DiscreteTransformation StepTransformation",
    "transformations.enclosures": "enclose_by_slope enclose_growing_mean mean_slope rotation_slope scaling_slope",
    "transformations.regions": "ParameterSpace Region",
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names.split()}
__all__ = sorted(_HOME_OF)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'gsmooth_core' has no attribute {name!r}")
    return getattr(import_module(f"gsmooth_core.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
