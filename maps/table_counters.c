/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/table_counters.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "maps/table_contents.h"

#define CAPACITY_MIN 65536 /* each takes 16 bytes, and 128 more once its entry is found */
#define FAMILIES 2	   /* of addresses */

_Static_assert(sizeof(struct table_counter_key) == sizeof(struct table_key), "they are the same but for interfaces");

/* *hash is -1 if the slot has none. Returns 0 or -errno. */
static int open_hash(const struct lasting *lasting, unsigned int type, __u32 slot, int *hash)
{
	__u32 index = TABLE_COUNTERS_SLOT(type, slot), id;

	*hash = -1;
	if (bpf_map_lookup_elem(lasting->fds[LASTING_TABLE_COUNTERS], &index, &id))
		return errno == ENOENT ? 0 : -errno;
	*hash = bpf_map_get_fd_by_id(id);
	return *hash < 0 ? -errno : 0;
}

static void close_hash(int hash)
{
	if (hash >= 0)
		close(hash);
}

void table_counters_close(struct table_counters *counters)
{
	close_hash(counters->hash);
	for (int wide = 0; wide < FAMILIES; wide++)
		table_counts_close(counters->counts + wide);
	counters->hash = -1;
}

int table_counters_open(const struct lasting *lasting, const struct table *table, struct table_counters *counters)
{
	int result;

	*counters = (struct table_counters){-1, {{.fd = -1}, {.fd = -1}}};
	result = open_hash(lasting, table->info.type, table->slot, &counters->hash);
	for (int wide = 0; !result && wide < FAMILIES && table->info.type == TABLE_ADDRESS; wide++)
		result = table_counts_open(lasting, wide, table->slot, counters->counts + wide);
	if (result)
		table_counters_close(counters);
	return result;
}

static int put_hash(const struct lasting *lasting, unsigned int type, __u32 slot, int hash)
{
	__u32 index = TABLE_COUNTERS_SLOT(type, slot);

	return bpf_map_update_elem(lasting->fds[LASTING_TABLE_COUNTERS], &index, &hash, BPF_ANY) ? -errno : 0;
}

/* Has one slot counted in the hash of another one, if that has one. */
static int share_hash(const struct lasting *lasting, unsigned int type, __u32 from, __u32 to)
{
	int hash, result = open_hash(lasting, type, from, &hash);

	if (result || hash < 0)
		return result;
	result = put_hash(lasting, type, to, hash);
	close_hash(hash);
	return result;
}

/* The kernel is not asked to remove what is not there: it would wait for packets all the same. */
static int drop_hash(const struct lasting *lasting, unsigned int type, __u32 slot)
{
	__u32 index = TABLE_COUNTERS_SLOT(type, slot);
	int hash, result = open_hash(lasting, type, slot, &hash);

	if (result || hash < 0)
		return result;
	close_hash(hash);
	return bpf_map_delete_elem(lasting->fds[LASTING_TABLE_COUNTERS], &index) ? -errno : 0;
}

int table_counters_drop(const struct lasting *lasting, unsigned int type, __u32 slot)
{
	int result = drop_hash(lasting, type, slot), failed;

	for (int wide = 0; wide < FAMILIES && type == TABLE_ADDRESS; wide++) {
		failed = table_counts_drop(lasting, wide, slot);
		result = failed ? failed : result;
	}
	return result;
}

/* How many elements the hash may come to have. Entries that are new are to be set back. */
static __u32 wanted(const struct table *table)
{
	if (table->info.type == TABLE_ADDRESS)
		return table->info.expiring + (__u32)table->reset.count;
	return table->info.items[0] + table->info.items[1] + table->info.expiring;
}

static bool wants_hash(const struct table *table)
{
	return table->info.flags & TABLE_COUNTED &&
	       (table->info.type != TABLE_ADDRESS || table->info.flags & TABLE_TIMED);
}

static int make_hash(__u32 entries)
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

/* Puts another hash into the slot, with what `old' holds (-1: nothing). What is counted meanwhile is lost. */
static int start_hash(const struct lasting *lasting, const struct table *table, int old)
{
	struct table_counter_key key, next, *from = NULL;
	struct rule_counter counter;
	int fd = make_hash(wanted(table)), result = fd < 0 ? fd : 0;

	while (!result && old >= 0 && !bpf_map_get_next_key(old, from, &next)) {
		key = next;
		from = &key;
		if (!bpf_map_lookup_elem(old, &key, &counter) && bpf_map_update_elem(fd, &key, &counter, BPF_ANY))
			result = -errno;
	}
	if (!result)
		result = put_hash(lasting, table->info.type, table->slot, fd);
	close_hash(fd);
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

static const struct table_counts *counts_of(const struct table_counters *counters, const struct table_key *key)
{
	return counters->counts + (key->family == 6);
}

int table_counters_read(const struct lasting *lasting, const struct table_counters *counters, const struct table *table,
			const struct table_key *key, __u32 interface, struct rule_counter *counter)
{
	struct table_counter_key made;
	__u32 index;
	int result;

	memset(counter, 0, sizeof(*counter));
	make_key(&made, table, key, interface);
	if (counters->hash >= 0 && bpf_map_lookup_elem(counters->hash, &made, counter) && errno != ENOENT)
		return -errno;
	if (table->info.type != TABLE_ADDRESS)
		return 0;
	result = table_contents_index(lasting, table, key, &index);
	return result ? result : table_counts_read(counts_of(counters, key), index, counter);
}

void table_counters_remove(const struct table_counters *counters, const struct table *table,
			   const struct table_key *key, __u32 interface)
{
	struct table_counter_key made;

	make_key(&made, table, key, interface);
	if (counters->hash >= 0)
		bpf_map_delete_elem(counters->hash, &made);
}

int table_counters_carry(const struct lasting *lasting, const struct table *table, __u32 slot)
{
	__u32 from = table->stored && !table->reset_all ? table->slot : 0, size;
	int result = from && from != slot ? share_hash(lasting, table->info.type, from, slot) : 0;

	if (!(table->info.flags & TABLE_COUNTED) || table->info.type != TABLE_ADDRESS)
		return result;
	for (int wide = 0; !result && wide < FAMILIES; wide++) {
		result = table_contents_size(lasting, wide, slot, &size);
		if (!result && size)
			result = table_counts_provide(lasting, wide, from, slot, size);
	}
	return result;
}

/* Adds the counters of an entry that the trie has to those that the hash has, -errno if there is none. */
static int move_entry(const struct lasting *lasting, const struct table_counters *counters, const struct table *table,
		      const struct table_key *key)
{
	struct table_counter_key made;
	struct rule_counter counter;
	int result = table_counters_read(lasting, counters, table, key, 0, &counter);

	make_key(&made, table, key, 0);
	if (!result && counter.packets && bpf_map_update_elem(counters->hash, &made, &counter, BPF_ANY))
		result = -errno;
	return result;
}

int table_counters_move(const struct lasting *lasting, const struct table *table)
{
	struct table_counters counters;
	int result;

	if (table->info.type != TABLE_ADDRESS || !wants_hash(table) || !table->stored || table->reset_all)
		return 0;
	result = table_counters_open(lasting, table, &counters);
	if (!result && counters.hash < 0) {
		result = start_hash(lasting, table, -1);
		if (!result)
			result = open_hash(lasting, table->info.type, table->slot, &counters.hash);
	}
	for (size_t i = 0; !result && i < table->edits.count; i++) {
		const struct table_edit *edit = table->edits.edits + i;
		__u32 index = 0;

		if (edit->present && edit->entry.expires)
			result = table_contents_index(lasting, table, &edit->key, &index);
		if (!result && index)
			result = move_entry(lasting, &counters, table, &edit->key);
	}
	table_counters_close(&counters);
	return result;
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

/* Sets back the entries that table->reset names. */
static int reset(const struct lasting *lasting, const struct table_counters *counters, const struct table *table,
		 const struct table_present *present, size_t present_count)
{
	int result = 0;

	for (size_t i = 0; !result && i < table->reset.count; i++) {
		const struct table_key *key = &table->reset.edits[i].key;
		__u32 index = 0;

		table_counters_remove(counters, table, key, interface_of(table, key, present, present_count));
		if (table->info.type == TABLE_ADDRESS)
			result = table_contents_index(lasting, table, key, &index);
		table_counts_reset(counts_of(counters, key), index);
	}
	return result;
}

static int reset_all(const struct table_counters *counters)
{
	int result = 0;

	for (int wide = 0; !result && wide < FAMILIES; wide++)
		result = table_counts_reset_all(counters->counts + wide);
	return result;
}

/* Sets the hash up as it is to be. */
static int settle_hash(const struct lasting *lasting, const struct table *table, int hash)
{
	if (!wants_hash(table))
		return hash < 0 ? 0 : drop_hash(lasting, table->info.type, table->slot);
	if (hash < 0 || table->reset_all)
		return start_hash(lasting, table, -1);
	return small(hash, wanted(table)) ? start_hash(lasting, table, hash) : 0;
}

int table_counters_settle(const struct lasting *lasting, const struct table *table, const struct table_present *present,
			  size_t present_count)
{
	struct table_counters counters;
	int result;

	if (!(table->info.flags & TABLE_COUNTED))
		return table_counters_drop(lasting, table->info.type, table->slot);
	result = table_counters_open(lasting, table, &counters);
	if (result)
		return result;
	if (table->reset_all)
		result = reset_all(&counters);
	else
		result = reset(lasting, &counters, table, present, present_count);
	if (!result)
		result = settle_hash(lasting, table, counters.hash);
	table_counters_close(&counters);
	if (!result && table->stored)
		result = table_counters_carry(lasting, table, table->slot);
	return result;
}
