/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The frame as XDP hands it over. frame_xdp.h and frame_tc.h declare the same names, so that parser
 * and replies are written once; a program includes one of them first.
 *
 * Offsets count from the first byte of the frame. Loads and stores reach all of it, also what is not
 * in the directly accessible part; they return 0 or a negative error with nothing done.
 */
#ifndef BPF_FRAME_H
#define BPF_FRAME_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_helpers.h>

#include "maps/layout.h"

typedef struct xdp_md hook_context;

#define HOOK_DROP XDP_DROP
#define HOOK_PASS XDP_PASS

static __always_inline long frame_load(hook_context *context, __u32 offset, void *to, __u32 length)
{
	return bpf_xdp_load_bytes(context, offset, to, length);
}

static __always_inline long frame_store(hook_context *context, __u32 offset, void *from, __u32 length)
{
	return bpf_xdp_store_bytes(context, offset, from, length);
}

/* Stores likewise, over bytes of the IP packet; a sum that the kernel keeps of it follows. */
static __always_inline long frame_change(hook_context *context, __u32 offset, void *from, __u32 length)
{
	return bpf_xdp_store_bytes(context, offset, from, length);
}

#define FRAME_NEAR 256 /* bytes that the headers of the link and of IP begin in */

/* Place of `length` bytes at an offset below FRAME_NEAR if they are directly accessible, else NULL. */
static __always_inline void *frame_near(hook_context *context, __u32 offset, __u32 length)
{
	void *data = (void *)(long)context->data, *end = (void *)(long)context->data_end;

	if (offset >= FRAME_NEAR || data + offset + length > end)
		return NULL;
	return data + offset;
}

/* frame_load() and frame_change() of a constant length that cost less for bytes near the start of the frame. */
static __always_inline long frame_load_near(hook_context *context, __u32 offset, void *to, __u32 length)
{
	const void *from = frame_near(context, offset, length);

	if (!from)
		return frame_load(context, offset, to, length);
	__builtin_memcpy(to, from, length);
	return 0;
}

static __always_inline long frame_change_near(hook_context *context, __u32 offset, void *from, __u32 length)
{
	void *to = frame_near(context, offset, length);

	if (!to)
		return frame_change(context, offset, from, length);
	__builtin_memcpy(to, from, length);
	return 0;
}

/* Bytes of the whole frame. */
static __always_inline __u32 frame_length(hook_context *context)
{
	return bpf_xdp_get_buff_len(context);
}

/* The same at no cost where it may be too small: bytes that are directly accessible. */
static __always_inline __u32 frame_length_quick(hook_context *context)
{
	return context->data_end - context->data;
}

/* What the fast path of the parser must leave alone, whatever the headers say. */
static __always_inline bool frame_special(hook_context *context)
{
	return false;
}

/* Copies what would be the mark of a traced frame. False if there is nothing. */
static __always_inline bool frame_trace_mark(hook_context *context, struct trace_mark *mark)
{
	const struct trace_mark *metadata = (void *)(long)context->data_meta;

	if ((void *)(metadata + 1) > (void *)(long)context->data)
		return false;
	*mark = *metadata;
	return true;
}

/*
 * Bytes in front of the IP header of a traced frame on an interface with `link_header` bytes: test runs at TC put an
 * Ethernet header there in any case.
 */
static __always_inline __u32 frame_traced_link(__u32 link_header)
{
	return link_header;
}

/* Id of the VLAN tag that the kernel keeps beside the frame, -1: none. */
static __always_inline int frame_vlan(hook_context *context)
{
	return -1;
}

/* EtherType in host order of a frame without link header; XDP can only look into it. */
static __always_inline __u16 frame_protocol(hook_context *context)
{
	__u8 first = 0;

	frame_load(context, 0, &first, sizeof(first));
	return first >> 4 == 6 ? ETH_P_IPV6 : ETH_P_IP;
}

/* Bytes in front of the IP header of a frame of an interface without link header. */
static __always_inline __u32 frame_bare_offset(hook_context *context)
{
	return 0;
}

/* Whether the kernel marked the frame as addressed to another host. */
static __always_inline bool frame_for_other_host(hook_context *context)
{
	return false;
}

/* What is read of the kernel's structures of these names (include/net/xdp.h, linux/netdevice.h); libbpf finds the
 * places. */
struct net_device {
	const unsigned char *dev_addr;
} __attribute__((preserve_access_index));

struct xdp_rxq_info {
	struct net_device *dev;
} __attribute__((preserve_access_index));

struct xdp_buff {
	struct xdp_rxq_info *rxq;
} __attribute__((preserve_access_index));

/* Whether the frame's interface has this link address by now. For programs that libbpf loads as they were compiled. */
static __always_inline bool frame_address_now(hook_context *context, const void *address)
{
	const struct xdp_buff *buffer = (void *)context;
	const struct xdp_rxq_info *queue = NULL;
	const struct net_device *device = NULL;
	const unsigned char *own = NULL;
	__u16 now[ETH_ALEN / sizeof(__u16)] = {}, asked[ETH_ALEN / sizeof(__u16)];

	__builtin_memcpy(asked, address, sizeof(asked));
	if (bpf_probe_read_kernel(&queue, sizeof(queue), &buffer->rxq) ||
	    bpf_probe_read_kernel(&device, sizeof(device), &queue->dev) ||
	    bpf_probe_read_kernel(&own, sizeof(own), &device->dev_addr) || bpf_probe_read_kernel(now, sizeof(now), own))
		return false;
	return !((now[0] ^ asked[0]) | (now[1] ^ asked[1]) | (now[2] ^ asked[2]));
}

/*
 * Payload bytes per wire packet of a frame that is several of them, 0 for an ordinary one. XDP is
 * not told; what does not fit into the MTU was glued together on the way here (veth, GRO).
 */
static __always_inline __u32 frame_segment_payload(hook_context *context, __u32 length, __u32 headers, __u32 mtu)
{
	return length > mtu && mtu > headers ? mtu - headers : 0;
}

#endif
