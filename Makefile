# vfiosim. Start with `make help`.
#
# Variants, each in a folder of its own below build/, so they do not disturb each other:
#	SAN=address,undefined  SAN=thread  CC=clang  COV=1  FUZZ=1 (libFuzzer)  DEVELOPER=1 (-Werror)
#	STATIC=1 (a program that needs no library of the system)  SHARED=1 (one that needs all of them)
#	CC=aarch64-linux-gnu-gcc (for another machine, with that one's pkg-config, ar and objcopy; what
#	is built is run by RUN=qemu-aarch64-static)

# VERSION=6.1 with check-linux names a kernel.
KERNELS := $(or $(if $(findstring command,$(origin VERSION)),$(VERSION)),6.1 6.12)
override VERSION := 0.1.0
comma   := ,
# A compiler for another machine, and what its tools begin with: aarch64-linux-gnu-.
CROSS   := $(strip $(foreach word,$(notdir $(CC)),$(if $(findstring -gcc,$(word)),$(word))))
TOOLS   := $(firstword $(subst -gcc,- ,$(CROSS)))
ifeq ($(origin AR),default)
AR      := $(TOOLS)ar
endif
OBJCOPY    ?= $(TOOLS)objcopy
PKG_CONFIG ?= $(TOOLS)pkg-config
BUILD   := build$(if $(FUZZ),/fuzz)$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))$(if $(filter clang%,$(CC)),/$(CC))$(addprefix /,$(CROSS))$(if $(COV),/cov)$(if $(STATIC),/static)$(if $(SHARED),/shared)
SONAME  := libvfiosim.so.0

# Where `make install` puts things, by GNU's names. What lies below DESTDIR can be moved to /.
prefix      ?= /usr/local
exec_prefix ?= $(prefix)
bindir      ?= $(exec_prefix)/bin
libdir      ?= $(exec_prefix)/lib
includedir  ?= $(prefix)/include
datarootdir ?= $(prefix)/share
datadir     ?= $(datarootdir)
mandir      ?= $(datarootdir)/man
# AppArmor looks nowhere else.
sysconfdir  ?= /etc
export prefix exec_prefix bindir libdir includedir datadir mandir sysconfdir DESTDIR VERSION SONAME

PACKAGES   := fuse3 yaml-0.1 json-c
PKG_CFLAGS  = $(shell $(PKG_CONFIG) --cflags $(PACKAGES) 2>/dev/null)
# The libraries go into the program: half of what starting it costs is the dynamic linker.
SHARED_LIBS = $(shell $(PKG_CONFIG) --libs $(PACKAGES) 2>/dev/null)
PKG_LIBS    = $(if $(SHARED),$(SHARED_LIBS),$(if $(STATIC),-static $(SHARED_LIBS),-Wl$(comma)-Bstatic $(SHARED_LIBS) -Wl$(comma)-Bdynamic))
CHECK_LIBS  = $(shell $(PKG_CONFIG) --libs check 2>/dev/null)

CFLAGS   ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	    -Wpointer-arith -Wwrite-strings -Wundef -Wvla -Walloca -Wformat=2 -Wcast-qual \
	    -Wmissing-declarations -Wredundant-decls -Wnested-externs -Wdeclaration-after-statement -Wdate-time \
	    -Wfloat-equal -Wno-unused-parameter -Wno-missing-field-initializers \
	    -Wno-gnu-variable-sized-type-not-at-end $(if $(DEVELOPER),-Werror)
SANITIZE := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all) $(if $(COV),--coverage -O0 -Wno-format-truncation -DCOVERAGE) \
	    $(if $(FUZZ),-fsanitize=fuzzer-no-link -DLIBFUZZER)
# A union whose initializer names a member is zeroed whole; since gcc 15 only if asked to be.
ZERO_UNIONS := $(shell f=-fzero-init-padding-bits=unions; \
	    $(CC) $$f -fsyntax-only -x c /dev/null 2>/dev/null && echo $$f)
ALL_CPPFLAGS = -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DFUSE_USE_VERSION=314 -DVFIOSIM_VERSION='"$(VERSION)"' \
	    -Iinclude -Isim -Iharness $(PKG_CFLAGS) $(CPPFLAGS)
ALL_CFLAGS  = -std=gnu2x -pthread -ffile-prefix-map=$(CURDIR)=. $(ZERO_UNIONS) $(WARNINGS) $(CFLAGS) $(SANITIZE)
# Counts are kept and read as gcc does it; of clang's build nothing is told.
GCOV        = $(patsubst gcc%,gcov%,$(filter gcc%,$(CC)))
COUNTS     := $(if $(COV),$(if $(filter clang%,$(CC)),,harness/coverage.c))
WRAPPED    := $(if $(COUNTS),_exit __gcov_dump __gcov_exit)
ALL_LDFLAGS = -pthread $(SANITIZE) $(patsubst %,-Wl$(comma)--wrap=%,$(WRAPPED)) $(LDFLAGS)

LIB_SRC   := $(filter-out %_test.c %_bench.c,$(wildcard sim/*/*.c sim/*/*/*.c))
MAIN_SRC  := $(filter-out %_test.c %_bench.c harness/main.c harness/examples/% harness/fuzz/% $(if $(COUNTS),,harness/coverage.c),$(wildcard harness/*.c harness/*/*.c))
TEST_SRC  := $(wildcard sim/*/*_test.c sim/*/*/*_test.c harness/*_test.c harness/*/*_test.c)
BENCH_SRC := $(wildcard sim/*/*_bench.c sim/*/*/*_bench.c harness/*/*_bench.c)
FUZZ_SRC  := $(wildcard harness/fuzz/*.c)
PROBE_SRC := $(wildcard harness/facts/probe/*.c)
EXAMPLES  := $(patsubst harness/examples/%.c,$(BUILD)/examples/%,$(wildcard harness/examples/*.c))
LIB_OBJ   := $(LIB_SRC:%.c=$(BUILD)/%.o) $(BUILD)/builtin_topologies.o
MAIN_OBJ  := $(MAIN_SRC:%.c=$(BUILD)/%.o) $(BUILD)/builtin_cases.o
TESTS     := $(TEST_SRC:%.c=$(BUILD)/%)
FUZZERS   := $(patsubst %.c,$(BUILD)/%,$(filter %_fuzz.c,$(FUZZ_SRC)))
FUZZ_OBJ  := $(patsubst %.c,$(BUILD)/%.o,$(filter-out %_fuzz.c,$(FUZZ_SRC)))
TOPOLOGIES := $(wildcard cases/topologies/*.yaml)
CASES     := $(filter-out $(TOPOLOGIES) cases/selftest/%,$(wildcard cases/*/*.yaml))

## What people call. Each installs what it needs, after printing the command.
help:
	@echo 'make demo           build, and tell the story of an mdev and a hot-added device'
	@echo 'make check          build, and run the tests (SAN=address,undefined or SAN=thread: under sanitizers)'
	@echo 'make check-clients  run unmodified QEMU and DPDK against the simulator; pages in Chromium'
	@echo 'make sweep-clients  let every failure that QEMU and DPDK can meet happen, in turn;'
	@echo '                    SHALLOW=20: 20 of each'
	@echo 'make facts          what Linux answered, asked again: how many answers hold'
	@echo 'make check-linux    the cases and the facts on Debian'\''s kernels 6.1 and 6.12 in QEMU (VERSION=6.1), or KERNEL=FILE|FOLDER'
	@echo 'make bench          measure, against floors measured in the same run (PARTS="fuse map hold run others sweep")'
	@echo 'make fuzz           random calls and files, SECONDS=600 for each target (TARGETS="calls texts fuse")'
	@echo 'make torture        kill, stop and starve runs at random moments; nothing may be left (ROUNDS=1000 SEED=1)'
	@echo 'make lint           clang-tidy and cppcheck'
	@echo 'make install        to $$(DESTDIR)$$(prefix): program, library, man pages, completion; make uninstall'
	@echo 'make dist           the sources as build/dist/vfiosim-$(VERSION).tar.gz'
	@echo 'make deb            Debian packages of it, in build/dist'
	@echo
	@echo 'DEPS=no: never call apt-get'

demo:
	@harness/deps.sh build
	@$(MAKE) --no-print-directory -s all
	@$(BUILD)/vfiosim case run mdev-hotadd --variant unpinnable --mode legacy --policy qemu-legacy --explain

check:
	@harness/deps.sh build check
	@flock Makefile $(MAKE) --no-print-directory -s everything
	@GCOV=$(GCOV) harness/check.sh $(BUILD)

check-clients:
	@harness/deps.sh build clients
	@harness/deps.sh dpdk || echo 'vfiosim: DPDK is skipped'
	@harness/deps.sh browser || echo 'vfiosim: pages in a browser are skipped'
	@flock Makefile $(MAKE) --no-print-directory -s all
	@harness/clients/check.sh $(BUILD)/vfiosim

sweep-clients:
	@harness/deps.sh build clients
	@harness/deps.sh dpdk || echo 'vfiosim: DPDK is skipped'
	@flock Makefile $(MAKE) --no-print-directory -s all
	@harness/clients/sweep.sh $(BUILD)/vfiosim $(BUILD)/sweeps $(if $(SHALLOW),--shallow $(SHALLOW))

facts:
	@harness/deps.sh build
	@flock Makefile $(MAKE) --no-print-directory -s all $(BUILD)/facts-probe
	@harness/facts/facts.sh $(BUILD)

check-linux:
	@harness/deps.sh build linux
	@flock Makefile $(MAKE) --no-print-directory -s STATIC=1 all linux 2>&1 | grep -v -e fuse_get_module -e dlopen || :
	@[ "$(ITSELF)" != suite ] || flock Makefile $(MAKE) --no-print-directory -s everything
	@harness/linux/check.sh build/static $(KERNELS)

bench:
	@harness/deps.sh build bench
	@$(MAKE) --no-print-directory -s all $(EXAMPLES) $(BUILD)/bench
	@$(BUILD)/bench $(BUILD)/vfiosim $(PARTS)

torture:
	@harness/deps.sh build
	@flock Makefile $(MAKE) --no-print-directory -s all $(EXAMPLES)
	@harness/torture/torture.sh $(BUILD) $(or $(ROUNDS),1000) $(SEED)

fuzz:
	@harness/deps.sh build
	@harness/deps.sh fuzz || echo 'Without clang: random inputs instead of libFuzzer'\''s.'
	@harness/fuzz/fuzz.sh $(or $(SECONDS),600) $(TARGETS)

lint:
	@harness/deps.sh build lint
	@harness/lint.sh $(ALL_CPPFLAGS)

install:
	@harness/deps.sh build
	@$(MAKE) --no-print-directory -s all libs pages
	@harness/install.sh install $(BUILD)

uninstall:
	@harness/install.sh uninstall $(BUILD)

# What a release is made of, in build/dist; the single static file is .ci/static's.
dist:
	@mkdir -p build/dist
	git archive --format=tar --prefix=vfiosim-$(VERSION)/ HEAD | gzip -9n >build/dist/vfiosim-$(VERSION).tar.gz
	@cd build/dist && sha256sum vfiosim-$(VERSION).tar.gz | tee vfiosim-$(VERSION).tar.gz.sha256

# Debian packages, also in build/dist.
deb:
	@harness/deps.sh build deb
	@harness/deb.sh build

clean:
	rm -rf build

## How it is built.
all: $(BUILD)/vfiosim
pages: $(BUILD)/vfiosim-topology.5 $(BUILD)/vfiosim-case.5
libs: $(BUILD)/lib/libvfiosim.a $(BUILD)/lib/$(SONAME)
everything: all libs pages $(TESTS) $(FUZZERS) $(BUILD)/facts-probe $(EXAMPLES)

$(BUILD)/vfiosim: $(BUILD)/harness/main.o $(MAIN_OBJ) $(BUILD)/libvfiosim.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(BUILD)/libvfiosim.a: $(LIB_OBJ)
	rm -f $@ && $(AR) rcs $@ $^

# What is installed: only what include/libvfiosim.map names can be seen from outside.
$(BUILD)/lib/$(SONAME): $(LIB_OBJ) include/libvfiosim.map
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -shared -Wl,-soname,$(SONAME),--version-script=include/libvfiosim.map,--no-undefined-version \
		$(if $(SAN),,-Wl$(comma)-z$(comma)defs) -o $@ $(LIB_OBJ) $(SHARED_LIBS)
	@ln -sf $(SONAME) $(@D)/libvfiosim.so

$(BUILD)/lib/libvfiosim.a: $(LIB_OBJ) include/libvfiosim.map
	@mkdir -p $(@D)
	$(CC) -nostdlib -r -o $(@D)/vfiosim.o $(LIB_OBJ)
	@sed -n 's/^\t\(vfiosim_.*\);/\1/p' include/libvfiosim.map >$(@D)/symbols
	$(OBJCOPY) --keep-global-symbols=$(@D)/symbols $(@D)/vfiosim.o
	rm -f $@ && $(AR) rcs $@ $(@D)/vfiosim.o

# Position independent: they go into the shared library as well.
$(LIB_OBJ): ALL_CFLAGS += -fPIC -fno-semantic-interposition

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/%.o: $(BUILD)/%.c
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

# Where it decides which allocation fails.
$(BUILD)/sim/machine/no_memory_test: WRAPPED += malloc calloc realloc reallocarray strdup strndup
# Where no play is to be had.
$(BUILD)/harness/case/evidence_test: WRAPPED += library_plays

# Of no program; harness/coverage.c is not in it.
$(BUILD)/lib/$(SONAME): WRAPPED :=
$(BUILD)/harness/coverage.o: ALL_CPPFLAGS += -DCOVERAGE_FOLDER='"$(CURDIR)/$(BUILD)"'

# A test links its own object with everything but main.
$(TESTS): $(BUILD)/%: $(BUILD)/%.o $(MAIN_OBJ) $(BUILD)/libvfiosim.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS) $(CHECK_LIBS)

# A fuzz target: libFuzzer makes its inputs with FUZZ=1 CC=clang, harness/fuzz/driver.c without.
$(FUZZERS): $(BUILD)/%: $(BUILD)/%.o $(FUZZ_OBJ) $(MAIN_OBJ) $(BUILD)/libvfiosim.a
	$(CC) $(ALL_LDFLAGS) $(if $(FUZZ),-fsanitize=fuzzer) -o $@ $^ $(PKG_LIBS)

$(BUILD)/bench: $(BENCH_SRC:%.c=$(BUILD)/%.o) $(MAIN_OBJ) $(BUILD)/libvfiosim.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

# An ordinary client: knows nothing of vfiosim, links nothing of it.
$(BUILD)/facts-probe: $(PROBE_SRC) harness/facts/probe/probe.h
	@mkdir -p $(@D)
	$(CC) -std=gnu2x -D_GNU_SOURCE $(ZERO_UNIONS) $(WARNINGS) $(CFLAGS) -static -pthread -o $@ $(PROBE_SRC)

# The first program of a virtual machine, beside vfiosim and the probe.
linux: $(BUILD)/vfiosim $(BUILD)/facts-probe $(BUILD)/linux-init
$(BUILD)/linux-init: harness/linux/guest/init.c
	@mkdir -p $(@D)
	$(CC) -std=gnu2x -D_GNU_SOURCE $(ZERO_UNIONS) $(WARNINGS) $(CFLAGS) -static -o $@ $<

# Ordinary clients as well.
$(BUILD)/examples/%: harness/examples/%.c
	@mkdir -p $(@D)
	$(CC) -std=gnu2x -D_GNU_SOURCE -Iinclude $(ZERO_UNIONS) $(WARNINGS) $(CFLAGS) -o $@ $<

# Manual pages of READMEs; a case's verbs are what the program says they are.
$(BUILD)/vfiosim-topology.5: cases/topologies/README.md harness/man.awk
	@mkdir -p $(@D)
	awk -v name=vfiosim-topology -v section=5 -v about='machines for vfiosim, in YAML' \
		-f harness/man.awk $< >$@.new && mv $@.new $@
$(BUILD)/vfiosim-case.5: cases/README.md harness/man.awk $(BUILD)/vfiosim
	awk -v name=vfiosim-case -v section=5 -v about='scenarios for vfiosim, in YAML' \
		-f harness/man.awk $< >$@.new
	{ echo .SH VERBS; echo .nf; $(RUN) $(BUILD)/vfiosim case verbs | sed 's/\\/\\e/g; s/-/\\-/g'; echo .fi; } >>$@.new
	mv $@.new $@

# Built-in topologies and cases: the files' bytes in a table of { name, text, length }.
define table
	@mkdir -p $(@D)
	@harness/embed.sh $(1) > $@.new && mv $@.new $@
endef
$(BUILD)/builtin_topologies.c: $(TOPOLOGIES) harness/embed.sh
	$(call table,vfiosim/topology.h vfiosim_builtin vfiosim_topology_builtin $(TOPOLOGIES))
$(BUILD)/builtin_cases.c: $(CASES) $(sort $(dir $(CASES))) harness/embed.sh Makefile
	$(call table,-f case/builtin.h case_builtin case_builtin $(CASES))

-include $(patsubst %.c,$(BUILD)/%.d,$(LIB_SRC) $(MAIN_SRC) $(TEST_SRC) $(BENCH_SRC) $(FUZZ_SRC) harness/main.c)

.PHONY: help demo check check-clients sweep-clients facts check-linux linux bench fuzz torture lint install uninstall dist deb clean all libs pages everything
.DEFAULT_GOAL := all
.SECONDARY:
