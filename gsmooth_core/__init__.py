"""gsmooth: certified robustness of image classifiers against realistic corruptions.

Every public name has its one import path here. Names are imported when they are first used, so that
``gsmooth --help`` does not wait for torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gsmooth_core.acceleration import accelerate as accelerate
    from gsmooth_core.attacks import AttackBudget as AttackBudget
    from gsmooth_core.attacks import Attacked as Attacked
    from gsmooth_core.attacks import AttackReport as AttackReport
    from gsmooth_core.attacks import AttackRun as AttackRun
    from gsmooth_core.attacks import Verification as Verification
    from gsmooth_core.attacks import Verified as Verified
    from gsmooth_core.attacks import attack as attack
    from gsmooth_core.attacks import verify as verify
    from gsmooth_core.borders import extend_border as extend_border
    from gsmooth_core.borders import warp_on_black as warp_on_black
    from gsmooth_core.budget import Budget as Budget
    from gsmooth_core.certification import certify as certify
    from gsmooth_core.certifier import Answer as Answer
    from gsmooth_core.certifier import Ask as Ask
    from gsmooth_core.certifier import AskPlain as AskPlain
    from gsmooth_core.certifier import Certifier as Certifier
    from gsmooth_core.certifier import Finding as Finding
    from gsmooth_core.certifier import Steps as Steps
    from gsmooth_core.certifier import Task as Task
    from gsmooth_core.certifiers import EnumerationCertifier as EnumerationCertifier
    from gsmooth_core.certifiers import LatentCertifier as LatentCertifier
    from gsmooth_core.certifiers import ResolvableCertifier as ResolvableCertifier
    from gsmooth_core.certifiers import SurrogateCertifier as SurrogateCertifier
    from gsmooth_core.comparison import Comparison as Comparison
    from gsmooth_core.comparison import Difference as Difference
    from gsmooth_core.comparison import compare as compare
    from gsmooth_core.corruption import Corruption as Corruption
    from gsmooth_core.corruption_benchmark import corruption_accuracy as corruption_accuracy
    from gsmooth_core.corruption_benchmark import load_cifar10c as load_cifar10c
    from gsmooth_core.corruption_table import CorruptionRun as CorruptionRun
    from gsmooth_core.corruption_table import CorruptionScore as CorruptionScore
    from gsmooth_core.corruption_table import CorruptionTable as CorruptionTable
    from gsmooth_core.datasets import cifar as cifar
    from gsmooth_core.datasets import circle_mask as circle_mask
    from gsmooth_core.datasets import fashion_mnist as fashion_mnist
    from gsmooth_core.datasets import idx_images as idx_images
    from gsmooth_core.datasets import image_folder as image_folder
    from gsmooth_core.datasets import load_images as load_images
    from gsmooth_core.enclosures import enclose_by_slope as enclose_by_slope
    from gsmooth_core.enclosures import enclose_growing_mean as enclose_growing_mean
    from gsmooth_core.enclosures import mean_slope as mean_slope
    from gsmooth_core.enclosures import rotation_slope as rotation_slope
    from gsmooth_core.enclosures import scaling_slope as scaling_slope
    from gsmooth_core.figures import NoiseComparison as NoiseComparison
    from gsmooth_core.figures import VarianceTable as VarianceTable
    from gsmooth_core.figures import certify_noises as certify_noises
    from gsmooth_core.figures import certify_variances as certify_variances
    from gsmooth_core.figures import match_noises as match_noises
    from gsmooth_core.figures import noisy_images as noisy_images
    from gsmooth_core.figures import plot_images as plot_images
    from gsmooth_core.grid import GridNoise as GridNoise
    from gsmooth_core.guarantee import Guarantee as Guarantee
    from gsmooth_core.hookspecs import hookimpl as hookimpl
    from gsmooth_core.hub import download_weights as download_weights
    from gsmooth_core.hub import upload_weights as upload_weights
    from gsmooth_core.imitation import Imitation as Imitation
    from gsmooth_core.imitation import examine_surrogate as examine_surrogate
    from gsmooth_core.imitation import save_imitations as save_imitations
    from gsmooth_core.models import SmallConvNet as SmallConvNet
    from gsmooth_core.models import load_classifier as load_classifier
    from gsmooth_core.models import load_example_model as load_example_model
    from gsmooth_core.models import make_classifier as make_classifier
    from gsmooth_core.models import save_classifier as save_classifier
    from gsmooth_core.noise import Exponential as Exponential
    from gsmooth_core.noise import FoldedGaussian as FoldedGaussian
    from gsmooth_core.noise import Gaussian as Gaussian
    from gsmooth_core.noise import Laplace as Laplace
    from gsmooth_core.noise import NoiseDistribution as NoiseDistribution
    from gsmooth_core.noise import OneSidedNoise as OneSidedNoise
    from gsmooth_core.noise import OneSidedUniform as OneSidedUniform
    from gsmooth_core.noise import Uniform as Uniform
    from gsmooth_core.page import report_page as report_page
    from gsmooth_core.page import save_page as save_page
    from gsmooth_core.plots import plot_curves as plot_curves
    from gsmooth_core.plots import plot_radii as plot_radii
    from gsmooth_core.plugins import PluginError as PluginError
    from gsmooth_core.plugins import PluginInfo as PluginInfo
    from gsmooth_core.plugins import get_certifier as get_certifier
    from gsmooth_core.plugins import get_corruption as get_corruption
    from gsmooth_core.plugins import get_noise as get_noise
    from gsmooth_core.plugins import list_corruptions as list_corruptions
    from gsmooth_core.region import ParameterSpace as ParameterSpace
    from gsmooth_core.region import Region as Region
    from gsmooth_core.report import Certificate as Certificate
    from gsmooth_core.report import Rate as Rate
    from gsmooth_core.report import Report as Report
    from gsmooth_core.report import Run as Run
    from gsmooth_core.severities import apply_severity as apply_severity
    from gsmooth_core.smoothed_classifier import SmoothedClassifier as SmoothedClassifier
    from gsmooth_core.smoothed_classifier import smooth as smooth
    from gsmooth_core.smoothing import LatentSmoothing as LatentSmoothing
    from gsmooth_core.smoothing import NoSmoothing as NoSmoothing
    from gsmooth_core.smoothing import ParameterSmoothing as ParameterSmoothing
    from gsmooth_core.smoothing import Smoothing as Smoothing
    from gsmooth_core.spectrum import cosine_filter as cosine_filter
    from gsmooth_core.spectrum import cosine_frequencies as cosine_frequencies
    from gsmooth_core.surrogate import IdentitySurrogate as IdentitySurrogate
    from gsmooth_core.surrogate import Surrogate as Surrogate
    from gsmooth_core.tables import cohen_tsv as cohen_tsv
    from gsmooth_core.tables import latex_table as latex_table
    from gsmooth_core.tables import markdown_table as markdown_table
    from gsmooth_core.training import fit_classifier as fit_classifier
    from gsmooth_core.training import fit_surrogate as fit_surrogate
    from gsmooth_core.training import with_surrogate as with_surrogate
    from gsmooth_core.transformation import AdditiveTransformation as AdditiveTransformation
    from gsmooth_core.transformation import DiscreteTransformation as DiscreteTransformation
    from gsmooth_core.transformation import EnclosedTransformation as EnclosedTransformation
    from gsmooth_core.transformation import ResolvableTransformation as ResolvableTransformation
    from gsmooth_core.transformation import SampledTransformation as SampledTransformation
    from gsmooth_core.transformation import ScaledTransformation as ScaledTransformation
    from gsmooth_core.transformation import StepTransformation as StepTransformation
    from gsmooth_core.transformation import Transformation as Transformation
    from gsmooth_core.unet import UNetSurrogate as UNetSurrogate
    from gsmooth_core.weights import load_weights as load_weights
    from gsmooth_core.weights import read_card as read_card
    from gsmooth_core.weights import save_weights as save_weights

_HOMES = {
    "acceleration": "accelerate",
    "attacks": "AttackBudget AttackReport AttackRun Attacked Verification Verified attack verify",
    "borders": "extend_border warp_on_black",
    "budget": "Budget",
    "certification": "certify",
    "certifier": "Answer Ask AskPlain Certifier Finding Steps Task",
    "certifiers": "EnumerationCertifier LatentCertifier ResolvableCertifier SurrogateCertifier",
    "comparison": "Comparison Difference compare",
    "corruption": "Corruption",
    "corruption_benchmark": "corruption_accuracy load_cifar10c",
    "corruption_table": "CorruptionRun CorruptionScore CorruptionTable",
    "datasets": "cifar circle_mask fashion_mnist idx_images image_folder load_images",
    "enclosures": "enclose_by_slope enclose_growing_mean mean_slope rotation_slope scaling_slope",
    "figures": "NoiseComparison VarianceTable certify_noises certify_variances match_noises noisy_images plot_images",
    "grid": "GridNoise",
    "guarantee": "Guarantee",
    "hookspecs": "hookimpl",
    "hub": "download_weights upload_weights",
    "imitation": "Imitation examine_surrogate save_imitations",
    "models": "SmallConvNet load_classifier load_example_model make_classifier save_classifier",
    "noise": "Exponential FoldedGaussian Gaussian Laplace NoiseDistribution OneSidedNoise OneSidedUniform Uniform",
    "page": "report_page save_page",
    "plots": "plot_curves plot_radii",
    "plugins": "PluginError PluginInfo get_certifier get_corruption get_noise list_corruptions",
    "region": "ParameterSpace Region",
    "report": "Certificate Rate Report Run",
    "severities": "apply_severity",
    "smoothed_classifier": "SmoothedClassifier smooth",
    "smoothing": "LatentSmoothing NoSmoothing ParameterSmoothing Smoothing",
    "spectrum": "cosine_filter cosine_frequencies",
    "surrogate": "IdentitySurrogate Surrogate",
    "tables": "cohen_tsv latex_table markdown_table",
    "training": "fit_classifier fit_surrogate with_surrogate",
    "transformation": (
        "AdditiveTransformation DiscreteTransformation EnclosedTransformation ResolvableTransformation "
        "SampledTransformation ScaledTransformation StepTransformation Transformation"
    ),
    "unet": "UNetSurrogate",
    "weights": "load_weights read_card save_weights",
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names.split()}
__all__ = sorted(_HOME_OF)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'gsmooth_core' has no attribute {name!r}")
    return getattr(import_module(f"gsmooth_core.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
