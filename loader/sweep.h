/* SPDX-License-Identifier: GPL-2.0-only */
/* The sweep that frees the places of dead states (bpf/sweep.bpf.c): a timer in the kernel, which needs no process. */
#ifndef LOADER_SWEEP_H
#define LOADER_SWEEP_H

#include "ipfw/error.h"
#include "ipfw/rule.h"
#include "maps/lasting.h"
#include "maps/pins.h"

/*
 * Sees to it that the sweep of this version of the tool works on the maps that are there, if a rule makes states.
 * Returns 0, or -1 with *error set.
 */
int sweep_ensure(const struct lasting *lasting, const struct pins *pins, const struct ruleset *ruleset,
		 struct error *error);

/* Frees the places of all states and parents that are dead now. Returns 0 or -errno; without a sweep there are none. */
int sweep_now(const struct pins *pins);

#endif
