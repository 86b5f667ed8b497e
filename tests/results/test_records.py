"""No record can say what its run does not: neither one that is made, nor one that is read."""

import json

import attrs
import pytest
import torch
from helpers import REPORT, RUN, edit
from rich.console import Console

from gsmooth_core import (
    AttackBudget,
    AttackReport,
    CorruptionTable,
    Guarantee,
    Region,
    Report,
    Verification,
    attack,
    certify,
    get_corruption,
    measure_corruption_accuracy,
    verify,
)

WHOLE, WRONG, PART, NOTHING = range(4)
"""The certificates of ``REPORT``: on the whole region, likewise but of a wrong class, on a part, and abstained."""
BOX = {"lower": [0.0], "upper": [5.0], "norm": "box"}


@pytest.fixture
def saved(tmp_path):
    REPORT.save(tmp_path / "report.json")
    return tmp_path / "report.json"


@pytest.mark.parametrize(
    ("image", "change", "message"),
    [
        (PART, {"certified": True}, r"image 2 says that it is certified, but proves \[0.0, 2.0\] of \[0.0, 5.0\]"),
        (WHOLE, {"certified": False}, r"image 0 says that it is not certified, but proves \[0.0, 5.0\]"),
        (WHOLE, {"region": None}, "image 0 says that it is certified, but proves no region"),
        (PART, {"region": None}, "image 2 has the radius 2, but proves no region"),
        (PART, {"predicted": None}, "image 2 proves a region, but predicts no class"),
        (PART, {"region": {**BOX, "upper": [5.1]}}, r"image 2 proves \[0.0, 5.1\], which is no part of the run's"),
        (PART, {"region": {**BOX, "lower": [-1.0]}}, r"image 2 proves \[-1.0, 5.0\], which is no part of the run's"),
        (WHOLE, {"region": {"lower": [0, 0], "upper": [5, 5], "norm": "box"}}, "which is no part of the run's"),
        (WHOLE, {"radius": 100.0}, "image 0 is certified, but has the radius 100.0, and its run 5.0"),
        (WHOLE, {"radius": 4.0}, "image 0 is certified, but has the radius 4.0, and its run 5.0"),
        (WHOLE, {"radius": None}, "image 0 is certified, but has the radius None, and its run 5.0"),
        (PART, {"radius": 100.0}, "image 2 has the radius 100, but its run 5.0"),
        (PART, {"radius": -1.0}, "radius must be a finite number of at least 0, not -1.0"),
        (WHOLE, {"alpha": 1e-9}, "image 0 has the error probability 1e-09, but its run 0.001"),
        (WHOLE, {"alpha": 0.0}, "image 0 is called probabilistic, but has the error probability 0"),
        (WHOLE, {"guarantee": "exact"}, "image 0 is called exact, but has the error probability 0.001"),
        (
            WHOLE,
            {"guarantee": "exact", "samples": 0, "alpha": 0.0},
            "image 0 is called exact, but its run is probabilistic",
        ),
        (WHOLE, {"guarantee": "exact", "alpha": 0.0}, "image 0 is called exact, but rests on 1,100 random draws"),
        (WHOLE, {"predicted": 99}, "image 0 has the class 99 as predicted, but the model has 10 classes"),
        (WHOLE, {"base_predicted": 10}, "image 0 has the class 10 as base_predicted, but the model has 10 classes"),
        (WHOLE, {"label": 10}, "image 0 has the class 10 as label, but the model has 10 classes"),
        (WHOLE, {"predicted": -1}, "predicted must be a whole number of at least 0, not -1"),
        (WHOLE, {"base_predicted": -1}, "base_predicted must be a whole number of at least 0, not -1"),
        (WHOLE, {"label": -1}, "label must be a whole number of at least 0, not -1"),
        (WHOLE, {"index": -1}, "index must be a whole number of at least 0, not -1"),
        (WHOLE, {"index": 1}, "image 1 occurs in it more than once"),
        (WHOLE, {"samples": -5}, "samples must be a whole number of at least 0, not -5"),
        (WHOLE, {"tried": -1}, "tried must be a whole number of at least 0, not -1"),
        (WHOLE, {"seconds": -0.1}, "seconds must be a finite number of at least 0, not -0.1"),
        (WHOLE, {"witness": [3.0]}, r"image 0 proves a region that holds its witness, at \(3.0,\)"),
        (PART, {"witness": [2.0]}, r"image 2 proves a region that holds its witness, at \(2.0,\)"),
        (PART, {"witness": [6.0]}, r"image 2 has a witness at \(6.0,\), outside the run's \[0.0, 5.0\]"),
        (NOTHING, {"witness": [1.0, 1.0]}, r"image 3 has a witness at \(1.0, 1.0\), outside the run's"),
        (NOTHING, {"radius": 0.0}, "image 3 has the radius 0, but proves no region"),
    ],
)
def test_a_certificate_that_cannot_be_is_neither_read_nor_made(saved, image, change, message):
    edit(saved, lambda content: content["certificates"][image].update(change))
    with pytest.raises(ValueError, match=f"report.json' is no report of gsmooth: .*{message}"):
        Report.load(saved)
    given = dict(change)
    if isinstance(given.get("region"), dict):
        given["region"] = Region(**given["region"])
    if "guarantee" in given:
        given["guarantee"] = Guarantee(given["guarantee"])
    if "witness" in given:
        given["witness"] = tuple(given["witness"])

    def made():
        one = attrs.evolve(REPORT.certificates[image], **given)
        return attrs.evolve(REPORT, certificates=(*REPORT.certificates[:image], one, *REPORT.certificates[image + 1 :]))

    with pytest.raises(ValueError, match=message):
        made()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"names": ["radius", "angle"]}, r"the names \('radius', 'angle'\) and units \('px',\) must be as many"),
        ({"units": []}, "must be as many as"),
        ({"region": {"lower": [0.0, 0.0], "upper": [5.0, 5.0], "norm": "box"}}, "must be as many as"),
        ({"region": {**BOX, "upper": [4.0]}}, "is no part of the run's"),
        ({"radius": 3.0}, "image 0 is certified, but has the radius 5.0, and its run 3.0"),
        ({"radius": None}, "image 0 is certified, but has the radius 5.0, and its run None"),
        ({"classes": 2}, "image 1 has the class 2 as label, but the model has 2 classes"),
        ({"classes": 1}, "classes must be a whole number of at least 2, not 1"),
        ({"seed": -1}, "seed must be a whole number of at least 0, not -1"),
        ({"guarantee": "estimate"}, "image 0 is called probabilistic, but its run is estimate"),
    ],
)
def test_a_run_that_cannot_be_is_not_read(saved, change, message):
    edit(saved, lambda content: content["run"].update(change))
    with pytest.raises(ValueError, match=f"is no report of gsmooth: .*{message}"):
        Report.load(saved)


@pytest.mark.parametrize(
    ("record", "change", "message"),
    [
        (REPORT.certificates[WHOLE], {"certified": "False"}, "certified must be a bool, not 'False'"),
        (REPORT.certificates[WHOLE], {"region": (0, 5)}, r"region must be a Region, not \(0, 5\)"),
        (REPORT.certificates[WHOLE], {"guarantee": "probabilistic"}, "guarantee must be a Guarantee"),
        (REPORT.certificates[WHOLE], {"radius": float("nan")}, "radius must be a finite number of at least 0, not nan"),
        (REPORT.certificates[WHOLE], {"index": True}, "index must be a whole number of at least 0, not True"),
        (REPORT.certificates[WHOLE], {"seconds": True}, "seconds must be a finite number of at least 0, not True"),
        (REPORT.certificates[WHOLE], {"seconds": float("inf")}, "seconds must be a finite number of at least 0"),
        (REPORT.certificates[WHOLE], {"alpha": "0.001"}, "alpha must be a finite number of at least 0"),
        (REPORT.certificates[NOTHING], {"witness": 1.0}, "witness must be a tuple of finite numbers, not 1.0"),
        (REPORT.certificates[NOTHING], {"witness": (float("nan"),)}, "witness must be a tuple of finite numbers"),
        (RUN, {"region": (0, 5)}, "region must be a Region"),
        (RUN, {"radius": float("nan")}, "radius must be a finite number of at least 0"),
        (RUN, {"guarantee": "probabilistic"}, "guarantee must be a Guarantee"),
        (RUN, {"maximize": 1}, "maximize must be a bool, not 1"),
        (RUN, {"budget": 100}, "budget must be a Budget, not 100"),
    ],
)
def test_no_record_is_made_of_values_of_another_kind(record, change, message):
    with pytest.raises(ValueError, match=message):
        attrs.evolve(record, **change)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("certificates", 0, "certified"), "False", r"certificates\[0\].certified: must be true or false, not 'False'"),
        (("certificates", 0, "certified"), 1, "must be true or false, not 1"),
        (("run", "maximize"), 1, "run.maximize: must be true or false, not 1"),
        (("certificates", 2, "index"), True, r"certificates\[2\].index: must be a whole number, not True"),
        (("certificates", 2, "index"), 2.0, "must be a whole number, not 2.0"),
        (("certificates", 2, "index"), "2", "must be a whole number, not '2'"),
        (("certificates", 0, "label"), "1", "must be a whole number, not '1'"),
        (("certificates", 0, "samples"), None, "must be a whole number, not None"),
        (("certificates", 0, "radius"), "5", "must be a finite number, not '5'"),
        (("certificates", 0, "seconds"), True, "must be a finite number, not True"),
        (("certificates", 0, "seconds"), 10**400, "must be a finite number, not 1000"),
        (("certificates", 0, "seconds"), 2**53 + 1, "must be a finite number, not 9007"),
        (("certificates", 0, "claim"), 5, "must be a text, not 5"),
        (("certificates", 0, "guarantee"), "certain", "must be one of exact, probabilistic, estimate, not 'certain'"),
        (("certificates", 0, "region"), [0, 5], "must be an object"),
        (("certificates", 0, "region", "upper"), "5", r"region.upper: must be a list, not '5'"),
        (("certificates", 0, "region", "upper"), ["5"], r"region.upper\[0\]: must be a finite number, not '5'"),
        (("certificates", 0, "region", "norm"), "l1", "must be one of box, l2, not 'l1'"),
        (("certificates", 0, "colour"), "red", r"certificates\[0\]: must not hold colour"),
        (("certificates", 0), [], r"certificates\[0\]: must be an object"),
        (("certificates",), {}, "certificates: must be a list"),
        (("run", "names"), "r", "run.names: must be a list, not 'r'"),
        (("run", "names"), [1], r"run.names\[0\]: must be a text, not 1"),
        (("run", "versions"), [["torch", "2"]], "run.versions: must be an object"),
        (("run", "versions", "torch"), 2, r"run.versions\['torch'\]: must be a text, not 2"),
        (("run", "budget", "samples"), "10", "run.budget.samples: must be a whole number, not '10'"),
        (("run", "budget", "batch"), 2.5, "run.budget.batch: must be a whole number, not 2.5"),
        (("run", "budget", "alpha"), 2, "run.budget: the budget's alpha must lie strictly between 0 and 1"),
        (("colour",), "red", "must not hold colour"),
        (("format",), True, "written by another version, or another kind of file"),
        (("format",), 1.0, "written by another version, or another kind of file"),
    ],
)
def test_no_value_is_taken_for_what_it_is_not(saved, place, value, message):
    def change(content):
        *way, last = place
        for step in way:
            content = content[step]
        content[last] = value

    edit(saved, change)
    with pytest.raises(ValueError, match=f"is no report of gsmooth: .*{message}"):
        Report.load(saved)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_nan_and_infinity_are_refused(saved, number):
    text = saved.read_text()
    assert '"radius": 2.0' in text
    saved.write_text(text.replace('"radius": 2.0', f'"radius": {number}'))
    with pytest.raises(ValueError, match=r"which is no number|must be a finite number, not inf"):
        Report.load(saved)


@pytest.mark.parametrize("way", [[], ["run"], ["run", "budget"], ["run", "region"], ["certificates", 0]])
def test_nothing_may_be_missing_even_where_there_is_a_default(saved, way):
    def drop(content):
        for step in way:
            content = content[step]
        content.popitem() if way else content.pop("data")

    edit(saved, drop)
    with pytest.raises(ValueError, match=r"is no report of gsmooth: .*lacks"):
        Report.load(saved)


def test_a_name_that_stands_twice_is_refused(saved):
    saved.write_text(saved.read_text().replace('"label": 1,', '"label": 3, "label": 1,', 1))
    with pytest.raises(ValueError, match="a name stands twice"):
        Report.load(saved)
    saved.write_text("[" * 100_000)
    with pytest.raises(ValueError, match="lie too deep"):
        Report.load(saved)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"label": 2', '"label": 1'),
        ('"seconds": 0.5', '"seconds": 0.25'),
        ('"claim": "…"', '"claim": "Proved."'),
        ('"data": "Images: 4', '"data": "Images: 40'),
        ('"seed": 0', '"seed": 1'),
        ('"digest": "', '"digest": "0'),
        ('"digest"', '"colour"'),
    ],
)
def test_an_edit_is_told(saved, old, new):
    """All of these could be, but were not written so."""
    text = saved.read_text()
    assert old in text
    saved.write_text(text.replace(old, new, 1))
    with pytest.raises(ValueError, match=r"it was edited after it was written|must not hold colour"):
        Report.load(saved)


def test_spaces_and_order_are_no_edit(saved):
    content = json.loads(saved.read_text())
    saved.write_text(json.dumps(dict(reversed(content.items())), indent=4, sort_keys=False))
    assert Report.load(saved) == REPORT


def test_what_is_edited_with_a_new_digest_is_read(saved):
    edit(saved, lambda content: content["certificates"][0].update(seconds=1))
    assert Report.load(saved).certificates[0].seconds == 1.0


def test_a_proved_ellipsoid_is_compared_as_one():
    ball = Region((-3, -3), (3, 3), norm="l2")
    run = attrs.evolve(RUN, region=ball, names=("dx", "dy"), units=("px", "px"))
    one = attrs.evolve(REPORT.certificates[WHOLE], region=ball)
    assert Report(run, "", (one,)).certificates == (one,)
    with pytest.raises(
        ValueError, match=r"proves \[-3.0, 3.0\] × \[-3.0, 3.0\], which is no part of the run's .*ellips"
    ):
        Report(run, "", (attrs.evolve(one, region=Region((-3, -3), (3, 3))),))
    part = attrs.evolve(one, region=Region((-2, -2), (2, 2), norm="l2"), certified=False, radius=2.0)
    assert Report(run, "", (part,)).certificates == (part,)
    with pytest.raises(ValueError, match="says that it is certified"):
        Report(run, "", (attrs.evolve(part, certified=True),))
    with pytest.raises(ValueError, match="outside the run's"):
        Report(run, "", (attrs.evolve(part, witness=(2.9, 2.9)),))


@pytest.fixture(scope="module")
def attacked(example_model, test_images, test_labels):
    report = certify(example_model, "defocus:discrete", test_images[:3])
    images, labels = test_images[:3], test_labels[:3]
    return (
        attack(example_model, "rotation", images, labels, budget=AttackBudget(calls=20)),
        verify(report, example_model, images),
        measure_corruption_accuracy(example_model, images, labels, corruptions=["contrast"], severities=[1, 2]),
    )


def test_one_is_not_called_several(attacked, capsys):
    attack_, verification, table = attacked
    one = (
        attrs.evolve(attack_, images=attack_.images[:1]),
        attrs.evolve(verification, certificates=tuple(attrs.evolve(c, calls=1) for c in verification.certificates[:1])),
    )
    for record in one:
        record.summary(Console(width=200))
    shown = capsys.readouterr().out
    assert "; 1 image" in shown
    assert "1 certificate attacked, 0 broken; 1 call of the model" in shown
    assert "1 images" not in shown
    scores = {name: tuple(attrs.evolve(one, correct=1, count=1) for one in row) for name, row in table.scores.items()}
    single = attrs.evolve(table, clean=attrs.evolve(table.clean, correct=1, count=1), scores=scores)
    assert single.notes[0].endswith("1 image; corrupted with the constants of cifar10c.")


def change_first(kind, **change):
    return lambda content: content[kind][0].update(change)


@pytest.mark.parametrize(
    ("place", "change", "message"),
    [
        (0, change_first("images", margin="1"), r"images\[0\].margin: must be a finite number, not '1'"),
        (0, change_first("images", index=1), "image 1 occurs in it more than once"),
        (0, change_first("images", index=-1), "index must be a whole number of at least 0"),
        (0, change_first("images", label=-1), "label must be a whole number of at least 0"),
        (0, change_first("images", predicted=-1), "predicted must be a whole number of at least 0"),
        (0, change_first("images", clean=True), "clean: must be a whole number, not True"),
        (0, change_first("images", calls=-1), "calls must be a whole number of at least 0"),
        (0, change_first("images", parameter=[1e6]), "does not lie in"),
        (0, change_first("images", parameter=[0.0, 0.0]), "does not lie in"),
        (0, lambda content: content.update(exact=0), "exact: must be true or false, not 0"),
        (0, lambda content: content["run"].update(names=[]), "must be as many as"),
        (0, lambda content: content["run"]["budget"].update(calls="20"), "calls: must be a whole number, not '20'"),
        (1, change_first("certificates", predicted=-1), "predicted must be a whole number of at least 0"),
        (1, change_first("certificates", answer="3"), "answer: must be a whole number, not '3'"),
        (1, change_first("certificates", index=1), "occurs in it more than once"),
        (1, change_first("certificates", calls=-1), "calls must be a whole number of at least 0"),
        (1, change_first("certificates", region={**BOX, "upper": [16.0]}), "is no part of the run's"),
        (1, change_first("certificates", parameter=[5.5]), "outside its region"),
        (1, change_first("certificates", parameter=[]), "outside its region"),
        (2, lambda content: content["clean"].update(count=0), "count must be a whole number of at least 1"),
        (2, lambda content: content["clean"].update(correct=4), "too many"),
        (2, lambda content: content["clean"].update(abstained=-1), "abstained must be a whole number of at least 0"),
        (2, lambda content: content["scores"]["contrast"].pop(), "a score for each of the severities"),
        (2, lambda content: content["scores"]["contrast"][0].update(count=5), "each of 3 images"),
        (2, lambda content: content["scores"].update(contrast={}), "contrast'.: must be a list"),
        (2, lambda content: content["run"].update(samples=0), "samples must be a whole number of at least 1"),
        (2, lambda content: content["run"].update(seed=-1), "seed must be a whole number of at least 0"),
    ],
)
def test_other_records_that_cannot_be_are_not_read(attacked, tmp_path, place, change, message):
    record, path = attacked[place], tmp_path / "record.json"
    record.save(path)
    assert type(record).load(path) == record
    edit(path, change)
    with pytest.raises(ValueError, match=f"record.json' is no .*{message}"):
        type(record).load(path)
    record.save(path)
    path.write_text(path.read_text().replace('"device": "cpu"', '"device": "gpu"'))
    with pytest.raises(ValueError, match="was edited after it was written"):
        type(record).load(path)


def test_the_kinds_of_records_are_told_apart(attacked, tmp_path):
    for record in (REPORT, *attacked):
        record.save(tmp_path / "record.json")
        for kind in {Report, AttackReport, Verification, CorruptionTable} - {type(record)}:
            with pytest.raises(ValueError, match="another kind of file"):
                kind.load(tmp_path / "record.json")


def test_a_run_knows_how_many_classes_its_model_has(example_model, test_images):
    assert certify(example_model, "defocus:discrete", test_images[:1]).run.classes == 10
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 3))
    assert certify(model, "defocus:discrete", test_images[:1]).run.classes == 3


def test_a_verification_refuses_what_does_not_fit_its_images_and_model(example_model, test_images):
    report = certify(example_model, "defocus:discrete", test_images[:4])
    with pytest.raises(ValueError, match="image 3 is not the one of the report; pass all images"):
        verify(report, example_model, test_images[:3])

    def fewer(images):
        return example_model(images)[:, :5]

    def as_before(images):
        return example_model(images)

    narrow = certify(as_before, "defocus:discrete", test_images[:1])
    fewer.__qualname__ = as_before.__qualname__
    with pytest.raises(ValueError, match="the model"):
        verify(narrow, fewer, test_images)


def test_a_region_without_the_unchanged_image_is_not_verified(example_model, test_images):
    report = certify(example_model, "defocus:discrete", test_images[:1], radius=1.0)
    one = attrs.evolve(report.certificates[0], region=Region(0.5, 1.0), certified=False, witness=None, radius=None)
    moved = attrs.evolve(report, certificates=(attrs.evolve(one, predicted=one.base_predicted),))
    with pytest.raises(ValueError, match="does not hold the identity"):
        verify(moved, example_model, test_images)


def test_pictures_of_an_attack_on_other_images_are_refused(attacked, test_images, tmp_path):
    fallen = attrs.evolve(
        attacked[0], images=tuple(attrs.evolve(one, clean=one.label, predicted=None) for one in attacked[0].images)
    )
    with pytest.raises(ValueError, match="image 2 was misclassified, but only 2 images were given; pass all"):
        fallen.save_pictures(tmp_path / "worst.png", get_corruption("rotation"), test_images[:2])
