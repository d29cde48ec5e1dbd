/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/table_contents.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "maps/table_address.h"

#define HASH_CAPACITY_MIN 1024
#define TRIE_CAPACITY (1u << 24) /* a trie takes memory for its entries only */

const struct table_kind *table_kinds(unsigned int type)
{
	static const struct table_kind *const kinds[TABLE_TYPES] = {
		[TABLE_ADDRESS] = table_address_kinds, [TABLE_INTERFACE] = table_interface_kinds,
		[TABLE_NUMBER] = table_number_kinds,   [TABLE_FLOW] = table_flow_kinds,
		[TABLE_MAC] = table_mac_kinds,
	};

	return kinds[type];
}

int table_contents_open(const struct lasting *lasting, const struct table_kind *kind, __u32 slot)
{
	__u32 id;
	int fd;

	if (bpf_map_lookup_elem(lasting->fds[kind->outer], &slot, &id))
		return -errno;
	fd = bpf_map_get_fd_by_id(id);
	return fd < 0 ? -errno : fd;
}

void table_contents_drop(const struct lasting *lasting, unsigned int type, __u32 slot)
{
	const struct table_kind *kinds = table_kinds(type);

	for (int i = 0; i < TABLE_KINDS_MAX && kinds[i].outer; i++)
		bpf_map_delete_elem(lasting->fds[kinds[i].outer], &slot);
}

static int open_part(const struct lasting *lasting, const struct table_kind *kind, __u32 slot, struct table_part *part)
{
	int fd = table_contents_open(lasting, kind, slot), result;

	if (fd < 0 && !(fd == -ENOENT && table_kind_is_trie(kind)))
		return fd;
	if (fd >= 0 && table_kind_is_trie(kind)) {
		result = trie_open(&part->trie, fd);
		if (result)
			return result;
	}
	part->fd = fd < 0 ? -1 : fd;
	part->open = true;
	return 0;
}

/* The map of the table's slot of this kind, by number; it stays the table's. Returns 0 or -errno. */
static int find_part(const struct lasting *lasting, const struct table *table, unsigned int number,
		     struct table_part **part)
{
	*part = table->view->parts + number;
	if ((*part)->open)
		return 0;
	return open_part(lasting, table_kinds(table->info.type) + number, table->slot, *part);
}

void table_contents_close(struct table *table)
{
	const struct table_kind *kinds = table_kinds(table->info.type);

	for (int i = 0; i < TABLE_KINDS_MAX; i++) {
		struct table_part *part = table->view->parts + i;

		if (part->open && part->fd >= 0) {
			if (table_kind_is_trie(kinds + i))
				trie_close(&part->trie);
			else
				close(part->fd);
		}
		*part = (struct table_part){0};
	}
}

int table_contents_find(const struct lasting *lasting, const struct table *table, const struct table_key *key,
			struct table_record *record)
{
	unsigned int number = table_kind_of(table->info.type, key);
	const struct table_kind *kind = table_kinds(table->info.type) + number;
	__u8 raw[TABLE_MAP_KEY_MAX] = {0};
	struct table_part *part;
	int result = find_part(lasting, table, number, &part);

	if (result)
		return result;
	if (part->fd < 0)
		return -ENOENT;
	if (table_kind_is_trie(kind))
		return table_address_find(&part->trie, key, record);
	kind->encode(raw, key);
	if (bpf_map_lookup_elem(part->fd, raw, record))
		return -errno;
	return kind->prefixes && record->number[0] != key->bits ? -ENOENT : 0;
}

static int each_in_map(const struct table_kind *kind, int fd,
		       int (*each)(void *argument, const struct table_key *key, const struct table_record *record),
		       void *argument)
{
	__u8 raw[TABLE_MAP_KEY_MAX], next[TABLE_MAP_KEY_MAX];
	struct table_record record;
	struct table_key key;
	void *from = NULL;
	int result = 0;

	while (!bpf_map_get_next_key(fd, from, next)) {
		memcpy(raw, next, kind->key_size);
		from = raw;
		if (!kind->decode(&key, raw))
			continue;
		result = bpf_map_lookup_elem(fd, raw, &record) ? -errno : each(argument, &key, &record);
		if (result)
			return result;
	}
	return errno == ENOENT ? 0 : -errno;
}

int table_contents_each(const struct lasting *lasting, const struct table *table,
			int (*each)(void *argument, const struct table_key *key, const struct table_record *record),
			void *argument)
{
	const struct table_kind *kinds = table_kinds(table->info.type);
	int result = 0;

	for (unsigned int i = 0; !result && i < TABLE_KINDS_MAX && kinds[i].outer; i++) {
		struct table_part *part;

		result = find_part(lasting, table, i, &part);
		if (result || part->fd < 0)
			continue;
		result = table_kind_is_trie(kinds + i) ? table_address_each(&part->trie, each, argument)
						       : each_in_map(kinds + i, part->fd, each, argument);
	}
	return result;
}

static int write_entry(const struct table_kind *kind, int fd, const struct table_key *key,
		       const struct table_record *record)
{
	__u8 raw[TABLE_MAP_KEY_MAX] = {0};

	if (!kind->encode(raw, key))
		return 0;
	if (record)
		return bpf_map_update_elem(fd, raw, record, BPF_ANY) ? -errno : 0;
	return bpf_map_delete_elem(fd, raw) && errno != ENOENT ? -errno : 0;
}

static int write_edits(const struct table_kind *kind, int fd, const struct table *table)
{
	int result = 0;

	for (size_t i = 0; !result && i < table->edits.count; i++) {
		const struct table_edit *edit = table->edits.edits + i;

		if (edit->present || table->stored)
			result = write_entry(kind, fd, &edit->key, edit->present ? &edit->record : NULL);
	}
	return result;
}

int table_contents_refresh(int fd, const struct table_present *present, size_t present_count)
{
	struct table_interface key, next, *from = NULL;
	struct table_record record;
	int result = 0;

	/* The kernel starts over if the key it is to go on from has vanished: remove the last one only. */
	while (!bpf_map_get_next_key(fd, from, &next)) {
		if (from && from->index)
			bpf_map_delete_elem(fd, from);
		key = next;
		from = &key;
	}
	if (errno != ENOENT)
		return -errno;
	if (from && from->index)
		bpf_map_delete_elem(fd, from);
	for (size_t i = 0; !result && i < present_count; i++) {
		struct table_interface named = {0}, indexed = {.index = present[i].index};

		strncpy(named.name, present[i].name, sizeof(named.name) - 1);
		if (!bpf_map_lookup_elem(fd, &named, &record))
			result = bpf_map_update_elem(fd, &indexed, &record, BPF_ANY) ? -errno : 0;
	}
	return result;
}

/* Whether some edit is of this kind of map. */
static bool concerned(const struct table *table, unsigned int number)
{
	for (size_t i = 0; i < table->edits.count; i++)
		if (table_kind_of(table->info.type, &table->edits.edits[i].key) == number)
			return true;
	return false;
}

int table_contents_edit(const struct lasting *lasting, const struct table *table, const struct table_present *present,
			size_t present_count)
{
	const struct table_kind *kinds = table_kinds(table->info.type);
	int result = 0;

	for (unsigned int i = 0; !result && i < TABLE_KINDS_MAX && kinds[i].outer; i++) {
		struct table_part *part;

		if (!concerned(table, i))
			continue;
		result = find_part(lasting, table, i, &part);
		if (result)
			return result;
		if (part->fd < 0)
			return -ENOSPC;
		if (table_kind_is_trie(kinds + i)) {
			result = table_address_edit(&part->trie, &table->edits);
			continue;
		}
		result = write_edits(kinds + i, part->fd, table);
		if (!result && table->info.type == TABLE_INTERFACE)
			result = table_contents_refresh(part->fd, present, present_count);
	}
	return result;
}

/* What is copied from one map to another. */
struct copy {
	const struct table_kind *kind;
	const struct table *table;
	int fd;
};

static int copy_entry(void *argument, const struct table_key *key, const struct table_record *record)
{
	const struct copy *copy = argument;

	return table_edits_find(&copy->table->edits, key) ? 0 : write_entry(copy->kind, copy->fd, key, record);
}

/* A map for so many entries of this kind. Twice as many fit, so that not each new one needs a new map. */
static int make_map(const struct table_kind *kind, __u32 entries)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_NO_PREALLOC);
	__u32 capacity = TRIE_CAPACITY;

	if (!kind->prefixes)
		capacity = entries * 2 < HASH_CAPACITY_MIN ? HASH_CAPACITY_MIN : entries * 2;
	return bpf_map_create(kind->type, "table", kind->key_size, sizeof(struct table_record), capacity, &options);
}

/* Makes a map of `kind` of what `table` is to have, but for what `old` has (-1: nothing). A descriptor, or -errno. */
static int build_map(const struct table *table, const struct table_kind *kind, int old,
		     const struct table_present *present, size_t present_count)
{
	__u32 entries = table->info.items[0] + (__u32)table->edits.count + (__u32)present_count;
	int fd = make_map(kind, entries), result = 0;
	struct copy copy = {kind, table, fd};

	if (fd < 0)
		return -errno;
	if (old >= 0)
		result = each_in_map(kind, old, copy_entry, &copy);
	if (!result)
		result = write_edits(kind, fd, table);
	if (!result && table->info.type == TABLE_INTERFACE)
		result = table_contents_refresh(fd, present, present_count);
	if (!result)
		return fd;
	close(fd);
	return result;
}

static int build_part(const struct lasting *lasting, const struct table *table, unsigned int number, __u32 slot,
		      const struct table_present *present, size_t present_count)
{
	const struct table_kind *kind = table_kinds(table->info.type) + number;
	struct table_part none = {.fd = -1}, *old = &none;
	int fd, result = table->stored ? find_part(lasting, table, number, &old) : 0;

	if (result)
		return result;
	if (table_kind_is_trie(kind))
		fd = table_address_build(old->fd < 0 ? NULL : &old->trie, &table->edits, number);
	else
		fd = build_map(table, kind, old->fd, present, present_count);
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fd;
	result = bpf_map_update_elem(lasting->fds[kind->outer], &slot, &fd, BPF_ANY) ? -errno : 0;
	close(fd);
	return result;
}

int table_contents_build(const struct lasting *lasting, const struct table *table, __u32 slot,
			 const struct table_present *present, size_t present_count)
{
	const struct table_kind *kinds = table_kinds(table->info.type);
	int result = 0;

	for (unsigned int i = 0; !result && i < TABLE_KINDS_MAX && kinds[i].outer; i++)
		result = build_part(lasting, table, i, slot, present, present_count);
	if (result)
		table_contents_drop(lasting, table->info.type, slot);
	return result;
}
