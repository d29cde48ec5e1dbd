/* SPDX-License-Identifier: GPL-2.0-only */
/* From a description to the bytes of a frame. */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

#include "ipfw-compat/packet_fields.h"
#include "ipfw/packet.h"

static void put16(__u8 *to, __u32 value)
{
	to[0] = (__u8)(value >> 8);
	to[1] = (__u8)value;
}

static void put32(__u8 *to, __u32 value)
{
	put16(to, value >> 16);
	put16(to + 2, value);
}

/* Adds bytes to an Internet checksum (RFC 1071) under way. */
static __u32 checksum_add(__u32 sum, const __u8 *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		sum += i % 2 ? bytes[i] : (__u32)bytes[i] << 8;
	return (sum & 0xffff) + (sum >> 16);
}

static __u16 checksum_end(__u32 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}

/* CRC-32C as SCTP wants it (RFC 9260, appendix A): least significant bit first, also on the wire. */
static void put_crc32c(__u8 *to, const __u8 *bytes, size_t length)
{
	__u32 crc = 0xffffffff;

	for (size_t i = 0; i < length; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	crc = ~crc;
	for (int i = 0; i < 4; i++)
		to[i] = (__u8)(crc >> 8 * i);
}

/* Checksum of `length` bytes behind the IP headers, with the pseudo-header. */
static __u16 transport_checksum(const struct description *description, const __u8 *bytes, size_t length, bool pseudo)
{
	size_t address = description->family == 4 ? 4 : 16;
	__u32 sum = 0;

	if (pseudo) {
		sum = checksum_add(sum, (const __u8 *)description->source, address);
		sum = checksum_add(sum, (const __u8 *)description->destination, address);
		sum += description->protocol + (__u32)length;
	}
	return checksum_end(checksum_add(sum, bytes, length));
}

static void build_tcp(const struct description *description, __u8 *to)
{
	const __u32 *field = description->field;
	size_t options = tcp_options_write(to + TCP_HEADER_BYTES, field[FIELD_TCP_OPTIONS], field[FIELD_MSS]);

	put32(to + 4, field[FIELD_SEQUENCE]);
	put32(to + 8, field[FIELD_ACKNOWLEDGMENT]);
	to[12] = (__u8)((TCP_HEADER_BYTES + options) / 4 << 4);
	to[13] = (__u8)field[FIELD_TCP_FLAGS];
	put16(to + 14, field[FIELD_WINDOW]);
}

static void build_sctp(const struct description *description, __u8 *to)
{
	bool init = description->field[FIELD_CHUNK] == SCTP_CHUNK_INIT;

	put32(to + 4, description->field[FIELD_CHUNK_TAG]);
	to[SCTP_HEADER_BYTES] = (__u8)description->field[FIELD_CHUNK];
	put16(to + SCTP_HEADER_BYTES + 2, init ? SCTP_INIT_BYTES : SCTP_CHUNK_BYTES);
}

/* ICMPv6 has four bytes for the MTU of "too big", ICMP two for that of "needfrag". */
static void build_icmp(const struct description *description, __u8 *to)
{
	to[0] = (__u8)description->field[FIELD_ICMP_TYPE];
	to[1] = (__u8)description->field[FIELD_ICMP_CODE];
	put32(to + 4, description->field[FIELD_ICMP_MTU]);
}

/* Behind the IP headers; `length` bytes are zeros so far, and as many as transport_bytes() at least. */
static void build_transport(const struct description *description, __u8 *to, size_t length)
{
	unsigned int where = description_where(description);

	if (description_has_ports(description)) {
		put16(to, description->source_port);
		put16(to + 2, description->destination_port);
	}
	if (where & WHERE_TCP) {
		build_tcp(description, to);
		put16(to + 16, transport_checksum(description, to, length, true));
	} else if (where & WHERE_SCTP) {
		build_sctp(description, to);
		put_crc32c(to + 8, to, length);
	} else if (where & (WHERE_ICMP | WHERE_ICMP6)) {
		build_icmp(description, to);
		put16(to + 2, transport_checksum(description, to, length, where & WHERE_ICMP6));
	} else if (description_has_ports(description)) {
		__u16 checksum;

		put16(to + 4, (__u32)length);
		checksum = transport_checksum(description, to, length, true);
		put16(to + 6, checksum ? checksum : 0xffff); /* 0 would mean none */
	}
}

static void build_ip4(const struct description *description, __u8 *to, size_t length)
{
	const __u32 *field = description->field;
	__u32 place = field[FIELD_OFFSET] / 8;
	size_t header = network_bytes(description);

	if (field[FIELD_FRAGMENT] & FRAGMENT_RESERVED)
		place |= IP4_RESERVED;
	if (field[FIELD_FRAGMENT] & FRAGMENT_DONT)
		place |= IP4_DONT_FRAGMENT;
	if (field[FIELD_FRAGMENT] & FRAGMENT_MORE)
		place |= IP4_MORE_FRAGMENTS;
	to[0] = (__u8)(4 << 4 | header / 4);
	to[1] = (__u8)(field[FIELD_DSCP] << 2 | field[FIELD_ECN]);
	put16(to + 2, (__u32)length);
	put16(to + 4, field[FIELD_ID]);
	put16(to + 6, place);
	to[8] = (__u8)field[FIELD_TTL];
	to[9] = description->protocol;
	memcpy(to + 12, description->source, 4);
	memcpy(to + 16, description->destination, 4);
	ip_options_write(to + IP4_HEADER_BYTES, field[FIELD_IP_OPTIONS]);
	put16(to + 10, checksum_end(checksum_add(0, to, header)));
}

static void build_ip6(const struct description *description, __u8 *to, size_t length)
{
	const __u32 *field = description->field;

	put32(to, 6u << 28 | (field[FIELD_DSCP] << 2 | field[FIELD_ECN]) << 20 | field[FIELD_FLOW]);
	put16(to + 4, (__u32)(length - IP6_HEADER_BYTES));
	to[7] = (__u8)field[FIELD_TTL];
	memcpy(to + 8, description->source, 16);
	memcpy(to + 24, description->destination, 16);
	extensions_write(to + IP6_HEADER_BYTES, description, to + 6);
}

static size_t build_link(const struct description *description, __u8 *to)
{
	static const __u16 ether_types[] = {[4] = ETH_P_IP, [6] = ETH_P_IPV6};
	__u32 type = description->family ? ether_types[description->family] : description->ether_type;
	size_t length = ETH_HLEN - 2;

	memcpy(to, description->destination_mac, ETH_ALEN);
	memcpy(to + ETH_ALEN, description->source_mac, ETH_ALEN);
	for (unsigned int i = 0; i < description->vlans; i++, length += VLAN_BYTES) {
		put16(to + length, ETH_P_8021Q);
		put16(to + length + 2, description->vlan[i]);
	}
	put16(to + length, type);
	return length + 2;
}

size_t description_build(const struct description *description, bool ethernet, __u8 *frame)
{
	size_t length = description->field[FIELD_LENGTH], link = 0, header = network_bytes(description);

	if (ethernet)
		link = build_link(description, frame);
	memset(frame + link, 0, length);
	if (description->family == 4)
		build_ip4(description, frame + link, length);
	if (description->family == 6)
		build_ip6(description, frame + link, length);
	if (description->family)
		build_transport(description, frame + link + header, length - header);
	return link + length;
}
