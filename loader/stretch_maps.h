/* SPDX-License-Identifier: GPL-2.0-only */
/* The maps of classified stretches (bpf/stretch.h): they are made before programs, which have their addresses. */
#ifndef LOADER_STRETCH_MAPS_H
#define LOADER_STRETCH_MAPS_H

#include "loader/compile/plan.h"

struct bpf_object;

/*
 * A new map of one element that holds the image. Returns its descriptor, which the caller closes, or -errno; -E2BIG:
 * the kernel wants elements to be smaller (Linux 6.1, kernel/bpf/arraymap.c: at most KMALLOC_MAX_SIZE, 4 MiB).
 */
int stretch_image_map(const struct classifier_image *image);
/*
 * Gives an object that is not loaded yet the image in that map, or a map of lines, which stretch_fill_image() fills, if
 * it is -1; and the constants, of which the sizes of the image need not be set. Returns 0 or -errno.
 */
int stretch_prepare_image(struct bpf_object *object, const struct classifier_image *image, int map,
			  struct classifier_constants constants);
int stretch_fill_image(struct bpf_object *object, const struct classifier_image *image);

/* Gives an object that is not loaded yet what the plan has, if it looks rules up. Returns 0 or -errno. */
int stretch_prepare(struct bpf_object *object, const struct plan *plan);
/* Completes it, once it is loaded. Returns 0 or -errno. */
int stretch_fill(struct bpf_object *object, const struct plan *plan);

#endif
