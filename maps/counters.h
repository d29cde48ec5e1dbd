/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters of rules: three per-CPU banks seen as one array of slots (include/ipfw/limits.h). */
#ifndef MAPS_COUNTERS_H
#define MAPS_COUNTERS_H

#include <linux/types.h>
#include <stdbool.h>

#include "ipfw/rule.h"
#include "maps/lasting.h"

/*
 * Reads the counters of slots 0 to `slots` - 1 as far as they exist, summed over CPUs (last_match: the latest), into
 * sums[slots], which the caller has zeroed. Returns 0 or -errno.
 */
int counters_read(const struct lasting *lasting, __u32 slots, struct rule_counter *sums);

/* Sets the counters of all slots to zero that are marked in slots[count], whole groups. Returns 0 or -errno. */
int counters_zero(const struct lasting *lasting, const bool *slots, __u32 count);

/*
 * Gives a slot to every rule whose slot is `unassigned`, zeroed before together with its count of `log', and used by no
 * other rule, nor by one of `active`, which goes on counting should the new ruleset not come to be; banks grow as
 * needed. Freed slots rest for as long as possible: packets may still be on their way through programs of the ruleset
 * that used them. Returns 0, -ENOSPC when there are more rules than slots, or another -errno; the slots given so far
 * stay in *ruleset.
 */
int counters_assign(struct lasting *lasting, const struct pins *pins, const char *object_path,
		    const struct ruleset *active, struct ruleset *ruleset, __u32 unassigned);

#endif
