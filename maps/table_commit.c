/* SPDX-License-Identifier: GPL-2.0-only */
/* How changes of tables come into force (maps/tables.h). */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "maps/grace.h"
#include "maps/table_contents.h"
#include "maps/table_journal.h"

/* What one commit of tables works on. */
struct commit {
	struct tables *tables;
	const struct lasting *lasting;
	const struct table_present *present;
	size_t present_count;
	struct table_slots *slots;
};

static int map_slots(struct commit *commit)
{
	commit->slots = table_slots_map(commit->lasting, true);
	if (!commit->slots)
		return -errno;
	if (!commit->slots->epoch)
		commit->slots->epoch = 2;
	return 0;
}

/* Takes a free slot, or returns 0. */
static __u32 take_slot(struct tables *tables, unsigned int type)
{
	for (__u32 slot = 1; slot < TABLES_MAX; slot++)
		if (!tables->slots[type][slot]) {
			tables->slots[type][slot] = true;
			return slot;
		}
	return 0;
}

/* Makes what the table is to contain, if that is anything new, in a slot of its own. */
static int build(struct commit *commit, struct table *table)
{
	__u32 slot;
	int result;

	if (table->stored && !table->edits.count)
		return 0;
	slot = take_slot(commit->tables, table->info.type);
	if (!slot)
		return -ENOSPC;
	result = table_contents_build(commit->lasting, table, slot, commit->present, commit->present_count);
	if (result) {
		commit->tables->slots[table->info.type][slot] = false;
		return result;
	}
	table_contents_close(table);
	table->slot = slot;
	table->stored = true;
	table_edits_free(&table->edits);
	return 0;
}

static int write_info(const struct commit *commit, struct table *table)
{
	if (bpf_map_update_elem(commit->lasting->fds[LASTING_TABLES], &table->index, &table->info, BPF_ANY))
		return -errno;
	table->known = true;
	return 0;
}

/* Drops what the slots hold that no table has any more. */
static void drop_unused(const struct commit *commit)
{
	bool used[TABLE_TYPES][TABLES_MAX] = {0};
	struct tables *tables = commit->tables;

	for (size_t i = 0; i < tables->count; i++)
		used[tables->tables[i].info.type][tables->tables[i].slot] = true;
	for (unsigned int type = 0; type < TABLE_TYPES; type++)
		for (__u32 slot = 1; slot < TABLES_MAX; slot++)
			if (tables->slots[type][slot] && !used[type][slot]) {
				table_contents_drop(commit->lasting, type, slot);
				tables->slots[type][slot] = false;
			}
}

/* Whether what is in force differs from what is to be: contents elsewhere, or tables that go. */
static bool moved(const struct commit *commit)
{
	const __u32 *slot = commit->slots->slot[commit->slots->epoch & 1];
	const struct tables *tables = commit->tables;

	for (size_t i = 0; i < tables->count; i++)
		if (slot[tables->tables[i].index] != tables->tables[i].slot)
			return true;
	return memchr(tables->gone, 1, sizeof(tables->gone));
}

static __u32 epoch_after(__u32 epoch)
{
	return epoch + 1 ? epoch + 1 : 2;
}

/* Writes the half that is not in use. No rule refers to new tables yet, so the other half is theirs as well. */
static void write_half(const struct commit *commit, __u32 epoch)
{
	struct table_slots *slots = commit->slots;
	const struct tables *tables = commit->tables;
	__u32 *slot = slots->slot[epoch & 1];

	memset(slot, 0, sizeof(slots->slot[0]));
	for (size_t i = 0; i < tables->count; i++) {
		const struct table *table = tables->tables + i;

		slot[table->index] = table->slot;
		if (!table->known)
			slots->slot[!(epoch & 1)][table->index] = table->slot;
	}
}

/* The steps of tables_prepare(). The order of the stores is what tables_recover() relies on. */
static int prepare(struct commit *commit, __u32 generation)
{
	struct table_slots *slots = commit->slots;
	struct tables *tables = commit->tables;
	__u32 next = epoch_after(slots->epoch);
	int result = 0;

	slots->next_generation = generation;
	__atomic_store_n(&slots->next, next, __ATOMIC_SEQ_CST);
	for (size_t i = 0; !result && i < tables->count; i++)
		result = build(commit, tables->tables + i);
	if (result)
		return result;
	write_half(commit, next);
	tables->epochs = (struct table_epochs){slots->epoch, next};
	return table_journal_write(tables, commit->lasting);
}

int tables_prepare(struct tables *tables, const struct lasting *lasting, const struct table_present *present,
		   size_t present_count, __u32 generation)
{
	struct commit commit = {tables, lasting, present, present_count, NULL};
	int result = map_slots(&commit);

	if (result)
		return result;
	result = prepare(&commit, generation);
	table_slots_unmap(commit.slots);
	if (result)
		tables_recover(lasting);
	return result;
}

/*
 * Does it in place, if one entry of one table is all that changes. What dies in between leaves a note that the number
 * of entries is to be taken anew. Returns whether it did.
 */
static bool edit_in_place(const struct commit *commit)
{
	struct table *edited = NULL;
	struct table_info info;

	if (moved(commit))
		return false;
	for (size_t i = 0; i < commit->tables->count; i++) {
		struct table *table = commit->tables->tables + i;

		if (!table->known || !table->stored || table->edits.count > 1 || (edited && table->changed))
			return false;
		if (table->changed)
			edited = table;
	}
	if (!edited || !edited->edits.count)
		return false;
	info = edited->info;
	edited->info.flags |= TABLE_EDITED;
	if (write_info(commit, edited))
		return false;
	edited->info = info;
	return !table_contents_edit(commit->lasting, edited, commit->present, commit->present_count) &&
	       !write_info(commit, edited);
}

/* Brings what is prepared into force. Afterwards no packet goes by what was before. */
static void flip(const struct commit *commit)
{
	struct table_slots *slots = commit->slots;
	__u32 next = commit->tables->epochs.after;

	if (slots->next_generation) {
		/* The new rules have done it. Those packets that still meet the old rules are to meet the old tables.
		 */
		wait_for_packets();
		__atomic_store_n(&slots->epoch, next, __ATOMIC_SEQ_CST);
	} else if (moved(commit)) {
		__atomic_store_n(&slots->epoch, next, __ATOMIC_SEQ_CST);
		wait_for_packets();
	} else {
		/* Nothing that packets see: only the journal is to count. */
		__atomic_store_n(&slots->next, slots->epoch, __ATOMIC_SEQ_CST);
	}
}

/* What is left to do when all is in force. Should it fail, the next writer does it. */
static void tidy(const struct commit *commit)
{
	if (table_journal_apply(commit->lasting) || table_journal_clear(commit->lasting))
		return;
	drop_unused(commit);
	commit->slots->next = 0;
}

static int settle(struct commit *commit)
{
	int result = commit->tables->epochs.after ? 0 : prepare(commit, 0);

	if (result) {
		tables_recover(commit->lasting);
		return result;
	}
	flip(commit);
	tidy(commit);
	return 0;
}

int tables_commit(struct tables *tables, const struct lasting *lasting, const struct table_present *present,
		  size_t present_count)
{
	struct commit commit = {tables, lasting, present, present_count, NULL};
	int result = map_slots(&commit);

	if (result)
		return result;
	if (tables->epochs.after || !edit_in_place(&commit))
		result = settle(&commit);
	table_slots_unmap(commit.slots);
	return result;
}

/* Empties the slots that no table of `tables' has, whoever filled them. */
static void sweep_slots(const struct tables *tables, const struct lasting *lasting)
{
	for (unsigned int type = 0; type < TABLE_TYPES; type++)
		for (__u32 slot = 1; slot < TABLES_MAX; slot++)
			if (!tables->slots[type][slot])
				table_contents_drop(lasting, type, slot);
}

static int recover(struct table_slots *slots, const struct lasting *lasting, struct tables *tables)
{
	int result = 0;

	if (table_journal_counts(slots, lasting)) {
		wait_for_packets();
		slots->epoch = slots->next;
		result = table_journal_apply(lasting);
	}
	if (!result)
		result = table_journal_clear(lasting);
	if (!result)
		result = tables_read(tables, lasting);
	if (result)
		return result;
	sweep_slots(tables, lasting);
	tables_free(tables);
	slots->next = 0;
	return 0;
}

int tables_recover(const struct lasting *lasting)
{
	struct table_slots *slots = table_slots_map(lasting, true);
	struct tables *tables;
	int result = 0;

	if (!slots)
		return -errno;
	if (slots->next) {
		tables = calloc(1, sizeof(*tables));
		result = tables ? recover(slots, lasting, tables) : -ENOMEM;
		free(tables);
	}
	table_slots_unmap(slots);
	return result;
}

int tables_refresh(const struct tables *tables, const struct lasting *lasting, const struct table_present *present,
		   size_t present_count)
{
	int result = 0;

	for (size_t i = 0; !result && i < tables->count; i++) {
		const struct table *table = tables->tables + i;
		int fd;

		if (table->info.type != TABLE_INTERFACE || !table->stored)
			continue;
		fd = table_contents_open(lasting, table_interface_kinds, table->slot);
		if (fd < 0)
			return fd;
		result = table_contents_refresh(fd, present, present_count);
		close(fd);
	}
	return result;
}
