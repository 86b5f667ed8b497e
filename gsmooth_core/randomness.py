"""Seeds by key: the one place where a seed and numbers become a generator."""

from __future__ import annotations

import numpy as np
import torch


def seed_of(seed: int, key: tuple[int, ...]) -> int:
    """A seed of 64 bits for a key, apart from those of every other key (numpy's ``SeedSequence``)."""
    return int(np.random.SeedSequence(seed, spawn_key=key).generate_state(1, np.uint64)[0])


def generator_of(seed: int, key: tuple[int, ...], device: torch.device) -> torch.Generator:
    """The generator of a key, on the device."""
    return torch.Generator(device).manual_seed(seed_of(seed, key))
