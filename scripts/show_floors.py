"""Print the floors of the core: the longest path of imports below each module, rooms and circles.

    python scripts/show_floors.py

The floor of a module is one above the highest module that it imports, anywhere in its code; imports for type checkers
do not count. Packages that only hold a docstring do not count as modules.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

CORE = Path(__file__).parents[1] / "gsmooth_core"


def modules(core: Path = CORE) -> dict[str, Path]:
    """The core's modules by their dotted names."""
    names = {path: ".".join(path.relative_to(core.parent).with_suffix("").parts) for path in core.rglob("*.py")}
    return {name.removesuffix(".__init__"): path for path, name in names.items()}


def imports(core: Path = CORE) -> dict[str, set[str]]:
    """Which of the core's modules each of them imports when it runs; a name of the face counts as its home."""
    known = modules(core)
    face = core.name
    homes = {
        alias.name: node.module
        for node in ast.walk(ast.parse(known[face].read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module in known
        for alias in node.names
    }
    graph = {name: set(_imported(path, known, homes)) - {name} for name, path in known.items() if name != face}
    return graph | {face: set()}


def _imported(path: Path, known: dict[str, Path], homes: dict[str, str]) -> Iterator[str]:
    for node in _nodes(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                if whole in known:
                    yield whole
                else:
                    yield homes.get(alias.name, node.module) if node.module == "gsmooth_core" else node.module


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes that run: not those below ``if TYPE_CHECKING``."""
    for child in ast.iter_child_nodes(tree):
        if not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield child
            yield from _nodes(child)


def floors(graph: dict[str, set[str]]) -> dict[str, int]:
    """The floor of each module, from 1; ``ValueError``, naming it, where imports run in a circle."""
    found: dict[str, int] = {}

    def floor(name: str, above: tuple[str, ...]) -> int:
        if name in above:
            raise ValueError(f"imports run in a circle: {' → '.join((*above[above.index(name) :], name))}")
        if name not in found:
            found[name] = 1 + max((floor(below, (*above, name)) for below in sorted(graph[name])), default=0)
        return found[name]

    for name in sorted(graph):
        floor(name, ())
    return found


def highest_path(graph: dict[str, set[str]], found: dict[str, int]) -> list[str]:
    """One of the longest paths, from the highest module down."""
    path = [max(found, key=lambda name: (found[name], name))]
    while below := graph[path[-1]]:
        path.append(max(below, key=lambda name: (found[name], name)))
    return path


def main() -> None:
    """Print them, the highest first."""
    graph = imports()
    found = floors(graph)
    for floor in range(max(found.values()), 0, -1):
        names = sorted(name.removeprefix("gsmooth_core.") for name, at in found.items() if at == floor)
        print(f"{floor:2}  {', '.join(names)}")
    print("one of the longest paths:", " → ".join(highest_path(graph, found)))


if __name__ == "__main__":
    main()
