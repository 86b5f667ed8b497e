"""What ends a command is a sentence, whatever a plugin or a model does."""

import pytest

from gsmooth_core import PluginError, Report, get_corruption
from gsmooth_core.cli.app import main

QUICK = ["--samples", "200", "--select", "50"]
FAILING = """
    import sys
    import attrs
    import torch
    from gsmooth_core import ParameterNoise, get_corruption, hookimpl

    blur = get_corruption("gaussianblur")
    noise = ParameterNoise(blur.smoothing.noise, pixel_std=blur.smoothing.pixel_std)
    calls = 0

    class Failing(type(blur.transformation)):
        def transform(self, images, parameters):
            global calls
            calls += 1
            if calls > {calls}:
                {failure}
            return super().transform(images, parameters)

    @hookimpl
    def gsmooth_corruptions():
        return [attrs.evolve(blur, name="{name}", transformation=Failing(), smoothing=noise)]
"""


def run(*arguments):
    """The exit code of the command line."""
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    return stop.value.code


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        (
            "leaver",
            "import sys\nsys.exit(0)\n",
            r"'leaver' .* fails on import: SystemExit: 0",
        ),
        (
            "quitter",
            "import gsmooth_core\n@gsmooth_core.hookimpl\ndef gsmooth_corruptions():\n    raise SystemExit('no')\n",
            r"the hook gsmooth_corruptions of the plugin 'quitter' .* fails: SystemExit: no; correct it",
        ),
    ],
)
def test_a_plugin_that_exits_is_a_broken_plugin(install_plugin, capsys, name, code, message):
    install_plugin(name, code)
    with pytest.raises(PluginError, match=message):
        get_corruption(name)
    assert run("certify", name) == 2
    assert f"the plugin '{name}'" in capsys.readouterr().err
    assert run("plugins") == 2
    shown = capsys.readouterr().out
    assert "SystemExit" in shown
    assert "defocus" in shown


def test_an_interrupt_while_a_plugin_is_imported_is_no_fault_of_the_plugin(install_plugin, capsys):
    install_plugin("slow", "raise KeyboardInterrupt\n")
    assert run("certify", "slow") == 130
    assert "interrupted" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "failure", "message"),
    [
        ("indexing", "raise IndexError('list index out of range')", "IndexError: list index out of range"),
        ("exiting", "sys.exit(0)", "SystemExit: 0"),
        ("valuing", "float('x')", "could not convert string to float: 'x'"),
    ],
)
def test_a_plugin_that_fails_in_the_midst_is_named_and_the_results_are_kept(
    install_plugin, capsys, tmp_path, monkeypatch, name, failure, message
):
    monkeypatch.setattr("gsmooth_core.common.resuming.SAVING", 1e9)
    monkeypatch.setattr("gsmooth_core.engine.engine.AT_ONCE", 1)
    install_plugin(name, FAILING.format(name=name, failure=failure, calls=40))
    out = tmp_path / "report.json"
    assert run("certify", name, "--limit", "20", "--batch", "50", "--out", str(out), *QUICK) == 2
    shown = " ".join(capsys.readouterr().err.split())
    assert message in shown
    assert f"the plugin '{name}' of gsmooth-plugin-{name} 1.2" in shown
    assert "Traceback" not in shown
    assert 1 <= len(Report.load(out).certificates) < 20


def test_an_unexpected_error_has_a_code_of_its_own_and_its_traceback_on_request(capsys, monkeypatch):
    def broken(*_, **__):
        raise RecursionError("too deep")

    monkeypatch.setattr("gsmooth_core.cli.named_models.load_example_model", broken)
    assert run("certify", "defocus") == 1
    shown = capsys.readouterr().err
    assert shown.startswith("gsmooth: unexpected RecursionError: too deep; ")
    assert "GSMOOTH_TRACEBACK=1" in shown
    assert "Traceback" not in shown
    monkeypatch.setenv("GSMOOTH_TRACEBACK", "1")
    assert run("certify", "defocus") == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err
    assert run("certify", "defocus", "--radius", "wide") == 2


def test_a_model_whose_module_exits_is_a_sentence(capsys, tmp_path, monkeypatch):
    (tmp_path / "training_script.py").write_text("import argparse\nargparse.ArgumentParser().parse_args(['--x'])\n")
    monkeypatch.chdir(tmp_path)
    assert run("certify", "defocus", "--model", "training_script:model") == 2
    assert "the model 'training_script:model' cannot be loaded: SystemExit: 2" in capsys.readouterr().err


def test_a_sentence_of_the_core_is_not_blamed_on_a_plugin(capsys):
    assert run("certify", "defocus", "--radius", "99") == 2
    assert "raised by" not in capsys.readouterr().err
