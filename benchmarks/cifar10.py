"""Certified accuracy on CIFAR-10, beside the paper's figures: once only; made for a machine with a GPU.

    pip install --editable ".[train,zoo]"
    python -m benchmarks.cifar10 --data folder --device cuda --precision bf16-mixed

``--data`` is a folder that holds ``cifar-10-batches-py``, or an .npz file with the arrays train_images and test_images
(uint8, count × 3 × 32 × 32), train_labels and test_labels. One network is trained on the three corruptions with
finitely many outputs, and certified exactly; and one for each of the others, under the noise that it is then certified
with. A stopped run goes on where it stopped: checkpoints, weights and reports lie in ``--work``, finished rows in
``benchmarks/results/cifar10.json``, of which ``benchmarks/results/cifar10.md`` is written after each job. ``--jobs``
names some jobs; what was measured with the same network is measured again only if it is named there. ``--minutes``
trains each network for as many epochs as fit, and certifies with noise as many images as fit.

``python -m benchmarks.gpu`` measures the rows that are missing.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, Literal

import attrs
import torch
from torch import Tensor, nn

from benchmarks import shared
from benchmarks.shared import RESULTS, Splits, machine, merged, read_json, write_json, write_page
from gsmooth_core import (
    Budget,
    Corruption,
    IdentitySurrogate,
    LatentSmoothing,
    NoSmoothing,
    ParameterSmoothing,
    Report,
    accelerate,
    certify,
    circle_mask,
    fit_classifier,
    get_corruption,
    make_classifier,
    read_card,
)

FIGURES = RESULTS / "cifar10.json"
PAPER = {
    "gaussianblur": "67.4",
    "translation": "82.2",
    "brightnesscontrast": "82.5",
    "rotation": "65.6 (TSS 70.6)",
    "scaling": "54.3 (TSS 58.8)",
    "rotationalblur": "39.7",
    "defocus": "25.0",
    "zoomblur": "44.6",
    "pixelate": "45.3",
}
"""Hao et al. 2022, Table 1."""
ALPHA, ANCHORS = 0.001, 256
EXACT_IMAGES, NOISY_IMAGES, SLICE = 500, 500, 16
PROBE_STEPS = (2, 10)


Change = Callable[[nn.Module], nn.Module]


def same(model: nn.Module) -> nn.Module:
    """The network as it is."""
    return model


def round_the_border(model: nn.Module) -> nn.Module:
    """Every convolution goes round the border, as a circular translation does."""
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            layer.padding_mode = "circular"
    return model


def normalised(model: nn.Module) -> nn.Module:
    """The network behind images whose mean is 0 and whose variance is 1: changes of light leave little behind."""
    return nn.Sequential(nn.GroupNorm(1, 3, affine=False), model)


@attrs.frozen
class Job:
    """A network, and what it is trained and certified for.

    ``std``: of noise on the pixels, in place of the recipe's smoothing. ``samples``: draws an anchor, at most, in place
    of the option's. ``change``: what is done to the network. ``masked``: images are black outside the inscribed circle.
    """

    corruptions: tuple[str, ...]
    std: float | None = None
    samples: int | None = None
    change: Change = same
    masked: bool = False

    @property
    def recipes(self) -> list[Corruption]:
        """What the network is trained for."""
        found = [get_corruption(name) for name in self.corruptions]
        if self.std is None:
            return found
        smoothing = LatentSmoothing(IdentitySurrogate(), parameter_std=0.0, latent_std=self.std)
        return [attrs.evolve(recipe, smoothing=smoothing) for recipe in found]

    def images(self, images: Tensor) -> Tensor:
        """Images as this job wants them."""
        return circle_mask(images) if self.masked else images

    @property
    def extras(self) -> str:
        """What is special, in words."""
        words: dict[Change, str] = {
            round_the_border: ", convolutions that go round the border",
            normalised: ", normalised images",
        }
        return words.get(self.change, "") + ", masked images" * self.masked


JOBS = {
    "discrete": Job(("zoomblur:discrete", "defocus:discrete", "pixelate:discrete")),
    "zoomblur": Job(("zoomblur",), 0.12),
    "defocus": Job(("defocus",), 0.12),
    "pixelate": Job(("pixelate",), 0.25),
    "gaussianblur": Job(("gaussianblur",), samples=20_000),
    "translation": Job(("translation",), samples=20_000, change=round_the_border),
    "brightnesscontrast": Job(("brightnesscontrast",), samples=20_000, change=normalised),
    "rotationalblur": Job(("rotationalblur",), 0.12),
    "rotation": Job(("rotation",), 0.12, masked=True),
    "scaling": Job(("scaling",), 0.2, masked=True),
}


@attrs.frozen
class Settings:
    """How all jobs are done, and the command that says so.

    ``minutes``: of the training of each network, in place of ``epochs``. ``certify_minutes``: of each certification
    with noise, which then takes as many images as fit; without it, ``NOISY_IMAGES``.
    """

    work: Path
    command: str
    network: str
    device: str = "cpu"
    precision: str = "32-true"
    autocast: Literal["bfloat16", "float16"] | None = None
    epochs: int = 60
    minutes: float | None = None
    certify_minutes: float | None = None
    batch: int = 256
    learning_rate: float = 2e-3
    samples: int = 2_000

    @property
    def training(self) -> dict[str, Any]:
        """The arguments of ``fit_classifier`` that do not depend on the job."""
        return {"batch": self.batch, "learning_rate": self.learning_rate, "jitter": 4, "mirror": True}

    @property
    def trainer(self) -> dict[str, Any]:
        """Options of Lightning's Trainer."""
        return {"precision": self.precision, "benchmark": True}

    def file(self, name: str) -> Path:
        """A file in the folder of work, named after the network too."""
        return self.work / f"{self.network.replace(':', '-')}-{name}"


def epochs_in(minutes: float, job: Job, settings: Settings, images: Tensor, labels: Tensor) -> int:
    """How many epochs fit into the minutes, by short trainings that are thrown away."""
    start = time.perf_counter()
    network = make_classifier(settings.network, classes=10, channels=3)
    network = network.to(memory_format=torch.channels_last) if settings.device.startswith("cuda") else network
    model, spent, count = job.change(network), [], 0
    for steps in (PROBE_STEPS[0], *PROBE_STEPS):  # the first one warms up
        count, before = min(len(images), steps * settings.batch), time.perf_counter()
        fit_classifier(
            model,
            job.recipes,
            images[:count],
            labels[:count],
            epochs=1,
            device=settings.device,
            progress=False,
            trainer=settings.trainer,
            **settings.training,
        )
        spent.append(time.perf_counter() - before)
    more = count - min(len(images), PROBE_STEPS[0] * settings.batch)
    each = max(spent[2] - spent[1], spent[2] / 4) / more if more else spent[2] / count
    left = 60 * minutes - (time.perf_counter() - start)
    return max(1, int(left / (each * len(images))))


def trained(name: str, settings: Settings, images: Tensor, labels: Tensor) -> tuple[nn.Module, str]:
    """The job's network, from the folder of work if it lies there, and how it was trained."""
    job, path = JOBS[name], settings.file(f"{name}.safetensors")
    images, labels = job.images(images.to(settings.device)), labels.to(settings.device)
    planned = path.with_suffix(".plan")
    if not planned.exists():
        plan: dict[str, Any] = {"epochs": settings.epochs, "limit": {}}
        if settings.minutes is not None:
            plan["epochs"] = epochs_in(settings.minutes, job, settings, images, labels)
            plan["limit"] = {"max_time": {"seconds": max(1, math.ceil(75 * settings.minutes))}}
        write_json(planned, plan)
    plan = read_json(planned)
    model = shared.trained(
        path,
        settings.network,
        3,
        job.recipes,
        images,
        labels,
        change=job.change,
        device=settings.device,
        epochs=plan["epochs"],
        trainer=settings.trainer | plan["limit"],
        **settings.training,
    )
    how = f"{settings.network}, {plan['epochs']} epochs of batches of {settings.batch}, {settings.precision}"
    return model, f"{how}, {read_card(path)['seconds']:.0f} s{job.extras}"


def certified(
    job: Job, model: nn.Module, recipe: Corruption, settings: Settings, images: Tensor, labels: Tensor
) -> Report:
    """The report over the first images; under noise, over as many of them as fit, if there is a limit."""
    network, exact = model, isinstance(recipe.smoothing, NoSmoothing)
    if settings.device.startswith("cuda") or settings.autocast:
        network = accelerate(model, autocast=settings.autocast, channels_last=True)
    limit, most = (EXACT_IMAGES, EXACT_IMAGES) if exact else (SLICE, NOISY_IMAGES)
    most, start = min(most, len(images)), time.perf_counter()
    limit = min(limit, most) if settings.certify_minutes is not None else most
    budget = Budget(samples=job.samples or settings.samples, alpha=ALPHA, anchors=ANCHORS)
    out = settings.file(f"report-{recipe.name.replace(':', '-')}.json")
    while True:
        report = certify(
            network, recipe, images, labels, limit=limit, budget=budget, device=settings.device, out=out, progress=False
        )
        if limit == most or settings.certify_minutes is None:
            return report
        spent = time.perf_counter() - start
        room = int(limit * (60 * settings.certify_minutes / spent - 1) * 0.8)
        if room < 1:
            return report
        limit = min(most, 2 * limit, limit + room)


def measure(name: str, settings: Settings, splits: Splits) -> list[dict[str, Any]]:
    """Train and certify: a row for each corruption."""
    job = JOBS[name]
    model, how = trained(name, settings, *splits["train"])
    images, labels = job.images(splits["test"][0]), splits["test"][1]
    rows = []
    for recipe in job.recipes:
        report = certified(job, model, recipe, settings, images, labels)
        count = len(report.certificates)
        rows.append(
            {
                "corruption": recipe.name,
                "radius": report.run.radius,
                "noise": noise_of(recipe),
                "guarantee": report.run.guarantee.value,
                "images": count,
                "certified": str(report.certified_accuracy()),
                "smoothed accuracy": str(report.accuracy),
                "bare accuracy": shared.accuracy(model, images, labels, settings.device),
                "anchors": statistics.median(certificate.tried for certificate in report.certificates),
                "draws": sum(certificate.samples for certificate in report.certificates) / count,
                "seconds an image": report.seconds / count,
                "samples": job.samples or settings.samples,
                "network": settings.network,
                "training": how,
                "command": settings.command,
                "model": report.run.model,
                "date": str(date.today()),
                "machine": machine(settings.device),
            }
        )
    return rows


def noise_of(recipe: Corruption) -> float | str | None:
    """The standard deviation of noise on the pixels, or the laws of noise on the parameters, if there is any."""
    if isinstance(recipe.smoothing, LatentSmoothing):
        return recipe.smoothing.latent_std
    return str(recipe.smoothing.noise) if isinstance(recipe.smoothing, ParameterSmoothing) else None


def network_of(row: dict[str, Any]) -> tuple[str, str]:
    """What two rows share if they are two measurements of the same: the corruption and the network."""
    return row["corruption"], row.get("network") or row["training"].partition(",")[0]


def page(rows: list[dict[str, Any]]) -> str:
    """The whole of ``cifar10.md``."""
    commands = list(dict.fromkeys(row["command"] for row in rows))
    lines = [
        "# CIFAR-10",
        "",
        f"{max(row['date'] for row in rows)}; {'; '.join(sorted({row['machine'] for row in rows}))}.",
        "",
        *(f"- `{line}`" for line in commands),
        "",
        "Trained on 50,000 images: one network for the three `:discrete` corruptions, one each for the others. "
        f"α = {ALPHA:g} an image, at most {ANCHORS} anchors. Per cent, with 95 % intervals.",
        "",
        "The paper's figures (Hao et al. 2022, Table 1; ResNet-110, N = 100,000, about 500 images) hold for a "
        "surrogate that imitates the corruption, but for `gaussianblur`, `translation` and `brightnesscontrast`; ours "
        "hold for the corruption itself.",
        "",
        "| corruption, radius | guarantee | noise | images | certified | the paper | smoothed or plain accuracy, clean "
        "| bare accuracy, all test images | anchors, median | draws an anchor, at most | draws an image | "
        "seconds an image | training |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        noise = f"{row['noise']:g}" if isinstance(row["noise"], float) else row["noise"] or "–"
        lines.append(
            f"| `{row['corruption']}`, {row['radius']:g} | `{row['guarantee']}` | {noise} | {row['images']} | "
            f"{row['certified']} | {PAPER[row['corruption'].partition(':')[0]]} | {row['smoothed accuracy']} | "
            f"{row['bare accuracy']:.1%} | {row['anchors']:.0f} | {row['samples']:,} | "
            f"{row['draws']:,.0f} | {row['seconds an image']:.2f} | {row['training']} |"
        )
    return "\n".join(lines) + "\n"


def keep(rows: list[dict[str, Any]], figures: Path = FIGURES) -> list[dict[str, Any]]:
    """Rows beside those of the file, in the place of earlier ones of the same network; the page is written too.

    Where the file is a new one elsewhere, it starts from the published rows.
    """
    whole = merged(read_json(figures, read_json(FIGURES, [])), rows, network_of)
    write_json(figures, whole)
    write_page(figures.with_suffix(".md"), page(whole))
    return whole


def main() -> None:
    """Measure what is not measured yet, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of CIFAR-10, or an .npz file")
    parser.add_argument("--work", type=Path, default=Path("build/cifar10"), help="checkpoints, weights, reports")
    parser.add_argument("--jobs", choices=list(JOBS), nargs="+", help="measure these; default: those without rows")
    parser.add_argument("--network", default="resnet110_cifar10")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--minutes", type=float, help="of training for each network")
    parser.add_argument("--certify-minutes", type=float, default=3.0, help="with --minutes, of each certification")
    parser.add_argument("--autocast", choices=["bfloat16", "float16"], help="for certification")
    parser.add_argument("--samples", type=int, default=2_000, help="draws an anchor, at most")
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--precision", default="32-true")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the folder of the figures and the page")
    options = vars(parser.parse_args())
    path, jobs, figures = options.pop("data"), options.pop("jobs"), options.pop("out") / FIGURES.name
    amount = "--epochs {epochs}" if options["minutes"] is None else "--minutes {minutes:g}"
    command = "python -m benchmarks.cifar10 --data folder --device {device} --precision {precision} --network "
    command += f"{{network}} --batch {{batch}} {amount} --samples {{samples}}"
    if options["minutes"] is None:
        options["certify_minutes"] = None
    settings = Settings(command=command.format(**options), **options)
    known = {network_of(row) for row in read_json(figures, read_json(FIGURES, []))}
    splits: Splits = {}
    for name, job in JOBS.items():
        missing = any((corruption, settings.network) not in known for corruption in job.corruptions)
        if name in jobs if jobs else missing:
            splits = splits or shared.cifar10(path)
            keep(measure(name, settings, splits), figures)


if __name__ == "__main__":
    main()
