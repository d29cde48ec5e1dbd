/* SPDX-License-Identifier: GPL-2.0-only */
/* XDP has no skb yet: what a packet takes along is left in front of it. */
#ifndef BPF_CARRY_XDP_H
#define BPF_CARRY_XDP_H

#include "bpf/carry.h"
#include "bpf/drop.h"
#include "bpf/marks.h"
#include "bpf/traced.h"

struct metadata {
	__u16 words[METADATA_BYTES / sizeof(__u16)];
};

static __always_inline void marks_write(struct packet_marks *marks, const struct control *settings,
					const struct packet *packet)
{
	__u32 secret = marks_secret(settings, carry.by_metadata);
	__u64 tags = packet->tags & carry.tags;

	__builtin_memcpy(marks->secret, &secret, sizeof(secret));
	marks->mask = carry.mark_mask >> 16;
	marks->mark = (CARRY_MARK(packet->fib, tags) & carry.mark_mask) >> 16;
	if (carry.by_metadata)
		__builtin_memcpy(marks->tags, &tags, sizeof(tags));
}

/* False if there is something to take along and no room for it. */
static __always_inline bool metadata_make(struct xdp_md *context, const struct packet *packet)
{
	const struct control *settings = control_find();
	struct metadata *metadata;

	if (!settings)
		return false;
	if (bpf_xdp_adjust_meta(context, -(int)sizeof(*metadata)))
		return !(packet->tags & carry.tags) && !packet->fib;
	metadata = (void *)(long)context->data_meta;
	if ((void *)(metadata + 1) > (void *)(long)context->data)
		return false;
	*metadata = (struct metadata){};
	if (packet->network_offset)
		marks_write((void *)metadata + MARKS_OFFSET_ETHERNET, settings, packet);
	else
		marks_write((void *)metadata, settings, packet);
	return true;
}

/*
 * Lets the packet take along what the rules gave it, even if that is nothing: a frame that has been here before and
 * came back through a veth may still have what it was given then. False if the packet is to be dropped; it is counted.
 */
static __always_inline bool carry_leave(struct xdp_md *context, const struct packet *packet)
{
	if ((!carry.mark_mask && !carry.by_metadata) || packet_traced(packet))
		return true;
	if (metadata_make(context, packet))
		return true;
	count_drop(DROP_CARRIED, packet->bytes);
	return false;
}

#endif
