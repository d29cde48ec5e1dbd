/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a packet's source is: verrevpath, versrcreach and antispoof (ipfw(8), RULE OPTIONS), for incoming packets.
 *
 * The kernel tells programs routes only where forwarding is on, and never which prefix a route is for. So there is the
 * map "routes" as well, the routing table as it was at the commit.
 */
#ifndef BPF_SOURCE_ROUTE_H
#define BPF_SOURCE_ROUTE_H

#include <stdbool.h>

#include "bpf/maps_routes.h"
#include "bpf/route.h"

#define LOOPBACK_INDEX 1 /* in every network namespace */

/* Looks the packet's source up among the routes, or (`networks`) the networks that interfaces are in. */
static __always_inline const struct route *route_find(const struct packet *packet, bool networks)
{
	struct route_key key = {
		.bits = ROUTE_KEY_BITS(packet->family == 4 ? 32 : 128),
		.space = ROUTE_SPACE(packet->family, networks),
		.address = {packet->source[0], packet->source[1], packet->source[2], packet->source[3]},
	};

	return bpf_map_lookup_elem(&routes, &key);
}

/* Whether a route leads through the interface. What the machine sends to itself comes in by the loopback interface. */
static __always_inline bool route_by(const struct route *route, __u32 interface)
{
	for (int i = 0; i < ROUTE_INTERFACES; i++)
		if (route->interfaces[i] == interface)
			return true;
	return route->kind == ROUTE_LOCAL && interface == LOOPBACK_INDEX;
}

/* A link-local source is on the link that the packet came in by. */
static __always_inline bool source_on_link(const struct packet *packet)
{
	return packet->family == 6 && address_link_local(packet->source);
}

/*
 * For generated code, `verrevpath`: 1 if packets to the source would leave by the interface that this one came in by.
 * Of a route with several next hops each counts; the kernel tells one of them.
 */
__noinline int packet_verrevpath(hook_context *context, struct packet *packet)
{
	struct bpf_fib_lookup query = {};
	const struct route *route;
	bool told;
	long result;

	if (!packet || !packet->family)
		return 0;
	if (source_on_link(packet))
		return 1;
	result = route_back(context, packet, packet->receive_interface, &query);
	told = route_told(result);
	if (told && query.ifindex == packet->receive_interface)
		return 1;
	if (result == BPF_FIB_LKUP_RET_BLACKHOLE || result == BPF_FIB_LKUP_RET_UNREACHABLE ||
	    result == BPF_FIB_LKUP_RET_PROHIBIT)
		return 0;
	route = route_find(packet, false);
	if (!route)
		return 0;
	if (told && !route_by(route, query.ifindex))
		return 0;
	if (result == BPF_FIB_LKUP_RET_NOT_FWDED && route->kind != ROUTE_LOCAL)
		return 0;
	return route_by(route, packet->receive_interface);
}

/* For generated code, `versrcreach`: 1 if there is a route to the source that is not the default one and no dead end.
 */
__noinline int packet_versrcreach(struct packet *packet)
{
	const struct route *route;

	if (!packet || !packet->family)
		return 0;
	if (source_on_link(packet))
		return 1;
	route = route_find(packet, false);
	return route && (route->kind == ROUTE_NETWORK || route->kind == ROUTE_LOCAL);
}

/* For generated code, `antispoof`: 0 if the source is in a network of ours, but did not come in from there. */
__noinline int packet_antispoof(hook_context *context, struct packet *packet)
{
	if (!packet)
		return 0;
	if (!packet->family || source_on_link(packet) || !route_find(packet, true))
		return 1;
	return packet_verrevpath(context, packet);
}

#endif
