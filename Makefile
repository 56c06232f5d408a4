# make run   the server on the embedded store (also the default)
# make test  everything, against real Kafka; installs what it needs first
# make bench CPU per ping, beside nginx and a plain collector; under three minutes
.DEFAULT_GOAL := run
.PHONY: run test test-faults bench lint types docs clean dev
BIN := .venv/bin
CODE := ingest tests $(wildcard benchmarks)
# What pytest is to run, such as `make test ARGS='tests/log -k murmur2'`.
ARGS ?=

run:
	@tests/setup.sh run
	@echo "Soon, in another terminal:"
	@echo "  curl -i 'http://127.0.0.1:8080/p.gif?s=example&u=https://example.org/'"
	@echo "  curl -i -H 'Content-Type: application/json' -d '{\"site\":\"example\",\"name\":\"heartbeat\"}' http://127.0.0.1:8080/e"
	@echo "and '$(BIN)/ingest tail' shows what was stored. Ctrl-C stops the server."
	@exec $(BIN)/ingest serve

test: dev
	$(BIN)/pytest $(ARGS)

bench: dev
	@$(BIN)/python -m benchmarks first $(ARGS)

test-faults: dev
	FAULTS=full $(BIN)/pytest -s tests/faults tests/serve/test_crash.py $(ARGS)

lint: dev
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)

types: dev
	$(BIN)/mypy

docs: dev
	$(BIN)/python -m ingest.reference

dev:
	@tests/setup.sh test

clean:
	rm -rf .venv .cache build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		tests/kafka/node_modules
	find ingest tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
