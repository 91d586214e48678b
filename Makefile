# Both `make demo` and `make test` set up everything by themselves in .venv on a fresh machine.
PYTHON ?= python3
VENV ?= .venv
CONSTRAINTS ?= constraints.txt
BIN = $(VENV)/bin
PIP = $(BIN)/pip install --quiet --constraint $(CONSTRAINTS)

.PHONY: demo test test-slow lint format docs notebooks bench clean

demo: $(VENV)/.installed
	$(BIN)/segtcn demo

# a process for each core, of one thread each
test: $(VENV)/.installed-test
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist loadfile -m "not slow"

test-slow: $(VENV)/.installed-test $(VENV)/.installed-docs
	$(BIN)/pytest -m slow

lint: $(VENV)/.installed-lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.installed-lint
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# strict: a dead link, a page that the menu lacks or an argument that does not exist ends the build; opens from disk
docs: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "open site/index.html, or with search: python -m http.server -d site"

# runs the notebooks of the site and stores what they print; a cell that fails is named
notebooks: $(VENV)/.installed-docs
	$(BIN)/python tools/notebooks.py --write

bench: $(VENV)/.installed-test
	$(BIN)/python -m benchmarks.metrics
	$(BIN)/python -m benchmarks.networks
	$(BIN)/python -m benchmarks.data
	$(BIN)/python -m benchmarks.overlay
	$(BIN)/python -m benchmarks.wandb_pictures
	$(BIN)/python -m benchmarks.player  # needs Chromium

clean:
	rm -rf $(VENV) build dist site .mypy_cache .pytest_cache .ruff_cache

$(VENV)/.installed: pyproject.toml $(CONSTRAINTS)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing segtcn into $(VENV), a few minutes the first time"
	$(PIP) --editable .
	touch $@

# one stamp for each set of extras: what is installed for one does not have to be installed again for another
$(VENV)/.installed-%: $(VENV)/.installed
	$(PIP) --editable ".[$*]"
	touch $@
