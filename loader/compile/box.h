/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Boxes: what of a rule the classifier can test (classifier.h). A rule becomes a set of boxes, each a conjunction of
 * prefixes, ranges and equalities, so that every packet that the rule matches lies in one of them. Or-blocks that the
 * boxes do not say exactly (inverted options, TCP flags, alternatives in different fields...) are left to be tested.
 */
#ifndef COMPILE_BOX_H
#define COMPILE_BOX_H

#include "loader/compile/classifier.h"
#include "loader/compile/plan.h"

/* Boxes of one rule at most: more would cost more room than the tests that they save. */
#define BOXES_MAX 16

struct rule_boxes {
	struct classifier_box box[BOXES_MAX]; /* with the index that box_make() was given */
	size_t count;			      /* 0: no packet matches the rule */
	__u64 held; /* blocks (plan_block_end()) that every packet in the boxes passes: bit n is the n-th */
};

/* Finds the boxes of a rule in the plan's direction. */
void boxes_of(struct rule_boxes *boxes, const struct plan *plan, const struct rule *rule, __u32 index);

/* Whether the boxes leave out most packets, as far as one can tell without seeing them. */
bool boxes_selective(const struct rule_boxes *boxes);

#endif
