"""The documentation site: its pages run, say what is true, leave nothing out, link to what exists, and build."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import attrs
import pytest
from helpers import script

import gsmooth_core
from gsmooth_core import Budget, Guarantee, certify, testing
from gsmooth_core.cli import exit_codes
from gsmooth_core.cli.app import app, main
from gsmooth_core.plugins import builtins, hookspecs
from gsmooth_core.plugins import registry as plugins
from gsmooth_core.plugins.registry import corruptions_of

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [page for page in sorted(DOCS.glob("*.md")) if page.stem not in ("attacks", "training")]
"""All but those two, which tests/docs/test_pages.py runs, as it does the README."""
MARKDOWN = [
    path
    for pattern in ("*.md", "docs/*.md", "benchmarks/results/*.md", "plugins/*/README.md", "examples/*/README.md")
    for path in sorted(ROOT.glob(pattern))
]
CHOICE = (DOCS / "choosing.md").read_text()
SHOWN = [entry for entry in script("write_catalogue").entries(ROOT) if f"[`{entry.name}`]" in CHOICE]
"""The corruptions that the page shows: tests/docs/test_catalogue.py says which these are at least."""


def blocks(path, language):
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(), flags=re.DOTALL | re.MULTILINE)


def commands(path):
    """The lines of a page that call ``gsmooth``, each with the exit code that it should have."""
    code = "".join(blocks(path, "sh") + blocks(path, "text")).replace("\\\n", " ")
    lines = re.findall(r"^gsmooth (.*)$", code, flags=re.MULTILINE)
    parts = [line.partition(" || test $? -eq ") for line in lines]
    return [(shlex.split(command, comments=True), int(code or 0)) for command, _, code in parts]


def row_of(page, first):
    """The cells of the row whose first cell starts with ``first``, in any table of the page."""
    [row] = re.findall(rf"^\| \[?{re.escape(first)}(?:\]\([^)]*\))? (\|.*)\|$", page, flags=re.MULTILINE)
    return row


def leaves(app, *path):
    """The words of every command that does something by itself, and its app."""
    for name in app:
        if not name.startswith("-"):
            inner = app[name]
            if inner.default_command is None:
                yield from leaves(inner, *path, name)
            else:
                yield " ".join((*path, name)), inner


COMMANDS = dict(leaves(app))


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.stem)
def test_every_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scope = {"__name__": page.stem}
    for block in blocks(page, "python"):
        exec(compile(block, page.name, "exec"), scope)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_on_a_page_is_understood(page, parse):
    for command, _ in commands(page):
        parse(command)


@pytest.mark.parametrize("name", ["start", "long_runs"])
def test_the_cheap_commands_do_what_the_page_says(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cheap = [entry for entry in commands(DOCS / f"{name}.md") if not any("/" in word for word in entry[0])]
    assert len(cheap) >= 3
    for command, code in cheap:
        with pytest.raises(SystemExit) as stop:
            main(command)
        assert stop.value.code == code, command


def test_the_start_page_explains_every_row_of_a_report(example_model, capsys):
    page = (DOCS / "start.md").read_text()
    for corruption in ("zoomblur:discrete", "gaussianblur"):
        certify(example_model, corruption, limit=1, maximize=True, budget=Budget(samples=200)).summary()
    rows = re.findall(r"^│ (\S.*?) *│", capsys.readouterr().out, flags=re.MULTILINE)
    assert len(set(rows)) >= 10
    for row in rows:
        assert row_of(page, row.partition(" (median")[0])
    claims = re.findall(r"^\*(Proved .*?)\*$", page, flags=re.DOTALL | re.MULTILINE)
    assert len(claims) == 2
    for claim, name in zip(claims, ("zoomblur:discrete", "defocus"), strict=True):
        [certificate] = certify(example_model, name, limit=1).certificates
        assert certificate.claim == " ".join(claim.split())


@pytest.mark.parametrize("entry", SHOWN, ids=lambda entry: entry.name)
def test_the_choice_of_corruptions_is_complete_and_true(entry):
    page = (DOCS / "choosing.md").read_text()
    for recipe in corruptions_of(entry.name):
        row = row_of(page, f"`{recipe.name}`")
        guarantee = recipe.certifier.guarantee(recipe.outline())
        assert f"`{recipe.certifier.name}`" in row
        assert f"`{guarantee.value}`" in row
        assert f"[`{recipe.name}`](../plugins/{entry.folder}/README.md)" in page


def test_the_choices_of_certifiers_budgets_and_guarantees_are_complete():
    page = (DOCS / "choosing.md").read_text()
    assert all(row_of(page, f"`{certifier.name}`") for certifier in builtins.gsmooth_certifiers())
    assert all(f"`{guarantee.value}`" in page for guarantee in Guarantee)
    for field in attrs.fields(Budget):
        row = row_of(page, f"`{field.name}`")
        if field.default is not None:
            shown = f'`"{field.default}"`' if isinstance(field.default, str) else f"{field.default:,}"
            assert row.startswith(f"| {shown} |")


def test_every_public_name_stands_in_one_group_of_the_reference():
    page = (DOCS / "api.md").read_text()
    named = {}
    for module, part in re.findall(r"currentmodule:: (\S+)(.*?)(?=currentmodule|\Z)", page, flags=re.DOTALL):
        named.setdefault(module, []).extend(
            re.findall(r"^\.\. (?:auto\w+|data|function):: (\w+)", part, flags=re.MULTILINE)
        )
    hooks = [name for name in vars(hookspecs) if name.startswith("gsmooth_")]
    assert {module: sorted(names) for module, names in named.items()} == {
        "gsmooth_core": sorted({*gsmooth_core.__all__} - {"adapters"}),
        "gsmooth_core.adapters": sorted(gsmooth_core.adapters.__all__),
        "gsmooth_core.hookspecs": sorted(hooks),
        "gsmooth_core.testing": sorted(testing.__all__),
    }


def test_every_hook_and_entry_point_group_is_in_the_tutorial():
    tutorial = (DOCS / "plugins.md").read_text()
    for group in (plugins.CORRUPTIONS, plugins.NOISES, plugins.CERTIFIERS):
        assert f"`{group}`" in tutorial
    for name in vars(hookspecs):
        assert not name.startswith("gsmooth_") or name in tutorial


def test_the_page_of_commands_names_each_of_them():
    page = (DOCS / "commands.md").read_text()
    assert sorted(re.findall(r"^\| `gsmooth ([a-z ]+)` \|", page, flags=re.MULTILINE)) == sorted(COMMANDS)


@pytest.mark.parametrize("name", ["commands", "long_runs"])
def test_every_exit_code_is_documented(name):
    page = (DOCS / f"{name}.md").read_text()
    codes = {value for constant, value in vars(exit_codes).items() if constant.startswith("EXIT_")}
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", page, flags=re.MULTILINE)} == {0, *codes}


def test_the_results_are_those_of_the_benchmark():
    """Each row of the table of results stands in the benchmark's own table, figure by figure, and none is left out."""
    page, benchmark = (DOCS / "results.md").read_text(), (ROOT / "benchmarks" / "results" / "mnist.md").read_text()
    rows = re.findall(r"^\| (`[a-z:]+`) \| (.*) \|$", page, flags=re.MULTILINE)
    assert {name for name, _ in rows} == set(re.findall(r"^\| (`[a-z:]+`) \|", benchmark, flags=re.MULTILINE))
    for name, figures in rows:
        _, ours, published, guarantee, *_ = row_of(benchmark, name).split(" | ")
        assert figures == f"{ours} | {published} | {guarantee}", f"the row of {name} has changed"


def test_the_readmes_figures_stand_in_the_benchmarks_that_it_names():
    measured = (ROOT / "README.md").read_text().partition("## Measured")[2].partition("\n## ")[0]
    bullets = [" ".join(bullet.split()) for bullet in re.split(r"^- ", measured, flags=re.MULTILINE)[1:]]
    assert sum(bullet.count(" %") for bullet in bullets) > 15
    for bullet in bullets:
        pages = "".join((ROOT / page).read_text() for page in re.findall(r"\]\((benchmarks/results/[^)]*)\)", bullet))
        for figure in re.findall(r"(\d+(?:\.\d+)?) %", bullet):
            assert re.search(rf"(?<![\d.]){re.escape(figure)}(\.0)?(?!\.?\d)", pages), f"{figure} % in: {bullet}"
    attacks = json.loads((ROOT / "benchmarks" / "results" / "attacks.json").read_text())
    certified, attacked, abstained = (
        [float(row[name].split()[0]) for row in attacks] for name in ("certified", "attacked", "abstained")
    )
    above = [right + silent - proved for right, silent, proved in zip(attacked, abstained, certified, strict=True)]
    [low, high] = re.findall(r"between (\d+) and (\d+) points above", " ".join(measured.split()))[0]
    assert (float(low), float(high)) == (min(above), max(above))
    assert not any(row["certified and broken"] for row in attacks)
    assert f"on {len(attacks)} smoothed classifiers" in measured
    plain = {row["corruption"]: row["plain attacked"] for row in attacks if row["source"] == "mnist"}
    assert (plain["translation"].split()[0], plain["rotation"].split()[0]) == ("0.0", "12.0")
    page = (ROOT / "benchmarks" / "results" / "mnist.md").read_text()
    mnist = [float(rate) for rate in re.findall(r"^\| `[a-z:]+` \| [^|]* \| ([\d.]+) %", page, flags=re.MULTILINE)]
    assert (len(mnist), min(mnist), max(mnist)) == (16, 87, 100)
    page = (ROOT / "benchmarks" / "results" / "corruptions.md").read_text()
    clean = re.findall(r"^\| none \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) ", page, flags=re.MULTILINE)[0]
    rows = re.findall(r"^\| `\w+` \| ([\d., ]+) \| ([\d., ]+) \| ([\d., ]+) \|$", page, flags=re.MULTILINE)
    assert len(rows) == 6
    columns = [[float(share) for row in rows for share in row[place].split(", ")] for place in range(3)]
    figures = (f"{none} % and {min(column)} % to {max(column)} %" for none, column in zip(clean, columns, strict=True))
    plain_one, augmented, smoothed = figures
    text = " ".join(measured.split())
    assert f"a plain one on {plain_one}" in text
    assert f"without noise on {augmented}" in text
    assert f"by 100 votes, is right on {smoothed}" in text
    falsify = json.loads((ROOT / "benchmarks" / "results" / "falsify.json").read_text())
    assert f"any of {sum(row['certified'] for row in falsify.values())} certified images" in measured
    assert not any(row["breaks"] for row in falsify.values())
    hostile = json.loads((ROOT / "benchmarks" / "results" / "adversaries.json").read_text())
    assert f"Of {sum(row['proved'] is not None for row in hostile.values())} certificates" in measured
    assert not any(row["false"] for row in hostile.values())


def test_every_example_is_named_on_a_page():
    text = "".join(path.read_text() for path in MARKDOWN)
    assert [path.name for path in (ROOT / "examples").glob("*.py") if f"](../examples/{path.name})" not in text] == []


def anchors(path):
    """The anchors of a page's headings, as code hosts and the site make them."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", MARKDOWN, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings_that_exist(page):
    text = re.sub(r"^```.*?^```|`[^`\n]*`", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)", text):
        if target.startswith("https://"):
            continue
        path = (page.parent / target) if target else page
        assert path.exists(), target
        if anchor.startswith("gsmooth_core."):
            thing = gsmooth_core
            for part in anchor.split(".")[1:]:
                thing = getattr(thing, part)
        elif anchor:
            assert anchor in anchors(path), f"{target}#{anchor}"


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    shutil.rmtree(ROOT / "build" / "gallery", ignore_errors=True)  # of another state of the examples
    build = Path(sys.executable).with_name("sphinx-build")
    site, trees = tmp_path / "site", tmp_path / "trees"
    options = ["--quiet", "--fail-on-warning", "--keep-going", "--conf-dir", "docs", "--doctree-dir", trees]
    done = subprocess.run([build, *options, ".", site], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "url=docs/index.html" in (site / "index.html").read_text()
    reference = (site / "docs" / "api.html").read_text()
    names = [*gsmooth_core.__all__, *(f"adapters.{name}" for name in gsmooth_core.adapters.__all__)]
    assert [name for name in names if f'id="gsmooth_core.{name}"' not in reference] == ["adapters"]
    shown = (site / "docs" / "commands.html").read_text()
    for words, command in COMMANDS.items():
        assert re.search(rf"gsmooth {words}( --out PATH)?( \[OPTIONS\])?", re.sub(r"<[^>]+>", "", shown)), words
        options = [name for argument in command.assemble_argument_collection() for name in argument.names]
        assert all(f">{name}" in shown for name in options if name.startswith("--")), words
    pages = "".join(path.read_text() for path in (site / "docs").glob("*.html"))
    for path in (ROOT / "examples").glob("*.py"):
        assert f'href="../build/gallery/{path.stem}.html"' in pages
