"""The options that both commands of ``gsmooth fit`` take. Importing this file imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import attrs
from cyclopts import Parameter

from gsmooth_core.cli.shared_options import SplitName

Settings = dict[str, int | float | bool | str]
"""Options of Lightning's Trainer, by name."""


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Training:
    """What both trainings take.

    Attributes:
        out: The weights, ending in .safetensors, with a card (.json) beside them and checkpoints in a folder
            (.checkpoints), from which the same command goes on.
        data: fashion-mnist (the bundled images), idx:folder, cifar10:folder, cifar100:folder, folder:path or
            greyfolder:path, of which the training split is used (of a path, path/train/class/image, beside path/test);
            or a folder with one folder of images per class, all of which are used.
        size: As for 'gsmooth certify': resize and cut the images of a folder, to 224 or 224x320 px, for example.
        names: As for 'gsmooth certify': the classes in order, if the folders are some of them.
        grey: Read the images of a plain folder as grey, one channel.
        limit: How many images to train on, from the first on.
        radius: The attack radius in the corruption's own unit; default: the recipe's.
        parameter_std: Noise on the parameters, in their unit; default: the surrogate's.
        latent_std: Noise in the latent layer, or on the pixels; default: the surrogate's or the recipe's.
        epochs: Passes over the images.
        batch: Images per step.
        learning_rate: The highest rate.
        seed: Of the first weights, the order and all noise.
        patience: Stop after this number of epochs in which the mean loss did not fall.
        device: Such as cpu or cuda; default: the CPU.
        trainer: Options of Lightning's Trainer, such as --trainer.precision bf16-mixed or --trainer.devices 4.
        config: A TOML file of options: at the top and in [trainer] for both commands, in [surrogate] and [classifier]
            for one. The command line overrides the file.
    """

    out: Path
    data: SplitName = "fashion-mnist"
    size: str | None = None
    names: str | None = None
    grey: Annotated[bool, Parameter(negative="")] = False
    limit: int | None = None
    radius: float | None = None
    parameter_std: float | None = None
    latent_std: float | None = None
    epochs: int = 20
    batch: int = 128
    learning_rate: float = 2e-3
    seed: int = 0
    patience: int | None = None
    device: str | None = None
    trainer: Settings = attrs.field(factory=dict)
    config: Path | None = None
