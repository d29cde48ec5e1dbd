/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/counters.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "maps/log_counts.h"

struct bank {
	__u32 first, slots;
};

static const struct bank banks[COUNTER_BANKS] = {
	{0, COUNTER_BANK0_SLOTS},
	{COUNTER_BANK0_SLOTS, COUNTER_BANK1_SLOTS},
	{COUNTER_BANK0_SLOTS + COUNTER_BANK1_SLOTS, COUNTER_BANK2_SLOTS},
};

static unsigned int bank_of(__u32 slot)
{
	unsigned int bank = 0;

	while (bank + 1 < COUNTER_BANKS && slot >= banks[bank + 1].first)
		bank++;
	return bank;
}

/* Whether the bank has been made at its full size; until then no rule has a slot in it. */
static bool bank_full_size(const struct lasting *lasting, unsigned int bank)
{
	return lasting_entries(lasting, LASTING_COUNTERS + bank) == banks[bank].slots / COUNTER_GROUP_SLOTS &&
	       lasting_entries(lasting, LASTING_COUNTER_ZEROS + bank) == banks[bank].slots;
}

/* What is read of one group at a time. */
struct reader {
	const struct lasting *lasting;
	int cpus;
	struct counter_group *values;		       /* of each CPU */
	struct rule_counter sums[COUNTER_GROUP_SLOTS]; /* since the counters were made */
};

/* Returns 0 or -errno; reader_free() in any case. */
static int reader_make(struct reader *reader, const struct lasting *lasting)
{
	reader->lasting = lasting;
	reader->cpus = libbpf_num_possible_cpus();
	reader->values = reader->cpus < 0 ? NULL : calloc((size_t)reader->cpus, sizeof(*reader->values));
	if (reader->values)
		return 0;
	return reader->cpus < 0 ? reader->cpus : -ENOMEM;
}

static void reader_free(struct reader *reader)
{
	free(reader->values);
}

/* Fills `sums` for the slots from `first`, which begins a group. Returns 0 or -errno. */
static int reader_sum(struct reader *reader, __u32 first)
{
	unsigned int bank = bank_of(first);
	__u32 key = (first - banks[bank].first) / COUNTER_GROUP_SLOTS;

	if (bpf_map_lookup_elem(reader->lasting->fds[LASTING_COUNTERS + bank], &key, reader->values))
		return -errno;
	memset(reader->sums, 0, sizeof(reader->sums));
	for (int cpu = 0; cpu < reader->cpus; cpu++) {
		for (__u32 i = 0; i < COUNTER_GROUP_SLOTS; i++) {
			const struct rule_counter *value = reader->values[cpu].counters + i;

			reader->sums[i].packets += value->packets;
			reader->sums[i].bytes += value->bytes;
			if (value->last_match > reader->sums[i].last_match)
				reader->sums[i].last_match = value->last_match;
		}
	}
	return 0;
}

/* Takes off what `count` counters from `first` had counted when they were set to zero. Returns 0 or -errno. */
static int subtract_zeros(const struct lasting *lasting, __u32 first, __u32 count, struct rule_counter *sums)
{
	unsigned int bank = bank_of(first);
	struct counter_zero zero;

	for (__u32 i = 0; i < count; i++) {
		__u32 key = first - banks[bank].first + i;

		if (!sums[i].packets)
			continue;
		if (bpf_map_lookup_elem(lasting->fds[LASTING_COUNTER_ZEROS + bank], &key, &zero))
			return -errno;
		sums[i].packets -= zero.packets;
		sums[i].bytes -= zero.bytes;
		if (!sums[i].packets)
			sums[i].last_match = 0;
	}
	return 0;
}

int counters_read(const struct lasting *lasting, __u32 slots, struct rule_counter *sums)
{
	struct reader reader;
	int result = reader_make(&reader, lasting);

	for (__u32 first = 0; !result && first < slots; first += COUNTER_GROUP_SLOTS) {
		__u32 count = slots - first < COUNTER_GROUP_SLOTS ? slots - first : COUNTER_GROUP_SLOTS;

		if (!bank_full_size(lasting, bank_of(first)))
			break;
		result = reader_sum(&reader, first);
		if (!result)
			result = subtract_zeros(lasting, first, count, reader.sums);
		if (!result)
			memcpy(sums + first, reader.sums, count * sizeof(*sums));
	}
	reader_free(&reader);
	return result;
}

/* The marked ones of the group from `first`. Returns 0 or -errno. */
static int zero_group(struct reader *reader, __u32 first, const bool *slots)
{
	unsigned int bank = bank_of(first);
	int result = reader_sum(reader, first);

	for (__u32 i = 0; !result && i < COUNTER_GROUP_SLOTS; i++) {
		struct counter_zero zero = {reader->sums[i].packets, reader->sums[i].bytes};
		__u32 key = first - banks[bank].first + i;

		if (slots[first + i] &&
		    bpf_map_update_elem(reader->lasting->fds[LASTING_COUNTER_ZEROS + bank], &key, &zero, BPF_EXIST))
			result = -errno;
	}
	return result;
}

int counters_zero(const struct lasting *lasting, const bool *slots, __u32 count)
{
	struct reader reader;
	int result = reader_make(&reader, lasting);

	for (__u32 first = 0; !result && first < count; first += COUNTER_GROUP_SLOTS)
		if (memchr(slots + first, 1, COUNTER_GROUP_SLOTS))
			result = zero_group(&reader, first, slots);
	reader_free(&reader);
	return result;
}

/*
 * Slots [0, limit) are searched: as many banks as leave a quarter of the slots free, so that a freed slot rests for a
 * while, and no fewer than are in use.
 */
static __u32 slot_limit(size_t wanted, __u32 highest)
{
	__u32 limit = 0;

	for (unsigned int bank = 0; bank < COUNTER_BANKS; bank++) {
		limit += banks[bank].slots;
		if (wanted <= limit - limit / 4 && highest < limit)
			break;
	}
	return limit;
}

static int grow_banks(struct lasting *lasting, const struct pins *pins, const char *object_path, __u32 limit)
{
	int result = 0;

	for (unsigned int bank = 0; !result && bank <= bank_of(limit - 1); bank++) {
		if (bank_full_size(lasting, bank))
			continue;
		result = lasting_grow(lasting, pins, object_path, LASTING_COUNTER_ZEROS + bank, banks[bank].slots);
		if (!result)
			result = lasting_grow(lasting, pins, object_path, LASTING_COUNTERS + bank,
					      banks[bank].slots / COUNTER_GROUP_SLOTS);
	}
	return result;
}

/* `fresh` has room for `limit` slots, all false: the slots given become true. */
static int assign_free(const struct lasting *lasting, struct ruleset *ruleset, __u32 unassigned, bool *used,
		       __u32 limit, bool *fresh)
{
	__u32 slot = lasting->control->next_slot;
	int result = 0;

	for (size_t i = 0; !result && i < ruleset->count; i++) {
		if (ruleset->rules[i]->slot != unassigned)
			continue;
		for (; slot >= limit || used[slot]; slot = slot >= limit ? COUNTER_SLOT_DEFAULT + 1 : slot + 1)
			;
		if (rule_find_option(ruleset->rules[i], OPTION_LOG))
			result = log_count_reset(lasting, slot);
		if (!result) {
			used[slot] = fresh[slot] = true;
			ruleset->rules[i]->slot = slot++;
		}
	}
	lasting->control->next_slot = slot;
	return result ? result : counters_zero(lasting, fresh, limit);
}

/* The greatest slot that a rule has, if it is greater than `highest`. */
static __u32 highest_slot(const struct ruleset *ruleset, __u32 highest)
{
	for (size_t i = 0; i < ruleset->count; i++)
		if (ruleset->rules[i]->slot < COUNTER_SLOTS && ruleset->rules[i]->slot > highest)
			highest = ruleset->rules[i]->slot;
	return highest;
}

/* Marks the slots that the rules have. Returns how many were not marked yet. */
static size_t mark_used(const struct ruleset *ruleset, bool *used)
{
	size_t marked = 0;

	for (size_t i = 0; i < ruleset->count; i++) {
		__u32 slot = ruleset->rules[i]->slot;

		if (slot >= COUNTER_SLOTS || used[slot])
			continue;
		used[slot] = true;
		marked++;
	}
	return marked;
}

int counters_assign(struct lasting *lasting, const struct pins *pins, const char *object_path,
		    const struct ruleset *active, struct ruleset *ruleset, __u32 unassigned)
{
	__u32 highest = highest_slot(active, highest_slot(ruleset, COUNTER_SLOT_DEFAULT));
	__u32 limit = slot_limit(1 + ruleset->count + active->count, highest); /* at most, which is what takes room */
	bool *used = calloc(2 * (size_t)limit, sizeof(*used));
	size_t wanted = 1;
	int result;

	if (!used)
		return -ENOMEM;
	used[COUNTER_SLOT_DEFAULT] = true;
	wanted += mark_used(ruleset, used) + mark_used(active, used);
	for (size_t i = 0; i < ruleset->count; i++)
		wanted += ruleset->rules[i]->slot == unassigned;
	limit = slot_limit(wanted, highest);
	result = wanted > COUNTER_SLOTS ? -ENOSPC : grow_banks(lasting, pins, object_path, limit);
	if (!result)
		result = log_counts_grow(lasting, pins, object_path, ruleset);
	if (!result)
		result = assign_free(lasting, ruleset, unassigned, used, limit, used + limit);
	free(used);
	return result;
}
