/* SPDX-License-Identifier: GPL-2.0-only */
/* The trees for one kind of packet in one stretch. */
#ifndef COMPILE_CLASSIFIER_TREE_H
#define COMPILE_CLASSIFIER_TREE_H

#include "loader/compile/classifier_image.h"

/*
 * Builds them and writes their steps, at most CLASSIFIER_TREES in the order of their lowest index, to `steps`, and what
 * they cost to *estimate, but its lines. The set must not be empty. Returns 0, -ENOMEM or -E2BIG.
 */
int classifier_trees(struct classifier_image *image, const struct classifier_set *set, bool ip6,
		     __u64 steps[CLASSIFIER_TREES], struct classifier_estimate *estimate);

#endif
