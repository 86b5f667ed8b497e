"""Folders of photographs on the command line: labelled or not, of many sizes, for networks of many classes."""

import json

import numpy as np
import pytest
from PIL import Image

from gsmooth_core import AttackReport, CorruptionTable, Report, load_classifier
from gsmooth_core.cli.app import main
from gsmooth_core.cli.named_inputs import parse_size

QUICK = ["--samples", "200", "--select", "50"]
FOLDERS = {"tench": 0, "n01443537": 1, "great_white_shark": 2, "0388": 388, "toilet tissue": 999}
"""Class folders as people name them, and the classes of the network that they are."""


def run(*arguments):
    """The exit code of the command line."""
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return stop.value.code


@pytest.fixture
def photographs(tmp_path, monkeypatch):
    """Five photographs of different sizes in class folders, a network of 1000 classes, and ImageNet's list of names."""
    generator = np.random.default_rng(0)
    for place, name in enumerate(FOLDERS):
        (tmp_path / "photographs" / name).mkdir(parents=True)
        noise = generator.integers(0, 256, (40 + 9 * place, 70 - 8 * place, 3), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / "photographs" / name / "a.jpg")
    words = {0: "tench", 1: "goldfish", 2: "great_white_shark", 999: "toilet_tissue"}
    index = {str(place): [f"n{place + 1443536:08}", words.get(place, f"word{place}")] for place in range(1000)}
    (tmp_path / "imagenet_class_index.json").write_text(json.dumps(index))
    (tmp_path / "photonets.py").write_text("def flat(images):\n    return images.flatten(1)[:, :1000]\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


MODEL = ["--model", "photonets:flat", "--radius", "1"]
IMAGES = ["--data", "photographs", "--size", "32", "--names", "imagenet_class_index.json"]


def test_a_folder_of_photographs_goes_through_every_command(photographs, capsys):
    assert run("certify", "gaussianblur", *MODEL, *IMAGES, "--out", "report.json", *QUICK) == 0
    report = Report.load("report.json")
    assert [one.label for one in report.certificates] == sorted(FOLDERS.values())
    assert report.run.classes == 1000
    assert report.data == "the image folder 'photographs', resized and cut to 32 × 32 px (all 5)"
    assert run("verify", "report.json", *MODEL[:2], *IMAGES, "--calls", "20", "--confirm", "100") == 0
    assert run("attack", "gaussianblur", *MODEL, *IMAGES, "--calls", "20", "--out", "attack.json") == 0
    assert [one.label for one in AttackReport.load("attack.json").images] == sorted(FOLDERS.values())
    assert run("page", "report.json", *IMAGES, "--out", "page.html") == 0
    command = ["benchmark", *MODEL[:2], *IMAGES, "--corruptions", "contrast", "--severities", "1"]
    assert run(*command, "--out", "table.json") == 0
    assert CorruptionTable.load("table.json").clean.count == 5
    assert run("figure", "augmented", "defocus", *IMAGES, "--limit", "2", "--out", "figure.png") == 0
    capsys.readouterr()
    # the same pixels are needed to go on
    assert run("certify", "gaussianblur", *MODEL, *IMAGES[:3], "33", *IMAGES[4:], "--out", "report.json", *QUICK) == 2
    assert "cannot be continued" in capsys.readouterr().err


def test_photographs_without_classes_are_certified_and_attacked(photographs, capsys):
    for place, name in enumerate(FOLDERS):
        (photographs / "photographs" / name / "a.jpg").rename(photographs / "photographs" / f"{place}.jpg")
        (photographs / "photographs" / name).rmdir()
    for command in ("certify", "attack"):
        extra = QUICK if command == "certify" else ["--calls", "20"]
        assert run(command, "gaussianblur", *MODEL, *IMAGES[:4], "--out", f"{command}.json", *extra) == 0
    report, attacked = Report.load("certify.json"), AttackReport.load("attack.json")
    assert [one.label for one in report.certificates] == [None] * 5
    assert [one.label for one in attacked.images] == [one.base_predicted for one in report.certificates]
    assert "own answers on the unchanged images count as right" in attacked.run.classifier
    assert run("page", "certify.json", "attack.json", *IMAGES[:4], "--out", "page.html") == 0
    assert run("certify", "gaussianblur", *MODEL, *IMAGES[:4], "--at-least", "0.5") == 2
    assert "the images have no labels; leave it out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (IMAGES[:2], "is none of the"),
        ([*IMAGES[:2], *IMAGES[4:]], "pass size= (--size), such as 224"),
        ([*IMAGES[:2], "--size", "big"], "--size is a side in px such as 224, or height x width such as 224x320, not"),
        ([*IMAGES[:2], "--size", "0"], "size must be a whole number of at least 1"),
        ([*IMAGES[:4], "--names", "nowhere.txt"], "the class names cannot be read from 'nowhere.txt'"),
        ([*IMAGES[:4], "--names", "1000"], "the class folder 'great_white_shark' is none of the 1000 classes of names"),
        (IMAGES[2:4], "--grey, --size and --names are for a folder of images; name it with --data"),
        (["--data", "fashion-mnist", "--size", "32"], "size and names are for folders of image files"),
        (["--data", "."], "which are splits"),
    ],
)
def test_folders_that_do_not_fit_are_a_sentence(photographs, capsys, options, message):
    if "." in options:
        (photographs / "photographs").rename("train")
        (photographs / "test" / "a").mkdir(parents=True)
    if options == IMAGES[:2]:
        options = [*options, "--size", "32", "--names", "few.txt"]
        (photographs / "few.txt").write_text("cat\ndog\n")
    assert run("certify", "gaussianblur", *MODEL, *options, *QUICK) == 2
    assert message in " ".join(capsys.readouterr().err.split())


@pytest.mark.filterwarnings("ignore:the model returns")  # more classes than folders
@pytest.mark.filterwarnings("default:the class folders")
def test_classes_out_of_text_order_are_pointed_out(photographs, capsys):
    for place, name in enumerate(FOLDERS):
        (photographs / "photographs" / name).rename(photographs / "photographs" / str(place + 8))
    for place in range(8):
        folder = photographs / "photographs" / str(place)
        folder.mkdir()
        Image.new("RGB", (40, 40)).save(folder / "a.png")
    assert run("certify", "gaussianblur", *MODEL, *IMAGES[:4], "--limit", "1", *QUICK) == 0
    shown = capsys.readouterr().err
    assert shown.startswith(
        "gsmooth: the class folders of 'photographs' are numbered in natural order, '2' before '10'"
    )
    assert shown.count("\n") == 1


def test_a_classifier_is_trained_for_all_the_names(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    for split in ("train", "test"):
        for name in ("cat", "dog"):
            folder = tmp_path / "animals" / split / name
            folder.mkdir(parents=True)
            for place in range(2):
                noise = generator.integers(0, 256, (40 + place, 50, 3), dtype=np.uint8)
                Image.fromarray(noise).save(folder / f"{place}.png")
    (tmp_path / "names.txt").write_text("ant\nbee\ncat\ndog\nemu\n")
    images = ["--data", "greyfolder:animals", "--size", "28", "--names", "names.txt"]
    command = ["fit", "classifier", "gaussianblur", *images, "--epochs", "1", "--radius", "1", "--out"]
    assert run(*command, "animals.safetensors") == 0
    [following] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("next: gsmooth ")]
    assert load_classifier("animals.safetensors").layers[-1].out_features == 5
    assert run(*following.removeprefix("next: gsmooth ").split(), *QUICK) == 0
    report = Report.load("animals.report.json")
    assert report.data == "the image folder 'animals/test', resized and cut to 28 × 28 px (all 4)"
    assert (report.run.classes, [one.label for one in report.certificates]) == (5, [2, 3, 2, 3])


def test_a_size_is_a_side_or_two():
    assert parse_size("224") == 224
    assert parse_size("224x320") == (224, 320)
    assert parse_size(None) is None
