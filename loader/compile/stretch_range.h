/* SPDX-License-Identifier: GPL-2.0-only */
/* Which rules in a row may become a stretch: what the classifier can say of each, and where they must be parted. */
#ifndef COMPILE_STRETCH_RANGE_H
#define COMPILE_STRETCH_RANGE_H

#include "loader/compile/box.h"

struct boxed_rule {
	size_t first;	      /* of its boxes; the next rule's begin behind the last */
	__u64 held;	      /* blocks that need no test (box.h) */
	const char *question; /* flow name that it asks for (stretch_state.h), NULL: none */
	bool selective;	      /* it leaves out most packets, or has nothing to be found for */
	bool apart;	      /* code alone can do what it does */
};

/* The boxes of all rules of a plan. */
struct boxed_rules {
	struct boxed_rule *rules; /* as plan.rules, and one more */
	struct classifier_box *boxes;
	size_t count, capacity;
};

/* Fills *boxed, which boxed_free() frees also after an error. Returns 0 or -ENOMEM. */
int boxed_make(struct boxed_rules *boxed, const struct plan *plan);
void boxed_free(struct boxed_rules *boxed);

/* Indexes of rules: plan.rules[first] .. plan.rules[end - 1]. */
struct range {
	size_t first, end;
};

/* The next rules from `from` on that are worth while; an empty range at the end of the plan: there are none. */
struct range stretch_find_range(const struct plan *plan, const struct boxed_rules *boxed, size_t from);

#endif
