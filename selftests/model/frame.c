/* SPDX-License-Identifier: GPL-2.0-only */
#include "selftests/model/frame.h"

#include <netinet/in.h>
#include <string.h>

#define IP4_BYTES 20
#define IP6_BYTES 40
#define TCP_BYTES 20

static void put16(__u8 *bytes, unsigned int value)
{
	bytes[0] = (__u8)(value >> 8);
	bytes[1] = (__u8)value;
}

static void put32(__u8 *bytes, __u32 value)
{
	put16(bytes, value >> 16);
	put16(bytes + 2, value & 0xffff);
}

/* The Internet checksum (RFC 1071) of an even number of bytes, onto `sum`. */
static __u16 checksum(const __u8 *bytes, size_t length, __u32 sum)
{
	for (size_t i = 0; i < length; i += 2)
		sum += (__u32)bytes[i] << 8 | bytes[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}

/* The TCP options that packet->tcp_options names. Returns their bytes, a multiple of 4. */
static size_t write_tcp_options(const struct packet *packet, __u8 *bytes)
{
	size_t length = 0;

	memset(bytes, 1, FRAME_BYTES_MAX - IP6_BYTES - TCP_BYTES); /* NOP */
	if (packet->tcp_options & TCP_OPTION_MSS) {
		put16(bytes, 2 << 8 | 4);
		put16(bytes + 2, packet->tcp_mss);
		length += 4;
	}
	if (packet->tcp_options & TCP_OPTION_WINDOW) {
		put16(bytes + length, 3 << 8 | 3);
		length += 3;
	}
	if (packet->tcp_options & TCP_OPTION_SACK) {
		put16(bytes + length, 4 << 8 | 2);
		length += 2;
	}
	if (packet->tcp_options & TCP_OPTION_TIMESTAMP) {
		put16(bytes + length, 8 << 8 | 10);
		length += 10;
	}
	return (length + 3) / 4 * 4;
}

/* The TCP header, but for the checksum. Returns its bytes. */
static size_t write_tcp(const struct packet *packet, __u8 *bytes)
{
	size_t length = TCP_BYTES + write_tcp_options(packet, bytes + TCP_BYTES);

	put16(bytes, packet->source_port);
	put16(bytes + 2, packet->destination_port);
	put32(bytes + 4, packet->tcp_sequence);
	put32(bytes + 8, packet->tcp_acknowledgment);
	bytes[12] = (__u8)(length / 4 << 4);
	bytes[13] = packet->tcp_flags;
	put16(bytes + 14, packet->tcp_window);
	return length;
}

static void write_ip4(const struct packet *packet, size_t length, __u8 *bytes)
{
	bytes[0] = 0x45;
	bytes[1] = packet->traffic_class;
	put16(bytes + 2, (unsigned int)length);
	put16(bytes + 4, packet->ip_id);
	bytes[8] = (__u8)packet->ttl;
	bytes[9] = packet->protocol;
	memcpy(bytes + 12, packet->source, 4);
	memcpy(bytes + 16, packet->destination, 4);
	put16(bytes + 10, checksum(bytes, IP4_BYTES, 0));
}

static void write_ip6(const struct packet *packet, size_t length, __u8 *bytes)
{
	put32(bytes, 6u << 28 | (__u32)packet->traffic_class << 20 | packet->flow_label);
	put16(bytes + 4, (unsigned int)length - IP6_BYTES);
	bytes[6] = packet->protocol;
	memcpy(bytes + 8, packet->source, 16);
	memcpy(bytes + 24, packet->destination, 16);
}

size_t frame_write(struct packet *packet, __u8 bytes[FRAME_BYTES_MAX])
{
	size_t network = packet->family == 4 ? IP4_BYTES : IP6_BYTES, length = network;
	size_t addresses = packet->family == 4 ? 8 : 32;
	__u8 *tcp = bytes + network;

	memset(bytes, 0, FRAME_BYTES_MAX);
	if (!packet->family)
		return 0;
	if (packet->flags & PACKET_TCP)
		length += write_tcp(packet, tcp);
	if (packet->family == 4)
		write_ip4(packet, length, bytes);
	else
		write_ip6(packet, length, bytes);
	if (packet->flags & PACKET_TCP)
		put16(tcp + 16,
		      checksum(tcp, length - network,
			       (__u16)~checksum(tcp - addresses, addresses, IPPROTO_TCP + (__u32)(length - network))));
	packet->bytes = (__u32)length;
	packet->network_length = (__u16)network;
	packet->transport_offset = packet->flags & PACKET_TCP ? (__u16)(packet->network_offset + network) : 0;
	return length;
}
