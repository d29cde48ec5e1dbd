/* SPDX-License-Identifier: GPL-2.0-only */
/* What the programs know of the machine: the maps "interfaces", "local_addresses" and "routes" of a generation, and
 * "vlans". */
#ifndef LOADER_ENVIRONMENT_H
#define LOADER_ENVIRONMENT_H

#include "loader/hooks.h"
#include "loader/interface.h"
#include "loader/route.h"

/* Elements that the maps need; at least one each. */
struct environment_size {
	__u32 interfaces, local_addresses, routes;
};

/* File descriptors of the maps. */
struct environment_maps {
	int interfaces, local_addresses, routes;
};

struct environment_size environment_size(const struct interface_list *list, const struct route_list *routes);

/* Fills the empty maps of a generation, "routes" excepted. Returns 0 or -errno. */
int environment_write(const struct environment_maps *maps, __u32 generation, const struct hooks *hooks,
		      const struct interface_list *list);

/* Fills the empty map "routes" with the routes and, if there are any, the interfaces' networks. Returns 0 or -errno. */
int environment_write_routes(int fd, const struct route_list *routes, const struct interface_list *list);

/*
 * Makes the lasting map "vlans" say which VLAN devices there are now, all of which have their hooks. Returns 0 or
 * -errno.
 */
int environment_write_vlans(int fd, const struct interface_list *list);

#endif
