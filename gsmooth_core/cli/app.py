"""The command line. Importing this file imports no torch, so that ``gsmooth --help`` answers at once."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, CycloptsError, Parameter
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gsmooth_core.cli.attack import attack, verify
from gsmooth_core.cli.benchmark import corrupt
from gsmooth_core.cli.exit_codes import EXIT_BAD_INPUT, EXIT_BELOW, EXIT_INTERRUPTED
from gsmooth_core.cli.figure import figure
from gsmooth_core.cli.fit import fit
from gsmooth_core.cli.page import report, show
from gsmooth_core.plugins.registry import PluginError, list_corruptions

app = App(
    name="gsmooth",
    help="Certify image classifiers against realistic corruptions.\n\nExit codes: 0 done; 2 bad input or a "
    "broken plugin; 3 less certified than --at-least asks, or a broken certificate; 130 interrupted (with --out, what "
    "was done is kept).",
    version_flags=["--version"],
    suppress_keyboard_interrupt=False,
)
for command in (fit, attack, verify, corrupt, show, report, figure):
    app.command(command)


@app.command
def plugins() -> int:
    """List the installed corruptions: unit, certifier and guarantee, and broken plugins with their reason."""
    from gsmooth_core.plugins.registry import corruptions_of

    table = Table(title="installed corruptions")
    for heading in ("name", "version", "parameter (unit)", "certifier", "guarantee"):
        table.add_column(heading, no_wrap=heading == "name")
    broken = []
    for info in list_corruptions():
        try:
            for corruption in corruptions_of(info.name):
                space = corruption.transformation.space
                units = ", ".join(f"{name} ({unit})" for name, unit in zip(space.names, space.units, strict=True))
                guarantee = corruption.certifier.guarantee(corruption.outline()).value
                table.add_row(corruption.name, info.version, units, corruption.certifier.name, guarantee)
        except PluginError as error:
            broken.append(str(error))
            table.add_row(info.name, info.version, "[red]broken, see below[/red]", "", "")
    console = Console(soft_wrap=True)
    console.print(table, soft_wrap=False)
    for reason in broken:
        console.print(reason, markup=False)
    return EXIT_BAD_INPUT if broken else 0


@app.command
def certify(
    corruption: str,
    /,
    *,
    model: str = "example",
    surrogate: Path | None = None,
    parameter_std: float | None = None,
    latent_std: float | None = None,
    data: str | None = None,
    grey: bool = False,
    limit: int | None = None,
    radius: float | None = None,
    maximize: Annotated[bool, Parameter(negative="")] = False,
    certifier: str | None = None,
    plain: Annotated[bool, Parameter(negative="")] = False,
    select: int = 100,
    samples: int = 10_000,
    stopping: Literal["sequential", "fixed"] = "sequential",
    alpha: float = 0.001,
    anchors: int = 256,
    cells: int = 4_096,
    batch: int | None = None,
    seed: int = 0,
    device: str | None = None,
    out: Path | None = None,
    at_least: float | None = None,
) -> int:
    """Certify a model under a corruption, and print a summary.

    Args:
        corruption: Name, or name:variant, of an installed corruption; see 'gsmooth plugins'.
        model: 'example', a .safetensors file of save_classifier, or package.module:name of a model, or of a function
            without arguments that makes one.
        surrogate: Certify behind this surrogate, a .safetensors file of 'gsmooth fit surrogate'.
        parameter_std: Noise on the parameters, in their unit; default: the surrogate's.
        latent_std: Noise in the latent layer, or on the pixels; default: the surrogate's or the recipe's.
        data: A folder with one folder of images per class, or the test split of fashion-mnist, idx:folder,
            cifar10:folder, cifar100:folder, folder:path or greyfolder:path; default: the first 50 bundled
            Fashion-MNIST test images.
        grey: Read the folder's images as grey, one channel.
        limit: Certify the first so many images.
        radius: The attack radius in the corruption's own unit; default: the recipe's.
        maximize: Look for the largest certified radius up to --radius.
        certifier: In place of the recipe's, by name.
        plain: Certify the plain model, without noise, as '--certifier enumeration' needs.
        select: Draws that choose the class.
        samples: The most draws per anchor.
        stopping: Stop drawing once the votes decide, or draw all.
        alpha: The probability that the whole certificate of one image may be wrong.
        anchors: The most points of the region to sample.
        cells: The most boxes to cut the region into.
        batch: Images per call of the model; default: by the image's size.
        seed: Of all noise.
        device: Such as cpu or cuda; default: where the model is.
        out: A JSON report that keeps what is done; the same command continues where it stopped.
        at_least: Exit with 3 if the certified accuracy is below this share, such as 0.3.
    """
    if at_least is not None and not 0 <= at_least <= 1:
        raise ValueError(f"--at-least is a share from 0 to 1, not {at_least}; 0.3 means 30 %")
    from gsmooth_core import Budget, get_corruption
    from gsmooth_core import certify as certify_model
    from gsmooth_core.cli.by_name import choose_images, choose_model, choose_smoothing

    smoothing = choose_smoothing(corruption, surrogate, parameter_std, latent_std, plain)
    if plain and certifier is None and get_corruption(corruption).certifier.name != "enumeration":
        raise ValueError(
            f"--plain certifies the model without noise, which {corruption!r} does not allow; leave it out, or name a "
            "corruption that 'gsmooth plugins' lists under enumeration"
        )
    network = choose_model(model)
    _warn_of_mismatch(model, smoothing)
    report = certify_model(
        network,
        corruption,
        **choose_images(data, grey),
        limit=limit,
        radius=radius,
        maximize=maximize,
        certifier=certifier,
        smoothing=smoothing,
        budget=Budget(
            select=select,
            samples=samples,
            stopping=stopping,
            alpha=alpha,
            anchors=anchors,
            cells=cells,
            batch=batch,
        ),
        seed=seed,
        device=device,
        out=out,
    )
    report.summary()
    if out is not None:
        Console().print(f"report: {out}", soft_wrap=True, markup=False)
    if at_least is not None and report.certified_accuracy().value < at_least:
        Console(stderr=True).print(f"certified accuracy is below {at_least:.1%}, as --at-least asks")
        return EXIT_BELOW
    return 0


@app.command
def new(name: str, /, *, into: Path = Path(".")) -> int:
    """Make the folder of a new corruption plugin, which works as it is.

    Args:
        name: One word, such as fog.
        into: The folder to make it in, such as plugins in a clone of gsmooth.
    """
    from gsmooth_core.plugins.scaffold import new_plugin

    folder = new_plugin(name, into)
    Console().print(
        f"made {folder}; next: pip install --editable {folder}, python -m pytest {folder}, gsmooth certify {name}",
        soft_wrap=True,
        markup=False,
    )
    return 0


def _warn_of_mismatch(model: str, smoothing: Any) -> None:
    """Say on standard error where a saved classifier was trained under another smoothing."""
    from gsmooth_core import read_card
    from gsmooth_core.cli.by_name import mismatch

    if model.endswith(".safetensors"):
        sentence = mismatch(read_card(model), smoothing)
        if sentence is not None:
            Console(stderr=True, soft_wrap=True).print(f"gsmooth: {sentence}", markup=False)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    errors = Console(stderr=True, soft_wrap=True)
    try:
        code = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except (CycloptsError, ValueError, OSError) as error:
        errors.print(f"[bold red]gsmooth:[/bold red] {escape(str(error))}")
        code = EXIT_BAD_INPUT
    except KeyboardInterrupt:
        errors.print("gsmooth: interrupted; with --out, the same command continues where this one stopped")
        code = EXIT_INTERRUPTED
    sys.exit(code if isinstance(code, int) else 0)
