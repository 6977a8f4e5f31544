# make demo   train, sample and report on real text (about half an hour on 2 cores)
# make test   lint, types, import rules, all tests; CI runs `SOMITE_REQUIRE_ALL=1 make data test`
# make check  lint and types alone
# make data   the texts and trained models that some tests use, into the cache (160 MB)
# make bench  the benchmarks, hours; results go to benchmarks/results/
# make bench-small  the comparison of methods on a few networks (under 5 minutes on 2 cores)
# Each target sets up what it needs in .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PYTHONUNBUFFERED := 1
# Every test and every worker computes on one thread; threads that fight for a core are far slower.
export OMP_NUM_THREADS ?= 1

.PHONY: demo test check data bench bench-small browser

demo: $(READY)
	$(BIN)/somite run language-small --out runs/language-small

test: $(READY) browser check
	$(BIN)/python -m pytest -n 2 --dist loadgroup -q

check: $(READY)
	$(BIN)/ruff format --check -q .
	$(BIN)/ruff check -q .
	$(BIN)/mypy

data: $(READY)
	$(BIN)/somite data fetch
	$(BIN)/somite data fetch smollm2 mnist-cnn

bench: $(READY)
	$(BIN)/python benchmarks/paired_baseline.py
	$(BIN)/python benchmarks/kill_resume.py
	$(BIN)/python benchmarks/sweep_resume.py
	$(BIN)/python benchmarks/revisions.py
	$(BIN)/python benchmarks/interaction.py
	$(BIN)/python benchmarks/variance_reduction.py
	$(BIN)/python benchmarks/false_positives.py
	$(BIN)/python benchmarks/sampled_truths.py
	$(BIN)/python benchmarks/births.py
	$(BIN)/python benchmarks/response.py
	$(BIN)/python benchmarks/patterning.py
	$(BIN)/python benchmarks/response_scale.py
	$(BIN)/python benchmarks/circuit.py
	$(BIN)/python benchmarks/known_heads.py
	$(BIN)/python benchmarks/smollm2.py
	$(BIN)/somite benchmark modularity --out runs/comparison
	cp runs/comparison/comparison.csv runs/comparison/comparison.json benchmarks/results/
	$(BIN)/pip install -q -c constraints.txt -e ".[bench]"
	$(BIN)/python benchmarks/accuracy.py
	$(BIN)/python benchmarks/families.py
	$(BIN)/python benchmarks/versus_devinterp.py
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/python benchmarks/memory.py
	$(BIN)/python benchmarks/scaling.py
	$(BIN)/python benchmarks/precision.py
	$(BIN)/python benchmarks/table.py

bench-small: $(READY)
	$(BIN)/somite benchmark modularity --small --out runs/comparison-small

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q -c constraints.txt "$$(grep '^torch==' constraints.txt)"
	$(BIN)/pip install -q -c constraints.txt -e ".[test]"
	touch $@

# The report is tested in Chromium; where it is missing and we may install it, we do.
browser:
	@command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 || \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; \
	else echo "Chromium is not installed: the browser tests will be skipped."; fi
