"""The benchmarks import what users may, their pages are made of their figures, and the run on a GPU ends in time."""

import argparse
import ast
import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import gsmooth_core
from benchmarks import (
    adversaries,
    attacks,
    cifar10,
    falsify,
    main_job,
    mnist,
    overhead,
    sample_cost,
    shared,
    surrogates,
)
from benchmarks import corruptions as common
from benchmarks import throughput as speed
from benchmarks.gpu import __main__ as gpu
from gsmooth_core import Budget, get_corruption, list_corruptions
from gsmooth_core.plugins.registry import corruptions_of
from gsmooth_core.statistics import bounds as confidence

FOLDER = Path(shared.__file__).parent
INSIDE = {
    ("main_job", "gsmooth_core.certifiers.cover", "Cover"),
    ("mnist", "gsmooth_core.certifiers.cover", "Cover"),
}
"""What a benchmark measures although users never see it."""


def imports(path):
    """The module and the name of everything that a file imports from gsmooth."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module, alias.name) for alias in node.names)


def test_benchmarks_import_what_users_may():
    for path in FOLDER.rglob("*.py"):
        for module, name in imports(path):
            if module == "gsmooth_core":
                assert not name or name in gsmooth_core.__all__, f"{path.name}: {name}"
            elif module.startswith("gsmooth_core") and not module.startswith("gsmooth_core.testing"):
                assert (path.stem, module, name) in INSIDE, f"{path.name}: {module}"
            assert not name.startswith("_") or name == "__main__", f"{path.name}: {name}"


def page_of(name):
    figures = json.loads((shared.RESULTS / f"{name}.json").read_text())
    if name == "mnist":
        return mnist.page([(row, figures[row.corruption]) for row in mnist.ROWS], 100)
    if name == "attacks":
        return attacks.page(figures, [])
    if name == "falsify":
        return falsify.page(figures, 100, 50)
    modules = {"adversaries": adversaries, "cifar10": cifar10, "corruptions": common, "main_job": main_job}
    modules |= {"overhead": overhead, "overhead_cuda": overhead, "surrogates": surrogates, "throughput": speed}
    return (modules | {"gpu": gpu})[name].page(figures)


@pytest.mark.parametrize("name", sorted(path.stem for path in shared.RESULTS.glob("*.json")))
def test_a_page_says_what_its_figures_say(name):
    if name != "sample_cost":  # whose JSON file is what it starts from
        page = (shared.RESULTS / f"{name}.md").read_text()
        assert page.partition(f"\n{shared.BY_HAND}")[0] == page_of(name)


def test_what_was_written_by_hand_is_kept(tmp_path):
    page = tmp_path / "page.md"
    shared.write_page(page, "old\n")
    page.write_text(f"old\n\n{shared.BY_HAND}\n\nA note.\n")
    shared.write_page(page, "new\n")
    assert page.read_text() == f"new\n\n{shared.BY_HAND}\n\nA note.\n"
    assert [path.name for path in tmp_path.iterdir()] == ["page.md"]


def test_all_recipes_are_those_that_gsmooth_finds():
    expected = [recipe.name for info in list_corruptions() for recipe in corruptions_of(info.name)]
    assert [recipe.name for recipe in shared.all_recipes()] == expected


def test_the_references_of_sample_cost_give_up_as_the_certifiers_do():
    assert sample_cost.FUTILITY == confidence.FUTILITY
    assert Budget(samples=sample_cost.LIMIT).looks == sample_cost.LOOKS
    for successes, trials in ((0, 100), (60, 100), (99, 100), (100, 100), (700, 800)):
        for threshold in (0.5, 0.7, 0.9, 0.999):
            above = confidence.upper_bound(successes, trials, confidence.FUTILITY)
            assert sample_cost.hopeless(successes, trials, threshold) == (above <= threshold)
    for name in sample_cost.NAMES:
        assert 0.5 < sample_cost.threshold_of(get_corruption(name), torch.zeros(1, 28, 28)) < 1


def test_rows_of_cifar10_take_the_place_of_earlier_ones_of_their_network(tmp_path):
    [row, *_] = [row for row in shared.read_json(cifar10.FIGURES) if row["corruption"] == "defocus"]
    figures = tmp_path / "cifar10.json"
    before = len(shared.read_json(cifar10.FIGURES))
    assert len(cifar10.keep([row | {"network": "convnet"}], figures)) == before + 1
    whole = cifar10.keep([row | {"images": 7}], figures)
    assert len(whole) == before + 1
    assert sum(one["images"] == 7 for one in whole) == 1
    assert "convnet" not in cifar10.FIGURES.read_text()


@pytest.mark.parametrize(("name", "change"), [(name, job.change) for name, job in cifar10.JOBS.items()])
def test_every_job_of_cifar10_has_its_recipes_and_a_network_that_answers(name, change):
    assert all(recipe.radius for recipe in cifar10.JOBS[name].recipes)
    assert set(cifar10.PAPER) >= {corruption.partition(":")[0] for corruption in cifar10.JOBS[name].corruptions}
    model = change(gsmooth_core.make_classifier("convnet"))
    assert model(torch.rand(2, 3, 32, 32)).shape == (2, 10)


def test_the_changed_networks_are_what_they_are_changed_for():
    torch.manual_seed(0)
    images = torch.rand(2, 3, 32, 32)
    round_model = cifar10.round_the_border(gsmooth_core.make_classifier("convnet"))
    assert torch.allclose(round_model(images), round_model(images.roll((8, 12), (2, 3))), atol=1e-5)
    normal = cifar10.normalised(gsmooth_core.make_classifier("convnet"))
    assert torch.allclose(normal(images), normal(1.7 * (images + 0.3)), atol=1e-3)


def test_a_stage_is_stopped_at_its_limit_with_all_that_it_started(tmp_path, monkeypatch):
    (tmp_path / "endless.py").write_text(
        "import subprocess\n"
        "print('kept: 1', flush=True)\n"
        f"subprocess.run(['sh', '-c', 'sleep 4; touch {tmp_path / 'alive'}'])\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]))
    stage = gpu.Stage("endless", 0.5, lambda options, seconds: ["endless"], "kept.*")
    start = time.monotonic()
    ended = gpu.perform(stage, argparse.Namespace(), 2.0)
    assert time.monotonic() - start < 3.5
    assert (ended["ended"], ended["outcome"]) == ("stopped at its limit", ["kept: 1"])
    time.sleep(4)
    assert not (tmp_path / "alive").exists()


@pytest.mark.slow
def test_the_run_for_a_gpu_ends_in_time_and_goes_on_where_it_stopped(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    arrays = {}
    for split, count in (("train", 256), ("test", 40)):
        arrays[f"{split}_images"] = rng.integers(0, 256, (count, 3, 32, 32), dtype=np.uint8)
        arrays[f"{split}_labels"] = np.arange(count) % 10
    np.savez(tmp_path / "small.npz", **arrays)
    out = ["--work", tmp_path / "work", "--out", tmp_path / "out", "--stages", "rows"]
    words = ["gpu", "--data", tmp_path / "small.npz", "--device", "cpu", "--minutes", "0.9", *out]
    monkeypatch.setattr("sys.argv", list(map(str, words)))
    rows = [row for row in shared.read_json(cifar10.FIGURES) if row["corruption"] != "gaussianblur"]  # the cheapest row
    (tmp_path / "out").mkdir()
    shared.write_json(tmp_path / "out" / "cifar10.json", rows)
    seen = []
    for _ in range(2):
        start = time.monotonic()
        gpu.main()
        assert time.monotonic() - start < 0.9 * 60
        seen.append({row["corruption"] for row in shared.read_json(tmp_path / "out" / "cifar10.json")})
        assert "rows of CIFAR-10" in (tmp_path / "out" / "gpu.md").read_text()
    assert {row["corruption"] for row in rows} < seen[0] <= seen[1]
