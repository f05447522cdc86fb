# make demo: from nothing to a trained multilingual classifier, with a table and a report at the end.
# make test: all tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: demo test check install clean

demo: install
	@echo "== Train on English tickets, classify 13 languages (spacy project run all; a few minutes the first time)"
	@$(BIN)/python -m spacy project run all
	@$(BIN)/python -m spacy xlt table metrics/tickets.json
	@echo "== Six new texts"
	@$(BIN)/python -m spacy xlt classify training/tickets/transfer --file corpus/tickets/six.txt
	@echo "== The report: metrics/tickets.html; the model: training/tickets/transfer"

# One process for each core, and one thread in each: tiny models gain nothing from more threads.
test: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q --numprocesses auto --maxprocesses 8 --dist loadfile

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

install: $(INSTALLED)

$(INSTALLED): setup.cfg pyproject.toml constraints.txt
	@echo "== Install spacy_xlt and what it needs into $(VENV) (about a minute)"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --use-pep517 --disable-pip-version-check -c constraints.txt -e ".[demo,test]"
	@touch $@

clean:
	rm -rf $(VENV) training metrics packages build dist *.egg-info
