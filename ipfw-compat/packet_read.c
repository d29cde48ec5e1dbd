/* SPDX-License-Identifier: GPL-2.0-only */
/* From the bytes of a frame to its description. What is looked at is what rules can look at. */
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

#include "ipfw-compat/packet_read.h"
#include "ipfw/packet.h"

bool packet_trouble(struct reader *reader, const char *problem)
{
	if (!reader->description->problem)
		reader->description->problem = problem;
	return false;
}

static bool skip(struct reader *reader, size_t length, const char *problem)
{
	if (length > reader->left)
		return packet_trouble(reader, problem);
	reader->at += length;
	reader->left -= length;
	return true;
}

static __u32 ip4_fragment(__u32 place)
{
	return (place & IP4_RESERVED ? FRAGMENT_RESERVED : 0) | (place & IP4_DONT_FRAGMENT ? FRAGMENT_DONT : 0) |
	       (place & IP4_MORE_FRAGMENTS ? FRAGMENT_MORE : 0);
}

/* Drops what is behind the IP packet, whose header says how long it is. */
static bool limit(struct reader *reader, size_t length, const char *problem)
{
	reader->description->field[FIELD_LENGTH] = (__u32)length;
	if (length > reader->left)
		return packet_trouble(reader, problem);
	reader->left = length;
	return true;
}

static void read_ip4(struct reader *reader)
{
	struct description *description = reader->description;
	__u32 *field = description->field;
	const __u8 *ip = reader->at;
	size_t header;

	if (reader->left < IP4_HEADER_BYTES || *ip >> 4 != 4) {
		packet_trouble(reader, "no whole IPv4 header");
		return;
	}
	header = (*ip & 0xf) * 4;
	description->family = 4;
	description->protocol = ip[9];
	memcpy(description->source, ip + 12, 4);
	memcpy(description->destination, ip + 16, 4);
	field[FIELD_DSCP] = ip[1] >> 2;
	field[FIELD_ECN] = ip[1] & 3;
	field[FIELD_TTL] = ip[8];
	field[FIELD_ID] = get16(ip + 4);
	field[FIELD_FRAGMENT] = ip4_fragment(get16(ip + 6));
	field[FIELD_OFFSET] = (get16(ip + 6) & IP4_OFFSET_MASK) * 8;
	if (!limit(reader, get16(ip + 2), "shorter than its header says"))
		return;
	if (header < IP4_HEADER_BYTES || header > reader->left) {
		packet_trouble(reader, "length of its header that cannot be");
		return;
	}
	field[FIELD_IP_OPTIONS] = packet_read_ip_options(ip + IP4_HEADER_BYTES, header - IP4_HEADER_BYTES);
	if (skip(reader, header, "") && !field[FIELD_OFFSET])
		packet_read_transport(reader);
}

static __u32 extension_bits(__u8 protocol, const __u8 *at)
{
	switch (protocol) {
	case IPPROTO_HOPOPTS:
		return EXTENSION_HOP_BY_HOP;
	case IPPROTO_DSTOPTS:
		return EXTENSION_DESTINATION;
	case IPPROTO_AH:
		return EXTENSION_AUTHENTICATION;
	case IPPROTO_FRAGMENT:
		return EXTENSION_FRAGMENT;
	default:
		return EXTENSION_ROUTING | (at[2] == 0 ? EXTENSION_ROUTING_0 : at[2] == 2 ? EXTENSION_ROUTING_2 : 0);
	}
}

static bool is_extension(__u8 protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_DSTOPTS || protocol == IPPROTO_AH ||
	       protocol == IPPROTO_FRAGMENT || protocol == IPPROTO_ROUTING;
}

/* A fragment header that says "first and last" is only there; any other is told by the offset. */
static void read_fragment(struct description *description, __u32 place)
{
	description->field[FIELD_OFFSET] = place & IP6_OFFSET_MASK;
	description->field[FIELD_FRAGMENT] = place & IP6_MORE_FRAGMENTS ? FRAGMENT_MORE : 0;
	if (place & (IP6_OFFSET_MASK | IP6_MORE_FRAGMENTS))
		description->field[FIELD_EXTENSIONS] &= ~(__u32)EXTENSION_FRAGMENT;
}

/* Steps over one extension header. False when it is not all there. */
static bool read_extension(struct reader *reader)
{
	struct description *description = reader->description;
	__u8 protocol = description->protocol;
	const __u8 *at = reader->at;
	size_t length = 8;

	if (reader->left < length)
		return packet_trouble(reader, "extension header that is not whole");
	if (protocol == IPPROTO_AH)
		length = (at[1] + 2u) * 4;
	else if (protocol != IPPROTO_FRAGMENT)
		length = (at[1] + 1u) * 8;
	description->field[FIELD_EXTENSIONS] |= extension_bits(protocol, at);
	if (protocol == IPPROTO_FRAGMENT)
		read_fragment(description, get16(at + 2));
	description->protocol = at[0];
	return skip(reader, length, "extension header that is not whole");
}

static void read_ip6(struct reader *reader)
{
	struct description *description = reader->description;
	__u32 *field = description->field;
	const __u8 *ip = reader->at;

	if (reader->left < IP6_HEADER_BYTES || *ip >> 4 != 6) {
		packet_trouble(reader, "no whole IPv6 header");
		return;
	}
	description->family = 6;
	description->protocol = ip[6];
	memcpy(description->source, ip + 8, 16);
	memcpy(description->destination, ip + 24, 16);
	field[FIELD_DSCP] = (get16(ip) >> 4 & 0xff) >> 2;
	field[FIELD_ECN] = get16(ip) >> 4 & 3;
	field[FIELD_TTL] = ip[7];
	field[FIELD_FLOW] = get32(ip) & 0xfffff;
	if (!limit(reader, get16(ip + 4) + IP6_HEADER_BYTES, "shorter than its header says"))
		return;
	skip(reader, IP6_HEADER_BYTES, "");
	while (is_extension(description->protocol) && !field[FIELD_OFFSET])
		if (!read_extension(reader))
			return;
	if (!field[FIELD_OFFSET])
		packet_read_transport(reader);
}

/* Steps over the link header and VLAN tags. Returns the EtherType behind them, 0 if they are not all there. */
static __u16 read_link(struct reader *reader)
{
	struct description *description = reader->description;
	__u16 type;

	if (reader->left < ETH_HLEN) {
		packet_trouble(reader, "shorter than a link header");
		return 0;
	}
	description->link = true;
	memcpy(description->destination_mac, reader->at, ETH_ALEN);
	memcpy(description->source_mac, reader->at + ETH_ALEN, ETH_ALEN);
	type = (__u16)get16(reader->at + 2 * ETH_ALEN);
	skip(reader, ETH_HLEN, "");
	while ((type == ETH_P_8021Q || type == ETH_P_8021AD) && description->vlans < DESCRIPTION_VLANS_MAX) {
		const __u8 *tag = reader->at;

		if (!skip(reader, VLAN_BYTES, "VLAN tag that is not whole"))
			return 0;
		description->vlan[description->vlans++] = get16(tag) & 0xfff;
		type = (__u16)get16(tag + 2);
	}
	return type;
}

void description_read(struct description *description, const __u8 *frame, size_t length, bool ethernet)
{
	struct reader reader = {.at = frame, .left = length};
	__u16 type = length && *frame >> 4 == 6 ? ETH_P_IPV6 : ETH_P_IP;

	memset(description, 0, sizeof(*description));
	reader.description = description;
	if (ethernet)
		type = read_link(&reader);
	description->ether_type = type;
	description->field[FIELD_LENGTH] = (__u32)reader.left;
	if (type == ETH_P_IP)
		read_ip4(&reader);
	else if (type == ETH_P_IPV6)
		read_ip6(&reader);
}
