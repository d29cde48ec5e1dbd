# SPDX-License-Identifier: GPL-2.0-only
# make deps | make | make check | make differential | make fuzz | make demo | make bench | make install | make uninstall
VERSION := 0.1.0
BUILD ?= build
PREFIX ?= /usr
SBINDIR ?= $(PREFIX)/sbin
LIBDIR ?= $(PREFIX)/lib/ipfw-bpf
MANDIR ?= $(PREFIX)/share/man
UNITDIR ?= $(PREFIX)/lib/systemd/system
CC = gcc
CLANG ?= clang-19
LLVM_STRIP ?= llvm-strip-19
PYTHON = /usr/bin/python3

CPPFLAGS += -I. -Iinclude -D_GNU_SOURCE -DIPFW_VERSION='"$(VERSION)"'
CFLAGS ?= -O2 -g
CFLAGS += -std=gnu11 -Wall -Wextra -Wno-unused-parameter -Wmissing-prototypes -Wstrict-prototypes -pthread
# Short commands would spend a quarter of a millisecond in the dynamic linker on these, and their functions call each other
# directly. libc stays shared, as it loads the name services; of libmnl Debian has no archive.
LDLIBS += -Wl,-Bstatic $(shell pkg-config --static --libs-only-l libxdp libbpf libelf) -Wl,-Bdynamic -lmnl
ifdef SANITIZE
CFLAGS += -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined
LDFLAGS += -fsanitize=address,undefined
endif
BPF_CFLAGS = -target bpf -mcpu=v3 -O2 -g -std=gnu11 -Wall -Wextra -Wno-unused-parameter -D__bpf__ \
	     -I. -Iinclude -I/usr/include/$(shell uname -m)-linux-gnu

COMPAT_SRC := $(wildcard ipfw-compat/*.c)
LOADER_SRC := $(wildcard loader/*.c loader/compile/*.c)
MAPS_SRC := $(wildcard maps/*.c)
BPF_SRC := $(wildcard bpf/*.bpf.c)
UNIT_SRC := $(wildcard selftests/unit/test_*.c)
# Everything but main() in one archive, so that unit tests and fuzzers link the same objects.
LIB_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(filter-out ipfw-compat/main.c,$(COMPAT_SRC)) $(LOADER_SRC) $(MAPS_SRC))
BPF_OBJ := $(patsubst bpf/%.bpf.c,$(BUILD)/bpf/%.bpf.o,$(BPF_SRC))
MODEL_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard selftests/model/*.c))
UNIT := $(patsubst selftests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SRC))
UNIT_BPF := $(patsubst selftests/unit/%.bpf.c,$(BUILD)/unit/%.bpf.o,$(wildcard selftests/unit/*.bpf.c))
BENCH_BPF := $(patsubst selftests/bench/%.bpf.c,$(BUILD)/bench/%.bpf.o,$(wildcard selftests/bench/*.bpf.c))
TOOLS := $(patsubst selftests/%.c,$(BUILD)/%,$(filter-out %.bpf.c,$(wildcard selftests/bench/*.c)))
# Compiled once more by clang, for libFuzzer.
FUZZ_OBJ := $(patsubst $(BUILD)/%,$(BUILD)/fuzz/%,$(LIB_OBJ) $(MODEL_OBJ))
FUZZERS := $(patsubst selftests/fuzz/%.c,$(BUILD)/%,$(wildcard selftests/fuzz/*.c))
FAULT := $(patsubst selftests/fault/%.c,$(BUILD)/fault/%.so,$(wildcard selftests/fault/*.c))

all: $(BUILD)/ipfw-bpf $(BUILD)/ipfw-bpfd $(BPF_OBJ)

$(BUILD)/ipfw-bpf: $(BUILD)/ipfw-compat/main.o $(BUILD)/libipfw.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/ipfw-bpfd: $(BUILD)/daemon/main.o $(BUILD)/libipfw.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/libipfw.a: $(LIB_OBJ)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# Where the tool looks for its objects once it is installed: only this one is compiled anew for another directory.
$(BUILD)/loader/programs.o: CPPFLAGS += -DIPFW_LIBDIR='"$(LIBDIR)"'
$(BUILD)/loader/programs.o: $(BUILD)/libdir
ifneq ($(file <$(BUILD)/libdir),$(LIBDIR))
$(BUILD)/libdir: FORCE
endif
$(BUILD)/libdir:
	@mkdir -p $(@D)
	@echo '$(LIBDIR)' > $@

$(BUILD)/bpf/thin_lines: $(BUILD)/bpf/thin_lines.o
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lelf

# LINES=1 keeps the lines of source, for who wants to know where in its own code the verifier refuses a program.
$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c $(BUILD)/bpf/thin_lines
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<
	$(LLVM_STRIP) -g -R .rel.BTF.ext $@
ifndef LINES
	$(BUILD)/bpf/thin_lines $@
endif

$(BUILD)/unit/%.bpf.o: selftests/unit/%.bpf.c
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<
	$(LLVM_STRIP) -g $@

$(BUILD)/bench/%.bpf.o: selftests/bench/%.bpf.c
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<
	$(LLVM_STRIP) -g $@

$(BUILD)/libmodel.a: $(MODEL_OBJ)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/unit/test_%: $(BUILD)/selftests/unit/test_%.o $(BUILD)/libmodel.a $(BUILD)/libipfw.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka $(LDLIBS)

$(TOOLS): $(BUILD)/%: $(BUILD)/selftests/%.o $(BUILD)/libipfw.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# The tool once more, as a function.
$(BUILD)/vectors/tool.o: $(BUILD)/ipfw-compat/main.o
	@mkdir -p $(@D)
	objcopy --redefine-sym main=tool_main $< $@

$(BUILD)/ipfw-serve: $(BUILD)/selftests/vectors/serve.o $(BUILD)/vectors/tool.o $(BUILD)/libipfw.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/fault/%.so: selftests/fault/%.c selftests/fault/interpose.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -shared -fPIC -o $@ $< -ldl

FUZZ_CFLAGS = -O1 -g -std=gnu11 -pthread -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined

$(BUILD)/fuzz/loader/programs.o: CPPFLAGS += -DIPFW_LIBDIR='"$(LIBDIR)"'
$(BUILD)/fuzz/%.o: %.c
	@mkdir -p $(@D)
	$(CLANG) $(CPPFLAGS) $(FUZZ_CFLAGS) -MMD -MP -c -o $@ $<

$(FUZZERS): $(BUILD)/%: $(BUILD)/fuzz/selftests/fuzz/%.o $(FUZZ_OBJ)
	$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)

fuzzers: $(FUZZERS) $(BPF_OBJ)

tests: all $(UNIT) $(UNIT_BPF) $(BENCH_BPF) $(TOOLS) $(BUILD)/ipfw-serve $(FAULT)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

# Programs that drive ipfw, for tests. Their services must not run, as they would filter the machine: see `deps'.
CLIENT_PACKAGES := fail2ban sshguard
# Debian 12 packages: to build and run; to test; for the virtual machine of the tests.
BUILD_PACKAGES := gcc libc6-dev clang-19 llvm-19 pkg-config linux-libc-dev libbpf-dev libxdp-dev libxdp1 libelf-dev \
		  libmnl-dev zlib1g-dev
DEMO_PACKAGES := python3 iproute2 iputils-ping util-linux procps
TEST_PACKAGES := libclang-rt-19-dev libcmocka-dev python3-scapy bpftool tcpdump xz-utils clang-format-14 cppcheck shellcheck mandoc m4 cpp \
		 ethtool git xdp-tools cpio kmod zstd busybox-static qemu-system-x86 ipxe-qemu seabios systemd netbase \
		 $(CLIENT_PACKAGES)
# To compare with, and to draw.
BENCH_PACKAGES := nftables iptables ipset gnuplot-nox

# Installs what is missing of $(1); nothing is asked of the network when all is there.
define install_packages
@missing=$$(for package in $(1); do dpkg-query -W -f '$${Status}\n' $$package 2>/dev/null | grep -q 'ok installed' || \
	echo $$package; done); \
if [ -n "$$missing" ]; then apt-get update -qq && \
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; fi
endef

# Masks the service of each of $(1) that is not installed yet.
define mask_services
@mkdir -p /etc/systemd/system; for package in $(1); do unit=/etc/systemd/system/$$package.service; \
	dpkg-query -W -f '$${Status}\n' $$package 2>/dev/null | grep -q 'ok installed' || [ -e $$unit ] || \
	ln -sf /dev/null $$unit; done
endef

deps:
	$(call mask_services,$(CLIENT_PACKAGES))
	$(call install_packages,$(BUILD_PACKAGES) $(DEMO_PACKAGES) $(TEST_PACKAGES))

deps-bench: deps
	$(call install_packages,$(BENCH_PACKAGES))

deps-demo:
	$(call install_packages,$(BUILD_PACKAGES) $(DEMO_PACKAGES))

demo: deps-demo
	@$(MAKE) --no-print-directory -j$$(nproc) -s all
	@selftests/demo

# Two makes: the second one sees what the packages brought.
check: deps
	@$(MAKE) --no-print-directory -j$$(nproc) -s tests fuzzers
	@selftests/check

# The fuzzers for a night; what `make check` does with them takes seconds.
fuzz: deps
	@$(MAKE) --no-print-directory -j$$(nproc) -s fuzzers
	@selftests/fuzz/run --nightly

# A million packets through random rulesets, looked up and as code; `make check` sends some thousands.
differential: deps
	@$(MAKE) --no-print-directory -j$$(nproc) -s tests
	@selftests/differential

bench: deps-bench
	@$(MAKE) --no-print-directory -j$$(nproc) -s tests
	@selftests/bench/run

bench-quick: deps-bench
	@$(MAKE) --no-print-directory -j$$(nproc) -s tests
	@selftests/bench/run --quick

UNITS := ipfw-bpf.service ipfw-bpfd.service

# COMPAT=1 also installs the name `ipfw`, in the system's and in the manual's directories.
install: all
	install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(LIBDIR) $(DESTDIR)$(MANDIR)/man8 $(DESTDIR)$(UNITDIR)
	install -m 755 $(BUILD)/ipfw-bpf $(BUILD)/ipfw-bpfd $(DESTDIR)$(SBINDIR)/
	install -m 644 $(BPF_OBJ) $(DESTDIR)$(LIBDIR)/
	install -m 644 docs/ipfw-bpf.8 docs/ipfw-bpfd.8 $(DESTDIR)$(MANDIR)/man8/
	for unit in $(UNITS); do \
		sed 's|@SBINDIR@|$(SBINDIR)|g' docs/systemd/$$unit.in > $(DESTDIR)$(UNITDIR)/$$unit && \
		chmod 644 $(DESTDIR)$(UNITDIR)/$$unit || exit 1; \
	done
ifdef COMPAT
	ln -sf ipfw-bpf $(DESTDIR)$(SBINDIR)/ipfw
	ln -sf ipfw-bpf.8 $(DESTDIR)$(MANDIR)/man8/ipfw.8
endif

# Takes back what install made; the name `ipfw` only where it is ours.
uninstall:
	rm -f $(addprefix $(DESTDIR)$(SBINDIR)/,ipfw-bpf ipfw-bpfd) $(addprefix $(DESTDIR)$(UNITDIR)/,$(UNITS)) \
	      $(addprefix $(DESTDIR)$(MANDIR)/man8/,ipfw-bpf.8 ipfw-bpfd.8)
	rm -rf $(DESTDIR)$(LIBDIR)
	[ "$$(readlink $(DESTDIR)$(SBINDIR)/ipfw)" != ipfw-bpf ] || rm -f $(DESTDIR)$(SBINDIR)/ipfw
	[ "$$(readlink $(DESTDIR)$(MANDIR)/man8/ipfw.8)" != ipfw-bpf.8 ] || rm -f $(DESTDIR)$(MANDIR)/man8/ipfw.8

clean:
	rm -rf build build-*

.PHONY: FORCE all tests fuzzers fuzz deps deps-bench deps-demo demo check differential bench bench-quick install uninstall clean
.DELETE_ON_ERROR:
.SECONDARY:
