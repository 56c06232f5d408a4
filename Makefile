# make run   the server on the embedded store (also the default)
# make test  everything, against real Kafka; installs what it needs first
# make bench CPU per ping, beside what others use instead; under three minutes once all is built
# make repeat  two full runs, compared; and the load generator beside others: three quarters of an hour
# make record  what README.md and docs/planning.md tell, measured anew: a quarter of an hour
.DEFAULT_GOAL := run
.PHONY: run test test-faults test-peers bench record repeat lint types docs assets screenshots clean dev
BIN := .venv/bin
CODE := ingest tests $(wildcard benchmarks)
# Passed on, such as `make run ARGS='--port 9080'`, `make test ARGS='tests/log -k murmur2'`.
ARGS ?=
MINUTES ?= 15

run:
	@tests/setup.sh run
	@echo "Soon, in another terminal$(if $(ARGS), (on the port that the server names)):"
	@echo "  curl -i 'http://127.0.0.1:8080/p.gif?s=example&u=https://example.org/'"
	@echo "  curl -i -H 'Content-Type: application/json' -d '{\"site\":\"example\",\"name\":\"heartbeat\"}' http://127.0.0.1:8080/e"
	@echo "and '$(BIN)/ingest tail' shows what was stored. Ctrl-C stops the server."
	@exec $(BIN)/ingest serve $(ARGS)

test: dev
	@tests/run.sh $(ARGS)

bench: dev
	@benchmarks/setup.sh
	@$(BIN)/python -m benchmarks peers --build > /dev/null || true
	@$(BIN)/python -m benchmarks run --quick $(ARGS)

record: dev
	@benchmarks/setup.sh
	@$(BIN)/python -m benchmarks peers --build > /dev/null || true
	$(BIN)/python -m benchmarks run --record --minutes $(MINUTES) --out benchmarks/results --name record $(ARGS)
	$(BIN)/python -m benchmarks readme
	$(BIN)/python -m benchmarks plan benchmarks/results/record.json --write

# The tests of the benchmarks' servers, none of which may be missing; needs Go and Cargo.
test-peers: dev
	@benchmarks/setup.sh
	@$(BIN)/python -m benchmarks peers --build > /dev/null
	PEERS=required $(BIN)/pytest tests/benchmarks $(ARGS)

# Two full runs, by how much they differ, and our generator beside wrk and vegeta.
repeat: MINUTES = 20
repeat: dev
	@benchmarks/setup.sh
	@$(BIN)/python -m benchmarks peers --build > /dev/null || true
	$(BIN)/python -m benchmarks run --minutes $(MINUTES) --out benchmarks/results/full-1 $(ARGS)
	$(BIN)/python -m benchmarks run --minutes $(MINUTES) --out benchmarks/results/full-2 $(ARGS)
	$(BIN)/python -m benchmarks compare benchmarks/results/full-1/report.json \
		benchmarks/results/full-2/report.json --out benchmarks/results/compare.md
	$(BIN)/python -m benchmarks agree --out benchmarks/results

test-faults: dev
	FAULTS=full $(BIN)/pytest -s tests/faults tests/stats $(ARGS)

lint: dev
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)

types: dev
	$(BIN)/mypy

docs: dev
	$(BIN)/python -m ingest.reference

# The vendored files of ingest/http/assets/ anew, from the packages that vendor/package.json names.
assets:
	npm --prefix vendor install --no-audit --no-fund --no-package-lock --loglevel error
	node vendor/make.mjs

# The pictures in docs/img/, by the server and the browser of the tests.
screenshots: dev
	SCREENSHOTS=docs/img $(BIN)/pytest tests/browser/test_screenshots.py

dev:
	@tests/setup.sh test

clean:
	rm -rf .venv .cache build dist ingest/*/*.so *.egg-info .mypy_cache .ruff_cache .pytest_cache \
		.hypothesis tests/kafka/node_modules tests/browser/node_modules vendor/node_modules
	find ingest tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
