# Every target makes its own environment: nothing to do first.
PYTHON ?= python3
ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
endif
READY := .venv/.ready
RUN := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MPLBACKEND=Agg

.PHONY: demo test test-long lint docs bench clean lock sbom generated

$(READY): requirements.lock
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -c "import pathlib; pathlib.Path('$(READY)').touch()"

demo: $(READY)
	$(BIN)/impact-eval demo

# What the tests of a file share is computed once: a file goes to one worker.
test: $(READY)
	$(RUN) $(BIN)/python -m pytest -n 2 --dist loadfile

test-long: $(READY)
	$(RUN) $(BIN)/python -m pytest -n 2 -m "long or browser"

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(READY)
	$(BIN)/python docs/generate.py
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html

bench: $(READY)
	$(BIN)/python -m benchmarks

generated: $(READY)
	$(BIN)/python -m impact_eval.pipeline.schema
	$(BIN)/python -m impact_eval.designs.shipped
	$(BIN)/python tests/architecture/public_names.py
	$(BIN)/python docs/generate.py

sbom: $(READY)
	$(BIN)/python docs/supply.py --sbom sbom.cdx.json

lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-header --quiet -o requirements.lock

clean:
	rm -rf .venv docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
