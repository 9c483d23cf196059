# SPDX-License-Identifier: GPL-2.0-only

# The verbs people type. What is built where: scripts/modules; which packages
# a verb needs: scripts/deps (they are installed when missing).

# The kernel to build for; by default the newest installed headers package.
KDIR ?=
DESTDIR ?=
export KDIR INSTALL_MOD_PATH

all:	## build all modules for KDIR
	@mkdir -p build
	@scripts/modules kdir > build/.kdir-build
	@$(call tools,all)
	@echo "modules: $$(cat build/.kdir-build)"

demo: tools	## a VM on the distribution's kernel: real I/O through filters
	@qemu/demo

check: tools	## the models, KUnit under KASAN and lockdep, every VM script
	@qemu/check

bench: tools	## what a filter costs, in instructions (BASELINE=file: fails if more than there)
	@bench/run $(if $(BASELINE),--baseline $(BASELINE))
	@bench/hidden

bench-sharing bench-atomics bench-profile bench-uml: tools
	@bench/$(@:bench-%=%)

baseline: tools	## the same, kept as bench/baseline.json and in README.md
	@bench/run --keep

stress: tools	## long torture runs (MINUTES=2, SEED=n)
	@qemu/check stress

mutate:	## do the tests notice deliberate bugs?
	@scripts/mutate

coverage: tools	## lines and branches that the tests run, per file
	@scripts/coverage

lint:	## checkpatch, sparse, W=1, kernel-doc; silence is success
	@scripts/lint

model:	## the Promela models
	@scripts/deps model
	@scripts/model-check

docs:	## the manual, in build/docs
	@scripts/deps docs
	@scripts/docs

install: all	## the modules and fltmc into the running system (INSTALL_MOD_PATH, DESTDIR)
	@scripts/modules kdir modules_install > /dev/null
	@depmod $(if $(INSTALL_MOD_PATH),-b $(INSTALL_MOD_PATH)) $$(sed 's/.*kdir-//' build/.kdir-build)
	@$(call tools,install)

tools:
	@scripts/deps build
	@mkdir -p build
	@$(call tools,all)

clean:	## remove what was built; kernels stay in ~/.cache/fltmgr
	rm -rf build

help:
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' Makefile | expand -t 18

# User-space programs, built into build/tools, from where guests get them too.
tools = if [ -e tools/Makefile ]; then $(MAKE) -s -C tools OUT=$(CURDIR)/build/tools $(1); fi

.PHONY: all demo check bench baseline bench-sharing bench-atomics bench-profile bench-uml stress mutate coverage lint model docs install tools clean help
