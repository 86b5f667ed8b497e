"""Lightning's training loop, with randomness by key, checkpoints after each epoch, and a bar."""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import logging
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset, TensorDataset

from gsmooth_core.common.progress import track
from gsmooth_core.datasets.folders import PictureFolder
from gsmooth_core.datasets.items import read_item
from gsmooth_core.training.plan import DROPOUT, ITEMS, Objective, Plan, checked_batch

try:
    import pytorch_lightning
    from lightning_fabric.utilities.exceptions import MisconfigurationException
    from pytorch_lightning.callbacks import Callback, EarlyStopping, ModelCheckpoint
    from pytorch_lightning.utilities import rank_zero_only
except ImportError as missing:
    raise ValueError("training needs Lightning: pip install 'gsmooth-core[train]'") from missing

IDENTITY = "gsmooth"
"""The key under which a checkpoint has the identity of its training, and its last mean loss."""
LAST = "last.ckpt"
OWN = {
    "max_epochs",
    "callbacks",
    "logger",
    "enable_checkpointing",
    "enable_progress_bar",
    "enable_model_summary",
    "use_distributed_sampler",
}
"""The options of Lightning's Trainer that are set here."""


def run(
    objective: Objective, data: Dataset[Any], plan: Plan, device: torch.device, name: str, progress: bool | None
) -> float:
    """Train the objective's networks in place, on ``device``; the mean loss of the last epoch.

    Training continues from the folder ``plan.out`` if it holds a checkpoint of the same training. A checkpoint of
    another training is an error.
    """
    _check_options(plan.trainer)
    module = _Module(objective, data, plan)
    folder = plan.out
    callbacks: list[Callback] = [_Bar(name, progress)]
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        callbacks.append(ModelCheckpoint(folder, "last", save_on_train_epoch_end=True, enable_version_counter=False))
    if plan.patience is not None:
        callbacks.append(_Patience("loss", patience=plan.patience))
    options: dict[str, Any] = {
        "accelerator": "gpu" if device.type == "cuda" else "cpu",
        "devices": 1
        if device.type != "cuda"
        else [torch.cuda.current_device() if device.index is None else device.index],
        **plan.trainer,
    }
    checkpoint = None if folder is None or not (folder / LAST).exists() else folder / LAST
    with _quiet(), torch.random.fork_rng():
        try:
            trainer = pytorch_lightning.Trainer(
                max_epochs=plan.epochs,
                callbacks=callbacks,
                logger=False,
                enable_checkpointing=folder is not None,
                enable_progress_bar=False,
                enable_model_summary=False,
                use_distributed_sampler=False,
                **options,
            )
        except (MisconfigurationException, ValueError, TypeError, ImportError) as error:
            raise ValueError(f"Lightning makes no Trainer of {options}: {error}; correct trainer or device") from error
        try:
            trainer.fit(module, ckpt_path=checkpoint, weights_only=True)
        except SystemExit as error:
            if error.code == 1:  # Lightning's exit after Ctrl-C
                raise KeyboardInterrupt from error
            raise
        finally:
            objective.to(device)
    mean = trainer.callback_metrics.get("loss")  # over all processes
    return module.last if mean is None else float(mean)


def is_first_process() -> bool:
    """Whether this is the one of several processes that saves and prints."""
    return not getattr(rank_zero_only, "rank", 0)


def last_loss(folder: Path) -> float:
    """The mean loss of the last epoch of the training that has its checkpoints in the folder."""
    loss: float = torch.load(folder / LAST, weights_only=True)[IDENTITY][1]
    return loss


def _check_options(options: Mapping[str, Any]) -> None:
    known = set(inspect.signature(pytorch_lightning.Trainer).parameters) - OWN
    unknown = sorted(options.keys() - known)
    if unknown:
        raise ValueError(
            f"trainer has {', '.join(unknown)}, which is no option of Lightning's Trainer, or one that is set here; "
            f"it may have {', '.join(sorted(known))}"
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without Lightning's notes about hardware and workers."""
    loggers = [logging.getLogger(f"pytorch_lightning{part}") for part in ("", ".utilities.rank_zero")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="pytorch_lightning.*")
            warnings.filterwarnings("ignore", message=".*lr_scheduler.step.*")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


class _Module(pytorch_lightning.LightningModule):
    def __init__(self, objective: Objective, data: Dataset[Any], plan: Plan) -> None:
        super().__init__()
        self.objective: Objective = objective
        self.data, self.plan = data, plan
        self.identity = _identity(objective, data, plan)
        self.total, self.steps = torch.zeros(()), 0
        self.last = float("nan")

    def train_dataloader(self) -> Any:
        return _Batches(self)

    def training_step(self, batch: Any, index: int) -> Tensor:
        process = self.global_rank
        number = self.current_epoch * len(_Batches(self)) + index  # not global_step: gradients may be accumulated
        generator = self.plan.generator(self.device, number, process)
        torch.manual_seed(self.plan.seed_for(DROPOUT, number, process))  # for dropout, which takes no generator
        loss: Tensor = self.objective(*batch, generator)
        self.total, self.steps = self.total.to(self.device) + loss.detach(), self.steps + 1
        return loss

    def on_train_epoch_start(self) -> None:
        self.total, self.steps = torch.zeros(()), 0

    def on_train_epoch_end(self) -> None:
        self.last = float(self.total) / max(1, self.steps)
        if self.last != self.last or self.last in (float("inf"), float("-inf")):
            raise ValueError(f"the loss became {self.last} in epoch {self.current_epoch + 1}; lower learning_rate")
        self.log("loss", self.last, sync_dist=True)

    def configure_optimizers(self) -> Any:
        weights = [weight for weight in self.objective.parameters() if weight.requires_grad]
        optimizer = torch.optim.AdamW(weights, lr=self.plan.learning_rate, weight_decay=self.plan.weight_decay)
        steps = int(self.trainer.estimated_stepping_batches)
        rise = max(0.05, 1.5 / (steps + 1))  # OneCycleLR divides by 0 where it rises for just one step
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, self.plan.learning_rate, total_steps=steps + 1, pct_start=rise
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint[IDENTITY] = [self.identity, self.last]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        identity, self.last = checkpoint.get(IDENTITY, (None, self.last))
        if identity != self.identity:
            raise ValueError(
                f"the checkpoint in {str(self.plan.out)!r} is of another training (other networks, images, labels, "
                "recipe or plan); name another folder, or delete this one"
            )


class _Batches:
    """The batches of the current epoch, checked; torch's random numbers inside a dataset are keyed too."""

    def __init__(self, module: _Module) -> None:
        self.module = module

    def __len__(self) -> int:
        return self.module.plan.steps(len(self.module.data), self.module.trainer.world_size)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        trainer, plan, data = self.module.trainer, self.module.plan, self.module.data
        epoch, process, count = trainer.current_epoch, trainer.global_rank, len(data)  # type: ignore[arg-type]
        for number, places in enumerate(plan.order(count, epoch, process, trainer.world_size)):
            if isinstance(data, TensorDataset):
                yield data[places]  # checked as a whole
                continue
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(plan.seed_for(ITEMS, epoch, number, process))
                items = [read_item(data, place) for place in places]
            yield checked_batch(items, self.module.objective.classes)


class _Patience(EarlyStopping):
    """Early stopping that stays stopped when the training is called again."""

    def on_train_start(self, trainer: pytorch_lightning.Trainer, module: pytorch_lightning.LightningModule) -> None:
        trainer.should_stop = self.wait_count >= self.patience


class _Bar(Callback):
    """A bar that advances with each step."""

    def __init__(self, name: str, shown: bool | None) -> None:
        self.name, self.shown = name, shown

    def on_train_start(self, trainer: pytorch_lightning.Trainer, module: pytorch_lightning.LightningModule) -> None:
        total = int(trainer.estimated_stepping_batches)
        shown = self.shown if trainer.is_global_zero else False
        self.bar = track(range(trainer.global_step, total + 1), total, self.name, shown, done=trainer.global_step)
        next(self.bar)

    def on_train_batch_end(self, *arguments: Any) -> None:
        next(self.bar, None)

    def teardown(self, *arguments: Any, **more: Any) -> None:
        if hasattr(self, "bar"):
            self.bar.close()


def _identity(objective: Objective, data: Dataset[Any], plan: Plan) -> str:
    """A hash of all that decides the final weights, except the first weights: layers, settings, images, labels."""
    digest = hashlib.sha256(str(objective).encode())
    digest.update(repr([plan.epochs, plan.batch, plan.learning_rate, plan.weight_decay, plan.seed]).encode())
    options = sorted((name, str(value)) for name, value in plan.trainer.items())
    digest.update(repr([options, type(data).__qualname__, len(data)]).encode())  # type: ignore[arg-type]
    if isinstance(data, PictureFolder):
        digest.update(repr([data.channels, data.size]).encode())
    if isinstance(data, TensorDataset):
        for tensor in data.tensors:
            digest.update(tensor.cpu().contiguous().numpy().tobytes())
    elif hasattr(data, "targets"):  # as torchvision's datasets have
        digest.update(repr(list(data.targets)).encode())
    return digest.hexdigest()[:16]
