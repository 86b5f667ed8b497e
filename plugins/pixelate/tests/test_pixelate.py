"""Pixelation against blocks in exact fractions, Pillow's box filter, and a public implementation of CIFAR-10-C."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from gsmooth_plugin_pixelate import DiscretePixelate, Pixelate
from PIL import Image
from scipy.spatial.distance import cdist, pdist

from gsmooth_core import get_corruption, load_fashion_mnist

POLYLINE, DISCRETE = Pixelate(), DiscretePixelate()
HALF = Fraction(1, 2)


def averaged(size: int, reduced: int) -> list[list[int]]:
    """For each pixel of an axis, those whose mean it shows: the ones whose centres lie in the block that it shows."""
    block = Fraction(size, reduced)
    shown = [
        [start <= j + HALF < start + block for start in np.arange(reduced) * block].index(True) for j in range(size)
    ]
    return [[j for j in range(size) if i * block < j + HALF <= (i + 1) * block] for i in shown]


def pixelated(image: np.ndarray, removed: int) -> np.ndarray:
    """One channel whose longer side lost ``removed`` px, and the other as many in proportion, rounded down."""
    height, width = image.shape
    longer = max(height, width)
    rows = averaged(height, max(1, height * (longer - removed) // longer))
    columns = averaged(width, max(1, width * (longer - removed) // longer))
    return np.array([[image[np.ix_(down, across)].mean() for across in columns] for down in rows])


def shares(removed: list[float], longer: int, dtype: torch.dtype) -> torch.Tensor:
    """The parameters (batch, 1) at which that many pixels are removed from the longer side."""
    return torch.tensor(removed, dtype=torch.float64).div(longer).to(dtype).view(-1, 1)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-14)])
@pytest.mark.parametrize("shape", [(1, 12, 9), (3, 20, 31), (1, 28, 28), (1, 3, 26)])
def test_discrete_equals_blocks_in_exact_fractions(shape, dtype, tolerance):
    """Half a pixel less is asked for, so that the whole number above is removed whatever the rounding."""
    longer = max(shape)
    removed = [1, 2, 3, longer // 3, longer // 2, int(0.9 * longer)]
    images = torch.rand(len(removed), *shape, generator=torch.Generator().manual_seed(1), dtype=dtype)
    results = DISCRETE.apply(images, shares([number - 0.5 for number in removed], longer, dtype))
    for image, result, number in zip(images.double().numpy(), results.double().numpy(), removed, strict=True):
        for before, after in zip(image, result, strict=True):
            assert np.abs(after - pixelated(before, number)).max() < tolerance


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(1, 12, 9), (3, 20, 31)])
def test_polyline_equals_the_mean_of_two_blocks_in_exact_fractions(shape, dtype):
    """Rounded to float32, a share times 31 px is off by 1e-6 px, and the image by as much."""
    tolerance, longer = 1e-5 if dtype == torch.float32 else 1e-12, max(shape)
    removed = [0.3, 1.5, 2.9, 5.25, longer / 3, 0.88 * longer]
    images = torch.rand(len(removed), *shape, generator=torch.Generator().manual_seed(1), dtype=dtype)
    results = POLYLINE.apply(images, shares(removed, longer, dtype))
    for image, result, number in zip(images.double().numpy(), results.double().numpy(), removed, strict=True):
        whole, part = divmod(number, 1)
        for before, after in zip(image, result, strict=True):
            expected = (1 - part) * pixelated(before, int(whole)) + part * pixelated(before, int(whole) + 1)
            assert np.abs(after - expected).max() < tolerance


@pytest.mark.parametrize("shape", [(28, 28), (32, 32), (12, 9), (20, 32)])
def test_equals_pillows_box_filter_in_floats(shape):
    """Of sizes where Pillow's floats keep the centres that lie on a block's edge (at 31 px, say, they do not)."""
    height, width = shape
    longer = max(shape)
    image = torch.rand(1, 1, *shape, generator=torch.Generator().manual_seed(2))
    removed = list(range(1, longer // 2 + 1))
    results = DISCRETE.apply(
        image.expand(len(removed), -1, -1, -1), shares([number - 0.5 for number in removed], longer, torch.float32)
    )
    for number, result in zip(removed, results, strict=True):
        share = Fraction(longer - number, longer)
        small = Image.fromarray(image[0, 0].numpy()).resize(
            (int(width * share), int(height * share)), Image.Resampling.BOX
        )
        expected = np.asarray(small.resize((width, height), Image.Resampling.BOX))
        assert np.abs(result[0].numpy() - expected).max() < 1e-6


@pytest.mark.parametrize("size", [28, 32, 31])
def test_level_rises_as_the_share_exceeds_a_whole_number_of_pixels(size):
    knots = torch.arange(1, int(0.9 * size), dtype=torch.float64)[:, None]
    for height, width in ((size, 9), (7, size)):
        assert DISCRETE.level(knots / size - 1e-9, height, width).tolist() == knots[:, 0].int().tolist()
        assert DISCRETE.level(knots / size + 1e-9, height, width).tolist() == (knots[:, 0].int() + 1).tolist()
        assert DISCRETE.level(torch.zeros(1, 1), height, width).tolist() == [0]


@pytest.mark.parametrize(("size", "count"), [(28, 15), (32, 17)])
def test_a_half_holds_as_many_images_as_half_the_pixels_and_one(size, count):
    recipe = get_corruption("pixelate:discrete")
    representatives = DISCRETE.representatives(recipe.region(0.5, (1, size, size)), size, size)
    assert representatives.shape == (count, 1)
    expected = np.maximum(0, np.arange(count) - 1) / size  # the first is 0 alone, the next begins right above
    assert np.abs(representatives[:, 0].numpy() - expected).max() < 1e-12
    image = torch.rand(1, 1, size, size, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    assert pdist(DISCRETE.apply(image.expand(count, -1, -1, -1), representatives).flatten(1)).min() > 0.1


def test_ten_thousand_shares_give_the_images_of_the_representatives():
    region = get_corruption("pixelate:discrete").region(None, (1, 28, 28))
    image = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    representatives = DISCRETE.representatives(region, 16, 16)
    known = DISCRETE.apply(image.expand(len(representatives), -1, -1, -1), representatives).flatten(1)
    parameters = torch.linspace(region.lower[0], region.upper[0], 10_000, dtype=torch.float64)[:, None]
    scan = torch.cat([DISCRETE.apply(image.expand(len(part), -1, -1, -1), part) for part in parameters.split(1_000)])
    apart = cdist(scan.flatten(1), known, "chebyshev")
    assert apart.min(axis=1).max() < 1e-12  # every scanned image is known
    assert apart.min(axis=0).max() < 1e-12  # every known image was scanned


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 20, 31)])
def test_polyline_passes_through_every_discrete_image(shape):
    longer = max(shape)
    image = torch.rand(1, *shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    images, knots = image.expand(longer // 2, -1, -1, -1), [float(number) for number in range(1, longer // 2 + 1)]
    discrete = DISCRETE.apply(images, shares([knot - 0.5 for knot in knots], longer, torch.float64))
    assert float((POLYLINE.apply(images, shares(knots, longer, torch.float64)) - discrete).abs().max()) < 1e-12


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 20, 31)])
def test_polyline_is_straight_between_its_knots(shape):
    longer = max(shape)
    image = torch.rand(1, *shape, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    images, knots = image.expand(longer // 2, -1, -1, -1), [float(number) for number in range(longer // 2)]
    start, quarter, end = (
        POLYLINE.apply(images, shares([knot + part for knot in knots], longer, torch.float64)) for part in (0, 0.25, 1)
    )
    assert float((quarter - (0.75 * start + 0.25 * end)).abs().max()) < 1e-12
    assert float((end - start).flatten(1).norm(dim=1).min()) > 0.1  # so that a constant would be caught


def boxes(count: int, longer: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Boxes of every width from 1e-5 to 0.5, within 0 to 0.5, and some that start or end at a knot."""
    generator = torch.Generator().manual_seed(7)
    width = 0.5 * 10 ** (-4.7 * torch.rand(count, 1, generator=generator).double())
    lower = torch.rand(count, 1, generator=generator).double() * (0.5 - width)
    upper = lower + width
    lower[::7] = (lower[::7] * longer).floor() / longer
    upper[::5] = (upper[::5] * longer).ceil() / longer
    return lower, upper


def enclosed_images() -> torch.Tensor:
    """Real, random and negative images, float64 (120, 1, 28, 28)."""
    generator = torch.Generator().manual_seed(8)
    parts = [load_fashion_mnist("test")[0][:80], torch.rand(20, 1, 28, 28, generator=generator)]
    return torch.cat([*parts, torch.randn(20, 1, 28, 28, generator=generator)]).double()


def test_enclosure_contains_dense_scans(enclose=POLYLINE.enclose, scan=101):
    images = enclosed_images()
    lower, upper = boxes(len(images), 28)
    low, high = enclose(images, lower, upper)
    for share in torch.linspace(0, 1, scan).tolist():
        between = POLYLINE.apply(images, lower + share * (upper - lower))
        assert bool((between >= low - 1e-12).all())
        assert bool((between <= high + 1e-12).all())


@pytest.mark.parametrize("forgotten", [(0, 1), (0, 0.5, 1)], ids=["the knots", "most knots"])
def test_an_enclosure_that_forgets_knots_is_caught(forgotten):
    def ends(images, lower, upper):
        outputs = torch.stack([POLYLINE.apply(images, lower + share * (upper - lower)) for share in forgotten])
        return outputs.amin(dim=0), outputs.amax(dim=0)

    with pytest.raises(AssertionError):
        test_enclosure_contains_dense_scans(enclose=ends)


def test_enclosure_is_attained():
    """At the ends where no knot lies between them, and at the ends and the knots otherwise: nothing is added."""
    images = enclosed_images()
    lower, upper = boxes(len(images), 28)
    low, high = POLYLINE.enclose(images, lower, upper)
    lengths = []
    for index, (start, end) in enumerate(torch.cat([lower, upper], dim=1).tolist()):
        knots = [number / 28 for number in range(29) if start <= number / 28 <= end]
        corners = torch.tensor([start, *knots, end], dtype=torch.float64)[:, None]
        outputs = POLYLINE.apply(images[index].expand(len(corners), -1, -1, -1), corners)
        assert torch.allclose(outputs.amin(dim=0), low[index], rtol=0, atol=1e-12)
        assert torch.allclose(outputs.amax(dim=0), high[index], rtol=0, atol=1e-12)
        lengths.append(len(knots))
    assert lengths.count(0) > 20
    assert max(lengths) > 5


def test_enclosure_of_a_segment_without_a_knot_has_half_its_length_as_radius():
    images = enclosed_images()
    lower = torch.full((len(images), 1), 4.1 / 28, dtype=torch.float64)
    upper = lower + 0.8 / 28
    low, high = POLYLINE.enclose(images, lower, upper)
    segment = POLYLINE.apply(images, upper) - POLYLINE.apply(images, lower)
    assert float(segment.flatten(1).norm(dim=1).min()) > 0.1
    assert torch.allclose((high - low).flatten(1).norm(dim=1), segment.flatten(1).norm(dim=1), rtol=1e-12)


@pytest.fixture(scope="module")
def recorded():
    """Written by scripts/record_fixtures.py."""
    with np.load(Path(__file__).with_name("fixtures.npz")) as archive:
        return dict(archive)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", ["grey", "colour"])
def test_images_equal_the_recorded_severities(recorded, kind, dtype):
    """In the recording the rows were averaged and rounded to 8 bits, then the columns: each step adds at most ½."""
    removed = torch.from_numpy(1 - recorded["resolutions"].astype(np.float64)).view(-1, 1)
    image = torch.from_numpy(recorded[kind]).to(dtype).view(1, 32, 32, -1).permute(0, 3, 1, 2)
    results = DISCRETE.apply(image.expand(len(removed), -1, -1, -1), removed)
    expected = recorded[f"pixelated_{kind}"].reshape(len(removed), 32, 32, -1).transpose(0, 3, 1, 2)
    apart = np.abs(results.double().numpy() - expected)
    assert apart.max() < 1.01
    assert apart.mean() < 0.4


def test_recipes():
    for name, transformation in (("pixelate", POLYLINE), ("pixelate:discrete", DISCRETE)):
        recipe = get_corruption(name)
        assert recipe.transformation == transformation
        assert recipe.default_radius((1, 28, 28)) == recipe.default_radius((3, 32, 32)) == 0.5
