"""Nothing is lost: stopped runs continue, and only their own."""

import importlib
import itertools
import json
from functools import partial
from pathlib import Path

import attrs
import pytest
import torch
from helpers import QUICK, Strengthened, determined

from gsmooth_core import (
    AttackBudget,
    AttackReport,
    Corruption,
    CorruptionTable,
    Gaussian,
    ParameterSmoothing,
    Report,
    ResolvableCertifier,
    Verification,
    attack,
    certify,
    get_corruption,
    load_fashion_mnist,
    measure_corruption_accuracy,
    smooth,
    verify,
)
from gsmooth_core.common import resuming


class Stops(Exception):
    pass


@pytest.fixture
def always_saved(monkeypatch):
    """Whatever time it takes, all that is done is saved at once."""
    monkeypatch.setattr(resuming, "SAVING", 1.0)


def test_a_stopped_run_continues_where_it_stopped(example_model, tmp_path, monkeypatch, always_saved):
    out = tmp_path / "report.json"
    whole = certify(example_model, "gaussianblur", limit=6, budget=QUICK)
    save, saved = Report.save, []

    def save_and_stop(report, path):
        save(report, path)
        saved.append(len(report.certificates))
        if len(saved) == 3:
            raise Stops

    monkeypatch.setattr(Report, "save", save_and_stop)
    with pytest.raises(Stops):
        certify(example_model, "gaussianblur", limit=6, budget=QUICK, out=out)
    resumed = certify(example_model, "gaussianblur", limit=6, budget=QUICK, out=out)
    assert saved == [1, 2, 3, 3, 4, 5, 6]  # the save that was stopped is made again
    assert determined(resumed) == determined(whole) == determined(Report.load(out))
    certify(example_model, "gaussianblur", limit=6, budget=QUICK, out=out)
    assert len(saved) == 7  # nothing left to do


def test_another_run_is_not_continued(example_model, tmp_path):
    out = tmp_path / "report.json"
    certify(example_model, "gaussianblur", limit=1, budget=QUICK, out=out)
    with pytest.raises(ValueError, match=r"cannot be continued: .* seed \(0 against 1\)"):
        certify(example_model, "gaussianblur", limit=1, budget=QUICK, seed=1, out=out)
    images, labels = load_fashion_mnist("test")
    for other, marks in (
        (torch.zeros(1, 1, 28, 28), [3]),
        (images, labels.flip(0)),
        (images.roll(1, 0), labels),
        (images[:1], labels[:1]),
        (images, None),
    ):
        with pytest.raises(ValueError, match="the runs differ: data_hash"):
            certify(example_model, "gaussianblur", other, marks, limit=1, budget=QUICK, out=out)
    certify(example_model, "gaussianblur", images, labels, limit=1, budget=QUICK, out=out)
    with pytest.raises(ValueError, match="image 0 is not among"):
        certify(example_model, "gaussianblur", indices=[2], budget=QUICK, out=out)
    out.write_text(json.dumps({"format": 1}))
    with pytest.raises(ValueError, match="is no report of gsmooth"):
        certify(example_model, "gaussianblur", limit=1, budget=QUICK, out=out)
    with pytest.raises(ValueError, match="there is no folder"):
        certify(example_model, "gaussianblur", limit=1, budget=QUICK, out=tmp_path / "missing" / "report.json")


def test_another_setting_or_model_is_not_continued(tmp_path, test_images):
    """Not only names, but all settings, the structure of a module, and the answers of a function must be the same."""

    def recipe(strength):
        transformation = Strengthened(strength)
        return Corruption(
            "brighter", transformation, ParameterSmoothing(transformation, Gaussian(0.1)), ResolvableCertifier()
        )

    def constant(answer):
        return lambda images: torch.nn.functional.one_hot(torch.full((len(images),), answer), 10).float()

    def layered(activation):
        torch.manual_seed(0)
        return torch.nn.Sequential(torch.nn.Flatten(), activation, torch.nn.Linear(784, 10))

    settings = {"radius": 0.1, "budget": QUICK, "out": tmp_path / "report.json"}
    certify(constant(3), recipe(1.0), test_images[:2], **settings)
    with pytest.raises(ValueError, match=r"transformation \('Strengthened\(strength=1.0\) "):
        certify(constant(3), recipe(10.0), test_images[:2], **settings)
    with pytest.raises(ValueError, match="model_hash"):
        certify(constant(7), recipe(1.0), test_images[:2], **settings)
    settings["out"] = tmp_path / "layered.json"
    certify(layered(torch.nn.ReLU()), recipe(1.0), test_images[:2], **settings)
    with pytest.raises(ValueError, match="model_hash"):
        certify(layered(torch.nn.Sigmoid()), recipe(1.0), test_images[:2], **settings)
    model = layered(torch.nn.ReLU())
    model.temperature = 2.0
    with pytest.raises(ValueError, match="model_hash"):
        certify(model, recipe(1.0), test_images[:2], **settings)


class Told:
    """A model whose hash does not tell what it answers: that stands in a file."""

    def __init__(self, path, answer):
        self.path = path
        path.write_text(str(answer))

    def __call__(self, images):
        return constant(int(self.path.read_text()))(images)


@pytest.mark.filterwarnings("ignore:the model's logits have no gradients")
def test_other_answers_of_a_model_of_the_same_hash_are_not_continued(tmp_path, test_images, test_labels):
    images, labels = test_images[:2], test_labels[:2]
    calls = {
        "report": partial(certify, corruption="gaussianblur", radius=1.0, budget=QUICK),
        "attack": partial(attack, corruption="rotation", budget=AttackBudget(calls=20)),
        "table": partial(measure_corruption_accuracy, corruptions=["contrast"], severities=[1]),
    }
    for name, call in calls.items():
        model = Told(tmp_path / f"{name}.txt", int(labels[0]))
        call(model, images=images, labels=labels, out=tmp_path / f"{name}.json")
        Told(tmp_path / f"{name}.txt", int(labels[0] + 1) % 10)
        with pytest.raises(ValueError, match="cannot be continued: the model now answers differently on"):
            call(model, images=images, labels=labels, out=tmp_path / f"{name}.json")


def test_a_stored_certificate_is_voted_again(example_model, tmp_path):
    """A file may hold what this model and seed do not give, though all that is compared is alike."""
    out = tmp_path / "report.json"
    report = certify(example_model, "gaussianblur", limit=3, budget=QUICK, maximize=True, out=out)
    first, *rest = report.certificates
    for forged in (
        attrs.evolve(first, samples=first.samples + 1),
        attrs.evolve(first, claim=first.claim.replace("class", "the class")),
    ):
        attrs.evolve(report, certificates=(forged, *rest)).save(out)
        with pytest.raises(ValueError, match="same votes now end in another certificate for image 0"):
            certify(example_model, "gaussianblur", limit=3, budget=QUICK, maximize=True, out=out)
    attrs.evolve(report, certificates=(attrs.evolve(first, seconds=1e9), *rest)).save(out)
    certify(example_model, "gaussianblur", limit=4, budget=QUICK, maximize=True, out=out)


def of_threshold(threshold):
    def model(images):
        bright = images.mean(dim=(1, 2, 3)) - threshold
        return torch.stack([bright, -bright], dim=1)

    return model


def test_a_function_of_the_same_name_with_another_threshold_is_not_continued(tmp_path, test_images):
    settings = {"radius": 1.0, "budget": QUICK, "out": tmp_path / "report.json"}
    certify(of_threshold(0.3), "gaussianblur", test_images[:1], **settings)
    certify(of_threshold(0.3), "gaussianblur", test_images[:1], **settings)
    with pytest.raises(ValueError, match="model_hash"):
        certify(of_threshold(0.3 + 1e-9), "gaussianblur", test_images[:1], **settings)


class Keeps(torch.nn.Module):
    """Makes a table at its first call, counts its calls, and answers into the same memory each time."""

    def __init__(self):
        super().__init__()
        self.out, self._table, self.calls = torch.nn.Linear(784, 10), None, 0
        self.register_buffer("memory", torch.zeros(5_000, 10), persistent=False)

    def forward(self, images):
        self.calls += 1
        if self._table is None:
            self._table = torch.linspace(0, 1, 784)
        return self.memory[: len(images)].copy_(self.out(images.flatten(1) * self._table))


def test_a_model_that_keeps_tensors_is_known_again(tmp_path, test_images):
    torch.manual_seed(0)
    model, out = Keeps().requires_grad_(False), tmp_path / "report.json"
    report = certify(model, "gaussianblur", test_images[:2], radius=1.0, budget=QUICK, out=out)
    again = certify(model, "gaussianblur", test_images[:2], radius=1.0, budget=QUICK, out=out)
    assert determined(again) == determined(report)
    verify(report, model, test_images[:2], budget=ATTACK)
    attacked = attack(model, "gaussianblur", test_images[:2], [0, 0], budget=ATTACK)
    assert attacked.run.model_hash == report.run.model_hash
    model._table[0] = 0.5
    with pytest.raises(ValueError, match="model_hash"):
        certify(model, "gaussianblur", test_images[:2], radius=1.0, budget=QUICK, out=out)
    with pytest.raises(ValueError, match="the model is not the one of the report"):
        verify(report, model, test_images[:2], budget=ATTACK)


def test_shards_of_other_data_do_not_merge(example_model, test_images, test_labels):
    def shard(images, labels, *indices, **settings):
        return certify(example_model, "gaussianblur", images, labels, indices=indices, budget=QUICK, **settings)

    whole = shard(test_images[:4], test_labels[:4], 0, 1, 2, 3)
    parts = (shard(test_images[:4], test_labels[:4], 2), shard(test_images[:4], test_labels[:4], 0, 1, limit=2))
    assert determined(Report.merge(*parts))[2] == determined(whole)[2]
    for images, labels in ((test_images[:5], test_labels[:5]), (test_images[:4], test_labels[:4].flip(0))):
        with pytest.raises(ValueError, match="the runs differ: data_hash"):
            Report.merge(parts[1], shard(images, labels, 3))


class Pairs(torch.utils.data.Dataset):
    def __init__(self, *pairs):
        self.pairs, self.fetched = pairs, []

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, index):
        self.fetched.append(index)
        return self.pairs[index]


def test_a_dataset_is_known_by_its_length_and_a_few_items(example_model, test_images, test_labels):
    pairs = list(zip(test_images[:20], test_labels[:20].tolist(), strict=True))

    def hash_of(*pairs):
        dataset = Pairs(*pairs)
        report = certify(example_model, "gaussianblur", dataset=dataset, indices=[1], radius=0.1, budget=QUICK)
        assert len(dataset.fetched) <= 4
        return report.run.data_hash

    known = hash_of(*pairs)
    assert hash_of(*pairs) == known
    middle = [*pairs[:10], (pairs[10][0], 9 - pairs[10][1]), *pairs[11:]]
    others = [pairs[:-1], pairs[1:] + pairs[:1], middle, pairs[:-1] + pairs[:1]]
    assert len({known, *(hash_of(*other) for other in others)}) == 5


def test_a_corruption_whose_code_changed_is_not_continued(install_plugin, example_model, tmp_path, monkeypatch):
    """The class and its version are the same; only what it computes is not."""
    code = (Path(__file__).parents[2] / "examples" / "vignette" / "gsmooth_plugin_vignette.py").read_text()
    (tmp_path / "ours.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    ours = importlib.import_module("ours")
    [recipe] = ours.gsmooth_corruptions()
    out = tmp_path / "report.json"
    certify(example_model, recipe, limit=1, radius=0.05, budget=QUICK, out=out)
    certify(example_model, recipe, limit=2, radius=0.05, budget=QUICK, out=out)
    (tmp_path / "ours.py").write_text(code.replace("/ 2\n", "/ 1.5\n"))
    with pytest.raises(ValueError, match=r"cannot be continued: .* transformation \('Vignette\(\)"):
        certify(example_model, recipe, limit=3, radius=0.05, budget=QUICK, out=out)


ATTACK = AttackBudget(calls=100, confirm=200)


@pytest.fixture(scope="module")
def jobs(example_model):
    """An attack, a verification and a corruption table: the call, what it saves, and how many parts it has."""
    images, labels = (part[:5] for part in load_fashion_mnist("test"))
    report = certify(example_model, "gaussianblur", images, labels, radius=1.0, budget=QUICK)
    smoothed = smooth(example_model, "gaussianblur")
    proved = sum(certificate.region is not None for certificate in report.certificates)
    assert proved >= 4
    return {
        "attack": (partial(attack, smoothed, "gaussianblur", images, labels, budget=ATTACK), AttackReport, 5),
        "verify": (partial(verify, report, example_model, images, budget=ATTACK), Verification, proved),
        "corrupt": (
            partial(measure_corruption_accuracy, smoothed, images, labels, severities=[2, 4], samples=50),
            CorruptionTable,
            7,
        ),
    }


@pytest.mark.parametrize("name", ["attack", "verify", "corrupt"])
def test_stopped_attacks_verifications_and_tables_continue(name, jobs, tmp_path, monkeypatch, always_saved):
    call, kind, parts = jobs[name]
    whole, out = call(), tmp_path / "out.json"
    save, saved = kind.save, []

    def save_and_stop(record, path):
        save(record, path)
        saved.append(record)
        if len(saved) == 3:
            raise Stops

    monkeypatch.setattr(kind, "save", save_and_stop)
    with pytest.raises(Stops):
        call(out=out)
    assert kind.load(out) == saved[-1] != whole
    kind.load(out).summary()
    assert call(out=out) == whole == kind.load(out) == call(out=out)
    assert len(saved) == parts + 1  # the save that was stopped was made again, and nothing was done twice


@pytest.mark.parametrize("name", ["attack", "verify", "corrupt"])
def test_other_attacks_verifications_and_tables_are_not_continued(name, jobs, tmp_path):
    call, _, _ = jobs[name]
    out = tmp_path / "out.json"
    call(out=out)
    with pytest.raises(ValueError, match=r"cannot be continued: the runs differ: seed \(0 against 1\)"):
        call(out=out, seed=1)
    out.write_text(json.dumps({"format": 1}))
    with pytest.raises(ValueError, match=r"cannot be continued: .*; give a file that \w+.save wrote"):
        call(out=out)
    with pytest.raises(ValueError, match="there is no folder"):
        call(out=tmp_path / "missing" / "out.json")


def constant(answer):
    return lambda images: torch.nn.functional.one_hot(torch.full((len(images),), answer), 10).float()


@pytest.mark.filterwarnings("ignore:the model's logits have no gradients")
def test_an_attack_on_other_images_or_answers_is_not_continued(tmp_path, test_images, test_labels):
    def of(answer, images, labels, **settings):
        budget = settings.pop("budget", AttackBudget(calls=20))
        return attack(
            constant(answer), "rotation", images, labels, budget=budget, out=tmp_path / "attack.json", **settings
        )

    images, labels = test_images[:3], test_labels[:3]
    of(3, images[:2], labels[:2])
    assert [one.index for one in of(3, images, labels).images] == [0, 1, 2]
    for given, settings, message in (
        ((7, images, labels), {}, "the runs differ: model_hash"),
        ((3, images.flip(0), labels), {}, "its image 0 or the label has changed"),
        ((3, images, (labels + 1) % 10), {}, "its image 0 or the label has changed"),
        ((3, images, labels), {"limit": 1}, "its image 1 is not among the images given"),
        ((3, images, labels), {"radius": 3.0}, "the runs differ: region"),
        ((3, images, labels), {"method": "grid"}, "the runs differ: method"),
        ((3, images, labels), {"budget": AttackBudget(calls=30)}, "the runs differ: budget"),
    ):
        with pytest.raises(ValueError, match=message):
            of(*given, **settings)


def test_a_verification_of_other_certificates_is_not_continued(example_model, tmp_path, test_images):
    report = certify(example_model, "defocus:discrete", test_images[:4])
    verify(report, example_model, test_images, out=tmp_path / "out.json")
    first = attrs.evolve(report.certificates[0], predicted=9)
    forged = attrs.evolve(report, certificates=(first, *report.certificates[1:]))
    with pytest.raises(ValueError, match="its certificate of image 0 is not the report's"):
        verify(forged, example_model, test_images, out=tmp_path / "out.json")


def test_a_table_of_other_images_answers_or_corruptions_is_not_continued(tmp_path, test_images, test_labels):
    def of(answer, images, labels, corruptions):
        out = tmp_path / "table.json"
        return measure_corruption_accuracy(
            constant(answer), images, labels, corruptions=corruptions, severities=[1], out=out
        )

    images, labels, names = test_images[:4], test_labels[:4], ["contrast", "pixelate"]
    of(int(labels[0]), images, labels, names[:1])
    assert list(of(int(labels[0]), images, labels, names).scores) == names
    for given, message in (
        ((int(labels[0] + 1) % 10, images, labels, names), "the runs differ: model_hash"),
        ((int(labels[0]), images.flip(0), labels, names), "the runs differ: data_hash"),
        ((int(labels[0]), images, labels.flip(0), names), "the runs differ: data_hash"),
        ((int(labels[0]), images, labels, names[1:]), "its corruptions contrast are not among those asked for"),
    ):
        with pytest.raises(ValueError, match=message):
            of(*given)


def test_saving_takes_a_tenth_of_the_time_and_loses_nothing_of_a_call_that_ends(monkeypatch, tmp_path):
    now, saved = 0.0, []

    class Record(list):
        def save(self, path):
            nonlocal now
            saved.append((path, len(self)))
            now += 0.5

    monkeypatch.setattr(resuming, "monotonic", lambda: now)

    def interrupted():
        nonlocal now
        with resuming.kept(tmp_path / "out.json", "report") as keep:
            for count in range(1, 101):
                now += 0.2
                keep(partial(Record, range(count)))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    counts = [count for _, count in saved]
    assert counts[0] == 1
    assert counts[-1] == 100
    assert all(later - earlier == 23 for earlier, later in itertools.pairwise(counts[:-1]))  # 4.5 s in steps of 0.2 s
    assert {path for path, _ in saved} == {tmp_path.resolve() / "out.json"}
    with resuming.kept(None, "report") as keep:
        keep(Record)
    assert len(saved) == len(counts)


def test_what_is_certified_when_a_call_fails_is_kept(example_model, test_images, tmp_path, monkeypatch):
    """None but the first and the last are saved on the way, and without the last most would be lost."""
    monkeypatch.setattr(resuming, "SAVING", 1e-9)
    asked = 0

    def failing(images):
        nonlocal asked
        asked += len(images)
        if asked > 5_000:
            raise Stops
        return example_model(images)

    out = tmp_path / "report.json"
    with pytest.raises(ValueError, match="the model failed on .*Stops"):
        certify(failing, "gaussianblur", test_images[:50], budget=QUICK, out=out)
    assert 16 <= len(Report.load(out).certificates) < 50


def test_an_interrupt_while_saving_loses_nothing(monkeypatch, tmp_path):
    """Much of the time that Ctrl-C may come is spent on saving."""
    saved, interrupts = [], iter([None, KeyboardInterrupt])

    class Record(list):
        def save(self, path):
            if interrupt := next(interrupts, None):
                raise interrupt
            saved.append(len(self))

    monkeypatch.setattr(resuming, "SAVING", 1.0)

    def interrupted():
        with resuming.kept(tmp_path / "out.json", "report") as keep:
            for count in (1, 2):
                keep(partial(Record, range(count)))

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert saved == [1, 2]


@pytest.mark.filterwarnings("ignore:the model's logits have no gradients")
def test_errors_of_the_model_do_not_blame_the_file(tmp_path, test_images, test_labels):
    out, budget = tmp_path / "attack.json", AttackBudget(calls=20)
    broken, second = tmp_path / "broken", test_images[1]

    def model(images):
        if broken.exists() and bool((images == second).all()):  # as when the answers of before are compared
            raise ValueError("the model is out of order")
        return constant(3)(images)

    attack(model, "rotation", test_images[:2], test_labels[:2], budget=budget, out=out)
    broken.touch()
    with pytest.raises(ValueError, match="out of order") as caught:
        attack(model, "rotation", test_images[:2], test_labels[:2], budget=budget, out=out)
    assert "cannot be continued" not in str(caught.value)


def test_other_models_and_corruptions_are_not_continued(example_model, tmp_path, test_images, test_labels):
    budget, out = AttackBudget(calls=20), tmp_path / "attack.json"
    attack(example_model, "rotation", test_images[:2], test_labels[:2], budget=budget, out=out)
    for other, corruption, message in (
        (torch.nn.Sequential(example_model), "rotation", "the runs differ: classifier"),
        (example_model, "scaling", "the runs differ: corruption"),
        (example_model, attrs.evolve(get_corruption("scaling"), name="rotation"), "the runs differ: plugin"),
    ):
        with pytest.raises(ValueError, match=message):
            attack(other, corruption, test_images[:2], test_labels[:2], budget=budget, out=out)


def test_a_verification_without_certificates_is_written_too(example_model, tmp_path, test_images):
    report = certify(example_model, "defocus:discrete", test_images[:2])
    unproved = {"region": None, "radius": None, "certified": False}
    nothing = attrs.evolve(report, certificates=tuple(attrs.evolve(c, **unproved) for c in report.certificates))
    verify(nothing, example_model, test_images, out=tmp_path / "out.json")
    assert Verification.load(tmp_path / "out.json").certificates == ()
