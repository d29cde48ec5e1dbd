/* SPDX-License-Identifier: GPL-2.0-only */
/* The maps of classified stretches (bpf/stretch.h): how large they are, and what is in them. */
#ifndef LOADER_STRETCH_MAPS_H
#define LOADER_STRETCH_MAPS_H

#include "loader/compile/plan.h"

struct bpf_object;

/* Sets their sizes in an object that is not loaded yet, if it has them. Returns 0 or -errno. */
int stretch_prepare(struct bpf_object *object, const struct plan *plan);
/* Fills them, once it is loaded. Returns 0 or -errno. */
int stretch_fill(struct bpf_object *object, const struct plan *plan);

#endif
