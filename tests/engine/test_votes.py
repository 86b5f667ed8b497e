import numpy as np
import pytest
import torch

from gsmooth_core import Budget, IdentitySurrogate, LatentSmoothing, NoSmoothing
from gsmooth_core.common.seeds import generator_of
from gsmooth_core.engine import votes as counting
from gsmooth_core.engine.batch_size import ACTIVATION_BYTES, choose_batch
from gsmooth_core.engine.draws import BLOCK, Poll
from gsmooth_core.engine.engine import Engine
from gsmooth_core.engine.votes import count_votes

PIXEL_NOISE = LatentSmoothing(IdentitySurrogate(), parameter_std=0.0, latent_std=0.3)
CPU = torch.device("cpu")


def votes(model, samples, batch, seed=0, smoothing=PIXEL_NOISE):
    poll = Poll(torch.full((1, 4, 4), 0.5), seed, (0, 0), 0, samples)
    return count_votes(model, smoothing, [poll], batch)[0]


def quadrants(images):
    return images.flatten(1)[:, :4]


@pytest.mark.parametrize("samples", [1, 99, 100, 101, 1_234])
def test_votes_do_not_depend_on_the_batch(samples):
    expected = votes(quadrants, samples, batch=1_000)
    assert expected.sum() == samples
    for batch in (1, 7, 64, 100, 500, 5_000):
        assert np.array_equal(votes(quadrants, samples, batch), expected)


def test_the_model_sees_batches_of_one_size():
    seen = []

    def model(images):
        seen.append(len(images))
        return quadrants(images)

    votes(model, 1_050, batch=500)
    assert seen == [500, 500, 500]


def test_votes_are_those_of_the_noise_law():
    frequencies = votes(quadrants, 20_000, batch=1_000) / 20_000
    assert frequencies == pytest.approx(0.25, abs=0.015)


def test_generators_are_distinct_for_each_block_image_question_and_seed():
    keys = [(0, (0, 0)), (0, (0, 1)), (0, (1, 0)), (1, (0, 0))]
    draws = [
        torch.randn(BLOCK, generator=generator)
        for seed, key in keys
        for generator in (generator_of(seed, (*key, block), CPU) for block in range(3))
    ]
    assert len({tuple(draw.tolist()) for draw in draws}) == 12


def test_the_global_generator_is_left_alone():
    state = torch.random.get_rng_state()
    votes(quadrants, 300, batch=64)
    assert torch.equal(state, torch.random.get_rng_state())


def test_nan_under_noise_is_refused():
    def model(images):
        return quadrants(images - 0.9).log()

    with pytest.raises(ValueError, match="NaN or infinite logits under noise"):
        votes(model, 200, batch=1_000)


def test_no_smoothing_votes_for_the_models_own_class():
    assert votes(quadrants, 10, batch=3, smoothing=NoSmoothing()).tolist() == [10, 0, 0, 0]


def test_batch_is_chosen_by_the_largest_activation(example_model):
    limit = ACTIVATION_BYTES["cpu"]
    assert choose_batch(quadrants, torch.zeros(1, 1, 1)) == 10_000
    assert choose_batch(quadrants, torch.zeros(3, 32, 32)) == limit // (4 * 64 * 32 * 32)  # a guess
    assert choose_batch(quadrants, torch.zeros(3, 224, 224)) == 2
    assert choose_batch(quadrants, torch.zeros(3, 120, 120)) == 8
    assert choose_batch(quadrants, torch.zeros(1, 4_000, 4_000)) == 1
    assert choose_batch(example_model, torch.zeros(1, 28, 28)) == limit // (4 * 24 * 14 * 14) // BLOCK * BLOCK
    wide = torch.nn.Sequential(torch.nn.Conv2d(3, 500, 3, padding=1), torch.nn.Flatten(), torch.nn.Linear(500 * 64, 2))
    assert choose_batch(wide, torch.zeros(3, 8, 8)) == limit // (4 * 500 * 64)
    narrow = torch.nn.Sequential(torch.nn.Conv2d(3, 300, 3, padding=1), torch.nn.Flatten(), torch.nn.Linear(19_200, 2))
    assert limit // (4 * 300 * 64) == 54
    assert choose_batch(narrow, torch.zeros(3, 8, 8)) == BLOCK // 2
    assert all(not module._forward_hooks for module in wide.modules())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_votes_on_cuda():
    code = torch.full((1, 4, 4), 0.5, device="cuda")
    first, second = (
        count_votes(quadrants, PIXEL_NOISE, [Poll(code, 0, (0, 0), 0, 1_000)], batch) for batch in (64, 500)
    )
    assert np.array_equal(first, second)


class Reusing(torch.nn.Module):
    """Answers into the same memory each time, as compiled and exported models do."""

    def __init__(self):
        super().__init__()
        self.register_buffer("kept", torch.zeros(5_000, 4), persistent=False)

    def forward(self, images):
        return self.kept[: len(images)].copy_(quadrants(images))


def test_a_model_may_use_its_outputs_memory_again():
    codes = torch.eye(4).view(4, 1, 2, 2)
    polls = lambda: [Poll(code, 0, (place, 0), 0, 250) for place, code in enumerate(codes)]  # noqa: E731
    fresh, reused = (count_votes(model, PIXEL_NOISE, polls(), batch=70) for model in (quadrants, Reusing()))
    assert np.array_equal(fresh, reused)
    assert list(fresh.argmax(axis=1)) == [0, 1, 2, 3]
    engine = Engine(Reusing(), NoSmoothing(), Budget(), seed=0, batch=1)
    assert engine.classes(codes).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("flush", [1, 100, 10**6])
def test_votes_of_several_polls_are_those_counted_one_by_one(flush, monkeypatch):
    monkeypatch.setattr(counting, "COUNTED_AT_ONCE", flush)
    draws = np.random.default_rng(0)
    for batch in (1, 30, 100, 170, 1_000):
        codes = torch.rand(4, 1, 2, 2, generator=torch.Generator().manual_seed(batch))
        counts = draws.integers(1, 400, size=4).tolist()
        polls = [
            Poll(code, 1, (place, 0), 0, count) for place, (code, count) in enumerate(zip(codes, counts, strict=True))
        ]
        expected = np.zeros((4, 4), dtype=np.int64)
        for place, (code, count) in enumerate(zip(codes, counts, strict=True)):
            blocks = (generator_of(1, (*(place, 0), block), CPU) for block in range(-(-count // BLOCK)))
            noise = torch.cat([PIXEL_NOISE.draw(BLOCK, (1, 2, 2), generator, CPU) for generator in blocks])[:count]
            for answer in quadrants(code + noise).argmax(dim=1).tolist():
                expected[place, answer] += 1
        assert np.array_equal(count_votes(quadrants, PIXEL_NOISE, polls, batch), expected)
