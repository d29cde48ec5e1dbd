/* SPDX-License-Identifier: GPL-2.0-only */
#include "ipfw-compat/ruleset_edit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loader/firewall.h"

bool selection_matches(const struct selection *selection, const struct rule *rule)
{
	return !(rule->flags & RULE_GONE) && selection_covers(selection, rule);
}

bool selection_covers(const struct selection *selection, const struct rule *rule)
{
	if (rule->number < selection->first || rule->number > selection->last)
		return false;
	if (selection->set != ANY_SET && rule->set != selection->set)
		return false;
	return !(selection->spare_default_set && rule->set == RULE_SET_DEFAULT);
}

unsigned int ruleset_next_number(const struct ruleset *ruleset, unsigned int step)
{
	size_t behind = ruleset_find(ruleset, RULE_NUMBER_DEFAULT);
	unsigned int last;

	while (behind && ruleset->rules[behind - 1]->flags & RULE_GONE)
		behind--;
	last = behind ? ruleset->rules[behind - 1]->number : 0;
	return last + step < RULE_NUMBER_DEFAULT ? last + step : last;
}

/* Makes room for `more` rules. Returns 0 or -ENOMEM. */
static int reserve(struct ruleset *ruleset, size_t more)
{
	struct rule **rules;

	if (ruleset->count + more <= ruleset->capacity)
		return 0;
	rules = reallocarray(ruleset->rules, ruleset->count + more, sizeof(*rules));
	if (!rules)
		return -ENOMEM;
	ruleset->rules = rules;
	ruleset->capacity = ruleset->count + more;
	return 0;
}

/* The default rule can neither be deleted nor moved. */
static bool to_change(const struct selection *selection, const struct rule *rule)
{
	return rule->number != RULE_NUMBER_DEFAULT && selection_matches(selection, rule);
}

int ruleset_delete(struct ruleset *ruleset, struct ruleset *removed, const struct selection *selection)
{
	size_t begin = ruleset_find(ruleset, selection->first);
	size_t selected = 0, kept = begin;

	for (size_t i = begin; i < ruleset->count; i++) {
		if (!to_change(selection, ruleset->rules[i]))
			continue;
		if (ruleset_detach(ruleset, i))
			return -ENOMEM;
		selected++;
	}
	/* With the room made first, no insertion below can fail. */
	if (reserve(removed, selected))
		return -ENOMEM;
	for (size_t i = begin; i < ruleset->count; i++) {
		if (to_change(selection, ruleset->rules[i]))
			ruleset_insert(removed, ruleset->rules[i]);
		else
			ruleset->rules[kept++] = ruleset->rules[i];
	}
	ruleset->count = kept;
	return (int)selected;
}

bool ruleset_move(struct ruleset *ruleset, const struct selection *selection, unsigned int set)
{
	bool changed = false;

	for (size_t i = ruleset_find(ruleset, selection->first); i < ruleset->count; i++) {
		struct rule *rule = ruleset->rules[i];

		if (!to_change(selection, rule) || rule->set == set)
			continue;
		rule->set = (__u8)set;
		changed = true;
	}
	return changed;
}

bool ruleset_swap_sets(struct ruleset *ruleset, unsigned int first, unsigned int second)
{
	bool changed = false;

	for (size_t i = 0; first != second && i < ruleset->count; i++) {
		struct rule *rule = ruleset->rules[i];

		if (rule->number == RULE_NUMBER_DEFAULT || (rule->set != first && rule->set != second))
			continue;
		rule->set = (__u8)(rule->set == first ? second : first);
		changed = true;
	}
	return changed;
}

bool ruleset_switch_sets(struct ruleset *ruleset, __u32 disable, __u32 enable)
{
	__u32 disabled = ((ruleset->disabled_sets | disable) & ~enable) & ~(1u << RULE_SET_DEFAULT);
	bool changed = disabled != ruleset->disabled_sets;

	ruleset->disabled_sets = disabled;
	return changed;
}

/* Whether two rules are one and the same but for their counters. */
static bool same_rule(const struct rule *left, const struct rule *right)
{
	if (left->size != right->size || left->number != right->number || left->set != right->set ||
	    left->flags != right->flags || left->options_size != right->options_size ||
	    left->option_count != right->option_count)
		return false;
	return !memcmp(left->options, right->options, left->size - offsetof(struct rule, options));
}

/* The counter slot of a removed rule that is the same as `rule`; it is given away only once. */
static __u32 inherit_slot(struct ruleset *removed, const struct rule *rule)
{
	for (size_t i = ruleset_find(removed, rule->number); i < removed->count; i++) {
		struct rule *old = removed->rules[i];
		__u32 slot = old->slot;

		if (old->number != rule->number)
			break;
		if (slot == RULE_SLOT_NEW || !same_rule(old, rule))
			continue;
		old->slot = RULE_SLOT_NEW;
		return slot;
	}
	return RULE_SLOT_NEW;
}

void rule_limit_log(struct rule *rule, unsigned int limit)
{
	struct option *log = (struct option *)rule_find_option(rule, OPTION_LOG);

	if (log && log->u.log.limit == LOG_DEFAULT_LIMIT)
		log->u.log.limit = limit;
}

int ruleset_add(struct ruleset *ruleset, struct ruleset *removed, struct rule *rule, unsigned int step)
{
	if (rule->number == RULE_NUMBER_DEFAULT)
		return -EINVAL;
	if (!rule->number)
		rule->number = ruleset_next_number(ruleset, step);
	rule->slot = inherit_slot(removed, rule);
	return ruleset_insert(ruleset, rule);
}
