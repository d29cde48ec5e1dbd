/* SPDX-License-Identifier: GPL-2.0-only */
/* Link addresses and tags. */
#ifndef BPF_LINK_H
#define BPF_LINK_H

#include <linux/if_ether.h>

#include "bpf/maps_control.h"
#include "ipfw/packet.h"

#define VLAN_TAG_BYTES 4

/* Link addresses, anywhere at an even offset. One branch: the verifier follows each on both ways. */
static __always_inline bool mac_equal(const void *one, const void *other)
{
	const __u16 *a = one, *b = other;

	return !((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]));
}

static __always_inline bool mac_zero(const void *mac)
{
	const __u16 *word = mac;

	return !(word[0] | word[1] | word[2]);
}

/*
 * Whether the firewall itself made this frame and fed it back to the stack: such frames meet no
 * rules. The address is random, so that nobody outside can know it.
 */
static __always_inline bool link_from_firewall(const struct ethhdr *ethernet, const struct control *settings)
{
	return mac_equal(ethernet->h_source, settings->reply_mac);
}

/* What the frame meets the rules as; `protocol` is its EtherType and `needs` the packet_needs of the rules program. */
static __always_inline __u8 link_layers(const struct interface_entry *interface, __u16 protocol, __u32 needs)
{
	__u8 layers = 0;

	if (needs & PACKET_NEEDS_LAYER2 && interface->link_header == ETH_HLEN &&
	    !(interface->flags & INTERFACE_LOOPBACK))
		layers |= LAYER_FRAME;
	if ((protocol == ETH_P_IP && !(needs & PACKET_WITHOUT_IP4)) ||
	    (protocol == ETH_P_IPV6 && !(needs & PACKET_WITHOUT_IP6)))
		layers |= LAYER_PACKET;
	return layers;
}

/* Copies the link addresses into the descriptor. */
static __always_inline void link_addresses(struct packet *packet, const struct ethhdr *ethernet)
{
	__builtin_memcpy(packet->destination_mac, ethernet->h_dest, ETH_ALEN);
	__builtin_memcpy(packet->source_mac, ethernet->h_source, ETH_ALEN);
}

#endif
