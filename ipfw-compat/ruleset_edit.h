/* SPDX-License-Identifier: GPL-2.0-only */
/* Edits of a ruleset in memory: numbers, selections, counters that outlive a reload. No kernel, no text. */
#ifndef COMPAT_RULESET_EDIT_H
#define COMPAT_RULESET_EDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "ipfw/rule.h"

#define ANY_SET (-1)

/* Which rules a command means. */
struct selection {
	unsigned int first, last; /* rule numbers, inclusive */
	int set;		  /* 0..31, or ANY_SET */
	bool spare_default_set;	  /* leave rules of set 31 alone, as flush does */
};

/*
 * Whether `rule` is one of them; the default rule is a rule like the others here. selection_matches() leaves out rules
 * that are gone (RULE_GONE), of which nothing but their states can be meant.
 */
bool selection_matches(const struct selection *selection, const struct rule *rule);
bool selection_covers(const struct selection *selection, const struct rule *rule);

/*
 * Number for a rule that was given none: the highest below 65535 plus `step`, or that number itself when the sum would
 * reach 65535 (ipfw(8), RULE FORMAT).
 */
unsigned int ruleset_next_number(const struct ruleset *ruleset, unsigned int step);

/*
 * Takes the selected rules out of `ruleset` and into `removed`, which keeps their counter slots for ruleset_add(). The
 * default rule always stays. Returns how many there were, or -ENOMEM with nothing changed.
 */
int ruleset_delete(struct ruleset *ruleset, struct ruleset *removed, const struct selection *selection);

/*
 * Puts the selected rules, but never the default rule, into the set `set`. They keep their places and their counters.
 * Returns whether any rule changed.
 */
bool ruleset_move(struct ruleset *ruleset, const struct selection *selection, unsigned int set);

/* Likewise: the rules of the set `first` go to `second`, and the other way round. */
bool ruleset_swap_sets(struct ruleset *ruleset, unsigned int first, unsigned int second);

/*
 * Disables and enables all sets of these masks (bit n: set n); set 31 stays enabled. Returns whether anything changed.
 */
bool ruleset_switch_sets(struct ruleset *ruleset, __u32 disable, __u32 enable);

/* Gives a rule that has `log` without a limit of its own this one, 0: none. */
void rule_limit_log(struct rule *rule, unsigned int limit);

/*
 * Adds `rule`, which the ruleset owns from then on, behind the rules of the same number. Number 0 is replaced by
 * ruleset_next_number(). If `removed` holds a rule that is the same in number, set and body, its counter slot goes over
 * to the new one (each only once); otherwise the slot is RULE_SLOT_NEW. Returns 0; -EINVAL when the number is that of
 * the default rule; -ENOMEM. The caller still owns the rule after an error.
 */
int ruleset_add(struct ruleset *ruleset, struct ruleset *removed, struct rule *rule, unsigned int step);

#endif
