"""The page of reports says what the reports say, and a browser shows it."""

import base64
import io
import math
import os
import re
import shutil

import attrs
import pytest
import torch
from PIL import Image
from torchvision.transforms.functional import pil_to_tensor

from gsmooth_core import (
    AttackBudget,
    AttackReport,
    Budget,
    Guarantee,
    Region,
    Report,
    SmallConvNet,
    attack,
    certify,
    get_corruption,
    load_example_model,
    load_fashion_mnist,
    measure_corruption_accuracy,
    render_page,
    save_page,
    smooth,
)
from gsmooth_core.cli.app import main
from gsmooth_core.page.contents import arrange
from gsmooth_core.page.pictures import strips
from gsmooth_core.results.wording import spans

CORRUPTIONS = (
    "defocus:discrete",
    "zoomblur:discrete",
    "pixelate:discrete",
    "translation:black",
    "gaussianblur",
    "contrast",
)
LIMIT = 8
BUDGET = Budget(samples=1_000)


def other_model() -> SmallConvNet:
    torch.manual_seed(0)
    return SmallConvNet()


@pytest.fixture(scope="module")
def reports() -> dict[str, list[Report]]:
    models = {"good": load_example_model(), "bad": other_model()}
    return {
        name: [
            certify(model, corruption, "fashion-mnist", limit=LIMIT, maximize=True, budget=BUDGET)
            for corruption in CORRUPTIONS
        ]
        for name, model in models.items()
    }


@pytest.fixture(scope="module")
def attacks() -> list[AttackReport]:
    model = load_example_model()
    budget = AttackBudget(calls=100, draws=20, confirm=100)
    blur = smooth(model, "gaussianblur")
    return [
        attack(model, "defocus:discrete", limit=LIMIT),
        attack(blur, "gaussianblur", limit=LIMIT, budget=budget),
        attack(model, "gaussianblur", limit=LIMIT, budget=budget),
    ]


@pytest.fixture(scope="module")
def page(reports, attacks) -> str:
    return render_page(reports, images=load_fashion_mnist("test")[0], attacks=attacks, title="Shop <b>")


def test_the_page_is_one_small_file_that_needs_no_other(page):
    assert len(page.encode()) < 3_000_000
    addresses = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"')\s>]+)""", page)
    assert addresses
    assert all(address.startswith(("data:", "#", "${data.")) for address in addresses)
    assert "Shop &lt;b&gt;" in page
    assert "Shop <b>" not in page


def test_the_page_has_every_reports_figures(page, reports, attacks):
    for several in reports.values():
        for report in several:
            assert f">{report.certified_accuracy()}</b>" in page
            assert report.run.model_hash in page
    assert f'<span class="rate">{attacks[1].bound}</span> <small>plain model: {attacks[2].bound}</small>' in page
    assert "Not proved" not in page  # no estimate is on it
    assert "Proved for the real corruption" in page


def test_every_image_has_one_outcome(reports):
    for section in arrange(reports, []):
        for entry in section.entries:
            assert sum(entry.outcomes.values()) == LIMIT
            rate = entry.report.certified_accuracy()
            assert entry.outcomes["certified"] / LIMIT == rate.value


def test_reports_are_told_apart(reports):
    exact = reports["good"][0]
    [section] = arrange({"a": [exact, exact], "b": [exact]}, [])
    assert [entry.label for entry in section.entries] == [
        "a, enumeration (1)",
        "a, enumeration (2)",
        "b",
    ]
    page = render_page([reports["good"][0], reports["bad"][0]])
    assert all(f"SmallConvNet {several[0].run.model_hash[:6]}" in page for several in reports.values())
    assert render_page({"good": reports["good"][0]}) == render_page({"good": reports["good"][:1]})
    alone = render_page(reports["good"][0])
    assert f"SmallConvNet {reports['good'][0].run.model_hash[:6]}" not in alone


def test_failures_come_first_and_bars_end_where_certificates_end(reports, attacks):
    images = load_fashion_mnist("test")[0]
    for section in arrange(reports, attacks):
        recipe = get_corruption(section.corruption)
        shown = strips(section, recipe, images)
        order = [("wrong", "abstained", "not certified", "certified").index(strip.worst) for strip in shown]
        assert order == sorted(order)
        assert len(shown) == LIMIT
        for bar in (bar for strip in shown for bar in strip.bars):
            certificate, asked = bar.certificate, bar.entry.report.run.region
            assert (bar.end is None) == (certificate.region is None)
            if bar.end is None:
                continue
            walk = recipe.transformation.space.walk(asked, 401)
            first, last = round(400 * bar.start), round(400 * bar.end)
            assert certificate.region.contains(walk[first : last + 1]).all()
            outside = torch.cat([walk[:first], walk[last + 1 :]])
            assert not certificate.region.contains(outside).any()
            if certificate.certified:
                assert (bar.start, bar.end) == (0, 1)
            if section.corruption == "defocus:discrete" and certificate.witness is not None:
                assert any(abs(place * 5 - certificate.witness[0]) <= 5 / 400 for place in bar.marks)


def test_no_radius_is_rounded_up(reports):
    report, images = reports["good"][0], load_fashion_mnist("test")[0]
    one = report.certificates[0]
    root = math.sqrt(13)
    change = {"certified": False, "radius": root, "region": Region(0, root), "witness": (3.60556,)}
    partial = attrs.evolve(report, certificates=(attrs.evolve(one, **change),))
    page = render_page(partial, images=images)
    assert "certified for radius from 0 to 3.60555 px" in page
    assert "another answer at radius 3.60556 px" in page
    assert "certified up to radius 3.6" in page
    assert "3.61" not in page


def test_every_number_on_the_page_is_short(reports):
    """A radius and a witness as long as Python writes them are shown with six digits, a time with two."""
    report, images = reports["good"][0], load_fashion_mnist("test")[0]
    root = 3.6055512754639896
    whole = {"certified": True, "radius": root, "region": Region(0, root), "witness": None}
    broken = {"certified": False, "radius": None, "region": None, "witness": (root / 2,)}
    changes = [whole, broken] * (LIMIT // 2)
    run = attrs.evolve(report.run, radius=root, region=Region(0, root), budget=attrs.evolve(BUDGET, alpha=1 / 3))
    changed = [attrs.evolve(one, **change) for one, change in zip(report.certificates, changes, strict=True)]
    page = render_page(attrs.evolve(report, run=run, certificates=tuple(changed)), images=images)
    assert "another answer at radius 1.80278 px" in page  # away from the unchanged image: 1.8027756 is not less
    assert "at 3.60555" in page
    text, data = page.partition('<script type="application/json"')[::2]
    shown = re.sub(r"<[^>]*>", " ", re.sub(r"data:[^\"]*|<style>.*?</style>", "", text, flags=re.DOTALL))
    assert not re.findall(r"\d\.\d{7,}", shown)
    assert "toPrecision(4)" in data


def test_classes_are_named(reports):
    names = tuple(f"kind {number}" for number in range(10))
    report = attrs.evolve(reports["good"][0], class_names=names, wall_seconds=12.34)
    one = report.certificates[0]
    page = render_page(report, images=load_fashion_mnist("test")[0])
    assert "<dt>Classes</dt><dd>0 kind 0, 1 kind 1, " in page
    assert f"class {one.label} (kind {one.label})" in page
    assert f"answers {one.predicted} (kind {one.predicted})" in page
    assert "12.3 s in all" in page


def test_one_image_is_not_called_images(reports):
    one = attrs.evolve(reports["good"][4], certificates=reports["good"][4].certificates[:1])
    page = render_page(one)
    assert "; 1 image</small>" in page
    assert "1 images" not in page


def test_a_flat_curve_says_how_a_curve_comes(reports):
    report = reports["good"][0]
    assert "--maximize" not in render_page(report)
    decided = attrs.evolve(report, run=attrs.evolve(report.run, maximize=False))
    assert decided.flat
    assert "certify with it (on the command line: <code>--maximize</code>)" in render_page(decided)


def test_words_name_the_region_and_not_the_radius(reports):
    for report in reports["good"]:
        page = render_page(report, images=load_fashion_mnist("test")[0])
        for one in report.certificates:
            if one.region is not None and one.predicted is not None:
                words = " and ".join(spans(one.region, report.run.names, report.run.units))
                answer = f"answers {report.class_words(one.predicted)}{', wrong' * (not one.correct)}"
                assert f"{answer}, certified for {words}" in page


def test_an_estimate_is_called_one_everywhere(reports):
    proved = reports["good"][4]
    weak = attrs.evolve(
        proved,
        run=attrs.evolve(proved.run, guarantee=Guarantee.ESTIMATE),
        certificates=tuple(attrs.evolve(one, guarantee=Guarantee.ESTIMATE) for one in proved.certificates),
    )
    page = render_page({"weak": weak}, images=load_fashion_mnist("test")[0])
    assert "What is marked as an estimate is not proved." in page
    assert "if the estimate holds" in page
    assert "weak (estimate)" in page
    assert "estimated, not proved, for variance" in page
    assert ", certified for" not in page
    assert "marked as an estimate" not in render_page(proved)
    own = attrs.evolve(weak, run=proved.run)  # the certificates alone are weaker than the run says
    page = render_page({"weak": own})
    assert "weak (estimate)" in page
    assert "estimate <small>error probability at most 0.001 if the estimate holds" in page


def test_an_attack_that_finds_nothing_is_no_break(reports, attacks):
    """Too few votes to answer: the classifier abstains, so that nothing is wrong."""
    report, attack_ = reports["good"][4], attacks[1]
    silent = attrs.evolve(attack_, images=tuple(attrs.evolve(one, predicted=None) for one in attack_.images))
    [section] = arrange({"good": [report]}, [silent])
    assert section.entries[0].attacked == silent.bound
    assert section.entries[0].attacked.value >= report.certified_accuracy().value
    assert silent.accuracy.value == 0


def test_a_strip_holds_the_corrupted_images(reports):
    images = load_fashion_mnist("test")[0]
    [section] = arrange({"good": [reports["good"][1]]}, [])
    strip = strips(section, get_corruption("zoomblur:discrete"), images)[0]
    row = Image.open(io.BytesIO(base64.b64decode(strip.address.partition(",")[2])))
    pixels = pil_to_tensor(row.convert("L")).view(28, 9, 28) / 255
    for place, strength in enumerate(torch.linspace(0, 0.5, 9)):
        transformation = get_corruption("zoomblur:discrete").transformation
        wanted = transformation.apply(images[[strip.index]], strength.view(1, 1).double())[0, 0]
        assert (pixels[:, place] - wanted).abs().max() < 1 / 128


def test_large_colour_images_are_shown_small(reports):
    model = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten(), torch.nn.Linear(12, 3))
    images = torch.rand(2, 3, 120, 160, generator=torch.Generator().manual_seed(0))
    report = certify(model, "pixelate:discrete", images, [0, 1], radius=0.1)
    [section] = arrange({"": [report]}, [])
    strip = strips(section, get_corruption("pixelate:discrete"), images)[0]
    row = Image.open(io.BytesIO(base64.b64decode(strip.address.partition(",")[2])))
    assert (row.size, row.mode, row.format) == ((9 * 96, 72), "RGB", "JPEG")


def test_without_labels_or_a_radius_there_are_no_curves(reports):
    images = load_fashion_mnist("test")[0][:3]
    page = render_page(certify(load_example_model(), "defocus:discrete", images))
    assert "right or wrong" in page
    assert "<figure" not in page
    assert "keep an\nanswer" in page or "keeps an\nanswer" in page
    assert "<td>unknown</td>" in page  # nobody knows how many are wrong
    both = render_page({"a": certify(load_example_model(), "defocus:discrete", images), "b": reports["good"][0]})
    assert both.count("<figure") == 2  # the labelled one is drawn
    assert "about different images" in both


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"images": load_fashion_mnist("test")[0].flip(0)}, "image 0 is not the one of the report"),
        ({"images": load_fashion_mnist("test")[0][:3]}, "image 3 is not the one"),
        ({"images": torch.rand(8, 2, 28, 28)}, "one channel or three"),
    ],
)
def test_images_must_be_those_that_were_certified(reports, change, words):
    with pytest.raises(ValueError, match=words):
        render_page(reports, **change)


def test_what_does_not_belong_is_refused(reports, attacks, tmp_path):
    with pytest.raises(ValueError, match="fits no report"):
        render_page(reports["bad"], attacks=attacks)
    moved = attrs.evolve(attacks[0], images=tuple(attrs.evolve(one, label=9 - one.label) for one in attacks[0].images))
    with pytest.raises(ValueError, match="images or labels are others"):
        render_page(reports["good"], attacks=moved)
    for wrong in ("demo", {"a": "demo.json"}, ["demo.json"]):
        with pytest.raises(ValueError, match=r"read a file with Report\.load"):
            render_page(wrong)
    with pytest.raises(ValueError, match="no report to show"):
        render_page([])
    with pytest.raises(ValueError, match=r"written to an \.html file"):
        save_page(tmp_path / "page.txt", reports)
    old = attrs.evolve(reports["good"][0], run=attrs.evolve(reports["good"][0].run, transformation="Defocus() 123"))
    with pytest.raises(ValueError, match="was certified; leave the images out"):
        render_page(old, images=load_fashion_mnist("test")[0])


def test_the_command_makes_the_page_from_folders(reports, attacks, tmp_path, capsys):
    for name, several in reports.items():
        (tmp_path / name).mkdir()
        for report in several:
            report.save(tmp_path / name / f"{report.run.corruption.replace(':', '-')}.json")
    attacks[0].save(tmp_path / "good" / "attack.json")
    out = tmp_path / "page.html"
    with pytest.raises(SystemExit) as stop:
        main(["page", str(tmp_path / "good"), str(tmp_path / "bad"), "--out", str(out), "--title", "Shop"])
    assert stop.value.code == 0
    made = out.read_text()
    assert re.search(r"page: .*page\.html", capsys.readouterr().out)
    sorted_ = {name: sorted(several, key=lambda one: one.run.corruption) for name, several in reports.items()}
    assert made == render_page(sorted_, images=load_fashion_mnist("test")[0], attacks=attacks[:1], title="Shop")
    out = tmp_path / "named.html"
    with pytest.raises(SystemExit) as stop:
        main(["page", str(tmp_path / "good"), "--out", str(out), "--name", "Product 7"])
    assert stop.value.code == 0
    assert "<b>Product 7</b>" in out.read_text()
    attacks[1].save(tmp_path / "blur.json")  # beside its folder, named by itself
    for arguments, words in (
        ([str(tmp_path / "good"), str(tmp_path / "bad"), "--name", "x"], "for one model, not for good, bad"),
        ([str(tmp_path / "bad"), str(tmp_path / "blur.json")], "8 images against 8"),
        ([str(tmp_path / "nosuch")], "there is no file"),
        ([], "no report to show"),
    ):
        with pytest.raises(SystemExit) as stop:
            main(["page", *arguments, "--out", str(out)])
        assert stop.value.code == 2
        assert words in " ".join(capsys.readouterr().err.split())
    with pytest.raises(SystemExit) as stop:
        main(["page", str(tmp_path / "good"), str(tmp_path / "blur.json"), "--out", str(out)])
    assert stop.value.code == 0
    assert str(attacks[1].bound) in out.read_text()
    (tmp_path / "good" / "card.json").write_text('{"name": "smallconvnet"}')
    (tmp_path / "good" / "notes.json").write_text("[1, 2")
    with pytest.raises(SystemExit) as stop:
        main(["page", str(tmp_path / "good"), "--out", str(out), "--no-pictures"])
    assert stop.value.code == 0
    assert "strip" not in out.read_text().partition("<body>")[2].partition("<script")[0]
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit) as stop:
        main(["page", str(tmp_path / "empty"), "--out", str(out)])
    assert stop.value.code == 2
    assert "no report" in capsys.readouterr().err


def test_the_pages_old_name_goes_on_working_with_a_hint(reports, tmp_path, capsys):
    reports["good"][0].save(tmp_path / "good.json")
    made = []
    for name in ("report", "page"):
        with pytest.raises(SystemExit) as stop:
            main([name, str(tmp_path / "good.json"), "--out", str(tmp_path / "page.html")])
        assert stop.value.code == 0
        made.append((tmp_path / "page.html").read_text())
    assert made[0] == made[1]
    assert capsys.readouterr().err == "gsmooth: 'gsmooth report' is now called 'gsmooth page'\n"


def test_show_prints_each_format(reports, attacks, tmp_path, capsys):
    attacks[0].save(tmp_path / "attack.json")
    score = measure_corruption_accuracy(
        SmallConvNet(), *load_fashion_mnist("test"), corruptions=["contrast"], severities=[1]
    )
    score.save(tmp_path / "table.json")
    files = [str(tmp_path / name) for name in ("one.json", "two.json")]
    for file, report in zip(files, reports["good"], strict=False):
        report.save(file)
    for arguments, words in (
        ([*files], "zoomblur:discrete: largest zoom"),
        ([str(tmp_path / "attack.json")], "attacked by"),
        ([str(tmp_path / "table.json")], "accuracy by severity"),
        ([*files, "--format", "markdown", "--radius", "0.3"], "| certified at 0.3 |"),
        ([*files, "--format", "latex"], r"\begin{tabular}"),
        ([files[0], "--format", "tsv"], "idx\tlabel\tpredict"),
    ):
        with pytest.raises(SystemExit) as stop:
            main(["show", *arguments])
        assert stop.value.code == 0
        assert words in capsys.readouterr().out
    for arguments, words in (
        ([*files, "--format", "tsv"], "about one report"),
        ([*files, "--radius", "1"], "is for a table"),
        ([], "name at least one file"),
    ):
        with pytest.raises(SystemExit) as stop:
            main(["show", *arguments])
        assert stop.value.code == 2
        assert words in capsys.readouterr().err


@pytest.fixture(scope="module")
def browser():
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        if os.environ.get("CI_NEEDS_BROWSER"):
            pytest.fail("there is no Chromium; apt-get install chromium")
        pytest.skip("there is no Chromium; apt-get install chromium")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def opened(browser, page, tmp_path):
    (tmp_path / "page.html").write_text(page)
    errors: list[str] = []
    asked: set[str] = set()
    contexts = []

    def open_page(width: int = 1280, **settings):
        context = browser.new_context(viewport={"width": width, "height": 800}, **settings)
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: errors.append(message.text))
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.on("request", lambda request: asked.add(request.url))
        tab.goto(f"file://{tmp_path}/page.html")
        return tab

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []
    assert {address.partition(":")[0] for address in asked} <= {"data", "file"}
    assert [address for address in asked if address.startswith("file")] == [f"file://{tmp_path}/page.html"]


@pytest.mark.parametrize("width", [1280, 768, 360])
def test_a_browser_shows_the_figures_at_any_width(opened, reports, width):
    tab = opened(width)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.locator("h1").inner_text() == "Shop <b>"
    shown = tab.locator("table.sortable tbody tr").all_inner_texts()
    assert len(shown) == 12
    for number, corruption in enumerate(CORRUPTIONS):
        for name, row in zip(("good", "bad"), shown[2 * number : 2 * number + 2], strict=True):
            assert corruption in row
            assert str(reports[name][number].certified_accuracy()) in row
    assert tab.evaluate("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
    assert tab.evaluate("[...document.images].every((image) => image.alt.length > 20)")
    ids = tab.evaluate("[...document.querySelectorAll('[id]')].map((element) => element.id)")
    assert len(ids) == len(set(ids))


def test_tables_sort_and_corruptions_are_chosen(opened, reports):
    tab = opened()
    certified = tab.locator("table.sortable thead button", has_text="certified")
    rates = sorted(report.certified_accuracy().value for several in reports.values() for report in several)
    for expected in (rates[::-1], rates):
        certified.click()
        values = tab.locator("td[data-label=certified]").evaluate_all("(cells) => cells.map((c) => +c.dataset.value)")
        assert values == pytest.approx(expected)
    assert tab.locator("th[aria-sort=ascending]").inner_text().startswith("certified")
    tab.get_by_label("Corruption:").select_option("gaussianblur")
    assert tab.locator("section.corruption:visible h2").all_inner_texts() == ["gaussianblur"]
    assert tab.locator("table.sortable tbody tr:visible").count() == 2
    tab.locator("nav a", has_text="contrast").click()
    assert tab.locator("section.corruption:visible").count() == len(CORRUPTIONS)


def test_a_curve_is_explored_by_pointer_and_keyboard(opened, reports):
    tab = opened()
    report, figure = reports["good"][4], tab.locator('figure.chart[data-section="corruption-gaussianblur"]')
    slider = figure.get_by_label("radius", exact=True)
    slider.focus()
    for key, radius in (("Home", 0.0), ("End", 36.0)):
        tab.keyboard.press(key)
        assert f"good: {report.certified_accuracy(radius)}" in figure.locator("output").inner_text()
    plot = figure.locator(".plot")
    left, right = (float(plot.get_attribute(f"data-{side}")) for side in ("left", "right"))
    box = plot.bounding_box()
    plot.hover(position={"x": box["width"] * (left + right) / 2, "y": box["height"] / 2})
    shown = re.match(r"At radius ([\d.]+)\n", figure.locator("output").inner_text())  # rounded down
    assert float(shown[1]) == pytest.approx(18, abs=0.1)
    radius = float(slider.input_value())
    assert f"good: {report.certified_accuracy(radius)}" in figure.locator("output").inner_text()
    ended = [one for one in report.certificates if (one.radius or 0) < radius]
    labels = figure.locator(".thumb").evaluate_all("(tiles) => tiles.map((tile) => tile.ariaLabel)")
    assert sum(", good:" in label for label in labels) == len(ended)
    assert {int(re.match(r"image (\d+), good", label)[1]) for label in labels if ", good:" in label} == {
        one.index for one in ended
    }


def test_without_scripts_everything_is_there(opened):
    tab = opened(java_script_enabled=False)
    assert tab.locator("section.corruption:visible").count() == len(CORRUPTIONS)
    assert tab.locator(".strips li:visible").count() == LIMIT * len(CORRUPTIONS)
    assert tab.locator("figure:visible").count() == 2 * len(CORRUPTIONS)
    assert tab.locator("select, button").count() == 0
