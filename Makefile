# The commands people type; `make help` lists them. Everything happens inside .venv, which the first
# target that needs it creates and fills. Nothing is repeated while its sources stay the same.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

BIN := .venv/bin
READY := .venv/.package-installed
SITE := _build/html/.complete
PDF := _build/html/recurrent-neural-networks.pdf
PORT ?= 8000
EDITION ?= zh_CN

# A product summed by several threads is summed in an order that changes from run to run, so its last
# digits do as well, and training amplifies them. Stored outputs are made, and compared, with one thread
# and on the embedded data sets, whatever the machine has. Progress bars hold times: none is stored.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
REPRODUCIBLE := env -u RNNCORE_DATA $(ONE_THREAD) TQDM_DISABLE=1

# Another BLAS kernel, and NumPy without AVX-512: what an older or newer processor would compute.
OTHER_PROCESSOR = OPENBLAS_CORETYPE=$$($(BIN)/python book/programs/other_kernel.py) \
	NPY_DISABLE_CPU_FEATURES="X86_V4 AVX512_ICL AVX512_SPR"

# Two notebooks at a time, each with all its cells in one process.
NBVAL := $(BIN)/python -m pytest --nbval --nbval-current-env --numprocesses 2 --dist loadfile \
	--nbval-sanitize-with tests/nbval_sanitize.cfg --nbval-cell-timeout 240 -W default -q notebooks \
	--ignore=notebooks/coursework
LECTURES = $(shell find notebooks -name '*.ipynb' -not -path '*/.*' -not -path '*/coursework/*' 2>/dev/null)

# The programs that make problem sets and grade them, with the package next to the notebooks.
COURSE := $(ONE_THREAD) PYTHONPATH=notebooks/coursework $(BIN)/python -m

# Everything a page can depend on. The folders are listed too, so that a removed page is noticed
# (`book/.` because `book` is a command).
PAGES := _config.yml _toc.yml book/. $(wildcard notebooks/.) \
	$(shell find book notebooks -mindepth 1 -not -path '*/.*' -not -path '*/__pycache__*' 2>/dev/null) \
	$(shell find rnncore -type f -not -path '*/.*' -not -path '*/__pycache__*' 2>/dev/null)

.PHONY: help book pdf i18n edition test portable serve lab execute release grade gradebook bench record lint format vendor clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

book: $(SITE) ## build the site from the stored outputs; warnings are errors
	@echo "The book is in _build/html: open _build/html/index.html in a browser, or run 'make serve'."

pdf: $(PDF) ## print the whole book into one PDF and link it from the site (needs Chromium)
	@echo "The PDF is $(PDF)."

i18n: $(READY) ## extract the texts for a translation and renew its files in book/locale: EDITION=zh_CN
	$(BIN)/jupyter-book build . -W --keep-going --path-output _build/texts --builder custom --custom-builder gettext
	$(BIN)/sphinx-intl update -p _build/texts/_build/gettext -d book/locale -l $(EDITION)

edition: $(READY) ## build the site in another language, as far as book/locale goes: EDITION=zh_CN
	BOOK_LANGUAGE=$(EDITION) $(BIN)/jupyter-book build . -W --keep-going --path-output _build/$(EDITION)

test: lint ## check style, run all tests, compare every notebook with its stored outputs, build and test the site
	$(BIN)/python -m pytest -m "not site" -n 2 --dist loadfile --cov=rnncore --cov-report=term
	$(if $(LECTURES),$(REPRODUCIBLE) $(NBVAL),@echo "No notebook yet: nothing to compare with stored outputs.")
	$(MAKE) --no-print-directory book
	$(BIN)/python -m pytest -m site -n 2

portable: $(READY) ## compare every notebook with its stored outputs under another processor's arithmetic
	$(if $(LECTURES),$(REPRODUCIBLE) $(OTHER_PROCESSOR) $(NBVAL),@echo "No notebook yet: nothing to compare with stored outputs.")

serve: book ## show the book on http://localhost:8000 (PORT=... for another port)
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html $(PORT)

lab: $(READY) ## open the lectures in JupyterLab
	$(BIN)/jupyter lab --notebook-dir=. notebooks

execute: $(READY) ## run notebooks twice, compare, and store their outputs: NB="notebooks/NAME.ipynb ..."
	@test -n "$(NB)" || { echo "make execute needs a notebook: make execute NB=notebooks/NAME.ipynb" >&2; exit 2; }
	$(REPRODUCIBLE) $(BIN)/python book/programs/execute.py $(NB)

release: $(READY) ## make the student version of a problem set, and a zip to hand out: PS=ps1
	@test -n "$(PS)" || { echo "make release needs a set: make release PS=ps1" >&2; exit 2; }
	@$(COURSE) grading.release $(PS)

grade: $(READY) ## grade a folder of submissions in a sandbox: PS=ps1 SUBMISSIONS=folder
	@test -n "$(PS)" -a -n "$(SUBMISSIONS)" || { echo "make grade needs a set and a folder: make grade PS=ps1 SUBMISSIONS=folder" >&2; exit 2; }
	@$(COURSE) grading.grade $(PS) "$(SUBMISSIONS)"

gradebook: $(READY) ## write the marks of all sets into one table, and say what is left to mark by hand
	@$(COURSE) grading.gradebook

bench: $(READY) ## time rnncore against torch.nn and write the tables of its speed
	$(ONE_THREAD) $(BIN)/python book/programs/bench.py

record: $(READY) ## run the long measurements and write their tables into book/record.md
	$(ONE_THREAD) $(BIN)/python book/programs/record.py $(TABLES)

lint: $(READY) ## check the style of code and notebooks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(READY) ## mend what lint can mend by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

vendor: $(READY) ## fetch the JavaScript libraries that the site carries, and check their checksums
	$(BIN)/python book/programs/vendor.py

clean: ## remove what was built; .venv stays
	rm -rf _build build *.egg-info .coverage .hypothesis .pytest_cache .ruff_cache
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

# ---- what the commands above rest on -----------------------------------------------------------------

# Warnings of pages that did not change are not repeated, so after a failure everything is read again.
$(SITE): $(PAGES) $(READY)
	$(BIN)/jupyter-book build . -W --keep-going || { rm -rf _build/.doctrees $(SITE); exit 1; }
	@touch $@

$(PDF): $(SITE) $(wildcard book/programs/pdf.*)
	$(BIN)/python book/programs/pdf.py

$(READY): pyproject.toml .venv/.requirements-installed
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

.venv/.requirements-installed: requirements.txt | .venv/.created
	@echo "Installing the pinned packages into .venv: about 2 GB and a few minutes, once only."
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt | awk '!/already satisfied/ { print; fflush() }'
	@touch $@

# The pins were resolved and tested with Python 3.11; another version would need other pins.
.venv/.created:
	@python=; for p in $(PYTHON) python3.11 python3 python; do \
		if "$$p" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then python=$$p; break; fi; \
	done; \
	test -n "$$python" || { echo "The book needs Python 3.11, and none was found: install it, or name it with PYTHON=/path/to/python3.11." >&2; exit 1; }; \
	"$$python" -m venv .venv || { echo "Python's venv module is incomplete: install it (Debian and Ubuntu: apt install python3-venv)." >&2; exit 1; }
	@touch $@
