"""A plugin of pytest that leaves the tests that use a GPU where there is one, and no others."""

from __future__ import annotations

import pytest


def uses_gpu(item: pytest.Item) -> bool:
    """Whether a test is skipped without a GPU, or is the law of the conformance kit that tries every device."""
    reasons = [str(mark.kwargs.get("reason", "")) for mark in item.iter_markers("skipif")]
    return any("CUDA" in reason or "GPU" in reason for reason in reasons) or "_and_device]" in item.name


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Only tests that use a GPU are left."""
    others = [item for item in items if not uses_gpu(item)]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if uses_gpu(item)]
