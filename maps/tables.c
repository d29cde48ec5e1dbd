/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/tables.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "maps/table_contents.h"
#include "maps/table_journal.h"

static struct table *append(struct tables *tables, __u32 index, const struct table_info *info)
{
	struct table *larger = reallocarray(tables->tables, tables->count + 1, sizeof(*larger));
	struct table_view *view = calloc(1, sizeof(*view));
	struct table *table;

	if (larger)
		tables->tables = larger;
	if (!larger || !view) {
		free(view);
		return NULL;
	}
	table = larger + tables->count++;
	*table = (struct table){.index = index, .info = *info, .view = view};
	return table;
}

static int count_staying(void *argument, const struct table_key *key, const struct table_entry *entry)
{
	struct table *table = argument;

	table->info.items[table_family_of(table->info.type, key)] += !entry->expires;
	if (entry->expires)
		table->info.flags |= TABLE_TIMED;
	return 0;
}

/* A change in place that was interrupted may or may not have happened. */
static int recount(struct table *table, const struct lasting *lasting)
{
	table->info.items[0] = table->info.items[1] = 0;
	table->info.flags |= TABLE_TIMED;
	return table_each(lasting, table, count_staying, table);
}

/* What is being read: the notes, and the journal if that counts. */
struct reading {
	struct tables *tables;
	const struct lasting *lasting;
	const struct table_slots *slots;
	bool journal;
};

/* Reads the table that this key of "tables" is about. One that makes no sense is passed over. */
static int read_table(const struct reading *reading, __u32 key)
{
	const struct lasting *lasting = reading->lasting;
	__u32 index = key & ~TABLE_JOURNAL, journaled = key | TABLE_JOURNAL;
	const struct table_slots *slots = reading->slots;
	struct table_info info;
	struct table *table;

	if (key == journaled
		    ? !reading->journal
		    : reading->journal && !bpf_map_lookup_elem(lasting->fds[LASTING_TABLES], &journaled, &info))
		return 0;
	if (bpf_map_lookup_elem(lasting->fds[LASTING_TABLES], &key, &info))
		return -errno;
	if (info.flags & TABLE_GONE || info.type >= TABLE_TYPES || !index || index >= TABLES_MAX)
		return 0;
	table = append(reading->tables, index, &info);
	if (!table)
		return -ENOMEM;
	table->slot = slots->slot[table_slots_epoch(slots, lasting) & 1][index] % TABLES_MAX;
	table->known = table->stored = true;
	reading->tables->slots[info.type][table->slot] = true;
	return slots->edited == index ? recount(table, lasting) : 0;
}

int tables_read(struct tables *tables, const struct lasting *lasting)
{
	struct reading reading = {.tables = tables, .lasting = lasting};
	__u32 key, last, *from = NULL;
	int result = 0;

	memset(tables, 0, sizeof(*tables));
	if (!lasting->control)
		return 0;
	reading.slots = table_slots_map(lasting, false);
	if (!reading.slots)
		return -errno;
	reading.journal = table_journal_counts(reading.slots, lasting);
	while (!result && !bpf_map_get_next_key(lasting->fds[LASTING_TABLES], from, &key)) {
		last = key;
		from = &last;
		result = read_table(&reading, key);
	}
	if (!result && errno != ENOENT)
		result = -errno;
	table_slots_unmap(reading.slots);
	if (result)
		tables_free(tables);
	return result;
}

static void free_table(struct table *table)
{
	table_edits_free(&table->edits);
	table_edits_free(&table->reset);
	table_contents_close(table);
	free(table->view);
}

void tables_free(struct tables *tables)
{
	for (size_t i = 0; i < tables->count; i++)
		free_table(tables->tables + i);
	free(tables->tables);
	memset(tables, 0, sizeof(*tables));
}

struct table *tables_find(const struct tables *tables, const char *name, unsigned int set)
{
	for (size_t i = 0; i < tables->count; i++)
		if (tables->tables[i].info.set == set && !strcmp(tables->tables[i].info.name, name))
			return tables->tables + i;
	return NULL;
}

/* The lowest index that no table has, or 0. One that is to go keeps its index until it has gone. */
static __u32 free_index(const struct tables *tables)
{
	bool used[TABLES_MAX];

	memcpy(used, tables->gone, sizeof(used));
	for (size_t i = 0; i < tables->count; i++)
		used[tables->tables[i].index] = true;
	for (__u32 index = 1; index < TABLES_MAX; index++)
		if (!used[index])
			return index;
	return 0;
}

struct table *tables_make(struct tables *tables, const struct table_info *info)
{
	__u32 index = free_index(tables);
	struct table *table = index ? append(tables, index, info) : NULL;

	if (table)
		table->changed = true;
	return table;
}

void tables_remove(struct tables *tables, struct table *table)
{
	if (table->known)
		tables->gone[table->index] = true;
	free_table(table);
	*table = tables->tables[--tables->count];
}

/* Gives a table the contents of another one, which still has them. */
static void take_contents(struct table *to, const struct table *from)
{
	to->slot = from->slot;
	to->stored = from->stored;
	to->edits = from->edits;
	to->view = from->view;
	to->timed_known = from->timed_known;
	memcpy(to->timed, from->timed, sizeof(to->timed));
	to->reset_all = from->reset_all;
	to->reset = from->reset;
	memcpy(to->info.items, from->info.items, sizeof(to->info.items));
	to->info.flags = (__u8)((to->info.flags & ~TABLE_TIMED) | (from->info.flags & TABLE_TIMED));
	to->changed = true;
}

void tables_swap(struct table *left, struct table *right)
{
	struct table old = *left;

	take_contents(left, right);
	take_contents(right, &old);
}

void table_clear(struct table *table)
{
	table_edits_free(&table->edits);
	table_edits_free(&table->reset);
	table->info.items[0] = table->info.items[1] = 0;
	table->info.flags &= (__u8)~TABLE_TIMED;
	table->timed_known = false;
	table->reset_all = true;
	table->stored = false;
	table->changed = true;
}

static int find_exactly(const struct lasting *lasting, const struct table *table, const struct table_key *key,
			struct table_entry *entry)
{
	const struct table_edit *edit = table_edits_find(&table->edits, key);

	int result = -ENOENT;

	if (edit) {
		*entry = edit->entry;
		result = edit->present ? 0 : -ENOENT;
	} else if (table->stored) {
		result = table_contents_find(lasting, table, key, entry);
	}
	return !result && !table_entry_lives(entry) ? -ENOENT : result;
}

/* Leaves only the first key->bits bits. */
static void mask_key(unsigned int type, struct table_key *key)
{
	__u8 *bytes = (__u8 *)&key->u;
	size_t size = type == TABLE_MAC ? sizeof(key->u.mac) : sizeof(key->u.address);

	for (size_t i = 0; i < size; i++) {
		unsigned int first = (unsigned int)i * 8;

		if (key->bits <= first)
			bytes[i] = 0;
		else if (key->bits < first + 8)
			bytes[i] &= (__u8)(0xff << (first + 8 - key->bits));
	}
}

int table_find(const struct lasting *lasting, const struct table *table, struct table_key *key, bool exact,
	       struct table_entry *entry)
{
	int result;

	if (exact || !table_has_prefixes(table->info.type))
		return find_exactly(lasting, table, key, entry);
	for (;; key->bits--) {
		mask_key(table->info.type, key);
		result = find_exactly(lasting, table, key, entry);
		if (result != -ENOENT || !key->bits)
			return result;
	}
}

/* Adds to the number of entries that stay or expire. */
static void count(struct table *table, const struct table_key *key, const struct table_entry *entry, int number)
{
	unsigned int family = table_family_of(table->info.type, key);

	if (!entry->expires)
		table->info.items[family] += (__u32)number;
	else if (table->timed_known)
		table->timed[family] += (__u32)number;
}

int table_set(struct table *table, const struct table_key *key, const struct table_entry *entry,
	      const struct table_entry *old)
{
	bool reset = table->info.flags & TABLE_COUNTED && !(entry && old);

	if (table_edits_set(&table->edits, key, entry) || (reset && table_edits_set(&table->reset, key, NULL)))
		return -ENOMEM;
	if (old)
		count(table, key, old, -1);
	if (entry)
		count(table, key, entry, 1);
	if (entry && entry->expires)
		table->info.flags |= TABLE_TIMED;
	table->changed = true;
	return 0;
}

int table_reset(struct table *table, const struct table_key *key)
{
	table->changed = true;
	if (key)
		return table_edits_set(&table->reset, key, NULL);
	table->reset_all = true;
	return 0;
}

/* Passes on those entries of the kernel that have not been edited. */
struct visit {
	const struct table *table;
	int (*each)(void *argument, const struct table_key *key, const struct table_entry *entry);
	void *argument;
};

static int visit_stored(void *argument, const struct table_key *key, const struct table_entry *entry)
{
	const struct visit *visit = argument;

	if (!table_entry_lives(entry) || table_edits_find(&visit->table->edits, key))
		return 0;
	return visit->each(visit->argument, key, entry);
}

int table_each(const struct lasting *lasting, const struct table *table,
	       int (*each)(void *argument, const struct table_key *key, const struct table_entry *entry),
	       void *argument)
{
	struct visit visit = {table, each, argument};
	int result = table->stored ? table_contents_each(lasting, table, visit_stored, &visit) : 0;

	for (size_t i = 0; !result && i < table->edits.count; i++) {
		const struct table_edit *edit = table->edits.edits + i;

		if (edit->present && table_entry_lives(&edit->entry))
			result = each(argument, &edit->key, &edit->entry);
	}
	return result;
}

static int count_timed(void *argument, const struct table_key *key, const struct table_entry *entry)
{
	struct table *table = argument;

	table->timed[table_family_of(table->info.type, key)] += entry->expires != 0;
	return 0;
}

int table_items(const struct lasting *lasting, struct table *table, __u32 items[2])
{
	int result = 0;

	if (!table->timed_known) {
		table->timed[0] = table->timed[1] = 0;
		if (table->info.flags & TABLE_TIMED)
			result = table_each(lasting, table, count_timed, table);
		table->timed_known = !result;
	}
	items[0] = table->info.items[0] + table->timed[0];
	items[1] = table->info.items[1] + table->timed[1];
	return result;
}
