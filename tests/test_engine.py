"""The engine as a whole: the same votes however they are drawn, and memory that does not grow with them."""

import subprocess
import sys
import textwrap

import attrs
import numpy as np
import pytest
import torch
from helpers import determined

from gsmooth_core import Budget, Report, Task, certify, get_corruption
from gsmooth_core.voting import Engine, Poll, choose_batch, count_votes, generators

SMALL = Budget(select=50, samples=800)


def started(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code), *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
    )


def printed(process):
    out, _ = process.communicate(timeout=900)
    assert process.returncode == 0
    return out


@pytest.mark.parametrize("name", ["defocus", "gaussianblur", "brightness", "rotation"])
def test_votes_are_the_same_bit_for_bit_for_batches_of_16_250_and_1_000(example_model, test_images, name):
    smoothing = get_corruption(name).smoothing
    codes = smoothing.encode(test_images[:3])

    def votes(batch):
        polls = [Poll(code, 1_000, generators(0, (index,), code.device)) for index, code in enumerate(codes)]
        with torch.no_grad():
            return count_votes(example_model, smoothing, polls, batch)

    expected = votes(16)
    assert expected.sum(axis=1).tolist() == [1_000] * 3
    for batch in (250, 1_000, choose_batch(example_model, test_images[0])):
        assert np.array_equal(votes(batch), expected)


def test_four_processes_give_the_certificates_of_one(example_model, tmp_path):
    whole = certify(example_model, "defocus", limit=4, budget=SMALL, seed=2)
    shards = [
        started(
            """
            import sys
            from gsmooth_core import Budget, certify, load_example_model
            budget = Budget(select=50, samples=800, batch=int(sys.argv[2]))
            certify(load_example_model(), "defocus", indices=[int(sys.argv[1])], budget=budget, seed=2, out=sys.argv[3])
            """,
            index,
            (16, 250, 1_000, 77)[index],
            tmp_path / f"{index}.json",
        )
        for index in range(4)
    ]
    for shard in shards:
        printed(shard)
    merged = Report.merge(*(Report.load(tmp_path / f"{index}.json") for index in range(4)))
    assert determined(merged) == determined(whole)


def test_images_are_certified_side_by_side(example_model, test_images):
    """One image after the other takes the same draws, in other batches."""
    recipe = get_corruption("gaussianblur")
    together = certify(example_model, recipe, test_images[:6], budget=SMALL)
    one_by_one = [certify(example_model, recipe, test_images[:6], indices=[index], budget=SMALL) for index in range(6)]
    assert determined(Report.merge(*one_by_one)) == determined(together)
    seen = []

    def model(images):
        seen.append(len(images))
        return example_model(images)

    with torch.no_grad():
        engine = Engine(model, recipe.smoothing, SMALL, seed=0, batch=400)
        region = recipe.region(None, (1, 28, 28))
        tasks = [Task(image, region, recipe.transformation, recipe.smoothing, SMALL) for image in test_images[:6]]
        outcomes = list(engine.run((index, recipe.certifier.steps(task)) for index, task in enumerate(tasks)))
    assert sorted(outcome.image for outcome in outcomes) == list(range(6))
    assert set(seen) == {400}
    assert sum(seen) < sum(outcome.samples for outcome in outcomes) + 400 * 6  # the six fill batches together
    assert all(outcome.seconds > 0 for outcome in outcomes)


PEAK = """
    import sys, time, resource
    import torch
    from torch import nn
    from gsmooth_core import Budget, certify
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))
    budget = Budget(samples=int(sys.argv[1]), stopping="fixed")
    image = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    report = certify(model, sys.argv[2], image, radius=0.01, budget=budget)
    assert report.certificates[0].samples >= int(sys.argv[1])
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["brightness", "rotation"])
def test_a_million_draws_take_the_memory_of_a_thousand(name):
    few, many = (int(printed(started(PEAK, samples, name))) for samples in (1_000, 1_000_000))
    print(f"{name}: {few / 1024:.0f} MB for 1,000 draws, {many / 1024:.0f} MB for 1,000,000")
    assert many < 1.05 * few


@pytest.mark.slow
def test_a_large_colour_image_takes_less_than_4_gb():
    out = printed(
        started(
            """
            import resource, torch, torchvision
            from gsmooth_core import Budget, certify
            torch.manual_seed(0)
            model = torchvision.models.resnet18(num_classes=10)
            image = torch.rand(1, 3, 224, 224)
            budget = Budget(samples=1_000, stopping="fixed")
            report = certify(model, "brightness", image, radius=0.1, budget=budget)
            assert report.certificates[0].samples == 1_100
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
            """
        )
    )
    print(f"{int(out) / 1024:.0f} MB")
    assert int(out) < 4 * 2**20


def test_fixed_and_sequential_stopping_agree_where_votes_are_clear(example_model):
    sequential = certify(example_model, "gaussianblur", limit=12, budget=Budget(samples=1_000))
    fixed = certify(example_model, "gaussianblur", limit=12, budget=Budget(samples=1_000, stopping="fixed"))
    assert [c.predicted for c in sequential.certificates] == [c.predicted for c in fixed.certificates]
    assert sum(c.samples for c in sequential.certificates) < 0.6 * sum(c.samples for c in fixed.certificates)
    assert attrs.evolve(fixed.run.budget, stopping="sequential") == sequential.run.budget


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_certificates_on_cuda_do_not_depend_on_the_batch(example_model):
    reports = [
        certify(example_model, "defocus", limit=3, budget=attrs.evolve(SMALL, batch=batch), device="cuda")
        for batch in (64, 500)
    ]
    assert determined(reports[0]) == determined(reports[1])
