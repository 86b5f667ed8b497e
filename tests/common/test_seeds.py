import numpy as np
import pytest
import torch

from gsmooth_core.common.seeds import _digest as digest
from gsmooth_core.common.seeds import generator_of, seed_from, seed_of

CPU = torch.device("cpu")


def test_the_whole_state_comes_from_the_key():
    """Torch then draws what numpy's own Mersenne twister draws from the same 624 words."""
    words = np.frombuffer(digest(3, ("votes", 1, 2, 5), 4 * 624), dtype=np.uint32)
    twister = np.random.MT19937()
    twister.state = {"bit_generator": "MT19937", "state": {"key": words, "pos": 624}}
    raw = twister.random_raw(2_000).astype(np.int64)
    drawn = torch.empty(2_000, dtype=torch.int64).random_(0, 2**24, generator=generator_of(3, ("votes", 1, 2, 5), CPU))
    assert np.array_equal(drawn.numpy(), raw % 2**24)


def test_no_two_keys_share_draws():
    keys = [("votes", image, question, block) for image in range(6) for question in range(5) for block in range(6)]
    keys += [("deployed", image, block) for image in range(6) for block in range(6)] + [("training", 1, 2, 3)]
    draws = [torch.rand(50, dtype=torch.float64, generator=generator_of(0, key, CPU)) for key in keys]
    draws += [
        torch.rand(50, dtype=torch.float64, generator=generator_of(seed, keys[0], CPU)) for seed in (1, 2**64, 2**140)
    ]
    assert len(torch.cat(draws).unique()) == 50 * len(draws)


def test_numbers_of_any_library_make_one_key():
    assert seed_of(0, ("votes", np.int64(3))) == seed_of(0, ("votes", 3))
    assert seed_of(0, ("votes", 1)) != seed_of(0, ("attack", 1)) != seed_of(1, ("attack", 1))
    assert seed_from(torch.Generator().manual_seed(0)).bit_length() > 128


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_counts_from_a_place_of_its_own():
    device = torch.device("cuda")
    first, again, other = (generator_of(0, ("votes", key), device) for key in (0, 0, 1))
    draws = [torch.rand(1_000, device=device, dtype=torch.float64, generator=one) for one in (first, again, other)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.isin(draws[0], draws[2]).any()
