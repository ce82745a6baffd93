# The commands that people and CI type. Each is a thin layer over a CMake preset; nothing is decided here.
.DEFAULT_GOAL := help
.PHONY: help setup build run cluster cluster-stop test test-servers test-asan test-tsan bench bench-cluster faults sim format tidy

SHELL := /bin/bash
JOBS ?= $(shell nproc)
SEEDS ?= 200
FIRST ?= 1000
ROUNDS ?= 1
# Files for `make tidy`; with SINCE=main only those that differ from that commit.
SINCE ?=
TIDY_FILES ?= $(shell if [ -n '$(SINCE)' ]; then git diff --name-only --diff-filter=d '$(SINCE)'; else git ls-files; fi \
                | grep -E '^(common|services|tests)/.*\.cc$$')

# A clone in another folder finds what an earlier one compiled.
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1
export CCACHE_SLOPPINESS := include_file_ctime,include_file_mtime,pch_defines,time_macros

configure = @[ -f build/$(1)/build.ninja ] || cmake --preset $(1) >build/configure-$(1).log 2>&1 \
              || { cat build/configure-$(1).log; exit 1; }
compile = @cmake --build --preset $(1) -j $(JOBS) $(2)
check = @ctest --preset $(1) -j2 --no-tests=error

help:
	@echo 'make run               build, and serve on 127.0.0.1:7300 with data in .run/data'
	@echo 'make cluster           build, and run a Kafka broker, Redis and each service by itself (make cluster-stop ends them)'
	@echo 'make test              build, and run every test (test-asan: with sanitizers; test-tsan: what has threads)'
	@echo 'make sim SEEDS=20000   simulate that many seeds (FIRST=n: from n on), on each core its share'
	@echo 'make bench [FULL=1]    measure; with FULL=1 holding 1,000,000 open episodes, which takes a while'
	@echo 'make bench-cluster     measure the same on a cluster, with one Kafka broker and with three'
	@echo 'make faults ROUNDS=5   kill, stop and cut off every part of a cluster so many times while reports come in'
	@echo 'make format            clang-format on every C++ file'
	@echo 'make tidy [SINCE=main] clang-tidy on every C++ file, or on those changed since a commit'
	@echo 'make setup             install what the build needs (Debian 12)'

setup:
	@deploy/setup/install.sh
	@mkdir -p build

build: setup
	$(call configure,release)
	$(call compile,release)

# Beside the packages, servers that tests run against, and what checks the files that deploy.
test-servers: setup
	@deploy/setup/s3_server.sh
	@deploy/setup/check_tools.sh

test: build test-servers
	$(call check,release)

test-asan: test-servers
	$(call configure,asan)
	$(call compile,asan)
	$(call check,asan)

# Simulation, scenarios and rules run on one thread: what runs on several is in these. Left out is what this sanitizer
# can't judge, because Debian's libraries are built without it: what runs on gRPC's or Kafka's threads, and what reads JSON with
# protobuf's Struct, whose layout under it is another than in the library.
test-tsan: test-servers
	$(call configure,tsan)
	$(call compile,tsan,--target contract_tests unit_tests)
	@ctest --preset tsan -j2 --no-tests=error -R '^(contract|unit)[.]' \
	  -E 'contract[.]Kafka|Rpc|OneCallAtATime|EvidenceService|LoggerTest|Telephone|/(Sms|Voice)'

run: setup
	$(call configure,release)
	$(call compile,release,--target porchlight)
	@mkdir -p .run/data
	@cat deploy/setup/next_steps.txt
	@exec build/release/porchlight serve --data .run/data --config deploy/sample/config.yaml --listen 127.0.0.1:7300

cluster: setup
	$(call configure,release)
	$(call compile,release,--target porchlight porchlight-directory porchlight-intake porchlight-notification \
	  porchlight-screening porchlight-mdt porchlight-oncall)
	@deploy/cluster-dev/cluster.sh start .run/cluster

cluster-stop:
	@deploy/cluster-dev/cluster.sh stop .run/cluster

bench: setup
	$(call configure,release)
	$(call compile,release,--target porchlight-bench)
	@build/release/porchlight-bench $(if $(FULL),--full)

bench-cluster: setup
	$(call configure,release)
	$(call compile,release,--target porchlight-bench)
	@build/release/porchlight-bench --only cluster --burst 4000

# What `make test` does of it once and in short, in full.
faults: setup
	$(call configure,release)
	$(call compile,release,--target faults_tests)
	@FAULT_ROUNDS=$(ROUNDS) build/release/tests/faults_tests --gtest_filter='ClusterLoop.*'

sim: setup
	$(call configure,release)
	$(call compile,release,--target sim_tests)
	@each=$$((($(SEEDS) + $(JOBS) - 1) / $(JOBS))) && seq $(FIRST) $$each $$(($(FIRST) + $(SEEDS) - 1)) | xargs -P $(JOBS) -I{} \
	  env SIM_FIRST={} SIM_SEEDS=$$each build/release/tests/sim_tests --gtest_filter=Simulation.SeedsOfTheEnvironment

format:
	@git ls-files -z --cached --others --exclude-standard -- '*.h' '*.cc' | xargs -0 -r -n 8 -P $(JOBS) clang-format -i

# Configured apart, since it must know each file by itself, and can't read what another compiler has precompiled.
tidy: setup
	$(call configure,tidy)
	$(call compile,tidy,--target porchlight_proto)
	@printf '%s\n' $(TIDY_FILES) | xargs -r -n 1 -P $(JOBS) clang-tidy --quiet -p build/tidy \
	  2> >(grep -v 'warnings\? generated' >&2)
