/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/states.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define BATCH_ENTRIES 256

__u32 state_rules_elements(const struct ruleset *ruleset)
{
	__u32 elements = 1;

	for (size_t i = 0; i < ruleset->count; i++)
		if (rule_state_option(ruleset->rules[i]) && ruleset->rules[i]->slot >= elements)
			elements = ruleset->rules[i]->slot + 1;
	return elements;
}

int state_rules_write(int fd, int old, __u32 number, const struct ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->count; i++) {
		__u32 slot = ruleset->rules[i]->slot;
		struct state_rule rule = {0};

		if (!rule_state_option(ruleset->rules[i]))
			continue;
		/* A map that ends before the slot knows no rule with it. */
		if (old >= 0 && bpf_map_lookup_elem(old, &slot, &rule) && errno != ENOENT)
			return -errno;
		if (!rule.rule)
			rule.rule = STATE_RULE(slot, number);
		if (bpf_map_update_elem(fd, &slot, &rule, BPF_ANY))
			return -errno;
	}
	return 0;
}

int state_owners_add(const struct lasting *lasting, int fd, const struct ruleset *ruleset)
{
	int added = 0;

	for (size_t i = 0; i < ruleset->count; i++) {
		__u32 slot = ruleset->rules[i]->slot;
		struct state_rule rule;

		if (!rule_state_option(ruleset->rules[i]))
			continue;
		if (bpf_map_lookup_elem(fd, &slot, &rule) ||
		    bpf_map_update_elem(lasting->fds[LASTING_STATE_OWNERS], &slot, &rule, BPF_ANY))
			return -errno;
		added++;
	}
	return added;
}

static bool any_makes_states(const struct ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->count; i++)
		if (rule_state_option(ruleset->rules[i]))
			return true;
	return false;
}

int state_owners_remove(const struct lasting *lasting, const struct ruleset *old, const struct ruleset *ruleset)
{
	const struct state_rule none = {0};
	bool *present;
	int removed;

	if (!any_makes_states(old))
		return 0;
	present = calloc(COUNTER_SLOTS, sizeof(*present));
	removed = present ? 0 : -ENOMEM;

	for (size_t i = 0; removed >= 0 && i < ruleset->count; i++)
		present[ruleset->rules[i]->slot] = true;
	for (size_t i = 0; removed >= 0 && i < old->count; i++) {
		__u32 slot = old->rules[i]->slot;

		if (!rule_state_option(old->rules[i]) || present[slot])
			continue;
		if (bpf_map_update_elem(lasting->fds[LASTING_STATE_OWNERS], &slot, &none, BPF_ANY))
			removed = -errno;
		else
			removed++;
	}
	free(present);
	return removed;
}

__u32 states_now(const struct lasting *lasting, __u64 jiffies)
{
	return lasting->control->states_clock ? lasting->control->states_clock : (__u32)jiffies;
}

/* Milliseconds from `now` to `expire`, 0: it is past. */
static __u32 remaining(const struct lasting *lasting, __u32 expire, __u32 now)
{
	__s32 ticks = (__s32)(expire - now);

	return ticks <= 0 ? 0 : (__u32)((__u64)ticks * 1000 / lasting->control->jiffies_per_second);
}

static void read_state(struct state_entry *entry, const struct lasting *lasting, const struct state *state, __u32 now)
{
	entry->kind = state->flags & STATE_LIMITED ? STATE_ENTRY_LIMIT : STATE_ENTRY_STATE;
	entry->remaining = state->flags & STATE_KILLED ? 0 : remaining(lasting, state->expire, now);
	entry->dead = !state->rule || !entry->remaining;
	entry->rule = state->rule;
	entry->slot = STATE_RULE_SLOT(state->rule);
	entry->packets = state->packets;
	entry->bytes = state->bytes;
	entry->flags = state->flags;
	memcpy(entry->ack, state->ack, sizeof(entry->ack));
}

static void read_state4(struct state_entry *entry, const struct state4_key *key, const struct state *state)
{
	unsigned int source = !!(state->flags & STATE_SOURCE_SECOND);

	*entry = (struct state_entry){
		.family = 4,
		.protocol = key->protocol,
		.name = key->name,
		.source_port = key->port[source],
		.destination_port = key->port[!source],
		.source = {key->address[source]},
		.destination = {key->address[!source]},
	};
}

static void read_state6(struct state_entry *entry, const struct state6_key *key, const struct state *state)
{
	unsigned int source = !!(state->flags & STATE_SOURCE_SECOND);

	*entry = (struct state_entry){
		.family = 6,
		.protocol = key->protocol,
		.name = key->name,
		.source_port = key->port[source],
		.destination_port = key->port[!source],
		.zone = key->zone,
	};
	memcpy(entry->source, key->address[source].word, sizeof(entry->source));
	memcpy(entry->destination, key->address[!source].word, sizeof(entry->destination));
}

int state_cells_open(struct state_cells *cells, __u32 family, int fd)
{
	struct bpf_map_info info = {0};
	__u32 length = sizeof(info);
	void *memory;

	*cells = (struct state_cells){.cell_size =
					      family == 4 ? sizeof(struct state4_cell) : sizeof(struct state6_cell)};
	if (bpf_obj_get_info_by_fd(fd, &info, &length))
		return -errno;
	cells->size = (size_t)info.max_entries * info.value_size;
	memory = mmap(NULL, cells->size, PROT_READ, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	cells->memory = memory;
	cells->count = (info.max_entries - 1) * STATE_GROUP_CELLS;
	return 0;
}

void state_cells_close(struct state_cells *cells)
{
	if (cells->memory)
		munmap((void *)cells->memory, cells->size);
	cells->memory = NULL;
}

static void read_parent(struct state_entry *entry, const struct lasting *lasting, const struct state_parent_key *key,
			const struct state_parent *parent, __u32 now)
{
	*entry = (struct state_entry){
		.kind = STATE_ENTRY_PARENT,
		.family = key->family,
		.protocol = key->protocol,
		.name = key->name,
		.source_port = key->source_port,
		.destination_port = key->destination_port,
		.zone = key->zone,
		.rule = key->rule,
		.slot = STATE_RULE_SLOT(key->rule),
		.count = parent->count & ~STATE_PARENT_REMOVED,
		.remaining = remaining(lasting, parent->expire, now),
	};
	memcpy(entry->source, key->source, sizeof(entry->source));
	memcpy(entry->destination, key->destination, sizeof(entry->destination));
	entry->dead = !entry->count && !entry->remaining;
}

struct walk {
	const struct lasting *lasting;
	__u32 now;
	states_visit visit;
	void *data;
};

/* Shows the visitor a copy of the cell; one that is free is none of its business. */
static int visit_cell(const struct walk *walk, __u32 family, const struct state *cell)
{
	struct state state = *cell;
	struct state_entry entry;

	if (!state.rule)
		return 0;
	if (family == 4)
		read_state4(&entry, &((const struct state4_cell *)(const void *)cell)->key, &state);
	else
		read_state6(&entry, &((const struct state6_cell *)(const void *)cell)->key, &state);
	read_state(&entry, walk->lasting, &state, walk->now);
	return walk->visit(&entry, walk->data);
}

static int walk_cells(const struct walk *walk, __u32 family, enum lasting_map map)
{
	struct state_cells cells;
	int result = state_cells_open(&cells, family, walk->lasting->fds[map]);

	for (__u32 i = 0; !result && i < cells.count; i++)
		result = visit_cell(walk, family, state_cells_at(&cells, i));
	state_cells_close(&cells);
	return result;
}

static int walk_parents(const struct walk *walk)
{
	struct state_parent_key keys[BATCH_ENTRIES];
	struct state_parent parents[BATCH_ENTRIES];
	bool first = true, last = false;
	__u32 position = 0, count;
	struct state_entry entry;
	int result = 0;

	while (!result && !last) {
		count = BATCH_ENTRIES;
		if (bpf_map_lookup_batch(walk->lasting->fds[LASTING_STATE_PARENTS], first ? NULL : &position, &position,
					 keys, parents, &count, NULL)) {
			/* ENOENT tells the end of the map; the elements before it have been copied. */
			if (errno != ENOENT)
				result = -errno;
			last = true;
		}
		first = false;
		for (__u32 i = 0; !result && i < count; i++) {
			read_parent(&entry, walk->lasting, keys + i, parents + i, walk->now);
			result = walk->visit(&entry, walk->data);
		}
	}
	return result;
}

int states_walk(const struct lasting *lasting, __u32 now, states_visit visit, void *data)
{
	const struct walk walk = {lasting, now, visit, data};
	int result = walk_parents(&walk);

	if (!result)
		result = walk_cells(&walk, 4, LASTING_STATES4);
	if (!result)
		result = walk_cells(&walk, 6, LASTING_STATES6);
	return result;
}

static void key4_of(struct state4_key *key, const struct state_entry *entry)
{
	unsigned int source = !!(entry->flags & STATE_SOURCE_SECOND);

	*key = (struct state4_key){.name = entry->name, .protocol = entry->protocol, .used = STATE_KEY_FLOW};
	key->address[source] = entry->source[0];
	key->address[!source] = entry->destination[0];
	key->port[source] = entry->source_port;
	key->port[!source] = entry->destination_port;
}

static void key6_of(struct state6_key *key, const struct state_entry *entry)
{
	unsigned int source = !!(entry->flags & STATE_SOURCE_SECOND);

	*key = (struct state6_key){
		.zone = entry->zone, .name = entry->name, .protocol = entry->protocol, .used = STATE_KEY_FLOW};
	memcpy(key->address[source].word, entry->source, sizeof(entry->source));
	memcpy(key->address[!source].word, entry->destination, sizeof(entry->destination));
	key->port[source] = entry->source_port;
	key->port[!source] = entry->destination_port;
}

int state_kill(int program, const struct state_entry *entry)
{
	struct state_kill_request request = {.family = entry->family, .rule = entry->rule};
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &request, .ctx_size_in = sizeof(request));

	if (entry->kind == STATE_ENTRY_PARENT)
		return -EINVAL;
	if (entry->family == 4)
		key4_of(&request.key4, entry);
	else
		key6_of(&request.key6, entry);
	return bpf_prog_test_run_opts(program, &options) ? -errno : 0;
}

int states_totals(const struct lasting *lasting, struct state_totals *totals)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(lasting->fds[LASTING_STATE_TOTALS], &key, totals) ? -errno : 0;
}
