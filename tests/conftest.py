import os
import textwrap
from importlib import invalidate_caches

import pytest
import torch

from gsmooth_core import EnclosedTransformation, ParameterSpace, Region, load_example_model, load_fashion_mnist, testing

if "PYTEST_XDIST_WORKER" in os.environ:  # processes that each use every core get in each other's way
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def example_model():
    return load_example_model()


@pytest.fixture(scope="session")
def test_images():
    return load_fashion_mnist("test")[0]


@pytest.fixture(scope="session")
def test_labels():
    return load_fashion_mnist("test")[1]


class Drift(EnclosedTransformation):
    """``x + Σ ξ_i v_i``: a straight path (or plane) through image space, so that every radius has a closed form."""

    def __init__(self, directions: torch.Tensor, lower: float = -1.0):
        self.directions = directions.double()  # (dimension, channel, height, width)
        count = len(directions)
        self.space = ParameterSpace(
            (lower,) * count, (10.0,) * count, (0.0,) * count, tuple("abc"[:count]), ("px",) * count
        )
        self.start = lower

    space = None

    def region(self, radius):
        count = len(self.directions)
        return Region((max(self.start, -radius),) * count, (radius,) * count)

    def apply(self, images, parameters):
        directions = self.directions.to(images)
        return images + torch.einsum("bi,ichw->bchw", parameters.to(images), directions)

    def enclose(self, images, lower, upper):
        ends = torch.stack(
            [lower[:, :, None] * self.directions.flatten(1), upper[:, :, None] * self.directions.flatten(1)]
        )
        low, high = (images + part.sum(dim=1).view(-1, *images.shape[1:]) for part in (ends.amin(0), ends.amax(0)))
        return low, high


@pytest.fixture
def drift():
    return Drift


@pytest.fixture
def drive():
    """Runs a certifier's steps with an oracle: ``answer(ask, number)`` gives each Answer."""
    return testing.drive


@pytest.fixture
def install_plugin(tmp_path, monkeypatch):
    """``install_plugin(name, code, …)`` puts a distribution of one module on the path; several names make a family."""
    monkeypatch.syspath_prepend(tmp_path)

    def put(names, code, group="gsmooth", distribution=None, module=None):
        names = [names] if isinstance(names, str) else names
        distribution = distribution or f"gsmooth-plugin-{names[0]}"
        module = module or distribution.replace("-", "_")
        path = tmp_path / f"{module.replace('.', '/')}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(code))
        metadata = tmp_path / f"{distribution.replace('-', '_')}-1.2.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        (metadata / "entry_points.txt").write_text(f"[{group}]\n" + "".join(f"{name} = {module}\n" for name in names))
        invalidate_caches()

    return put
