"""A training that was killed goes on to the same weights, and so do two processes."""

import hashlib
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest
import torch

from gsmooth_core import read_card

COMMAND = [sys.executable, "-m", "gsmooth_core", "fit", "classifier", "defocus"]
OPTIONS = ["--limit", "640", "--epochs", "3", "--batch", "64", "--learning-rate", "1e-3"]
ALONE = {**os.environ, "OMP_NUM_THREADS": "1"}


def command(out):
    return [*COMMAND, *OPTIONS, "--out", str(out)]


def fitted(out):
    done = subprocess.run(command(out), env=ALONE, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "classifier.safetensors"
    fitted(out)
    return out


def stopped_in_the_second_epoch(out, number):
    """The exit code and the standard error of a training that got a signal once its first epoch was saved."""
    process = subprocess.Popen(command(out), env=ALONE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    checkpoint = out.with_suffix(".checkpoints") / "last.ckpt"
    while not checkpoint.exists():
        time.sleep(0.005)
        assert process.poll() is None
    process.send_signal(number)
    _, shown = process.communicate()
    assert not out.exists()
    assert torch.load(checkpoint, weights_only=True)["epoch"] < 2
    return process.returncode, shown


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_weights(uninterrupted, tmp_path):
    out = tmp_path / "classifier.safetensors"
    code, _ = stopped_in_the_second_epoch(out, signal.SIGKILL)
    assert code == -signal.SIGKILL
    fitted(out)
    assert sha256(out) == sha256(uninterrupted)
    assert read_card(out)["last mean loss"] == read_card(uninterrupted)["last mean loss"]


@pytest.mark.slow
def test_an_interrupted_training_says_so_and_goes_on_to_the_same_weights(uninterrupted, tmp_path):
    out = tmp_path / "classifier.safetensors"
    code, shown = stopped_in_the_second_epoch(out, signal.SIGINT)
    assert code == 130
    assert "the same command continues" in shown
    assert "Traceback" not in shown
    fitted(out)
    assert sha256(out) == sha256(uninterrupted)


@pytest.mark.slow
def test_two_processes_train_the_same_weights(tmp_path):
    (tmp_path / "both.py").write_text(
        textwrap.dedent(
            """
            import os
            from pathlib import Path

            import torch

            from gsmooth_core import SmallConvNet, load_fashion_mnist, fit_classifier

            if __name__ == "__main__":
                torch.manual_seed(0)
                images, labels = load_fashion_mnist("train")
                trainer = {"devices": 2, "strategy": "ddp"}
                model = SmallConvNet(width=8)
                before = model.layers[0].weight.detach().clone()
                fit_classifier(model, "defocus", images[:130], labels[:130], epochs=2, batch=32, trainer=trainer)
                assert not torch.equal(before, model.layers[0].weight)
                weights = b"".join(weight.detach().numpy().tobytes() for weight in model.parameters())
                Path(os.environ.get("LOCAL_RANK", "0")).write_bytes(weights)
            """
        )
    )
    done = subprocess.run([sys.executable, "both.py"], cwd=tmp_path, env=ALONE, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    first, second = ((tmp_path / rank).read_bytes() for rank in ("0", "1"))
    assert first == second
