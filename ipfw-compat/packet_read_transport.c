/* SPDX-License-Identifier: GPL-2.0-only */
/* What is behind the IP headers, and options. */
#include "ipfw-compat/packet_read.h"
#include "ipfw/packet.h"

/* IP_OPTION_* or TCP_OPTION_* of a kind, from a table that ends with 0. */
struct kind_bit {
	__u8 kind;
	__u32 bit;
};

static const struct kind_bit ip_kinds[] = {
	{7, IP_OPTION_RECORD_ROUTE},
	{68, IP_OPTION_TIMESTAMP},
	{131, IP_OPTION_LOOSE_ROUTE},
	{137, IP_OPTION_STRICT_ROUTE},
	{0, 0},
};

static const struct kind_bit tcp_kinds[] = {
	{2, TCP_OPTION_MSS},
	{3, TCP_OPTION_WINDOW},
	{4, TCP_OPTION_SACK},
	{5, TCP_OPTION_SACK},
	{8, TCP_OPTION_TIMESTAMP},
	{11, TCP_OPTION_CONNECTION_COUNT},
	{0, 0},
};

/* Which options there are; *mss becomes the value of kind 2. */
static __u32 read_options(const struct kind_bit *kinds, const __u8 *at, size_t left, __u32 *mss)
{
	__u32 found = 0;

	while (left && *at) {
		size_t length = *at == 1 ? 1 : left > 1 ? at[1] : 0;

		if (!length || length > left)
			break;
		for (const struct kind_bit *row = kinds; row->kind; row++)
			if (row->kind == *at)
				found |= row->bit;
		if (*at == 2 && length == 4)
			*mss = get16(at + 2);
		at += length;
		left -= length;
	}
	return found;
}

static void read_tcp(struct reader *reader)
{
	__u32 *field = reader->description->field;
	size_t header = reader->left > 12 ? reader->at[12] >> 4 << 2 : 0;

	if (reader->left < TCP_HEADER_BYTES || header < TCP_HEADER_BYTES || header > reader->left) {
		packet_trouble(reader, "TCP header that is not whole");
		return;
	}
	field[FIELD_SEQUENCE] = get32(reader->at + 4);
	field[FIELD_ACKNOWLEDGMENT] = get32(reader->at + 8);
	field[FIELD_TCP_FLAGS] = reader->at[13];
	field[FIELD_WINDOW] = get16(reader->at + 14);
	field[FIELD_TCP_OPTIONS] =
		read_options(tcp_kinds, reader->at + TCP_HEADER_BYTES, header - TCP_HEADER_BYTES, &field[FIELD_MSS]);
	description_normalise(reader->description);
}

static void read_icmp(struct reader *reader)
{
	__u32 *field = reader->description->field;

	if (reader->left < ICMP_HEADER_BYTES) {
		packet_trouble(reader, "ICMP header that is not whole");
		return;
	}
	field[FIELD_ICMP_TYPE] = reader->at[0];
	field[FIELD_ICMP_CODE] = reader->at[1];
	if (field_applies(reader->description, FIELD_ICMP_MTU))
		field[FIELD_ICMP_MTU] = get32(reader->at + 4);
}

static void read_sctp(struct reader *reader)
{
	__u32 *field = reader->description->field;

	if (reader->left < SCTP_HEADER_BYTES + SCTP_CHUNK_BYTES) {
		packet_trouble(reader, "SCTP packet that is not whole");
		return;
	}
	field[FIELD_CHUNK_TAG] = get32(reader->at + 4);
	field[FIELD_CHUNK] = reader->at[SCTP_HEADER_BYTES];
}

void packet_read_transport(struct reader *reader)
{
	struct description *description = reader->description;
	unsigned int where = description_where(description);

	if (description_has_ports(description)) {
		if (reader->left < 4) {
			packet_trouble(reader, "no ports");
			return;
		}
		description->ports = true;
		description->source_port = (__u16)get16(reader->at);
		description->destination_port = (__u16)get16(reader->at + 2);
	}
	if (where & WHERE_TCP)
		read_tcp(reader);
	else if (where & (WHERE_ICMP | WHERE_ICMP6))
		read_icmp(reader);
	else if (where & WHERE_SCTP)
		read_sctp(reader);
	else if (description_has_ports(description) && reader->left < UDP_HEADER_BYTES)
		packet_trouble(reader, "UDP header that is not whole");
}

__u32 packet_read_ip_options(const __u8 *options, size_t length)
{
	__u32 unused;

	return read_options(ip_kinds, options, length, &unused);
}
