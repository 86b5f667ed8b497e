"""The paper's bound: its place below the latent certificate, its derivatives, and its honesty about errors."""

import math

import pytest
import torch
from scipy.stats import norm
from torch import nn

from gsmooth_core import (
    Answer,
    Budget,
    Corruption,
    Guarantee,
    LatentSmoothing,
    Region,
    Surrogate,
    SurrogateCertifier,
    Task,
    certify,
    get_corruption,
)
from gsmooth_core.certifier import Problem
from gsmooth_core.certifiers.surrogate_path import Path

SHAPE = (1, 6, 6)


class Toy(Surrogate):
    """A scaled identity as encoder, linear parameters, and a decoder that bends."""

    def __init__(self, dimension=1, bend=0.3, scale=1.0, seed=0):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.dimension, self.bend, self.scale = dimension, bend, scale
        self.register_buffer("rows", torch.randn(dimension, *SHAPE, generator=generator) / 6)
        self.register_buffer("mix", torch.randn(36, 36, generator=generator) / 6)

    @property
    def lipschitz(self):
        return self.scale

    def encode_image(self, images):
        return self.scale * images

    def encode_parameters(self, parameters):
        return torch.einsum("bm,mchw->bchw", parameters, self.rows)

    def decode(self, latents):
        bent = torch.tanh(latents.flatten(1) @ self.mix).view_as(latents)
        return (latents + self.bend * bent) / self.scale


def task_for(drift, surrogate, radius=1.0, maximize=False, error=0.0, std=0.5, parameter_std=0.5):
    """The surrogate's own path as the transformation, or one that is off by ``error`` per unit."""
    transformation = drift(surrogate.rows + error / 6)
    image = torch.rand(SHAPE, generator=torch.Generator().manual_seed(1))
    smoothing = LatentSmoothing(surrogate, parameter_std, std)
    region = Region((-radius,) * surrogate.dimension, (radius,) * surrogate.dimension)
    return Task(image, Problem(transformation, smoothing, region), Budget(anchors=64), maximize)


def constant(p):
    return lambda ask, number: Answer(0, round(1_000 * p), 1_000, lower=p)


@pytest.mark.parametrize("seed", range(8))
def test_corollary_1_is_at_most_the_paths_length_and_that_at_least_the_latent_distance(drift, seed):
    """R(surrogate) ≤ R(path length) ≤ R(latent): the bounds of one distance, in this order, everywhere on the path."""
    task = task_for(drift, Toy(bend=0.8, scale=1.7, seed=seed), radius=2.0)
    path = Path(task, points=2_001, real=False)
    order = path.parameters[:, 0].argsort()
    images = path.images(path.parameters[order])
    codes = task.smoothing.encode(images).double()
    steps = task.smoothing.distance(codes[1:] - codes[:-1])
    start = int((order == 0).nonzero()[0, 0])
    for end in torch.linspace(0, len(order) - 1, 41).long().tolist():
        low, high = sorted((start, end))
        straight = float(task.smoothing.distance(codes[end : end + 1] - codes[start : start + 1]))
        length = float(steps[low:high].sum())
        distance = abs(float(path.parameters[order[end], 0]))
        corollary = float(path.slope[order[low : high + 1]].max()) * distance
        assert straight <= length * (1 + 1e-5) + 1e-4
        assert length <= corollary * (1 + 1e-3) + 1e-4


def test_slopes_equal_finite_differences_and_bound_the_power_iteration(drift):
    """The appendix's random-vector iteration approaches the norm from below."""
    task = task_for(drift, Toy(dimension=2, bend=0.8))
    path = Path(task, points=5, real=False)
    surrogate, h = task.smoothing.surrogate, 1e-3
    for point in range(0, len(path.parameters), 4):
        at = path.parameters[point]
        columns = []
        for axis in range(2):
            step = h * torch.eye(2)[axis]
            ends = surrogate.encode_image(path.images(torch.stack([at + step, at - step]))).flatten(1).double()
            columns.append((ends[0] - ends[1]) / (2 * h) - surrogate.rows[axis].flatten().double())
        d = torch.stack(columns, dim=1)
        matrix = torch.eye(2, dtype=torch.float64) / 0.5**2 + d.T @ d / 0.5**2
        assert float(path.slope[point]) == pytest.approx(float(torch.linalg.eigvalsh(matrix)[-1].sqrt()), rel=1e-3)
        vector = torch.randn(2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        for _ in range(6):
            vector = matrix @ (vector / vector.norm())
            assert math.sqrt(float(vector.norm())) <= float(path.slope[point]) * (1 + 1e-3)
        assert math.sqrt(float(vector.norm())) == pytest.approx(float(path.slope[point]), rel=0.05)


def test_a_straight_path_gets_the_closed_form(drift, drive):
    """With H = F₂ = identity the path is x + ξa, D = 0 and M = 1/σ₁: one ball reaches σ₁Ψ(p)."""
    surrogate, p = Toy(bend=0.0), 0.95
    reach = 0.5 * norm.ppf(p)
    for radius, held in ((0.99 * reach, True), (1.01 * reach, False)):
        task = task_for(drift, surrogate, radius)
        oracle = lambda ask, number: Answer(0, 950, 1_000, lower=p if number < 2 else 0.4)  # noqa: E731
        finding = drive(SurrogateCertifier(points=401).steps(task), oracle)
        assert (finding.proved is not None) is held
        assert finding.guarantee is Guarantee.ESTIMATE
    task = task_for(drift, surrogate, 3.0, maximize=True)
    finding = drive(SurrogateCertifier(points=2_001).steps(task), oracle)
    assert finding.proved.upper[0] == pytest.approx(reach, abs=3.0 / 900)


def test_anchors_reach_farther_than_one_ball(drift, drive):
    finding = drive(SurrogateCertifier().steps(task_for(drift, Toy(bend=0.0), 3.0)), constant(0.95))
    assert finding.proved == Region(-3.0, 3.0)
    assert 4 <= finding.tried <= 12


def test_the_surrogates_error_counts_for_the_real_transformation(drift, drive):
    """An error beyond Ψ(p) σ₂/L₂ leaves nothing of the real one, and does not concern the imitation."""
    small, large = (task_for(drift, Toy(bend=0.0), 0.3, error=error) for error in (0.5, 20.0))
    assert drive(SurrogateCertifier().steps(small), constant(0.95)).proved is not None
    missed = drive(SurrogateCertifier().steps(large), constant(0.95))
    assert missed.proved is None
    assert "too small" in missed.reason
    assert drive(SurrogateCertifier(real=False).steps(large), constant(0.95)).proved is not None


def test_no_majority_at_the_start_is_an_abstention(drift, drive):
    finding = drive(SurrogateCertifier().steps(task_for(drift, Toy())), constant(0.45))
    assert (finding.predicted, finding.proved) == (None, None)


def test_certificates_say_that_they_are_estimates(drift):
    surrogate = Toy(bend=0.01)
    recipe = Corruption("drift", drift(surrogate.rows), LatentSmoothing(surrogate, 0.5, 0.2), SurrogateCertifier())
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 3))
    model[1].bias.data[1] += 2
    report = certify(model, recipe, torch.rand(4, *SHAPE), radius=0.05)
    assert report.run.guarantee is Guarantee.ESTIMATE
    assert report.certified.value > 0
    claims = [certificate.claim for certificate in report.certificates if certificate.certified]
    assert "Estimated, not proved, by Corollary 1 along the surrogate's path with the surrogate's error" in claims[0]


def test_what_does_not_fit_is_refused(drift):
    surrogate = Toy()
    certifier, transformation = SurrogateCertifier(), drift(surrogate.rows)
    with pytest.raises(ValueError, match="certifier='latent', which is stronger"):
        certifier.check(Problem(transformation, LatentSmoothing(surrogate, 0.0, 0.2), Region(0, 1)))
    both = get_corruption("brightnesscontrast").transformation
    with pytest.raises(ValueError, match="the surrogate has 1 parameters, BrightnessContrast 2"):
        certifier.check(Problem(both, LatentSmoothing(surrogate, 0.5, 0.2), both.region(0.1)))


def test_where_the_error_hides_the_image_itself_nothing_is_said_about_it(drift, drive):
    """Only the imitation of the unchanged image was asked about, and the real one lies outside its ball."""

    class Off(Toy):
        def decode(self, latents):
            return super().decode(latents) + 1.0

    finding = drive(SurrogateCertifier().steps(task_for(drift, Off(bend=0.0), 0.3)), constant(0.95))
    assert (finding.predicted, finding.proved) == (None, None)
