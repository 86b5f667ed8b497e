"""The tables and pictures of corruptions are written by one command, which finds new plugins by itself."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers import FIRST, script
from PIL import Image

from gsmooth_core import get_corruption
from gsmooth_core.plugins.scaffold import new_plugin

ROOT = Path(__file__).parents[2]
write_catalogue = script("write_catalogue")


def test_the_first_plugins_stay_distributions_of_their_own():
    entries = {entry.name: entry.folder for entry in write_catalogue.entries(ROOT)}
    assert {name: entries[name] for name in FIRST} == {name: name for name in FIRST}


def test_what_the_documentation_shows_of_corruptions_is_fresh():
    """Of those that it shows, the first ones among them. That it shows all of them is asked by ``make docs``."""
    pages = [(ROOT / page).read_text() for page in ("README.md", "docs/choosing.md")]
    shown = [entry for entry in write_catalogue.entries(ROOT) if any(f"| [`{entry.name}`]" in page for page in pages)]
    assert {entry.name for entry in shown} >= FIRST
    files = write_catalogue.catalogue(ROOT, shown)
    assert write_catalogue.stale(files) == []
    pictures = [path for path in files if path.suffix == ".png"]
    assert len(pictures) == len(shown) + 1
    assert all(path.stat().st_size < 100_000 for path in pictures if path.name != "contact_sheet.png")
    for entry in shown:
        assert f"]({entry.strip})" in (ROOT / "plugins" / entry.folder / "README.md").read_text()


@pytest.fixture
def clone(tmp_path, capsys):
    """A small clone: the pages, and two of the plugins, with a fresh catalogue."""
    root = tmp_path / "clone"
    for name in ("brightness", "contrast"):
        shutil.copytree(ROOT / "plugins" / name, root / "plugins" / name)
    (root / "docs").mkdir()
    for page in ("README.md", "docs/choosing.md"):
        shutil.copy(ROOT / page, root / page)
    assert run(capsys, root) == (0, ["README.md", "docs/choosing.md", "docs/contact_sheet.png"])
    assert run(capsys, root, "--check") == (0, [])
    return root


def run(capsys, root, *arguments):
    """The exit code, and the files that the command names."""
    capsys.readouterr()
    code = write_catalogue.main(arguments, root)
    lines = capsys.readouterr().out.splitlines()
    stale = [line.removesuffix(" is stale").removesuffix(" is written") for line in lines if " is " in line]
    assert lines[len(stale) :] == (["run make catalogue, or python scripts/write_catalogue.py"] if code else [])
    return code, stale


def levels(path):
    """The grey levels of a picture."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("L")).astype(int)


def install(monkeypatch, folder, distribution, points):
    """What ``pip install --editable`` would do."""
    metadata = folder / f"{distribution.replace('-', '_')}-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 0.1.0\n")
    (metadata / "entry_points.txt").write_text(f"[gsmooth]\n{points}")
    monkeypatch.syspath_prepend(folder)


def test_a_new_plugin_is_shown_without_editing_anything(clone, capsys, monkeypatch):
    folder = new_plugin("firstsample", clone / "plugins")
    with pytest.raises(SystemExit) as stop:
        write_catalogue.main(["--check"], clone)
    assert stop.value.code == 2
    assert "'firstsample' of plugins/firstsample is not installed" in capsys.readouterr().err
    install(monkeypatch, folder, "gsmooth-plugin-firstsample", "firstsample = gsmooth_plugin_firstsample\n")
    new = [
        "README.md",
        "docs/choosing.md",
        "plugins/firstsample/strip.png",
        "plugins/firstsample/README.md",
        "docs/contact_sheet.png",
    ]
    assert run(capsys, clone, "--check") == (1, new)
    assert run(capsys, clone, "--check") == (1, new)  # it wrote nothing
    assert run(capsys, clone) == (0, new)
    assert run(capsys, clone, "--check") == (0, [])
    row = "| [`firstsample`](plugins/firstsample) | density (share) | 0.3 / 0.3 / – | `latent` | `probabilistic` |"
    assert row in (clone / "README.md").read_text().splitlines()
    choice = "`x + d (1 − x)`: the image fades to white by the share d | Densities from 0 to `radius`"
    assert (
        f"| [`firstsample`](../plugins/firstsample/README.md) | {choice} |" in (clone / "docs/choosing.md").read_text()
    )
    assert "\n\n![Two images under `firstsample`, from" in (folder / "README.md").read_text()
    assert (folder / "strip.png").exists()


FAMILY = """
import attrs
from gsmooth_core import get_corruption, hookimpl

@hookimpl
def gsmooth_corruptions():
    grey, colour = get_corruption("brightness"), {(3, 32, 32): 0.2}
    return [
        attrs.evolve(grey, name="firstkin"),
        attrs.evolve(grey, name="firstkin:weak", radius=colour),
        attrs.evolve(grey, name="secondkin", radius=colour),
    ]
"""


def test_a_family_has_a_row_and_a_strip_for_each(clone, capsys, monkeypatch):
    folder = clone / "plugins" / "kindred"
    folder.mkdir()
    (folder / "gsmooth_plugin_kindred.py").write_text(FAMILY)
    points = 'firstkin = "gsmooth_plugin_kindred"\nsecondkin = "gsmooth_plugin_kindred"\n'
    project = f'[project]\nname = "gsmooth-plugin-kindred"\n[project.entry-points.gsmooth]\n{points}'
    (folder / "pyproject.toml").write_text(project)
    (folder / "README.md").write_text("# Two of a kind\n")
    install(monkeypatch, folder, "gsmooth-plugin-kindred", points.replace('"', ""))
    inside = ["strip_firstkin.png", "README.md", "strip_secondkin.png"]
    pages = ["README.md", "docs/choosing.md", *(f"plugins/kindred/{name}" for name in inside), "docs/contact_sheet.png"]
    assert run(capsys, clone) == (0, pages)
    assert run(capsys, clone, "--check") == (0, [])
    text = (clone / "README.md").read_text()
    for name, radii in (
        ("firstkin", "0.5 / 0.4 / 0.4"),
        ("firstkin:weak", "– / 0.2 / –"),
        ("secondkin", "– / 0.2 / –"),
    ):
        assert f"| [`{name}`](plugins/kindred) | brightness (intensity) | {radii} | `resolvable` |" in text
    assert all(f"]({name})" in (folder / "README.md").read_text() for name in inside if name.endswith(".png"))
    heights = [len(levels(folder / name)) for name in ("strip_firstkin.png", "strip_secondkin.png")]
    assert heights == [2 + 4 * 86, 2 + 2 * 86]  # two images of each variant


def test_a_folder_without_corruptions_is_left_alone(clone, capsys):
    (clone / "plugins" / "pinknoise").mkdir()
    project = (
        '[project]\nname = "gsmooth-plugin-pinknoise"\n[project.entry-points."gsmooth.noises"]\npink = "pinknoise"\n'
    )
    (clone / "plugins" / "pinknoise" / "pyproject.toml").write_text(project)
    assert run(capsys, clone, "--check") == (0, [])


def test_edits_by_hand_are_found_and_undone(clone, capsys):
    page, strip = clone / "README.md", clone / "plugins" / "contrast" / "strip.png"
    kept = page.read_text()
    page.write_text(kept.replace("| 0.5 / 0.4 / 0.4 |", "| 0.6 / 0.4 / 0.4 |"))
    shutil.copy(clone / "plugins" / "brightness" / "strip.png", strip)
    assert run(capsys, clone, "--check") == (1, ["README.md", "plugins/contrast/strip.png"])
    assert run(capsys, clone) == (0, ["README.md", "plugins/contrast/strip.png"])
    assert page.read_text() == kept
    assert strip.read_bytes() == (ROOT / "plugins" / "contrast" / "strip.png").read_bytes()


def test_pictures_are_compared_by_what_they_show(clone, capsys):
    strip = clone / "plugins" / "contrast" / "strip.png"
    pixels = levels(strip)
    Image.fromarray((pixels - (pixels > 128)).astype(np.uint8)).save(strip)  # other bytes, and other rounding
    assert run(capsys, clone, "--check") == (0, [])
    fainter = pixels.copy()
    fainter[-86:] = fainter[-86:] * 9 // 10  # one row of pictures
    Image.fromarray(fainter.astype(np.uint8)).save(strip)
    assert run(capsys, clone, "--check") == (1, ["plugins/contrast/strip.png"])


def test_a_page_without_a_place_for_its_table_is_refused(clone, capsys):
    page = clone / "docs" / "choosing.md"
    page.write_text(page.read_text().replace("<!-- end -->", ""))
    with pytest.raises(SystemExit) as stop:
        write_catalogue.main(["--check"], clone)
    assert stop.value.code == 2
    assert "docs/choosing.md has no place for its table; put a line <!-- generated" in capsys.readouterr().err


def test_the_first_sentence_of_a_docstring_fits_a_cell():
    def documented():
        """Of ``|x|`` px, e.g. 0.5 of it.

        And more.
        """

    assert write_catalogue.first_sentence(documented) == "Of `\\|x\\|` px, e.g. 0.5 of it"
    assert (
        write_catalogue.first_sentence(get_corruption("defocus").transformation.region)
        == "Disk radii from 0 to `radius` px"
    )
