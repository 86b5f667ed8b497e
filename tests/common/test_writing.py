"""Whatever is written follows links, keeps permissions, and replaces nothing that is no regular file."""

import os
import stat
import subprocess
import sys

import pytest
import torch
from helpers import QUICK
from torch import nn

from gsmooth_core import (
    AttackBudget,
    UNetSurrogate,
    attack,
    certify,
    get_corruption,
    measure_corruption_accuracy,
    save_imitations,
    save_page,
    save_weights,
    use_surrogate,
    verify,
)
from gsmooth_core.common.files import write_bytes, write_text
from gsmooth_core.figures.shared import save_figure
from gsmooth_core.results.drawing import new_axes


@pytest.fixture(scope="module")
def writers(example_model, test_images, test_labels):
    """Everything that writes a file, by its ending."""
    images, labels = test_images[:4], test_labels[:4]
    report = certify(example_model, "gaussianblur", images, labels, budget=QUICK)
    budget = AttackBudget(calls=60, confirm=100)
    attacked = attack(example_model, "rotation", images, labels, budget=budget, radius=60.0)
    assert any(one.clean == one.label != one.predicted for one in attacked.images)
    behind = use_surrogate("zoomblur", UNetSurrogate(width=4, depth=1), 0.1, 0.1)
    return {
        "report.json": report.save,
        "running.json": lambda path: certify(
            example_model, "gaussianblur", images[:1], labels[:1], budget=QUICK, out=path
        ),
        "attack.json": attacked.save,
        "verification.json": verify(report, example_model, images, budget=budget).save,
        "table.json": measure_corruption_accuracy(
            example_model, images, labels, corruptions=["contrast"], severities=[1]
        ).save,
        "page.html": lambda path: save_page(path, report, images=images),
        "weights.safetensors": lambda path: save_weights(nn.Linear(2, 2), path, {}),
        "fallen.png": lambda path: attacked.save_pictures(path, get_corruption("rotation"), images),
        "imitations.jpg": lambda path: save_imitations(path, behind, images[:1], columns=2),
        "curve.svg": lambda path: save_figure(report.plot(new_axes()), path),
        "table.md": lambda path: write_text(path, "| a |\n"),
    }


WRITERS = [
    *("report.json", "running.json", "attack.json", "verification.json", "table.json", "page.html", "table.md"),
    *("weights.safetensors", "fallen.png", "imitations.jpg", "curve.svg"),
]


@pytest.mark.parametrize("name", WRITERS)
def test_a_writer_follows_links_keeps_permissions_and_refuses_pipes(writers, name, tmp_path):
    write = writers[name]
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / name, tmp_path / name
    link.symlink_to(target)
    write(link)  # a link that leads to no file yet
    assert link.is_symlink()
    assert target.stat().st_size > 0
    if name != "running.json":  # which reads what is there
        target.write_bytes(b"old")
    target.chmod(0o600)
    write(link)
    assert link.is_symlink()
    assert target.read_bytes() != b"old"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    pipe = tmp_path / f"pipe.{name}"
    os.mkfifo(pipe)
    with pytest.raises(ValueError, match="which is a pipe, a socket or a device; name a file in a folder of yours"):
        write(pipe)
    assert pipe.is_fifo()
    assert not list(tmp_path.rglob(".*"))


def test_the_card_of_weights_is_checked_before_the_weights_are_written(tmp_path):
    os.mkfifo(tmp_path / "net.json")
    with pytest.raises(ValueError, match="the card cannot be written to .*which is a pipe"):
        save_weights(nn.Linear(1, 1), tmp_path / "net.safetensors", {})
    assert not (tmp_path / "net.safetensors").exists()


@pytest.mark.parametrize("place", ["/dev/null", "/dev/full"])
def test_a_device_is_refused(place):
    with pytest.raises(ValueError, match=f"cannot be written to '{place}', which is a pipe, a socket or a device"):
        write_bytes(place, b"x")
    assert stat.S_ISCHR(os.stat(place).st_mode)


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_the_permissions_of_the_umask(tmp_path, umask, mode):
    code = f"import os; os.umask({umask}); from gsmooth_core.common.files import write_text; write_text('new', 'x')"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == mode
    (tmp_path / "new").chmod(0o640)
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


def test_a_picture_has_an_ending_that_is_known(tmp_path):
    behind = use_surrogate("zoomblur", UNetSurrogate(width=4, depth=1), 0.1, 0.1)
    with pytest.raises(ValueError, match=r"a picture ends in .png, .jpg, .jpeg, not as .*x.tiff' does"):
        save_imitations(tmp_path / "x.tiff", behind, torch.zeros(1, 1, 28, 28))
