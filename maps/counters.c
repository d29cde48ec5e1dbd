/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/counters.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "maps/log_counts.h"

#define BATCH_SLOTS 1024

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
	return lasting_entries(lasting, LASTING_COUNTERS + bank) == banks[bank].slots;
}

static void add_up(struct rule_counter *sum, const struct rule_counter *values, int cpus)
{
	memset(sum, 0, sizeof(*sum));
	for (int cpu = 0; cpu < cpus; cpu++) {
		sum->packets += values[cpu].packets;
		sum->bytes += values[cpu].bytes;
		if (values[cpu].last_match > sum->last_match)
			sum->last_match = values[cpu].last_match;
	}
}

static int read_bank(int fd, __u32 slots, struct rule_counter *sums, int cpus)
{
	struct rule_counter *values = calloc((size_t)BATCH_SLOTS * (size_t)cpus, sizeof(*values));
	__u32 *keys = calloc(BATCH_SLOTS, sizeof(*keys)), position = 0, done = 0, count;
	int result = values && keys ? 0 : -ENOMEM;

	while (!result && done < slots) {
		count = slots - done < BATCH_SLOTS ? slots - done : BATCH_SLOTS;
		/* ENOENT tells the end of the map; the elements before it have been copied. */
		result = bpf_map_lookup_batch(fd, done ? &position : NULL, &position, keys, values, &count, NULL);
		if (result && errno != ENOENT)
			break;
		result = 0;
		if (!count)
			break;
		for (__u32 i = 0; i < count; i++)
			add_up(&sums[keys[i]], values + (size_t)i * (size_t)cpus, cpus);
		done += count;
	}
	if (result)
		result = result == -ENOMEM ? -ENOMEM : -errno;
	free(values);
	free(keys);
	return result;
}

int counters_read(const struct lasting *lasting, __u32 slots, struct rule_counter *sums)
{
	int cpus = libbpf_num_possible_cpus(), result = cpus < 0 ? cpus : 0;

	for (unsigned int bank = 0; !result && bank < COUNTER_BANKS && slots > banks[bank].first; bank++) {
		__u32 wanted = slots - banks[bank].first;

		if (bank_full_size(lasting, bank))
			result = read_bank(lasting->fds[LASTING_COUNTERS + bank],
					   wanted < banks[bank].slots ? wanted : banks[bank].slots,
					   sums + banks[bank].first, cpus);
	}
	return result;
}

/* `zeroes` holds one struct rule_counter for each possible CPU. */
static int zero_slot(const struct lasting *lasting, __u32 slot, const struct rule_counter *zeroes)
{
	unsigned int bank = bank_of(slot);
	__u32 index = slot - banks[bank].first;

	return bpf_map_update_elem(lasting->fds[LASTING_COUNTERS + bank], &index, zeroes, BPF_EXIST) ? -errno : 0;
}

static struct rule_counter *make_zeroes(void)
{
	int cpus = libbpf_num_possible_cpus();

	return cpus < 0 ? NULL : calloc((size_t)cpus, sizeof(struct rule_counter));
}

int counters_zero(const struct lasting *lasting, __u32 slot)
{
	struct rule_counter *zeroes;
	int result;

	if (slot >= COUNTER_SLOTS)
		return -EINVAL;
	zeroes = make_zeroes();
	result = zeroes ? zero_slot(lasting, slot, zeroes) : -ENOMEM;
	free(zeroes);
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

	for (unsigned int bank = 0; !result && bank <= bank_of(limit - 1); bank++)
		if (!bank_full_size(lasting, bank))
			result = lasting_grow(lasting, pins, object_path, LASTING_COUNTERS + bank, banks[bank].slots);
	return result;
}

static int assign_free(const struct lasting *lasting, struct ruleset *ruleset, __u32 unassigned, bool *used,
		       __u32 limit)
{
	struct rule_counter *zeroes = make_zeroes();
	__u32 slot = lasting->control->next_slot;
	int result = zeroes ? 0 : -ENOMEM;

	for (size_t i = 0; !result && i < ruleset->count; i++) {
		if (ruleset->rules[i]->slot != unassigned)
			continue;
		for (; slot >= limit || used[slot]; slot = slot >= limit ? COUNTER_SLOT_DEFAULT + 1 : slot + 1)
			;
		result = zero_slot(lasting, slot, zeroes);
		if (!result && rule_find_option(ruleset->rules[i], OPTION_LOG))
			result = log_count_reset(lasting, slot);
		if (!result) {
			used[slot] = true;
			ruleset->rules[i]->slot = slot++;
		}
	}
	lasting->control->next_slot = slot;
	free(zeroes);
	return result;
}

/* Marks the slots that the rules have. Returns how many were not marked yet; *highest grows to the greatest. */
static size_t mark_used(const struct ruleset *ruleset, bool *used, __u32 *highest)
{
	size_t marked = 0;

	for (size_t i = 0; i < ruleset->count; i++) {
		__u32 slot = ruleset->rules[i]->slot;

		if (slot >= COUNTER_SLOTS || used[slot])
			continue;
		used[slot] = true;
		marked++;
		if (slot > *highest)
			*highest = slot;
	}
	return marked;
}

int counters_assign(struct lasting *lasting, const struct pins *pins, const char *object_path,
		    const struct ruleset *active, struct ruleset *ruleset, __u32 unassigned)
{
	bool *used = calloc(COUNTER_SLOTS, sizeof(*used));
	__u32 highest = COUNTER_SLOT_DEFAULT, limit;
	size_t wanted = 1;
	int result;

	if (!used)
		return -ENOMEM;
	used[COUNTER_SLOT_DEFAULT] = true;
	wanted += mark_used(ruleset, used, &highest) + mark_used(active, used, &highest);
	for (size_t i = 0; i < ruleset->count; i++)
		wanted += ruleset->rules[i]->slot == unassigned;
	limit = slot_limit(wanted, highest);
	result = wanted > COUNTER_SLOTS ? -ENOSPC : grow_banks(lasting, pins, object_path, limit);
	if (!result)
		result = log_counts_grow(lasting, pins, object_path, ruleset);
	if (!result)
		result = assign_free(lasting, ruleset, unassigned, used, limit);
	free(used);
	return result;
}
