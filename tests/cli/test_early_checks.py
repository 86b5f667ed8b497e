"""Cheap mistakes are refused before torch is imported, so that the answer comes at once."""

import subprocess
import sys
import time

import pytest

CODE = """
import sys
from gsmooth_core.cli.app import main
try:
    main(sys.argv[1:])
finally:
    assert not {"torch", "numpy", "matplotlib"} & set(sys.modules), "imported"
"""
WRONG = [
    ("certify nosuch", "gsmooth new nosuch"),
    ("certify defocus_blur:discrete", "Did you mean 'defocus:discrete'?"),
    ("attack jpeg_compression", "gsmooth has no such corruption"),
    ("fit surrogate zoom-blur --out x.safetensors", "Did you mean 'zoomblur'?"),
    ("fit classifier Defocus --out x.safetensors", "Did you mean 'defocus'?"),
    ("fit classifier defocus --out x.safetensors --data folder:nowhere", "there is no folder 'nowhere'"),
    ("figure noises nosuch --out x.png", "gsmooth new nosuch"),
    ("figure variances nosuch --out x.png", "gsmooth new nosuch"),
    ("figure augmented nosuch --out x.png", "gsmooth new nosuch"),
    ("benchmark --smooth nosuch", "gsmooth new nosuch"),
    ("benchmark --corruptions Gaussian-Blur", "did you mean 'gaussian_blur'?"),
    ("certify defocus --model nosuch.safetensors", "there is no file 'nosuch.safetensors'"),
    ("certify defocus --data nowhere", "there is no folder 'nowhere'"),
    ("certify defocus --data cifar10:nowhere", "there is no folder 'nowhere'; check the path after 'cifar10:'"),
    ("certify defocus --surrogate nosuch.safetensors", "there is no file 'nosuch.safetensors'"),
    ("certify defocus --out nowhere/report.json", "there is no folder"),
    ("attack defocus --pictures nowhere/x.png", "there is no folder"),
    ("verify nosuch.json", "there is no file 'nosuch.json'"),
    ("show nosuch.json", "there is no file 'nosuch.json'"),
    ("page nosuch --out page.html", "there is no file 'nosuch'"),
    ("page --out .", "which is a folder"),
]


@pytest.mark.parametrize(("command", "message"), WRONG, ids=[command for command, _ in WRONG])
def test_a_cheap_mistake_is_refused_without_torch(command, message, tmp_path):
    start = time.perf_counter()
    ended = subprocess.run([sys.executable, "-c", CODE, *command.split()], capture_output=True, text=True, cwd=tmp_path)
    assert time.perf_counter() - start < 3  # 0.3 s on an idle core
    assert ended.returncode == 2
    assert ended.stderr.startswith("gsmooth: ")
    assert ended.stderr.count("\n") == 1
    assert message in ended.stderr
    assert not list(tmp_path.iterdir())
