/* SPDX-License-Identifier: GPL-2.0-only */
/* What stands in packets between the fixed headers: options and extension headers, as short as they can be. */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

#include "ipfw-compat/packet_fields.h"
#include "ipfw/packet.h"

#define OPTIONS_MAX 40
#define KIND_NO_OPERATION 1

/* An option as bytes: kind, length and what must be in it to be valid. */
struct option_bytes {
	__u32 bit;
	__u8 length;
	__u8 bytes[10];
};

/* RFC 791: one address or time each. */
static const struct option_bytes ip_options[] = {
	{IP_OPTION_LOOSE_ROUTE, 7, {131, 7, 4}},
	{IP_OPTION_STRICT_ROUTE, 7, {137, 7, 4}},
	{IP_OPTION_RECORD_ROUTE, 7, {7, 7, 4}},
	{IP_OPTION_TIMESTAMP, 8, {68, 8, 5}},
	{0},
};

/* RFC 9293, RFC 7323, RFC 2018, RFC 1644 */
static const struct option_bytes tcp_options[] = {
	{TCP_OPTION_MSS, 4, {2, 4}},	     {TCP_OPTION_WINDOW, 3, {3, 3, 7}},		{TCP_OPTION_SACK, 2, {4, 2}},
	{TCP_OPTION_TIMESTAMP, 10, {8, 10}}, {TCP_OPTION_CONNECTION_COUNT, 6, {11, 6}}, {0},
};

static size_t options_write(__u8 *to, const struct option_bytes *table, __u32 options)
{
	__u8 bytes[OPTIONS_MAX] = {0};
	size_t length = 0;

	for (; table->bit; table++) {
		if (!(options & table->bit) || length + table->length > sizeof(bytes))
			continue;
		memcpy(bytes + length, table->bytes, table->length);
		length += table->length;
	}
	while (length % 4)
		bytes[length++] = KIND_NO_OPERATION;
	if (to)
		memcpy(to, bytes, length);
	return length;
}

size_t ip_options_write(__u8 *to, __u32 options)
{
	return options_write(to, ip_options, options);
}

size_t tcp_options_write(__u8 *to, __u32 options, __u32 mss)
{
	size_t length = options_write(to, tcp_options, options | (mss ? TCP_OPTION_MSS : 0));
	__be16 value = htons((__u16)mss);

	/* The MSS is the first of them. */
	if (to && mss)
		memcpy(to + 2, &value, sizeof(value));
	return length;
}

/* In the order of RFC 8200, 4.1. */
static const struct {
	__u32 bit;
	__u8 protocol, length;
	__u8 bytes[24]; /* the first is overwritten */
} extensions[] = {
	{EXTENSION_HOP_BY_HOP, IPPROTO_HOPOPTS, 8, {0, 0, 1, 4}},
	{EXTENSION_ROUTING_0, IPPROTO_ROUTING, 8, {0, 0, 0, 0}},
	{EXTENSION_ROUTING_2, IPPROTO_ROUTING, 24, {0, 2, 2, 1}},
	{EXTENSION_FRAGMENT, IPPROTO_FRAGMENT, IP6_FRAGMENT_BYTES, {0}},
	{EXTENSION_AUTHENTICATION, IPPROTO_AH, 24, {0, 4}},
	{EXTENSION_DESTINATION, IPPROTO_DSTOPTS, 8, {0, 0, 1, 4}},
};

static __u32 wanted_extensions(const struct description *description)
{
	__u32 wanted = description->field[FIELD_EXTENSIONS];

	if (description->field[FIELD_FRAGMENT] & FRAGMENT_MORE || description->field[FIELD_OFFSET])
		wanted |= EXTENSION_FRAGMENT;
	return wanted;
}

size_t extensions_write(__u8 *to, const struct description *description, __u8 *next)
{
	__be16 place = htons((__u16)(description->field[FIELD_OFFSET] |
				     (description->field[FIELD_FRAGMENT] & FRAGMENT_MORE ? IP6_MORE_FRAGMENTS : 0)));
	__u32 wanted = wanted_extensions(description);
	size_t length = 0;

	*next = description->protocol;
	for (size_t i = 0; i < sizeof(extensions) / sizeof(*extensions); i++) {
		if (!(wanted & extensions[i].bit))
			continue;
		if (to) {
			memcpy(to + length, extensions[i].bytes, extensions[i].length);
			if (extensions[i].bit == EXTENSION_FRAGMENT)
				memcpy(to + length + 2, &place, sizeof(place));
			*next = extensions[i].protocol;
			next = to + length;
			*next = description->protocol;
		}
		length += extensions[i].length;
	}
	return length;
}

size_t description_link_bytes(const struct description *description)
{
	return description->link ? ETH_HLEN + (size_t)VLAN_BYTES * description->vlans : 0;
}

size_t network_bytes(const struct description *description)
{
	__u8 next;

	if (!description->family)
		return 0;
	if (description->family == 4)
		return IP4_HEADER_BYTES + ip_options_write(NULL, description->field[FIELD_IP_OPTIONS]);
	return IP6_HEADER_BYTES + extensions_write(NULL, description, &next);
}

size_t transport_bytes(const struct description *description)
{
	unsigned int where = description_where(description);

	if (where & WHERE_TCP)
		return TCP_HEADER_BYTES +
		       tcp_options_write(NULL, description->field[FIELD_TCP_OPTIONS], description->field[FIELD_MSS]);
	if (where & WHERE_SCTP)
		return SCTP_HEADER_BYTES +
		       (description->field[FIELD_CHUNK] == SCTP_CHUNK_INIT ? SCTP_INIT_BYTES : SCTP_CHUNK_BYTES);
	if (where & (WHERE_ICMP | WHERE_ICMP6))
		return ICMP_HEADER_BYTES;
	return description_has_ports(description) ? UDP_HEADER_BYTES : 0;
}
