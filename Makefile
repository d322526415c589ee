# make demo    render a project with default answers, offline, and show what was decided
# make test    the fast tests
# make docs    the documentation as a site, built strictly into site/
# make lint | types | registry | findings | proof | proof-updates | benchmark | clean
# make coverage | mutation    how good the tests are (docs/mutation.md)
# make portability    the Pythons, versions, shells and installers of this machine (docs/portability.md)
# Everything is set up in .venv on first use; PYTHON=python3.12 chooses the interpreter (3.10 or newer).

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO := .demo/project
WORKERS ?= 2
PART ?= all

# Copies make and remove thousands of files, which some disks are slow at: where a memory file system has 4 GiB to spare
# and lets programs run, temporary files go there, unless TMPDIR says otherwise.
IN_MEMORY = if [ -z "$$TMPDIR" ] && [ -w /dev/shm ] && ! grep -q '^[^ ]* /dev/shm .*noexec' /proc/mounts 2>/dev/null && \
  [ "$$(df -Pk /dev/shm | awk 'NR==2 {print $$4}')" -gt 4194304 ]; then export TMPDIR=/dev/shm; fi;

.PHONY: demo test docs lint types registry findings proof proof-updates benchmark coverage mutation quality portability clean help

help:
	@sed -n 's/^# //p' Makefile | head -7

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 10) else "Python 3.10 or newer is needed; say PYTHON=python3.12")'
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV) || { \
	  rm -rf $(VENV); \
	  echo "python -m venv does not work here; trying virtualenv"; \
	  $(PYTHON) -m pip install --quiet --user virtualenv && $(PYTHON) -m virtualenv $(VENV); }
	@echo "installing into $(VENV) (a minute or two the first time)"
	@for try in 1 2 3; do \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --retries 5 --editable '.[dev]' && break; \
	  [ $$try -lt 3 ] || exit 1; echo "installing failed, trying again"; sleep 5; done
	@touch $(READY)

demo: $(READY)
	@rm -rf $(DEMO)
	@mkdir -p .demo
	@$(BIN)/copier copy --quiet --trust --defaults --vcs-ref HEAD --data offline=true "$(CURDIR)" $(DEMO)
	@$(BIN)/mcc-registry resolve --answers $(DEMO)/.copier-answers.yml
	@echo
	@echo "The project is in $(DEMO):"
	@cd $(DEMO) && find . -type f | sort

test: $(READY)
	@$(IN_MEMORY) $(BIN)/python -m pytest -m "not slow" -n 2 -rs

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check mcc_registry hooks tests benchmarks

types: $(READY)
	@$(BIN)/mypy

registry: $(READY)
	@$(BIN)/python -m mcc_registry.loading.snapshot
	@$(BIN)/mcc-registry validate

findings: $(READY)
	@$(BIN)/python -m mcc_registry.cli.finding_pages

docs: $(READY)
	@for try in 1 2 3; do \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --retries 5 --editable '.[docs]' && break; \
	  [ $$try -lt 3 ] || exit 1; echo "installing failed, trying again"; sleep 5; done
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "The site is in site/index.html"

# sagemaker-core without what it needs: only the tables in it are read, and one of its dependencies installs a package `tests`.
proof: $(READY)
	@for try in 1 2 3; do \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --retries 5 --editable '.[dev,proof,docs]' && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --retries 5 --no-deps 'sagemaker-core>=2.27' && break; \
	  [ $$try -lt 3 ] || exit 1; echo "installing failed, trying again"; sleep 5; done
	@$(IN_MEMORY) PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -m slow -ra --durations=10 $(PROOF)

proof-updates: $(READY)
	@$(IN_MEMORY) \
	  MCC_PROOF_UPDATES=1 $(BIN)/python -m pytest tests/updates -ra -n $(WORKERS) \
	  $(if $(filter edits,$(PART)),-k test_no_edit_is_lost) $(if $(filter combinations,$(PART)),-k test_an_updated_project_is_a_fresh_one)

portability: $(READY)
	@$(BIN)/python tests/portability/matrix.py $(if $(ONLY),--only '$(ONLY)')

benchmark: $(READY)
	@$(IN_MEMORY) $(BIN)/python benchmarks/run.py

quality: $(READY)
	@for try in 1 2 3; do \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --retries 5 --editable '.[quality]' && break; \
	  [ $$try -lt 3 ] || exit 1; echo "installing failed, trying again"; sleep 5; done

coverage: quality
	@rm -rf .coverage && mkdir .coverage
	@$(BIN)/coverage run -m pytest -m "not slow" -n 2 tests/unit tests/cli tests/registry tests/refresh
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report --fail-under=95

# SAMPLE=1500 draws that many mutants instead of all; ONLY='sizing/*' takes one room.
mutation: quality
	@nice $(BIN)/python benchmarks/mutate.py --sample $(or $(SAMPLE),0) --only '$(or $(ONLY),*)'


clean:
	@rm -rf .demo .pytest_cache .mypy_cache .ruff_cache build dist site .coverage .mutation
