import json
import os
import signal
import subprocess
import sys
import time

import pytest
from torchvision.utils import save_image

from gsmooth_core import CorruptionTable, Report, load_fashion_mnist
from gsmooth_core.cli.app import main

QUICK = ["--samples", "200", "--select", "50"]


def run(*arguments):
    """The exit code of the command line."""
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    return stop.value.code


def test_help_answers_at_once_without_torch():
    start = time.perf_counter()
    code = "import sys; from gsmooth_core.cli.app import app; app(['--help'], result_action='return_value');"
    code += "assert 'torch' not in sys.modules, 'torch imported'"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert time.perf_counter() - start < 3
    assert "certify" in shown
    assert "Exit codes" in shown


def test_plugins_are_shown_with_unit_and_guarantee(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert run("plugins") == 0
    rows = {row.split("│")[1].strip(): row for row in capsys.readouterr().out.splitlines() if row.startswith("│")}
    assert len({name.partition(":")[0] for name in rows}) >= 12
    for name, parts in {
        "defocus": ("radius (px)", "latent", "probabilistic"),
        "gaussianblur": ("variance (px²)", "resolvable", "probabilistic"),
        "brightnesscontrast": ("contrast (log gain), brightness (intensity)", "resolvable", "probabilistic"),
        "translation:black": ("dx (px), dy (px)", "enumeration", "exact"),
        "rotation": ("angle (degrees)", "latent", "probabilistic"),
    }.items():
        for part in parts:
            assert part in rows[name]


def test_a_broken_plugin_is_shown_with_its_reason(capsys, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "bitter.py").write_text("raise OSError('[/tmp/x] is gone')")
    metadata = tmp_path / "bitter-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: bitter\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[gsmooth]\nbitter = bitter\n")
    assert run("plugins") == 2
    shown = capsys.readouterr().out
    assert "broken" in shown
    assert "'bitter' (bitter 1) fails on import: OSError: [/tmp/x] is gone; correct it" in shown
    assert "defocus" in shown


def test_certify_writes_a_report_and_continues_it(capsys, tmp_path):
    out = tmp_path / "report.json"
    assert run("certify", "gaussianblur", "--limit", "3", "--out", str(out), *QUICK) == 0
    assert "certified accuracy" in capsys.readouterr().out
    first = Report.load(out)
    assert len(first.certificates) == 3
    assert run("certify", "gaussianblur", "--limit", "5", "--out", str(out), *QUICK) == 0
    assert Report.load(out).certificates[:3] == first.certificates
    assert len(Report.load(out).certificates) == 5


def test_a_killed_command_continues(tmp_path):
    out = tmp_path / "report.json"
    command = [sys.executable, "-m", "gsmooth_core", "certify", "gaussianblur", "--limit", "20", "--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"})
    while not (out.exists() and len(Report.load(out).certificates) >= 2):
        time.sleep(0.02)
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = Report.load(out)
    assert len(before.certificates) < 20
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = Report.load(out)
    assert len(after.certificates) == 20
    assert all(certificate in after.certificates for certificate in before.certificates)


def test_an_interrupted_command_says_that_it_can_continue(tmp_path):
    out = tmp_path / "report.json"
    command = [sys.executable, "-m", "gsmooth_core", "certify", "gaussianblur", "--limit", "500", "--out", str(out)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not out.exists():
        time.sleep(0.02)
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, shown = process.communicate()
    assert process.returncode == 130
    assert "the same command continues" in shown
    assert len(Report.load(out).certificates) >= 1


def test_a_saved_report_is_shown(capsys, tmp_path):
    assert run("certify", "gaussianblur", "--limit", "2", "--out", str(tmp_path / "report.json"), *QUICK) == 0
    before = capsys.readouterr().out
    assert run("show", str(tmp_path / "report.json")) == 0
    assert capsys.readouterr().out.strip() in before


def test_too_little_certified_is_an_exit_code(capsys):
    command = ["certify", "gaussianblur", "--limit", "3", *QUICK]
    assert run(*command, "--at-least", "1.0", "--radius", "50") == 3
    assert "below 100.0%" in capsys.readouterr().err
    assert run(*command, "--radius", "500") == 2
    assert "no image could be certified" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["certify", "nosuch"], "Check the name. To write it: gsmooth new nosuch"),
        (["certify", "defocus", "--radius", "wide"], "--radius"),
        (["certify", "defocus", "--radius", "99"], "leaves the parameter space"),
        (["certify", "defocus", "--alpha", "2"], "alpha must lie"),
        (["certify", "defocus", "--model", "nowhere:model"], "ModuleNotFoundError"),
        (["certify", "defocus", "--model", "nowhere"], "after the colon"),
        (["certify", "defocus", "--model", "math:pi"], "cannot be called"),
        (["certify", "defocus", "--data", "/nonexistent"], "no folder"),
        (["certify", "defocus", "--certifier", "resolvable"], "certifier='latent'"),
        (["certify"], "CORRUPTION requires an argument"),
        (["certify", "defocus", "--unknown"], "--unknown"),
        (["certify", "defocus", "--device", "gpu"], "the device 'gpu' cannot be used"),
        (["certify", "defocus", "--device", "meta"], "holds no values"),
        (["certify", "defocus", "--at-least", "30"], "0.3 means 30 %"),
        (["certify", "gaussianblur", "--limit", "1", "--out", "/"], "cannot be written"),
        (["show", "/nonexistent.json"], "there is no file"),
        (["certify", "defocus", "--plain"], "leave it out, or name a corruption"),
        (["benchmark", "--limit", "0"], "limit must be a whole number of at least 1"),
        (["benchmark", "--corruptions", "fog"], "no corruption 'fog'"),
        (["benchmark", "--corruptions", "defocus"], "did you mean 'defocus_blur'?"),
        (["benchmark", "--constants", "mnistc"], "--constants"),
        (["benchmark", "--smooth", "nosuch"], "gsmooth new nosuch"),
        (["benchmark", "--data", "pictures"], "there is no folder 'pictures'"),
        (["benchmark", "--npy", "/nonexistent"], "load them with gsmooth_core.load_cifar"),
        (["benchmark", "--out", "/"], "cannot be written to '/', which is a folder; name a file"),
        (
            ["benchmark", "--out", "/nonexistent/table.json"],
            "there is no folder '/nonexistent' for the result; make it",
        ),
    ],
)
def test_bad_input_is_a_sentence_and_exit_code_2(capsys, arguments, message):
    assert run(*arguments) == 2
    shown = capsys.readouterr()
    assert message in shown.err
    assert "Traceback" not in shown.err + shown.out


@pytest.mark.filterwarnings("ignore:the model returns")  # more classes than folders
def test_ones_own_model_and_pictures(tmp_path, monkeypatch, capsys):
    images, labels = load_fashion_mnist("test")
    for index in range(4):
        folder = tmp_path / "pictures" / f"class{int(labels[index] % 2)}"
        folder.mkdir(parents=True, exist_ok=True)
        save_image(images[index], folder / f"{index}.png")
    (tmp_path / "mymodels.py").write_text(
        "from gsmooth_core import load_example_model\n"
        "def example():\n    return load_example_model()\n"
        "made = example()\n"
    )
    monkeypatch.chdir(tmp_path)
    reports = []
    for name in ("example", "made"):
        out = tmp_path / f"{name}.json"
        command = ["certify", "gaussianblur", "--model", f"mymodels:{name}", "--data", "pictures", "--grey", *QUICK]
        assert run(*command, "--out", str(out)) == 0
        reports.append(json.loads(out.read_text()))
    assert len(reports[0]["certificates"]) == 4
    assert {certificate["label"] for certificate in reports[0]["certificates"]} <= {0, 1}
    claims = [[certificate["claim"] for certificate in report["certificates"]] for report in reports]
    assert claims[0] == claims[1]
    capsys.readouterr()
    (tmp_path / "empty").mkdir()
    assert run("certify", "gaussianblur", "--data", str(tmp_path / "empty")) == 2
    assert "is no image folder" in capsys.readouterr().err


def test_new_makes_a_plugin_and_refuses_what_cannot_be_one(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("new", "sample") == 0
    assert "next: pip install --editable sample" in capsys.readouterr().out
    made = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*"))
    assert made == [
        "sample/README.md",
        "sample/gsmooth_plugin_sample.py",
        "sample/pyproject.toml",
        "sample/tests/test_conformance.py",
    ]
    for arguments, message in (
        (["sample"], "exists already"),
        (["Sample"], "one word of small letters"),
        (["defocus"], "gsmooth-plugin-defocus provides 'defocus' already"),
        (["another", "--into", "nowhere"], "there is no folder 'nowhere'"),
    ):
        assert run("new", *arguments) == 2
        assert message in capsys.readouterr().err


def test_the_plain_model_is_enumerated_from_the_command_line(capsys):
    assert run("certify", "translation", "--limit", "1", "--certifier", "enumeration") == 2
    assert "--plain on the command line" in capsys.readouterr().err
    assert run("certify", "translation", "--limit", "2", "--radius", "1", "--certifier", "enumeration", "--plain") == 0
    assert "outputs tried per image" in capsys.readouterr().out


def test_a_misspelt_name_is_answered_with_the_nearest(capsys):
    assert run("certify", "defocuss") == 2
    assert "Did you mean 'defocus'?" in capsys.readouterr().err


def test_benchmark_prints_and_writes_a_table(capsys, tmp_path):
    out = tmp_path / "table.json"
    command = ["benchmark", "--limit", "20", "--corruptions", "contrast", "pixelate", "--severities", "1", "5"]
    assert run(*command, "--constants", "imagenetc", "--out", str(out)) == 0
    table = CorruptionTable.load(out)
    assert list(table.scores) == ["contrast", "pixelate"]
    assert (table.run.severities, table.run.constants) == ((1, 5), "imagenetc")
    assert table.clean.count == 20
    shown = capsys.readouterr().out
    assert f"{100 * table.mean_accuracy('contrast'):.1f}" in shown
    assert str(out) in shown


def test_the_benchmarks_old_name_goes_on_working_with_a_hint(capsys):
    command = ["--limit", "5", "--corruptions", "contrast", "--severities", "1"]
    assert run("corrupt", *command) == 0
    shown = capsys.readouterr()
    assert shown.err == "gsmooth: 'gsmooth corrupt' is now called 'gsmooth benchmark'\n"
    assert run("benchmark", *command) == 0
    assert capsys.readouterr() == (shown.out, "")
    assert run("corrupt", "--limit", "0") == 2
    assert run("--help") == 0
    commands = [line.split()[1] for line in capsys.readouterr().out.splitlines() if line.startswith("│ ")]
    assert {"benchmark", "page"} <= set(commands)
    assert not {"corrupt", "report"} & set(commands)


def test_bundled_images_are_named_where_the_model_is_ones_own(capsys, tmp_path, monkeypatch):
    (tmp_path / "ownmodels.py").write_text("def flat(images):\n    return images.flatten(1)[:, 300:310]\n")
    monkeypatch.chdir(tmp_path)
    own = ["--model", "ownmodels:flat", "--limit", "1"]
    for command in (
        ["certify", "gaussianblur", *QUICK],
        ["attack", "gaussianblur", "--calls", "8"],
        ["benchmark", "--corruptions", "contrast", "--severities", "1"],
    ):
        assert run(*command, *own) == 0
        assert "gsmooth: no images were given, so " in capsys.readouterr().err
        assert run(*command, *own, "--data", "fashion-mnist") == 0
        assert run(*command, "--limit", "1") == 0
        assert capsys.readouterr().err == ""


def test_benchmark_judges_a_smoothed_classifier(capsys, tmp_path):
    out = tmp_path / "table.json"
    command = ["benchmark", "--limit", "5", "--corruptions", "contrast", "--smooth", "gaussianblur", "--samples", "50"]
    assert run(*command, "--out", str(out)) == 0
    table = CorruptionTable.load(out)
    assert (table.run.samples, table.run.severities) == (50, (1, 2, 3, 4, 5))
    assert "under ParameterSmoothing" in table.run.classifier
    assert "by 50 votes" in capsys.readouterr().out
