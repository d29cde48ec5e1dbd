/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/table_counters.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define CAPACITY_MIN 65536 /* each takes 16 bytes, and 128 more once its entry is found */

_Static_assert(sizeof(struct table_counter_key) == sizeof(struct table_key), "they are the same but for interfaces");

int table_counters_open(const struct lasting *lasting, unsigned int type, __u32 slot)
{
	__u32 index = TABLE_COUNTERS_SLOT(type, slot), id;
	int fd;

	if (bpf_map_lookup_elem(lasting->fds[LASTING_TABLE_COUNTERS], &index, &id))
		return -errno;
	fd = bpf_map_get_fd_by_id(id);
	return fd < 0 ? -errno : fd;
}

static int put(const struct lasting *lasting, unsigned int type, __u32 slot, int fd)
{
	__u32 index = TABLE_COUNTERS_SLOT(type, slot);

	return bpf_map_update_elem(lasting->fds[LASTING_TABLE_COUNTERS], &index, &fd, BPF_ANY) ? -errno : 0;
}

int table_counters_share(const struct lasting *lasting, unsigned int type, __u32 from, __u32 to)
{
	int fd = table_counters_open(lasting, type, from), result;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	result = put(lasting, type, to, fd);
	close(fd);
	return result;
}

int table_counters_drop(const struct lasting *lasting, unsigned int type, __u32 slot)
{
	__u32 index = TABLE_COUNTERS_SLOT(type, slot);

	return bpf_map_delete_elem(lasting->fds[LASTING_TABLE_COUNTERS], &index) && errno != ENOENT ? -errno : 0;
}

/* How many entries there may be that are found. */
static __u32 wanted(const struct table *table)
{
	return table->info.items[0] + table->info.items[1] + table->info.expiring;
}

static int make(__u32 entries)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_NO_PREALLOC);
	__u32 capacity = entries * 2 < CAPACITY_MIN ? CAPACITY_MIN : entries * 2;
	int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "table_counters", sizeof(struct table_counter_key),
				sizeof(struct rule_counter), capacity, &options);

	return fd < 0 ? -errno : fd;
}

/* Whether the map has no room for so many entries. */
static bool small(int fd, __u32 entries)
{
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &size) && info.max_entries < entries;
}

/* Puts another map into the slot, with what `old' holds (-1: nothing). What is counted meanwhile is lost. */
static int start(const struct lasting *lasting, const struct table *table, int old)
{
	struct table_counter_key key, next, *from = NULL;
	struct rule_counter counter;
	int fd = make(wanted(table)), result = fd < 0 ? fd : 0;

	while (!result && old >= 0 && !bpf_map_get_next_key(old, from, &next)) {
		key = next;
		from = &key;
		if (!bpf_map_lookup_elem(old, &key, &counter) && bpf_map_update_elem(fd, &key, &counter, BPF_ANY))
			result = -errno;
	}
	if (!result)
		result = put(lasting, table->info.type, table->slot, fd);
	if (fd >= 0)
		close(fd);
	return result;
}

/* The key that programs count the entry by. */
static void make_key(struct table_counter_key *made, const struct table *table, const struct table_key *key,
		     __u32 interface)
{
	memcpy(made, key, sizeof(*made));
	if (table->info.type != TABLE_INTERFACE)
		return;
	memset(made->word, 0, sizeof(made->word));
	made->word[0] = interface;
}

int table_counters_read(int fd, const struct table *table, const struct table_key *key, __u32 interface,
			struct rule_counter *counter)
{
	struct table_counter_key made;

	memset(counter, 0, sizeof(*counter));
	make_key(&made, table, key, interface);
	return bpf_map_lookup_elem(fd, &made, counter) && errno != ENOENT ? -errno : 0;
}

void table_counters_remove(int fd, const struct table *table, const struct table_key *key, __u32 interface)
{
	struct table_counter_key made;

	make_key(&made, table, key, interface);
	bpf_map_delete_elem(fd, &made);
}

/* The index of the interface that an entry of type iface means, 0: there is none, or another type. */
static __u32 interface_of(const struct table *table, const struct table_key *key, const struct table_present *present,
			  size_t present_count)
{
	for (size_t i = 0; table->info.type == TABLE_INTERFACE && i < present_count; i++)
		if (!strncmp(present[i].name, key->u.name, sizeof(key->u.name)))
			return present[i].index;
	return 0;
}

static void reset(int fd, const struct table *table, const struct table_present *present, size_t present_count)
{
	for (size_t i = 0; i < table->reset.count; i++) {
		const struct table_key *key = &table->reset.edits[i].key;

		table_counters_remove(fd, table, key, interface_of(table, key, present, present_count));
	}
}

int table_counters_settle(const struct lasting *lasting, const struct table *table, const struct table_present *present,
			  size_t present_count)
{
	unsigned int type = table->info.type;
	bool counted = table->info.flags & TABLE_COUNTED;
	int fd = table_counters_open(lasting, type, table->slot), result = 0;

	if (fd < 0 && fd != -ENOENT)
		return fd;
	if (counted && fd >= 0 && !table->reset_all)
		reset(fd, table, present, present_count);
	if (counted && (fd < 0 || table->reset_all))
		result = start(lasting, table, -1);
	else if (counted && small(fd, wanted(table)))
		result = start(lasting, table, fd);
	else if (!counted && fd >= 0)
		table_counters_drop(lasting, type, table->slot);
	if (fd >= 0)
		close(fd);
	return result;
}
