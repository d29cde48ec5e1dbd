/* SPDX-License-Identifier: GPL-2.0-only */
/* What stands in front of the IP header: link header and VLAN tags, and for whom the frame is. */
#ifndef BPF_LINK_PARSE_H
#define BPF_LINK_PARSE_H

#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/link.h"
#include "bpf/maps_slow.h"
#include "bpf/parse_common.h"
#include "bpf/trace.h"
#include "ipfw/packet.h"

#define VLAN_TAGS_MAX 2 /* 802.1ad outside, 802.1Q inside */
#define VLAN_ID_MASK 0xfff

struct vlan_tag {
	__be16 control; /* id in the low 12 bits */
	__be16 protocol;
};

/* Whether frames of this VLAN meet the rules on a VLAN device instead of here. */
static __always_inline bool vlan_filtered_elsewhere(__u32 interface, __u32 id)
{
	struct vlan_key key = {.parent = interface, .id = id};

	return bpf_map_lookup_elem(&vlans, &key) != NULL;
}

static __always_inline bool ethertype_vlan(__u16 protocol)
{
	return protocol == ETH_P_8021Q || protocol == ETH_P_8021AD;
}

/*
 * Steps over the VLAN tags of a frame that enters or leaves by packet->interface: packet->network_offset moves on.
 * Only the outermost tag names a VLAN device of this interface. `protocol` is the frame's EtherType; returns the one
 * behind the tags in host order, or -enum pass_reason when the frame is not to be filtered here. Recordings of
 * ipfw_chk() have their tags on: nothing stood before it that took them off. Global, so that the verifier walks it
 * once.
 */
__noinline int vlan_parse(hook_context *context, struct packet *packet, __u16 protocol)
{
	int outer = frame_vlan(context);

	if (!packet || (outer >= 0 && vlan_filtered_elsewhere(packet->interface, outer)))
		return -PASS_VLAN;
	for (int i = 0; i < VLAN_TAGS_MAX && ethertype_vlan(protocol) && !unvalidated(); i++) {
		struct vlan_tag tag;
		__u32 id;

		if (frame_load(context, packet->network_offset, &tag, sizeof(tag)))
			break;
		id = bpf_ntohs(tag.control) & VLAN_ID_MASK;
		if (!i && outer < 0 && vlan_filtered_elsewhere(packet->interface, id))
			return -PASS_VLAN;
		protocol = bpf_ntohs(tag.protocol);
		packet->network_offset += VLAN_TAG_BYTES;
	}
	return protocol;
}

/* -enum pass_reason of an incoming Ethernet frame that is none of this machine's business, or of its own making; else
 * 0. */
static __always_inline int link_not_ours(hook_context *context, const struct ethhdr *ethernet,
					 const struct interface_entry *interface)
{
	const struct control *settings = control_find();

	if (!settings || link_from_firewall(ethernet, settings))
		return -PASS_OWN;
	if (ethernet->h_dest[0] & 1 || mac_zero(interface->mac) || mac_equal(ethernet->h_dest, interface->mac))
		return 0;
	/* Link addresses change, and nobody tells the firewall: what is ours must meet the rules. */
	if (!frame_traced(context) && frame_address_now(context, ethernet->h_dest))
		return 0;
	return -PASS_OTHER_HOST;
}

/*
 * Finds the IP header: packet->network_offset becomes its place. Fills in the link addresses. `input` tells that the
 * frame came in by `interface`. Returns the EtherType in host order, or -enum pass_reason for a frame that passes
 * without meeting any rule.
 */
static __always_inline int link_parse(hook_context *context, const struct interface_entry *interface, bool input,
				      struct packet *packet)
{
	struct ethhdr ethernet __attribute__((aligned(4)));
	int result;

	packet->network_offset =
		packet_traced(packet) ? frame_traced_link(interface->link_header) : interface->link_header;
	if (input && frame_for_other_host(context))
		return -PASS_OTHER_HOST;
	if (interface->link_header != ETH_HLEN) {
		packet->network_offset = frame_bare_offset(context);
		return frame_protocol(context);
	}
	if (frame_load(context, 0, &ethernet, sizeof(ethernet)))
		return -PASS_SHORT;
	if (packet_traced(packet))
		trace_source(context, &ethernet);
	link_addresses(packet, &ethernet);
	result = input ? link_not_ours(context, &ethernet, interface) : 0;
	if (result)
		return result;
	return vlan_parse(context, packet, bpf_ntohs(ethernet.h_proto));
}

#endif
