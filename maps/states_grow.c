/* SPDX-License-Identifier: GPL-2.0-only */
/* More room for dynamic rules: larger maps take the place of those that are in use. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "maps/create.h"
#include "maps/states.h"

#define BATCH_ENTRIES 256

/* A hash with the ring of its keys, and what says how many elements both are to have. */
static const struct table {
	enum lasting_map hash, ring;
	size_t key_size, value_size;
	size_t maximum; /* of struct control */
} tables[STATE_TABLES] = {
	{LASTING_STATES4, LASTING_STATE_RING_4, sizeof(struct state4_key), sizeof(struct state),
	 offsetof(struct control, dyn_max)},
	{LASTING_STATES6, LASTING_STATE_RING_6, sizeof(struct state6_key), sizeof(struct state),
	 offsetof(struct control, dyn_max)},
	{LASTING_STATE_PARENTS, LASTING_STATE_RING_PARENTS, sizeof(struct state_parent_key),
	 sizeof(struct state_parent), offsetof(struct control, dyn_parent_max)},
};

static __u32 wanted_entries(const struct lasting *lasting, const struct table *table)
{
	__u32 entries;

	memcpy(&entries, (const char *)lasting->control + table->maximum, sizeof(entries));
	return entries;
}

static bool too_small(const struct lasting *lasting, const struct table *table)
{
	return lasting_entries(lasting, table->hash) < wanted_entries(lasting, table);
}

bool states_need_room(const struct lasting *lasting, const struct ruleset *ruleset)
{
	bool need = lasting_entries(lasting, LASTING_STATE_OWNERS) < COUNTER_SLOTS;

	for (size_t i = 0; i < STATE_TABLES; i++)
		need |= too_small(lasting, tables + i);
	return need && ruleset_makes_states(ruleset);
}

/* Adds what the new map has not yet. A state that is just being made anew (rule 0) will not be missed. */
static int add_elements(const struct table *table, const struct lasting *lasting, const char *keys, const char *values,
			__u32 count)
{
	for (__u32 i = 0; i < count; i++) {
		const char *key = keys + i * table->key_size, *value = values + i * table->value_size;

		if (table->hash != LASTING_STATE_PARENTS && !((const struct state *)(const void *)value)->rule)
			continue;
		if (!bpf_map_update_elem(lasting->fds[table->hash], key, value, BPF_NOEXIST)) {
			if (bpf_map_update_elem(lasting->fds[table->ring], NULL, key, BPF_ANY))
				return -errno;
		} else if (errno != EEXIST) {
			return -errno;
		}
	}
	return 0;
}

static int copy_elements(const struct table *table, const struct lasting *lasting, int old)
{
	char *keys = calloc(BATCH_ENTRIES, table->key_size), *values = calloc(BATCH_ENTRIES, table->value_size);
	__u32 position = 0, count;
	int result = keys && values ? 0 : -ENOMEM;
	bool first = true, last = false;

	while (!result && !last) {
		count = BATCH_ENTRIES;
		if (bpf_map_lookup_batch(old, first ? NULL : &position, &position, keys, values, &count, NULL)) {
			result = errno == ENOENT ? 0 : -errno;
			last = true;
		}
		first = false;
		if (!result)
			result = add_elements(table, lasting, keys, values, count);
	}
	free(keys);
	free(values);
	return result;
}

/* Makes both maps of a table anew, with what is in the old ones. */
static int grow_table(const struct table *table, struct lasting *lasting, const char *object_path,
		      struct states_room *room)
{
	__u32 entries = wanted_entries(lasting, table);
	struct map_order orders[] = {{.name = lasting_names[table->hash], .entries = entries},
				     {.name = lasting_names[table->ring], .entries = entries}};
	int result = maps_create(object_path, orders, 2);

	if (result)
		return result;
	room->hashes[table - tables] = lasting->fds[table->hash];
	room->rings[table - tables] = lasting->fds[table->ring];
	lasting->fds[table->hash] = orders[0].fd;
	lasting->fds[table->ring] = orders[1].fd;
	lasting->control->sweep_checksum = 0; /* it works on the old ones */
	return copy_elements(table, lasting, room->hashes[table - tables]);
}

int states_room_make(struct states_room *room, struct lasting *lasting, const struct pins *pins,
		     const char *object_path, const struct ruleset *ruleset)
{
	int result = 0;

	for (size_t i = 0; i < STATE_TABLES; i++)
		room->hashes[i] = room->rings[i] = -1;
	if (!ruleset_makes_states(ruleset))
		return 0;
	if (lasting_entries(lasting, LASTING_STATE_OWNERS) < COUNTER_SLOTS)
		result = lasting_grow(lasting, pins, object_path, LASTING_STATE_OWNERS, COUNTER_SLOTS);
	for (size_t i = 0; !result && i < STATE_TABLES; i++)
		if (too_small(lasting, tables + i))
			result = grow_table(tables + i, lasting, object_path, room);
	return result;
}

int states_room_pin(const struct states_room *room, const struct lasting *lasting, const struct pins *pins)
{
	char path[PINS_PATH_MAX];
	int result = 0;

	for (size_t i = 0; !result && i < STATE_TABLES; i++) {
		if (room->hashes[i] < 0)
			continue;
		pins_path(path, pins, lasting_names[tables[i].ring]);
		result = pins_replace(path, lasting->fds[tables[i].ring]);
		pins_path(path, pins, lasting_names[tables[i].hash]);
		if (!result)
			result = pins_replace(path, lasting->fds[tables[i].hash]);
	}
	return result;
}

/* Puts `old` back in place of *fd, or closes it. */
static void settle(int *fd, int old, bool keep)
{
	close(keep ? old : *fd);
	if (!keep)
		*fd = old;
}

void states_room_end(struct states_room *room, struct lasting *lasting, bool committed)
{
	for (size_t i = 0; i < STATE_TABLES; i++) {
		if (room->hashes[i] < 0)
			continue;
		/* What packets have made meanwhile; a failure costs them no more than these. */
		if (committed)
			copy_elements(tables + i, lasting, room->hashes[i]);
		else
			lasting->control->sweep_checksum = 0;
		settle(&lasting->fds[tables[i].hash], room->hashes[i], committed);
		settle(&lasting->fds[tables[i].ring], room->rings[i], committed);
		room->hashes[i] = room->rings[i] = -1;
	}
}
