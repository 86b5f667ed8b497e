"""Nothing that is printed ends a command, whatever the console can show."""

import json
import os
import subprocess
import sys

import pytest

from gsmooth_core.cli.app import main

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


def outcome(folder, arguments, **environment):
    settings = {name: value for name, value in os.environ.items() if name not in ("PYTHONUTF8", "PYTHONWARNINGS")}
    return subprocess.run([sys.executable, *arguments], cwd=folder, env=settings | environment, capture_output=True)


QUICK = "--limit 1 --samples 200"
COMMANDS = {
    f"certify rotation {QUICK} --out report-again.json": 0,
    f"certify gaussianblur {QUICK} --model oddmodels:odd": 0,
    "certify gaussianblur --limit 1 --model oddmodels:failing": 2,
    "attack rotation --limit 1 --calls 20 --out attack.json": 0,
    "show report.json attack.json": 0,
    "show report.json --format markdown": 0,
    "show report.json --format latex": 0,
    "page report.json --no-pictures --out page.html": 0,
    "plugins": 0,
    "certify −ℓ₂": 2,
    "certify defocus --radius ≤": 2,
    "figure variances --help": 0,
}
IN_TURN = """
import json, sys
from gsmooth_core.cli.app import main
codes = {}
for command in json.load(open("commands.json", encoding="utf-8")):
    try:
        main(command.split())
    except SystemExit as stop:
        codes[command] = stop.code
json.dump(codes, open("codes.json", "w", encoding="utf-8"))
"""


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "cp1252"},
        {"PYTHONIOENCODING": "cp437"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    ],
    ids=["ascii", "cp1252", "cp437", "the locale C"],
)
def test_commands_end_as_they_do_elsewhere(folder, environment):
    """Also after hours: what is written is there, and the exit code is that of the result."""
    for name in ("report-again.json", "attack.json", "page.html"):
        (folder / name).unlink(missing_ok=True)
    (folder / "commands.json").write_text(json.dumps(list(COMMANDS)), encoding="utf-8")
    ended = outcome(folder, ["-c", IN_TURN], **environment)
    shown = (ended.stdout + ended.stderr).decode(environment.get("PYTHONIOENCODING", "ascii"))
    assert json.loads((folder / "codes.json").read_text(encoding="utf-8")) == COMMANDS, shown
    for word in ("Traceback", "UnicodeEncodeError", r"\u"):
        assert word not in shown
    assert "-l" in shown
    for name in ("report-again.json", "attack.json", "page.html"):
        assert (folder / name).stat().st_size > 0


def test_a_reader_that_stops_reading_is_no_error(folder):
    command = f"{sys.executable} -m gsmooth_core show {'report.json ' * 3} --format markdown | true"
    ended = subprocess.run(
        ["bash", "-c", command + "; echo ${PIPESTATUS[0]}"], cwd=folder, capture_output=True, text=True
    )
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
