/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/lasting.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "ipfw/limits.h"
#include "maps/create.h"

const char *const lasting_names[LASTING_MAPS] = {
	[LASTING_CONTROL] = "control",
	[LASTING_COUNTERS] = "counters_0",
	[LASTING_COUNTERS + 1] = "counters_1",
	[LASTING_COUNTERS + 2] = "counters_2",
	[LASTING_COUNTER_ZEROS] = "counter_zeros_0",
	[LASTING_COUNTER_ZEROS + 1] = "counter_zeros_1",
	[LASTING_COUNTER_ZEROS + 2] = "counter_zeros_2",
	[LASTING_DROPS] = "drops",
	[LASTING_HOOKS] = "hooks",
	[LASTING_VLANS] = "vlans",
	[LASTING_TRACE] = "trace",
	[LASTING_FAST_FORWARD] = "fast_forward",
	[LASTING_LOG_RECORDS] = "log_records",
	[LASTING_LOG_COUNTS] = "log_counts",
	[LASTING_LOG_LOSSES] = "log_losses",
	[LASTING_STATES4] = "states4",
	[LASTING_STATES6] = "states6",
	[LASTING_STATE_PARENTS] = "state_parents",
	[LASTING_STATE_RING_PARENTS] = "state_ring_parents",
	[LASTING_STATE_TOTALS] = "state_totals",
	[LASTING_STATE_SWEEP] = "state_sweep",
	[LASTING_STATE_OWNERS] = "state_owners",
	[LASTING_TABLES] = "tables",
	[LASTING_TABLE_SLOTS] = "table_slots",
	[LASTING_TABLE_ADDRESS4] = "table_address4",
	[LASTING_TABLE_ADDRESS6] = "table_address6",
	[LASTING_TABLE_INTERFACE] = "table_interface",
	[LASTING_TABLE_NUMBER] = "table_number",
	[LASTING_TABLE_FLOW] = "table_flow",
	[LASTING_TABLE_MAC] = "table_mac",
	[LASTING_TABLE_TIMED4] = "table_timed4",
	[LASTING_TABLE_TIMED6] = "table_timed6",
	[LASTING_TABLE_COUNTERS] = "table_counters",
	[LASTING_TABLE_COUNTS] = "table_counts",
	[LASTING_XDP_PROGRAMS] = "xdp_programs",
	[LASTING_TC_PROGRAMS] = "tc_programs",
};

static void lasting_clear(struct lasting *lasting)
{
	memset(lasting, 0, sizeof(*lasting));
	for (int i = 0; i < LASTING_MAPS; i++)
		lasting->fds[i] = -1;
}

void lasting_close(struct lasting *lasting)
{
	if (lasting->control)
		munmap(lasting->control, sizeof(*lasting->control));
	for (int i = 0; i < LASTING_MAPS; i++)
		if (lasting->fds[i] >= 0)
			close(lasting->fds[i]);
	lasting_clear(lasting);
}

static int map_control(struct lasting *lasting, bool write)
{
	void *memory = mmap(NULL, sizeof(struct control), write ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED,
			    lasting->fds[LASTING_CONTROL], 0);

	if (memory == MAP_FAILED)
		return -errno;
	lasting->control = memory;
	return 0;
}

static int open_maps(struct lasting *lasting, const struct pins *pins, bool write)
{
	char path[PINS_PATH_MAX];
	int result;

	for (int i = 0; i < LASTING_MAPS; i++) {
		pins_path(path, pins, lasting_names[i]);
		result = pins_get(path);
		if (result < 0)
			return i == LASTING_CONTROL && result == -ENOENT ? 0 : result;
		lasting->fds[i] = result;
		if (i == LASTING_CONTROL) {
			result = map_control(lasting, write);
			if (result)
				return result;
			lasting->alien = lasting->control->version != MAPS_LAYOUT_VERSION;
			if (lasting->alien)
				return 0;
		}
	}
	return 0;
}

int lasting_open(struct lasting *lasting, const struct pins *pins, bool write, struct error *error)
{
	int result;

	lasting_clear(lasting);
	if (pins->lock < 0)
		return 0;
	result = open_maps(lasting, pins, write);
	if (!result)
		return 0;
	lasting_close(lasting);
	return error_set(error, EX_OSERR, -1, "cannot open the firewall's maps in %s: %s", pins_shown(pins->directory),
			 strerror(-result));
}

int lasting_alien(const struct lasting *lasting, struct error *error)
{
	error_set(error, EX_UNAVAILABLE, -1,
		  "the firewall was loaded by another version of this tool (maps of layout %u, not %u)",
		  lasting->control->version, MAPS_LAYOUT_VERSION);
	return error_advise(error, "it goes on filtering; `ipfw-bpf down` removes it");
}

void lasting_switch(struct lasting *lasting, __u32 generation, bool enabled)
{
	_Static_assert(offsetof(struct control, generation) == 0 && offsetof(struct control, enabled) == 4,
		       "both words must share one aligned store");
	struct {
		__u32 generation, enabled;
	} words = {generation, enabled};
	__u64 both;

	memcpy(&both, &words, sizeof(both));
	__atomic_store_n((__u64 *)(void *)lasting->control, both, __ATOMIC_SEQ_CST);
}

/* How fast jiffies pass. The coarse clocks advance once per jiffy. */
static __u32 jiffies_per_second(void)
{
	struct timespec tick;

	return clock_getres(CLOCK_MONOTONIC_COARSE, &tick) || !tick.tv_nsec ? 1000 : (__u32)(1000000000 / tick.tv_nsec);
}

/* First values of the control words. `enabled` stays 0 until the first ruleset is committed. */
static int write_control(const struct lasting *lasting, const struct variables *variables)
{
	struct control control = {
		.version = MAPS_LAYOUT_VERSION,
		.start_switches = variables_switches(variables),
		.next_slot = COUNTER_SLOT_DEFAULT + 1,
		.namespace_inode = pins_namespace_inode(),
		.jiffies_per_second = jiffies_per_second(),
	};
	__u32 zero = 0;

	variables_store(variables, &control);
	do {
		if (getrandom(&control.reply_mark, sizeof(control.reply_mark), 0) < 0 ||
		    getrandom(control.reply_mac, sizeof(control.reply_mac), 0) < 0)
			return -errno;
		/* A mark that has only the bits of ipfw/carry.h must not be taken for it. */
	} while (!(control.reply_mark & 0xffff));
	control.reply_mac[0] = (control.reply_mac[0] & 0xfc) | 0x02; /* locally administered, unicast */
	return bpf_map_update_elem(lasting->fds[LASTING_CONTROL], &zero, &control, BPF_ANY) ? -errno : 0;
}

/* Pins all of them; `control` last, since its presence says that the others are there. */
static int pin_maps(const struct lasting *lasting, const struct pins *pins)
{
	char path[PINS_PATH_MAX];

	for (int i = LASTING_MAPS - 1; i >= 0; i--) {
		pins_path(path, pins, lasting_names[i]);
		if (bpf_obj_pin(lasting->fds[i], path))
			return -errno;
	}
	return 0;
}

/* Program arrays take no type information, and no object but the entry programs' declares them. */
static int create_arrays(struct lasting *lasting)
{
	static const struct {
		enum lasting_map map;
		__u32 slots;
	} arrays[] = {{LASTING_XDP_PROGRAMS, XDP_SLOTS}, {LASTING_TC_PROGRAMS, TC_SLOTS}};

	for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++) {
		int fd = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, lasting_names[arrays[i].map], sizeof(__u32),
					sizeof(__u32), arrays[i].slots, NULL);

		if (fd < 0)
			return -errno;
		lasting->fds[arrays[i].map] = fd;
	}
	return 0;
}

static int create_maps(struct lasting *lasting, const char *object_path)
{
	struct map_order orders[LASTING_TYPED_MAPS] = {0};
	int result;

	for (int i = 0; i < LASTING_TYPED_MAPS; i++)
		orders[i].name = lasting_names[i];
	for (int bank = 1; bank < COUNTER_BANKS; bank++)
		orders[LASTING_COUNTERS + bank].entries = orders[LASTING_COUNTER_ZEROS + bank].entries = 1;
	orders[LASTING_LOG_COUNTS].entries = 1;
	orders[LASTING_STATE_OWNERS].entries = 1;
	result = maps_create(object_path, orders, LASTING_TYPED_MAPS);
	for (int i = 0; i < LASTING_TYPED_MAPS; i++)
		lasting->fds[i] = orders[i].fd;
	return result ? result : create_arrays(lasting);
}

void lasting_unpin(const struct pins *pins)
{
	static const char *const programs[] = {SWEEP_PROGRAM, KILL_PROGRAM, RESTORE_PROGRAM};
	char path[PINS_PATH_MAX];

	for (int i = 0; i < LASTING_MAPS; i++) {
		pins_path(path, pins, lasting_names[i]);
		unlink(path);
	}
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
		pins_path(path, pins, programs[i]);
		unlink(path);
	}
}

int lasting_make(struct lasting *lasting, const struct pins *pins, const char *object_path,
		 const struct variables *variables, struct error *error)
{
	int result;

	lasting_clear(lasting);
	lasting_unpin(pins);
	result = create_maps(lasting, object_path);
	if (!result)
		result = write_control(lasting, variables);
	if (!result)
		result = map_control(lasting, true);
	if (!result)
		result = pin_maps(lasting, pins);
	if (!result)
		return 0;
	lasting_unpin(pins);
	lasting_close(lasting);
	error_set(error, result == -EPERM ? EX_NOPERM : EX_UNAVAILABLE, -1, "cannot make the firewall's maps: %s",
		  strerror(-result));
	return error_advise(error, "declared in %s, pinned in %s", object_path, pins_shown(pins->directory));
}

__u32 lasting_entries(const struct lasting *lasting, enum lasting_map map)
{
	struct bpf_map_info info = {0};
	__u32 length = sizeof(info);

	return bpf_obj_get_info_by_fd(lasting->fds[map], &info, &length) ? 0 : info.max_entries;
}

int lasting_grow(struct lasting *lasting, const struct pins *pins, const char *object_path, enum lasting_map map,
		 __u32 entries)
{
	struct map_order order = {.name = lasting_names[map], .entries = entries};
	int *fd = &lasting->fds[map], result;
	char path[PINS_PATH_MAX];

	pins_path(path, pins, order.name);
	result = maps_create(object_path, &order, 1);
	if (result)
		return result;
	result = pins_replace(path, order.fd);
	if (result) {
		close(order.fd);
		return result;
	}
	close(*fd);
	*fd = order.fd;
	return 0;
}

__u64 lasting_namespace_inode(const char *directory)
{
	char path[PINS_PATH_MAX];
	struct control *control;
	__u64 inode = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, lasting_names[LASTING_CONTROL]);
	fd = pins_get(path);
	if (fd < 0)
		return 0;
	control = mmap(NULL, sizeof(*control), PROT_READ, MAP_SHARED, fd, 0);
	if (control != MAP_FAILED) {
		inode = control->version == MAPS_LAYOUT_VERSION ? control->namespace_inode : 0;
		munmap(control, sizeof(*control));
	}
	close(fd);
	return inode;
}
