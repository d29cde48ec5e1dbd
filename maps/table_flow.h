/* SPDX-License-Identifier: GPL-2.0-only */
/* What a table of type flow is asked for. */
#ifndef MAPS_TABLE_FLOW_H
#define MAPS_TABLE_FLOW_H

#include "maps/layout.h"

/* Writes those fields of the packet (FLOW_*) that the table has to *flow, in which all is 0. */
static inline __attribute__((always_inline)) void table_flow_read(struct table_flow *flow, const struct packet *packet,
								  __u32 fields)
{
	if (fields & (FLOW_SOURCE | FLOW_DESTINATION))
		flow->family = packet->family;
	if (fields & FLOW_SOURCE)
		__builtin_memcpy(flow->source, packet->source, sizeof(flow->source));
	if (fields & FLOW_DESTINATION)
		__builtin_memcpy(flow->destination, packet->destination, sizeof(flow->destination));
	if (fields & FLOW_PROTOCOL)
		flow->protocol = packet->protocol;
	if (fields & FLOW_SOURCE_PORT)
		flow->source_port = packet->source_port;
	if (fields & FLOW_DESTINATION_PORT)
		flow->destination_port = packet->destination_port;
}

#endif
