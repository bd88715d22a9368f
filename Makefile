# The everyday commands. Each makes .venv first if need be, so that a fresh clone needs nothing else.

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format bench docs soak clean

help:  ## list these targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 10

setup:  ## make .venv with everything development needs
	@scripts/setup

demo: setup  ## run the example ETL through the scheduler
	@scripts/demo

test: setup  ## run the tests, on SQLite and PostgreSQL, under asyncio and trio
	@scripts/test

check: setup  ## format, lint, types, layers, spelling
	@scripts/check

format: setup  ## mend what `check` can mend by itself
	@scripts/format

bench: setup  ## measure; prints a table beside the floor of the same minutes
	@.venv/bin/python -m benchmarks

docs: setup  ## run the snippets, follow the links, draft the changelog
	@scripts/docs

soak: setup  ## the long runs: minutes, many more examples
	@.venv/bin/pytest -m soak --timeout 3600

clean:  ## remove .venv and everything the tools left here
	@rm -rf .venv build dist .mypy_cache .ruff_cache .import_linter_cache .hypothesis .tmp
	@find src tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} +
