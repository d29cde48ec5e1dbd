/* SPDX-License-Identifier: GPL-2.0-only */
/* The segments that keepalives are: their bytes, and the way out. */
#ifndef LOADER_KEEPALIVE_SEGMENT_H
#define LOADER_KEEPALIVE_SEGMENT_H

#include <linux/types.h>
#include <netinet/in.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <stdbool.h>

/* One segment, from one end of a connection to the other: an acknowledgment and nothing else. */
struct segment {
	__u8 family;		  /* 4 or 6 */
	__u32 from[4], to[4];	  /* network order, IPv4 in [0] */
	__u32 zone;		  /* ifindex of link-local addresses, else 0 */
	__u16 from_port, to_port; /* host order, as are the numbers */
	__u32 sequence, acknowledgment;
	__u32 fib; /* routing table, 0: main */
};

#define SEGMENT_BYTES (sizeof(struct ip6_hdr) + sizeof(struct tcphdr))

/* Writes the IP packet, checksums included. Returns its length. */
size_t segment_compose(const struct segment *segment, __u8 bytes[SEGMENT_BYTES]);
/* Sends it by a raw socket of its family (IPPROTO_RAW), which gets the mark of the routing table. */
bool segment_send(const struct segment *segment, int socket);

#endif
