# The commands of the course and of its makers. Needs make and a Python 3.11 or newer, no more:
# tools/setup.py puts the rest into .venv, and does nothing when that is up to date.

# A Python to begin with, perhaps too old: tools/setup.py looks for a better one, or says so.
# (2>/dev/null also makes make 3.81 ask a shell, which knows `command`.)
NAMES := python3 python3.14 python3.13 python3.12 python3.11 python
FIRST := $(firstword $(foreach name,$(PYTHON) $(NAMES),$(shell command -v $(name) 2>/dev/null)))
VENV := .venv/bin/python
SETUP = $(if $(FIRST),$(FIRST) tools/setup.py,echo "There is no Python here: install Python 3.11 or newer, and run make again." >&2; exit 1; :)

NOTEBOOKS := $(wildcard notebooks/*.ipynb notebooks/solutions/*.ipynb)
# nbformat, which nbval imports, takes 1.9 s to load: the other tests go without it.
PYTEST := $(VENV) -m pytest -p no:nbval -n 2 --dist loadfile
# Strict: every output is compared. Plain `-n 2` would tear a notebook's cells apart.
NBVAL := $(VENV) -m pytest -p tools.ipc --nbval --nbval-current-env --nbval-cell-timeout 30 -n 2 --dist loadfile

.PHONY: help learn test check notebooks pictures docs slides schedule bench fuzz clean

help: ## list these commands
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20

learn: ## set up .venv, open JupyterLab on your copy of the course (ARGS=… goes to JupyterLab)
	@$(SETUP) course
	@$(VENV) tools/learn.py $(ARGS)

# What is marked slow (a browser, thousands of transfers, a new venv) is left to CI=true: .ci/run.
test: ## set up .venv, run the tests and every notebook (CI=true: the slow tests, too)
	@$(SETUP) dev
	@failed=; \
	$(PYTEST) $(if $(CI),,-m "not slow") $(ARGS) || failed="$$failed the tests"; \
	if [ -n "$(NOTEBOOKS)" ]; then \
	  RSP_COURSE= $(NBVAL) $(NOTEBOOKS) || failed="$${failed:+$$failed and} the notebooks"; \
	fi; \
	if [ -n "$$failed" ]; then echo "make test: FAILED:$$failed"; exit 1; fi; \
	echo "make test: everything passed"

check: ## what a commit needs, in about a minute: format, lint, types, layers, conversion, unit tests
	@$(SETUP) dev
	$(VENV) -m ruff format --check
	$(VENV) -m ruff check
	$(VENV) -m mypy
	.venv/bin/lint-imports --no-logo
	$(VENV) tools/notebooks.py check
	$(PYTEST) -m "not kernel and not slow"
	@echo "make check: everything passed"

notebooks: ## make the notebooks from notebooks/src (ARGS="01 04" for some of them)
	@$(SETUP) dev
	@$(VENV) tools/notebooks.py build $(ARGS)

pictures: ## draw the pictures of the README and the docs anew
	@$(SETUP) dev
	@$(VENV) tools/pictures.py

docs: ## build the site, docs and notebooks, in docs/_build/html
	@$(SETUP) dev
	@$(VENV) tools/docs.py

slides: ## make the slides, one HTML file a notebook, in build/slides (ARGS="04" for some)
	@$(SETUP) dev
	@$(VENV) tools/notebooks.py slides $(ARGS)

schedule: ## sum the minutes of the slides into docs/schedule.md
	@$(SETUP) dev
	@$(VENV) tools/notebooks.py schedule

bench: ## measure rsp beside nginx and HAProxy, in five minutes (ARGS="--help" for more; Linux)
	@$(SETUP) course
	@$(VENV) tools/bench.py $(ARGS)

fuzz: ## look for bytes that rsp.http1 reads in two ways, for a minute (ARGS="--seconds 600"; Linux)
	@$(SETUP) dev
	@$(VENV) -c "import atheris" 2>/dev/null || $(VENV) -m pip install -q --editable '.[fuzz]'
	@$(VENV) tools/fuzz.py $(ARGS)

clean: ## remove what can be made again; your copy, course/, stays
	rm -rf .venv build dist docs/_build .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache
	find rsp tests tools notebooks \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +
