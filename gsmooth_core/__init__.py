"""gsmooth: certified robustness of image classifiers against realistic corruptions.

Every public name has its one import path here. Names are imported when they are first used, so that
``gsmooth --help`` does not wait for torch. ``_FACE`` has them by subject; the imports above it are for type checkers.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
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
    from gsmooth_core.benchmark.measurement import measure_corruption_accuracy as measure_corruption_accuracy
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
    from gsmooth_core.classifiers.saved import load_smoothed as load_smoothed
    from gsmooth_core.classifiers.saved import save_smoothed as save_smoothed
    from gsmooth_core.classifiers.smoothed import SmoothedClassifier as SmoothedClassifier
    from gsmooth_core.classifiers.smoothed import smooth as smooth
    from gsmooth_core.common.guarantee import Guarantee as Guarantee
    from gsmooth_core.common.weights import load_weights as load_weights
    from gsmooth_core.common.weights import read_card as read_card
    from gsmooth_core.common.weights import save_weights as save_weights
    from gsmooth_core.corruption import Channels as Channels
    from gsmooth_core.corruption import Corruption as Corruption
    from gsmooth_core.corruption import CorruptionName as CorruptionName
    from gsmooth_core.datasets.bundled import load_fashion_mnist as load_fashion_mnist
    from gsmooth_core.datasets.folders import load_image_folder as load_image_folder
    from gsmooth_core.datasets.readers import load_cifar as load_cifar
    from gsmooth_core.datasets.readers import load_idx_images as load_idx_images
    from gsmooth_core.datasets.readers import load_images as load_images
    from gsmooth_core.datasets.readers import mask_circle as mask_circle
    from gsmooth_core.figures.noises import NoiseComparison as NoiseComparison
    from gsmooth_core.figures.noises import certify_noises as certify_noises
    from gsmooth_core.figures.noises import match_noises as match_noises
    from gsmooth_core.figures.pictures import draw_noisy_images as draw_noisy_images
    from gsmooth_core.figures.pictures import plot_images as plot_images
    from gsmooth_core.figures.variances import VarianceTable as VarianceTable
    from gsmooth_core.figures.variances import certify_variances as certify_variances
    from gsmooth_core.models import adapters as adapters
    from gsmooth_core.models.acceleration import accelerate as accelerate
    from gsmooth_core.models.adapters import normalized as normalized
    from gsmooth_core.models.example import load_example_model as load_example_model
    from gsmooth_core.models.exported import export_classifier as export_classifier
    from gsmooth_core.models.hub import download_weights as download_weights
    from gsmooth_core.models.hub import upload_weights as upload_weights
    from gsmooth_core.models.networks import SmallConvNet as SmallConvNet
    from gsmooth_core.models.saved import load_classifier as load_classifier
    from gsmooth_core.models.saved import save_classifier as save_classifier
    from gsmooth_core.models.zoo import make_classifier as make_classifier
    from gsmooth_core.page.rendering import render_page as render_page
    from gsmooth_core.page.rendering import save_page as save_page
    from gsmooth_core.plugins.hookspecs import hookimpl as hookimpl
    from gsmooth_core.plugins.installed import PluginError as PluginError
    from gsmooth_core.plugins.installed import PluginInfo as PluginInfo
    from gsmooth_core.plugins.installed import list_corruptions as list_corruptions
    from gsmooth_core.plugins.registry import get_certifier as get_certifier
    from gsmooth_core.plugins.registry import get_corruption as get_corruption
    from gsmooth_core.plugins.registry import get_noise as get_noise
    from gsmooth_core.results.certificate import Certificate as Certificate
    from gsmooth_core.results.comparison import Comparison as Comparison
    from gsmooth_core.results.comparison import Difference as Difference
    from gsmooth_core.results.comparison import compare as compare
    from gsmooth_core.results.plots import plot_curves as plot_curves
    from gsmooth_core.results.plots import plot_radii as plot_radii
    from gsmooth_core.results.rates import Rate as Rate
    from gsmooth_core.results.report import Report as Report
    from gsmooth_core.results.run import Run as Run
    from gsmooth_core.results.tables import format_cohen_tsv as format_cohen_tsv
    from gsmooth_core.results.tables import format_latex_table as format_latex_table
    from gsmooth_core.results.tables import format_markdown_table as format_markdown_table
    from gsmooth_core.smoothing.base import NoSmoothing as NoSmoothing
    from gsmooth_core.smoothing.base import Smoothing as Smoothing
    from gsmooth_core.smoothing.distribution import NoiseDistribution as NoiseDistribution
    from gsmooth_core.smoothing.distribution import OneSidedNoise as OneSidedNoise
    from gsmooth_core.smoothing.distribution import ScalableNoise as ScalableNoise
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
    from gsmooth_core.training.surrogate import use_surrogate as use_surrogate
    from gsmooth_core.transformations.base import AdditiveTransformation as AdditiveTransformation
    from gsmooth_core.transformations.base import EnclosedTransformation as EnclosedTransformation
    from gsmooth_core.transformations.base import ResolvableTransformation as ResolvableTransformation
    from gsmooth_core.transformations.base import SampledTransformation as SampledTransformation
    from gsmooth_core.transformations.base import ScaledTransformation as ScaledTransformation
    from gsmooth_core.transformations.base import Transformation as Transformation
    from gsmooth_core.transformations.borders import extend_border as extend_border
    from gsmooth_core.transformations.borders import warp_on_black as warp_on_black
    from gsmooth_core.transformations.cosine_spectrum import filter_by_cosines as filter_by_cosines
    from gsmooth_core.transformations.cosine_spectrum import list_cosine_frequencies as list_cosine_frequencies
    from gsmooth_core.transformations.discrete import DiscreteTransformation as DiscreteTransformation
    from gsmooth_core.transformations.discrete import StepTransformation as StepTransformation
    from gsmooth_core.transformations.enclosures import bound_mean_slope as bound_mean_slope
    from gsmooth_core.transformations.enclosures import bound_rotation_slope as bound_rotation_slope
    from gsmooth_core.transformations.enclosures import bound_scaling_slope as bound_scaling_slope
    from gsmooth_core.transformations.enclosures import enclose_by_slope as enclose_by_slope
    from gsmooth_core.transformations.enclosures import enclose_growing_mean as enclose_growing_mean
    from gsmooth_core.transformations.parameter_space import ParameterSpace as ParameterSpace
    from gsmooth_core.transformations.regions import Box as Box
    from gsmooth_core.transformations.regions import Ellipsoid as Ellipsoid
    from gsmooth_core.transformations.regions import ProductRegion as ProductRegion
    from gsmooth_core.transformations.regions import Region as Region

_FACE = (
    # Certify, and read what came out
    ("certification", "certify"),
    ("statistics.budget", "Budget"),
    ("common.guarantee", "Guarantee"),
    ("results.report", "Report"),
    ("results.certificate", "Certificate"),
    ("results.comparison", "compare"),
    # Images
    ("datasets.readers", "load_images load_idx_images load_cifar"),
    ("datasets.bundled", "load_fashion_mnist"),
    ("datasets.folders", "load_image_folder"),
    # Classifiers
    ("models.example", "load_example_model"),
    ("models.zoo", "make_classifier"),
    ("models.saved", "save_classifier load_classifier"),
    ("models.acceleration", "accelerate"),
    ("models.adapters", "normalized"),
    ("models", "adapters"),
    # Deploy the smoothed classifier
    ("classifiers.smoothed", "smooth SmoothedClassifier"),
    ("classifiers.saved", "save_smoothed load_smoothed"),
    ("models.exported", "export_classifier"),
    # Attack, verify, and measure at fixed strengths
    ("attacks.campaign", "attack"),
    ("attacks.budget", "AttackBudget"),
    ("attacks.report", "AttackReport"),
    ("attacks.verification", "verify"),
    ("attacks.verified", "Verification"),
    ("benchmark.measurement", "measure_corruption_accuracy"),
    ("benchmark.cifar10c", "load_cifar10c"),
    ("benchmark.table", "CorruptionTable"),
    # Pages, tables and figures
    ("page.rendering", "save_page"),
    ("results.tables", "format_markdown_table format_latex_table"),
    ("results.plots", "plot_curves plot_radii"),
    ("figures.noises", "certify_noises"),
    ("figures.variances", "certify_variances"),
    # Train
    ("training.classifier", "fit_classifier"),
    ("training.surrogate", "fit_surrogate use_surrogate"),
    ("smoothing.unet", "UNetSurrogate"),
    ("training.examination", "examine_surrogate"),
    # Recipes of corruptions
    ("plugins.installed", "list_corruptions"),
    ("plugins.registry", "get_corruption get_noise get_certifier"),
    ("corruption", "Corruption Channels CorruptionName"),
    ("transformations.parameter_space", "ParameterSpace"),
    ("transformations.regions", "Region Box Ellipsoid ProductRegion"),
    ("smoothing.base", "NoSmoothing"),
    ("smoothing.parameter", "ParameterNoise ParameterSmoothing"),
    ("smoothing.latent", "LatentSmoothing"),
    # Plugins
    ("plugins.hookspecs", "hookimpl"),
    ("plugins.installed", "PluginInfo PluginError"),
    # Rows of results, and what results say of themselves
    ("results.run", "Run"),
    ("results.rates", "Rate"),
    ("results.comparison", "Comparison Difference"),
    ("attacks.report", "AttackRun Attacked"),
    ("attacks.verified", "Verified"),
    ("benchmark.table", "CorruptionRun CorruptionScore"),
    ("figures.noises", "NoiseComparison"),
    ("figures.variances", "VarianceTable"),
    ("training.examination", "Imitation"),
    # More of pages, figures and images
    ("page.rendering", "render_page"),
    ("results.tables", "format_cohen_tsv"),
    ("figures.noises", "match_noises"),
    ("figures.pictures", "draw_noisy_images plot_images"),
    ("training.examination", "save_imitations"),
    ("benchmark.common_corruptions", "apply_severity"),
    ("datasets.readers", "mask_circle"),
    # Weights in files and on the hub
    ("models.networks", "SmallConvNet"),
    ("common.weights", "save_weights load_weights read_card"),
    ("models.hub", "upload_weights download_weights"),
    # Transformations, by what is known of them
    (
        "transformations.base",
        "Transformation ResolvableTransformation AdditiveTransformation ScaledTransformation "
        "EnclosedTransformation SampledTransformation",
    ),
    ("transformations.discrete", "DiscreteTransformation StepTransformation"),
    # Bounds and filters that several transformations share
    (
        "transformations.enclosures",
        "enclose_by_slope bound_rotation_slope bound_scaling_slope bound_mean_slope enclose_growing_mean",
    ),
    ("transformations.cosine_spectrum", "filter_by_cosines list_cosine_frequencies"),
    ("transformations.borders", "extend_border warp_on_black"),
    # Noise
    ("smoothing.distribution", "NoiseDistribution OneSidedNoise ScalableNoise"),
    ("smoothing.distributions", "Gaussian Laplace Uniform OneSidedUniform Exponential FoldedGaussian"),
    # Smoothings and surrogates
    ("smoothing.base", "Smoothing"),
    ("smoothing.grid", "GridNoise"),
    ("smoothing.surrogate", "Surrogate IdentitySurrogate"),
    # Theorems
    ("certifiers.resolvable", "ResolvableCertifier"),
    ("certifiers.latent", "LatentCertifier"),
    ("certifiers.enumeration", "EnumerationCertifier"),
    ("certifiers.surrogate", "SurrogateCertifier"),
    # The contract between theorems and the engine
    ("certifier", "Certifier Problem Task Finding"),
    ("certifier", "Steps Ask AskClass AskBound AskPlain Selection Answer ask_class ask_bound ask_plain"),
)
"""Modules and what they give to the face, by subject: first what the guide is about, then what plugins are made of."""
_MODULES = ("adapters",)
"""The names that are modules."""
_HOME_OF = {name: module for module, names in _FACE for name in names.split()}
_OLD_NAMES = {
    "cifar": "load_cifar",
    "circle_mask": "mask_circle",
    "cohen_tsv": "format_cohen_tsv",
    "corruption_accuracy": "measure_corruption_accuracy",
    "cosine_filter": "filter_by_cosines",
    "cosine_frequencies": "list_cosine_frequencies",
    "fashion_mnist": "load_fashion_mnist",
    "idx_images": "load_idx_images",
    "image_folder": "load_image_folder",
    "latex_table": "format_latex_table",
    "markdown_table": "format_markdown_table",
    "mean_slope": "bound_mean_slope",
    "noisy_images": "draw_noisy_images",
    "report_page": "render_page",
    "rotation_slope": "bound_rotation_slope",
    "scaling_slope": "bound_scaling_slope",
    "with_surrogate": "use_surrogate",
}
"""Names from before 0.1.0, and what they are called now. They give no warning, because nothing was released under
them, and may be removed after two minor versions."""
__all__ = sorted(_HOME_OF)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return version("gsmooth-core")
    name = _OLD_NAMES.get(name, name)
    if name not in _HOME_OF:
        raise AttributeError(f"module 'gsmooth_core' has no attribute {name!r}")
    home = f"gsmooth_core.{_HOME_OF[name]}"
    return import_module(f"{home}.{name}") if name in _MODULES else getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
