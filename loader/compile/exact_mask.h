/* SPDX-License-Identifier: GPL-2.0-only */
/* Boxes as values of words of struct packet, of which some bits count. */
#ifndef COMPILE_EXACT_MASK_H
#define COMPILE_EXACT_MASK_H

#include <stdbool.h>

#include "ipfw/exact.h"
#include "loader/compile/classifier.h"

/* What boxes ask for, of each word of the packet. */
struct exact_mask {
	__u32 word[EXACT_PACKET_WORDS];
};

/* What a box asks for, and of which values. */
struct exact_wanted {
	struct exact_mask mask;
	__u32 value[EXACT_PACKET_WORDS];
};

struct exact_masks {
	struct exact_mask mask[EXACT_TABLES];
	size_t count;
};

/* Returns false if the box has ranges. */
bool exact_want(struct exact_wanted *wanted, const struct classifier_box *box);

/* Takes a box in. Returns false if it has ranges, or there are `most` other masks already (EXACT_TABLES, or fewer). */
bool exact_masks_add(struct exact_masks *masks, const struct classifier_box *box, size_t most);

#endif
