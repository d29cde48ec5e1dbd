/* SPDX-License-Identifier: GPL-2.0-only */
/* The TCP checksum of a packet that changes at TC; contract in modify_xdp.h. */
#ifndef BPF_MODIFY_HOOK_H
#define BPF_MODIFY_HOOK_H

#include "bpf/parse_common.h"

/* The kernel knows whether the checksum is still to be computed. */
static __always_inline long tcp_checksum_change(hook_context *context, struct packet *packet, __u16 from, __u16 to)
{
	return bpf_l4_csum_replace(context, packet->transport_offset + TCP_CHECKSUM_OFFSET, from, to, sizeof(to));
}

#endif
