"""The documentation site. Its source folder is the repository, so a link from page to page holds on the site and there.

``make docs`` builds it. What is generated, the gallery of examples and the reference of commands, is left under build/.
"""

from __future__ import annotations

import re
from importlib.metadata import version as installed_version
from pathlib import Path

from sphinx.application import Sphinx

from gsmooth_core.cli.app import app as command_line

ROOT = Path(__file__).parents[1]

project = "gsmooth"
author = "The gsmooth authors"
release = version = installed_version("gsmooth-core")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_gallery.gen_gallery",
]
root_doc = "docs/index"
include_patterns = [
    "docs/*.md",
    "benchmarks/results/*.md",
    "plugins/*/README.md",
    "examples/*/README.md",
    "build/gallery/**.rst",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
]
exclude_patterns = [".*", "build/docs", "build/lib", "gsmooth_core", "tests"]  # not even walked

html_theme = "furo"
html_title = f"gsmooth {release}"
html_show_copyright = False
html_copy_source = False
templates_path = ["templates"]
html_additional_pages = {"index": "to_first_page.html"}

myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
python_maximum_signature_line_length = 100

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "build/gallery",
    "plot_gallery": False,  # nothing is run here: the tests do that
    "download_all_examples": False,
    "write_computation_times": False,
}


def write_commands(app: Sphinx) -> None:
    """What the command line says about itself stands in build/commands.txt, which docs/commands.md includes."""
    whole = command_line.generate_docs(output_format="markdown", heading_level=2)
    commands = whole[whole.index("\n### ") :].replace("\n#", "\n")  # without the program's own heading and contents
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "commands.txt").write_text(commands, encoding="utf-8")


def link_within(app: Sphinx, docname: str, source: list[str]) -> None:
    """A link to ``api.md#gsmooth_core.name`` leads to that name, and one to an example to its page in the gallery."""
    text = source[0].replace("](api.md#gsmooth_core.", "](#gsmooth_core.")
    source[0] = re.sub(r"\]\(\.\./examples/(\w+)\.py\)", r"](../build/gallery/\1.rst)", text)


def keep_mathematics(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Bars and the stars of shapes in a docstring mean themselves, not substitutions and emphasis."""
    parts = re.split(r"(``.*?``|^ *>>>.*?$)", "\n".join(lines), flags=re.DOTALL | re.MULTILINE)
    parts[::2] = [re.sub(r"\||\*(?=\w+\))", r"\\\g<0>", part) for part in parts[::2]]
    lines[:] = "".join(parts).split("\n")


def setup(app: Sphinx) -> None:
    """Connect the functions above."""
    app.connect("builder-inited", write_commands)
    app.connect("source-read", link_within)
    app.connect("autodoc-process-docstring", keep_mathematics)
