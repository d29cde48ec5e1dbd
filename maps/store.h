/* SPDX-License-Identifier: GPL-2.0-only */
/* A ruleset as the elements of a "ruleset" map (maps/layout.h) and back. */
#ifndef MAPS_STORE_H
#define MAPS_STORE_H

#include "ipfw/error.h"
#include "ipfw/rule.h"

/* Number of elements that a map needs to hold `ruleset`. */
__u32 store_elements(const struct ruleset *ruleset);

/* Writes `ruleset` into the map `fd`, which has room for store_elements(). Returns 0 or -errno. */
int store_write(int fd, const struct ruleset *ruleset);

/*
 * Reads the ruleset back from the map `fd`. What is not exactly as store_write() left it is refused. Returns 0, or -1
 * with *error set and *ruleset empty.
 */
int store_read(int fd, struct ruleset *ruleset, struct error *error);

#endif
