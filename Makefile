# Each target sets up what it needs; running one twice is quick.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: setup demo test check format bench bench-full bench-scale chaos docs lock clean

setup: .venv/.installed

.venv/.made:
	@test -n "$(PYTHON)" || { echo "Enrico needs Python 3.11 or newer; none was found. Install it, or say where: make PYTHON=/path/to/python3"; exit 1; }
	@# Some systems ship venv without pip inside; then the pip outside installs into it.
	@$(PYTHON) -m venv .venv 2>/dev/null || { rm -rf .venv; $(PYTHON) -m venv --without-pip .venv && \
		$(PYTHON) -m pip --python .venv/bin/python install -q pip; }
	@touch $@

.venv/.installed: .venv/.made requirements.txt pyproject.toml
	$(BIN)/python -m pip install -q --require-hashes -r requirements.txt
	$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@

.venv/.installed-dev: .venv/.installed requirements-dev.txt
	$(BIN)/python -m pip install -q --require-hashes -r requirements-dev.txt
	@touch $@

demo: setup
	@$(BIN)/enrico demo

# Four at once on any machine: many tests wait for processes, limits and disks.
test: .venv/.installed-dev
	$(BIN)/python -m pytest -n 4 --dist worksteal

check: .venv/.installed-dev
	$(BIN)/ruff format --check src tests benchmarks docs
	$(BIN)/ruff check src tests benchmarks docs
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m docs.generate --check

format: .venv/.installed-dev
	$(BIN)/ruff format src tests benchmarks docs
	$(BIN)/ruff check --fix src tests benchmarks docs

docs: .venv/.installed-dev
	$(BIN)/python -m docs.generate

# Some minutes; more than an hour; two large sizes on top of what was measured last.
bench: .venv/.installed-dev
	$(BIN)/python -m benchmarks

bench-full: .venv/.installed-dev
	$(BIN)/python -m benchmarks --full

bench-scale: .venv/.installed-dev
	$(BIN)/python -m benchmarks --only scale

# Most of an hour; its quick form is among the tests.
chaos: .venv/.installed-dev
	$(BIN)/python -m tests.chaos --full

# Exact pins with hashes and no index host. Needs uv; users never do.
lock:
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--python-version 3.11 --extra parquet --extra postgres --extra keys --extra workers pyproject.toml build-requirements.in -o requirements.txt
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--python-version 3.11 --extra parquet --extra postgres --extra telemetry --extra alerts --extra keys --extra workers --extra dev pyproject.toml build-requirements.in \
		-c requirements.txt -o requirements-dev.txt

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache enrico-demo
