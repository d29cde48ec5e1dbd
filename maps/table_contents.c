/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/table_contents.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "maps/table_address.h"
#include "maps/table_counters.h"

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

int table_contents_drop(const struct lasting *lasting, unsigned int type, __u32 slot)
{
	const struct table_kind *kinds = table_kinds(type);
	int result = table_counters_drop(lasting, type, slot);

	for (int i = 0; i < TABLE_KINDS_MAX && kinds[i].outer; i++)
		if (bpf_map_delete_elem(lasting->fds[kinds[i].outer], &slot) && errno != ENOENT)
			result = -errno;
	return result;
}

static void reset_fresh(const void *counts, __u32 index)
{
	table_counts_reset(counts, index);
}

/* Opens a trie, and the counters of its entries. */
static int open_trie(const struct lasting *lasting, const struct table_kind *kind, __u32 slot, struct table_part *part,
		     int fd)
{
	int result = trie_open(&part->trie, fd);

	if (result)
		return result;
	result = table_counts_open(lasting, kind->outer == LASTING_TABLE_ADDRESS6, slot, &part->counts);
	if (result) {
		trie_close(&part->trie);
		return result;
	}
	part->trie.fresh = reset_fresh;
	part->trie.fresh_argument = &part->counts;
	return 0;
}

static int open_part(const struct lasting *lasting, const struct table_kind *kind, __u32 slot, struct table_part *part)
{
	int fd = table_contents_open(lasting, kind, slot), result;

	if (fd < 0 && !(fd == -ENOENT && kind->optional))
		return fd;
	if (fd >= 0 && table_kind_is_trie(kind)) {
		result = open_trie(lasting, kind, slot, part, fd);
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
			if (table_kind_is_trie(kinds + i)) {
				trie_close(&part->trie);
				table_counts_close(&part->counts);
			} else {
				close(part->fd);
			}
		}
		*part = (struct table_part){0};
	}
}

/* Looks up in one part of the table. Returns as table_contents_find(). */
static int find_in_part(const struct lasting *lasting, const struct table *table, unsigned int number,
			const struct table_key *key, struct table_entry *entry)
{
	const struct table_kind *kind = table_kinds(table->info.type) + number;
	__u8 raw[TABLE_MAP_KEY_MAX] = {0};
	struct table_part *part;
	int result = find_part(lasting, table, number, &part);

	if (result)
		return result;
	if (part->fd < 0)
		return -ENOENT;
	entry->expires = 0;
	if (table_kind_is_trie(kind))
		return table_address_find(&part->trie, key, &entry->record);
	kind->encode(raw, key);
	if (bpf_map_lookup_elem(part->fd, raw, entry))
		return -errno;
	return kind->prefixes && entry->record.number[0] != key->bits ? -ENOENT : 0;
}

int table_contents_find(const struct lasting *lasting, const struct table *table, const struct table_key *key,
			struct table_entry *entry)
{
	unsigned int timed = table_kind_of(table->info.type, key, true);
	unsigned int stays = table_kind_of(table->info.type, key, false);
	int result = -ENOENT;

	if (table->info.flags & TABLE_TIMED && timed != stays)
		result = find_in_part(lasting, table, timed, key, entry);
	return result == -ENOENT ? find_in_part(lasting, table, stays, key, entry) : result;
}

int table_contents_index(const struct lasting *lasting, const struct table *table, const struct table_key *key,
			 __u32 *index)
{
	struct table_part *part;
	int result;

	*index = 0;
	if (!table->stored)
		return 0;
	result = find_part(lasting, table, table_kind_of(TABLE_ADDRESS, key, false), &part);
	if (!result && part->fd >= 0)
		*index = table_address_index(&part->trie, key);
	return result;
}

int table_contents_size(const struct lasting *lasting, bool wide, __u32 slot, __u32 *size)
{
	int fd = table_contents_open(lasting, table_address_kinds + (wide ? TABLE_STAY6 : TABLE_STAY4), slot), result;
	struct trie trie;

	*size = 0;
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	result = trie_open(&trie, fd);
	if (result)
		return result;
	*size = trie_header(&trie)->capacity + 1;
	trie_close(&trie);
	return 0;
}

static int each_in_map(const struct table_kind *kind, int fd,
		       int (*each)(void *argument, const struct table_key *key, const struct table_entry *entry),
		       void *argument)
{
	__u8 raw[TABLE_MAP_KEY_MAX], next[TABLE_MAP_KEY_MAX];
	struct table_entry entry;
	struct table_key key;
	void *from = NULL;
	int result = 0;

	while (!bpf_map_get_next_key(fd, from, next)) {
		memcpy(raw, next, kind->key_size);
		from = raw;
		if (!kind->decode(&key, raw))
			continue;
		result = bpf_map_lookup_elem(fd, raw, &entry) ? -errno : each(argument, &key, &entry);
		if (result)
			return result;
	}
	return errno == ENOENT ? 0 : -errno;
}

int table_contents_each(const struct lasting *lasting, const struct table *table,
			int (*each)(void *argument, const struct table_key *key, const struct table_entry *entry),
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

/* What a map that was changed half-way holds. */
struct recovery {
	__u32 stay;
	bool timed;
};

static int count_entry(void *argument, const struct table_key *key, const struct table_entry *entry)
{
	struct recovery *recovery = argument;

	recovery->stay += !entry->expires;
	recovery->timed |= entry->expires != 0;
	return 0;
}

static int recover_part(const struct table_kind *kind, struct table_part *part, struct recovery *recovery)
{
	int result;

	*recovery = (struct recovery){0};
	if (part->fd < 0)
		return 0;
	if (!table_kind_is_trie(kind))
		return each_in_map(kind, part->fd, count_entry, recovery);
	result = trie_recover(&part->trie);
	recovery->stay = trie_header(&part->trie)->count;
	return result;
}

static int collect_key(void *argument, const struct table_key *key, const struct table_entry *entry)
{
	return table_edits_set(argument, key, NULL);
}

/* An entry that was about to change its kind may be in both: removes those of an address family that stay. */
static int remove_doubles(const struct lasting *lasting, const struct table *table, unsigned int family)
{
	struct table_part *stay, *timed;
	struct table_edits doubles = {0};
	int result = find_part(lasting, table, TABLE_STAY4 + family, &stay);

	if (!result)
		result = find_part(lasting, table, TABLE_TIMED4 + family, &timed);
	if (result || stay->fd < 0 || timed->fd < 0)
		return result;
	result = trie_recover(&stay->trie);
	if (!result)
		result = each_in_map(table_address_kinds + TABLE_TIMED4 + family, timed->fd, collect_key, &doubles);
	if (!result)
		result = table_address_edit(&stay->trie, &doubles);
	table_edits_free(&doubles);
	return result;
}

int table_contents_recover(const struct lasting *lasting, struct table *table)
{
	const struct table_kind *kinds = table_kinds(table->info.type);
	__u32 items[TABLE_KINDS_MAX] = {0};
	int result = 0;

	for (unsigned int family = 0; !result && table->info.type == TABLE_ADDRESS && family < 2; family++)
		result = remove_doubles(lasting, table, family);

	for (unsigned int i = 0; !result && i < TABLE_KINDS_MAX && kinds[i].outer; i++) {
		struct recovery recovery = {0};
		struct table_part *part;

		result = find_part(lasting, table, i, &part);
		if (!result)
			result = recover_part(kinds + i, part, &recovery);
		items[i] = recovery.stay;
		if (recovery.timed)
			table->info.flags |= TABLE_TIMED;
	}
	memcpy(table->info.items, items, sizeof(table->info.items));
	return result;
}

static int write_entry(const struct table_kind *kind, int fd, const struct table_key *key,
		       const struct table_entry *entry)
{
	__u8 raw[TABLE_MAP_KEY_MAX] = {0};

	if (!kind->encode(raw, key))
		return 0;
	if (entry)
		return bpf_map_update_elem(fd, raw, entry, BPF_ANY) ? -errno : 0;
	return bpf_map_delete_elem(fd, raw) && errno != ENOENT ? -errno : 0;
}

/* Makes the edits in a map of this kind; entries that are of the other kind now are removed. */
static int write_edits(const struct table_kind *kind, int fd, const struct table *table)
{
	int result = 0;

	for (size_t i = 0; !result && i < table->edits.count; i++) {
		const struct table_edit *edit = table->edits.edits + i;
		unsigned int number = table_kind_of(table->info.type, &edit->key, edit->entry.expires);
		bool here = edit->present && table_kinds(table->info.type) + number == kind;

		if (here || table->stored)
			result = write_entry(kind, fd, &edit->key, here ? &edit->entry : NULL);
	}
	return result;
}

int table_contents_refresh(int fd, const struct table_present *present, size_t present_count)
{
	struct table_interface key, next, *from = NULL;
	struct table_entry entry;
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
		if (!bpf_map_lookup_elem(fd, &named, &entry))
			result = bpf_map_update_elem(fd, &indexed, &entry, BPF_ANY) ? -errno : 0;
	}
	return result;
}

/* Whether some edit puts an entry into this kind of map. */
static bool receives(const struct table *table, unsigned int number)
{
	for (size_t i = 0; i < table->edits.count; i++) {
		const struct table_edit *edit = table->edits.edits + i;

		if (edit->present && table_kind_of(table->info.type, &edit->key, edit->entry.expires) == number)
			return true;
	}
	return false;
}

/* A map for so many entries of this kind. Twice as many fit, so that not each new one needs a new map. */
static int make_map(const struct table_kind *kind, __u32 entries)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_NO_PREALLOC);
	__u32 capacity = TRIE_CAPACITY;

	if (!kind->prefixes)
		capacity = entries * 2 < HASH_CAPACITY_MIN ? HASH_CAPACITY_MIN : entries * 2;
	return bpf_map_create(kind->type, "table", kind->key_size, sizeof(struct table_entry), capacity, &options);
}

static int put_map(const struct lasting *lasting, const struct table_kind *kind, __u32 slot, int fd)
{
	return bpf_map_update_elem(lasting->fds[kind->outer], &slot, &fd, BPF_ANY) ? -errno : 0;
}

/* Puts an empty map where entries that expire are to go. */
static int start_map(const struct lasting *lasting, const struct table *table, const struct table_kind *kind,
		     struct table_part *part)
{
	int result;

	part->fd = make_map(kind, 0);
	if (part->fd < 0)
		return -errno;
	result = put_map(lasting, kind, table->slot, part->fd);
	if (result) {
		close(part->fd);
		part->fd = -1;
	}
	return result;
}

static int edit_part(const struct lasting *lasting, const struct table *table, unsigned int number,
		     const struct table_present *present, size_t present_count)
{
	const struct table_kind *kind = table_kinds(table->info.type) + number;
	struct table_part *part;
	int result = find_part(lasting, table, number, &part);

	if (result)
		return result;
	if (part->fd < 0 && !receives(table, number))
		return 0;
	if (part->fd < 0 && table_kind_is_trie(kind))
		return -ENOSPC;
	if (part->fd < 0)
		result = start_map(lasting, table, kind, part);
	if (result)
		return result;
	if (table_kind_is_trie(kind))
		return table_address_edit(&part->trie, &table->edits);
	result = write_edits(kind, part->fd, table);
	if (!result && table->info.type == TABLE_INTERFACE)
		result = table_contents_refresh(part->fd, present, present_count);
	return result;
}

/* An entry that changes its kind is put into the one map before it is removed from the other. */
int table_contents_edit(const struct lasting *lasting, const struct table *table, const struct table_present *present,
			size_t present_count)
{
	const struct table_kind *kinds = table_kinds(table->info.type);
	int result = 0;

	for (int last = 0; last < 2; last++)
		for (unsigned int i = 0; !result && i < TABLE_KINDS_MAX && kinds[i].outer; i++)
			if (receives(table, i) != (bool)last)
				result = edit_part(lasting, table, i, present, present_count);
	return result;
}

/* What is copied from one map to another. */
struct copy {
	const struct table_kind *kind;
	const struct table *table;
	int fd;
};

static int copy_entry(void *argument, const struct table_key *key, const struct table_entry *entry)
{
	const struct copy *copy = argument;

	return table_edits_find(&copy->table->edits, key) ? 0 : write_entry(copy->kind, copy->fd, key, entry);
}

static int count_any(void *argument, const struct table_key *key, const struct table_entry *entry)
{
	++*(__u32 *)argument;
	return 0;
}

/* Makes a map of `kind` of what `table` is to have, but for what `old` has (-1: nothing). A descriptor, or -errno. */
static int build_map(const struct table *table, const struct table_kind *kind, int old,
		     const struct table_present *present, size_t present_count)
{
	__u32 entries = (__u32)table->edits.count + (__u32)present_count;
	int result = old < 0 ? 0 : each_in_map(kind, old, count_any, &entries), fd;
	struct copy copy = {kind, table, -1};

	if (result)
		return result;
	copy.fd = fd = make_map(kind, entries);
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
	else if (kind->optional && old->fd < 0 && !receives(table, number))
		fd = -ENOENT;
	else
		fd = build_map(table, kind, old->fd, present, present_count);
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fd;
	result = put_map(lasting, kind, slot, fd);
	close(fd);
	return result;
}

/* What of a table has expired. */
struct expired {
	const struct table *table;
	const struct table_kind *kind;
	int fd;
	struct table_counters counters;
	struct table_key last; /* to be removed once the next one is known, since the kernel would start over */
	bool any;
	__u32 left;
};

static int remove_last(struct expired *expired)
{
	if (!expired->any)
		return 0;
	expired->any = false;
	table_counters_remove(&expired->counters, expired->table, &expired->last, 0);
	return write_entry(expired->kind, expired->fd, &expired->last, NULL);
}

static int remove_expired(void *argument, const struct table_key *key, const struct table_entry *entry)
{
	struct expired *expired = argument;
	int result = remove_last(expired);

	if (result)
		return result;
	if (table_entry_lives(entry)) {
		expired->left += entry->expires != 0;
		return 0;
	}
	expired->last = *key;
	expired->any = true;
	return 0;
}

int table_contents_sweep(const struct lasting *lasting, const struct table *table, __u32 *left)
{
	const struct table_kind *kinds = table_kinds(table->info.type);
	struct expired expired = {.table = table};
	int result = table_counters_open(lasting, table, &expired.counters);

	for (unsigned int i = 0; !result && i < TABLE_KINDS_MAX && kinds[i].outer; i++) {
		struct table_part *part;

		result = find_part(lasting, table, i, &part);
		if (result || part->fd < 0 || table_kind_is_trie(kinds + i))
			continue;
		expired.kind = kinds + i;
		expired.fd = part->fd;
		result = each_in_map(kinds + i, part->fd, remove_expired, &expired);
		if (!result)
			result = remove_last(&expired);
	}
	table_counters_close(&expired.counters);
	*left = expired.left;
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
