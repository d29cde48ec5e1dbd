/* SPDX-License-Identifier: GPL-2.0-only */
/* The maps "log_counts" and "log_losses": how many records rules with `log` have written, and how many were lost. */
#ifndef MAPS_LOG_COUNTS_H
#define MAPS_LOG_COUNTS_H

#include <linux/types.h>

#include "ipfw/rule.h"
#include "maps/lasting.h"

/* Makes room for the counts of all slots, if a rule has `log` and there is none yet. Returns 0 or -errno. */
int log_counts_grow(struct lasting *lasting, const struct pins *pins, const char *object_path,
		    const struct ruleset *ruleset);

/* Starts the count of the rule with this slot again, so that it may log up to its limit. Returns 0 or -errno. */
int log_count_reset(const struct lasting *lasting, __u32 slot);

/* Records that the ring had no room for since the firewall was made, into *records. Returns 0 or -errno. */
int log_losses_read(int fd, __u64 *records);

#endif
