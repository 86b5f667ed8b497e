"""The repository as a contributor finds it: one version, licences, URLs, constraints, and forms that parse."""

import re
import runpy
import shutil
import tomllib
from pathlib import Path

import pytest
import yaml
from helpers import FIRST
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "bump_version.py"))
CORE = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PLUGINS = sorted(ROOT.glob("plugins/*/pyproject.toml"))
LICENSED = [path for path in PLUGINS if "license" in tomllib.loads(path.read_text())["project"]]
"""The plugins that state a licence: the first ones, and whichever is made ready to be released."""
URL = CORE["urls"]["Homepage"]
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


def read(name):
    return yaml.safe_load((ROOT / name).read_text())


@pytest.fixture
def copy(tmp_path):
    """The files that have to do with versions, in a folder of their own."""
    names = ["pyproject.toml", "CITATION.cff", "CHANGELOG.md"]
    patterns = ("plugins/*/pyproject.toml", "examples/*/pyproject.toml", "gsmooth_core/**/pyproject.toml.txt")
    names += [path.relative_to(ROOT) for pattern in patterns for path in ROOT.glob(pattern)]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def call(root, *arguments):
    SCRIPT["main"]([*arguments], root)


def test_all_distributions_have_one_version(capsys):
    call(ROOT, "--check")
    assert capsys.readouterr().out == f"every file agrees with version {CORE['version']}\n"
    assert read("CITATION.cff")["version"] == CORE["version"]


def test_a_new_version_is_written_into_every_file(copy, capsys):
    news = (copy / "CHANGELOG.md").read_text().partition("## Unreleased\n")[2]
    call(copy, "7.8.9")
    changed = capsys.readouterr().out.split()
    assert len(changed) == len(PLUGINS) + 5
    call(copy, "--check")
    released = [copy / path.relative_to(ROOT) for path in (ROOT / "pyproject.toml", *LICENSED)]
    for path in [copy / "pyproject.toml", *copy.glob("plugins/*/pyproject.toml")]:
        project = tomllib.loads(path.read_text())["project"]
        assert path not in released or project["version"] == "7.8.9"
        assert path.parent == copy or "gsmooth-core>=7.8,<7.9" in project["dependencies"]
    [template] = copy.glob("gsmooth_core/**/pyproject.toml.txt")
    assert '"gsmooth-core>=7.8,<7.9"' in template.read_text()
    assert 'version = "0.1.0"' in template.read_text()
    citation = yaml.safe_load((copy / "CITATION.cff").read_text())
    changelog = (copy / "CHANGELOG.md").read_text()
    assert changelog.endswith(f"## Unreleased\n\n## 7.8.9 - {citation['date-released']}\n{news}")


def test_the_first_version_may_be_the_one_that_stands_there(copy):
    (copy / "CHANGELOG.md").write_text("## Unreleased\n\n### Added\n\n- All.\n")
    call(copy, CORE["version"])
    (copy / "CHANGELOG.md").write_text((copy / "CHANGELOG.md").read_text().replace("sed\n", "sed\n\n- More.\n", 1))
    with pytest.raises(SystemExit, match="is not newer than"):
        call(copy, CORE["version"])
    call(copy, "0.99.0")
    assert len(re.findall("date-released", (copy / "CITATION.cff").read_text())) == 1
    assert SCRIPT["released"]((copy / "CHANGELOG.md").read_text()) == ["0.99.0", CORE["version"]]


@pytest.mark.parametrize(
    ("version", "message"),
    [("0.0.1", "not newer"), ("1.2", "three numbers"), ("v1.2.3", "three numbers"), ("1.2.03", "three numbers")],
)
def test_no_other_version_is_written(copy, version, message):
    before = {path: path.read_text() for path in copy.rglob("*.*") if path.is_file()}
    with pytest.raises(SystemExit, match=message):
        call(copy, version)
    assert before == {path: path.read_text() for path in before}


def test_a_release_without_news_is_refused(copy):
    (copy / "CHANGELOG.md").write_text("## Unreleased\n\n## 0.1.0 - 2026-01-01\n\n- All.\n")
    with pytest.raises(SystemExit, match="says nothing under Unreleased"):
        call(copy, "7.8.9")


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("plugins/defocus/pyproject.toml", 'version = "', 'version = "9'),
        ("plugins/defocus/pyproject.toml", "gsmooth-core>=", "gsmooth-core>=9"),
        ("plugins/defocus/pyproject.toml", URL, "https://example.org"),
        ("CITATION.cff", "\nversion: ", "\nversion: 9"),
        ("CITATION.cff", URL, "https://example.org"),
        ("CHANGELOG.md", "## Unreleased", "## 3.0.0 - 2026-01-01"),
    ],
)
def test_what_disagrees_is_named_and_repaired(copy, name, old, new):
    text = (copy / name).read_text()
    (copy / name).write_text(text.replace(old, new, 1 + text.count(old) * (old == URL)))
    with pytest.raises(SystemExit, match=re.escape(name)):
        call(copy, "--check")
    call(copy, "--repair")
    if name != "CHANGELOG.md":
        assert (copy / name).read_text() == text
        call(copy, "--check")


def test_the_first_plugins_state_a_licence():
    assert {path.parent.name for path in LICENSED} >= FIRST


@pytest.mark.parametrize("path", LICENSED, ids=lambda path: path.parent.name)
def test_every_licensed_plugin_has_the_licence_and_urls(path):
    project = tomllib.loads(path.read_text())["project"]
    assert (project["license"], project["license-files"]) == (CORE["license"], ["LICENSE"])
    assert (path.parent / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    assert project["urls"] == CORE["urls"]


def test_urls_are_all_of_one_repository():
    assert all(url.startswith(URL) for url in CORE["urls"].values())
    for url in re.findall(rf"{URL}/blob/main/(\S+)", " ".join(CORE["urls"].values())):
        assert (ROOT / url).is_file()
    [contact] = read(".github/ISSUE_TEMPLATE/config.yml")["contact_links"]
    assert contact["url"].startswith(f"{URL}/security")


def test_the_workflow_runs_the_script_of_ci_on_both_sets_of_dependencies():
    [job] = read(".github/workflows/ci.yml")["jobs"].values()
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert commands == ["bash .ci/run"]
    assert (ROOT / ".ci" / "run").is_file()
    constraints = [entry["constraints"] for entry in job["strategy"]["matrix"]["include"]]
    assert constraints == ["constraints.txt", "constraints-oldest.txt"]
    assert all((ROOT / name).is_file() for name in constraints)
    assert re.search(r"^constraints \?= constraints\.txt$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)


def test_the_makefile_has_every_target_that_ci_and_contributors_use():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", makefile, flags=re.MULTILINE))
    assert targets >= {"install", "test", "lint", "demo", "bench", "docs", "dist"}
    assert set(re.findall(r"\bmake (\w+)", (ROOT / ".ci" / "run").read_text())) <= targets


def test_the_oldest_constraints_are_the_lower_bounds():
    lines = (ROOT / "constraints-oldest.txt").read_text().splitlines()
    pins = dict(line.partition(" ")[0].split("==") for line in lines if not line.startswith("#"))
    extras = CORE["optional-dependencies"]
    groups = [
        CORE["dependencies"],
        *(extras[name] for name in ("docs", "hub", "report", "surrogate", "testing", "train", "zoo")),
    ]
    requirements = [Requirement(text) for group in groups for text in group]
    requirements.append(next(Requirement(text) for text in extras["dev"] if text.startswith("pandas>")))
    for requirement in requirements:
        pin = pins[canonicalize_name(requirement.name)]
        [bound] = [part.version for part in requirement.specifier if part.operator == ">="]
        assert pin in requirement.specifier
        assert f"{pin}.".startswith(f"{bound}."), f"{requirement} is tried with {pin}"
    others = {canonicalize_name(requirement.name) for requirement in requirements}
    assert set(pins) - others == {"pyparsing"}  # for a reason that stands beside it
    for path in PLUGINS:
        for requirement in map(Requirement, tomllib.loads(path.read_text())["project"]["dependencies"]):
            assert requirement.name == "gsmooth-core" or str(requirement) in map(str, requirements)


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_issue_forms_are_complete(path):
    form = yaml.safe_load(path.read_text())
    if path.stem == "config":
        return
    assert {"name", "description", "title", "body"} <= set(form)
    identifiers = [field["id"] for field in form["body"] if field["type"] != "markdown"]
    assert len(identifiers) == len(set(identifiers)) >= 3
    for field in form["body"]:
        assert field["type"] in {"markdown", "textarea", "input", "dropdown", "checkboxes"}
        assert ("value" if field["type"] == "markdown" else "label") in field["attributes"] or field[
            "type"
        ] == "checkboxes"
        assert field["type"] not in {"dropdown", "checkboxes"} or field["attributes"]["options"]


def test_hooks_before_a_commit_run_what_lint_runs():
    hooks = {hook["entry"] for repo in read(".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]}
    recipe = re.findall(r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)[0]
    assert {line.strip().replace("$(BIN)", ".venv/bin") for line in recipe.splitlines()} <= hooks


def test_the_citation_names_the_papers():
    citation = read("CITATION.cff")
    assert (citation["cff-version"], citation["license"]) == ("1.2.0", CORE["license"])
    assert citation["authors"] == [{"name": CORE["authors"][0]["name"]}]
    assert [paper["authors"][0]["family-names"] for paper in citation["references"]] == ["Hao", "Li", "Cohen"]


def test_the_changelog_has_the_three_headings():
    unreleased = (ROOT / "CHANGELOG.md").read_text().partition("## Unreleased\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"^### (.*)$", unreleased, flags=re.MULTILINE)) <= {"Added", "Changed", "Fixed"}
