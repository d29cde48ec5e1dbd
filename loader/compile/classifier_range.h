/* SPDX-License-Identifier: GPL-2.0-only */
/* Boxes as ranges of the keys that nodes look at. */
#ifndef COMPILE_CLASSIFIER_RANGE_H
#define COMPILE_CLASSIFIER_RANGE_H

#include <stdbool.h>

#include "loader/compile/classifier.h"

/* The values of one key that lie in a box: inclusive. */
struct classifier_range {
	__u32 low, high;
};

/* Whether packets of that kind have the key. */
bool classifier_key_used(unsigned int key, bool ip6);

/* The values of a key that packets of that kind have. */
struct classifier_range classifier_box_range(const struct classifier_box *box, unsigned int key);

#endif
