/* SPDX-License-Identifier: GPL-2.0-only */
/* The frame as TC hands it over; contracts in frame_xdp.h. */
#ifndef BPF_FRAME_H
#define BPF_FRAME_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>
#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "maps/layout.h"

typedef struct __sk_buff hook_context;

#define HOOK_DROP TC_ACT_SHOT
#define HOOK_PASS TC_ACT_UNSPEC

static __always_inline long frame_load(hook_context *context, __u32 offset, void *to, __u32 length)
{
	return bpf_skb_load_bytes(context, offset, to, length);
}

static __always_inline long frame_store(hook_context *context, __u32 offset, void *from, __u32 length)
{
	return bpf_skb_store_bytes(context, offset, from, length, 0);
}

static __always_inline long frame_change(hook_context *context, __u32 offset, void *from, __u32 length)
{
	return bpf_skb_store_bytes(context, offset, from, length, BPF_F_RECOMPUTE_CSUM);
}

static __always_inline long frame_load_near(hook_context *context, __u32 offset, void *to, __u32 length)
{
	return frame_load(context, offset, to, length);
}

/* Direct writing would make the kernel copy the headers of every packet in front of the program. */
static __always_inline long frame_change_near(hook_context *context, __u32 offset, void *from, __u32 length)
{
	return frame_change(context, offset, from, length);
}

static __always_inline __u32 frame_length(hook_context *context)
{
	return context->len;
}

static __always_inline __u32 frame_length_quick(hook_context *context)
{
	return context->len;
}

static __always_inline bool frame_special(hook_context *context)
{
	return context->gso_size || context->vlan_present;
}

static __always_inline bool frame_trace_mark(hook_context *context, struct trace_mark *mark)
{
	__u32 *words = (__u32 *)mark;

	_Static_assert(sizeof(*mark) == 4 * sizeof(*words), "four words of five");
	for (int i = 0; i < 4; i++)
		words[i] = context->cb[i];
	return true;
}

static __always_inline __u32 frame_traced_link(__u32 link_header)
{
	return ETH_HLEN;
}

#define GSO_BY_FRAGS 0xffff /* the kernel's gso_size of super-packets of SCTP */
_Static_assert(TRACE_SEGMENT_BYTES != GSO_BY_FRAGS, "no frame of a network is taken for a traced one");

static __always_inline int frame_vlan(hook_context *context)
{
	if (context->gso_size == TRACE_SEGMENT_BYTES && context->cb[TRACE_TAG_WORD] & TRACE_TAG_PRESENT)
		return context->cb[TRACE_TAG_WORD] & 0xfff;
	return context->vlan_present ? (int)(context->vlan_tci & 0xfff) : -1;
}

static __always_inline __u16 frame_protocol(hook_context *context)
{
	return bpf_ntohs((__u16)context->protocol);
}

/* IPsec may leave the link header of what it has decrypted: the kernel knows where the IP header is. */
static __always_inline __u32 frame_bare_offset(hook_context *context)
{
	__u32 first[5], network[5];

	if (bpf_skb_load_bytes_relative(context, 0, network, sizeof(network), BPF_HDR_START_NET) ||
	    bpf_skb_load_bytes(context, 0, first, sizeof(first)))
		return 0;
	return __builtin_memcmp(first, network, sizeof(first)) ? ETH_HLEN : 0;
}

static __always_inline bool frame_for_other_host(hook_context *context)
{
	return context->pkt_type == PACKET_OTHERHOST;
}

/* The kernel has compared them (frame_for_other_host()). */
static __always_inline bool frame_address_now(hook_context *context, const void *address)
{
	return true;
}

static __always_inline __u32 frame_segment_payload(hook_context *context, __u32 length, __u32 headers, __u32 mtu)
{
	return context->gso_size == TRACE_SEGMENT_BYTES ? 0 : context->gso_size;
}

#endif
