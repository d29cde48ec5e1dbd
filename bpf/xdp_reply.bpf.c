// SPDX-License-Identifier: GPL-2.0-only
/* The XDP program of rulesets that answer with RST or ICMP. */
#include "bpf/frame_xdp.h"

#include "bpf/refuse_xdp.h"

__noinline int refuse(struct xdp_md *context, struct packet *packet, __u64 result)
{
	const struct interface_entry *interface;

	if (!packet)
		return XDP_DROP;
	interface = interface_find(packet->interface);
	return interface ? refuse_at(context, packet, interface, result) : XDP_DROP;
}

#include "bpf/ruleset_xdp.h"

char LICENSE[] SEC("license") = "GPL";
