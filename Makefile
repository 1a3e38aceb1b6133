# SPDX-License-Identifier: GPL-2.0-or-later

.DEFAULT_GOAL := help
.PHONY: help guests guests-check

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

guests: ## the Linux kernels and user space that the project runs, into the cache
	@corpus/linux/build.sh

guests-check: guests ## boots the guests under QEMU and compares what they say
	@corpus/linux/check.sh
