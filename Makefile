# SPDX-License-Identifier: GPL-2.0-or-later

.DEFAULT_GOAL := help
.PHONY: help demo test bench guests guests-check engine build lint race lockstep bochs packages packages-build packages-guests packages-tests

# Every recipe that needs Go finds one that is new enough, and has it first in PATH.
# Without git, or with one that refuses a checkout of another user, there is no
# commit to put into what is built.
go = go=$$(scripts/go.sh) && PATH=$$(dirname "$$go"):$$PATH && \
	{ git rev-parse HEAD >/dev/null 2>&1 || export GOFLAGS="$${GOFLAGS:-} -buildvcs=false"; } &&

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

demo: packages-guests engine ## a stock Linux boots on the console and shows what it can do
	@corpus/linux/build.sh stock
	@$(go) go run ./cmd/uklemu boot guest:stock

test: lint packages-tests engine guests ## all tests, and those with threads under the race detector
	@$(go) go test -timeout 60m ./...
	@$(MAKE) --no-print-directory race

# The packages in which goroutines, C or several machines meet.
race: packages-tests engine guests
	@$(go) go test -race -timeout 60m ./emu/unicorn ./emu/gdb ./emu ./emu/debug ./cmd/uklemu

lockstep: packages-tests engine guests ## beside QEMU, in full: 1,000,000 instructions and 100,000 events, a quarter of an hour
	@$(go) go run ./tests/lockstep/cmd --full

bochs: packages-tests engine ## beside Bochs, which is fetched: first what it does, then all cases on the machine
	@scripts/packages.sh python3 python3-pip
	@tests/bochs/golden.sh --check
	@$(go) go test -count=1 ./tests/bochs

bench: packages-tests engine guests ## the benchmarks, with the ratios that the project promises
	@$(go) go run ./tests/bench/cmd
	@$(go) go run ./tests/ukl/cost/cmd

guests: packages-guests ## the Linux kernels and user space that the project runs, into the cache
	@corpus/linux/build.sh

guests-check: guests packages-tests ## boots the guests under QEMU and compares what they say
	@corpus/linux/check.sh

engine: ## libunicorn and libkeystone, into the cache
	@scripts/engine.sh
	@scripts/engine-keystone.sh

build: packages-build ## the command, as bin/uklemu
	@$(go) go build -o bin/uklemu ./cmd/uklemu

lint: packages-build ## gofmt, go vet, and what a reviewer should not have to look for
	@$(go) scripts/lint.sh

# What Debian and Ubuntu call what is needed. Only what is missing is installed.
packages: packages-build packages-guests packages-tests ## all the system packages that anything here needs

packages-build:
	@scripts/packages.sh gcc libc6-dev ca-certificates

packages-guests:
	@scripts/packages.sh build-essential bc flex bison libelf-dev libssl-dev xz-utils

packages-tests:
	@scripts/packages.sh gcc libc6-dev binutils gdb dwarves qemu-system-x86
