"""Seeds by key: the one place where a seed and a key become a generator."""

from __future__ import annotations

import hashlib

import numpy as np
import torch

MERSENNE_WORDS = 624
"""The state of torch's generator on the CPU (Matsumoto and Nishimura 1998), in words of 32 bits."""
Key = tuple[int | str, ...]
"""The purpose of random numbers, such as ``("votes", image, question, block)``: different keys, different streams."""


def seed_of(seed: int, key: Key) -> int:
    """A seed of 64 bits for a key."""
    return int.from_bytes(_digest(seed, key, 8), "little")


def generator_of(seed: int, key: Key, device: torch.device) -> torch.Generator:
    """The generator of a key, on the device: its whole state is a digest (SHAKE-256) of the seed and the key.

    On the CPU that fills all 19,968 bits of the state; no two keys ever share a stream, unless the digest collides. On
    CUDA, where the generator is a counter (Philox; Salmon et al. 2011), the digest gives its key of 64 bits and a start
    of 61 bits for the counter, so two streams overlap with a probability of about 2⁻⁹⁰ for each pair. Other devices
    take seeds of 64 bits.

    >>> first, second = (generator_of(0, ("votes", image, 0, 0), torch.device("cpu")) for image in range(2))
    >>> bool((torch.rand(3, generator=first) == torch.rand(3, generator=second)).any())
    False
    """
    device = torch.device(device)
    generator = torch.Generator(device)
    if device.type == "cpu":
        generator.set_state(_mersenne_state(_digest(seed, key, 4 * MERSENNE_WORDS)))
        return generator
    digest = _digest(seed, key, 16)
    generator.manual_seed(int.from_bytes(digest[:8], "little", signed=True))
    if device.type == "cuda":
        generator.set_offset(4 * (int.from_bytes(digest[8:], "little") >> 3))
    return generator


def seed_from(generator: torch.Generator) -> int:
    """A seed of 180 bits, drawn from a generator."""
    parts = torch.randint(2**60, (3,), generator=generator, device=generator.device).tolist()
    return int(sum(part << 60 * place for place, part in enumerate(parts)))


def _digest(seed: int, key: Key, size: int) -> bytes:
    words = [part if isinstance(part, str) else int(part) for part in (seed, *key)]
    return hashlib.shake_256(repr(words).encode()).digest(size)


def _mersenne_state(words: bytes) -> torch.Tensor:
    """The state, as torch keeps it, of a generator that has used exactly these 624 words of 32 bits."""
    state = np.zeros(_STATE_BYTES // 8, dtype=np.uint64)  # seed; left = 1, seeded = 1; next = 0; words; normal numbers
    state[1] = 1 + (1 << 32)
    state[3 : 3 + MERSENNE_WORDS] = np.frombuffer(words, dtype="<u4")
    return torch.from_numpy(state.view(np.uint8))


_STATE_BYTES = torch.Generator().get_state().numel()
