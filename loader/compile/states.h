/* SPDX-License-Identifier: GPL-2.0-only */
/* What rules have to do with states (ipfw(8), STATEFUL FIREWALL), and the numbers of flow names. */
#ifndef COMPILE_STATES_H
#define COMPILE_STATES_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "ipfw/rule.h"

/* Whether every packet that gets to `rule` is first looked for in the states: keep-state and limit. */
bool rule_implies_check(const struct rule *rule);
/* Whether `rule` makes its state and leaves the action to it: defer-action, or a negated keep-state. */
bool rule_defers(const struct rule *rule);

struct state_name {
	const char *name; /* owned by the ruleset */
	__u16 number;	  /* in keys of states (maps/layout.h); not 0 */
	bool made;	  /* rules make states of it, not only ask for it */
};

struct state_names {
	struct state_name *names;
	size_t count;
};

/*
 * Numbers the names that rules make states of or ask for, STATE_NAME_ANY excepted. A number depends on nothing but the
 * name, unless two names of the ruleset want the same. Returns 0 or -ENOMEM with *names empty.
 */
int state_names_collect(struct state_names *names, const struct ruleset *ruleset);
/* The number of one of these names. */
__u16 state_names_number(const struct state_names *names, const char *name);
void state_names_free(struct state_names *names);

#endif
