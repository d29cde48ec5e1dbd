/* SPDX-License-Identifier: GPL-2.0-only */
/* More room for dynamic rules: larger maps take the place of those that are in use. */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "maps/create.h"
#include "maps/states.h"

#define BATCH_ENTRIES 256

/* Maps that belong together, and what says how many elements they are to have. */
static const struct table {
	enum lasting_map maps[STATE_TABLE_MAPS]; /* elements, their ring */
	size_t map_count;
	__u32 family;	/* of states; 0: parents, which are in a hash */
	size_t maximum; /* of struct control */
} tables[STATE_TABLES] = {
	{{LASTING_STATES4}, 1, 4, offsetof(struct control, dyn_max)},
	{{LASTING_STATES6}, 1, 6, offsetof(struct control, dyn_max)},
	{{LASTING_STATE_PARENTS, LASTING_STATE_RING_PARENTS}, 2, 0, offsetof(struct control, dyn_parent_max)},
};

static __u32 wanted_entries(const struct lasting *lasting, const struct table *table)
{
	__u32 entries;

	memcpy(&entries, (const char *)lasting->control + table->maximum, sizeof(entries));
	return entries;
}

static bool too_small(const struct lasting *lasting, const struct table *table)
{
	__u32 room = table->family ? state_table_room(lasting->fds[table->maps[0]])
				   : lasting_entries(lasting, table->maps[0]);

	return room < wanted_entries(lasting, table);
}

bool states_need_room(const struct lasting *lasting, const struct ruleset *ruleset)
{
	bool need = lasting_entries(lasting, LASTING_STATE_OWNERS) < COUNTER_SLOTS;

	for (size_t i = 0; i < STATE_TABLES; i++)
		need |= too_small(lasting, tables + i);
	return need && ruleset_makes_states(ruleset);
}

/* Groups of cells for so many states: eight of fifteen cells at most are in use. */
static __u32 groups_for(__u32 states)
{
	return 1 + (__u32)((__u64)states * 15 / 8 / STATE_GROUP_CELLS);
}

__u32 state_table_elements(__u32 states)
{
	return 1 + groups_for(states);
}

/* Room for an element of a map "states*", the first of which begins with the head. */
union state_element {
	struct state_head head;
	struct state4_group group4;
	struct state6_group group6;
};

int state_table_prepare(int fd, __u32 states)
{
	union state_element element = {0};
	__u32 first = 0;

	element.head = (struct state_head){.groups = groups_for(states), .states = states};
	if (getrandom(&element.head.seed, sizeof(element.head.seed), 0) < 0 ||
	    bpf_map_update_elem(fd, &first, &element, BPF_ANY))
		return -errno;
	return 0;
}

__u32 state_table_room(int fd)
{
	union state_element element = {0};
	__u32 first = 0;

	return bpf_map_lookup_elem(fd, &first, &element) ? 0 : element.head.states;
}

/* Adds what the new map has not yet. */
static int add_parents(const struct lasting *lasting, const struct state_parent_key *keys,
		       const struct state_parent *parents, __u32 count)
{
	for (__u32 i = 0; i < count; i++) {
		if (!bpf_map_update_elem(lasting->fds[LASTING_STATE_PARENTS], keys + i, parents + i, BPF_NOEXIST)) {
			if (bpf_map_update_elem(lasting->fds[LASTING_STATE_RING_PARENTS], NULL, keys + i, BPF_ANY))
				return -errno;
		} else if (errno != EEXIST) {
			return -errno;
		}
	}
	return 0;
}

static int copy_parents(const struct lasting *lasting, int old)
{
	struct state_parent_key keys[BATCH_ENTRIES];
	struct state_parent parents[BATCH_ENTRIES];
	bool first = true, last = false;
	__u32 position = 0, count;
	int result = 0;

	while (!result && !last) {
		count = BATCH_ENTRIES;
		if (bpf_map_lookup_batch(old, first ? NULL : &position, &position, keys, parents, &count, NULL)) {
			result = errno == ENOENT ? 0 : -errno;
			last = true;
		}
		first = false;
		if (!result)
			result = add_parents(lasting, keys, parents, count);
	}
	return result;
}

static int restore(int program, struct state_restore_request *request)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = request, .data_size_in = sizeof(*request));

	if (bpf_prog_test_run_opts(program, &options))
		return -errno;
	return (int)options.retval == -EEXIST ? 0 : (int)options.retval;
}

/* Adds what the new map has not yet. A state that is just being made anew (rule 0) will not be missed. */
static int copy_states(__u32 family, int program, const struct state_cells *cells)
{
	struct state_restore_request request = {.family = family};
	int result = 0;

	for (__u32 i = 0; !result && i < cells->count; i++) {
		const struct state *state = state_cells_at(cells, i);

		request.state = *state;
		if (family == 4)
			request.key4 = ((const struct state4_cell *)(const void *)state)->key;
		else
			request.key6 = ((const struct state6_cell *)(const void *)state)->key;
		if (request.state.rule)
			result = restore(program, &request);
	}
	return result;
}

/* Takes over what is in the old maps; `old` as in struct states_room. */
static int copy_table(const struct table *table, const struct lasting *lasting, const struct pins *pins, const int *old)
{
	struct state_cells cells;
	char path[PINS_PATH_MAX];
	int program, result;

	if (!table->family)
		return copy_parents(lasting, old[0]);
	pins_path(path, pins, RESTORE_PROGRAM);
	program = pins_get(path);
	if (program < 0)
		return program;
	result = state_cells_open(&cells, table->family, old[0]);
	if (!result)
		result = copy_states(table->family, program, &cells);
	state_cells_close(&cells);
	close(program);
	return result;
}

/* Makes all maps of a table anew. */
static int grow_table(const struct table *table, struct lasting *lasting, const char *object_path,
		      struct states_room *room)
{
	__u32 entries = wanted_entries(lasting, table);
	struct map_order orders[STATE_TABLE_MAPS];
	int result;

	for (size_t i = 0; i < table->map_count; i++)
		orders[i] = (struct map_order){.name = lasting_names[table->maps[i]], .entries = entries};
	if (table->family)
		orders[0].entries = state_table_elements(entries);
	result = maps_create(object_path, orders, table->map_count);
	if (result)
		return result;
	for (size_t i = 0; i < table->map_count; i++) {
		room->old[table - tables][i] = lasting->fds[table->maps[i]];
		lasting->fds[table->maps[i]] = orders[i].fd;
	}
	room->made[table - tables] = true;
	lasting->control->sweep_checksum = 0; /* it works on the old ones */
	return table->family ? state_table_prepare(orders[0].fd, entries) : 0;
}

int states_room_make(struct states_room *room, struct lasting *lasting, const struct pins *pins,
		     const char *object_path, const struct ruleset *ruleset)
{
	int result = 0;

	*room = (struct states_room){0};
	if (!ruleset_makes_states(ruleset))
		return 0;
	if (lasting_entries(lasting, LASTING_STATE_OWNERS) < COUNTER_SLOTS)
		result = lasting_grow(lasting, pins, object_path, LASTING_STATE_OWNERS, COUNTER_SLOTS);
	for (size_t i = 0; !result && i < STATE_TABLES; i++)
		if (too_small(lasting, tables + i))
			result = grow_table(tables + i, lasting, object_path, room);
	return result;
}

static int pin_table(const struct table *table, const struct lasting *lasting, const struct pins *pins)
{
	char path[PINS_PATH_MAX];
	int result = 0;

	/* The elements last: their size says that all have been made anew, and a commit that is killed loses none. */
	for (size_t i = table->map_count; !result && i--;) {
		pins_path(path, pins, lasting_names[table->maps[i]]);
		result = pins_replace(path, lasting->fds[table->maps[i]]);
	}
	return result;
}

int states_room_pin(const struct states_room *room, const struct lasting *lasting, const struct pins *pins)
{
	int result = 0;

	for (size_t i = 0; !result && i < STATE_TABLES; i++) {
		if (!room->made[i])
			continue;
		result = copy_table(tables + i, lasting, pins, room->old[i]);
		if (!result)
			result = pin_table(tables + i, lasting, pins);
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

void states_room_end(struct states_room *room, struct lasting *lasting, const struct pins *pins, bool committed)
{
	for (size_t i = 0; i < STATE_TABLES; i++) {
		if (!room->made[i])
			continue;
		/* What packets have made meanwhile; a failure costs them no more than these. */
		if (committed)
			copy_table(tables + i, lasting, pins, room->old[i]);
		else
			lasting->control->sweep_checksum = 0;
		for (size_t k = 0; k < tables[i].map_count; k++)
			settle(&lasting->fds[tables[i].maps[k]], room->old[i][k], committed);
	}
	*room = (struct states_room){0};
}
