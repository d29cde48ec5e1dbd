// SPDX-License-Identifier: GPL-2.0-only
/* The rules for what XDP forwards, if they answer with RST or ICMP. */
#include "bpf/frame_xdp.h"

#include "bpf/maps_forward.h"
#include "bpf/refuse_xdp.h"

/* Gives the frame the link addresses back that it came with. */
static __always_inline bool link_restore(struct xdp_md *context, const struct interface_entry *interface)
{
	const struct fast_forward *forward = fast_forward_find();
	__u8 addresses[2 * ETH_ALEN];

	if (!forward)
		return false;
	__builtin_memcpy(addresses, interface->mac, ETH_ALEN);
	__builtin_memcpy(addresses + ETH_ALEN, forward->sender_mac, ETH_ALEN);
	return !frame_store(context, 0, addresses, sizeof(addresses));
}

/* Answers the sender by the interface that the packet came in by, as the rules for incoming packets do. */
__noinline int refuse(struct xdp_md *context, struct packet *packet, __u64 result)
{
	const struct interface_entry *interface;

	if (!packet)
		return XDP_DROP;
	interface = interface_find(packet->receive_interface);
	if (!interface || !link_restore(context, interface))
		return XDP_DROP;
	return refuse_at(context, packet, interface, result);
}

#include "bpf/ruleset_forward.h"

char LICENSE[] SEC("license") = "GPL";
