/* SPDX-License-Identifier: GPL-2.0-only */
/* Which bits of which key a node of a classifier's tree should look at (classifier_tree.c builds the tree). */
#ifndef COMPILE_CLASSIFIER_CUT_H
#define COMPILE_CLASSIFIER_CUT_H

#include "loader/compile/classifier_range.h"

/* By key and number of the box; NULL: the key is of no use, since all boxes have all its values. */
typedef struct classifier_range *const classifier_ranges[CLASSIFIER_KEYS];

struct classifier_cut {
	__u8 key, shift, bits;
};

/* The children that a box goes to: `count` from `first` on, in a circle. */
struct classifier_span {
	__u32 first, count;
};

static inline struct classifier_span classifier_span(struct classifier_cut cut, struct classifier_range range)
{
	__u32 children = 1u << cut.bits, low = range.low >> cut.shift, high = range.high >> cut.shift;

	return (struct classifier_span){low & (children - 1), high - low < children ? high - low + 1 : children};
}

/* Boxes that would go to more children than this had better lie in another tree. */
static inline __u32 classifier_span_limit(struct classifier_cut cut)
{
	return cut.bits > 3 ? 1u << (cut.bits - 3) : 1;
}

/* What a cut may do. */
struct classifier_limits {
	bool put_off;	  /* boxes that it does not tell apart go to another tree, else to all children */
	double most;	  /* records in the children at most */
	double copy_cost; /* of one more record per box, in ns per packet: caches hold less of the rest */
};

/* Sums over children, as differences between neighbours. */
struct classifier_tally {
	float boxes, weight; /* weight: each box has 1 in all */
};

#define CLASSIFIER_TALLIES ((1 << CLASSIFIER_BITS) + 1)

/*
 * Chooses the cut of a node with the boxes `numbers`; tally[CLASSIFIER_TALLIES] is room for it to work in. Returns
 * false if none is worth it.
 */
bool classifier_choose(classifier_ranges ranges, const __u32 *numbers, size_t count,
		       const struct classifier_limits *limits, struct classifier_tally *tally,
		       struct classifier_cut *cut);

#endif
