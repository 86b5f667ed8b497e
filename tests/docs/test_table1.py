"""The page on the paper's Table 1: its figures are those of the benchmarks, and its commands work, in small."""

import re
import shlex
from pathlib import Path

import pytest
from torchvision.utils import save_image

from gsmooth_core import Report, load_fashion_mnist
from gsmooth_core.cli.app import main

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "table1.md").read_text()
SMALL = {"epochs": 1, "limit": 2, "samples": 100}
"""What stands in place of the page's numbers."""


def tables(text):
    """The rows of each table as dicts by the headings."""
    for block in re.findall(r"(?:^\|.*\|\n)+", text, flags=re.MULTILINE):
        head, _, *rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in block.splitlines()]
        yield [dict(zip(head, row, strict=True)) for row in rows]


def measured(name):
    [table] = tables((DOCS.parent / "benchmarks" / "results" / f"{name}.md").read_text())
    return table


def section(title):
    """The lines of one section that call ``gsmooth``, each as its words."""
    code = "".join(re.findall(r"^```sh\n(.*?)^```", PAGE.split(f"## {title}\n")[1].split("\n## ")[0], re.DOTALL | re.M))
    lines = code.replace("\\\n", " ").splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith("gsmooth")]


def in_small(words):
    """The command with small numbers, on the CPU; a training without a limit gets one."""
    small = list(words)
    for place, word in enumerate(words[:-1]):
        if (name := word.removeprefix("--")) in SMALL:
            small[place + 1] = str(SMALL[name])
        if word == "--device":
            small[place + 1] = "cpu"
        if word == "--trainer.precision":
            small[place + 1] = "32-true"
    if words[0] == "fit":
        small = [*small, "--limit", "40"] if "--limit" not in small else small
    return small


def run(words):
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 0, words


def test_its_figures_are_those_that_were_measured():
    ours, cifar = list(tables(PAGE))
    mnist = {row["corruption"]: row for row in measured("mnist")}
    for row in ours:
        there = mnist[row["corruption"]]
        for here, name in (
            ("published", "published elsewhere"),
            ("certified accuracy", "certified accuracy"),
            ("guarantee", "guarantee of ours"),
            ("seconds to train", "seconds to train"),
            ("seconds to certify 100", "seconds to certify 100"),
        ):
            assert row[here] == there[name]
        network, images, jitter = there["network, training images × epochs, jitter (px)"].split(", ")
        assert (network, row["training images × epochs"], jitter) == ("SmallConvNet", images, "1")
    for row in cifar:
        [there] = [one for one in measured("cifar10") if one["corruption, radius"].startswith(f"{row['corruption']}, ")]
        assert (row["the paper"], row["certified accuracy"], row["guarantee"], row["images"]) == (
            there["the paper"],
            there["certified"],
            there["guarantee"],
            there["images"],
        )
        assert row["seconds an image"] == there["seconds an image"]
        network, epochs, seconds = row["training"].split(", ")
        assert there["training"].startswith(f"{network}, {epochs} of")
        assert f", {seconds}" in there["training"]


def test_the_commands_without_a_download_make_the_rows(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for words in section("Without a download"):
        run(in_small(words))
    shown = capsys.readouterr().out
    assert "| exact.report | defocus:discrete" in shown
    assert "| smoothed.report | defocus: radius from 0 to 5 px | probabilistic | 2 |" in shown
    assert (tmp_path / "build" / "row" / "page.html").exists()
    assert Report.load("build/row/exact.report.json").guarantee == "exact"


def folder(path, size, channels):
    """A folder of 60 training images and 4 test images in two classes."""
    images, labels = load_fashion_mnist("test")
    for split, places in (("train", range(60)), ("test", range(60, 64))):
        for place in places:
            file = path / split / f"class{int(labels[place]) % 2}" / f"{place}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            save_image(images[place, 0, :size, :size].expand(channels, -1, -1), file)


def test_the_commands_for_ones_own_data_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder(tmp_path / "pictures", size=24, channels=3)
    for words in section("Your own data"):
        run(in_small(words))
    assert len(Report.load("build/own/zoomblur.report.json").certificates) == 2


@pytest.mark.parametrize("title", ["MNIST", "CIFAR-10"])
def test_the_commands_for_mnist_and_cifar_name_what_exists(title):
    """Without their data, all but the images is there: the corruption, the network, the options."""
    for words in section(title):
        if words[0] == "show":
            continue
        with pytest.raises(SystemExit) as stop:
            main(in_small(words))
        assert stop.value.code == 2
