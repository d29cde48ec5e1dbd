/* SPDX-License-Identifier: GPL-2.0-only */
/* The inside of packet_text.h: what its fields are called and which packets have them. */
#ifndef COMPAT_PACKET_FIELDS_H
#define COMPAT_PACKET_FIELDS_H

#include "ipfw-compat/packet_text.h"

/* Packets that a field can belong to: any of these. */
#define WHERE_IP4 0x01
#define WHERE_IP6 0x02
#define WHERE_TCP 0x04
#define WHERE_ICMP 0x08
#define WHERE_ICMP6 0x10
#define WHERE_SCTP 0x20
#define WHERE_OTHER 0x40 /* not IP */

#define IP4_HEADER_BYTES 20
#define IP6_HEADER_BYTES 40
#define IP6_FRAGMENT_BYTES 8
#define TCP_HEADER_BYTES 20
#define UDP_HEADER_BYTES 8
#define SCTP_HEADER_BYTES 12
#define SCTP_CHUNK_BYTES 4
#define SCTP_INIT_BYTES 20
#define ICMP_HEADER_BYTES 8
#define VLAN_BYTES 4

#define IP4_RESERVED 0x8000
#define IP4_DONT_FRAGMENT 0x4000
#define IP4_MORE_FRAGMENTS 0x2000
#define IP4_OFFSET_MASK 0x1fff
#define IP6_OFFSET_MASK 0xfff8
#define IP6_MORE_FRAGMENTS 0x0001

#define SCTP_CHUNK_INIT 1

enum field_kind {
	FIELD_DECIMAL,
	FIELD_NAMED, /* one of names, or a number */
	FIELD_LIST,  /* names joined by commas; the value has their bits */
};

struct field_row {
	const char *word;
	unsigned int where; /* WHERE_* */
	enum field_kind kind;
	__u32 maximum;
};

extern const struct field_row field_rows[DESCRIPTION_FIELDS];
extern const struct name_value names_segment_flags[]; /* all eight bits of the TCP flag octet */

/* WHERE_* of a packet. */
unsigned int description_where(const struct description *description);
/* Whether packets like this can have the field. */
bool field_applies(const struct description *description, enum description_field field);
/* Takes out of FIELD_TCP_OPTIONS what FIELD_MSS says already. */
void description_normalise(struct description *description);
/* The names that the value can have in this packet; NULL: none. */
const struct name_value *field_names(const struct description *description, enum description_field field);
/* The value when nothing is said. For FIELD_LENGTH it depends on all other fields. */
__u32 field_initial(const struct description *description, enum description_field field);
/* Writes the value as it is entered. */
void field_print(char *text, size_t size, const struct description *description, enum description_field field);

/* Whether a transport header with ports, or any transport header, is behind the IP headers. */
bool description_has_ports(const struct description *description);
bool protocol_has_ports(__u8 protocol);

/* Bytes of the headers: IP with options or extension headers, and what is behind. */
size_t network_bytes(const struct description *description);
size_t transport_bytes(const struct description *description);

/*
 * Write options of their kinds (IP_OPTION_*, TCP_OPTION_*), zeros but for their lengths, and the MSS; padded to a
 * multiple of four. Return the bytes they take, at most 40; `to` may be NULL.
 */
size_t ip_options_write(__u8 *to, __u32 options);
size_t tcp_options_write(__u8 *to, __u32 options, __u32 mss);
/* Writes the extension headers EXTENSION_* and that of a fragment. Likewise. `next` becomes what IPv6's header says is
 * next. */
size_t extensions_write(__u8 *to, const struct description *description, __u8 *next);

#endif
