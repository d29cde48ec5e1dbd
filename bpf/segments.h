/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames that are several wire packets glued together (GSO, GRO). Rules meet them once; counters must
 * show what is on the wire.
 */
#ifndef BPF_SEGMENTS_H
#define BPF_SEGMENTS_H

#include "bpf/header_options.h"
#include "bpf/maps_control.h"
#include "bpf/parse_common.h"

/* Bytes of the headers that every wire packet of this frame repeats; 0: it cannot be more than one. */
static __always_inline __u32 segment_headers(hook_context *context, const struct packet *packet)
{
	__u8 length = 0;

	if (!packet->transport_offset)
		return 0;
	if (packet->protocol == IPPROTO_UDP)
		return packet->network_length + UDP_BYTES;
	if (!(packet->flags & PACKET_TCP))
		return 0;
	if (frame_load(context, packet->transport_offset + TCP_LENGTH_OFFSET, &length, sizeof(length)))
		return 0;
	return packet->network_length + (length >> 4) * 4;
}

/*
 * Sets packet->segments and bytes of a parsed packet, where the hook tells or the MTU shows that it
 * is a super-packet. What recordings hold is one packet each, whatever its size. Global, so that the verifier walks it
 * once; weak, so that the compiler does not leave out an argument that one of the hooks ignores. Returns 0.
 */
__weak int segments_count(hook_context *context, struct packet *packet, __u32 mtu)
{
	__u32 headers, each;

	if (!packet)
		return 0;
	if (!frame_segment_payload(context, packet->bytes, 0, mtu))
		return 0;
	headers = segment_headers(context, packet);
	if (!headers || headers >= packet->bytes || unvalidated())
		return 0;
	each = frame_segment_payload(context, packet->bytes, headers, mtu);
	if (!each)
		return 0;
	packet->segments = (packet->bytes - headers + each - 1) / each;
	packet->bytes += (packet->segments - 1) * headers;
	return 0;
}

#endif
