"""The folder of a new plugin, from a template that works without changes."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from string import Template

from gsmooth_core.common.files import write_text
from gsmooth_core.plugins.installed import list_corruptions


def new_plugin(name: str, into: str | Path = ".") -> Path:
    """Make the folder ``into/name`` with a working plugin called ``name``, and return it.

    ``ValueError`` if the name is not one word in lower case or is taken, or the folder exists already.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*", name):
        raise ValueError(
            f"a plugin's name is one word of small letters and digits, not {name!r}; it becomes the distribution "
            "gsmooth-plugin-<name> and the module gsmooth_plugin_<name>"
        )
    taken = [info.distribution for info in list_corruptions() if info.name == name]
    if taken:
        raise ValueError(f"{taken[0]} provides {name!r} already; choose another name")
    if not Path(into).is_dir():
        raise ValueError(f"there is no folder {str(into)!r} to put the plugin into; make it, or name another")
    folder = Path(into) / name
    if folder.exists():
        raise ValueError(f"{str(folder)!r} exists already; choose another name, or another folder with --into")
    (folder / "tests").mkdir(parents=True)
    for source, target in (
        ("pyproject.toml", "pyproject.toml"),
        ("README.md", "README.md"),
        ("module.py", f"gsmooth_plugin_{name}.py"),
        ("test_conformance.py", "tests/test_conformance.py"),
    ):
        text = (files("gsmooth_core.plugins") / "template" / f"{source}.txt").read_text(encoding="utf-8")
        filled = Template(text).substitute(name=name, Title=name.capitalize())
        write_text(folder / target, filled)
    return folder
