/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Checksums that are still to be computed, by whoever sends the frame on (CHECKSUM_PARTIAL): such frames come from
 * virtual interfaces, and XDP is not told. The field then holds the plain sum of the pseudo-header.
 */
#ifndef BPF_CHECKSUM_PENDING_H
#define BPF_CHECKSUM_PENDING_H

#include <stdbool.h>

#include "bpf/checksum.h"
#include "ipfw/packet.h"

/*
 * Whether the checksum `check` of the packet's TCP or UDP header, as it lies in memory, may be still to be computed. By
 * chance a finished one looks so, too: one in 65535.
 */
static __always_inline bool checksum_may_be_pending(const struct packet *packet, __u16 check)
{
	__u64 sum = (__u64)bpf_htonl(packet->network_offset + packet->bytes - packet->transport_offset) +
		    bpf_htonl(packet->protocol);

	for (int i = 0; i < 4; i++)
		sum += (__u64)packet->source[i] + packet->destination[i];
	return check == (__u16)~checksum_fold_words(sum);
}

#endif
