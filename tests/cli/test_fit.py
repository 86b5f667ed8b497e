"""``gsmooth fit``: from a file of options to weights with a card, and on to a certificate."""

import json
import shlex
import subprocess
import sys
import time

import pytest
from torchvision.utils import save_image

from gsmooth_core import (
    IdentitySurrogate,
    Report,
    UNetSurrogate,
    load_classifier,
    load_fashion_mnist,
    read_card,
    save_classifier,
)
from gsmooth_core.cli.app import main

SMALL = ["--limit", "48", "--epochs", "1", "--batch", "16"]
QUICK = ["--samples", "100", "--select", "20", "--anchors", "4"]


def run(*arguments):
    """The exit code of the command line."""
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return stop.value.code


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """The folder of a surrogate and of a classifier that was trained behind it."""
    folder = tmp_path_factory.mktemp("fitted")
    surrogate, classifier = folder / "surrogate.safetensors", folder / "classifier.safetensors"
    assert run("fit", "surrogate", "zoomblur", "--out", surrogate, "--width", "4", "--latent-std", "0.3", *SMALL) == 0
    assert run("fit", "classifier", "zoomblur", "--out", classifier, "--surrogate", surrogate, *SMALL) == 0
    return folder


def test_help_answers_at_once_without_torch():
    start = time.perf_counter()
    for command in ("['fit', '--help']", "['fit', 'surrogate', '--help']", "['fit', 'classifier', '--help']"):
        code = f"import sys; from gsmooth_core.cli.app import app; app({command}, result_action='return_value');"
        code += "assert 'torch' not in sys.modules, 'torch imported'"
        shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        assert "surrogate" in shown
    assert time.perf_counter() - start < 9


def test_a_surrogate_is_saved_with_its_figures_and_a_picture(fitted):
    surrogate = UNetSurrogate.load(fitted / "surrogate.safetensors")
    card = surrogate.card
    assert (card["corruption"], card["data"], card["images"], card["aim"]) == (
        "zoomblur",
        "fashion-mnist",
        48,
        "imitate",
    )
    assert (card["parameter_std"], card["latent_std"]) == (0.125, 0.3)
    assert card["seconds"] > 0
    assert card["figures"]["length of the real path in d_Sigma, median image"] > 1
    assert (fitted / "surrogate.png").stat().st_size > 1_000
    assert (fitted / "surrogate.checkpoints" / "last.ckpt").exists()


def test_a_classifiers_card_says_how_it_was_trained(fitted):
    card = read_card(fitted / "classifier.safetensors")
    assert card["smoothing"] == (
        "LatentSmoothing(surrogate=UNetSurrogate(channels=1, dimension=1, scale=[0.5], planes=1, latents=None, "
        "width=4, depth=2), parameter_std=0.125, latent_std=0.3)"
    )
    assert card["surrogate"] == read_card(fitted / "surrogate.safetensors")["sha256"]
    assert [card[name] for name in ("epochs", "batch", "learning_rate", "seed", "consistency")] == [1, 16, 2e-3, 0, 0.0]
    assert card["last mean loss"] > 0
    model, (images, labels) = load_classifier(fitted / "classifier.safetensors"), load_fashion_mnist("test")
    right = float((model(images).argmax(dim=1) == labels).float().mean())
    assert card["figures"]["accuracy on the test images without noise"] == pytest.approx(right, abs=0.002)


def test_what_is_trained_already_is_said_and_what_to_do_next_can_be_done(fitted, capsys):
    before = (fitted / "classifier.safetensors").stat().st_mtime_ns
    same = ["--surrogate", fitted / "surrogate.safetensors", *SMALL]
    assert run("fit", "classifier", "zoomblur", "--out", fitted / "classifier.safetensors", *same) == 0
    shown = capsys.readouterr().out
    assert "is trained already; to train it again, delete it and" in shown
    assert "accuracy on the test images without noise: " in shown
    assert (fitted / "classifier.safetensors").stat().st_mtime_ns == before
    [line] = [line for line in shown.splitlines() if line.startswith("next: ")]
    program, *command = shlex.split(line.removeprefix("next: "))
    assert program == "gsmooth"
    limit = command.index("--limit") + 1
    assert command[limit] == "50"
    assert run(*command[:limit], "2", *command[limit + 1 :], *QUICK) == 0
    captured = capsys.readouterr()
    assert "UNetSurrogate" in captured.out
    assert "was trained under" not in captured.err
    assert len(Report.load(fitted / "classifier.report.json").certificates) == 2


def test_another_training_is_not_overwritten(fitted, capsys):
    out = fitted / "surrogate.safetensors"
    command = ["fit", "surrogate", "zoomblur", "--out", out, "--width", "4", "--latent-std", "0.3", *SMALL]
    assert run(*command, "--seed", "1", "--depth", "1") == 2
    assert "holds another training, with other depth, seed; name another --out" in capsys.readouterr().err


def test_other_noise_than_in_training_is_warned_of(fitted, capsys):
    model, surrogate = fitted / "classifier.safetensors", fitted / "surrogate.safetensors"
    command = ["certify", "zoomblur", "--model", model, "--limit", "1", *QUICK]
    assert run(*command, "--surrogate", surrogate, "--parameter-std", "0.05", "--latent-std", "0.2") == 0
    captured = capsys.readouterr()
    assert "parameter_std=0.05, latent_std=0.2" in " ".join(captured.out.split())
    assert "gsmooth: the classifier was trained under LatentSmoothing(surrogate=UNetSurrogate(" in captured.err
    assert captured.err.count("but is certified under") == 1
    assert run(*command) == 0
    assert "but is certified under LatentSmoothing(surrogate=IdentitySurrogate(" in capsys.readouterr().err


def test_noise_can_be_named_without_a_surrogate(capsys):
    assert run("certify", "defocus", "--limit", "1", "--latent-std", "0.125", *QUICK) == 0
    assert "latent_std=0.125" in capsys.readouterr().out


def test_the_command_line_wins_over_the_file(tmp_path, capsys):
    file = tmp_path / "plan.toml"
    file.write_text(
        'corruption = "defocus"\nlimit = 32\nepochs = 1\nseed = 3\nradius = 2.0\n'
        f'[surrogate]\nout = "{tmp_path}/s.safetensors"\naim = "restore"\nwidth = 4\nlearning_rate = 0.01\n'
        f'[classifier]\nout = "{tmp_path}/c.safetensors"\nmirror = true\nconsistency = 1\n'
        '[trainer]\nprecision = "bf16-mixed"\n'
    )
    assert run("fit", "surrogate", "--config", file, "--seed", "4") == 0
    options = read_card(tmp_path / "s.safetensors")["options"]
    assert (options["corruption"], options["seed"], options["aim"], options["learning_rate"]) == (
        "defocus",
        4,
        "restore",
        0.01,
    )
    assert run("fit", "classifier", "--config", file, "--jitter", "0") == 0
    options = read_card(tmp_path / "c.safetensors")["options"]
    assert (options["seed"], options["mirror"], options["jitter"], options["consistency"]) == (3, True, 0, 1.0)
    capsys.readouterr()
    assert run("fit", "classifier", "zoomblur", "--config", file) == 2
    assert "with other corruption" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epochen = 3", "sets epochen, but 'gsmooth fit surrogate' has no such option; it has aim, batch, corruption,"),
        ("[surrogate]\nmirror = true\ntempo = 1", "sets mirror, tempo, but 'gsmooth fit surrogate' has no such option"),
        ("surrogate = 'x.safetensors'", "they are tables, such as [surrogate]"),
        ("epochs = = 3", "is no TOML file"),
        ("epochs = 'many'", "epochs"),
        ("config = 'other.toml'", "sets config, but"),
        ("[trainer]\npresicion = 'bf16-mixed'", "trainer has presicion, which is no option"),
        ("trainer = 3", "trainer"),
    ],
)
def test_bad_files_are_refused(tmp_path, capsys, text, message):
    (tmp_path / "plan.toml").write_text(text)
    out = tmp_path / "out.safetensors"
    assert run("fit", "surrogate", "zoomblur", "--out", out, "--config", tmp_path / "plan.toml") == 2
    shown = capsys.readouterr()
    assert message in shown.err
    assert "Traceback" not in shown.err + shown.out
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fit", "surrogate", "zoomblur"], "--out"),
        (["fit", "surrogate", "--out", "s.safetensors"], "--corruption"),
        (["fit", "surrogate", "nosuch", "--out", "s.safetensors"], "gsmooth new nosuch"),
        (["fit", "surrogate", "zoomblur", "--out", "s.pt"], "end --out in .safetensors"),
        (["fit", "surrogate", "zoomblur", "--out", "s.safetensors", "--data", "mnist"], "no images called 'mnist'"),
        (["fit", "surrogate", "zoomblur", "--out", "s.safetensors", "--limit", "0"], "limit must be a whole number"),
        (["fit", "surrogate", "zoomblur", "--out", "s.safetensors", "--aim", "blur"], "--aim"),
        (["fit", "surrogate", "zoomblur", "--out", "s.safetensors", "--config", "none.toml"], "No such file"),
        (["fit", "classifier", "zoomblur", "--out", "c.safetensors", "--model", "nonet"], "makes no 'nonet'"),
        (["fit", "classifier", "zoomblur", "--out", "c.safetensors", "--surrogate", "s.safetensors"], "no file"),
        (["fit", "classifier", "gaussianblur", "--out", "c.safetensors", "--latent-std", "1"], "has no latent_std"),
        (["fit", "classifier", "zoomblur", "--out", "c.safetensors", "--trainer.max_epochs", "3"], "set here"),
        (["certify", "gaussianblur", "--parameter-std", "1"], "no parameter_std; leave that out, or name a surrogate"),
        (["certify", "zoomblur", "--plain", "--latent-std", "1"], "--plain is without noise"),
        (["certify", "zoomblur", "--surrogate", "s.safetensors"], "there is no file 's.safetensors'"),
        (["certify", "zoomblur", "--data", "mnist:x"], "no images called 'mnist:x'"),
        (["certify", "zoomblur", "--data", "fashion-mnist", "--grey"], "name greyfolder:path"),
    ],
)
def test_bad_input_is_a_sentence_and_exit_code_2(capsys, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 2
    shown = capsys.readouterr()
    assert message in shown.err
    assert "Traceback" not in shown.err + shown.out


def test_a_surrogate_of_another_class_or_size_is_refused(tmp_path, capsys):
    IdentitySurrogate().save(tmp_path / "identity.safetensors")
    assert run("certify", "zoomblur", "--surrogate", tmp_path / "identity.safetensors") == 2
    assert "not a UNetSurrogate" in capsys.readouterr().err
    UNetSurrogate(3).save(tmp_path / "colour.safetensors")
    noise = ["--parameter-std", "0.1", "--latent-std", "0.1"]
    assert run("certify", "zoomblur", "--surrogate", tmp_path / "colour.safetensors", "--limit", "1") == 2
    assert "no card that names its noise; pass parameter_std" in capsys.readouterr().err
    assert run("certify", "zoomblur", "--surrogate", tmp_path / "colour.safetensors", "--limit", "1", *noise) == 2
    assert "takes images of 3 channels" in capsys.readouterr().err


def test_images_of_any_source_are_trained_on_and_certified(tmp_path, capsys, example_model):
    images, labels = load_fashion_mnist("test")
    for split in ("train", "test"):
        for index in range(8):
            folder = tmp_path / "pictures" / split / f"class{int(labels[index] % 2)}"
            folder.mkdir(parents=True, exist_ok=True)
            save_image(images[index], folder / f"{index}.png")
    source, out = f"greyfolder:{tmp_path}/pictures", tmp_path / "classifier.safetensors"
    assert run("fit", "classifier", "defocus", "--data", source, "--out", out, "--epochs", "1") == 0
    assert json.loads(out.with_suffix(".json").read_text())["classes"] == 2
    assert f"--data {source}" in capsys.readouterr().out
    report = tmp_path / "report.json"
    assert run("certify", "defocus", "--model", out, "--data", source, "--limit", "3", "--out", report, *QUICK) == 0
    assert len(Report.load(report).certificates) == 3
    save_classifier(example_model, tmp_path / "plain.safetensors", name="smallconvnet", classes=10, channels=1, card={})
    command = ["certify", "defocus", "--model", tmp_path / "plain.safetensors", "--data", "fashion-mnist"]
    capsys.readouterr()
    assert run(*command, "--limit", "1", *QUICK) == 0
    assert capsys.readouterr().err == ""
