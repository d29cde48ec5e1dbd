/* SPDX-License-Identifier: GPL-2.0-only */
/* The inside of an image that is being made: classifier.c, and what builds its trees. */
#ifndef COMPILE_CLASSIFIER_IMAGE_H
#define COMPILE_CLASSIFIER_IMAGE_H

#include <stdbool.h>

#include "loader/compile/classifier.h"

#define LINE_UNITS (CLASSIFIER_LINE / 8)

struct classifier_image {
	unsigned int stretches, added;
	__u64 *units; /* 8 bytes each; the roots of all stretches come first */
	size_t count, capacity;
};

/* Room for `units` zeroed units at a multiple of `align` units (a power of two); returns its place or -ENOMEM, -E2BIG.
 */
long classifier_image_room(struct classifier_image *image, size_t units, size_t align);

/* Whether it is one. */
bool classifier_box_valid(const struct classifier_box *box);
/* Whether packets of the kind `family` may lie in the box. */
bool classifier_box_of_family(const struct classifier_box *box, enum classifier_family family);

/* Numbers of boxes of the stretch that is being added, in the order of their rules. */
struct classifier_set {
	const struct classifier_box *boxes;
	const __u32 *numbers;
	size_t count;
};

/* Writes a leaf; returns 0 with its step in *step, -ENOMEM or -E2BIG. */
int classifier_leaf(struct classifier_image *image, const struct classifier_set *set, bool ip6, __u64 *step);

#endif
