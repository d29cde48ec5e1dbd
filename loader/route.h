/* SPDX-License-Identifier: GPL-2.0-only */
/* The routing table of the current network namespace, read by rtnetlink (libmnl). */
#ifndef LOADER_ROUTE_H
#define LOADER_ROUTE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "ipfw/rule.h"
#include "maps/layout.h"

struct route_entry {
	__u8 family; /* 4 or 6 */
	__u8 prefix_length;
	__u32 metric;
	__u32 address[4]; /* network order; IPv4 in [0] */
	struct route route;
};

struct route_list {
	struct route_entry *entries; /* one per prefix: the route that the kernel would take */
	size_t count;
};

/* Whether any rule asks for routes (verrevpath, versrcreach, antispoof), whatever its set. */
bool route_list_needed(const struct ruleset *ruleset);

/*
 * Reads the routes of the tables local and main, both families. Those for some packets only (a type of service, a
 * source prefix) are left out. Returns 0 or -errno with *list empty.
 */
int route_list_read(struct route_list *list);
void route_list_free(struct route_list *list);

#endif
