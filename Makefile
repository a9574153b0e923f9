# Quotewright. `make` alone prints the commands. Set-up happens by itself: infra/setup.py.
.DEFAULT_GOAL := help
.PHONY: help demo test prove quick check format bench bench-peers peers pictures simulate lock clean

# Compiled modules are kept, whatever the environment says: tests start many processes.
unexport PYTHONDONTWRITEBYTECODE

BUS ?= embedded
# The venv's Python starts faster than a version manager's shim; before there is a venv, any Python 3 does.
PYTHON := $(shell .venv/bin/python -c '' 2>/dev/null && echo .venv/bin/python || echo python3)
SETUP = @PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m infra.setup
RUN = .venv/bin/python -m
PROOFS = $(addprefix tests/,chaos e2e integration pages simulation)

help: ## Print this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-17s %s\n", $$1, $$2 }'

demo: ## See a quote go from opportunity to PDF (BUS=kafka: over a real broker; ONCE=1: play once, then end)
	$(SETUP) venv pdf $(if $(filter kafka,$(BUS)),kafka)
	@.venv/bin/quotewright demo --bus $(BUS) $(if $(ONCE),--once)

test: ## Run every test but the proofs, with real PostgreSQL and real Kafka (ARGS="-k name" to choose)
	$(SETUP) venv pdf pdf-tools kafka browser
	@$(RUN) tests.lanes $(ARGS)

prove: ## Break every part under load, check that nothing is lost, doubled or reordered (ARGS="-k broker", FUZZ_SECONDS=60, PRICE_BOOKS=100000)
	$(SETUP) venv pdf kafka browser
	@CHAOS_SCALE=10 FUZZ_SECONDS=$(or $(FUZZ_SECONDS),60) $(RUN) pytest $(PROOFS) -m prove $(ARGS)

quick: ## Run the fast tests only: no broker, below 10 seconds
	$(SETUP) venv pdf pdf-tools
	@$(RUN) pytest tests/unit tests/contract -m "not kafka and not slow" $(ARGS)

check: ## Check format, lint, types, import contracts, dead code, dependencies, released facts
	$(SETUP) venv
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy
	.venv/bin/lint-imports
	$(RUN) vulture
	$(RUN) deptry .
	$(RUN) contracts.compat
	@! grep -nEi 'https?:|index-url|find-links' requirements/* || { echo "a requirement file holds an address"; exit 1; }

format: ## Format the code and mend what the linter can
	$(SETUP) venv
	$(RUN) ruff format .
	$(RUN) ruff check --fix .

bench: ## Measure, write bench/results.json, fail below a floor
	$(SETUP) venv pdf kafka
	@$(RUN) tests.bench $(ARGS)

bench-peers: ## Measure the pricer beside Tryton (GPL, in an environment of its own), write bench/peers (ARGS="--rounds 3")
	$(SETUP) venv tryton
	@$(RUN) tests.bench.peers $(ARGS)

peers: ## Hold our engines against other people's cases (CASES=folder)
	$(SETUP) venv
	@CASES=$(CASES) $(RUN) tests.peer

pictures: ## Photograph the pages of the example: four into docs/pictures, all into .local/pictures
	$(SETUP) venv pdf browser
	@$(RUN) tests.pages.pictures

simulate: ## Run the house in one thread under faults drawn from seeds (SEEDS=1000, FIRST=0; SEED=n replays one)
	$(SETUP) venv
	@$(RUN) tests.simulation $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),1000) --first $(or $(FIRST),0))

lock: ## Compile requirements/*.txt from pyproject.toml and tryton.in (UPGRADE=1: take newer versions)
	$(SETUP) lock

clean: ## Remove all that make has made: environment, jars, local databases, caches
	$(SETUP) clean
