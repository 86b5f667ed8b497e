"""The latent certificate against classifiers whose true radius has a closed form."""

import attrs
import numpy as np
import pytest
import torch
from rich.console import Console
from scipy.stats import binomtest, norm

from gsmooth_core import (
    Answer,
    Budget,
    Corruption,
    Guarantee,
    IdentitySurrogate,
    LatentCertifier,
    LatentSmoothing,
    ParameterSpace,
    Region,
    SampledTransformation,
    Task,
    certify,
    get_corruption,
    load_fashion_mnist,
)
from gsmooth_core.certifier import AskBound, AskClass, Problem
from gsmooth_core.certifiers import cover as covers
from gsmooth_core.certifiers import latent
from gsmooth_core.certifiers.cover import Cover
from gsmooth_core.statistics.bounds import lower_bound
from gsmooth_core.testing import binomial_answer

STD = 0.5
SMOOTHING = LatentSmoothing(IdentitySurrogate(), parameter_std=0.0, latent_std=STD)
IMAGE = torch.full((1, 4, 4), 0.5)


def task(transformation, region, maximize=False, budget=Budget(), image=IMAGE):
    return Task(image, Problem(transformation, SMOOTHING, region), budget, maximize)


def plane_oracle(normal, offset):
    """Exact probabilities of the half-space ⟨normal, x⟩ < offset under the noise, as class 0."""

    def answer(ask, number):
        margin = (offset - float((ask.image * normal).sum())) / float(normal.norm())
        p = min(float(norm.cdf(margin / STD)), 1 - 1e-9)
        return Answer(0 if isinstance(ask, AskClass) else ask.class_, round(1_000 * p), 1_000, lower=p)

    return answer


def straight(drift, speed=1.0):
    """One pixel's brightness grows with the parameter; the plane at ``IMAGE + margin`` is met at margin/speed."""
    direction = torch.zeros(1, 1, 4, 4)
    direction[0, 0, 0, 0] = speed
    return drift(direction, lower=0.0), direction[0] / speed


def test_one_ball_reaches_the_plane_exactly(drift, drive):
    """A half-space at distance 2: the first ball has radius 2, and the certified radius is 2 less a cell."""
    transformation, normal = straight(drift)
    oracle = plane_oracle(normal, 0.5 + 2.0)
    finding = drive(LatentCertifier().steps(task(transformation, Region(0, 1.9))), oracle)
    assert (finding.proved, finding.tried) == (Region(0, 1.9), 1)
    finding = drive(LatentCertifier().steps(task(transformation, Region(0, 2.1))), oracle)
    assert finding.proved is None


@pytest.mark.parametrize("distance", [0.7, 3.0, 6.5])
def test_maximized_radius_approaches_the_plane_and_never_passes_it(drift, drive, distance, inflate=1.0):
    transformation, normal = straight(drift, speed=0.8)
    exact = plane_oracle(normal, 0.5 + 0.8 * distance)

    def oracle(ask, number):
        answer = exact(ask, number)
        return Answer(answer.class_, answer.votes, answer.samples, float(norm.cdf(inflate * norm.ppf(answer.lower))))

    finding = drive(LatentCertifier().steps(task(transformation, Region(0, 10), maximize=True)), oracle)
    assert distance - 0.2 < finding.proved.upper[0] < distance


@pytest.mark.parametrize("distance", [0.7, 1.9, 3.0])
def test_a_half_space_gets_its_radius_within_the_statistical_slack(drift, distance):
    """The whole of ``certify`` against a linear classifier whose true radius is ``distance`` noise widths.

    Below the truth by no more than what 1,000 votes leave open at the last anchor: the bound of a probability near ½ is
    0.08 too low there, a reach of 0.2; and a cell.
    """
    transformation, normal = straight(drift, speed=STD)  # one unit is one in latent distance
    recipe = Corruption("drift", transformation, SMOOTHING, LatentCertifier())

    def model(images):
        return torch.stack([0.5 + STD * distance - (images * normal).sum((1, 2, 3)), torch.zeros(len(images))], dim=1)

    radii = [
        certify(model, recipe, IMAGE[None], radius=4.0, maximize=True, seed=seed).certificates[0].radius
        for seed in range(5)
    ]
    assert all(distance - 0.3 < radius < distance for radius in radii)


def test_sequential_stopping_loses_hardly_any_radius(drift, drive, monkeypatch):
    """Anchors near the border have probabilities little above ½; draws may not end before that is known."""
    monkeypatch.setattr(covers, "CELL_RADIUS", 0.02)
    transformation, normal = straight(drift, speed=STD)

    def radius(stopping, distance, seed):
        draws, budget = np.random.default_rng(seed), Budget(stopping=stopping)

        def oracle(ask, number):
            p = float(norm.cdf(distance - float(((ask.image - IMAGE) * normal).sum()) / STD))
            return binomial_answer(ask, p, budget, draws)

        job = task(transformation, Region(0, 4), maximize=True, budget=budget)
        return drive(LatentCertifier().steps(job), oracle).proved.upper[0]

    for distance in (1.5, 2.3, 3.0):
        fixed, sequential = (
            np.mean([radius(stopping, distance, seed) for seed in range(6)]) for stopping in ("fixed", "sequential")
        )
        assert fixed - 0.05 < sequential < distance


def test_a_radius_inflated_by_1_3_is_caught(drift, drive):
    with pytest.raises(AssertionError):
        test_maximized_radius_approaches_the_plane_and_never_passes_it(drift, drive, 3.0, inflate=1.3)


def test_a_far_plane_takes_a_chain_of_anchors(drift, drive):
    """The plane runs beside the path, one noise std away: each ball has radius 1, so the chain needs length/2 balls."""
    transformation, normal = straight(drift)
    beside = torch.zeros_like(normal)
    beside[0, 3, 3] = 1
    region = Region(0, 8)
    finding = drive(LatentCertifier().steps(task(transformation, region)), plane_oracle(beside, 0.5 + STD))
    assert finding.proved == region
    assert 8 / (2 * STD) <= finding.tried <= 1.5 * 8 / (2 * STD)
    finding = drive(
        LatentCertifier().steps(task(transformation, region, budget=Budget(anchors=4))),
        plane_oracle(beside, 0.5 + STD),
    )
    assert finding.proved is None
    assert "budget of 4 anchors" in finding.reason


@pytest.mark.parametrize("maximize", [False, True])
def test_two_sides_and_two_parameters(drift, drive, maximize):
    directions = torch.zeros(2, 1, 4, 4)
    directions[0, 0, 0, 0] = directions[1, 0, 1, 1] = 1.0
    transformation = drift(directions)
    oracle = plane_oracle(directions.sum(0), 1.0 + 3.0)  # met where a + b = 3
    finding = drive(LatentCertifier().steps(task(transformation, Region((-1, -1), (1.2, 1.2)), maximize)), oracle)
    assert finding.proved == Region((-1, -1), (1.2, 1.2))
    finding = drive(LatentCertifier().steps(task(transformation, Region((-1, -1), (1.7, 1.7)), maximize)), oracle)
    assert finding.proved is None or finding.proved.upper[0] < 1.5
    assert finding.proved is not None or not maximize


def test_cells_fill_the_region_and_enclose_it(test_images):
    defocus = get_corruption("defocus")
    job = Task(test_images[3], Problem(defocus.transformation, defocus.smoothing, Region(0, 5)), Budget(cells=300))
    cover = Cover(job)
    order = cover.lower[:, 0].argsort()
    lower, upper = cover.lower[order, 0], cover.upper[order, 0]
    assert float(lower[0]) == 0
    assert float(upper[-1]) == 5
    assert torch.equal(lower[1:], upper[:-1])
    assert len(lower) <= 300
    for share in torch.rand(20, dtype=torch.float64):
        radii = cover.lower + share * (cover.upper - cover.lower)
        blurred = defocus.transformation.apply(job.image.expand(len(radii), -1, -1, -1), radii.float())
        distance = defocus.smoothing.distance(blurred.double() - cover.codes.double())
        assert bool((distance <= cover.radius).all())


def test_without_cells_nothing_is_proved(drift, drive):
    """A budget of one cell cannot enclose a long path: the answer is 'not certified', never a weaker claim."""
    transformation, normal = straight(drift)
    beside = normal.flip(-1)
    job = task(transformation, Region(0, 8), budget=Budget(cells=1))
    finding = drive(LatentCertifier().steps(job), plane_oracle(beside, 0.5 + STD))
    assert finding.proved is None
    assert "raise the budget's cells" in finding.reason


class Scaled(IdentitySurrogate):
    """The image four times as large: distances grow by 4, and so must the noise."""

    lipschitz = 4.0

    def encode_image(self, images):
        return 4 * images

    def decode(self, latents):
        return latents / 4


def test_cells_grow_with_the_encoders_lipschitz_bound(test_images):
    defocus = get_corruption("defocus").transformation
    plain, scaled = (
        Cover(Task(test_images[0], Problem(defocus, LatentSmoothing(surrogate, 0.0, std), Region(0, 2)), Budget()))
        for surrogate, std in ((IdentitySurrogate(), 0.2), (Scaled(), 0.8))
    )
    assert torch.allclose(plain.radius, scaled.radius)
    for cover in (plain, scaled):
        cover.add_ball(test_images[0], float(norm.cdf(1.0)))
    assert torch.equal(plain.covered, scaled.covered)


def test_a_single_point_is_as_wide_as_rounding(drift):
    transformation, _ = straight(drift)
    cover = Cover(task(transformation, Region(0, 0)))
    codes = 2 * 4 * 2**-15 / STD  # two codes of 16 entries, each off by a step of the noise's grid
    assert cover.radius.tolist() == pytest.approx([covers.ROUNDING * 4 / STD + codes])


def test_all_anchors_together_spend_no_more_than_alpha(drift, drive):
    transformation, normal = straight(drift)
    beside, spent = normal.flip(-1), []
    exact = plane_oracle(beside, 0.5 + STD / 2)

    def oracle(ask, number):
        if isinstance(ask, AskBound):
            spent.append(ask.alpha)
        return exact(ask, number)

    finding = drive(LatentCertifier().steps(task(transformation, Region(0, 8))), oracle)
    assert len(spent) == finding.tried > 10
    assert sum(spent) < Budget().alpha


def test_no_majority_means_abstention(drift, drive):
    transformation, normal = straight(drift)
    finding = drive(LatentCertifier().steps(task(transformation, Region(0, 1))), plane_oracle(normal, 0.5 - 0.1))
    assert finding.predicted is None
    assert finding.proved is None
    assert "too few to prove a majority" in finding.reason


def simulate(drift, drive, alpha, count=3_000):
    """How often a region that just reaches over the plane is certified, with binomial votes of the true frequency."""
    transformation, normal = straight(drift)
    generator = np.random.default_rng(7)
    exact = plane_oracle(normal, 0.5 + 0.999)
    wrong = 0
    cells = Budget(samples=200, alpha=alpha, cells=16)
    for _ in range(count):

        def oracle(ask, number):
            p = exact(ask, number).lower
            votes = int(generator.binomial(200, p))
            lower = 0.0 if isinstance(ask, AskClass) else lower_bound(votes, 200, ask.alpha)
            return Answer(0, votes, 200, lower)

        wrong += (
            drive(LatentCertifier().steps(task(transformation, Region(0, 1), budget=cells)), oracle).proved is not None
        )
    return wrong


def covered(wrong, count, alpha):
    return binomtest(wrong, count, alpha, alternative="greater").pvalue > 0.01


@pytest.mark.slow
def test_confidence_holds_for_the_whole_certificate(drift, drive, monkeypatch):
    """The law: at most α of the certificates of a region that is not robust. The mutant: no union bound, twice α."""
    alpha, count = 0.01, 3_000
    monkeypatch.setattr(covers, "CELL_RADIUS", 1e-3)  # cells so small that the statistics alone are tested
    wrong = simulate(drift, drive, alpha, count)
    print(f"{wrong} of {count} certificates wrong at alpha {alpha}")
    assert covered(wrong, count, alpha)
    monkeypatch.setattr(latent, "anchor_share", lambda anchor: 10.0)
    wrong = simulate(drift, drive, alpha, count)
    print(f"mutant: {wrong} of {count}")
    assert not covered(wrong, count, alpha)


def test_what_does_not_fit_is_refused():
    defocus, blur = get_corruption("defocus"), get_corruption("gaussianblur")
    with pytest.raises(ValueError, match="certifier='resolvable'"):
        LatentCertifier().check(Problem(blur.transformation, SMOOTHING, Region(0, 1)))
    with pytest.raises(ValueError, match="smoothing=LatentSmoothing"):
        LatentCertifier().check(Problem(defocus.transformation, blur.smoothing, Region(0, 1)))
    LatentCertifier().check(Problem(defocus.transformation, SMOOTHING, Region(0, 1)))
    assert (
        LatentCertifier().guarantee(Problem(defocus.transformation, SMOOTHING, Region(0, 0))) is Guarantee.PROBABILISTIC
    )


def test_sampled_enclosures_never_make_more_than_an_estimate(example_model):
    class Proud(SampledTransformation):
        enclosure_guarantee = Guarantee.EXACT
        space = ParameterSpace(1, 4, 1, "strength", "1")  # the identity need not be 0

        def region(self, radius):
            return Region(1, 1 + radius)

        def apply(self, images, parameters):
            assert bool((parameters >= 1).all())
            return images / parameters.to(images.dtype).view(-1, 1, 1, 1)

    recipe = Corruption("proud", Proud(), LatentSmoothing(IdentitySurrogate(), 0.0, 0.2), LatentCertifier())
    report = certify(example_model, recipe, limit=2, radius=0.1)
    assert report.run.guarantee is Guarantee.ESTIMATE
    assert all(certificate.guarantee is Guarantee.ESTIMATE for certificate in report.certificates)
    assert (
        "Estimated, not proved, by the latent certificate in floating-point arithmetic, with enclosures estimated"
        in report.certificates[0].claim
    )
    console = Console(width=150, record=True)
    report.summary(console)
    assert "error probability at most 0.001 if the estimate holds" in console.export_text()


def test_a_finding_cannot_promise_more_than_its_certifier(example_model):
    class Loud(LatentCertifier):
        def guarantee(self, problem):
            return Guarantee.ESTIMATE

        def steps(self, task):
            finding = yield from super().steps(task)
            return attrs.evolve(finding, guarantee=Guarantee.EXACT)

    report = certify(example_model, "defocus", limit=1, radius=1.0, certifier=Loud())
    [certificate] = report.certificates
    assert (certificate.guarantee, certificate.alpha) == (Guarantee.ESTIMATE, 0.001)


def test_with_the_identity_and_an_anchor_a_slice_it_is_tss_bound(monkeypatch):
    """TSS (Li et al. 2021): certified iff σΨ(p) > √M, M the supremum over each slice of ‖τ(ξ, x) − τ(anchor, x)‖²."""
    monkeypatch.setattr(covers, "CELL_RADIUS", 0.01)
    rotation, std, slices = get_corruption("rotation").transformation, 0.25, 5
    image = load_fashion_mnist("test")[0][3]
    region = rotation.region(4.0)
    smoothing = LatentSmoothing(IdentitySurrogate(), parameter_std=0.0, latent_std=std)
    ends = torch.linspace(-4, 4, slices + 1, dtype=torch.float64)
    anchors = (ends[:-1] + ends[1:]) / 2
    largest = 0.0  # √M, by a dense scan that knows nothing of enclosures, cells or latents
    for low, high, anchor in zip(ends[:-1], ends[1:], anchors, strict=True):
        scan = torch.linspace(float(low), float(high), 401, dtype=torch.float64)[:, None]
        moved = rotation.apply(image.double().expand(401, -1, -1, -1), scan)
        at_anchor = rotation.apply(image[None].double(), anchor.view(1, 1))
        largest = max(largest, float((moved - at_anchor).flatten(1).norm(dim=1).max()))
    for share, certified in ((1.03, True), (0.97, False)):
        cover = Cover(Task(image, Problem(rotation, smoothing, region), Budget(cells=8_192)))
        for anchor in anchors:
            reach = share * largest / std
            cover.add_ball(rotation.apply(image[None], anchor.view(1, 1).float())[0], float(norm.cdf(reach)))
        assert cover.complete is certified


@pytest.mark.parametrize("name", ["rotation", "defocus"])
def test_codes_that_are_computed_again_end_in_the_same_cells(name, monkeypatch):
    """Covers that keep a few entries of each code mark the same cells as those that keep all."""
    recipe = get_corruption(name)
    image = load_fashion_mnist("test")[0][0]
    one = Task(image, recipe.problem(0.5, (1, 28, 28)), Budget(cells=64))
    whole = Cover(one)
    monkeypatch.setattr(covers, "LARGEST_CODES", 0)
    monkeypatch.setattr(covers, "SAMPLED", 20)
    small = Cover(one)
    assert whole.codes.shape[1:] == (1, 28, 28)
    assert small.codes.shape[1:] == (20,)
    assert torch.equal(small.radius, whole.radius)
    for p in (0.6, 0.9, 0.99):
        assert whole.add_ball(image, p) == small.add_ball(image, p)
        assert torch.equal(whole.covered, small.covered)
    assert bool(small.covered.any())
    assert recipe.certifier.memory(one) == 4 * 64 * (20 + 64)
