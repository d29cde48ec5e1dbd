/* SPDX-License-Identifier: GPL-2.0-only */
/* How changes of tables come into force (maps/tables.h). */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "maps/grace.h"
#include "maps/table_contents.h"
#include "maps/table_counters.h"
#include "maps/table_journal.h"

#define SECOND 1000000000ull
#define SWEEP_SECONDS 10
#define SWEEP_PART 100 /* of the time may go into it */

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
	__atomic_store_n(&commit->slots->filled[table->info.type][slot], 1, __ATOMIC_SEQ_CST);
	result = table_counters_move(commit->lasting, table);
	if (!result)
		result = table_contents_build(commit->lasting, table, slot, commit->present, commit->present_count);
	if (!result)
		result = table_counters_carry(commit->lasting, table, slot);
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

/* Empties a slot. Returns 0, or -errno: then it stays noted for the next sweep. */
static int drop_slot(const struct commit *commit, unsigned int type, __u32 slot)
{
	int result = table_contents_drop(commit->lasting, type, slot);

	if (!result)
		commit->slots->filled[type][slot] = 0;
	return result;
}

/* Drops what the slots hold that no table has any more. */
static int drop_unused(const struct commit *commit)
{
	bool used[TABLE_TYPES][TABLES_MAX] = {0};
	struct tables *tables = commit->tables;
	int result = 0, failed;

	for (size_t i = 0; i < tables->count; i++)
		used[tables->tables[i].info.type][tables->tables[i].slot] = true;
	for (unsigned int type = 0; type < TABLE_TYPES; type++)
		for (__u32 slot = 1; slot < TABLES_MAX; slot++)
			if (tables->slots[type][slot] && !used[type][slot]) {
				failed = drop_slot(commit, type, slot);
				result = failed ? failed : result;
				tables->slots[type][slot] = false;
			}
	return result;
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

/* Removes what has expired, if that has not been done for a while; if it takes long, more seldom. */
static int sweep_table(const struct commit *commit, struct table *table)
{
	__u64 begin = table_clock(), pause;
	int result;

	if (!(table->info.flags & TABLE_TIMED) || begin / SECOND < table->info.sweep_after)
		return 0;
	result = table_contents_sweep(commit->lasting, table, &table->info.expiring);
	if (result)
		return result;
	pause = (table_clock() - begin) * SWEEP_PART / SECOND;
	table->info.sweep_after = (__u32)(begin / SECOND + (pause < SWEEP_SECONDS ? SWEEP_SECONDS : pause));
	return write_info(commit, table);
}

/* What is left to do for a table whose change is in force. Returns 0 or -errno. */
static int finish_table(const struct commit *commit, struct table *table)
{
	int result = sweep_table(commit, table);

	if (result)
		return result;
	return table_counters_settle(commit->lasting, table, commit->present, commit->present_count);
}

/* The table of which one entry changes in place, if that is all that changes, or NULL. */
static struct table *find_edited(const struct commit *commit)
{
	struct table *edited = NULL;

	if (moved(commit))
		return NULL;
	for (size_t i = 0; i < commit->tables->count; i++) {
		struct table *table = commit->tables->tables + i;

		if (!table->known || !table->stored || table->edits.count > 1 || (edited && table->changed))
			return NULL;
		if (table->changed)
			edited = table;
	}
	return edited && edited->edits.count ? edited : NULL;
}

/*
 * Changes an entry in place. What dies in between leaves table_slots.edited: what is noted of the table is to be made
 * anew. Returns 0, or -errno: then it has to be done otherwise.
 */
static int edit_in_place(const struct commit *commit, struct table *table)
{
	int result;

	__atomic_store_n(&commit->slots->edited, table->index, __ATOMIC_SEQ_CST);
	result = write_info(commit, table);
	if (!result)
		result = table_counters_move(commit->lasting, table);
	if (!result)
		result = table_contents_edit(commit->lasting, table, commit->present, commit->present_count);
	if (result)
		return result;
	/* It is in force. If this fails, the next writer does it. */
	if (!finish_table(commit, table))
		commit->slots->edited = 0;
	return 0;
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
	struct tables *tables = commit->tables;

	if (table_journal_apply(commit->lasting) || table_journal_clear(commit->lasting))
		return;
	for (size_t i = 0; i < tables->count; i++)
		if (tables->tables[i].changed && finish_table(commit, tables->tables + i))
			return;
	if (drop_unused(commit))
		return;
	commit->slots->edited = 0;
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
	struct table *edited;
	int result = map_slots(&commit);

	if (result)
		return result;
	edited = tables->epochs.after ? NULL : find_edited(&commit);
	if (!edited || edit_in_place(&commit, edited))
		result = settle(&commit);
	table_slots_unmap(commit.slots);
	return result;
}

/* Empties the slots that no table of commit->tables has, whoever filled them. */
static int sweep_slots(const struct commit *commit)
{
	int result = 0, failed;

	for (unsigned int type = 0; type < TABLE_TYPES; type++)
		for (__u32 slot = 1; slot < TABLES_MAX; slot++)
			if (commit->slots->filled[type][slot] && !commit->tables->slots[type][slot]) {
				failed = drop_slot(commit, type, slot);
				result = failed ? failed : result;
			}
	return result;
}

/* Completes a change in place. Returns 0 or -errno. */
static int recover_table(const struct commit *commit, struct table *table)
{
	int result = table_contents_recover(commit->lasting, table);

	return result ? result : write_info(commit, table);
}

static int recover(const struct commit *commit)
{
	const struct lasting *lasting = commit->lasting;
	struct table_slots *slots = commit->slots;
	struct tables *tables = commit->tables;
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
	for (size_t i = 0; !result && i < tables->count; i++) {
		if (tables->tables[i].index == slots->edited)
			result = recover_table(commit, tables->tables + i);
		if (!result)
			result = table_counters_settle(lasting, tables->tables + i, NULL, 0);
	}
	if (!result)
		result = sweep_slots(commit);
	if (!result) {
		slots->edited = 0;
		slots->next = 0;
	}
	tables_free(tables);
	return result;
}

int tables_recover(const struct lasting *lasting)
{
	struct commit commit = {.lasting = lasting, .slots = table_slots_map(lasting, true)};
	int result = 0;

	if (!commit.slots)
		return -errno;
	if (commit.slots->next || commit.slots->edited) {
		commit.tables = calloc(1, sizeof(*commit.tables));
		result = commit.tables ? recover(&commit) : -ENOMEM;
		free(commit.tables);
	}
	table_slots_unmap(commit.slots);
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
