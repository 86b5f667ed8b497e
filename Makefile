# The two commands: `make demo`, then `make test`. Everything happens in .venv; nothing else is touched.
PYTHON ?= python3
BIN := .venv/bin
PLUGINS := $(patsubst %/pyproject.toml,%,$(wildcard plugins/*/pyproject.toml))
plugin ?=
slow ?=
workers ?= 2
constraints ?= constraints.txt
INSTALLED := .venv/installed-$(basename $(notdir $(constraints)))

.PHONY: help install demo test catalogue docs bench lint format dist clean
help:
	@echo "make install              everything into .venv (torch included: about two minutes)"
	@echo "                          constraints=constraints-oldest.txt: the oldest supported dependencies; so for every target"
	@echo "make demo                 certify 30 bundled images under six corruptions; reports in demo/"
	@echo "make test                 the tests; plugin=defocus: one plugin's; slow=1: the slow ones too; workers=2"
	@echo "make catalogue            the tables and pictures of corruptions, from the plugins"
	@echo "make docs                 the documentation site into build/docs; a warning or a stale catalogue is an error"
	@echo "make bench                certifying beside the bare forward pass: benchmarks/results/overhead.md"
	@echo "make lint                 ruff and mypy --strict;  make format: let ruff rewrite"
	@echo "make dist                 every wheel into dist/"

# With other constraints than before, .venv is made anew: pip would keep every version that they do not name.
install: $(INSTALLED)
$(INSTALLED): pyproject.toml $(constraints) $(wildcard plugins/*/pyproject.toml)
	$(PYTHON) -m venv $(if $(filter-out $@,$(wildcard .venv/installed-*)),--clear) .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint $(constraints) --editable ".[dev]"
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps $(PLUGINS:%=--editable ./%)
	touch $@

demo: install
	rm -rf demo
	$(BIN)/python examples/demo.py --limit 30 --out demo

test: install
	$(BIN)/pytest -n $(workers) $(if $(slow),,-m "not slow") --cov --cov-report=term \
	  $(if $(plugin),plugins/$(plugin))

catalogue: install
	$(BIN)/python scripts/write_catalogue.py

docs: install
	$(BIN)/python scripts/write_catalogue.py --check
	rm -rf build/docs build/doctrees build/gallery
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going --conf-dir docs --doctree-dir build/doctrees . build/docs
	@echo "the site: build/docs/index.html"

bench: install
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint $(constraints) --editable ".[bench]"
	$(BIN)/python -W ignore -m benchmarks.overhead

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

dist: install
	rm -rf dist
	$(BIN)/pip wheel --quiet --disable-pip-version-check --no-build-isolation --no-deps --wheel-dir dist . $(PLUGINS:%=./%)

clean:
	rm -rf .venv dist build demo *.egg-info plugins/*/build plugins/*/*.egg-info
