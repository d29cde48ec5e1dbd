/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets as text, for people: a description becomes a frame, and a frame becomes its description.
 *
 *   tcp 10.0.0.5:1234 > 192.0.2.1:80 syn ttl 3
 *   icmp6 2001:db8::1 > 2001:db8::2 type echo
 *   udp [2001:db8::1]:53 > [2001:db8::2]:99 len 100
 *
 * In between stands struct description: what all that rules can look at is like. What is not said has a value that such
 * packets usually have, and what has it is not printed: description_parse() of what description_print() writes gives
 * the same packet. Payloads are zeros.
 */
#ifndef COMPAT_PACKET_TEXT_H
#define COMPAT_PACKET_TEXT_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "ipfw-compat/language.h"
#include "ipfw-compat/names.h"

#define DESCRIPTION_VLANS_MAX 2
#define DESCRIPTION_FRAME_MAX 65600 /* an IP packet of 64 KB behind a link header with VLAN tags */
#define DESCRIPTION_TEXT_MAX 1024

/* Numbers, all in host byte order. */
enum description_field {
	FIELD_TCP_FLAGS, /* TCP_FLAG_*, and the two bits of ECN */
	FIELD_SEQUENCE,
	FIELD_ACKNOWLEDGMENT,
	FIELD_WINDOW,
	FIELD_MSS,	   /* 0: none */
	FIELD_TCP_OPTIONS, /* TCP_OPTION_* */
	FIELD_ICMP_TYPE,   /* both ICMP versions, as the next two */
	FIELD_ICMP_CODE,
	FIELD_ICMP_MTU, /* of "needfrag" and "too big" */
	FIELD_CHUNK,	/* type of the first SCTP chunk */
	FIELD_CHUNK_TAG,
	FIELD_DSCP,
	FIELD_ECN,
	FIELD_TTL, /* or hop limit */
	FIELD_ID,
	FIELD_FLOW,
	FIELD_FRAGMENT, /* FRAGMENT_RESERVED, FRAGMENT_DONT, FRAGMENT_MORE */
	FIELD_OFFSET,	/* of a fragment, bytes */
	FIELD_IP_OPTIONS,
	FIELD_EXTENSIONS, /* EXTENSION_* but that of a fragment that is one */
	FIELD_LENGTH,	  /* of the IP packet, or of what is behind the link header; bytes */
	DESCRIPTION_FIELDS
};

struct description {
	__u8 family;			 /* 4, 6, or 0: not IP */
	__u8 protocol;			 /* behind the extension headers */
	__u16 ether_type;		 /* of what is not IP */
	__u32 source[4], destination[4]; /* network order, IPv4 in [0] */
	bool ports;			 /* the following are there */
	__u16 source_port, destination_port;
	__u32 field[DESCRIPTION_FIELDS];   /* those that the packet cannot have are 0 */
	__u16 vlan[DESCRIPTION_VLANS_MAX]; /* ids, the outer one first */
	unsigned int vlans;
	bool link; /* the following are known */
	__u8 source_mac[6], destination_mac[6];
	const char *problem; /* why no more could be read of a frame; NULL: all of it */
};

/*
 * Parses the words from number `first` on, all of which belong to the description. Returns 0, or -1 with *error set
 * (EX_USAGE, EX_DATAERR).
 */
int description_parse(struct description *description, const struct words *words, int first, struct error *error);

/*
 * Writes the frame that is described, with an Ethernet header or from the IP header on, to `frame`, which has room for
 * DESCRIPTION_FRAME_MAX bytes. Checksums are right. Returns its length.
 */
size_t description_build(const struct description *description, bool ethernet, __u8 *frame);

/*
 * Reads what a frame is; `ethernet` tells that it begins with an Ethernet header. Never fails: where it cannot go on
 * it says so in description->problem.
 */
void description_read(struct description *description, const __u8 *frame, size_t length, bool ethernet);

/* Bytes of the Ethernet header and VLAN tags in front of what was described; 0 if it has none. */
size_t description_link_bytes(const struct description *description);

/* Writes the description to `text` (DESCRIPTION_TEXT_MAX bytes), with link addresses if `link` and they are known. */
void description_print(char *text, const struct description *description, bool link);

/* Tells of one thing that differs, as words. `name` is NULL for something that has no value to show. */
typedef void (*description_difference)(void *argument, const char *name, const char *before, const char *after);

/* Compares two packets and tells of each difference, in the order in which they are printed. Returns how many. */
unsigned int description_compare(const struct description *before, const struct description *after,
				 description_difference tell, void *argument);

#endif
