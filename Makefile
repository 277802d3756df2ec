# Two commands matter: `make demo` shows everything, `make test` proves it. `make` alone lists the rest.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv/bin/python
STACK := $(VENV) -m deploy.stack

.PHONY: help venv up down status logs doctor demo test test-fast check clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv:
	@$(PYTHON) deploy/stack/bootstrap.py

up: venv ## start every server and service, and wait until all are ready
	@$(STACK) up

down: venv ## stop everything; the data stays
	@$(STACK) down

status: venv ## what runs
	@$(STACK) status

logs: venv ## the newest log lines; ID=<application> gives all that speak of it
	@$(STACK) logs $(if $(ID),--id '$(ID)')

doctor: venv ## look for anything that is wrong with any case; not 0 when there is
	@$(STACK) doctor

demo: up ## play a whole round of the 2023 call on the running stack
	@$(VENV) -m deploy.demo

test: venv ## every test, on a stack of its own
	@$(STACK) test

test-fast: venv ## the tests that need no server: under half a minute
	@$(STACK) install --profile test
	@$(VENV) -m pytest tests/unit tests/contract -q

check: venv ## style, types, who may import whom, length of files
	@$(VENV) -m ruff check .
	@$(VENV) -m ruff format --check .
	@$(VENV) -m mypy
	@.venv/bin/lint-imports
	@$(VENV) -m deploy.stack.lengths

clean: venv ## stop everything and delete its data, the tests' too; the cache stays
	@$(STACK) clean
	@$(STACK) clean --profile test
