"""What several test files use."""

import importlib.util
import json
import math
import warnings
from pathlib import Path

import attrs
import torch

from gsmooth_core import AdditiveTransformation, Budget, Certificate, Guarantee, ParameterSpace, Region, Report, Run
from gsmooth_core.common.json_records import digest_of

QUICK = Budget(select=50, samples=200)
DETERMINED = (
    "index",
    "label",
    "predicted",
    "certified",
    "region",
    "radius",
    "claim",
    "samples",
    "tried",
    "image_hash",
)
FIRST = {
    "brightness",
    "brightnesscontrast",
    "contrast",
    "defocus",
    "gaussianblur",
    "motionblur",
    "pixelate",
    "rotation",
    "rotationalblur",
    "scaling",
    "translation",
    "zoomblur",
}
"""The plugins that exist as distributions of their own, whatever is added."""

RUN = Run(
    corruption="defocus",
    plugin="gsmooth-plugin-defocus 0.1.0",
    names=("radius",),
    units=("px",),
    transformation="Defocus()",
    smoothing="LatentSmoothing(…)",
    certifier="latent",
    theorem="latent",
    tries="anchors",
    guarantee=Guarantee.PROBABILISTIC,
    region=Region(0, 5),
    radius=5.0,
    maximize=True,
    budget=Budget(),
    seed=0,
    model="SmallConvNet",
    model_hash="0",
    data_hash="0",
    classes=10,
    device="cpu",
    versions={"torch": "2"},
)
"""Of ``REPORT``."""


def _certificate(index, predicted, label, radius):
    return Certificate(
        index=index,
        label=label,
        predicted=predicted,
        base_predicted=1,
        certified=radius == 5,
        region=None if radius is None else Region(0, radius),
        radius=radius,
        guarantee=Guarantee.PROBABILISTIC,
        claim="…",
        alpha=0.001,
        samples=1_100,
        tried=index,
        witness=None,
        seconds=0.5,
        image_hash=str(index),
    )


REPORT = Report(
    RUN,
    "Images: 4, of: four images.",
    (
        _certificate(0, predicted=1, label=1, radius=5.0),
        _certificate(1, predicted=1, label=2, radius=5.0),
        _certificate(2, predicted=1, label=1, radius=2.0),
        _certificate(3, predicted=None, label=1, radius=None),
    ),
)
"""On the whole region, likewise but of a wrong class, on a part, and abstained."""


def determined(report):
    """All of the certificates but the seconds."""
    return [[getattr(certificate, name) for name in DETERMINED] for certificate in report.certificates]


def edit(path, change):
    """Edit a saved record as somebody does who computes the digest anew; ``change`` is given its content."""
    content = json.loads(path.read_text())
    change(content)
    del content["digest"]
    path.write_text(json.dumps({**content, "digest": digest_of(content)}))


def forged(report, radius):
    """The report as if all that was proved held up to that radius: nobody could tell it from an honest one."""
    region = Region(0, radius)
    run = attrs.evolve(report.run, region=region, radius=radius)
    whole = {"certified": True, "region": region, "radius": radius, "witness": None}
    claims = [attrs.evolve(one, **whole) for one in report.certificates if one.region is not None]
    return attrs.evolve(report, run=run, certificates=tuple(claims))


def estimated(report):
    """The report as if its certifier had proved nothing."""
    return attrs.evolve(
        report,
        run=attrs.evolve(report.run, guarantee=Guarantee.ESTIMATE),
        certificates=tuple(
            attrs.evolve(one, guarantee=Guarantee.ESTIMATE, alpha=report.run.budget.alpha)
            for one in report.certificates
        ),
    )


@attrs.frozen
class Strengthened(AdditiveTransformation):
    """Brightness with a setting of its own."""

    strength: float
    space = ParameterSpace(-math.inf, math.inf, 0, "brightness", "intensity")

    def region(self, radius):
        return Region(-radius, radius)

    def apply(self, images, parameters):
        return images + self.strength * parameters.view(-1, 1, 1, 1)


def script(name):
    """The module of a file in scripts/."""
    specification = importlib.util.spec_from_file_location(name, Path(__file__).parents[1] / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def dynamically_quantised(model):
    """A network whose linear layers have weights of 8 bits, and one scale for all activations of a batch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated in favour of a library that torch does not bring along
        return torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8)
