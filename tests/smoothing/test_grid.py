"""Noise on a grid: what its theorem assumes, and its law against ten million draws."""

import math

import attrs
import numpy as np
import pytest
import torch
from mpmath import mp
from scipy.special import ndtr
from scipy.stats import chi2

from gsmooth_core import IdentitySurrogate, LatentSmoothing, get_corruption
from gsmooth_core.smoothing.grid import GridNoise

CPU = torch.device("cpu")
STDS = (1e-4, 0.01, 0.12, 0.25, 0.5, 0.9, 3.0, 40.0)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def on_grid(values, step):
    return bool((values.double() % step == 0).all())


@pytest.mark.parametrize("std", STDS)
def test_codes_and_noise_are_multiples_of_one_power_of_two(std):
    noise = GridNoise(std)
    assert math.log2(noise.step).is_integer()
    codes = torch.randn(1_000, generator=generator()) * 3
    draws = noise.draw((1_000,), generator(1), CPU)
    for values in (noise.snap(codes), noise.snap(codes.double()), draws):
        assert on_grid(values, noise.step)
    assert draws.dtype == torch.float32
    kept = codes[codes.abs() < noise.largest(codes.dtype)]
    assert float((noise.snap(kept) - kept).norm()) <= noise.snapping(len(kept))
    assert float(noise.snap(torch.tensor([1e30]))) == noise.largest(torch.float32)
    far = torch.tensor([12345.678, -1e30], dtype=torch.float64)
    assert noise.snap(far).tolist() == [pytest.approx(12345.678, abs=noise.step), -noise.largest(torch.float64)]


@pytest.mark.parametrize("std", STDS)
def test_what_the_model_sees_depends_on_the_sum_alone(std):
    """Two codes and draws with one sum give one image, to the bit."""
    smoothing = LatentSmoothing(IdentitySurrogate(), 0.0, std)
    step = smoothing.grid.step
    code = smoothing.encode(torch.rand(1, 1, 8, 8, generator=generator()))
    moved = code + step * torch.randint(-50, 50, code.shape, generator=generator(1))
    noise = smoothing.draw(500, (1, 8, 8), generator(2), CPU)
    seen = smoothing.perturb(code.expand_as(noise), noise.clone())
    again = smoothing.perturb(moved.expand_as(noise), noise + (code - moved))
    assert torch.equal(seen, again)
    assert torch.equal(seen.double(), code.double() + noise.double())


def test_noise_as_it_comes_gives_the_code_away():
    """What was wrong once: the sum of a code and a float32 draw lies on the code's own grid, whatever the noise."""
    code = torch.tensor([0.25 - 2**-10 + 2**-26])
    seen = code + torch.randn(1_000, generator=generator()) * 0.2
    small = seen[(seen < -0.01) & (seen > -0.115)].double() / 2**-26
    assert len(small) > 50
    assert bool((small % 2 == 1).all())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_draws_are_float32_whatever_type_is_the_default(dtype):
    """Rounded once more, to fewer bits, they would be no draws of the law."""
    brightness = get_corruption("brightness").smoothing
    draws = (
        lambda: GridNoise(0.25).draw((50, 9), generator(), CPU),
        lambda: brightness.draw(50, (1, 3, 3), generator(), CPU),
        lambda: LatentSmoothing(IdentitySurrogate(), 0.0, 0.25).draw(50, (1, 3, 3), generator(), CPU),
    )
    expected = [draw() for draw in draws]
    torch.set_default_dtype(dtype)
    try:
        found = [draw() for draw in draws]
    finally:
        torch.set_default_dtype(torch.float32)
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == torch.float32
        assert torch.equal(one, other)


def test_low_bits_tell_nothing_under_autocast():
    smoothing = LatentSmoothing(IdentitySurrogate(), 0.0, 0.25)
    images = torch.rand(1, 1, 8, 8, generator=generator()) + 2**-24
    with torch.autocast("cpu"):
        codes = smoothing.encode(images)
        seen = smoothing.perturb(codes, smoothing.draw(1, (1, 8, 8), generator(), CPU))
    assert seen.dtype == torch.float32
    assert on_grid(seen, smoothing.grid.step)


def chi_squared(counts, expected):
    """The p-value of counts, the cells that expect fewer than 20 draws put together."""
    rare = expected < 20
    counts, expected = (np.append(part[~rare], part[rare].sum()) for part in (counts, expected))
    return chi2.sf(((counts - expected) ** 2 / expected).sum(), len(counts) - 1)


def p_values(noise, draws):
    """Against the law of ``noise``: on the grid itself, and in 128 wide cells."""
    index = torch.round(draws.double() / noise.step).long().numpy()
    reach = math.ceil(9 * noise.std / noise.step)
    edges = (np.arange(-reach, reach + 2) - 0.5) * noise.step / noise.std
    expected = np.diff(ndtr(edges)) * len(index)
    counts = np.bincount(index + reach, minlength=2 * reach + 1)
    wide = np.array_split(np.arange(2 * reach + 1), 1_024)
    return chi_squared(counts, expected), chi_squared(
        *(np.array([part[w].sum() for w in wide]) for part in (counts, expected))
    )


def wider(noise, draws):
    """A standard deviation that is 0.2 % too large."""
    return torch.round(draws * 1.002 / noise.step) * noise.step


def single(noise, draws):
    """Normal numbers of 12 bits."""
    return torch.round(draws.half().float() / noise.step) * noise.step


@pytest.mark.parametrize("std", [0.25, 0.004])
def test_ten_million_draws_follow_the_law(std):
    noise = GridNoise(std)
    draws = noise.draw((10_000_000,), generator(5), CPU)
    found = p_values(noise, draws)
    print(f"std {std}: p = {found[0]:.3g} on the grid, {found[1]:.3g} in wide cells")
    assert min(found) > 1e-3
    for mutant in (wider, single):
        assert min(p_values(noise, mutant(noise, draws))) < 1e-6


def test_the_mean_is_added_before_rounding():
    noise, mean = GridNoise(0.25), torch.tensor([[0.3, -1.7]], dtype=torch.float64)
    draws = noise.draw((200_000, 2), generator(), CPU, mean=mean)
    assert on_grid(draws, noise.step)
    assert draws.double().mean(dim=0).tolist() == pytest.approx(mean[0].tolist(), abs=3e-3)
    with pytest.raises(ValueError, match="too large for its standard deviation"):
        noise.draw((1, 2), generator(), CPU, mean=mean * 1_000)


def test_draws_do_not_depend_on_where_they_go():
    noise, room = GridNoise(0.25), torch.zeros(7, 3 + 20_000)
    noise.draw((7, 20_000), generator(), CPU, out=room[:, 3:])
    assert torch.equal(room[:, 3:], noise.draw((7, 20_000), generator(), CPU))
    assert not room[:, :3].any()


def misses(function, places):
    """How much of the error that ``total_variation`` assumes of erfinv is used up, at most; above 1 it is broken."""
    with mp.workdps(40):
        worst = 0.0
        for place, found in zip(places.tolist(), function(places).tolist(), strict=True):
            true = mp.erfinv(mp.mpf(place))
            slope = mp.sqrt(mp.pi) / 2 * mp.exp(true**2)
            worst = max(worst, float(abs(found - true) / (abs(true) * mp.mpf(2) ** -49 + slope * mp.mpf(2) ** -51)))
    return worst


def test_the_library_inverts_the_error_function_as_exactly_as_the_proof_assumes():
    inside = torch.rand(300, dtype=torch.float64, generator=generator()) * 2 - 1
    tails = 1 - torch.logspace(-15.9, -1, 200, dtype=torch.float64)
    places = torch.cat([inside, tails, -tails, torch.tensor([-1 + 2**-53, 1 - 2**-53, 1e-300, 1e-9])])
    assert misses(torch.erfinv, places) < 1
    assert misses(lambda v: torch.erfinv(v.float()).double(), places[:300]) > 1


def test_the_bound_of_the_draws_in_numbers():
    for shape, least, most in (((1, 28, 28), 1e-7, 1e-6), ((3, 224, 224), 2e-5, 2e-4)):
        bound = GridNoise(0.25).total_variation(math.prod(shape))
        print(f"{shape}: {bound:.2g}")
        assert least < bound < most


def test_uniform_numbers_are_53_bits_fine():
    """The last bits of the numbers that draws are made of are as often 1 as 0."""
    uniform = torch.empty(100_000, dtype=torch.float64).uniform_(-1 + 2**-53, 1, generator=generator())
    whole = ((uniform + 1) * 2**51).long()
    for bit in range(52):
        assert abs(float(((whole >> bit) & 1).double().mean()) - 0.5) < 0.01


def test_values_that_make_no_noise_are_refused():
    for std in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="std of GridNoise must be positive"):
            GridNoise(std)
    with pytest.raises(ValueError, match="1e\\+30"):
        GridNoise(1e38)
    assert attrs.evolve(GridNoise(1.0), std=2.0).step == 2 * GridNoise(1.0).step
