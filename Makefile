# The thin door. `make demo` and `make test` do all the set-up themselves; everything else is CMake's (docs/ARCHITECTURE.md).
# DEPS=no leaves the system's packages alone.
.DEFAULT_GOAL := help
.PHONY: help deps build demo test unit peer site lint fuzz mutants bench format format-check clean pictures
DEPS ?= yes
SECONDS ?= 60

help: ## this list
	@echo "ECSACP1: firmware of an AC charging station, its simulator, and the site server. Start with:"
	@echo
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */\1\t/' | \
		while IFS="$$(printf '\t')" read -r name what; do printf '  make %-13s %s\n' "$$name" "$$what"; done

demo: build ## a site in this terminal: hub, three stations, cars that come and go (DEMO_SECONDS=40 ends by itself)
	@scripts/demo.sh

test: deps ## everything that checks the project, in under ten minutes on two cores
	@scripts/test.sh

build: deps ## the programs, optimised, into build/release/bin: ecs-sim, ecs-hub, ecs-image, ecs-launch, ecs-blackbox
	@scripts/build.sh release ecs-sim ecs-hub ecs-image ecs-launch ecs-blackbox

unit: deps ## unit tests alone, with address and undefined-behaviour checks
	@scripts/npm.sh && scripts/build.sh asan && ctest --test-dir build/asan --output-on-failure -j "$$(nproc)" -LE realtime

peer: deps ## stations against an independent OCPP server with the official schemas; CASES="B_01 E" runs only these cases
	@scripts/npm.sh && if [ -n "$(CASES)" ]; then \
		scripts/build.sh asan ecs-sim ecs-launch && CASES="$(CASES)" node tests/peer/cases.mjs; \
	else scripts/build.sh asan && ctest --test-dir build/asan --output-on-failure -R '^peer'; fi

site: deps ## hub and stations together, over real sockets
	@scripts/npm.sh && scripts/build.sh asan && ctest --test-dir build/asan --output-on-failure -R '^site'

lint: deps ## checks frame logs: make lint LOG="file..." (ecs-sim --frame-log writes them)
	@scripts/npm.sh && node tests/lint/lint.mjs $(LOG)

fuzz: deps ## every fuzz target within a time box: make fuzz SECONDS=60
	@scripts/fuzz.sh $(SECONDS)

mutants: deps ## small mistakes seeded in core/: do the unit tests notice? MUTANTS=60 tries a sample, FILES="guard.c" some files
	@scripts/mutants.py $(if $(MUTANTS),--sample $(MUTANTS)) $(addprefix --file ,$(FILES))

bench: deps ## instructions, memory, stack and code against bench/baseline.json
	@scripts/bench.py

format: ## puts all C files into the one format
	@scripts/format.sh

format-check: ## says what is not in form, changes nothing
	@scripts/format.sh --check

deps: ## installs the Debian packages of deps.txt that are missing (others do this by themselves)
	@[ "$(DEPS)" = no ] || scripts/deps.sh

clean: ## removes build/ (not the npm packages)
	@rm -rf build

pictures: deps ## draws the panel's screens into docs/pictures
	@scripts/build.sh release panel-pictures && mkdir -p docs/pictures && build/release/bin/panel-pictures docs/pictures

.PHONY: report
RUNS ?= 1000
report: deps ## every rule of charge control with its measured times, and the meter's accuracy: build/report/
	@scripts/build.sh release ecs-report && build/release/bin/ecs-report --runs $(RUNS)

.PHONY: killtest
KILLS ?= 200
killtest: deps ## kill -9 during sessions, 50 times with ecs-hub killed as well, then 200 times ecs-sim alone: is anything lost? (KILLS=40)
	@scripts/npm.sh && scripts/build.sh release ecs-sim ecs-hub && export ECS_BIN=build/release/bin && \
		node tests/site/killtest.mjs --hub --kills $$((($(KILLS) + 3) / 4)) && node tests/site/killtest.mjs --kills $(KILLS)

.PHONY: soak
HOURS ?= 24
soak: deps ## a day of a station in virtual time: 200 sessions, lost networks, reboots; does its heap grow? (HOURS=2 TRANSACTIONS=20)
	@scripts/npm.sh && scripts/build.sh release ecs-soak && \
		ECS_BIN=build/release/bin node tests/soak/soak.mjs --hours $(HOURS) --transactions $(or $(TRANSACTIONS),200)

.PHONY: powercut
DEPTH ?= 1
SEED ?= 1
powercut: deps ## power cuts at every flash operation of journal, settings and updates: make powercut DEPTH=3
	@scripts/powercut.sh $(DEPTH) $(SEED)
