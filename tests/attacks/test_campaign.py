"""Attacks on classifiers whose failures are known, and reports that must or must not survive."""

import attrs
import numpy as np
import pytest
import torch
from helpers import forged
from torch.utils.data import TensorDataset

from gsmooth_core import (
    AttackBudget,
    AttackReport,
    Budget,
    Gaussian,
    IdentitySurrogate,
    LatentSmoothing,
    ParameterSmoothing,
    Region,
    attack,
    certify,
    get_corruption,
    smooth,
    verify,
)
from gsmooth_core.attacks.methods import METHODS, gradient
from gsmooth_core.attacks.search import Search
from gsmooth_core.classifiers.target import PlainTarget, SmoothedTarget

METHOD_NAMES = [*METHODS, "all"]
BRIGHTNESS, TRANSLATION = get_corruption("brightness"), get_corruption("translation")


def bright(images):
    """Class 1 where the mean is above 0.6."""
    return torch.stack([0.6 - images.mean((1, 2, 3)), torch.zeros(len(images))], dim=1)


def window(images):
    """Class 1 where the mean lies in a window of width 0.1 about 0.75."""
    return torch.stack([(images.mean((1, 2, 3)) - 0.75).abs() - 0.05, torch.zeros(len(images))], dim=1)


def grey(count, value=0.5):
    return torch.full((count, 1, 4, 4), value)


@pytest.mark.parametrize("method", METHOD_NAMES)
@pytest.mark.parametrize(("model", "radius", "falls"), [(bright, 0.09, 0), (bright, 0.11, 1), (window, 0.3, 1)])
def test_the_attack_succeeds_where_the_classifier_fails_and_only_there(method, model, radius, falls):
    budget = AttackBudget(calls=120)
    report = attack(model, BRIGHTNESS, grey(3), [0, 0, 1], radius=radius, method=method, budget=budget)
    assert [one.clean for one in report.images] == [0, 0, 0]
    assert [one.predicted for one in report.images[:2]] == [falls, falls]
    assert report.accuracy.value == pytest.approx(2 / 3 * (1 - falls))  # the third is wrong as it is
    assert report.clean_accuracy.value == pytest.approx(2 / 3)
    assert not report.exact
    for one in report.images:
        assert abs(one.parameter[0]) <= radius
        assert one.calls <= 120
        answer = model(BRIGHTNESS.transformation.apply(grey(1), torch.tensor([one.parameter]))).argmax(dim=1)
        assert int(answer) == one.predicted


@pytest.mark.parametrize("method", METHOD_NAMES)
def test_the_smoothed_classifier_falls_where_its_majority_turns(method):
    """Under noise of 0.2 the share for class 0 at brightness b is Φ((0.1 − b)/0.2): it turns at 0.1."""
    smoothed = smooth(bright, BRIGHTNESS, smoothing=ParameterSmoothing(BRIGHTNESS.transformation, Gaussian(0.2)))
    budget = AttackBudget(calls=3_000, draws=20, confirm=4_000)
    for radius, answers in ((0.05, {0}), (0.2, {1})):
        report = attack(smoothed, BRIGHTNESS, grey(2), [0, 0], radius=radius, method=method, budget=budget)
        assert {one.predicted for one in report.images} == answers
        assert all(one.calls <= 3_000 for one in report.images)


def test_abstentions_count_apart():
    smoothed = smooth(bright, BRIGHTNESS, smoothing=ParameterSmoothing(BRIGHTNESS.transformation, Gaussian(0.2)))
    report = attack(smoothed, BRIGHTNESS, grey(2), [0, 0], radius=0.103, budget=AttackBudget(2_000, confirm=400))
    assert [one.clean for one in report.images] == [0, 0]
    assert report.abstained.value == 1.0
    assert report.accuracy.value == 0.0


def test_every_distinct_output_is_tried_where_they_are_finitely_many():
    def corner(images):
        return torch.stack([0.5 - images[:, 0, 1, 3], torch.zeros(len(images))], dim=1)

    image = torch.zeros(1, 1, 5, 5)
    image[0, 0, 2, 2] = 1.0  # at exactly one of all shifts the point comes to rest at (1, 3)
    for radius, falls in ((1.4, 0), (1.5, 1)):
        report = attack(corner, "translation:black", image, [0], radius=radius, budget=AttackBudget(calls=1))
        assert report.exact
        assert report.images[0].predicted == falls
    assert report.images[0].parameter in {(1.0, -1.0), (-1.0, 1.0)}
    smoothed = attack(smooth(corner, "translation:black"), "translation:black", image, [0], radius=1.5)
    assert not smoothed.exact


@pytest.mark.parametrize(
    "region", [Region((-3, -3), (3, 3), norm="l2"), Region((-2, 0), (1, 0)), Region((-3, -1), (1, 3), norm="l2")]
)
@pytest.mark.parametrize("method", METHOD_NAMES)
@pytest.mark.parametrize("name", ["brightnesscontrast", "translation"])
def test_the_search_stays_inside(region, method, name):
    transformation = get_corruption(name).transformation
    target = PlainTarget(bright, "cpu")
    search = Search(grey(1)[0], 0, region, transformation, target, 200, torch.Generator().manual_seed(0))
    search.look(torch.tensor([[0.0, 0.0], [9.0, 9.0]]))
    for attempt in METHODS.values() if method == "all" else [METHODS[method]]:
        attempt(search)
    looked = torch.cat(search.parameters)
    assert len(looked) >= 2
    assert bool(region.contains(looked).all())
    assert not transformation.space.integer or torch.equal(looked, looked.round())


@pytest.mark.parametrize("name", ["rotation", "zoomblur", "gaussianblur"])
@pytest.mark.parametrize("smoothed", [False, True])
def test_gradients_agree_with_finite_differences(name, smoothed, example_model, test_images):
    """Through the real transformation, and through the soft votes under the same noise."""
    recipe = get_corruption(name)
    model = example_model.double() if not smoothed else example_model.float()
    if smoothed:
        smoothing = LatentSmoothing(IdentitySurrogate(), 0.0, 0.1)
        target = SmoothedTarget(smooth(model, recipe, smoothing=smoothing), "cpu", draws=8, confirm=100)
    else:
        target = PlainTarget(model, "cpu")
    image = test_images[3] if smoothed else test_images[3].double()
    region = recipe.region(None, (1, 28, 28))
    start = {"rotation": 11.3, "zoomblur": 0.217, "gaussianblur": 3.3}[name]
    at = torch.tensor([[start]], dtype=image.dtype)
    step = 1e-2 * start if smoothed else 1e-4 * start
    try:
        with target.ready():
            make = lambda: Search(  # noqa: E731
                image, 7, region, recipe.transformation, target, 10_000, torch.Generator().manual_seed(5)
            )
            found = float(gradient(make(), at))
            ends = [
                float(target.soft_margins(make().transformed(at + side * step), 7, torch.Generator().manual_seed(5)))
                for side in (1.0, -1.0)
            ]
    finally:
        example_model.float()
    assert found == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=0.1 if smoothed else 1e-2, abs=1e-6)
    assert found != 0


@pytest.mark.parametrize(("name", "radius", "count"), [("rotation", 25.0, 60), ("zoomblur", 0.5, 25)])
def test_ascent_finds_at_least_as_many_failures_as_chance(name, radius, count, example_model, test_images, test_labels):
    """Over three seeds: on one parameter, 40 points leave little to find, and single images differ by chance."""
    fallen = {"pgd": 0, "random": 0}
    for method in fallen:
        for seed in range(3):
            report = attack(
                example_model,
                name,
                test_images[:count],
                test_labels[:count],
                radius=radius,
                method=method,
                seed=seed,
                budget=AttackBudget(calls=40),
            )
            assert max(one.calls for one in report.images) <= 40
            fallen[method] += sum(one.clean == one.label != one.predicted for one in report.images)
    print(name, fallen)
    assert fallen["pgd"] >= fallen["random"] > 0


def test_the_same_seed_gives_the_same_report(tmp_path):
    smoothed = smooth(bright, BRIGHTNESS)
    images, budget = torch.rand(3, 1, 4, 4, generator=torch.Generator().manual_seed(0)), AttackBudget(600, confirm=200)
    first, second, other = (
        attack(smoothed, BRIGHTNESS, images, [0, 0, 0], radius=0.3, budget=budget, seed=seed) for seed in (1, 1, 2)
    )
    assert first == second != other
    first.save(tmp_path / "attack.json")
    assert AttackReport.load(tmp_path / "attack.json") == first
    first.summary()


def test_without_labels_an_attack_is_on_the_classifiers_own_answers(tmp_path):
    """On 0.5 grey ``bright`` answers 0, on white 1; each is kept only as far as the answer is."""
    images = torch.cat([grey(1), torch.ones(1, 1, 4, 4)])
    own = attack(bright, BRIGHTNESS, images, radius=0.2, out=tmp_path / "own.json")
    answers = bright(images).argmax(dim=1).tolist()
    assert [one.label for one in own.images] == [one.clean for one in own.images] == answers
    labelled = attack(bright, BRIGHTNESS, images, answers, radius=0.2)
    assert own.images == labelled.images
    assert (
        own.run.classifier == f"{labelled.run.classifier}, whose own answers on the unchanged images count as right, "
        "because these have no labels"
    )
    assert attack(bright, BRIGHTNESS, images, radius=0.2, out=tmp_path / "own.json") == own
    dataset = attack(bright, BRIGHTNESS, dataset=TensorDataset(images), radius=0.2)
    assert dataset.images == own.images
    smoothed = attack(smooth(bright, BRIGHTNESS), BRIGHTNESS, images, radius=0.2, budget=AttackBudget(calls=100))
    assert [one.label for one in smoothed.images] == answers


def test_pictures_show_the_fallen(tmp_path):
    report = attack(bright, BRIGHTNESS, grey(2), [0, 0], radius=0.2)
    report.save_pictures(tmp_path / "worst.png", BRIGHTNESS, grey(2))
    assert (tmp_path / "worst.png").stat().st_size > 0
    held = attack(bright, BRIGHTNESS, grey(2), [0, 0], radius=0.01)
    with pytest.raises(ValueError, match="no image was misclassified"):
        held.save_pictures(tmp_path / "none.png", BRIGHTNESS, grey(2))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "magic"}, "there is no attack 'magic'"),
        ({"labels": [0, 5]}, r"labels \[5\]"),
        ({"images": grey(2) * 300}, "divide by 255"),
        ({"radius": -1.0}, "at least 0"),
        ({"seed": -1}, "seed must be a whole number"),
    ],
)
def test_bad_input_is_refused(settings, message):
    given = {"images": grey(2), "labels": [0, 0], "radius": 0.1, **settings}
    with pytest.raises(ValueError, match=message):
        attack(bright, BRIGHTNESS, **given)


def test_bad_budgets_and_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match="calls must be a whole number"):
        AttackBudget(calls=0)
    assert type(AttackBudget(calls=np.int64(20)).calls) is int
    with pytest.raises(FileNotFoundError):
        AttackReport.load(tmp_path / "nothing.json")
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(ValueError, match="is no attack report"):
        AttackReport.load(tmp_path / "other.json")


class Threshold(torch.nn.Module):
    """Class 0 where the mean is below 0.5 plus 0.8 noise widths."""

    def __init__(self, level):
        super().__init__()
        self.register_buffer("level", torch.tensor(level))

    def forward(self, images):
        return torch.stack([self.level - images.mean((1, 2, 3)), torch.zeros(len(images))], dim=1)


def inflated(report, factor):
    """The report with every certified region grown, and the one asked for."""

    def grown(one):
        low, high = ([factor * end for end in ends] for ends in (one.region.lower, one.region.upper))
        return attrs.evolve(one, region=attrs.evolve(one.region, lower=low, upper=high))

    return attrs.evolve(report, run=grown(report.run), certificates=tuple(map(grown, report.certificates)))


@pytest.mark.filterwarnings("ignore:The plain model answers")  # one class on all images
def test_inflated_radii_break_and_honest_ones_do_not():
    """The margin of each image is known: 0.8 noise widths, and brightness is certified to nearly all of it."""
    [noise] = BRIGHTNESS.smoothing.laws
    model, images = Threshold(0.5 + 0.8 * noise.std), grey(30)
    report = certify(model, BRIGHTNESS, images, radius=2 * noise.std, maximize=True, budget=Budget(samples=20_000))
    radii = [certificate.radius for certificate in report.certificates]
    assert min(radii) > 0.7 * noise.std
    honest = verify(report, model, images, budget=AttackBudget(400, confirm=10_000))
    assert honest.holds
    assert len(honest.certificates) == 30
    false = verify(inflated(report, 1.3), model, images, budget=AttackBudget(400, confirm=10_000))
    assert len(false.broken) > 15
    for one in false.broken:
        assert one.predicted == 0
        assert one.answer == 1
        assert one.parameter[0] > 0.8 * noise.std
    false.summary()


@pytest.mark.slow
def test_an_honest_report_of_a_hundred_certificates_holds(example_model, test_images, test_labels):
    report = certify(example_model, "gaussianblur", test_images[:160], test_labels[:160])
    verification = verify(report, example_model, test_images, budget=AttackBudget(2_000))
    print(verification)
    assert len(verification.certificates) >= 100
    assert verification.holds


def test_verification_of_an_exact_report_searches_everything(example_model, test_images):
    report = certify(example_model, "defocus:discrete", test_images[:6])
    assert verify(report, example_model, test_images).holds
    false = forged(report, 16.0)
    verification = verify(false, example_model, test_images)
    assert len(verification.certificates) == len(false.certificates) > 0
    assert not verification.holds


def test_other_models_images_and_smoothings_are_refused(example_model, test_images):
    report = certify(example_model, "gaussianblur", test_images[:2], budget=Budget(select=50, samples=200))
    with pytest.raises(ValueError, match="is not the one of the report"):
        verify(report, Threshold(0.5), test_images)
    with pytest.raises(ValueError, match="pass all images"):
        verify(report, example_model, test_images.flip(0))
    recipe = get_corruption("gaussianblur")
    other = attrs.evolve(recipe, smoothing=LatentSmoothing(IdentitySurrogate(), 0.0, 0.25))
    with pytest.raises(ValueError, match="pass corruption="):
        verify(report, example_model, test_images, corruption=other)
    with pytest.raises(ValueError, match="there is no attack"):
        verify(report, example_model, test_images, method="magic")
    assert verify(report, example_model, test_images, corruption=recipe, budget=AttackBudget(100)).holds


def test_a_report_of_another_corruption_or_other_settings_is_refused(example_model, test_images):
    """Their smoothings may print alike, and their worst cases are not those that were certified."""
    quick = Budget(select=50, samples=200)
    motion = certify(example_model, "motionblur", test_images[:2], budget=quick)
    with pytest.raises(ValueError, match="the report is about motionblur.*not rotation"):
        verify(motion, example_model, test_images, corruption="rotation")
    recipe = get_corruption("zoomblur:discrete")
    coarse = attrs.evolve(recipe, transformation=attrs.evolve(recipe.transformation, step=0.1))
    report = certify(example_model, coarse, test_images[:2])
    with pytest.raises(ValueError, match="pass corruption=, the recipe that was certified"):
        verify(report, example_model, test_images)
    assert verify(report, example_model, test_images, corruption=coarse).holds


@pytest.mark.parametrize("method", METHOD_NAMES)
def test_models_may_work_in_place_and_in_half_precision(method):
    def in_place(images):
        return bright(images.sub_(0.1).add_(0.1))

    def half(images):
        return bright(images).bfloat16()

    budget = AttackBudget(calls=120)
    expected, *others = (
        attack(model, BRIGHTNESS, grey(2), [0, 0], radius=0.2, method=method, budget=budget)
        for model in (bright, in_place, half)
    )
    for other in others:
        assert [one.predicted for one in other.images] == [1, 1]
        assert [one.image_hash for one in other.images] == [one.image_hash for one in expected.images]


def test_nan_is_refused():
    calls = 0

    def broken(images):
        """NaN from the 20th call on, of which the trial of the model does not know."""
        nonlocal calls
        calls += 1
        return bright(images) * (torch.nan if calls >= 20 else 1)

    with pytest.raises(ValueError, match="NaN or infinite logits for a transformed image"):
        attack(broken, BRIGHTNESS, grey(1), [0], radius=0.2)


def test_evolution_goes_on_where_all_points_are_alike():
    def hard(images):
        """Class 1 in a narrow window, and no slope towards it."""
        inside = ((images.mean((1, 2, 3)) - 0.617).abs() < 0.004).float()
        return torch.stack([1 - 2 * inside, torch.zeros(len(images))], dim=1)

    budget = AttackBudget(calls=400)
    report = attack(hard, BRIGHTNESS, grey(8), [0] * 8, radius=0.3, method="evolution", budget=budget)
    assert all(one.calls > 350 for one in report.images)
    assert report.accuracy.value < 0.5


def test_whole_parameters_stay_in_a_ball_about_a_fraction():
    region = Region((0, -3), (5, 3), norm="l2")
    target = PlainTarget(bright, "cpu")
    search = Search(grey(1)[0], 0, region, TRANSLATION.transformation, target, 10, torch.Generator().manual_seed(0))
    inside = search.inside(torch.tensor([[5.0, -2.0], [4.6, 2.9], [0.0, 0.0], [5.0, -1.0]]))
    assert torch.equal(inside, inside.round())
    assert bool(region.contains(inside).all())


def test_what_is_not_answered_wrongly_bounds_the_truth():
    """A certificate up to 0.095 of 0.1, where the votes of an attack can tell nothing."""
    smoothed = smooth(bright, BRIGHTNESS, smoothing=ParameterSmoothing(BRIGHTNESS.transformation, Gaussian(0.2)))
    report = attack(smoothed, BRIGHTNESS, grey(2), [0, 0], radius=0.097, budget=AttackBudget(2_000, confirm=400))
    assert report.abstained.value == 1
    assert report.accuracy.value == 0
    assert report.bound.value == 1


def test_images_may_be_brightened_far_beyond_the_range():
    smoothed = smooth(bright, "contrast")
    report = attack(smoothed, "contrast", grey(1), [0], radius=Region(-3.2, 3.2), budget=AttackBudget(400, confirm=100))
    assert report.images[0].predicted == 1


def test_pictures_of_discrete_corruptions_show_the_very_output(example_model, test_images, test_labels, tmp_path):
    recipe = get_corruption("pixelate:discrete")
    report = attack(example_model, recipe, test_images[:40], test_labels[:40], radius=0.8)
    fallen = [one for one in report.images if not one.survives and one.clean == one.label]
    assert fallen
    for one in fallen:
        parameter = torch.tensor([one.parameter], dtype=torch.float64)
        image = recipe.transformation.apply(test_images[one.index][None], parameter)
        assert int(example_model(image).argmax(dim=1)) == one.predicted
    report.save_pictures(tmp_path / "worst.png", recipe, test_images)


@pytest.mark.parametrize("budget", [Budget(), None, 100])
def test_other_budgets_are_refused(budget, example_model, test_images):
    with pytest.raises(ValueError, match="budget must be an AttackBudget"):
        attack(bright, BRIGHTNESS, grey(1), [0], radius=0.1, budget=budget)
    with pytest.raises(ValueError, match="report must be a Report"):
        verify("report.json", example_model, test_images)
