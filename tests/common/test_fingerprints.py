"""What a model is known by: all that it holds and computes, and nothing that changes from process to process."""

import collections
import functools
import os
import subprocess
import sys
import textwrap

import attrs
import numpy as np
import pytest
import torch
from torch import nn

from gsmooth_core.common.fingerprints import describe, digest, fingerprint, steady
from gsmooth_core.results.identity import model_hash

FACTOR = 3.0


def scaled(images):
    return images * FACTOR


def closed_over(value):
    def model(images):
        return images + value

    return model


def defaulting(value):
    def model(images, shift=value):
        return images + shift

    return model


def of_keyword(value):
    def model(images, *, shift=value):
        return images + shift

    return model


def nested(value):
    def model(images):
        def inner():
            return closed_over(value)

        return inner()(images)

    return model


class Holder(nn.Module):
    """Holds a value that is no parameter."""

    def __init__(self, value):
        super().__init__()
        self._value = value

    def forward(self, images):
        return images


class Called:
    def __init__(self, value):
        self.value = value

    def __call__(self, images):
        return images * self.value

    def method(self, images):
        return images + self.value


@attrs.frozen
class Frozen:
    value: object


MAKERS = [
    closed_over,
    defaulting,
    of_keyword,
    nested,
    Holder,
    Called,
    Frozen,
    lambda value: Called(value).method,
    lambda value: functools.partial(scaled, value),
    lambda value: functools.partial(scaled, shift=value),
    lambda value: torch.no_grad()(closed_over(value)),
    lambda value: functools.lru_cache(closed_over(value)),
    lambda value: nn.Sequential(Holder([{"deep": (value,)}])),
    lambda value: type("Made", (Holder,), {"threshold": value})(0),
    lambda value: collections.OrderedDict(a={1: {2, 3}}, b=value),
]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(
    ("value", "other"),
    [
        (0.1, 0.1 + 1e-9),
        ("a", "b"),
        (torch.ones(3), torch.tensor([1.0, 1.0, 1.0 + 1e-6])),
        (torch.ones(3), torch.ones(3, dtype=torch.float64)),
        (torch.ones(4), torch.ones(2, 2)),
        ([1, torch.zeros(2)], [1, torch.ones(2)]),
        (nn.Linear(2, 2), nn.Linear(2, 2)),
        (scaled, closed_over(1)),
        (torch.relu, torch.tanh),
        (np.arange(3), np.arange(3) * 2),
        ({1, 2}, {1, 3}),
        (None, False),
        (1, True),
    ],
)
def test_other_values_are_told_apart_wherever_they_are_kept(make, value, other):
    assert model_hash(make(value)) == model_hash(make(value))
    assert model_hash(make(value)) != model_hash(make(other))


def changed(function, **names):
    """A function with other globals."""
    scope = {**function.__globals__, **names}
    return type(function)(function.__code__, scope, function.__name__, None, function.__closure__)


def test_code_and_the_globals_that_it_reads_count():
    assert fingerprint(changed(scaled, FACTOR=3.0)) == fingerprint(scaled)
    assert fingerprint(changed(scaled, FACTOR=3.1)) != fingerprint(scaled)
    assert fingerprint(changed(scaled, MAKERS=None)) == fingerprint(scaled)  # which it does not read
    assert fingerprint(changed(nested(1), closed_over=defaulting)) != fingerprint(nested(1))
    bodies = [lambda images: images + 1, lambda images: images + 2, lambda images: images - 1]
    assert len({fingerprint(body) for body in bodies}) == 3
    assert fingerprint(lambda images: abs(images)) != fingerprint(lambda images: len(images))

    class Other(Holder):
        def forward(self, images):
            return -images

    Other.__qualname__ = Holder.__qualname__
    assert fingerprint(Other(1)) != fingerprint(Holder(1))


def test_hooks_and_parametrizations_count():
    torch.manual_seed(0)
    layer = nn.Linear(2, 2)
    plain = fingerprint(layer)
    hook = layer.register_forward_hook(lambda module, given, made: -made)
    hooked = fingerprint(layer)
    hook.remove()
    assert fingerprint(layer) == plain != hooked
    with_pre_hook = layer.register_forward_pre_hook(lambda module, given: (-given[0],))
    assert fingerprint(layer) not in (plain, hooked)
    with_pre_hook.remove()
    nn.utils.parametrize.register_parametrization(layer, "weight", Holder(1))
    first = fingerprint(layer)
    layer.parametrizations.weight[0]._value = 2
    assert len({plain, first, fingerprint(layer)}) == 3


def test_moving_a_class_training_it_and_the_order_of_sets_change_nothing():
    def made(module):
        scope = {"nn": nn, "__name__": module, "__builtins__": __builtins__}
        code = "class Net(nn.Module):\n    def forward(self, images):\n        return images.flatten(1)\n"
        exec(compile(code, module, "exec"), scope)
        return scope["Net"]()

    assert made("here").__class__.__module__ != made("there.below").__class__.__module__
    assert fingerprint(made("here")) == fingerprint(made("there.below"))
    layers = nn.Sequential(nn.Linear(2, 2), nn.Dropout())
    assert fingerprint(layers.train()) == fingerprint(layers.eval()) == fingerprint(layers.requires_grad_(False))
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint({1: "a", (2,): "b"}) == fingerprint({(2,): "b", 1: "a"})


PROGRAM = """
    import torch
    from torch import nn
    from gsmooth_core.common.fingerprints import fingerprint
    WORDS, THRESHOLD = {"alpha", "beta", "gamma", "delta"}, 0.25
    def helper(images):
        return [word for word in WORDS] and images > THRESHOLD
    class Net(nn.Module):
        names = frozenset(WORDS)
        def __init__(self):
            super().__init__()
            self.layer, self._lock, self.known = nn.Linear(3, 2), object(), {3: helper, "x": nn.ReLU(), None: WORDS}
            self.made = lambda images: helper(self.layer(images))
        def forward(self, images):
            return self.made(images)
    torch.manual_seed(0)
    model = Net()
    first = fingerprint(model)
    for _ in range(200):
        model(torch.rand(2, 3))
    assert fingerprint(model) == first
    script = torch.jit.script(nn.Sequential(nn.Linear(2, 2), nn.ReLU()))
    print(first, fingerprint(torch.compile(model)), fingerprint(script), fingerprint(helper))
"""


def test_digests_are_the_same_in_every_process():
    printed = {
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", textwrap.dedent(PROGRAM)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1
    assert len(set(printed.pop().split())) == 4


def test_values_that_hold_themselves_and_odd_ones_have_digests():
    ring: list = [1]
    ring.append(ring)
    deep: list = []
    for _ in range(10_000):
        deep = [deep, None, torch.zeros(1)]
    odd = [
        ring,
        deep,
        10**10_000,
        float("nan"),
        torch.zeros(2, device="meta"),
        torch.eye(3).to_sparse(),
        torch.zeros(2, dtype=torch.complex64),
        torch.ones(2).bfloat16(),
        np.array([None, "a"], dtype=object),
        Holder,
        subprocess,
        open,
        sys.stdout,
        type(None),
    ]
    assert all(len(fingerprint(one)) == 16 for one in odd)
    assert len({fingerprint(one) for one in odd}) == len(odd)


def test_scripted_and_traced_models_are_told_apart():
    class Gain(nn.Module):
        def __init__(self, gain: int):
            super().__init__()
            self.gain = gain

        def forward(self, images):
            return images * self.gain

    made = [torch.jit.script(Gain(gain)) for gain in (2, 2, 3)]
    made += [torch.fx.symbolic_trace(Gain(gain)) for gain in (2, 2, 3)]
    first, same, other, traced, alike, differing = map(fingerprint, made)
    assert first == same != other
    assert traced == alike != differing


def test_what_changes_from_call_to_call_is_left_out():
    holder = Holder({"calls": 0, "gain": 2.0, "names": {"a"}, "seen": []})
    first = describe(holder)
    holder._value.update(calls=1, seen=[3])
    known = digest(steady(first, describe(holder)))
    second = describe(holder)
    holder._value.update(calls=2, seen=[3, 4], names={"a"})
    assert digest(steady(second, describe(holder))) == known != digest(describe(holder))
    holder._value.update(gain=3.0)
    third = describe(holder)
    holder._value.update(calls=3, seen=[])
    assert digest(steady(third, describe(holder))) != known
