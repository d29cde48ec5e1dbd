/* SPDX-License-Identifier: GPL-2.0-only */
/* At TC skb->mark has what a packet takes along, or, behind XDP, what lies in front of it. */
#ifndef BPF_CARRY_TC_H
#define BPF_CARRY_TC_H

#include "bpf/carry.h"
#include "bpf/drop.h"
#include "bpf/maps_ruleset.h"
#include "bpf/marks.h"
#include "bpf/needs.h"
#include "bpf/trace.h"

/*
 * The tags that the packet had when it left the rules on input. False if they are lost, as the kernel makes some
 * packets anew on their way (fragments, packets that somebody else holds a copy of): then nobody knows what was in
 * front of it. Likewise if those rules had them in another form.
 */
static __always_inline bool tags_find(struct __sk_buff *context, struct packet *packet)
{
	const struct control *settings = control_find();
	struct packet_marks marks;
	__u32 secret;

	if (!settings)
		return false;
	if (!marks_find(context, settings, &marks))
		return !interface_find(packet->receive_interface);
	__builtin_memcpy(&packet->tags, marks.tags, sizeof(packet->tags));
	__builtin_memcpy(&secret, marks.secret, sizeof(secret));
	return !packet->tags || secret == marks_secret(settings, carry.by_metadata);
}

/*
 * Gives the rules what the packet has taken along so far. Only forwarded packets have tags. False if the packet is to
 * be dropped, since its tags are lost; it is counted.
 */
static __always_inline bool carry_take(struct __sk_buff *context, struct packet *packet)
{
	if (!(packet_needs & PACKET_NEEDS_MARKS))
		return true;
	if (packet_traced(packet)) {
		trace_carried(packet);
		packet->tags &= carry.tags;
		return true;
	}
	packet->fib = (context->mark & CARRY_FIB_MASK) >> CARRY_FIB_SHIFT;
	if (!carry.tags || !packet->receive_interface || !packet->transmit_interface)
		return true;
	if (!carry.by_metadata) {
		packet->tags = context->mark >> CARRY_TAGS_SHIFT & carry.tags;
	} else if (!tags_find(context, packet)) {
		count_drop(DROP_CARRIED, packet->bytes);
		return false;
	}
	return true;
}

/* Lets the packet take along what the rules gave it. Returns true: there is room for it. */
static __always_inline bool carry_leave(struct __sk_buff *context, const struct packet *packet)
{
	if (carry.mark_mask)
		mark_change(context, carry.mark_mask, CARRY_MARK(packet->fib, packet->tags));
	return true;
}

#endif
