"""What a hostile or broken model does ends in a sentence, and leaves no certificate behind."""

from functools import partial

import pytest
import torch
from helpers import QUICK, determined

from gsmooth_core import (
    AttackBudget,
    Budget,
    Corruption,
    IdentitySurrogate,
    LatentCertifier,
    LatentSmoothing,
    Report,
    attack,
    certify,
    get_corruption,
    measure_corruption_accuracy,
    smooth,
    verify,
)
from gsmooth_core.common import resuming
from gsmooth_core.engine.batch_size import choose_batch
from gsmooth_core.engine.engine import Engine
from gsmooth_core.engine.probe import Probe
from gsmooth_core.engine.spot_checks import check_smoothing
from gsmooth_core.models.logits import logits_of

CLASSES = 3
BATCH = 40
BUDGET = Budget(select=50, samples=200, batch=BATCH)
LATE = 12
"""The call from which a model that was sound is broken: the trial before the work takes fewer."""


def sound(images):
    """Class 0 wherever it is dark, which is everywhere here; no logits tie."""
    bright = images.double().mean(dim=(1, 2, 3)).float()
    return torch.stack([5 - bright, bright, -5 - bright], dim=1)


IMAGES = 0.2 * torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))


class Calls:
    """Counts its calls, and is sound for the first ``late``; then ``broken`` makes of the logits what it likes."""

    def __init__(self, broken, late=0):
        self.broken, self.late, self.calls = broken, late, 0

    def __call__(self, images):
        self.calls += 1
        return self.broken(sound(images)) if self.calls > self.late else sound(images)


def raising(logits):
    raise RuntimeError("out of order")


WRONG = {
    "raises": (raising, "the model failed on .*RuntimeError: out of order"),
    "a row too few": (lambda logits: logits[1:], r"returned shape"),
    "a row too many": (lambda logits: torch.cat([logits, logits]), "returned shape"),
    "rows alone": (lambda logits: logits[:, 0], "returned shape"),
    "a number": (lambda logits: logits.sum(), r"returned shape \(\)"),
    "a tuple": (lambda logits: (logits, logits), "returned tuple"),
    "an array": (lambda logits: logits.numpy(), "returned ndarray"),
    "nothing": (lambda logits: None, "returned NoneType"),
    "whole numbers": (lambda logits: logits.long(), "float logits, not torch.int64"),
    "complex": (lambda logits: logits.to(torch.complex64), "float logits, not torch.complex64"),
    "eight bits": (lambda logits: logits.to(torch.float8_e5m2), "float logits, not torch.float8_e5m2"),
    "without values": (lambda logits: logits.to("meta"), "dense tensor, not .* on meta"),
    "sparse": (lambda logits: logits.to_sparse(), "dense tensor, not torch.sparse_coo"),
    "NaN": (lambda logits: logits * torch.nan, "NaN or infinite logits"),
    "one NaN": (lambda logits: logits.index_fill(0, torch.tensor([len(logits) - 1]), torch.nan), "NaN or infinite"),
    "infinity": (lambda logits: logits / 0, "NaN or infinite logits"),
    "one class": (lambda logits: logits[:, :1], "at least 2 classes"),
    "no class": (lambda logits: logits[:, :0], "at least 2 classes"),
}
LATER_ONLY = {"other classes": (lambda logits: logits.repeat(1, 2), rf"\(\d+, {CLASSES}\), as before")}


def jobs(model):
    """Every way in which a model is asked."""
    target = partial(attack, model, "rotation", IMAGES, [0] * 4, budget=AttackBudget(calls=200))
    smoothed = smooth(model, "gaussianblur")
    return {
        "votes": lambda: certify(model, "gaussianblur", IMAGES, radius=1.0, budget=BUDGET),
        "covers": lambda: certify(model, "defocus", IMAGES, radius=1.0, budget=BUDGET),
        "outputs": lambda: certify(model, "defocus:discrete", IMAGES, budget=Budget(batch=3)),
        "attack": target,
        "attack of votes": lambda: attack(
            smoothed, "gaussianblur", IMAGES, [0] * 4, radius=1.0, budget=AttackBudget(calls=2_000, confirm=1_000)
        ),
        "table": lambda: measure_corruption_accuracy(model, IMAGES, [0] * 4, corruptions=["contrast", "pixelate"]),
        "deployed": lambda: [smoothed.predict(IMAGES) for _ in range(20)],
    }


JOBS = list(jobs(sound))


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("name", WRONG)
def test_wrong_logits_end_in_a_sentence(name, job):
    broken, message = WRONG[name]
    with pytest.raises(ValueError, match=message) as caught:
        jobs(Calls(broken))[job]()
    assert type(caught.value) is ValueError


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("name", [*WRONG, *LATER_ONLY])
def test_logits_that_are_wrong_later_end_in_a_sentence(name, job):
    broken, message = (WRONG | LATER_ONLY)[name]
    model = Calls(broken, LATE)
    with pytest.raises(ValueError, match=message):
        jobs(model)[job]()
    assert model.calls > LATE


def test_an_interrupt_is_none_of_ours():
    def interrupted(logits):
        raise KeyboardInterrupt

    for job in jobs(Calls(interrupted, LATE)).values():
        with pytest.raises(KeyboardInterrupt):
            job()


def enabled(logits):
    torch.set_grad_enabled(True)
    return logits + torch.zeros(CLASSES, requires_grad=True)


def in_inference(logits):
    with torch.inference_mode():
        return logits + 0.0


HARMLESS = {
    "needs gradients": enabled,
    "inference mode": in_inference,
    "a view": lambda logits: torch.stack([logits.T, logits.T], dim=2)[:, :, 0].T,
    "expanded": lambda logits: torch.tensor([[5.0, 0.0, -5.0]]).expand(len(logits), -1),
    "float64": lambda logits: logits.double(),
    "half precision": lambda logits: logits.bfloat16(),
    "a parameter": lambda logits: torch.nn.Parameter(logits),
}


@pytest.mark.filterwarnings("ignore:the model's logits have no gradients")
@pytest.mark.parametrize("name", HARMLESS)
def test_odd_but_sound_logits_are_as_good_as_others(name):
    before = torch.is_grad_enabled()
    try:
        for corruption in ("gaussianblur", "defocus"):
            call = partial(certify, corruption=corruption, images=IMAGES[:2], radius=1.0, budget=BUDGET)
            assert determined(call(Calls(HARMLESS[name]))) == determined(call(sound))
        assert [one.predicted for one in jobs(Calls(HARMLESS[name]))["attack"]().images] == [0] * 4
        assert smooth(Calls(HARMLESS[name]), "defocus").predict(IMAGES) == [0] * 4
    finally:
        torch.set_grad_enabled(before)


def test_a_model_that_works_in_place_or_writes_past_its_call_changes_no_votes():
    kept = []

    def in_place(images):
        logits = sound(images)
        for images_of_before in kept:
            images_of_before.fill_(7.0)
        kept.append(images)
        images.fill_(torch.nan)
        return logits

    for corruption in ("gaussianblur", "defocus", "defocus:discrete"):
        call = partial(certify, corruption=corruption, images=IMAGES[:2].clone(), budget=BUDGET)
        assert determined(call(in_place)) == determined(call(sound))


def flipped(logits, rows):
    """The other class in some rows."""
    return torch.where(rows[:, None], logits.flip(1), logits)


DEPENDENT = {
    "odd rows": lambda logits: flipped(logits, torch.arange(len(logits)) % 2 == 1),
    "rows from 8 on": lambda logits: flipped(logits, torch.arange(len(logits)) >= 8),
    "the last row": lambda logits: flipped(logits, torch.arange(len(logits)) == BATCH - 1),
    "the second row": lambda logits: flipped(logits, torch.arange(len(logits)) == 1),
    "full batches": lambda logits: logits.flip(1) if len(logits) == BATCH else logits,
    "all but full batches": lambda logits: logits.flip(1) if len(logits) < BATCH else logits,
    "the batch's mean": lambda logits: logits - 2 * logits.mean(dim=0),
    "the row before": lambda logits: logits + logits.roll(1, 0) * torch.tensor([-1.5, 1.0, 1.0]),
}


@pytest.mark.parametrize("corruption", ["gaussianblur", "defocus"])
@pytest.mark.parametrize("name", DEPENDENT)
def test_what_depends_on_the_batch_is_refused(name, corruption):
    model = Calls(DEPENDENT[name])
    with pytest.raises(ValueError, match="depends on the other images of the batch, or on its place among them"):
        certify(model, corruption, IMAGES, radius=1.0, budget=BUDGET)
    assert model.calls < 10


@pytest.mark.parametrize("batch", [1, 2, 7, 8, 64, 1_000])
def test_the_trial_takes_place_at_the_batch_that_is_used(batch):
    """A model that goes wrong in the last row of a batch of just that size."""
    seen = []

    def model(images):
        seen.append(len(images))
        return flipped(sound(images), (torch.arange(len(images)) == batch - 1) & torch.tensor(len(images) == batch))

    if batch == 1:
        Probe.of(model, IMAGES, batch)  # every image is the only one of its batch
        return
    with pytest.raises(ValueError, match="depends on the other images"):
        Probe.of(model, IMAGES, batch)
    assert max(seen) == batch


def test_the_trial_costs_less_than_five_batches_before_and_one_after():
    seen = []

    def model(images):
        seen.append(len(images))
        return sound(images)

    probe = Probe.of(model, IMAGES, 1_000)
    assert sum(seen) <= 4.51 * 1_000
    probe.again()
    assert sum(seen) <= 5.51 * 1_000
    assert len(seen) == 8


STATEFUL = {
    "at every other call": lambda calls: calls % 2 == 1,
    "at every third call": lambda calls: calls % 3 == 0,
    "after the first call": lambda calls: calls > 1,
    "after 50 calls": lambda calls: calls > 50,
    "after the trial": lambda calls: calls > 8,
}


@pytest.mark.parametrize("corruption", ["gaussianblur", "defocus"])
@pytest.mark.parametrize("name", STATEFUL)
def test_what_depends_on_the_call_is_refused_and_leaves_no_certificate(name, corruption, tmp_path):
    model = Calls(None)
    model.broken = lambda logits: logits.flip(1) if STATEFUL[name](model.calls) else logits
    budget = Budget(select=50, samples=1_000, batch=BATCH, stopping="fixed")
    out = tmp_path / "report.json"
    with pytest.raises(ValueError, match="the model('s answer for an image (varies|depends)| answers differently)"):
        certify(model, corruption, IMAGES, radius=0.5, budget=budget, out=out)
    assert not out.exists()


class Switched:
    """Sound, but for calls beyond the number that stands in a file, of which its hash does not tell."""

    def __init__(self, path):
        self.path, self.calls = path, 0

    def __call__(self, images):
        self.calls += 1
        late = self.path.exists() and self.calls > int(self.path.read_text())
        return sound(images).flip(1) if late else sound(images)


def test_what_a_call_added_is_withdrawn_and_what_stood_there_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(resuming, "SAVING", 1.0)
    model, out = Switched(tmp_path / "late"), tmp_path / "report.json"
    budget = Budget(select=50, samples=1_000, batch=BATCH, stopping="fixed")
    call = partial(certify, model, "gaussianblur", IMAGES, radius=0.5, budget=budget, out=out)
    call(limit=2)
    before = out.read_bytes()
    saved, save = [], Report.save
    monkeypatch.setattr(Report, "save", lambda report, path: (save(report, path), saved.append(out.read_bytes())))
    model.path.write_text(str(model.calls + 60))  # the trial, the answers of before, the votes on the first image, more
    with pytest.raises(ValueError, match="differently after the work than before it"):
        call()
    assert saved
    assert before not in saved
    assert out.read_bytes() == before
    model.path.unlink()
    assert len(call().certificates) == 4


def test_attacks_and_tables_by_a_model_that_changes_are_withdrawn(tmp_path):
    for name in ("attack", "table"):
        model = Calls(None)
        model.broken = lambda logits, model=model: logits.flip(1) if model.calls > 15 else logits
        with pytest.raises(ValueError, match="differently after the work"):
            jobs(model)[name](**({"out": tmp_path / "out.json"} if name == "attack" else {}))
        assert not (tmp_path / "out.json").exists()


def test_a_verification_tries_its_model_too():
    report = certify(sound, "gaussianblur", IMAGES, radius=1.0, budget=BUDGET)
    verify(report, sound, IMAGES, budget=AttackBudget(calls=100, confirm=200))
    for broken, message in WRONG.values():
        with pytest.raises(ValueError, match=f"{message}|not the one of the report"):
            verify(report, Calls(broken), IMAGES, budget=AttackBudget(calls=100, confirm=200))


def test_a_layer_that_is_watched_may_fail():
    class Layered(torch.nn.Sequential):
        def forward(self, images):
            raise RuntimeError("out of order")

    with pytest.raises(ValueError, match=r"the model failed on a .* batch of shape \(1, 1, 28, 28\)"):
        choose_batch(Layered(torch.nn.ReLU(), torch.nn.ReLU()), IMAGES[0])


def test_the_number_of_classes_that_is_known_is_kept():
    engine = Engine(sound, get_corruption("defocus").smoothing, QUICK, 0, 8, width=2)
    with pytest.raises(ValueError, match=r"here \(1, 2\), as before"):
        engine.base_class(IMAGES[0])
    assert logits_of(sound, IMAGES, CLASSES).shape == (4, CLASSES)


class Surrogate(IdentitySurrogate):
    """The identity, with a fault."""

    def __init__(self, fault="none"):
        super().__init__()
        self.fault, self.calls = fault, 0

    @property
    def lipschitz(self):
        return {"bound": 0.99, "no bound": float("inf"), "a bound in words": "1"}.get(self.fault, 1.0)

    def encode_image(self, images):
        self.calls += 1
        if self.fault == "random":
            return images + 0.01 * torch.rand_like(images)
        if self.fault == "batch":
            return images - 0.1 * images.mean(dim=0)
        if self.fault == "in place":
            return images.mul_(0.5)
        if self.fault == "rows lost":
            return images[:1]
        if self.fault == "whole":
            return images.long()
        if self.fault == "NaN":
            return images.log()
        if self.fault == "one direction":
            wave = torch.sin(torch.arange(28.0)) / torch.sin(torch.arange(28.0)).norm() / 28**0.5
            return images + 0.3 * (images * wave).sum(dim=(1, 2, 3), keepdim=True) * wave
        if self.fault == "steep near by":
            return images + 0.2 * torch.sin(images * 5)
        if self.fault == "raises":
            raise RuntimeError("out of order")
        return images

    def encode_parameters(self, parameters):
        if self.fault == "bent":
            return parameters.square()[:, :, None, None]
        if self.fault == "mixed":
            return (parameters + parameters.mean())[:, :, None, None]
        return super().encode_parameters(parameters)

    def decode(self, latents):
        if self.fault == "decodes by row":
            return latents * (torch.arange(len(latents)) < 8).view(-1, 1, 1, 1)
        if self.fault == "decodes by batch":
            return latents - 2 * latents.mean(dim=0)
        if self.fault == "fails later" and self.calls > 40:
            raise RuntimeError("out of order")
        return latents


FAULTS = {
    "bound": "^Surrogate.lipschitz is 0.99, but",
    "no bound": "must be finite, not inf",
    "a bound in words": "must be finite, not '1'",
    "random": "varies from call to call",
    "batch": "depends on the other images",
    "in place": "untouched",
    "rows lost": "a float latent for each image",
    "whole": "a float latent for each image",
    "NaN": "NaN or infinity",
    "one direction": "lipschitz is 1.0, but",
    "steep near by": "lipschitz is 1.0, but",
    "raises": "^Surrogate, on an image of shape .*RuntimeError: out of order",
    "bent": "encode_parameters is not affine",
    "mixed": "does not use each row by itself",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_surrogates_that_break_what_certificates_rest_on_are_refused(fault):
    smoothing = LatentSmoothing(Surrogate(fault), 0.0, 0.3)
    image = IMAGES[0].clone()
    image[0, 0, 0] = 0.0
    with pytest.raises(ValueError, match=FAULTS[fault]):
        check_smoothing(smoothing, image)
    with pytest.raises(ValueError, match=FAULTS[fault]):
        certify(sound, _behind(smoothing), image[None], radius=0.5, budget=BUDGET)


def test_sound_surrogates_pass(test_images):
    check_smoothing(LatentSmoothing(Surrogate(), 0.0, 0.3), test_images[0])
    for name in ("defocus", "gaussianblur", "rotation", "brightness"):
        check_smoothing(get_corruption(name).smoothing, test_images[0])


@pytest.mark.parametrize("fault", ["decodes by row", "decodes by batch"])
def test_decoders_that_depend_on_the_batch_are_refused(fault):
    with pytest.raises(ValueError, match="depends on the other images"):
        certify(sound, _behind(LatentSmoothing(Surrogate(fault), 0.0, 0.3)), IMAGES, radius=0.5, budget=BUDGET)


def test_a_surrogate_that_fails_later_is_named():
    smoothing = LatentSmoothing(Surrogate("fails later"), 0.0, 0.3)
    with pytest.raises(ValueError, match="LatentSmoothing failed: RuntimeError: out of order"):
        certify(sound, _behind(smoothing), IMAGES, radius=0.5, budget=BUDGET)


def _behind(smoothing):
    return Corruption("defocus", get_corruption("defocus").transformation, smoothing, LatentCertifier())
