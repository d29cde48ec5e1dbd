/* SPDX-License-Identifier: GPL-2.0-only */
/* Of rulesets, to notice that they are not what they were; no protection against somebody who wants that. */
#ifndef MAPS_CHECKSUM_H
#define MAPS_CHECKSUM_H

#include <linux/types.h>
#include <stddef.h>

/* Adds one word to a sum. Can be undone for a given word, so that sums which differ stay different. */
static inline __u64 checksum_step(__u64 sum, __u64 word)
{
	sum = (sum ^ word) * 0x9e3779b97f4a7c15ull;
	return sum ^ sum >> 32;
}

/*
 * Adds bytes to a sum, as words in the machine's order; zeros stand for what the last one lacks. Notices a change of
 * any single word for sure, others all but for sure. As fast as memory.
 */
__u64 checksum_add(__u64 sum, const void *bytes, size_t size);

#endif
