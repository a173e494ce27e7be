# Everything runs in .venv, which the first call sets up and later calls re-use.
# Variables are given as in: make backtest DATA=../data MARKETS="ES ZN" SET="vol_target=0.12"

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3.11
# A folder of wheels beside the repository is used instead of the package index where it exists.
WHEELS ?= ../shared/wheels

PY := .venv/bin/python
PIP := $(PY) -m pip install -q --disable-pip-version-check
ifneq ($(wildcard $(WHEELS)/*.whl),)
PIP += --no-index --find-links "$(WHEELS)"
endif
# A .venv whose interpreter is gone is no set-up.
$(shell [ -x $(PY) ] || rm -f .venv/ready-*)
PACKAGES := algorithm alpha execution portfolio research risk universe

# The shell reads these from its environment, so that a value may hold any character.
export DATA START END MARKETS SET OUT LEAN_DATA EXPIRIES MACRO
RUN_OPTIONS = $${DATA:+--data "$$DATA"} $${START:+--start "$$START"} $${END:+--end "$$END"} \
  $${MARKETS:+--markets "$$MARKETS"}
LEAN_FOLDER = "$${DATA:-lean-data}"
NEED_LEAN = if [ -z "$${LEAN_LAUNCHER:-}" ]; then \
    echo "error: LEAN_LAUNCHER is not set; it must be the path of QuantConnect.Lean.Launcher.dll" \
      "or of its folder (see README)" >&2; exit 2; fi

.PHONY: help
help: ## this list
	@echo "Targets:"
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' Makefile
	@echo "Variables:"
	@awk -F '#@ ' '/^#@ / {print "  " $$2}' Makefile
#@ DATA       folder of market data; none: the embedded synthetic market (lean, parity: lean-data)
#@ START END  first and last session, like 2010-01-04
#@ MARKETS    codes parted by blanks, like "ES ZN GC"
#@ SET        settings, like "vol_target=0.12 trend_budget=0.6"; make settings lists them
#@ OUT        folder to write to (backtest, rules: out, export: lean-data, lean: out/lean)
#@ LEAN_DATA  folder with LEAN's own databases, for export
#@ EXPIRIES   CSV of last trade dates, for backtest and export
#@ MACRO      folder of macro series for carry_source=class, for backtest, export and rules
#@ PYTHON     interpreter to set .venv up with (python3.11)

.PHONY: backtest
backtest: .venv/ready-research ## run the full strategy on DATA and write a report
	@$(PY) -m research backtest $(RUN_OPTIONS) $${SET:+--set "$$SET"} \
	  $${EXPIRIES:+--expiries "$$EXPIRIES"} $${MACRO:+--macro "$$MACRO"} $${OUT:+--out "$$OUT"}

.PHONY: rules
rules: .venv/ready-research ## measure every rule by itself on DATA, by asset class
	@$(PY) -m research rules $(RUN_OPTIONS) $${SET:+--set "$$SET"} \
	  $${EXPIRIES:+--expiries "$$EXPIRIES"} $${MACRO:+--macro "$$MACRO"} $${OUT:+--out "$$OUT"}

.PHONY: settings
settings: .venv/ready-research ## every setting with default, range and meaning
	@$(PY) -m research settings

.PHONY: config
config: .venv/ready-research ## write config.json anew, with every setting at its default
	@$(PY) -m research settings --format config > config.json.new
	@mv config.json.new config.json

.PHONY: check
check: .venv/ready-research ## look at the configuration, DATA and LEAN and say what to do next
	@$(PY) -m research check $${DATA:+--data "$$DATA"}

.PHONY: export
export: .venv/ready-research ## write DATA as a data folder for a local LEAN
	@$(PY) -m research export-lean $(RUN_OPTIONS) $${EXPIRIES:+--expiries "$$EXPIRIES"} \
	  $${MACRO:+--macro "$$MACRO"} \
	  $${LEAN_DATA:+--lean-data "$$LEAN_DATA"} --out "$${OUT:-lean-data}"

.PHONY: lean
lean: .venv/ready-research ## run main.py on a native LEAN (needs LEAN_LAUNCHER and an exported DATA)
	@$(NEED_LEAN)
	@$(PY) -m research lean --data $(LEAN_FOLDER) $${START:+--start "$$START"} \
	  $${END:+--end "$$END"} $${MARKETS:+--markets "$$MARKETS"} $${SET:+--set "$$SET"} \
	  $${OUT:+--out "$$OUT"}

.PHONY: parity
parity: .venv/ready-research ## compare both engines day by day (needs LEAN_LAUNCHER)
	@$(NEED_LEAN)
	@$(PY) -m research parity --data $(LEAN_FOLDER) $${START:+--start "$$START"} \
	  $${END:+--end "$$END"} $${MARKETS:+--markets "$$MARKETS"} $${SET:+--set "$$SET"} \
	  $${OUT:+--out "$$OUT"}

.PHONY: test
test: .venv/ready-dev ## style, types and all tests; what was skipped and why comes last
	@echo "style"
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check -q .
	@echo "types"
	@$(PY) -m mypy
	@echo "tests"
	@$(PY) -m pytest -n 2 -p no:benchmark -rs --timeout 900

.PHONY: lint
lint: .venv/ready-dev ## style only
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check -q .

.PHONY: types
types: .venv/ready-dev ## types only
	@$(PY) -m mypy

.PHONY: bench
bench: .venv/ready-dev ## measure the speed of the engine
	@$(PY) -m pytest benchmarks -o python_files="bench_*.py" --benchmark-columns=min,median,max

.PHONY: clean
clean: ## remove .venv, out and caches
	@rm -rf .venv out .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	@find $(PACKAGES) tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# dev comes after research, so that two installations never run at once under -j.
.venv/ready-dev: requirements/dev.txt .venv/ready-research
	@echo "setting up .venv: tools for tests (once, about a minute)"
	@$(PIP) -r requirements/dev.txt
	@touch $@

.venv/ready-research: requirements/core.txt requirements/research.txt requirements/constraints.txt
	@if ! $(PY) -c 'import pip, sys; sys.exit(sys.version_info[:2] != (3, 11))' 2> /dev/null; then \
	  if ! "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2> /dev/null; then \
	    echo "error: $(PYTHON) is missing or not Python 3.11; install Python 3.11 or name it:" \
	      "make PYTHON=/path/to/python3.11" >&2; exit 2; fi; \
	  rm -rf .venv; \
	  if ! "$(PYTHON)" -m venv .venv 2> /dev/null; then rm -rf .venv; \
	    echo "error: $(PYTHON) cannot make virtual environments; install its venv module" \
	      "(on Debian the package python3.11-venv)" >&2; exit 2; fi; fi
	@echo "setting up .venv: what the strategy and its report need (once, about half a minute)"
	@$(PIP) -r requirements/research.txt
	@touch $@
