/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the classifier leaves to be done for a rule: tests that boxes cannot say, modifiers, and actions that are more
 * than data. Rules with data for an action share one piece of code if the same options are left of them.
 */
#ifndef COMPILE_REST_H
#define COMPILE_REST_H

#include "loader/compile/plan.h"

struct rests {
	__u8 *texts; /* what distinguishes the pieces that are shared, one behind the other */
	size_t size, capacity;
	struct rest *table; /* hash table; `slots` is a power of two */
	size_t slots, used;
	unsigned int group; /* that code is added to, and what is in it */
	size_t group_pieces, group_cost;
};

/*
 * Fills plan->dispatch for the rule at `index`, whose blocks `held` need no test. Returns 0, -ENOMEM, or -E2BIG: there
 * is no room for more code.
 */
int rests_add(struct rests *rests, struct plan *plan, size_t index, __u64 held);

/* What the rule does once its tests hold, modifiers aside, as data; DISPATCH_CODE if it is more than that. */
struct dispatch rests_action(const struct plan_rule *planned);
/* Likewise, but for rules that make states, which is what a stretch ends with for these. */
struct dispatch rests_end(const struct plan_rule *planned);
/*
 * What becomes of packets in the rule's boxes, which pass the blocks `held`, if no code is needed for it: a
 * CLASSIFIER_RESULT(), else 0.
 */
__u32 rests_result(const struct plan *plan, size_t index, __u64 held);
/*
 * Likewise, with errors as rests_add(): has *dispatch name the code for tests that are left, or for modifiers and,
 * where dispatch->kind is DISPATCH_CODE, the action alone.
 */
int rests_add_tests(struct rests *rests, struct plan *plan, size_t index, __u64 held, struct dispatch *dispatch);
int rests_add_action(struct rests *rests, struct plan *plan, size_t index, struct dispatch *dispatch);

void rests_free(struct rests *rests);

#endif
