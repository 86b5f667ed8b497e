"""The options that several commands take, each written once. Importing this file imports no torch.

Annotations are types here and not strings, because those of a class are read again in the modules of its subclasses.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import attrs
from cyclopts import Parameter

from gsmooth_core.cli.early_checks import (
    existing,
    installed,
    readable,
    readable_folder,
    readable_images,
    readable_model,
    writable,
)

CorruptionName = Annotated[str, Parameter(validator=installed)]
"""The name, or name:variant, of an installed corruption."""
ModelName = Annotated[str, Parameter(validator=readable_model)]
SplitName = Annotated[str, Parameter(validator=readable_images)]
"""Images that have a training and a test split."""
ImagesName = Annotated[str, Parameter(validator=readable_folder)]
"""Images with a test split, or a folder of images."""
SavedFile = Annotated[Path, Parameter(validator=readable)]
"""A file to read."""
SavedPlace = Annotated[Path, Parameter(validator=existing)]
"""A file or a folder to read."""
NewFile = Annotated[Path, Parameter(validator=writable)]
"""A file to write."""


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class ModelOptions:
    """Which model.

    Attributes:
        model: 'example', a .safetensors file of save_classifier, an .onnx or .pt2 file, a pretrained network such as
            timm:resnet18, torchvision:resnet18 or hf:owner/name, or package.module:name of a model, or of a function
            that makes one.
        weights: The weights of that model, a .safetensors file such as save_weights makes.
        classes: How many classes these weights have, for a network of timm or torchvision; default: 1000.
        mean: Subtract this from images in [0, 1]: a number, one per channel, or imagenet; default: nothing, or what a
            pretrained network was trained with.
        std: Divide by this then.
    """

    model: ModelName = "example"
    weights: SavedFile | None = None
    classes: int | None = None
    mean: Annotated[list[str] | None, Parameter(consume_multiple=True, negative="")] = None
    std: Annotated[list[str] | None, Parameter(consume_multiple=True, negative="")] = None


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class ImageOptions:
    """Which images.

    Attributes:
        data: A folder of images, or with one folder of images per class, or the test split of fashion-mnist,
            idx:folder, cifar10:folder, cifar100:folder, folder:path or greyfolder:path; default: the bundled
            Fashion-MNIST test images, the first 50 unless --limit says otherwise.
        grey: Read the folder's images as grey, one channel.
        size: Resize each image of a folder by its shorter side and cut it to its centre: the side of a square in px,
            such as 224, or height x width, such as 224x320.
        names: The model's classes in order, if the folders are some of them: a text file with one class a line, a JSON
            file such as imagenet_class_index.json, or how many classes there are if folders are called by number.
    """

    data: ImagesName | None = None
    grey: bool = False
    size: str | None = None
    names: str | None = None


def words_of(options: ModelOptions | ImageOptions) -> list[str]:
    """The options that say which model or which images, as they are written on the command line."""
    return as_words(attrs.asdict(options, filter=lambda field, _: field.name != "limit"))


def as_words(given: Mapping[str, Any]) -> list[str]:
    """Options by name, as they are written on the command line; those that are ``None`` or off are left out.

    >>> as_words({"data": "my pictures", "grey": True, "size": None, "mean": [0.5, 0.4]})
    ['--data', 'my pictures', '--grey', '--mean', '0.5', '0.4']
    """
    words: list[str] = []
    for name, value in given.items():
        if value is not None and value is not False:
            words += [f"--{name}", *map(str, value if isinstance(value, list) else [] if value is True else [value])]
    return words


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class FirstImageOptions(ImageOptions):
    """Which images, and how many.

    Attributes:
        limit: How many images to use, from the first on.
    """

    limit: int | None = None


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class NoiseOptions:
    """The noise that a classifier is smoothed by, where it is not the recipe's.

    Attributes:
        surrogate: Smooth behind this surrogate, a .safetensors file of 'gsmooth fit surrogate'.
        parameter_std: Noise on the parameters, in their unit; default: the surrogate's.
        latent_std: Noise in the latent layer, or on the pixels; default: the surrogate's or the recipe's.
    """

    surrogate: SavedFile | None = None
    parameter_std: float | None = None
    latent_std: float | None = None


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class NoiseOrPlainOptions(NoiseOptions):
    """The noise, or none.

    Attributes:
        plain: The plain model, without noise, as '--certifier enumeration' needs.
    """

    plain: Annotated[bool, Parameter(negative="")] = False


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class SearchOptions:
    """How an attack searches.

    Attributes:
        method: How to search.
        calls: Calls of the model per image.
        draws: Calls per point if the classifier is smoothed.
        confirm: Votes for the answer of a smoothed classifier at the worst points.
        batch: Images per call of the model; default: by the image's size.
    """

    method: Literal["grid", "random", "pgd", "evolution", "gradient-free", "all"] = "all"
    calls: int = 1_000
    draws: int = 20
    confirm: int = 1_000
    batch: int | None = None


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class RunOptions:
    """How a command runs, and where its result goes.

    Attributes:
        seed: Of all that is drawn at random.
        device: Such as cpu or cuda; default: where the model is.
        out: A JSON file that keeps the results so far; the same command continues where it stopped.
    """

    seed: int = 0
    device: str | None = None
    out: NewFile | None = None
