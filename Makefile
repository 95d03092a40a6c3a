# vfiosim. `make` builds build/vfiosim; `make check` tests; `make demo` tells the story.
# Variants: SAN=address,undefined  SAN=thread  CC=clang  COV=1  DEVELOPER=1 (-Werror)
# Each variant has a folder of its own below build/, so they do not disturb each other.

VERSION := 0.1.0
BUILD   := build$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))$(if $(filter clang%,$(CC)),/$(CC))$(if $(COV),/cov)
comma   := ,

PACKAGES := fuse3 yaml-0.1 libseccomp
PKG_CFLAGS = $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
PKG_LIBS   = $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)

CFLAGS   ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	    -Wpointer-arith -Wwrite-strings -Wundef -Wvla -Wformat=2 -Wcast-qual -Wno-unused-parameter \
	    -Wno-missing-field-initializers $(if $(DEVELOPER),-Werror)
ALL_CPPFLAGS = -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DFUSE_USE_VERSION=314 -DVFIOSIM_VERSION='"$(VERSION)"' \
	    -Iinclude -Isim -Iharness $(PKG_CFLAGS) $(CPPFLAGS)
ALL_CFLAGS = -std=gnu2x -pthread $(WARNINGS) $(CFLAGS) \
	    $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all) \
	    $(if $(COV),--coverage)
ALL_LDFLAGS = -pthread $(if $(SAN),-fsanitize=$(SAN)) $(if $(COV),--coverage) $(LDFLAGS)

LIB_SRC  := $(filter-out %_test.c %_bench.c,$(wildcard sim/*/*.c))
MAIN_SRC := $(filter-out %_test.c %_bench.c,$(wildcard harness/*.c harness/*/*.c))
TEST_SRC := $(wildcard sim/*/*_test.c harness/*_test.c harness/*/*_test.c)
LIB_OBJ  := $(LIB_SRC:%.c=$(BUILD)/%.o)
MAIN_OBJ := $(filter-out $(BUILD)/harness/main.o,$(MAIN_SRC:%.c=$(BUILD)/%.o))
TESTS    := $(TEST_SRC:%.c=$(BUILD)/%)
TOPOLOGIES := $(wildcard cases/topologies/*.yaml)

all: $(BUILD)/vfiosim

$(BUILD)/vfiosim: $(BUILD)/harness/main.o $(MAIN_OBJ) $(BUILD)/libvfiosim.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(BUILD)/libvfiosim.a: $(LIB_OBJ) $(BUILD)/builtin.o
	rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# The built-in topologies, as bytes in a C table.
$(BUILD)/builtin.c: $(TOPOLOGIES) Makefile
	@mkdir -p $(@D)
	@{ echo '#include <vfiosim/topology.h>'; \
	for f in $(TOPOLOGIES); do n=$$(basename $$f .yaml | tr - _); \
	  echo "static const char text_$$n[] = {"; od -An -v -tx1 $$f | sed 's/ \(..\)/0x\1,/g'; echo '0};'; done; \
	echo 'static const struct vfiosim_builtin rows[] = {'; \
	for f in $(TOPOLOGIES); do b=$$(basename $$f .yaml); n=$$(echo $$b | tr - _); \
	  echo "{ \"$$b\", text_$$n, sizeof(text_$$n) - 1 },"; done; \
	echo '}; const struct vfiosim_builtin *vfiosim_topology_builtin(size_t index)'; \
	echo '{ return index < sizeof(rows) / sizeof(rows[0]) ? &rows[index] : NULL; }'; } > $@

$(BUILD)/builtin.o: $(BUILD)/builtin.c
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

# A test links its own object with everything but main.
$(TESTS): $(BUILD)/%: $(BUILD)/%.o $(MAIN_OBJ) $(BUILD)/libvfiosim.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS) $(shell pkg-config --libs check 2>/dev/null)

clean:
	rm -rf build

-include $(LIB_OBJ:.o=.d) $(MAIN_OBJ:.o=.d) $(TESTS:=.d) $(BUILD)/harness/main.d

.PHONY: all clean
