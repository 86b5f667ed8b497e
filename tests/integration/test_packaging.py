"""Wheels, installed into a new environment outside the clone, do what the clone does."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from helpers import FIRST

ROOT = Path(__file__).parents[2]


def run(*command, cwd, check=True):
    return subprocess.run([*map(str, command)], cwd=cwd, check=check, capture_output=True, text=True)


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """The wheels of the core and of each plugin, built from a copy of the tree."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in ("gsmooth_core", "plugins", "pyproject.toml", "README.md", "LICENSE"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    projects = [source, *(path.parent for path in source.glob("plugins/*/pyproject.toml"))]
    run(sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "-w", target, *projects, cwd=source)
    return target


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A new virtual environment that has this one's dependencies (linked, not copied) and nothing of gsmooth."""
    folder = tmp_path_factory.mktemp("outside") / "venv"
    venv.create(folder, with_pip=True)
    run(folder / "bin" / "pip", "uninstall", "--yes", "setuptools", cwd=folder)  # it came with Python; ours is newer
    there = Path(
        run(folder / "bin" / "python", "-c", "import site; print(site.getsitepackages()[0])", cwd=folder).stdout.strip()
    )
    for package in Path(sysconfig.get_paths()["purelib"]).iterdir():
        ours = "gsmooth" in package.name.lower() or package.name.startswith("__editable__")
        if not ours and package.suffix != ".pth" and not (there / package.name).exists():
            (there / package.name).symlink_to(package)
    return folder


def metadata_of(wheel):
    archive = zipfile.ZipFile(wheel)
    [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    return archive.read(name).decode()


@pytest.mark.slow
def test_wheels_hold_what_they_need(dist):
    names = {path.name.split("-")[0]: path for path in dist.glob("*.whl")}
    assert {"gsmooth_core", "gsmooth_plugin_defocus", "gsmooth_plugin_gaussianblur"} <= set(names)
    core = set(zipfile.ZipFile(names["gsmooth_core"]).namelist())
    for name in ("py.typed", "data/fashion_mnist.npz", "data/example_model.safetensors", "data/FASHION_MNIST_LICENSE"):
        assert f"gsmooth_core/{name}" in core
    assert not any(name.startswith(("tests", "plugins", "examples")) for name in core)
    assert len({path.name.split("-")[1] for path in names.values()}) == 1
    licensed = {name for name, path in names.items() if "License-Expression: MIT" in metadata_of(path)}
    assert licensed >= {"gsmooth_core", *(f"gsmooth_plugin_{name}" for name in FIRST)}
    for path in (names[name] for name in licensed):
        assert any(name.endswith(".dist-info/licenses/LICENSE") for name in zipfile.ZipFile(path).namelist()), path.name


@pytest.mark.slow
def test_wheels_certify_outside_the_clone(dist, environment, tmp_path):
    python, gsmooth = environment / "bin" / "python", environment / "bin" / "gsmooth"
    install = [python, "-m", "pip", "install", "--no-index", "--find-links", dist]
    run(*install, "gsmooth-core", cwd=tmp_path)
    missing = run(gsmooth, "certify", "defocus", "--limit", "1", cwd=tmp_path, check=False)
    assert missing.returncode == 2
    assert (
        "no installed plugin provides 'defocus' (installed: none). Install it: pip install gsmooth-plugin-defocus, "
        "or in a clone of gsmooth pip install ./plugins/defocus" in missing.stderr
    )
    run(*install, "gsmooth-plugin-defocus", cwd=tmp_path)
    shown = run(gsmooth, "certify", "defocus", "--limit", "3", "--out", "report.json", cwd=tmp_path).stdout
    assert "certified accuracy" in shown
    code = (
        "import gsmooth_core; assert 'site-packages' in gsmooth_core.__file__, gsmooth_core.__file__;"
        "print(gsmooth_core.Report.load('report.json').certificates[0].claim)"
    )
    assert "Proved by the latent certificate" in run(python, "-c", code, cwd=tmp_path).stdout


@pytest.mark.slow
def test_the_tutorial_leads_from_an_empty_folder_to_a_certificate(dist, environment, tmp_path):
    """Each command and file of docs/plugins.md, with nothing but the core's wheel."""
    blocks = re.findall(r"```(sh|python)\n(.*?)```", (ROOT / "docs" / "plugins.md").read_text(), flags=re.DOTALL)
    settings = {
        "PATH": f"{environment / 'bin'}:{os.environ['PATH']}",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(dist),
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads this as --no-build-isolation: it may not download setuptools
        "OMP_NUM_THREADS": "1",
    }

    def shell(script):
        done = subprocess.run(
            ["bash", "-euc", script], cwd=tmp_path, env=os.environ | settings, capture_output=True, text=True
        )
        assert done.returncode == 0, script + done.stdout + done.stderr
        return done.stdout

    shell("pip install --quiet gsmooth-core && pip uninstall --quiet --yes gsmooth-plugin-defocus")
    shown = []
    for kind, code in blocks:
        if kind == "python" and "def gsmooth_corruptions" not in code:
            run(environment / "bin" / "python", "-c", code, cwd=tmp_path)
        elif kind == "python":
            assert len(code.splitlines()) <= 60
            (tmp_path / "fog" / "gsmooth_plugin_fog.py").write_text(code)
        else:
            shown.append(shell(code))
    _, tested, certified, _ = shown
    assert re.search(r"\d\d passed", tested)
    assert "fog: density from 0 to 0.3 share" in certified
    report = run(environment / "bin" / "gsmooth", "show", "fog.json", cwd=tmp_path).stdout
    assert "probabilistic" in report
    assert [path.name for path in (tmp_path / "wheels").iterdir()] == ["gsmooth_plugin_fog-0.1.0-py3-none-any.whl"]
    broken = (tmp_path / "fog" / "gsmooth_plugin_fog.py").read_text().replace("(0.9 - images)", "0.9")
    (tmp_path / "fog" / "gsmooth_plugin_fog.py").write_text(
        broken.replace("images + parameters", "images * 0.9 + parameters")
    )
    failed = subprocess.run(
        ["bash", "-c", "python -m pytest -q fog"], cwd=tmp_path, env=os.environ | settings, capture_output=True
    )
    assert b"gives_back_the_image_at_the_identity" in failed.stdout
    assert failed.returncode == 1
    run(environment / "bin" / "pip", "uninstall", "--yes", "gsmooth-plugin-fog", cwd=tmp_path)
