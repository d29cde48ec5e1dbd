/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/gone.h"

#include <errno.h>
#include <stdlib.h>

static bool any_gone(const struct ruleset *ruleset)
{
	return ruleset_present(ruleset) < ruleset->count;
}

bool gone_outdated(const struct firewall *firewall)
{
	return !firewall->lasting.control->dyn_keep_states && any_gone(&firewall->ruleset);
}

static int note_slot(void *argument, const struct dynamic_rule *dynamic)
{
	bool *used = argument;

	if (dynamic->kind != DYNAMIC_PARENT)
		used[dynamic->rule->slot] = true;
	return 0;
}

/* Removes the rules that are gone, except those whose slots are among `used`. */
static void give_up(struct ruleset *ruleset, const bool *used)
{
	for (size_t i = ruleset->count; i-- > 0;)
		if (ruleset->rules[i]->flags & RULE_GONE && !used[ruleset->rules[i]->slot])
			ruleset_remove(ruleset, i);
}

/*
 * A rule that has just been deleted is kept whether it has states or not: packets may make some until the new ruleset
 * takes its place.
 */
static int keep_deleted(const struct ruleset *active, struct ruleset *ruleset, bool *present)
{
	for (size_t i = 0; i < ruleset->count; i++)
		if (ruleset->rules[i]->slot < COUNTER_SLOTS)
			present[ruleset->rules[i]->slot] = true;
	for (size_t i = 0; i < active->count; i++) {
		const struct rule *rule = active->rules[i];
		struct rule *kept;

		if (rule->flags & RULE_GONE || !rule_state_option(rule) || present[rule->slot])
			continue;
		kept = rule_clone(rule);
		if (!kept)
			return -ENOMEM;
		kept->flags |= RULE_GONE;
		if (ruleset_insert(ruleset, kept)) {
			free(kept);
			return -ENOMEM;
		}
	}
	return 0;
}

int gone_update(struct firewall *firewall, struct ruleset *ruleset)
{
	bool keep = firewall->lasting.control->dyn_keep_states, *slots;
	int result = 0;

	if (!keep && !any_gone(ruleset))
		return 0;
	slots = calloc(COUNTER_SLOTS, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	if (keep && any_gone(ruleset))
		result = firewall_walk_dynamic(firewall, false, note_slot, slots);
	if (!result)
		give_up(ruleset, slots);
	if (!result && keep) {
		for (size_t slot = 0; slot < COUNTER_SLOTS; slot++)
			slots[slot] = false;
		result = keep_deleted(&firewall->ruleset, ruleset, slots);
	}
	free(slots);
	return result;
}
