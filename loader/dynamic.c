/* SPDX-License-Identifier: GPL-2.0-only */
/* Dynamic rules as firewall.h shows them: entries of the state maps whose rule is in force. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/clock.h"
#include "loader/generation.h"
#include "loader/state.h"
#include "maps/states.h"

/* Which entries are dynamic rules. */
struct owners {
	const struct rule *rules[COUNTER_SLOTS]; /* by counter slot; NULL: no rule has it */
	__u32 identities[COUNTER_SLOTS];	 /* STATE_RULE() in force for it, 0: none */
};

/* A walk over the maps. */
struct walk {
	const struct lasting *lasting;
	struct owners *owners;
	struct state_totals totals;
	bool expired; /* what has expired is wanted as well */
	dynamic_visit visit;
	void *argument;
	const bool *slots; /* delete: rules whose states are to die */
	int killer;	   /* and KILL_PROGRAM */
};

/* What firewall_dynamic() has found. */
struct found {
	struct dynamic_rule *rules;
	size_t count, capacity;
};

/* Notes what the map "state_rules" of the active generation says. */
static int read_identities(const struct firewall *firewall, struct owners *owners)
{
	const struct ruleset *ruleset = &firewall->ruleset;
	char path[PINS_PATH_MAX];
	int fd, result = 0;

	pins_generation_path(path, &firewall->pins, firewall->lasting.control->generation,
			     generation_map_names[GENERATION_STATE_RULES]);
	fd = pins_get(path);
	if (fd < 0)
		return fd;
	for (size_t i = 0; !result && i < ruleset->count; i++) {
		const struct rule *rule = ruleset->rules[i];
		struct state_rule state_rule;

		if (!rule_state_option(rule))
			continue;
		owners->rules[rule->slot] = rule;
		result = bpf_map_lookup_elem(fd, &rule->slot, &state_rule) ? -errno : 0;
		owners->identities[rule->slot] = state_rule.rule;
	}
	close(fd);
	return result;
}

/* The rule that the entry belongs to, NULL: it is a dynamic rule no more. */
static const struct rule *owner(const struct owners *owners, const struct state_entry *entry)
{
	if (!entry->rule || entry->slot >= COUNTER_SLOTS || owners->identities[entry->slot] != entry->rule)
		return NULL;
	return owners->rules[entry->slot];
}

static __u32 tcp_word(__u32 flags)
{
	__u32 word = flags & STATE_TCP_FLAGS;

	word |= (flags >> STATE_BACKWARD_SHIFT & STATE_TCP_FLAGS) << DYNAMIC_BACKWARD_SHIFT;
	word |= flags & STATE_ACK_FORWARD ? DYNAMIC_ACK_FORWARD : 0;
	return word | (flags & STATE_ACK_BACKWARD ? DYNAMIC_ACK_BACKWARD : 0);
}

static void fill(struct dynamic_rule *dynamic, const struct state_entry *entry, const struct rule *rule)
{
	static const enum dynamic_kind kinds[] = {
		[STATE_ENTRY_STATE] = DYNAMIC_STATE,
		[STATE_ENTRY_LIMIT] = DYNAMIC_LIMIT,
		[STATE_ENTRY_PARENT] = DYNAMIC_PARENT,
	};

	*dynamic = (struct dynamic_rule){
		.kind = kinds[entry->kind],
		.rule = rule,
		.family = entry->family,
		.protocol = entry->protocol,
		.source_port = entry->source_port,
		.destination_port = entry->destination_port,
		.zone = entry->zone,
		.packets = entry->packets,
		.bytes = entry->bytes,
		.seconds = (entry->remaining + 999) / 1000,
		.states = entry->count,
		.tcp = tcp_word(entry->flags),
		.acks = {entry->ack[0], entry->ack[1]},
	};
	memcpy(dynamic->source, entry->source, sizeof(dynamic->source));
	memcpy(dynamic->destination, entry->destination, sizeof(dynamic->destination));
}

static int visit_if_dynamic(const struct state_entry *entry, void *data)
{
	const struct walk *walk = data;
	const struct rule *rule = owner(walk->owners, entry);
	struct dynamic_rule dynamic;

	if (!rule || entry->flags & STATE_KILLED || (entry->dead && !walk->expired))
		return 0;
	fill(&dynamic, entry, rule);
	dynamic.age = (__u16)(walk->totals.sequence - (entry->flags >> STATE_SEQUENCE_SHIFT));
	return walk->visit(walk->argument, &dynamic);
}

static int kill_if_selected(const struct state_entry *entry, void *data)
{
	const struct walk *walk = data;

	if (entry->dead || entry->kind == STATE_ENTRY_PARENT || !owner(walk->owners, entry) ||
	    !walk->slots[entry->slot])
		return 0;
	return state_kill(walk->killer, entry);
}

/* Walks over all entries, with walk->owners filled in meanwhile. */
static int run(struct firewall *firewall, struct walk *walk, states_visit visit)
{
	struct clock_reading now;
	int result;

	if (!firewall_loaded(firewall))
		return 0;
	walk->lasting = &firewall->lasting;
	result = states_totals(walk->lasting, &walk->totals);
	if (result || !(walk->totals.states + walk->totals.parents))
		return result;
	walk->owners = calloc(1, sizeof(*walk->owners));
	result = walk->owners ? clock_read(&now) : -ENOMEM;
	if (!result)
		result = read_identities(firewall, walk->owners);
	if (!result)
		result = states_walk(walk->lasting, states_now(walk->lasting, now.jiffies), visit, walk);
	free(walk->owners);
	return result;
}

int firewall_walk_dynamic(struct firewall *firewall, bool expired, dynamic_visit visit, void *argument)
{
	struct walk walk = {.expired = expired, .visit = visit, .argument = argument};

	return run(firewall, &walk, visit_if_dynamic);
}

int firewall_delete_dynamic(struct firewall *firewall, const bool *slots)
{
	struct walk walk = {.slots = slots};
	char path[PINS_PATH_MAX];
	int result;

	if (!firewall_loaded(firewall))
		return 0;
	pins_path(path, &firewall->pins, KILL_PROGRAM);
	walk.killer = pins_get(path);
	/* No rule has made states yet. */
	if (walk.killer == -ENOENT)
		return 0;
	if (walk.killer < 0)
		return walk.killer;
	result = run(firewall, &walk, kill_if_selected);
	close(walk.killer);
	return result;
}

static int append(void *argument, const struct dynamic_rule *dynamic)
{
	struct found *found = argument;

	if (found->count == found->capacity) {
		size_t capacity = found->capacity ? found->capacity * 2 : 64;
		struct dynamic_rule *grown = reallocarray(found->rules, capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		found->rules = grown;
		found->capacity = capacity;
	}
	found->rules[found->count++] = *dynamic;
	return 0;
}

static int compare(const void *one, const void *other)
{
	const struct dynamic_rule *a = one, *b = other;

	if (a->rule != b->rule) {
		if (a->rule->number != b->rule->number)
			return a->rule->number < b->rule->number ? -1 : 1;
		return a->rule->slot < b->rule->slot ? -1 : 1;
	}
	if ((a->kind == DYNAMIC_PARENT) != (b->kind == DYNAMIC_PARENT))
		return a->kind == DYNAMIC_PARENT ? -1 : 1;
	return a->age == b->age ? 0 : a->age > b->age ? -1 : 1;
}

int firewall_dynamic(struct firewall *firewall, bool expired, struct dynamic_rule **rules, size_t *count)
{
	struct found found = {0};
	int result = firewall_walk_dynamic(firewall, expired, append, &found);

	if (result) {
		free(found.rules);
		return result;
	}
	if (found.count)
		qsort(found.rules, found.count, sizeof(*found.rules), compare);
	*rules = found.rules;
	*count = found.count;
	return 0;
}

int firewall_dynamic_totals(const struct firewall *firewall, struct dynamic_totals *totals)
{
	struct state_totals counts;
	int result;

	*totals = (struct dynamic_totals){0};
	if (!firewall->lasting.control)
		return 0;
	result = states_totals(&firewall->lasting, &counts);
	if (result)
		return result;
	totals->states = counts.states;
	totals->parents = counts.parents;
	totals->refused = counts.refused;
	totals->room = state_table_room(firewall->lasting.fds[LASTING_STATES4]);
	return 0;
}
