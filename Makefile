# `make demo` shows the main job end to end; `make test` runs every test; both set up what they
# need inside this folder. `make help` lists the rest.

CARGO ?= cargo
PYTHON ?= python3
DEMO ?= demo-lake
DEMO_ROWS ?= 1586614
DEMO_CHANGES ?= 20000
# Property tests try the same cases in each run; another seed tries others:
# make test PROPTEST_RNG_SEED=7
export PROPTEST_RNG_SEED ?= 1

WEIR = target/release/weir
TEST_VENV = .venv-test
BENCH_VENV = .venv-bench

.PHONY: help demo build test test-rust test-python lint bench clean

help:
	@echo "make demo    generate the beer lake ($(DEMO_ROWS) reviews, $(DEMO_CHANGES) changes), run it, print what happened"
	@echo "make test    formatting, lints, Rust tests, Python tests (read back by PyArrow and DuckDB)"
	@echo "make bench   Weir beside DuckDB and Polars in one run (writes benches/RESULTS.md); envelopes beside"
	@echo "             serde_json; size and start-up of the function"
	@echo "make build   the release binary, $(WEIR)"
	@echo "make clean   remove everything that make made here"

build:
	$(CARGO) build --release --locked -p weir

demo: build
	@test -f $(DEMO)/lake.yaml || $(WEIR) init $(DEMO) --example beer
	$(WEIR) generate --lake $(DEMO) --rows $(DEMO_ROWS) --seed 1 --changes $(DEMO_CHANGES)
	@# A stream that is carried twice is delivered twice: bronze would hold its changes two times.
	@test -f $(DEMO)/streams/.carried || { $(WEIR) stream --lake $(DEMO) $(DEMO)/streams/changes.jsonl && touch $(DEMO)/streams/.carried; }
	$(WEIR) run --lake $(DEMO)
	$(WEIR) status --lake $(DEMO)
	@echo "Look around: $(WEIR) status --lake $(DEMO) --table review; the Parquet is under $(DEMO)/bronze"

test: lint test-rust test-python
	@echo "make test: formatting, clippy, the Rust tests and the Python tests above all passed"

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets --all-features -- -D warnings

test-rust:
	$(CARGO) test --locked --workspace --all-features

$(TEST_VENV)/.stamp: tests/python/requirements.txt tests/python/constraints.txt
	$(PYTHON) -m venv $(TEST_VENV)
	$(TEST_VENV)/bin/pip install --quiet --disable-pip-version-check -r tests/python/requirements.txt
	touch $@

test-python: $(TEST_VENV)/.stamp
	$(CARGO) build --locked -p weir
	WEIR_BIN=$(CURDIR)/target/debug/weir $(TEST_VENV)/bin/python -m pytest tests/python -q

$(BENCH_VENV)/.stamp: benches/requirements.txt benches/constraints.txt
	$(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/pip install --quiet --disable-pip-version-check -r benches/requirements.txt
	touch $@

bench: build $(BENCH_VENV)/.stamp
	$(BENCH_VENV)/bin/python benches/compare.py
	$(CARGO) bench --locked -p weir-envelope
	$(CARGO) build --release --locked -p firehose-transformer
	@wc -c target/release/firehose-transformer
	$(CARGO) run --release --locked -q -p lambda-emulator --example start_up -- \
		WEIR_CONTRACTS_DIR=crates/functions/firehose-transformer/tests/contracts \
		target/release/firehose-transformer events/firehose-transformer/kinesis-batch.json

clean:
	$(CARGO) clean
	rm -rf $(TEST_VENV) $(BENCH_VENV) $(DEMO) bench-data
