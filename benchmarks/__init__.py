"""The measurements: a script each, run as ``python -m benchmarks.NAME``; their figures and pages lie in ``results/``.

They import what gsmooth offers its users, and nothing else: ``tests/integration/test_benchmarks.py`` names the
exceptions.
"""
