/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exact stretches (include/ipfw/exact.h): boxes that ask for the same bits, such as one host each, are found by their
 * values in a hash table. Up to EXACT_TABLES kinds of boxes may be mixed: prefixes of a few lengths, for instance.
 */
#ifndef COMPILE_EXACT_H
#define COMPILE_EXACT_H

#include <stdbool.h>

#include "ipfw/exact.h"
#include "ipfw/stretch.h"
#include "loader/compile/classifier.h"
#include "loader/compile/exact_mask.h"

/* The rules of an exact stretch. */
struct exact_set {
	const struct classifier_box *boxes; /* in any order; not kept, as the following */
	size_t count;
	const struct dispatch *dispatch; /* by the index of a box */
};

/* Whether there can be tables: no ranges, few masks, and keys that are not too long. */
bool exact_fits(const struct exact_set *set);

/* What became of them. */
struct exact_estimate {
	unsigned int tables; /* that a packet of the worst kind is looked for in */
	size_t lines;	     /* that the stretch adds to the image */
	size_t walks;	     /* keys for which exact_match() may say STRETCH_MUST_WALK */
};

/*
 * Adds the next stretch of the image, as hash tables. Returns its number; -EDOM: the boxes are not like that, or no
 * perfect hash was found; -ENOMEM, -E2BIG, -EINVAL as classifier_add_stretch(). After an error the image is as before.
 */
int exact_add_stretch(struct classifier_image *image, const struct exact_set *set, struct exact_estimate *estimate);

#endif
