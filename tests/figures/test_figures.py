"""Figures about the noise: each against the reports' own numbers, closed forms, or moments of what they show."""

import math
import re
import shlex
import sys
from pathlib import Path

import attrs
import pytest
import torch
from helpers import QUICK, determined, estimated
from PIL import Image

from gsmooth_core import (
    Budget,
    Corruption,
    Exponential,
    FoldedGaussian,
    Gaussian,
    Guarantee,
    IdentitySurrogate,
    LatentCertifier,
    LatentSmoothing,
    NoiseDistribution,
    OneSidedUniform,
    ParameterSmoothing,
    Region,
    Report,
    SmallConvNet,
    Surrogate,
    UNetSurrogate,
    Uniform,
    certify,
    certify_noises,
    certify_variances,
    draw_noisy_images,
    get_corruption,
    match_noises,
    plot_images,
    save_classifier,
)
from gsmooth_core.cli.app import main
from gsmooth_core.figures.shared import save_figure
from gsmooth_core.statistics.bounds import lower_bound

PAGE = Path(__file__).parents[2] / "docs" / "figures.md"
FIXED = Budget(select=10, samples=100, stopping="fixed")


class Planes(Surrogate):
    """``F(θ, x) = x + θ``, evenly over the image: what the noise does to it has a closed form."""

    dimension = 1
    lipschitz = 1.0

    def encode_image(self, images):
        return images

    def encode_parameters(self, parameters):
        return parameters[:, :, None, None]

    def decode(self, latents):
        return latents


def always_2(images):
    """A model whose every vote is for class 2."""
    return torch.nn.functional.one_hot(torch.full((len(images),), 2), 3).float()


@attrs.frozen
class Guessed(Exponential):
    """A law whose shift nobody proved."""

    name = "guessed"
    shift_guarantee = Guarantee.ESTIMATE


def run(*arguments):
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return stop.value.code


@pytest.fixture(scope="module")
def comparison(example_model):
    return certify_noises(example_model, limit=6, budget=QUICK)


@pytest.fixture(scope="module")
def table(example_model):
    """A grid behind a surrogate that takes parameters."""
    smoothing = LatentSmoothing(Planes(), 0.1, 0.2)
    given = {"smoothing": smoothing, "parameter_stds": [0.0, 3.0], "latent_stds": [0.2, 1.0], "radius": 1.0}
    return certify_variances(example_model, "defocus", limit=3, budget=QUICK, **given)


@pytest.fixture
def surrogate(tmp_path):
    """The file of a surrogate as it is before training, where the page looks for it."""
    path = tmp_path / "build" / "zoomblur" / "surrogate.safetensors"
    path.parent.mkdir(parents=True)
    torch.manual_seed(0)
    made = UNetSurrogate(scale=0.5, width=4, depth=1)
    made.card = {"parameter_std": 0.02, "latent_std": 0.25}
    made.save(path)
    return path


@pytest.mark.parametrize("corruption", ["gaussianblur", "brightness", "contrast"])
def test_matched_laws_have_the_standard_deviation_that_is_asked_for(corruption):
    laws = match_noises(corruption, std=3.0)
    one_sided = {"foldedgaussian", "exponential", "onesideduniform"}
    assert set(laws) == (one_sided if corruption == "gaussianblur" else {"gaussian", "uniform", "laplace"})
    for law in laws.values():
        draws = law.sample((200_000,), torch.Generator().manual_seed(0), torch.device("cpu"))
        assert float(draws.std()) == pytest.approx(3.0, rel=0.02)


def test_a_plugins_noise_is_matched_by_its_name_if_one_number_sets_it(install_plugin):
    install_plugin(
        "logistic",
        """
        import math
        import attrs
        import torch
        from gsmooth_core import NoiseDistribution, hookimpl

        @attrs.frozen
        class Logistic(NoiseDistribution):
            name = "logistic"
            scale: float

            def quantile(self, probabilities):
                return self.scale * torch.logit(probabilities)

            def log_density(self, x):
                unit = x / self.scale
                return -unit - 2 * torch.nn.functional.softplus(-unit) - math.log(self.scale)

        @hookimpl
        def gsmooth_noises():
            return [Logistic]
        """,
        group="gsmooth.noises",
    )
    [law] = match_noises("brightness", std=0.5, names=["logistic"]).values()
    draws = law.sample((200_000,), torch.Generator().manual_seed(0), torch.device("cpu"))
    assert float(draws.std()) == pytest.approx(0.5, rel=0.02)
    assert law.scale == pytest.approx(0.5 * math.sqrt(3) / math.pi, rel=1e-9)


def test_a_plugins_noise_without_a_size_is_passed_itself(install_plugin):
    code = "from gsmooth_core import Laplace, hookimpl\nclass Fixed(Laplace):\n    name = 'fixed'\n"
    code += "    def __init__(self):\n        super().__init__(1.0)\n"
    code += "@hookimpl\ndef gsmooth_noises():\n    return [Fixed]\n"
    install_plugin("fixed", code, group="gsmooth.noises")
    with pytest.raises(ValueError, match="cannot be set from its name alone; pass the distribution to certify_noises"):
        match_noises("brightness", std=0.5, names=["fixed"])


def test_the_recipes_own_noise_is_the_default():
    own = get_corruption("gaussianblur").smoothing
    assert match_noises()["exponential"] == own.laws[0]
    assert match_noises("gaussianblur", names=["exponential"]) == {"exponential": own.laws[0]}


def test_each_curve_is_the_certified_accuracy_of_a_call_of_its_own(comparison, example_model):
    radius = comparison.reports["exponential"].run.radius
    axes = comparison.plot()
    names = ["exponential", "foldedgaussian", "onesideduniform"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(comparison.laws) == names
    for line, (name, law) in zip(axes.lines, comparison.laws.items(), strict=True):
        smoothing = attrs.evolve(get_corruption("gaussianblur").smoothing, noise=law)
        settings = {"smoothing": smoothing, "radius": radius, "maximize": True, "budget": QUICK}
        alone = certify(example_model, "gaussianblur", limit=6, **settings)
        assert determined(comparison.reports[name]) == determined(alone)
        assert alone.certified_accuracy(1.0).value > 0
        radii, values = line.get_data()
        for share in range(101):
            at = radius * share / 100
            shown = next(value for end, value in zip(radii, values, strict=True) if end >= at)
            assert shown == pytest.approx(100 * alone.certified_accuracy(at).value)
    assert axes.get_title(loc="left") == "gaussianblur, noise distributions of standard deviation 20 px²"


def test_where_all_votes_agree_each_law_reaches_as_far_as_its_shift(test_images):
    """The wider of two laws of one kind reaches further by as much as it is wider, and the curve falls there."""
    laws = {
        "narrow": Exponential(5.0),
        "wide": Exponential(20.0),
        "folded": FoldedGaussian(20.0),
    }
    images, labels = test_images[:2], [2, 1]
    curves = certify_noises(always_2, "gaussianblur", images, labels, laws=laws, radius=200.0, budget=FIXED)
    bound = lower_bound(100, 100, 0.001)
    reached = {}
    for name, law in laws.items():
        right, wrong = curves.reports[name].certificates
        assert right.radius == wrong.radius == pytest.approx(law.shift(bound, 1 - bound), rel=2e-2)
        assert right.radius < law.shift(bound, 1 - bound)  # rounding has its price
        assert curves.reports[name].certified_accuracy(right.radius).value == 0.5
        assert curves.reports[name].certified_accuracy(right.radius * 1.001).value == 0.0
        reached[name] = right.radius
    assert reached["wide"] == pytest.approx(4 * reached["narrow"], rel=1e-3)
    assert curves.std is None
    assert "standard deviation" not in curves.plot().get_title(loc="left")
    open_ended = certify_noises(always_2, "gaussianblur", images, labels, laws=laws, budget=FIXED)
    asked = open_ended.reports["narrow"].run.radius
    assert asked == pytest.approx(max(reached.values()), rel=2e-2)
    assert asked >= max(reached.values())


def test_a_radius_may_be_another_thing_than_a_parameter(test_images):
    """A contrast of radius r is a log gain from ln(1 − r) to ln(1 + r), so its first end meets the shift first."""
    laws, bound = {"normal": Gaussian(0.6), "wide": Gaussian(1.2)}, lower_bound(100, 100, 0.001)
    curves = certify_noises(always_2, "contrast", test_images[:1], [2], laws=laws, budget=FIXED)
    narrow, wide = (curves.reports[name].certificates[0].radius for name in laws)
    assert narrow == pytest.approx(1 - math.exp(-0.6 * float(torch.special.ndtri(torch.tensor(bound)))), rel=2e-2)
    assert narrow < wide <= curves.reports["wide"].run.radius < 1


def test_what_rests_on_an_estimate_says_so_wherever_it_stands(test_images, table):
    laws = {"proved": Exponential(5.0), "guessed": Guessed(5.0)}
    curves = certify_noises(always_2, "gaussianblur", test_images[:1], [2], laws=laws, radius=1.0, budget=FIXED)
    said = "guarantee estimate, error probability at most 0.001 per image if the estimate holds."
    assert said in curves.notes[-1]
    assert [text.get_text() for text in curves.plot().get_legend().get_texts()] == ["proved", "guessed (estimate)"]
    assert "estimate" not in table.plot().get_title(loc="left")
    last = estimated(table.reports[1][1])
    guessed = attrs.evolve(table, reports=(table.reports[0], (table.reports[1][0], last)))
    assert said in guessed.notes[-1]
    assert guessed.plot().get_title(loc="left").startswith("certified accuracy (%), estimate\n")


def test_a_classifier_that_is_right_exactly_half_as_often_has_not_failed(comparison):
    report = comparison.reports["exponential"]
    one = report.certificates[0]
    right = attrs.evolve(one, label=2, predicted=2, base_predicted=2)
    wrong = attrs.evolve(right, index=1, predicted=1)
    worse = attrs.evolve(right, index=2, predicted=None, certified=False, region=None, radius=None)
    for certificates, failing in (((right, wrong), False), ((right, wrong, worse), True)):
        shown = attrs.evolve(comparison, reports={"one": attrs.evolve(report, certificates=certificates)}).notes[1]
        assert ("under 1 of 1 it is right less than half as often as without noise" in shown) == failing
        assert "or less" not in shown


def test_the_comparison_prints_its_numbers(comparison, capsys):
    comparison.summary()
    shown = " ".join(capsys.readouterr().out.split())
    assert "noise distributions of standard deviation 20 px²" in shown
    assert f"{comparison.reports['exponential'].certified_accuracy(0.0).value:.1%}".replace("%", " %") in shown
    assert "FoldedGaussian(std=33.1" in shown
    assert "The same classifier, SmallConvNet, for every distribution" in shown


def test_cells_are_separate_calls_of_certify(table, example_model):
    accuracies = set()
    for first in (0.0, 3.0):
        for second in (0.2, 1.0):
            smoothing = LatentSmoothing(Planes(), first, second)
            alone = certify(example_model, "defocus", limit=3, radius=1.0, smoothing=smoothing, budget=QUICK)
            assert determined(table.report(second, first)) == determined(alone)
            assert table.certified_accuracy(second, first) == alone.certified_accuracy()
            accuracies.add(alone.certified_accuracy().value)
    assert len(accuracies) > 1  # else rows and columns could be mixed up unseen
    with pytest.raises(ValueError, match="no cell of σ₁ = None and σ₂ = 0.2"):
        table.certified_accuracy(0.2)


def test_the_heat_map_and_the_tables_hold_the_cells_numbers(table, capsys):
    axes = table.plot()
    values = [[100 * table.certified_accuracy(b, a).value for b in (0.2, 1.0)] for a in (0.0, 3.0)]
    assert axes.collections[0].get_array().tolist() == values
    texts = {(text.get_position()[1], text.get_position()[0]): text.get_text() for text in axes.texts}
    for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
        assert texts[row + 0.5, column + 0.5].startswith(f"{values[row][column]:.1f}\n[")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["0", "3"]
    assert axes.yaxis_inverted()
    lines = [line for line in table.markdown().splitlines() if line.startswith("|")]
    assert lines[0] == "| σ₁ (px) | σ₂ = 0.2 | σ₂ = 1 |"
    assert lines[3] == f"| 3 | {table.certified_accuracy(0.2, 3.0)} | {table.certified_accuracy(1.0, 3.0)} |"
    assert "The same classifier, SmallConvNet, for every cell" in table.markdown()
    assert "guarantee probabilistic, error probability at most 0.001 per image.\n" in table.markdown()
    table.summary()
    assert str(table.certified_accuracy(1.0, 3.0)) in capsys.readouterr().out


def test_without_a_surrogate_the_table_is_a_row(test_images, capsys):
    row = certify_variances(always_2, "defocus", test_images[:1], [2], latent_stds=[0.3, 0.5], radius=0.5, budget=QUICK)
    assert row.parameter_stds == ()
    assert row.certified_accuracy(0.5).value == 1.0
    assert row.markdown().splitlines()[2] == "| σ₂ = 0.3 | σ₂ = 0.5 |"
    assert "(σ₁) has no effect" in row.markdown()
    assert list(row.plot().get_yticks()) == []
    with pytest.raises(ValueError, match=re.escape("its table is a row over σ₂; leave σ₁ out, or train a surrogate")):
        certify_variances(always_2, "defocus", parameter_stds=[0.1, 0.2])


def test_each_law_and_each_cell_may_have_a_classifier_of_its_own(test_images, example_model):
    models = {"exponential": always_2, "foldedgaussian": example_model}
    images, labels = test_images[:1], [2]
    laws = match_noises(names=["foldedgaussian", "exponential"])
    curves = certify_noises(models, "gaussianblur", images, labels, laws=laws, radius=1.0, budget=QUICK)
    assert {name: report.run.model for name, report in curves.reports.items()} == {
        "foldedgaussian": "SmallConvNet",
        "exponential": "always_2",
    }
    assert curves.notes[1].startswith("A classifier for each distribution")
    wanders = [lambda images, shift=shift: always_2(images).roll(shift, 1) for shift in (0, 1)]
    for models, one in ((wanders, False), ([wanders[0]] * 2, True), ([SmallConvNet(), SmallConvNet()], False)):
        given = {"laws": laws, "radius": 1.0, "budget": FIXED}
        curves = certify_noises(dict(zip(laws, models, strict=True)), "gaussianblur", images, labels, **given)
        assert curves.notes[1].startswith("The same classifier" if one else "A classifier for each distribution")
    row = {"latent_stds": [0.3, 0.5], "radius": 0.5, "budget": FIXED}
    cells = certify_variances({(0.0, 0.3): wanders[0], (0.0, 0.5): wanders[1]}, "defocus", images, labels, **row)
    assert cells.notes[0].startswith("A classifier for each cell")
    with pytest.raises(ValueError, match=r"there is no model for \['exponential'\]"):
        certify_noises({"foldedgaussian": always_2}, "gaussianblur", images, labels, laws=laws)


def test_work_keeps_each_curve_and_goes_on(tmp_path, test_images):
    work, given = tmp_path / "new" / "work", {"images": test_images[:2], "labels": [2, 2], "budget": QUICK}
    first = certify_noises(always_2, work=work, **given)
    files = {path.name for path in work.iterdir()}
    names = ("exponential", "foldedgaussian", "onesideduniform")
    assert files == {f"gaussianblur-{name}-std20.json" for name in names}
    assert Report.load(work / "gaussianblur-exponential-std20.json") == first.reports["exponential"]
    (work / "gaussianblur-foldedgaussian-std20.json").unlink()
    again = certify_noises(always_2, work=work, **given)
    assert again.reports["exponential"] == first.reports["exponential"]  # to the seconds: not done again
    assert again.reports["foldedgaussian"] != first.reports["foldedgaussian"]
    assert determined(again.reports["foldedgaussian"]) == determined(first.reports["foldedgaussian"])
    with pytest.raises(ValueError, match="cannot be continued"):
        certify_noises(always_2, work=work, seed=1, **given)
    row = certify_variances(always_2, "defocus", latent_stds=[0.5], radius=0.5, work=work, **given)
    assert Report.load(work / "defocus-latent0.5.json") == row.report(0.5)


def test_laws_of_names_that_look_alike_keep_files_of_their_own(tmp_path, test_images):
    names = ["a/b", "a-b", "a:b", "../a", "a", "a-std5"]
    laws: dict[str, NoiseDistribution] = {name: Exponential(5.0) for name in names}
    laws["a-std5"] = Guessed(5.0)  # a name like that of the file of another one
    given = {"laws": laws, "radius": 1.0, "budget": FIXED, "work": tmp_path / "work"}
    curves = certify_noises(always_2, "gaussianblur", test_images[:1], [2], **given)
    kept = [Report.load(path) for path in (tmp_path / "work").iterdir()]
    assert len(kept) == len(names)
    assert all(report in kept for report in curves.reports.values())


def test_names_and_units_do_not_break_a_table(table, comparison, capsys):
    run = attrs.evolve(table.reports[0][0].run, units=("a|b\nc",))
    first = attrs.evolve(table.reports[0][0], run=run)
    odd = attrs.evolve(table, reports=((first, table.reports[0][1]), table.reports[1]))
    lines = [line for line in odd.markdown().splitlines() if line.startswith("|")]
    assert lines[0] == r"| σ₁ (a\|b c) | σ₂ = 0.2 | σ₂ = 1 |"
    assert len(lines) == 4
    name = "[/] [b]"
    attrs.evolve(comparison, reports={name: comparison.reports["exponential"]}).summary()
    assert name in capsys.readouterr().out


def test_noises_that_differ_late_have_headings_of_their_own(table):
    near = attrs.evolve(table, latent_stds=(0.2, 0.20000001), parameter_stds=(1.0, 1.0000001))
    assert "| σ₂ = 0.2 | σ₂ = 0.20000001 |" in near.markdown()
    assert "| 1.0000001 |" in near.markdown()
    axes = near.plot()
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0.2", "0.20000001"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["1", "1.0000001"]


def test_the_same_figure_is_the_same_file(comparison, tmp_path, monkeypatch):
    for ending in ("png", "svg", "pdf"):
        files = [tmp_path / f"{number}.{ending}" for number in range(2)]
        for file, epoch in zip(files, ("0", "1000000000"), strict=True):
            monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)  # matplotlib's clock
            save_figure(comparison.plot(), file)
        assert files[0].read_bytes() == files[1].read_bytes(), ending


def test_noise_on_a_parameter_that_ends_is_refused_for_what_it_is():
    smoothing = ParameterSmoothing(get_corruption("defocus").transformation, OneSidedUniform(3.0))
    message = "OneSidedUniform noise certifies radius where it has no upper end, but it ends at 16 px; use"
    with pytest.raises(ValueError, match=message):
        smoothing.check_support(Region(0.0, 1.0))


def test_pixel_noise_has_the_standard_deviation_that_it_claims(test_images):
    images = test_images[:40]
    rows = draw_noisy_images("rotationalblur", images, latent_std=0.4)
    assert list(rows) == ["as it is", "pixel noise, σ₂ = 0.4"]
    assert torch.equal(rows["as it is"], images)
    noise = rows["pixel noise, σ₂ = 0.4"] - images
    assert float(noise.std()) == pytest.approx(0.4, rel=0.02)  # of 31,360 values: 4 standard errors are 1.6 %
    assert abs(float(noise.mean())) < 4 * 0.4 / math.sqrt(noise.numel())
    assert list(draw_noisy_images("rotationalblur", images)) == ["as it is", "pixel noise, σ₂ = 0.25"]
    same, other = (draw_noisy_images("defocus", images, seed=seed)["pixel noise, σ₂ = 0.2"] for seed in (0, 1))
    assert torch.equal(same, draw_noisy_images("defocus", images)["pixel noise, σ₂ = 0.2"])
    assert not torch.equal(same, other)


def test_the_decoder_is_shown_under_noise_on_parameter_and_latent_code(test_images):
    recipe = attrs.evolve(get_corruption("defocus"), smoothing=LatentSmoothing(Planes(), 2.0, 0.1))
    images = test_images[:300]
    rows = draw_noisy_images(recipe, images, latent_std=0.3)
    assert list(rows)[2] == "latent noise, σ₁ = 2 px, σ₂ = 0.3, decoded"
    noise = (rows["latent noise, σ₁ = 2 px, σ₂ = 0.3, decoded"] - images).flatten(1)
    assert float(noise.std(dim=1).mean()) == pytest.approx(0.3, rel=0.01)
    assert float(noise.mean(dim=1).std()) == pytest.approx(2.0, rel=0.17)  # of 300 means: 4 standard errors


def test_a_corruption_is_shown_at_drawn_parameters(drift, test_images):
    """Drift writes its parameter into the image, so that the parameters drawn can be read from the picture."""
    images = torch.full((400, 1, 4, 4), 0.5)
    direction = torch.ones(1, 1, 4, 4)
    for lower, folded in ((0.0, True), (-10.0, False)):
        recipe = Corruption(
            "drift", drift(direction, lower), LatentSmoothing(IdentitySurrogate(), 0.0, 0.2), LatentCertifier()
        )
        shown = draw_noisy_images(recipe, images, parameter_std=2.0)["drift itself, σ₁ = 2 px"]
        drawn = (shown - 0.5)[:, 0, 0, 0]
        assert float(drawn.square().mean().sqrt()) == pytest.approx(2.0, rel=0.15)
        assert bool((drawn >= 0).all()) == folded
    own = draw_noisy_images("gaussianblur", test_images[:3], latent_std=0.2)["gaussianblur, Exponential(scale=20.0)"]
    assert float(own.flatten(1).std(dim=1).max()) < float(test_images[:3].flatten(1).std(dim=1).max())


def test_the_picture_shows_the_rows_clipped(test_images, tmp_path, caplog):
    rows = draw_noisy_images("defocus", test_images[:3])
    axes = plot_images(rows)
    shown = torch.from_numpy(axes.images[0].get_array().copy())
    noisy = rows["pixel noise, σ₂ = 0.2"]
    assert float(noisy.min()) < 0
    assert not caplog.records  # matplotlib complains of what it must clip
    for column in range(3):
        left, top = 1 + 29 * column, 1 + 29
        torch.testing.assert_close(shown[top : top + 28, left : left + 28, 0], noisy[column, 0].clamp(0, 1))
    assert [label.get_text() for label in axes.get_yticklabels()] == ["as it is", "pixel noise\nσ₂ = 0.2"]
    for ending, start in ((".png", b"\x89PNG"), (".SVG", b"<?xml"), (".pdf", b"%PDF")):
        save_figure(axes, tmp_path / f"figure{ending}")
        assert (tmp_path / f"figure{ending}").read_bytes().startswith(start)


@attrs.frozen
class Triangular(NoiseDistribution):
    name = "triangular"
    width: float

    def quantile(self, probabilities):
        raise AssertionError("nothing may be drawn before the input is checked")

    def log_density(self, x):
        raise AssertionError("nothing may be computed before the input is checked")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: match_noises("rotation"), "unlike that of 'rotation'; name a corruption with such"),
        (lambda: match_noises("translation"), "unlike that of 'translation'"),
        (lambda: match_noises(std=0.0), "std must be positive and finite, not 0.0"),
        (lambda: match_noises(names=["gausian"]), "no installed plugin provides the noise 'gausian'"),
        (lambda: match_noises(names=["uniform"]), "'uniform' does not fit 'gaussianblur': Uniform noise leaves"),
        (lambda: certify_noises(always_2, laws={}), "there are no noise distributions"),
        (lambda: certify_noises(always_2, laws={"a": Uniform(1.0)}), "'a' does not fit 'gaussianblur'"),
        (lambda: certify_noises(always_2, laws={"a": Triangular(1.0)}), "'a' does not fit 'gaussianblur'"),
        (lambda: certify_noises(always_2, "brightness", laws={"a": Exponential(1.0)}), "from the identity upwards"),
        (lambda: certify_noises(always_2, budget=Budget(samples=5)), "5 draws certify no radius at alpha 0.001"),
        (
            lambda: certify_noises(always_2, images="fashion-mnist", radius=-1.0),
            "radius must be finite and at least 0, not -1.0",
        ),
        (lambda: certify_noises(always_2, images="fashion-mnist", radius=0), "a curve needs a radius above 0"),
        (lambda: certify_noises(always_2, "gaussianblur", torch.rand(1, 1, 8, 8)), "needs labels; pass labels="),
        (
            lambda: certify_noises(always_2, images="fashion-mnist", work=__file__),
            "is a file, but reports are kept in a folder",
        ),
        (lambda: certify_variances(always_2, "gaussianblur"), "'gaussianblur' is not smoothed in a latent layer"),
        (
            lambda: certify_variances(always_2, images="fashion-mnist", latent_stds=[0.1, 0.0]),
            "latent_std of LatentSmoothing must be positive",
        ),
        (lambda: certify_variances(always_2, latent_stds=[]), "needs at least one σ₁ and one σ₂"),
        (
            lambda: certify_variances(always_2, images="fashion-mnist", certifier="surrogate"),
            "needs LatentSmoothing with parameter_std above 0",
        ),
        (lambda: draw_noisy_images("defocus:discrete", torch.rand(1, 1, 8, 8)), "is certified without noise"),
        (lambda: draw_noisy_images("gaussianblur", torch.rand(1, 1, 8, 8)), "pass latent_std, such as 0.25"),
        (
            lambda: draw_noisy_images("gaussianblur", torch.rand(1, 1, 8, 8), parameter_std=1.0),
            "has the noise Exponential(scale=20.0) on its parameter; leave parameter_std out",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_the_next_step(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


def test_a_cell_that_no_theorem_covers_is_refused_before_the_first(test_images):
    def untouched(images):
        raise AssertionError("the model may not be called before all cells are checked")

    with pytest.raises(ValueError, match="parameter_std above 0"):
        certify_variances(
            untouched,
            "defocus",
            "fashion-mnist",
            smoothing=LatentSmoothing(Planes(), 0.1, 0.2),
            parameter_stds=[0.1, 0.0],
            certifier="surrogate",
        )


def test_a_decoder_that_takes_no_parameters_is_not_shown_under_noise_on_them(test_images):
    torch.manual_seed(0)
    restorer = UNetSurrogate(planes=0, width=4, depth=1).eval()
    recipe = attrs.evolve(get_corruption("defocus"), smoothing=LatentSmoothing(restorer, 0.0, 0.1))
    assert list(draw_noisy_images(recipe, test_images[:1]))[2] == "latent noise, σ₂ = 0.1, decoded"
    with pytest.raises(ValueError, match="its decoder is shown under σ₂"):
        draw_noisy_images(recipe, test_images[:1], parameter_std=0.3)


def test_commands_refuse_bad_input_before_the_work(tmp_path, capsys):
    out = tmp_path / "figure.png"
    for arguments, message in (
        (["noises", "--out", tmp_path / "figure.gif"], "a figure's file ends in .png, .svg, .pdf"),
        (["noises", "--out", tmp_path / "no" / "figure.png"], "there is no folder"),
        (["noises", "--std", "-1", "--out", out], "std must be positive"),
        (["noises", "--model", "{rule}.safetensors", "--out", out], "may have braces only around {law}"),
        (["variances", "gaussianblur", "--out", out], "'gaussianblur' is not smoothed in a latent layer"),
        (["variances", "--latent-stds", "0.1", "-0.1", "--out", out], "must be positive and finite"),
        (["variances", "--parameter-stds", "0.1", "--out", out], "its table is a row over σ₂"),
        (["variances", "--markdown", tmp_path / "no" / "table.md", "--out", out], "there is no folder"),
        (["augmented", "defocus", "--latent-std", "0", "--out", out], "must be positive and finite"),
        (["augmented", "defocus", "--surrogate", tmp_path / "none.safetensors", "--out", out], "none"),
        (["augmented", "gaussianblur", "--out", out], "pass latent_std"),
    ):
        assert run("figure", *arguments) == 2
        assert message in " ".join(capsys.readouterr().err.split()), arguments
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib_nothing_is_certified(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    work = tmp_path / "work"
    assert run("figure", "noises", "--out", tmp_path / "figure.png", "--work", work) == 2
    assert "pip install 'gsmooth-core[report]'" in capsys.readouterr().err
    assert not work.exists()


@pytest.mark.parametrize("stds", [("0.2", "0.3"), ("0.2", "0.20000001")])
def test_braces_in_the_models_name_give_each_cell_its_own(stds, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for number, std in enumerate(stds):
        torch.manual_seed(number)
        save_classifier(SmallConvNet(), f"{std}.safetensors", name="smallconvnet", classes=10, channels=1, card={})
    given = ["--model", "{latent_std}.safetensors", "--latent-stds", *stds, "--limit", "2", "--samples", "100"]
    assert run("figure", "variances", "--radius", "0.1", *given, "--work", "work", "--out", "figure.png") == 0
    assert "A classifier for each cell" in capsys.readouterr().out
    first, second = (Report.load(f"work/rotationalblur-latent{std}.json") for std in stds)
    assert first.run.model_hash != second.run.model_hash


def test_the_page_runs(tmp_path, monkeypatch, surrogate, capsys):
    monkeypatch.chdir(tmp_path)
    page = PAGE.read_text()
    commands = re.findall(r"^gsmooth (figure .*)$", page.replace("\\\n", ""), flags=re.MULTILINE)
    assert len(commands) == page.count("\ngsmooth figure ") == 7
    for command in commands:
        words = shlex.split(command)
        assert run(*words) == 0, command
        out = Path(words[words.index("--out") + 1])
        assert out.stat().st_size > 5_000
        if out.suffix == ".png":
            with Image.open(out) as picture:
                assert min(picture.size) > 200
    assert "| σ₁ (ratio) | σ₂ = 0.15 | σ₂ = 0.25 |" in Path("table.md").read_text()
    assert len(list((tmp_path / "table").iterdir())) == 4
    scope: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL):
        exec(compile(block, "figures.md", "exec"), scope)
    assert scope["comparison"].std == pytest.approx(10)
    assert "| σ₂ = 0.15 | σ₂ = 0.2 |" in capsys.readouterr().out
