/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tags (ipfw(8), tag): a packet carries a set of them, one bit for each number that some rule of the ruleset puts on
 * packets. Other numbers are on no packet. If rules take tags out of tables, any number may come: then packets carry
 * PACKET_TAGS_MAX numbers at most instead.
 */
#ifndef COMPILE_TAGS_H
#define COMPILE_TAGS_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "ipfw/rule.h"
#include "loader/interface.h"

struct tags {
	__u16 number[TAGS_MAX]; /* its index is its bit in packet.tags; 0: no tag */
	__u64 crossing;		/* bits that rules on input put on packets and rules on output look at */
	bool numbers;		/* packet.tags has numbers (PACKET_TAG() in ipfw/packet.h), not bits */
};

/* Whether packets of the ruleset have tags as numbers. */
bool tags_are_numbers(const struct ruleset *ruleset);

/*
 * Gives a bit to each tag of all rules, whatever their set. A tag that has a bit in ruleset->tags keeps it, so that
 * packets which are on their way from input to output while a commit replaces the rules are not taken for others.
 * Crossing tags get the bits that skb->mark has room for if it has enough (ipfw/carry.h).
 * Returns 0 or -EOVERFLOW when there are more than TAGS_MAX.
 */
int tags_collect(struct tags *tags, const struct ruleset *ruleset, const struct interface_list *interfaces);

/* Whether skb->mark has room for those that cross. */
bool tags_fit_mark(const struct tags *tags);

/* The bits of the tags from `low` to `high`. */
__u64 tags_bits(const struct tags *tags, __u16 low, __u16 high);

#endif
