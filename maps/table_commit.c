/* SPDX-License-Identifier: GPL-2.0-only */
/* How changes of tables come into force (maps/tables.h). */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "maps/table_contents.h"

#define STRAGGLER_MICROSECONDS 20000

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
	void *memory = mmap(NULL, sizeof(*commit->slots), PROT_READ | PROT_WRITE, MAP_SHARED,
			    commit->lasting->fds[LASTING_TABLE_SLOTS], 0);

	if (memory == MAP_FAILED)
		return -errno;
	commit->slots = memory;
	if (!commit->slots->epoch)
		commit->slots->epoch = 2;
	return 0;
}

static void unmap_slots(struct commit *commit)
{
	munmap(commit->slots, sizeof(*commit->slots));
}

/* Waits until no packet goes by what table_slots said before. */
static void wait_for_packets(void)
{
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		usleep(STRAGGLER_MICROSECONDS);
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

/* No packet looks for them yet, so both halves are theirs to write. */
static int install(struct commit *commit)
{
	struct tables *tables = commit->tables;
	int result = 0;

	for (size_t i = 0; !result && i < tables->count; i++) {
		struct table *table = tables->tables + i;

		if (table->known)
			continue;
		result = build(commit, table);
		if (result)
			break;
		commit->slots->slot[0][table->index] = commit->slots->slot[1][table->index] = table->slot;
		result = write_info(commit, table);
	}
	return result;
}

int tables_install(struct tables *tables, const struct lasting *lasting, const struct table_present *present,
		   size_t present_count)
{
	struct commit commit = {tables, lasting, present, present_count, NULL};
	int result = map_slots(&commit);

	if (result)
		return result;
	for (size_t i = 0; i < tables->count; i++)
		tables->tables[i].new = !tables->tables[i].known;
	result = install(&commit);
	unmap_slots(&commit);
	if (result)
		tables_withdraw(tables, lasting);
	return result;
}

void tables_withdraw(struct tables *tables, const struct lasting *lasting)
{
	for (size_t i = 0; i < tables->count; i++)
		if (tables->tables[i].new)
			bpf_map_delete_elem(lasting->fds[LASTING_TABLES], &tables->tables[i].index);
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

static void flip(const struct commit *commit)
{
	struct table_slots *slots = commit->slots;
	__u32 next = slots->epoch + 1 ? slots->epoch + 1 : 2;
	const struct tables *tables = commit->tables;
	__u32 *slot = slots->slot[next & 1];

	memset(slot, 0, sizeof(slots->slot[0]));
	for (size_t i = 0; i < tables->count; i++)
		slot[tables->tables[i].index] = tables->tables[i].slot;
	__atomic_store_n(&slots->epoch, next, __ATOMIC_SEQ_CST);
	wait_for_packets();
}

/* Does it in place, if one entry of one table is all that changes. Returns whether it did. */
static bool edit_in_place(const struct commit *commit)
{
	struct table *edited = NULL;

	if (moved(commit))
		return false;
	for (size_t i = 0; i < commit->tables->count; i++) {
		struct table *table = commit->tables->tables + i;

		if (!table->stored || table->edits.count > 1 || (edited && table->edits.count))
			return false;
		if (table->edits.count)
			edited = table;
	}
	if (!edited || table_contents_edit(commit->lasting, edited, commit->present, commit->present_count))
		return false;
	table_edits_free(&edited->edits);
	return true;
}

static int settle(struct commit *commit)
{
	struct tables *tables = commit->tables;
	int result = 0;

	if (!edit_in_place(commit))
		for (size_t i = 0; !result && i < tables->count; i++)
			result = build(commit, tables->tables + i);
	if (result)
		return result;
	if (moved(commit))
		flip(commit);
	for (size_t i = 0; !result && i < tables->count; i++)
		if (tables->tables[i].changed)
			result = write_info(commit, tables->tables + i);
	for (__u32 index = 1; index < TABLES_MAX; index++)
		if (tables->gone[index])
			bpf_map_delete_elem(commit->lasting->fds[LASTING_TABLES], &index);
	drop_unused(commit);
	return result;
}

int tables_commit(struct tables *tables, const struct lasting *lasting, const struct table_present *present,
		  size_t present_count)
{
	struct commit commit = {tables, lasting, present, present_count, NULL};
	int result = map_slots(&commit);

	if (result)
		return result;
	result = settle(&commit);
	unmap_slots(&commit);
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
