/* SPDX-License-Identifier: GPL-2.0-only */
/* The TCP checksum of a packet that changes at XDP. */
#ifndef BPF_MODIFY_HOOK_H
#define BPF_MODIFY_HOOK_H

#include <stddef.h>

#include "bpf/checksum.h"
#include "bpf/checksum_pending.h"
#include "bpf/parse_common.h"

_Static_assert(offsetof(struct packet, destination) == sizeof(((struct packet *)0)->source),
	       "the addresses of a packet lie as in a pseudo-header");

/*
 * Whether the TCP checksum `check` is still to be computed. A finished one may look so by chance, but it also holds for
 * the segment.
 */
static __always_inline bool tcp_checksum_pending(hook_context *context, const struct packet *packet, __u16 check)
{
	__u32 length = packet->network_offset + packet->bytes - packet->transport_offset;
	__u32 sum;

	if (!checksum_may_be_pending(packet, check))
		return false;
	sum = checksum_pseudo_header(packet->source, sizeof(packet->source) + sizeof(packet->destination), length,
				     IPPROTO_TCP);
	return checksum_fold(checksum_frame(context, packet->transport_offset, length, sum)) != 0;
}

/*
 * Makes up in the TCP checksum for a word of the segment that becomes `to` instead of `from`, as they lie in memory at
 * even places. Returns 0, or a negative error with nothing done.
 */
static __always_inline long tcp_checksum_change(hook_context *context, struct packet *packet, __u16 from, __u16 to)
{
	__u32 offset = packet->transport_offset + TCP_CHECKSUM_OFFSET;
	__u16 check;
	long error = frame_load(context, offset, &check, sizeof(check));

	if (error)
		return error;
	if (tcp_checksum_pending(context, packet, check))
		return 0;
	check = checksum_replace(check, from, to);
	return frame_store(context, offset, &check, sizeof(check));
}

#endif
