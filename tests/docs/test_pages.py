"""The documentation says what is true: its code runs, its names exist, every public name is explained."""

import ast
import importlib
import inspect
import json
import re
import shlex
from pathlib import Path

import pytest
from helpers import script

import gsmooth_core
from gsmooth_core import Guarantee, get_corruption
from gsmooth_core.attacks.methods import METHODS
from gsmooth_core.plugins.registry import corruptions_of
from gsmooth_core.testing import LAWS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PLUGINS = script("write_catalogue").entries(ROOT)
PUBLIC = [
    name
    for name in gsmooth_core.__all__
    if inspect.isclass(getattr(gsmooth_core, name)) or inspect.isfunction(getattr(gsmooth_core, name))
]


def test_the_readmes_example_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    assert len(blocks) == 1
    scope: dict[str, object] = {}
    exec(compile(blocks[0], "README.md", "exec"), scope)
    shown = capsys.readouterr().out
    assert scope["report"].certificates[0].claim in " ".join((ROOT / "README.md").read_text().split())
    assert "error probability at most 0.001" in shown
    assert (tmp_path / "defocus.json").exists()


def test_the_training_page_runs(tmp_path, monkeypatch, capsys, parse):
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "training.md").read_text()
    scope: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL):
        exec(compile(block, "training.md", "exec"), scope)
    shown = capsys.readouterr().out
    assert "surrogate of zoomblur (imitate): 3 images" in shown
    assert "is of another training" in shown
    assert shown.endswith("0.25 SmallConvNet\n")
    [plan] = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    Path("plan.toml").write_text(plan)
    commands = re.findall(r"^gsmooth (.*)$", page.replace("\\\n", ""), flags=re.MULTILINE)
    assert len(commands) == 7
    for command in commands:
        parse(shlex.split(command))


def test_the_attack_page_runs(tmp_path, monkeypatch, capsys, parse):
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "attacks.md").read_text()
    scope: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL):
        exec(compile(block, "attacks.md", "exec"), scope)
    assert "gaussianblur: " in capsys.readouterr().out
    assert all(f"| `{name}` |" in page for name in [*METHODS, "all"])
    commands = re.findall(r"^gsmooth (.*)$", page, flags=re.MULTILINE)
    assert len(commands) == 5
    for command in commands:
        parse(shlex.split(command))


def test_the_tutorial_names_every_law():
    tutorial = (ROOT / "docs" / "plugins.md").read_text()
    assert all(f"`{law.name}`" in tutorial for law in LAWS)


def test_links_between_pages_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_row_of_the_readmes_table_is_true():
    rows = re.findall(
        r"^\| \[`([a-z0-9:]+)`\]\(plugins/(\w+)\)(.*)$", (ROOT / "README.md").read_text(), flags=re.MULTILINE
    )
    assert len(rows) >= 16
    for name, folder, row in rows:
        recipe = get_corruption(name)
        radii = " / ".join(f"{recipe.radius[kind]:g}" for kind in ((1, 28, 28), (3, 32, 32), (3, 224, 224)))
        guarantee = recipe.certifier.guarantee(recipe.outline())
        for part in (recipe.transformation.space.units[0], radii, f"`{recipe.certifier.name}`", f"`{guarantee.value}`"):
            assert part in row, f"{part!r} is missing in the row of {name}"
        assert (folder, name.partition(":")[0]) in {(entry.folder, entry.name) for entry in PLUGINS}


@pytest.mark.parametrize("entry", PLUGINS, ids=lambda entry: entry.name)
def test_every_plugin_explains_each_of_its_variants(entry):
    page = (ROOT / "plugins" / entry.folder / "README.md").read_text()
    for recipe in corruptions_of(entry.name):
        guarantee = recipe.certifier.guarantee(recipe.outline())
        for part in (
            recipe.name,
            *recipe.transformation.space.units,
            f"`{recipe.certifier.name}`",
            f"`{guarantee.value}`",
        ):
            assert part in page, f"{part!r} is missing"
        for radius in recipe.radius.values():
            assert f"{radius:g}" in page


def test_every_hook_and_guarantee_is_documented():
    tutorial, readme = (ROOT / "docs" / "plugins.md").read_text(), (ROOT / "README.md").read_text()
    assert all(hook in tutorial for hook in ("def gsmooth_corruptions", "`gsmooth_noises`", "`gsmooth_certifiers`"))
    assert all(group in readme for group in ("`gsmooth`", "`gsmooth.noises`", "`gsmooth.certifiers`"))
    assert all(f"- `{guarantee.value}`:" in readme for guarantee in Guarantee)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_has_a_docstring(name):
    thing = getattr(gsmooth_core, name)
    assert (inspect.getdoc(thing) or "").strip()
    if inspect.isclass(thing):
        for attribute, value in vars(thing).items():
            if not attribute.startswith("_") and (
                inspect.isfunction(value) or isinstance(value, property | staticmethod)
            ):
                assert (inspect.getdoc(getattr(thing, attribute)) or "").strip(), f"{name}.{attribute}"


def test_every_public_name_has_one_home():
    """The two lists of names in the package agree, and each name is defined where they say."""
    tree = ast.parse(Path(gsmooth_core.__file__).read_text())
    typed = {
        alias.asname: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gsmooth_core.")
        for alias in node.names
    }
    assert typed == {name: f"gsmooth_core.{module}" for name, module in gsmooth_core._HOME_OF.items()}
    for name, module in typed.items():
        assert getattr(importlib.import_module(module), name) is getattr(gsmooth_core, name)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        gsmooth_core.nonsense  # noqa: B018
    assert dir(gsmooth_core) == sorted([*gsmooth_core.__all__, "__version__"])


def test_the_code_that_theory_names_exists():
    theory = (ROOT / "docs" / "theory.md").read_text()
    for path in re.findall(r"`((?:gsmooth_core/)?[\w/]+\.py)`", theory):
        assert (ROOT / path).exists() or (ROOT / "gsmooth_core" / path).exists(), path
    for dotted in ("NoiseDistribution.shift", "LatentSmoothing.distance"):
        owner, member = dotted.split(".")
        assert dotted in theory
        assert hasattr(getattr(gsmooth_core, owner), member)


def test_the_sound_part_stays_small():
    """The theorems and the statistics can be read in one sitting: so many lines, imports aside."""
    lines = 0
    for path in (path for room in ("certifiers", "statistics") for path in (ROOT / "gsmooth_core" / room).glob("*.py")):
        text = path.read_text()
        imports = [node for node in ast.parse(text).body if isinstance(node, ast.Import | ast.ImportFrom)]
        lines += len(text.splitlines()) - sum(node.end_lineno - node.lineno + 1 for node in imports)
    assert lines <= 920  # floating point takes a seventh of them, and what to do about hopeless budgets another tenth


def test_the_example_models_card_belongs_to_its_weights():
    card = json.loads((ROOT / "gsmooth_core" / "data" / "example_model.json").read_text())
    model = gsmooth_core.load_example_model()
    assert card["parameters"] == sum(parameter.numel() for parameter in model.parameters())
    assert card["smoothings"] == [str(get_corruption(name).smoothing) for name in ("defocus", "gaussianblur")]
    assert (ROOT / "gsmooth_core" / "data" / "example_model.safetensors").stat().st_size < 1_000_000
    images, labels = gsmooth_core.load_fashion_mnist("test")
    accuracy = float((model(images).argmax(dim=1) == labels).float().mean())
    assert accuracy == pytest.approx(card["figures"]["base accuracy on the 1,000 test images"], abs=0.002)
    assert accuracy >= 0.7
