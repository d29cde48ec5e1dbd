/* SPDX-License-Identifier: GPL-2.0-only */
/* What XDP leaves in front of packets, and skb->mark (ipfw/carry.h), for programs with and without rules. */
#ifndef BPF_MARKS_H
#define BPF_MARKS_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

#include "bpf/maps_control.h"
#include "ipfw/carry.h"

/*
 * What struct packet_marks begins with if it is ours; not the mark that metadata with an order for a reply begins with.
 * The lowest bit tells in which form there are tags: `form` is CARRY_BITS or CARRY_NUMBERS, 0: there are none.
 */
static __always_inline __u32 marks_secret(const struct control *settings, __u32 form)
{
	return ~settings->reply_mark ^ (form == CARRY_NUMBERS);
}

/* Takes over what lies at `offset` of the metadata if it is ours. */
static __always_inline bool marks_at(struct __sk_buff *context, const struct control *settings, __u32 offset,
				     struct packet_marks *marks)
{
	const struct packet_marks *left = (void *)(long)context->data_meta + offset;
	__u32 secret;

	if ((void *)(left + 1) > (void *)(long)context->data)
		return false;
	__builtin_memcpy(&secret, left->secret, sizeof(secret));
	*marks = *left;
	return (secret ^ marks_secret(settings, 0)) <= 1;
}

/*
 * Finds what XDP has left. It stays where it is in front of the IP header; where the frame begins depends on the link
 * header of the interface, and on whether the kernel remembers it (generic XDP forgets it when it copies a frame).
 */
static __always_inline bool marks_find(struct __sk_buff *context, const struct control *settings,
				       struct packet_marks *marks)
{
	return marks_at(context, settings, MARKS_OFFSET_ETHERNET, marks) || marks_at(context, settings, 0, marks);
}

/* Changes the bits of skb->mark that are in `mask`. */
static __always_inline void mark_change(struct __sk_buff *context, __u32 mask, __u32 mark)
{
	context->mark = (context->mark & ~mask) | (mark & mask);
}

#endif
