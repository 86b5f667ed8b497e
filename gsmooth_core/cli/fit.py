"""``gsmooth fit``: training from the command line. Importing this file imports no torch."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import attrs
from cyclopts import App, ArgumentCollection, Parameter
from cyclopts.config import Dict

from gsmooth_core.cli.shared_options import CorruptionName, ModelName, ModelOptions, SavedFile
from gsmooth_core.cli.training_options import Training


def _from_file(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Take options that the command line does not give from the ``--config`` file."""
    [chosen] = [argument for argument in arguments if argument.name == "--config"]
    if chosen.tokens:
        path = Path(chosen.tokens[0].value)
        names = [argument.name for argument in arguments if argument.name.startswith("--")]
        known = {name.removeprefix("--") for name in names} - {"config"}
        settings = settings_of(path, commands[-1], known)
        Dict(settings, source=str(path), use_commands_as_keys=False)(app, commands, arguments)


def settings_of(path: Path, command: str, known: set[str]) -> dict[str, Any]:
    """The options of one command (``"surrogate"`` or ``"classifier"``) that a TOML file sets, by name.

    Options at the top and in the table ``[trainer]`` are for both commands; those in ``[surrogate]`` and
    ``[classifier]`` are for one. ``ValueError`` for a file that is not TOML, and for names that are not ``known``.
    """
    try:
        whole = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{str(path)!r} is no TOML file: {error}; correct it") from error
    tables = {name: whole.pop(name, {}) for name in ("surrogate", "classifier")}
    if not all(isinstance(table, dict) for table in tables.values()):
        raise ValueError(f"{str(path)!r} sets surrogate or classifier to a value; they are tables, such as [surrogate]")
    settings = {name.replace("_", "-"): value for name, value in {**whole, **tables[command]}.items()}
    unknown = sorted(settings.keys() - known)
    if unknown:
        raise ValueError(
            f"{str(path)!r} sets {', '.join(unknown)}, but 'gsmooth fit {command}' has no such option; it has "
            f"{', '.join(sorted(known))}"
        )
    return settings


fit = App(
    name="fit",
    help="Train a surrogate, or a classifier for the noise that it will be certified under.\n\nA stopped training goes "
    "on from the checkpoints beside --out when the same command is given again.",
    config=_from_file,
)


@fit.command
def surrogate(
    corruption: CorruptionName,
    training: Training,
    *,
    aim: Literal["imitate", "denoise", "restore"] = "imitate",
    latents: int | None = None,
    width: int = 8,
    depth: int = 2,
    penalty: float = 0.0,
) -> int:
    """Train a surrogate of a corruption, measure it on test images, and draw a picture of what it gives.

    Args:
        corruption: Name, or name:variant, of an installed corruption; see 'gsmooth plugins'.
        training: See Training.
        aim: What the decoder shall give: the corrupted image from its parameters, the corrupted image without noise, or
            the image before corruption.
        latents: Channels of a learned linear encoder; default: none, the image is its own latent.
        width: Channels of the U-Net's first level.
        depth: Halvings of the U-Net.
        penalty: The weight of the path's length; needs --latents.
    """
    from gsmooth_core.cli.fit_jobs import surrogate_job

    surrogate_job(corruption, training, aim=aim, latents=latents, width=width, depth=depth, penalty=penalty)
    return 0


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class TrainedModelOptions(ModelOptions):
    """Which network.

    Attributes:
        model: A new network, such as smallconvnet, convnet, resnet110_cifar10, torchvision:resnet18 or timm:resnet18;
            or one to start from: a .safetensors file of save_classifier, or package.module:name of what makes it.
        weights: The weights to start from, a .safetensors file such as save_weights makes.
        classes: How many classes a new network has; default: those of --names, or of the training images.
        mean: Subtract this from images in [0, 1] first: a number, one per channel, or imagenet; it stays with the
            network.
    """

    model: ModelName = "smallconvnet"


@fit.command
def classifier(
    corruption: CorruptionName,
    training: Training,
    *,
    model: TrainedModelOptions = TrainedModelOptions(),
    surrogate: SavedFile | None = None,
    consistency: float = 0.0,
    jitter: int = 2,
    mirror: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Train a classifier for the noise of a corruption's recipe, or of a surrogate, and print how to certify it.

    Args:
        corruption: Name, or name:variant, of an installed corruption; see 'gsmooth plugins'.
        training: See Training.
        model: See TrainedModelOptions.
        surrogate: Train behind this surrogate, a .safetensors file of 'gsmooth fit surrogate'.
        consistency: The weight of consistency regularisation; 10 is usual, each step then costs twice as much.
        jitter: Images are also shifted by up to this number of px.
        mirror: Each image is also mirrored at random.
    """
    from gsmooth_core.cli.fit_jobs import classifier_job

    classifier_job(
        corruption,
        training,
        model=model,
        surrogate=surrogate,
        consistency=consistency,
        jitter=jitter,
        mirror=mirror,
    )
    return 0
