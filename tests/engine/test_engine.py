"""The engine as a whole: the same votes however they are drawn, and memory that does not grow with them."""

import os
import subprocess
import sys
import textwrap

import attrs
import numpy as np
import pytest
import torch
from helpers import determined

from gsmooth_core import Budget, IdentitySurrogate, LatentSmoothing, Report, Task, certify, get_corruption
from gsmooth_core.certifier import Problem
from gsmooth_core.certifiers import latent
from gsmooth_core.engine import draws, engine
from gsmooth_core.engine.batch_size import choose_batch
from gsmooth_core.engine.draws import Poll
from gsmooth_core.engine.engine import Engine
from gsmooth_core.engine.votes import count_votes

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
        polls = [Poll(code, 0, (index,), 0, 1_000) for index, code in enumerate(codes)]
        with torch.no_grad():
            return count_votes(example_model, smoothing, polls, batch)

    expected = votes(16)
    assert expected.sum(axis=1).tolist() == [1_000] * 3
    for batch in (250, 1_000, choose_batch(example_model, test_images[0])):
        assert np.array_equal(votes(batch), expected)


def test_two_processes_give_the_certificates_of_one(example_model, tmp_path):
    whole = certify(example_model, "defocus", limit=2, budget=SMALL, seed=2)
    shards = [
        started(
            """
            import sys
            from gsmooth_core import Budget, certify, load_example_model
            budget = Budget(select=50, samples=800, batch=int(sys.argv[2]))
            certify(load_example_model(), "defocus", indices=[int(sys.argv[1])], budget=budget, seed=2, out=sys.argv[3])
            """,
            index,
            (16, 250)[index],
            tmp_path / f"{index}.json",
        )
        for index in range(2)
    ]
    for shard in shards:
        printed(shard)
    merged = Report.merge(*(Report.load(tmp_path / f"{index}.json") for index in range(2)))
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
        tasks = [
            Task(image, Problem(recipe.transformation, recipe.smoothing, region), SMALL) for image in test_images[:6]
        ]
        outcomes = list(engine.run(recipe.certifier, enumerate(tasks)))
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
    sequential = certify(example_model, "gaussianblur", limit=6, budget=Budget(samples=1_000))
    fixed = certify(example_model, "gaussianblur", limit=6, budget=Budget(samples=1_000, stopping="fixed"))
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


def noise_of(smoothing, code):
    poll = Poll(code, 1, (0,), 0, 300)
    return torch.cat([noise for _, noise in draws.blocks(smoothing, [poll])])


def test_noise_does_not_depend_on_the_number_of_cores_or_on_the_calling_threads_settings(test_images):
    smoothing, before = get_corruption("defocus").smoothing, torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        expected = noise_of(smoothing, test_images[0])
        torch.set_num_threads(3)
        assert torch.equal(noise_of(smoothing, test_images[0]), expected)
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(noise_of(smoothing, test_images[0]), expected)
    finally:
        torch.set_num_threads(before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_can_vote():
    out = printed(
        started(
            """
            import os, signal, torch
            from gsmooth_core import load_fashion_mnist, smooth
            torch.set_num_threads(2)
            classifier = smooth(lambda images: images.flatten(1)[:, 300:310], "defocus")
            images = load_fashion_mnist()[0][:1]
            first = classifier(images, samples=500)
            child = os.fork()
            if child == 0:
                signal.alarm(60)
                os._exit(0 if torch.equal(classifier(images, samples=500), first) else 1)
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
            """
        )
    )
    assert int(out) == 0


@pytest.mark.filterwarnings("ignore")
def test_a_scripted_model_is_certified(example_model):
    traced = torch.jit.trace(example_model, torch.zeros(2, 1, 28, 28))
    for module in (traced, torch.nn.Sequential(traced)):
        assert len(certify(module, "gaussianblur", "fashion-mnist", limit=1, budget=SMALL).certificates) == 1


def test_a_smoothing_that_loses_draws_is_refused(example_model, test_images):
    class Forgetful(LatentSmoothing):
        def perturb(self, codes, noise):
            return super().perturb(codes, noise)[:1]

    poll = Poll(test_images[0], 0, (0,), 0, 100)
    with pytest.raises(ValueError, match="must give an image for each draw, not 1 for 100"):
        count_votes(example_model, Forgetful(IdentitySurrogate(), 0.0, 0.2), [poll], 100)


def test_large_covers_are_made_one_by_one(example_model, test_images, monkeypatch):
    alive, most = [0], [0]

    class Counted(latent.Cover):
        def __init__(self, task):
            super().__init__(task)
            alive[0] += 1
            most[0] = max(most[0], alive[0])

        def __del__(self):
            alive[0] -= 1

    monkeypatch.setattr(latent, "Cover", Counted)
    monkeypatch.setattr(engine, "MEMORY", 1)
    certify(example_model, "defocus", test_images[:3], radius=1.0, budget=SMALL)
    assert most[0] == 1
