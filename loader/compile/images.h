/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Images of the classifier that the plans of one commit share. Few rules tell directions apart by what is looked up, so
 * the plans for `in` and `out` mostly want the same image: who comes first builds it, on a thread of its own or not.
 */
#ifndef COMPILE_IMAGES_H
#define COMPILE_IMAGES_H

#include "loader/compile/classifier.h"
#include "loader/compile/exact.h"

struct images;

/* A stretch of an image. */
struct image_stretch {
	size_t first, count;		     /* its boxes, among all */
	bool exact;			     /* hash tables, else trees */
	struct classifier_estimate estimate; /* of it; images_get() fills it in, or the following */
	struct exact_estimate exact_estimate;
};

/* What an image is made of. Nothing of it is kept. */
struct image_wish {
	const struct classifier_box *boxes;
	size_t count;
	const struct dispatch *dispatch; /* by index of a box: exact stretches say what becomes of packets */
	size_t rules;			 /* elements of it */
};

/* NULL: no memory. Free it when no plan that got an image from it is left. */
struct images *images_new(void);
void images_free(struct images *images);

/*
 * The image with these stretches, in this order. Several threads may ask at a time. Returns 0 with *image set, which
 * `images` owns, or what classifier_add_stretch() and exact_add_stretch() fail with.
 */
int images_get(struct images *images, const struct image_wish *wish, struct image_stretch *stretches,
	       size_t stretch_count, const struct classifier_image **image);

/*
 * A descriptor that stands for an image of `images`: what the first call of `make` for it has returned, which must be a
 * descriptor or a negative error. images_free() closes it. Several threads may ask at a time.
 */
int images_map(struct images *images, const struct classifier_image *image,
	       int (*make)(const struct classifier_image *image));

#endif
