/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters of addresses that do not expire (maps/layout.h): an array for each trie, by the index of the entry. */
#ifndef MAPS_TABLE_COUNTS_H
#define MAPS_TABLE_COUNTS_H

#include "maps/lasting.h"

struct table_counts {
	int fd;	    /* -1: there are none */
	__u32 size; /* of the array: there are none for indexes from here on */
};

/* The array beside the trie of a slot, IPv6's if `wide`; none is no error. Returns 0 or -errno. */
int table_counts_open(const struct lasting *lasting, bool wide, __u32 slot, struct table_counts *counts);
void table_counts_close(struct table_counts *counts);

/*
 * Has the trie of `slot`, which has indexes below `size`, counted in the array of the slot `from`, which grows if it is
 * too small, or (0) in one of its own unless it has one. No packet is lost. Returns 0 or -errno.
 */
int table_counts_provide(const struct lasting *lasting, bool wide, __u32 from, __u32 slot, __u32 size);

int table_counts_drop(const struct lasting *lasting, bool wide, __u32 slot);

/* Adds those of an index to *counter. Returns 0 or -errno. */
int table_counts_read(const struct table_counts *counts, __u32 index, struct rule_counter *counter);

/* Sets those of an index back, or of all. */
void table_counts_reset(const struct table_counts *counts, __u32 index);
int table_counts_reset_all(const struct table_counts *counts);

#endif
