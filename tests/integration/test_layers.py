"""The rooms of the core and their layers: no room imports one beside it or above it."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYERS = (
    "__main__",
    "cli",
    "page",
    "attacks benchmark figures testing",
    "certification training classifiers",
    "plugins",
    "certifiers engine corruption results",
    "certifier models",
    "smoothing",
    "transformations statistics datasets",
    "common",
)
"""From the top down; those on one line are siblings, and never import each other."""
FLOORS = 12
OLD_PATHS = {"hookspecs": "plugins"}
"""Modules at the top that keep an old import path alive, by the room that they stand for."""

specification = importlib.util.spec_from_file_location("show_floors", ROOT / "scripts" / "show_floors.py")
show_floors = importlib.util.module_from_spec(specification)
specification.loader.exec_module(show_floors)


def faults(graph):
    """The imports that break the layers, in words."""
    rank = {room: number for number, line in enumerate(LAYERS) for room in line.split()}
    found = []
    for name, below in graph.items():
        for other in below - {"gsmooth_core"}:
            room, its = (OLD_PATHS.get(one.split(".")[1], one.split(".")[1]) for one in (name, other))
            if room != its and rank[room] >= rank[its]:
                found.append(f"{name} imports {other}")
    return found


def test_no_room_imports_one_beside_or_above_it():
    graph = show_floors.imports()
    assert len(graph) > 100
    assert faults({name: below for name, below in graph.items() if name != "gsmooth_core"}) == []


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("certifiers/latent.py", "from gsmooth_core.engine.tally import Tally\n"),  # a sibling
        ("engine/tally.py", "import gsmooth_core.certifiers.latent\n"),
        ("common/files.py", "from gsmooth_core.results import report\n"),  # a room above
        ("statistics/bounds.py", "from gsmooth_core import Report\n"),  # through the face
        ("smoothing/grid.py", "def late():\n    from gsmooth_core.certifier import Certifier\n"),  # inside a function
    ],
)
def test_a_planted_import_is_found(tmp_path, module, line):
    for path in show_floors.CORE.rglob("*.py"):
        copy = tmp_path / "gsmooth_core" / path.relative_to(show_floors.CORE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text())
    planted = tmp_path / "gsmooth_core" / module
    planted.write_text(planted.read_text() + line)
    graph = show_floors.imports(tmp_path / "gsmooth_core")
    room = module.partition("/")[0]
    [fault] = faults({name: below for name, below in graph.items() if name != "gsmooth_core"})
    assert fault.startswith(f"gsmooth_core.{room}.")


def test_imports_run_in_no_circle_and_on_few_floors():
    floors = show_floors.floors(show_floors.imports())  # which raises where they run in a circle
    assert max(floors.values()) <= FLOORS


def test_a_circle_is_named():
    with pytest.raises(ValueError, match="circle: a → b → a"):
        show_floors.floors({"a": {"b"}, "b": {"a"}})


def test_the_tests_have_the_rooms_of_the_core_and_three_of_their_own():
    tests = ROOT / "tests"
    folders = {str(path.parent.relative_to(tests)) for path in tests.rglob("test_*.py")}
    rooms = {str(path.parent.relative_to(show_floors.CORE)) for path in show_floors.CORE.rglob("*/__init__.py")}
    assert folders - rooms == {"integration", "coverage", "docs"}
    assert {room for room in rooms if "/" not in room} <= folders


def test_what_counts_prove_is_read_without_torch():
    for path in (ROOT / "gsmooth_core" / "statistics").glob("*.py"):
        assert "torch" not in path.read_text(), path
