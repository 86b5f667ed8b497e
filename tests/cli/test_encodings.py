"""Nothing that is printed ends a command, whatever the console can show."""

import os
import subprocess
import sys

import pytest

from gsmooth_core import Report
from gsmooth_core.cli.app import main

SURROGATE = "d\udce9fectueux"
"""A folder's name that is no UTF-8, as from an old disk."""
ODD = """
from gsmooth_core import load_example_model
import warnings
net = load_example_model()
def odd(images):
    warnings.warn("−ℓ₂ ≤ σ", stacklevel=1)
    return net(images)
def failing(images):
    raise RuntimeError("−ℓ₂ ≤ σ")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A report of a latent certificate, whose region and claims have characters that few code pages have."""
    folder = tmp_path_factory.mktemp("encodings")
    with pytest.raises(SystemExit):
        main(["certify", "rotation", "--limit", "1", "--samples", "200", "--out", str(folder / "report.json")])
    (folder / "oddmodels.py").write_text(ODD, encoding="utf-8")
    return folder


def outcome(folder, command, **environment):
    settings = {name: value for name, value in os.environ.items() if name not in ("PYTHONUTF8", "PYTHONWARNINGS")}
    command = [sys.executable, "-m", "gsmooth_core", *command]
    return subprocess.run(command, cwd=folder, env={**settings, **environment}, capture_output=True)


COMMANDS = {
    "certify": (["certify", "rotation", "--limit", "1", "--samples", "200", "--out", "{name}.json"], 0),
    "a model that warns": (["certify", "gaussianblur", "--limit", "1", "--samples", "200", "--model", "oddmodels:odd"], 0),
    "a model that fails": (["certify", "gaussianblur", "--limit", "1", "--model", "oddmodels:failing"], 2),
    "show": (["show", "report.json"], 0),
    "markdown": (["show", "report.json", "--format", "markdown"], 0),
    "latex": (["show", "report.json", "--format", "latex"], 0),
    "page": (["page", "report.json", "--no-pictures", "--out", "{name}.html"], 0),
    "plugins": (["plugins"], 0),
    "a wrong name": (["certify", "−ℓ₂"], 2),
    "a wrong option": (["certify", "defocus", "--radius", "≤"], 2),
    "help": (["figure", "variances", "--help"], 0),
}
ENVIRONMENTS = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "cp437": {"PYTHONIOENCODING": "cp437"},
    "the locale C": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
}
PAIRS = [(what, "ascii") for what in COMMANDS]
PAIRS += [(what, where) for what in ("show", "a wrong name", "help") for where in ENVIRONMENTS if where != "ascii"]


@pytest.mark.parametrize(("what", "where"), PAIRS)
def test_a_command_ends_as_it_does_elsewhere(folder, what, where):
    command, code = COMMANDS[what]
    given = [part.format(name=f"{what} {where}") for part in command]
    environment = ENVIRONMENTS[where]
    ended = outcome(folder, given, **environment)
    shown = (ended.stdout + ended.stderr).decode(environment.get("PYTHONIOENCODING", "ascii"))
    assert ended.returncode == code, shown
    for word in ("Traceback", "UnicodeEncodeError", r"\u"):
        assert word not in shown
    for part in given:
        if part.startswith(what) and "." in part:
            assert (folder / part).stat().st_size > 0


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text elsewhere")
def test_a_path_that_is_no_text_is_printed(folder):
    (folder / SURROGATE).mkdir(exist_ok=True)
    out = f"{SURROGATE}/report.json"
    ended = outcome(folder, ["certify", "gaussianblur", "--limit", "1", "--samples", "200", "--out", out])
    assert ended.returncode == 0, ended.stderr
    assert rb"report: d\udce9fectueux/report.json" in ended.stdout
    assert len(Report.load(folder / out).certificates) == 1


def test_a_reader_that_stops_reading_is_no_error(folder):
    command = f"{sys.executable} -m gsmooth_core show {'report.json ' * 3} --format markdown | true"
    ended = subprocess.run(["bash", "-c", command + "; echo ${PIPESTATUS[0]}"], cwd=folder, capture_output=True, text=True)
    assert ended.stderr == ""
    assert ended.stdout.strip() in ("0", "1")  # 0 if it was faster


PROGRESS = """
from gsmooth_core.common.progress import say_so_far, track
for item in track(range(3), 3, "−ℓ₂", shown=True):
    say_so_far("σ ≤ 2⁻¹⁴")
"""


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437"])
def test_a_bar_is_drawn_in_any_encoding(encoding):
    ended = subprocess.run(
        [sys.executable, "-c", PROGRESS],
        env={**os.environ, "PYTHONIOENCODING": encoding, "COLUMNS": "120"},
        capture_output=True,
        check=True,
    )
    assert "-l" in ended.stderr.decode(encoding)
    assert "3/3" in ended.stderr.decode(encoding)
