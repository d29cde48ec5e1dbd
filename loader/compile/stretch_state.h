/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rules in stretches that look for states, or make them. A packet is looked for as in ipfw when it gets to the first
 * rule that asks for a flow name, whether or not that rule matches; the same question again is no question. So a
 * stretch asks for one name, in general where it begins, and its rules are found as any others. What those that make
 * states do then is data (struct stretch_state).
 */
#ifndef COMPILE_STRETCH_STATE_H
#define COMPILE_STRETCH_STATE_H

#include "loader/compile/rest.h"

/* Whether a packet may be found to match the rule: not if it only asks for states, or is there for its states alone. */
bool stretch_state_meets(const struct plan_rule *planned);
/* The flow name that all packets are looked for which get to the rule; NULL: none. Owned by the rule. */
const char *stretch_state_question(const struct plan_rule *planned);
/* Whether the rule can be in no stretch: what it asks or does depends on more than its boxes and its state. */
bool stretch_state_apart(const struct plan_rule *planned);

/* Makes room for what stretch_state_add() and stretch_states_settle() note. Returns 0 or -ENOMEM. */
int stretch_states_new(struct plan *plan);
/*
 * Fills plan->dispatch and plan->stretch_states for a rule that makes states, like rests_add(). Returns 0, -ENOMEM, or
 * -E2BIG.
 */
int stretch_state_add(struct rests *rests, struct plan *plan, size_t index, __u64 held);
/*
 * Completes the plan, whose functions are there: notes which of the rules with states are rules of stretches, and which
 * stretches ask for what, and where.
 */
void stretch_states_settle(struct plan *plan);
/* Takes that back, for functions that are made anew. */
void stretch_states_unsettle(struct plan *plan);

#endif
