/* SPDX-License-Identifier: GPL-2.0-only */
/* Which addresses are this machine's own: what `me` and the source of replies ask. */
#ifndef BPF_LOCAL_H
#define BPF_LOCAL_H

#include "bpf/maps_ruleset.h"
#include "ipfw/packet.h"

/* Whether an address (network order, IPv4 in [0] and zeros behind) is configured on an interface. */
static __always_inline bool address_local(__u32 family, const __u32 *address)
{
	struct local_address_key key = {
		.family = family,
		.address = {address[0], address[1], address[2], address[3]},
	};

	return bpf_map_lookup_elem(&local_addresses, &key) != NULL;
}

/*
 * Tells whether source and destination of the packet are this machine's. Looked up once per packet,
 * by the first rule that asks. Returns the PACKET_LOCAL_* bits; 0 only for the verifier's null packet.
 */
__noinline int packet_local(struct packet *packet)
{
	__u8 local = PACKET_LOCAL_KNOWN;

	if (!packet)
		return 0;
	if (packet->local)
		return packet->local;
	if (packet->family) {
		if (address_local(packet->family, packet->source))
			local |= PACKET_LOCAL_SOURCE;
		if (address_local(packet->family, packet->destination))
			local |= PACKET_LOCAL_DESTINATION;
	}
	packet->local = local;
	return local;
}

#endif
