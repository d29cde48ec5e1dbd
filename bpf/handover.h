/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a rules program has the slow parser work for it: it leaves the packet in "handover" and jumps there; the slow
 * parser completes it and jumps back. The rules program then starts again on the same frame, refuses it again, since
 * nothing that parse_fast() looks at has changed, and finds the answer. So only the rules and the way of most packets
 * are verified by every commit.
 */
#ifndef BPF_HANDOVER_H
#define BPF_HANDOVER_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

#include "maps/layout.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, HANDOVERS);
	__type(key, __u32);
	__type(value, struct handover);
} handover SEC(".maps");

/* This CPU's element for frames of the network, or for traced ones; NULL only for the verifier. */
static __always_inline struct handover *handover_find(bool traced)
{
	__u32 key = traced ? HANDOVER_TRACED : HANDOVER_NETWORK;

	return bpf_map_lookup_elem(&handover, &key);
}

/* Takes the answer to what this generation has asked, if there is one. */
static __always_inline bool handover_take(struct handover *handed, const struct interface_entry *interface,
					  struct packet *packet)
{
	if (!handed->answered || handed->generation != interface->generation)
		return false;
	handed->answered = 0;
	*packet = handed->packet;
	return true;
}

/* Leaves a packet of which nothing but the interfaces is known; `needs` is the program's packet_needs. */
static __always_inline void handover_leave(struct handover *handed, const struct interface_entry *interface,
					   const struct packet *packet, __u32 needs)
{
	handed->generation = interface->generation;
	handed->needs = needs;
	handed->answered = 0;
	handed->interface = *interface;
	handed->packet = *packet;
}

#endif
