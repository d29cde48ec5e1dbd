/* SPDX-License-Identifier: GPL-2.0-only */
/* The test for traced packets (trace.h), for whatever leaves something behind: counters, records, states. */
#ifndef BPF_TRACED_H
#define BPF_TRACED_H

#include <stdbool.h>

#include "ipfw/packet.h"

/*
 * Whether the packet is none of the network's: the tool runs the programs on it to see what they would do. It must
 * leave no trace but that in the map "trace".
 */
static __always_inline bool packet_traced(const struct packet *packet)
{
	return !packet->segments;
}

#endif
