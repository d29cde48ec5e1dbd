/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/table_journal.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <sys/mman.h>

struct table_slots *table_slots_map(const struct lasting *lasting, bool write)
{
	void *memory = mmap(NULL, sizeof(struct table_slots), write ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED,
			    lasting->fds[LASTING_TABLE_SLOTS], 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void table_slots_unmap(const struct table_slots *slots)
{
	munmap((void *)slots, sizeof(*slots));
}

__u32 table_slots_epoch(const struct table_slots *slots, const struct lasting *lasting)
{
	bool with_rules = slots->next && slots->next_generation;

	return with_rules && slots->next_generation == lasting->control->generation ? slots->next : slots->epoch;
}

bool table_journal_counts(const struct table_slots *slots, const struct lasting *lasting)
{
	return slots->next && table_slots_epoch(slots, lasting) == slots->next;
}

static int write_note(const struct lasting *lasting, __u32 key, const struct table_info *info)
{
	return bpf_map_update_elem(lasting->fds[LASTING_TABLES], &key, info, BPF_ANY) ? -errno : 0;
}

int table_journal_write(const struct tables *tables, const struct lasting *lasting)
{
	static const struct table_info gone = {.flags = TABLE_GONE};
	int result = 0;

	for (__u32 index = 1; !result && index < TABLES_MAX; index++)
		if (tables->gone[index])
			result = write_note(lasting, TABLE_JOURNAL | index, &gone);
	for (size_t i = 0; !result && i < tables->count; i++)
		if (tables->tables[i].changed)
			result = write_note(lasting, TABLE_JOURNAL | tables->tables[i].index, &tables->tables[i].info);
	return result;
}

/*
 * Moves *key on to the next key of the journal; 0 stands for none, in front and behind. The key it was must not be
 * removed before, since the kernel would start over. Returns 0 or -errno.
 */
static int next_entry(const struct lasting *lasting, __u32 *key)
{
	while (!bpf_map_get_next_key(lasting->fds[LASTING_TABLES], *key ? key : NULL, key))
		if (*key & TABLE_JOURNAL)
			return 0;
	*key = 0;
	return errno == ENOENT ? 0 : -errno;
}

static int apply_entry(const struct lasting *lasting, __u32 key)
{
	__u32 index = key & ~TABLE_JOURNAL;
	struct table_info info;

	if (bpf_map_lookup_elem(lasting->fds[LASTING_TABLES], &key, &info))
		return -errno;
	if (!(info.flags & TABLE_GONE))
		return write_note(lasting, index, &info);
	return bpf_map_delete_elem(lasting->fds[LASTING_TABLES], &index) && errno != ENOENT ? -errno : 0;
}

int table_journal_apply(const struct lasting *lasting)
{
	__u32 key = 0;
	int result = next_entry(lasting, &key);

	while (!result && key) {
		result = apply_entry(lasting, key);
		if (!result)
			result = next_entry(lasting, &key);
	}
	return result;
}

int table_journal_clear(const struct lasting *lasting)
{
	__u32 key = 0, last;
	int result = next_entry(lasting, &key);

	while (!result && key) {
		last = key;
		result = next_entry(lasting, &key);
		if (!result && bpf_map_delete_elem(lasting->fds[LASTING_TABLES], &last))
			result = -errno;
	}
	return result;
}
